-- Whether two documents of the same object say the same, apart from what a model wrote.
--
--   documents.difference(one, other, ignored) → nil | { field =, polling =, events = }
--
-- one, other: their texts. ignored: set of top-level names. A document that is not JSON is compared
-- byte by byte.
local description = require "weir.processing.description"
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"

local documents = { MODEL_FIELDS = description.FIELDS }

local function shown(value)
  if value == nil then return "(absent)" end
  return json.encode(value)
end

local function differ(field, one, other)
  return { field = field, polling = shown(one), events = shown(other) }
end

local first_difference

local function difference_of_members(one, other, place, ignored)
  local names = {}
  for name in pairs(one) do names[name] = true end -- any order: collects a set
  for name in pairs(other) do names[name] = true end -- any order: collects a set
  for name in sorted_pairs(names) do
    if not ignored[name] then
      local inner = math.type(name) == "integer" and ("%s[%d]"):format(place, name - 1)
        or (place == "" and name or place .. "." .. name)
      local found = first_difference(one[name], other[name], inner, {})
      if found then return found end
    end
  end
end

function first_difference(one, other, place, ignored)
  local are_tables = type(one) == "table" and type(other) == "table"
  if are_tables and json.is_array(one) == json.is_array(other) then
    return difference_of_members(one, other, place, ignored)
  end

  if one ~= other then return differ(place, one, other) end
end

function documents.difference(one, other, ignored)
  if one == other then return nil end
  local decoded, other_decoded = json.decode(one), json.decode(other)
  if type(decoded) ~= "table" or type(other_decoded) ~= "table" then
    return { field = "(bytes)", polling = #one .. " bytes", events = #other .. " bytes" }
  end

  return first_difference(decoded, other_decoded, "", ignored)
end

return documents
