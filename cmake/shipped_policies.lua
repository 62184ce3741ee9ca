-- Writes shipped_policies.h (see shipped_policies.cmake). Runs while weir is built, with plain Lua.
--
--   lua cmake/shipped_policies.lua HEADER CMAKE DIRECTORY FILE…
package.path = "lua/?.lua;lua/?/init.lua"
-- Only the program has this module; what it suggests for a misspelt name is not shown here.
package.preload["weir.text"] = function()
  return {
    edit_distance = function() return nil end,
    likely_distance = function() return 0 end,
  }
end
local lint = require "weir.lint"

local header, cmake, directory = table.unpack(arg, 1, 3)
local paths = table.move(arg, 4, #arg, 1, {})

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function quote(path) return "'" .. path:gsub("'", "'\\''") .. "'" end

local function digest(path)
  local pipe <close> = assert(io.popen(("%s -E sha256sum %s"):format(quote(cmake), quote(path))))
  return assert(pipe:read("a"):match("^(" .. ("%x"):rep(64) .. ") "), "cmake -E sha256sum failed")
end

-- The kind of the policy in a file; "" for a helper. One that is written otherwise than the shipped
-- policies are is loaded at every start, which costs time and changes nothing.
local function kind_of(text) return text:match('\n%s*kind%s*=%s*"([%w_]+)"') or "" end

-- As the items of a C array; nil and the finding that spoils the set.
local function list_policies()
  local items = {}
  table.sort(paths)
  for i, path in ipairs(paths) do
    local name = path:sub(#directory + 2)
    local text = read(path)
    local finding = lint.check(text, name)[1]
    if finding then return nil, finding end
    items[i] = ('{"%s", "sha256:%s", "%s"}, '):format(name, digest(path), kind_of(text))
  end
  return table.concat(items)
end

local items, finding = list_policies()
if not items then
  io.stderr:write(
    ("warning: policies/%s:%d: %s[%s] %s; each start will verify the policies again\n")
    :format(finding.file, finding.line, finding.severity, finding.code, finding.message))
end
local file <close> = assert(io.open(header, "wb"))
file:write("#define SHIPPED_POLICIES ", items or "", "\n")
