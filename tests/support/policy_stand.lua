-- Puts facts to a shipped policy twice: to the program, and to a stand-in for its sandbox in plain
-- Lua (the vocabulary as _ENV, facts that can only be read, decisions checked against their kind).
-- The two must agree, in the decision or in failing, so that every spec of a policy is one of the
-- engine, too.
local field_check = require("support.field_check")
local json = require("weir.json")
local policy_set = require("weir.policy_set")

local stand = {}

local WORDS = {
  "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type",
}
local PARAMETERS = { "integer", "number", "text", "flag", "choice" }
local LIBRARIES = { "math", "string", "table", "utf8" }
local INVARIANT_MATH = {
  "abs", "ceil", "floor", "fmod", "max", "min", "sqrt", "tointeger", "type", "huge", "pi",
}

local function load_file(path, environment)
  return assert(loadfile(path, "t", environment))()
end

-- The kind, its invariants closed over no more than the engine gives them.
function stand.kind(name)
  local environment = { string = string, table = table, math = {} }
  for _, word in ipairs(WORDS) do environment[word] = _G[word] end
  for _, word in ipairs(INVARIANT_MATH) do environment.math[word] = math[word] end
  return load_file("lua/weir/kinds/" .. name .. ".lua", environment)
end

-- A view that can be indexed and walked with ipairs and pairs, as lazy facts can; `#`, next and
-- assignment fail.
local function read_only(value)
  if type(value) ~= "table" then return value end
  return setmetatable({}, {
    __index = function(_, key) return read_only(value[key]) end,
    __pairs = function()
      return function(_, key)
        local name, item = next(value, key)
        return name, read_only(item)
      end, nil, nil
    end,
    __len = function() error("the length of facts was asked for", 2) end,
    __newindex = function() error("facts were written to", 2) end,
  })
end

local function decision_maker(spec)
  return function(given)
    local decision = {}
    assert(type(given.because) == "string", "a decision needs because")
    for key, value in pairs(given) do
      if type(key) == "string" and key ~= "because" then decision[key] = value end
    end
    local wrong = field_check.fields(spec.fields, decision)
    assert(not wrong, spec.action .. ": " .. tostring(wrong))
    decision.action = spec.action
    decision.because = #given > 0 and given.because:format(table.unpack(given)) or given.because
    return decision
  end
end

local function vocabulary(kind)
  local environment = { policy = function(parts) return parts end }
  for _, word in ipairs(WORDS) do environment[word] = _G[word] end
  for _, name in ipairs(LIBRARIES) do environment[name] = _G[name] end
  for _, name in ipairs(PARAMETERS) do
    environment[name] = function(spec)
      spec.type, spec.default = name, spec[1]
      return spec
    end
  end
  for _, spec in ipairs(kind.decisions) do environment[spec.action] = decision_maker(spec) end
  return environment
end

local function parameters(policy, given)
  local values = {}
  for name, spec in pairs(policy.params or {}) do values[name] = spec.default end
  for name, value in pairs(given or {}) do
    local spec = assert(policy.params[name], "no parameter " .. name)
    assert(not field_check.fields({ { name = name, type = spec.type, min = spec.min, max = spec.max } },
      { [name] = value }))
    values[name] = value
  end
  return read_only(values)
end

local Policy = {}
Policy.__index = Policy

-- The stand-in's decision. Raises when the facts, the decision or an invariant is wrong.
local function decide_here(self, facts, params)
  local wrong = field_check.fields(self.kind.facts, facts)
  assert(not wrong, "facts: " .. tostring(wrong))
  local decision = self.decide_with(read_only(facts), parameters(self, params))
  assert(type(decision) == "table" and decision.action, "the policy returned no decision")
  local broken = self.kind.invariants(read_only(facts), decision, decision.action)
  assert(not broken, "invariant: " .. tostring(broken))
  return decision
end

-- The program's decision; raises its message where it has none.
local function decide_there(self, facts, params)
  local answer, message, code = self.set:decide(self.kind.kind, json.encode(facts),
    { params_json = params and json.encode(params) })
  if not answer then error(code .. ": " .. message, 0) end
  local decision = json.decode(answer.decision)
  decision.because = answer.because
  return decision
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- Returns the decision, with `action` and `because`, or raises.
function Policy:decide(facts, params)
  local decided, here = pcall(decide_here, self, facts, params)
  local agreed, there = pcall(decide_there, self, facts, params)
  if decided ~= agreed or (decided and not same(here, there)) then
    error(("the program and the stand-in disagree over %s: %s and %s"):format(json.encode(facts),
      agreed and json.encode(there) or there, decided and json.encode(here) or here))
  end
  if not decided then error(there, 0) end
  return there
end

function stand.load(name)
  local kind = stand.kind(name)
  local parts = load_file("policies/" .. name .. ".lua", vocabulary(kind))
  assert(parts.kind == name)
  return setmetatable({
    kind = kind, params = parts.params, examples = parts.examples, decide_with = parts.decide,
    set = assert(policy_set.load("policies")),
  }, Policy)
end

return stand
