-- Loads the shipped policies and kinds in a stand-in for the sandbox: the vocabulary of design §3
-- as _ENV, facts that can only be read, decisions checked against their kind. It is plain Lua,
-- so that specs and properties can put thousands of facts to a policy and look at its answer
-- without the engine in between.
local field_check = require("support.field_check")

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
    decision.because = given.because:format(table.unpack(given))
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

-- Returns the decision, with `action` and `because`; raises when the facts, the decision or an
-- invariant is wrong.
function Policy:decide(facts, params)
  local wrong = field_check.fields(self.kind.facts, facts)
  assert(not wrong, "facts: " .. tostring(wrong))
  local decision = self.decide_with(read_only(facts), parameters(self, params))
  assert(type(decision) == "table" and decision.action, "the policy returned no decision")
  local broken = self.kind.invariants(read_only(facts), decision)
  assert(not broken, "invariant: " .. tostring(broken))
  return decision
end

function stand.load(name)
  local kind = stand.kind(name)
  local parts = load_file("policies/" .. name .. ".lua", vocabulary(kind))
  assert(parts.kind == name)
  return setmetatable({
    kind = kind, params = parts.params, examples = parts.examples, decide_with = parts.decide,
  }, Policy)
end

return stand
