-- One of the shipped policies, for specs that ask it many questions. The set is loaded through the
-- engine, so its examples have passed, and every decision is held to the kind's invariants.
local json = require("weir.json")
local policy_set = require("weir.policy_set")

local Policy = {}
Policy.__index = Policy

-- Returns the decision, with `action` and `because` among its fields, or raises "CODE: message".
function Policy:decide(facts, params)
  local answer, message, code = self.set:decide(self.name, json.encode(facts),
    { params_json = params and json.encode(params) })
  if not answer then error(code .. ": " .. message, 0) end

  local decision = json.decode(answer.decision)
  decision.because = answer.because
  return decision
end

local shipped_policy = {}

function shipped_policy.load(name)
  return setmetatable({ name = name, set = assert(policy_set.load("policies")) }, Policy)
end

return shipped_policy
