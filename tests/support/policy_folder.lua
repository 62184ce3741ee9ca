-- Policy directories for the specs: written to a temporary folder, loaded through the engine,
-- removed after the test. A spec calls policy_folder.remove_all in its teardown.
local assertions = require("support.assertions")
local policy_set = require("weir.policy_set")

local policy_folder = {}

local made = {}

local function quoted(path) return "'" .. path:gsub("'", "'\\''") .. "'" end
policy_folder.quoted = quoted

-- Runs a shell command that must succeed.
function policy_folder.run(command)
  assert(os.execute(command), command)
end

-- A new empty folder, `name` inside it when given.
function policy_folder.new(name)
  local path = os.tmpname()
  os.remove(path)
  made[#made + 1] = path
  if name then path = path .. "/" .. name end
  policy_folder.run("mkdir -p " .. quoted(path))
  return path
end

function policy_folder.write(folder, name, text)
  local path = folder .. "/" .. name
  local file = io.open(path, "wb")
  if not file then
    policy_folder.run("mkdir -p " .. quoted(path:match("^(.*)/")))
    file = assert(io.open(path, "wb"))
  end
  assert(file:write(text))
  file:close()
  return path
end

-- A folder with these files: name → text. A single text is routing.lua.
function policy_folder.with(files)
  local folder = policy_folder.new()
  if type(files) == "string" then files = { ["routing.lua"] = files } end
  for name, text in pairs(files) do policy_folder.write(folder, name, text) end
  return folder
end

function policy_folder.remove_all()
  for _, path in ipairs(made) do os.execute("rm -rf " .. quoted(path)) end
  made = {}
end

-- The text of a routing policy whose decide has this body; `head` goes before it.
function policy_folder.routing(body, head)
  return (head or "") .. "\nreturn policy {\n  kind = \"routing\",\n  decide = function(facts, params)\n"
    .. body .. "\n  end,\n}\n"
end

-- The set of such files, which must load.
function policy_folder.load(files, options)
  assertions.made()
  local set, findings = policy_set.load(policy_folder.with(files), options)
  if not set then error("does not load: " .. policy_folder.describe(findings), 2) end
  return set
end

-- One line for each finding: "FILE:LINE: severity[CODE] message", FILE without its directory.
function policy_folder.describe(findings)
  local lines = {}
  for i, f in ipairs(findings) do
    lines[i] = ("%s:%d: %s[%s] %s"):format(f.file:match("[^/]*$"), f.line, f.severity, f.code, f.message)
  end
  return table.concat(lines, "\n")
end

-- What is found in a set that must not load.
function policy_folder.refused(files, options)
  assertions.made()
  local folder = type(files) == "string" and files:sub(1, 1) == "/" and files or policy_folder.with(files)
  local set, findings = policy_set.load(folder, options)
  if set then error("loads, and must not", 2) end
  if #findings == 0 then error("is refused without a finding", 2) end
  return policy_folder.describe(findings), findings
end

return policy_folder
