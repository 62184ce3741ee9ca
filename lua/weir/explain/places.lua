-- The places of a decision that one change can be made at: every fact down to the numbers, texts
-- and flags in its records and lists, those that are absent, and the policy's parameters.
--
--   of_facts(schema, facts) → list of places;  of_params(policy, params) → list of places
--
-- A place is { what = "fact" | "parameter", path = "variants.2.weight", keys = { … }, field = its
-- schema, value = what is there, nil when absent, element = true for one element of a list }.
-- A field is { name =, type =, min =, max =, values =, min_size =, max_size =, required = }.
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"

local places = {}

local MOST = 2000 -- places of one decision

local function is_absent(value) return value == nil or value == json.null end

local function joined(keys) return table.concat(keys, ".") end

local function with(keys, key)
  local longer = table.move(keys, 1, #keys, 1, {})
  longer[#longer + 1] = key
  return longer
end

local visit

local function add(list, place)
  place.what = list.what
  if #list < MOST then list[#list + 1] = place end
end

local function visit_fields(list, keys, fields, record)
  for _, field in ipairs(fields) do
    visit(list, with(keys, field.name), field, record[field.name])
  end
end

-- An element of a list is left out by taking it away, not by making it absent.
local function as_required(field)
  return setmetatable({ required = true }, { __index = field })
end

-- Every element can be left out, and what is in it can be changed.
local function visit_list(list, keys, field, value)
  for i, element in ipairs(value) do
    local inner = with(keys, i)
    add(list, {
      path = joined(inner),
      keys = inner,
      field = { type = "element" },
      value = element,
      element = true,
    })
    if field.of then visit(list, inner, as_required(field.of), element) end
  end
end

local function visit_map(list, keys, field, value)
  for key, element in sorted_pairs(value) do
    if field.of then visit(list, with(keys, key), field.of, element) end
  end
end

-- What is in a fact that may be any JSON is taken for what it looks like.
local function field_like(name, value)
  local types = { string = "text", boolean = "flag", table = "any" }
  local of_number = math.type(value) == "integer" and "integer" or "number"

  return { name = name, type = types[type(value)] or of_number }
end

local function visit_any(list, keys, value)
  if json.is_array(value) then
    for i, element in ipairs(value) do
      visit(list, with(keys, i), as_required(field_like(nil, element)), element)
    end
    return
  end

  for key, element in sorted_pairs(value) do
    visit(list, with(keys, key), field_like(key, element), element)
  end
end

function visit(list, keys, field, value)
  if is_absent(value) then value = nil end
  local is_whole = type(value) ~= "table"
  if is_whole or not field.required then
    add(list, {
      path = joined(keys),
      keys = keys,
      field = field,
      value = value,
    })
  end

  if is_whole then return end
  if field.type == "record" and field.fields then
    visit_fields(list, keys, field.fields, value)
  elseif field.type == "list" then
    visit_list(list, keys, field, value)
  elseif field.type == "map" then
    visit_map(list, keys, field, value)
  elseif field.type == "any" then
    visit_any(list, keys, value)
  end
end

function places.of_facts(schema, facts)
  local list = { what = "fact" }
  visit_fields(list, {}, schema.facts, facts)
  return list
end

-- A parameter always has a value.
function places.of_params(policy, params)
  local list = { what = "parameter" }
  for _, param in ipairs(policy.params) do
    visit(list, { param.name }, as_required(param), params[param.name])
  end

  return list
end

-- with_value(root, place, value, call) → what call returns, made with the value at the place; nil
-- leaves it out. The root is afterwards what it was.
function places.with_value(root, place, value, call)
  local keys, holder = place.keys, root
  for i = 1, #keys - 1 do holder = holder[keys[i]] end
  local key = keys[#keys]
  local before = holder[key]
  if place.element then
    table.remove(holder, key)
  else
    holder[key] = value
  end

  local result = call()
  if place.element then
    table.insert(holder, key, before)
  else
    holder[key] = before
  end

  return result
end

return places
