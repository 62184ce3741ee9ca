-- Checks the field specs (docs/kinds.md) of what a policy set declares: its own facts and kinds,
-- and the elements of its parameters.
--
-- Runs inside each sandbox, before any file of the set, as trusted code. What is checked is copied:
-- the tables that the set's files hold can still be changed afterwards.
--
--   unknown_key(what, given, allowed)   → a text about the first key that is not allowed, or nil
--   count(what, list)                   → the number of its elements | nil, text
--   refuse(about, format, …)            raises; about: the name that the mistake is at, or nil
--   checked(check, …)                   → what check(…) gives | nil, text, about
--   list(what, specs, rules)            → a copy of the specs. Raises through refuse
--   element(what, spec, rules)          → the same for one spec without a name
--
-- rules = { bounded = true, more = { key = check } }: whether lists and maps need max_items, and
-- which further keys the specs may have; check(what, value, copied) raises through refuse.
local fields = {}

-- As in host/policy/schema.h.
local MOST_FIELDS, MOST_UNIQUE, MOST_SIZE = 64, 100, 1 << 30

-- Deeper specs are a mistake, or a table that holds itself.
local MOST_DEPTH = 16

local MOST_NAME = 64

-- Mistakes ------------------------------------------------------------------------------------

function fields.refuse(about, format, ...)
  error({ text = format:format(...), about = about }, 0)
end

function fields.checked(check, ...)
  local ok, result = pcall(check, ...)
  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end

  return nil, result.text, result.about
end

local refuse = fields.refuse

function fields.is_text(value) return type(value) == "string" and utf8.len(value) ~= nil end

local function names_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end -- any order: the sandbox's own pairs sorts
  return table.concat(names, ", ")
end

-- Keys that have no order, such as tables, make `pairs` raise. Called through pcall, it does not
-- name a line of this file. → iterator, state | nil, text
function fields.pairs(what, value)
  local ok, step, state = pcall(pairs, value) -- any order: the sandbox's own pairs sorts
  if not ok then return nil, what .. ": " .. step end
  return step, state
end

function fields.unknown_key(what, given, allowed)
  local step, state = fields.pairs(what, given)
  if not step then return state end
  for key in step, state do
    if not allowed[key] then
      return ("%s has no '%s'; it has: %s"):format(what, tostring(key), names_of(allowed))
    end
  end
end

-- An element under a name or behind a hole would be dropped silently.
function fields.count(what, list)
  local count = 0
  local step, state = fields.pairs(what, list)
  if not step then return nil, state end
  for key in step, state do
    if math.type(key) == "integer" and key > count + 1 then
      return nil, ("%s[%d] is nil; what follows it would never be seen"):format(what, count + 1)
    elseif key ~= count + 1 then
      return nil, ("%s is a list, and '%s' is not a place in it; leave the key out")
        :format(what, tostring(key))
    end

    count = key
  end

  return count
end

-- The number of elements of what must be a list.
local function count_of(about, what, list)
  if type(list) ~= "table" then refuse(about, "%s must be a list", what) end
  local count, problem = fields.count(what, list)
  if not count then refuse(about, "%s", problem) end

  return count
end

-- Copies the values that a choice allows.
function fields.values(about, what, values)
  if type(values) ~= "table" or next(values) == nil then -- any order: is there one?
    refuse(about, "%s needs values = { \"…\", … }", what)
  end

  local copied, places = {}, {}
  for i = 1, count_of(about, what .. ": values", values) do
    local value = values[i]
    if not fields.is_text(value) then refuse(about, "%s: values[%d] must be a text", what, i) end
    if places[value] then
      refuse(about, "%s: values[%d] and values[%d] are both \"%s\"", what, places[value], i, value)
    end

    places[value], copied[i] = i, value
  end

  return copied
end

-- Specs ---------------------------------------------------------------------------------------

local function keys(text)
  local set = { name = true, type = true, doc = true, required = true, unit = true }
  for key in text:gmatch("%S+") do set[key] = true end
  return set
end

local KEYS = {
  integer = keys "min max", number = keys "min max", text = keys "min_size max_size",
  flag = keys "", choice = keys "values", any = keys "", record = keys "fields",
  list = keys "of min_items max_items unique_by", map = keys "of min_items max_items",
}

-- NaN is not a bound: every value would be outside of it.
local function is_bound(value) return type(value) == "number" and value == value end

local function is_size(value)
  return math.type(value) == "integer" and value >= 0 and value <= MOST_SIZE
end

local BOUNDS = {
  { "min", "max", is_bound, "a number" },
  { "min_size", "max_size", is_size, "a whole number of bytes" },
  { "min_items", "max_items", is_size, "a whole number" },
}

local function copy_bounds(about, what, spec, copied)
  for _, bound in ipairs(BOUNDS) do
    local low, high, fits, noun = table.unpack(bound)
    for _, key in ipairs { low, high } do
      local value = spec[key]
      if value ~= nil and not fits(value) then
        refuse(about, "%s: %s must be %s", what, key, noun)
      end

      copied[key] = value
    end

    if spec[low] and spec[high] and spec[low] > spec[high] then
      refuse(about, "%s: %s is above %s", what, low, high)
    end
  end
