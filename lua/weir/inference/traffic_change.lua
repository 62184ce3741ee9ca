-- Carries a promotion decision out, one step at a time, and tells the world about it.
--
--   traffic_change.asked(endpoint, decision, champion) → { [variant] = share } that it asks for, or
--       nil: a hold
--   traffic_change.fits(endpoint, shares) → are they shares of its variants, of all of them?
--   traffic_change.are_asked(endpoint, shares) → were they asked for already?
--   traffic_change.carry_out(effects, endpoint, shares, mode) → outcome, message, code
--       endpoint: of weir.inference.endpoint; mode: "observe" | "act". Outcomes:
--         "held"       there is nothing to do
--         "unchanged"  the shares that it asks for were asked for already
--         "observed"   it would be done, in mode "act"
--         "waiting"    the endpoint is not in service: SageMaker takes no change now
--         "done"       SageMaker took the new weights
--         "failed"     SageMaker refused; the message and code say why
--   traffic_change.tell(effects, told) → true | nil, message, code
--       One event to EventBridge (source `weir`, detail-type `Weir Promotion Decision`), and one
--       metric, PromotionDecisions by Action. told: the event's detail.
--
-- The shares that a decision asks for are all variants' shares, so that the same decision carried
-- out twice is one change.
local endpoint_module = require "weir.inference.endpoint"
local json = require "weir.json"
local settings = require "weir.settings"

local traffic_change = {}

-- SageMaker keeps weights as floats of 32 bits.
local SAME = 1e-6

-- Shares -----------------------------------------------------------------------------------------

local function shares_now(endpoint)
  local shares = {}
  for _, variant in ipairs(endpoint.variants) do shares[variant.name] = variant.asked end
  return shares
end

-- The variant gets `share`, the others divide the rest as before; where they had nothing, `heir`
-- gets it.
local function give(endpoint, name, share, heir)
  local others = 1 - endpoint_module.variant(endpoint, name).asked
  local shares = {}
  for _, variant in ipairs(endpoint.variants) do
    local part = others > SAME and variant.asked / others or (variant.name == heir and 1 or 0)
    shares[variant.name] = variant.name == name and share or part * (1 - share)
  end

  return shares
end

local function take_back(endpoint, decision)
  local shares = shares_now(endpoint)
  shares[decision.to] = shares[decision.to] + shares[decision.variant]
  shares[decision.variant] = 0

  local sum = 0
  for _, variant in ipairs(endpoint.variants) do sum = sum + shares[variant.name] end
  if sum < SAME then shares[decision.to] = 1 end

  return shares
end

function traffic_change.asked(endpoint, decision, champion)
  if decision.action == "promote" then return give(endpoint, decision.variant, 1, champion) end
  if decision.action == "rollback" then return take_back(endpoint, decision) end
  if decision.action ~= "ramp" then return nil end

  return give(endpoint, decision.variant, decision.weight, champion)
end

function traffic_change.fits(endpoint, shares)
  for name in pairs(shares) do -- any order: whether there is one
    if not endpoint_module.variant(endpoint, name) then return false end
  end

  for _, variant in ipairs(endpoint.variants) do
    if not shares[variant.name] then return false end
  end

  return true
end

function traffic_change.are_asked(endpoint, shares)
  if not traffic_change.fits(endpoint, shares) then return false end
  for _, variant in ipairs(endpoint.variants) do
    if math.abs(variant.asked - shares[variant.name]) > SAME then return false end
  end

  return true
end

-- Doing ------------------------------------------------------------------------------------------

local function update(effects, endpoint, shares)
  local weights = json.array({})
  for i, variant in ipairs(endpoint.variants) do
    weights[i] = { VariantName = variant.name, DesiredWeight = shares[variant.name] }
  end

  return effects:call {
    service = "sagemaker",
    operation = "UpdateEndpointWeightsAndCapacities",
    target = endpoint.name,
    input = { EndpointName = endpoint.name, DesiredWeightsAndCapacities = weights },
  }
end

function traffic_change.carry_out(effects, endpoint, shares, mode)
  if not shares then return "held" end
  if traffic_change.are_asked(endpoint, shares) then return "unchanged" end
  if mode ~= "act" then return "observed" end
  if endpoint.status ~= "InService" then return "waiting" end

  local done, message, code = update(effects, endpoint, shares)
  if done then return "done" end

  -- Somebody else's change may have come between the look and this.
  local now = endpoint_module.describe(effects, endpoint.name)
  if now and now.status ~= "InService" then return "waiting" end

  return "failed", message, code
end

-- Telling ----------------------------------------------------------------------------------------

local function entry_failure(output)
  local result = type(output.Entries) == "table" and output.Entries[1]
  if type(result) == "table" and result.EventId then return nil end
  return type(result) == "table" and result.ErrorCode or "MalformedResponse"
end

local function put_event(effects, told)
  local output, message, code = effects:call {
    service = "eventbridge",
    operation = "PutEvents",
    target = told.endpoint or "inference_comparison",
    input = {
      Entries = json.array {
        {
          Source = "weir",
          DetailType = "Weir Promotion Decision",
          Detail = json.encode(told),
          EventBusName = settings.text(effects, "event_bus", "default"),
        },
      },
    },
  }

  if not output then return nil, message, code end

  local failed = entry_failure(output)
  if not failed then return true end
  return nil, "EventBridge did not take the event of the decision: " .. failed, failed
end

-- What is not told is told by the next invocation, and counted then; but a failure has no other.
function traffic_change.tell(effects, told)
  local put, message, code = put_event(effects, told)
  if put or told.action == "failed" then
    effects:metric("PromotionDecisions", 1, "Count", { Action = told.action })
  end

  return put, message, code
end

return traffic_change
