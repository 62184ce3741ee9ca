-- The words that a policy file is written in: `policy` and the parameter constructors. (Decision
-- constructors such as `realtime` come from the kinds and are made by host/policy/kind.c.)
--
-- Runs once in each sandbox, before any file of the set, as trusted code. It is called with the
-- list of kinds, which the set's own are added to, a function that tells whether a decision is
-- going on, and weir.sandbox.fields; it returns the words, and the table in which `policy` notes
-- what it accepted. A mistake raises with the operator's file and line.
--
-- What a word checked is copied: the tables that policies hold can still be changed afterwards.
local kinds, is_deciding, fields = ...

local accepted = {}   -- what `policy` was given → the checked policy
local parameters = {} -- what `integer` and the like returned → the checked parameter

-- A deeper value is not copied: whoever writes it as JSON refuses it.
local COPY_DEPTH = 100

local is_text = fields.is_text

local function copy(value, depth, copies)
  if type(value) ~= "table" or depth > COPY_DEPTH then return value end
  if copies[value] then return copies[value] end
  local copied = {}
  copies[value] = copied
  for key, inner in pairs(value) do -- any order: the sandbox's own pairs sorts
    copied[key] = copy(inner, depth + 1, copies)
  end

  return copied
end

local function is_integer(value) return math.type(value) == "integer" end
local function is_number(value) return type(value) == "number" end
local function is_flag(value) return type(value) == "boolean" end
local function is_table(value) return type(value) == "table" end

-- NaN is not a bound: every value would be outside of it.
local function is_bound(value) return value == nil or (is_number(value) and value == value) end

local TYPE_NAMES = {
  integer = "a whole number", number = "a number", text = "a text", flag = "true or false",
  choice = "a text", list = "a list", map = "a table of values by name",
}

local function wrong_default(type_name, default)
  if default == nil then
    return ("%s needs its default first: %s { default, … }"):format(type_name, type_name)
  elseif tonumber(default) and type(default) == "string"
    and (type_name == "integer" or type_name == "number") then
    return ("%s: the default is the text \"%s\"; write %s { %s, … } without quotes")
      :format(type_name, default, type_name, default)
  elseif type(default) == "number" and (type_name == "text" or type_name == "choice") then
    return ("%s: the default is a number; write %s { \"%s\", … } with quotes")
      :format(type_name, type_name, tostring(default))
  end

  local whole = type_name == "integer" and math.tointeger(default)
  if whole then
    return ("integer: the default is %s; write integer { %d, … }"):format(tostring(default), whole)
  end

  local is = type(default) == "string" and (is_text(default) and "a text" or "not UTF-8")
    or type(default) == "boolean" and "a flag"
    or type(default) == "number" and type_name == "integer" and "a fraction"
    or "a " .. type(default)
  return ("%s: the default must be %s, and is %s"):format(type_name, TYPE_NAMES[type_name], is)
end

-- Adds how long a text, and what a choice, a list or a map may be. Raises through fields.refuse.
local function add_shape(shape, allowed, spec)
  if allowed.min_size then
    local held = fields.element(shape.type, {
      type = shape.type,
      min_size = spec.min_size,
      max_size = spec.max_size,
    }, {})
    shape.min_size, shape.max_size = held.min_size, held.max_size
  elseif allowed.values then
    shape.values = fields.values(nil, shape.type, spec.values)
  elseif allowed.of then
    local held = fields.element(shape.type, {
      type = shape.type,
      of = spec.of,
      min_items = spec.min_items,
      max_items = spec.max_items,
      unique_by = spec.unique_by,
    }, { bounded = true })
    shape.of, shape.unique_by = held.of, held.unique_by
    shape.min_items, shape.max_items = held.min_items, held.max_items
  end

  return shape
end

-- integer { default = 10 }, list { "a", "b" }: the default is the one value without a name.
local function unnamed_default(type_name, spec)
  if spec[1] == nil and spec.default ~= nil then
    return ("%s: the default stands first, without a name: %s { default, … }")
      :format(type_name, type_name)
  elseif spec[2] ~= nil then
    local list = type_name == "list" and "; a list stands in braces of its own: { { … }, of = … }"
      or type_name == "choice" and "; the values stand in values = { … }"
    return ("%s: one default stands without a name, and this has more%s")
      :format(type_name, list or "")
  end
end

-- Returns the checked parameter, or nil and a text.
local function check_parameter(type_name, allowed, is_default, spec)
  if type(spec) ~= "table" then
    return nil, ("expected %s { default, doc = \"…\" }"):format(type_name)
  end

  local problem = unnamed_default(type_name, spec) or fields.unknown_key(type_name, spec, allowed)
  if problem then return nil, problem end
  if not is_default(spec[1]) then return nil, wrong_default(type_name, spec[1]) end
  if spec.doc ~= nil and not is_text(spec.doc) then
    return nil, type_name .. ": doc must be a text"
  end

  if not (is_bound(spec.min) and is_bound(spec.max)) then
    return nil, type_name .. ": min and max must be numbers"
  end

  local shape = {
    type = type_name, default = spec[1], doc = spec.doc, min = spec.min, max = spec.max,
  }
  return fields.checked(add_shape, shape, allowed, spec)