end

local function is_required(specs, name)
  for _, spec in ipairs(specs or {}) do
    if spec.name == name then return spec.required end
  end
end

local function copy_unique_by(about, what, spec, copied)
  if spec.unique_by == nil then return end
  if not is_required(copied.of.fields, spec.unique_by) then
    refuse(about, "%s: unique_by must name a required field of the list's records", what)
  elseif not copied.max_items or copied.max_items > MOST_UNIQUE then
    refuse(about, "%s: unique_by needs max_items of at most %d", what, MOST_UNIQUE)
  end

  copied.unique_by = spec.unique_by
end

local copy_spec, copy_list

local function copy_items(about, what, spec, rules, depth, copied)
  if rules.bounded and not copied.max_items then
    refuse(about, "%s: a %s needs max_items", what, spec.type)
  end

  if spec.of == nil then refuse(about, "%s: a %s needs of = { type = … }", what, spec.type) end
  copied.of = copy_spec(about, what .. ".of", spec.of, rules, depth + 1)
  copy_unique_by(about, what, spec, copied)
end

local function copy_fields(_, what, spec, rules, depth, copied)
  copied.fields = copy_list(what .. ".fields", spec.fields, rules, depth + 1)
end

local function copy_values(about, what, spec, _, _, copied)
  copied.values = fields.values(about, what, spec.values)
end

local COPY_INNER = {
  list = copy_items, map = copy_items, record = copy_fields, choice = copy_values,
}

-- Further keys of the rules are for the specs of the list itself, not for those inside of them.
local function check_keys(about, what, spec, more)
  local known = KEYS[spec.type]
  local step, state = fields.pairs(what, spec)
  if not step then refuse(about, "%s", state) end
  for key in step, state do
    if not known[key] and not more[key] then
      refuse(about, "%s: a field of type %s has no '%s'; it has: %s", what, spec.type,
        tostring(key), names_of(known))
    end
  end
end

local function check_type(about, what, spec, depth)
  if type(spec) ~= "table" then
    refuse(about, "%s must be a field spec, such as { type = \"integer\", min = 0 }", what)
  elseif depth > MOST_DEPTH then
    refuse(about, "%s: field specs are nested more than %d deep", what, MOST_DEPTH)
  elseif not KEYS[spec.type] then
    local is = type(spec.type) == "string" and ("the type '%s' is unknown"):format(spec.type)
      or "the type is missing"
    refuse(about, "%s: %s; types are: %s", what, is, names_of(KEYS))
  end
end

local function check_texts(about, what, spec)
  for _, key in ipairs { "doc", "unit" } do
    if spec[key] ~= nil and not fields.is_text(spec[key]) then
      refuse(about, "%s: %s must be a text", what, key)
    end
  end

  if spec.required ~= nil and type(spec.required) ~= "boolean" then
    refuse(about, "%s: required must be true or false", what)
  end
end

function copy_spec(about, what, spec, rules, depth, more)
  check_type(about, what, spec, depth)
  check_keys(about, what, spec, more or {})
  check_texts(about, what, spec)

  local copied = {
    name = spec.name, type = spec.type, doc = spec.doc, unit = spec.unit, required = spec.required,
  }
  copy_bounds(about, what, spec, copied)
  local copy_inner = COPY_INNER[spec.type]
  if copy_inner then copy_inner(about, what, spec, rules, depth, copied) end

  return copied
end

local function check_name(what, spec)
  local name = type(spec) == "table" and spec.name
  if type(name) ~= "string" or not name:find("^[a-z][a-z0-9_]*$") or #name > MOST_NAME then
    refuse(nil, "%s needs a name: small letters, digits and _, at most %d", what, MOST_NAME)
  end

  return name
end

function copy_list(what, specs, rules, depth, more)
  local copied, places = {}, {}
  local count = count_of(nil, what, specs)
  if count > MOST_FIELDS then refuse(nil, "%s has more than %d fields", what, MOST_FIELDS) end

  for i = 1, count do
    local spec = specs[i]
    local name = check_name(("%s[%d]"):format(what, i), spec)
    local path = what .. "." .. name
    if places[name] then refuse(name, "%s is there twice", path) end
    copied[i] = copy_spec(name, path, spec, rules, depth, more)
    if not spec.doc then refuse(name, "%s needs doc = \"…\": say what it means", path) end

    for key, check in pairs(more or {}) do -- any order: the sandbox's own pairs sorts
      if spec[key] ~= nil then check(path, spec[key], copied[i]) end
    end

    places[name] = i
  end

  return copied
end

function fields.list(what, specs, rules) return copy_list(what, specs, rules, 1, rules.more) end

function fields.element(what, spec, rules) return copy_spec(nil, what, spec, rules, 1) end

return fields
