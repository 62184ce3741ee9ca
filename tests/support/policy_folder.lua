-- Policy directories for the specs: written to a temporary folder, loaded through the engine,
-- removed after the test. A spec calls policy_folder.remove_all in its teardown.
local assertions = require("support.assertions")
local files = require("support.files")
local policy_set = require("weir.policy_set")

local policy_folder = {}

policy_folder.quoted, policy_folder.run = files.quote, files.shell
policy_folder.remove_all = files.remove_all

-- A new empty folder, `name` inside it when given.
function policy_folder.new(name)
  local path = files.directory()
  if not name then return path end
  files.shell("mkdir -p " .. files.quote(path .. "/" .. name))

  return path .. "/" .. name
end

function policy_folder.write(folder, name, text) return files.write(folder .. "/" .. name, text) end

-- A folder with these files: name → text. A single text is routing.lua.
function policy_folder.with(contents)
  if type(contents) == "string" then contents = { ["routing.lua"] = contents } end
  return files.directory(contents)
end

-- The text of a routing policy whose decide has this body; `head` goes before it.
function policy_folder.routing(body, head)
  return (head or "")
    .. "\nreturn policy {\n  kind = \"routing\",\n  decide = function(facts, params)\n"
    .. body .. "\n  end,\n}\n"
end

-- The set of such files, which must load.
function policy_folder.load(contents, options)
  assertions.made()
  local set, findings = policy_set.load(policy_folder.with(contents), options)
  if not set then error("does not load: " .. policy_folder.describe(findings), 2) end

  return set
end

-- One line for each finding: "FILE:LINE: severity[CODE] message", FILE without its directory.
function policy_folder.describe(findings)
  local lines = {}
  for i, f in ipairs(findings) do
    lines[i] = ("%s:%d: %s[%s] %s"):format(f.file:match("[^/]*$"), f.line, f.severity, f.code,
      f.message)
  end

  return table.concat(lines, "\n")
end

-- What is found in a set that must not load.
function policy_folder.refused(contents, options)
  assertions.made()
  local is_path = type(contents) == "string" and contents:sub(1, 1) == "/"
  local folder = is_path and contents or policy_folder.with(contents)
  local set, findings = policy_set.load(folder, options)
  if set then error("loads, and must not", 2) end
  if #findings == 0 then error("is refused without a finding", 2) end

  return policy_folder.describe(findings), findings
end

return policy_folder
