-- Who works through the manifest of a listing's last run. The checkpoint keeps the ARN of the
-- execution that took it, as `execution`; Step Functions knows how that execution went.
--
--   hand_on.standing(effects, state, execution) → one of
--     "free"   the last manifest was worked through, or nobody took it: list what is new
--     "busy"   another execution lists, or is at the manifest
--     "open"   another execution took it and was stopped, or died: its manifest is still to be done
--
-- A manifest whose jobs were all tried is worked through, also where some failed: these are told of
-- by weir.events.outcome, and what appears later does not wait for them. Failures are raised
-- (weir.try).
local try = require "weir.try"

-- JOBS_FAILED: the error of an execution whose jobs were all tried, and of which some failed.
local hand_on = { JOBS_FAILED = "JobsFailed" }

local function is_worked_through(found)
  if found.status == "SUCCEEDED" then return true end
  return found.status == "FAILED" and found.error == hand_on.JOBS_FAILED
end

function hand_on.standing(effects, state, execution)
  local other = state.execution
  if not execution or not other or other == execution then return "free" end

  local found, message, code = effects:read {
    service = "stepfunctions",
    operation = "DescribeExecution",
    target = other,
    input = { executionArn = other },
  }

  if not found then
    -- Step Functions forgets an execution after 90 days.
    if code == "ExecutionDoesNotExist" then return "open" end
    if effects.dry and code == "Unknown" then return "free" end
    try.fail(message, code)
  end

  if found.status == "RUNNING" then return "busy" end
  return is_worked_through(found) and "free" or "open"
end

return hand_on