end

-- These tables grow with every call, and a decision leaves nothing behind.
local function refusal_in_decide(word)
  return is_deciding() and word .. " describes a policy; use it outside of decide"
end

-- One constructor for each type of parameter: `integer { 10, min = 1, max = 100, doc = "…" }`.
local function parameter(type_name, allowed, is_default)
  allowed[1], allowed.doc = true, true
  return function(spec)
    local refusal = refusal_in_decide(type_name)
    if refusal then error(refusal, 2) end
    local checked, problem = check_parameter(type_name, allowed, is_default, spec)
    if not checked then error(problem, 2) end
    local token = {}
    parameters[token] = checked

    return token
  end
end

local words = {
  integer = parameter("integer", { min = true, max = true }, is_integer),
  number = parameter("number", { min = true, max = true }, is_number),
  text = parameter("text", { min_size = true, max_size = true }, is_text),
  flag = parameter("flag", {}, is_flag),
  choice = parameter("choice", { values = true }, is_text),
  list = parameter("list", { of = true, min_items = true, max_items = true, unique_by = true },
    is_table),
  map = parameter("map", { of = true, min_items = true, max_items = true }, is_table),
}

local POLICY_KEYS = {
  kind = true, name = true, doc = true, params = true, decide = true, examples = true,
}
local EXAMPLE_KEYS = { given = true, expect = true, params = true, doc = true }

-- Returns the checked parameters by name, or nil and a text.
local function check_params(params)
  if params == nil then return {} end
  if type(params) ~= "table" then return nil, "params must be a table of parameters" end
  local step, state = fields.pairs("params", params)
  if not step then return nil, state end

  local checked = {}
  for name, spec in step, state do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
      return nil, ("params: '%s' is not a name"):format(tostring(name))
    end

    if not parameters[spec] then
      return nil, ("params.%s must be made with integer, number, text, flag, choice, list or map")
        :format(name)
    end

    checked[name] = parameters[spec]
  end

  return checked
end

-- Returns a text about what is wrong with one example, or nil.
local function wrong_example(what, example)
  if type(example) ~= "table" then return what .. " must be a table" end
  local problem = fields.unknown_key(what, example, EXAMPLE_KEYS)
  if problem then return problem end
  if type(example.given) ~= "table" then return what .. " needs given = { facts }" end
  if type(example.expect) ~= "string" and type(example.expect) ~= "table" then
    return what .. " needs expect = \"action\" or { action = …, field = … }"
  end

  if example.params ~= nil and type(example.params) ~= "table" then
    return what .. ": params must be a table of values by name"
  end

  if example.doc ~= nil and not is_text(example.doc) then return what .. ": doc must be a text" end
end

-- Returns a copy of the examples, all of which will run, or nil and a text.
local function check_examples(examples)
  if examples == nil then return {} end
  if type(examples) ~= "table" then return nil, "examples must be a list" end
  local count, problem = fields.count("examples", examples)
  if not count then return nil, problem end
  for i = 1, count do
    problem = wrong_example(("examples[%d]"):format(i), examples[i])
    if problem then return nil, problem end
  end

  local ok, copied = pcall(copy, examples, 0, {})
  if not ok then return nil, "examples: keys must be texts or the places of a list" end
  return copied
end

-- Returns the checked policy, or nil and a text.
local function check_policy(spec)
  if type(spec) ~= "table" then return nil, "expected policy { kind = …, decide = … }" end
  local problem = fields.unknown_key("policy", spec, POLICY_KEYS)
  if problem then return nil, problem end
  local known = false
  for _, kind in ipairs(kinds) do known = known or kind == spec.kind end
  if not known then return nil, ("kind must be one of: %s"):format(table.concat(kinds, ", ")) end
  if spec.name ~= nil and not is_text(spec.name) then return nil, "name must be a text" end
  if spec.doc ~= nil and not is_text(spec.doc) then return nil, "doc must be a text" end
  if type(spec.decide) ~= "function" then
    return nil, "decide must be a function(facts, params)"
  end

  local examples, params
  examples, problem = check_examples(spec.examples)
  if not examples then return nil, problem end
  params, problem = check_params(spec.params)
  if not params then return nil, problem end

  return {
    kind = spec.kind, name = spec.name, params = params, decide = spec.decide, examples = examples,
  }
end

function words.policy(spec)
  local refusal = refusal_in_decide("policy")
  if refusal then error(refusal, 2) end
  local checked, problem = check_policy(spec)
  if not checked then error(problem, 2) end
  accepted[spec] = checked

  return spec
end

return words, accepted
