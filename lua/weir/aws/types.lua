-- Members of a reply that travel as text and are not text: a service says which with
--   types = { ContentLength = "integer", IsTruncated = "boolean" }
-- for headers and XML elements alike; a "structure" is an element that may be empty. Times stay
-- texts, as the service wrote them.
local types = {}

local READERS = {
  integer = function(text)
    return text:find("^%s*[+-]?%d+%s*$") and math.tointeger(tonumber(text)) or nil
  end,
  boolean = function(text)
    local lower = text:lower()
    if lower == "true" then return true end
    if lower == "false" then return false end
  end,
  structure = function() return {} end,
}

-- read(types of a service or nil, member, text) → the value; nil for a text that is not of its type
function types.read(declared, member, text)
  local reader = text ~= nil and declared and READERS[declared[member]]
  if not reader then return text end
  return reader(text)
end

return types
