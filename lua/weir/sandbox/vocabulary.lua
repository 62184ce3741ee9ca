-- The words that a policy file is written in: `policy` and the parameter constructors. (Decision
-- constructors such as `realtime` come from the kinds and are made by host/policy_kind.c.)
--
-- Runs once in each sandbox, before any policy, as trusted code: called with the list of kinds and
-- a function that tells whether a decision is going on, it returns the words and the table in which
-- `policy` notes what it accepted. A mistake raises with the operator's file and line.
--
-- What a word checked is kept here, out of the policy's reach: the tables that policies hold can
-- still be changed after the check.
local kinds, is_deciding = ...

local accepted = {}   -- what `policy` was given → the checked policy
local parameters = {} -- what `integer` and the like returned → the checked parameter

local CALLER = 3 -- the level of the policy file, seen from the helpers below

local function names_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  return table.concat(names, ", ")
end

local function check_keys(what, given, allowed)
  for key in pairs(given) do
    if not allowed[key] then
      error(("%s has no '%s'; it has: %s"):format(what, tostring(key), names_of(allowed)), CALLER + 1)
    end
  end
end

local function is_integer(value) return math.type(value) == "integer" end
local function is_number(value) return type(value) == "number" end
local function is_text(value) return type(value) == "string" and utf8.len(value) ~= nil end
local function is_flag(value) return type(value) == "boolean" end

-- A NaN is no bound: everything would be outside of it.
local function is_bound(value) return value == nil or (is_number(value) and value == value) end

local function is_list_of_texts(values)
  if type(values) ~= "table" or #values == 0 then return false end
  for i = 1, #values do
    if not is_text(values[i]) then return false end
  end
  return true
end

-- These tables grow with every call, and a decision leaves nothing behind.
local function refuse_in_decide(word)
  if is_deciding() then error(word .. " describes a policy; use it outside of decide", CALLER) end
end

-- One constructor for each type of parameter: `integer { 10, min = 1, max = 100, doc = "…" }`.
local function parameter(type_name, allowed, is_default)
  allowed[1], allowed.doc = true, true
  return function(spec)
    refuse_in_decide(type_name)
    if type(spec) ~= "table" then
      error(("expected %s { default, doc = \"…\" }"):format(type_name), CALLER - 1)
    end
    check_keys(type_name, spec, allowed)
    if not is_default(spec[1]) then
      error(("%s needs its default first: %s { default, … }"):format(type_name, type_name), CALLER - 1)
    end
    if spec.doc ~= nil and not is_text(spec.doc) then
      error(type_name .. ": doc must be a text", CALLER - 1)
    end
    if not (is_bound(spec.min) and is_bound(spec.max)) then
      error(type_name .. ": min and max must be numbers", CALLER - 1)
    end
    if allowed.values and not is_list_of_texts(spec.values) then
      error(type_name .. " needs values = { \"…\", … }", CALLER - 1)
    end
    local token = {}
    parameters[token] = {
      type = type_name, default = spec[1], doc = spec.doc,
      min = spec.min, max = spec.max, values = spec.values,
    }
    return token
  end
end

local words = {
  integer = parameter("integer", { min = true, max = true }, is_integer),
  number = parameter("number", { min = true, max = true }, is_number),
  text = parameter("text", {}, is_text),
  flag = parameter("flag", {}, is_flag),
  choice = parameter("choice", { values = true }, is_text),
}

local POLICY_KEYS = { kind = true, name = true, doc = true, params = true, decide = true, examples = true }
local EXAMPLE_KEYS = { given = true, expect = true, params = true, doc = true }

-- Returns the checked parameters by name.
local function check_params(params)
  if type(params) ~= "table" then error("params must be a table of parameters", CALLER) end
  local checked = {}
  for name, spec in pairs(params) do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
      error(("params: '%s' is not a name"):format(tostring(name)), CALLER)
    end
    if not parameters[spec] then
      error(("params.%s must be made with integer, number, text, flag or choice"):format(name), CALLER)
    end
    checked[name] = parameters[spec]
  end
  return checked
end

local function check_examples(examples)
  if type(examples) ~= "table" then error("examples must be a list", CALLER) end
  for i, example in ipairs(examples) do
    if type(example) ~= "table" then error(("examples[%d] must be a table"):format(i), CALLER) end
    check_keys(("examples[%d]"):format(i), example, EXAMPLE_KEYS)
    if type(example.given) ~= "table" then
      error(("examples[%d] needs given = { facts }"):format(i), CALLER)
    end
    if type(example.expect) ~= "string" and type(example.expect) ~= "table" then
      error(("examples[%d] needs expect = \"action\" or { action = …, field = … }"):format(i), CALLER)
    end
  end
end

function words.policy(spec)
  refuse_in_decide("policy")
  if type(spec) ~= "table" then error("expected policy { kind = …, decide = … }", 2) end
  check_keys("policy", spec, POLICY_KEYS)
  local known = false
  for _, kind in ipairs(kinds) do known = known or kind == spec.kind end
  if not known then
    error(("kind must be one of: %s"):format(table.concat(kinds, ", ")), 2)
  end
  if spec.name ~= nil and not is_text(spec.name) then error("name must be a text", 2) end
  if type(spec.decide) ~= "function" then error("decide must be a function(facts, params)", 2) end
  check_examples(spec.examples or {})
  accepted[spec] = {
    kind = spec.kind, name = spec.name, params = check_params(spec.params or {}),
    decide = spec.decide, examples = spec.examples,
  }
  return spec
end

return words, accepted
