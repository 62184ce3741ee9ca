-- JSON values that a test damages place by place.
--
--   json_places.copy(value)   a copy of it, with all that is in it; lists stay lists
--   json_places.of(value)     every place below its top, always in the same order: list of
--                             { the table it is in, its name }
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"

local json_places = {}

function json_places.copy(value)
  if type(value) ~= "table" then return value end
  local made = json.is_array(value) and json.array {} or {}
  for name, item in pairs(value) do made[name] = json_places.copy(item) end

  return made
end

local function add(value, list)
  for name, item in sorted_pairs(value) do
    list[#list + 1] = { value, name }
    if type(item) == "table" then add(item, list) end
  end

  return list
end

function json_places.of(value) return add(value, {}) end

return json_places
