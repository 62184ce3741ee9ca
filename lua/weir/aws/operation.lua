-- An operation of a service as clients need it, made from its line in the service's table, and the
-- check of what a caller gives it. A caller's mistake raises and quotes the expected call.
local sorted_pairs = require "weir.sorted_pairs"

local operation = {}

-- complete(operation, name, service): fills in name, members and types. `members` names the members
-- of the input, those that are required with a star.
function operation.complete(self, name, service)
  self.name, self.types = name, service.types
  self.known, self.required, self.shown = {}, {}, {}
  for member, star in self.members:gmatch("(%w[%w_]*)(%*?)") do
    self.known[member] = true
    self.shown[#self.shown + 1] = member .. (star == "*" and "=" or "=?")
    if star == "*" then self.required[#self.required + 1] = member end
  end
end

-- find(service, name) → the operation; raises where there is none
function operation.find(service, name)
  local found = service.operations[name]
  if found then return found end
  error(("%s has no operation '%s'"):format(service.name, tostring(name)), 4)
end

local function signature_of(service, self)
  return ('%s:call("%s", {%s})'):format(service.name, self.name, table.concat(self.shown, ", "))
end

function operation.check_input(service, self, input)
  if type(input) ~= "table" then error("expected " .. signature_of(service, self), 4) end
  for member in sorted_pairs(input) do
    if not self.known[member] then
      error(("unknown member '%s'; expected %s"):format(tostring(member),
        signature_of(service, self)), 4)
    end
  end

  for _, member in ipairs(self.required) do
    if input[member] == nil then
      error(("%s is missing; expected %s"):format(member, signature_of(service, self)), 4)
    end
  end
end

-- "StartExecution" → "start_execution", "ListObjectsV2" → "list_objects_v2"
function operation.lua_name(name)
  return (name:gsub("(%l)(%u)", "%1_%2"):gsub("(%u)(%u%l)", "%1_%2"):lower())
end

return operation
