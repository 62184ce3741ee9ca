-- Executions of a stack's state machines that still run. A state machine is deleted only when none
-- of them runs any more, and one that waits for its callback may wait for a day: they are stopped.
--
--   executions.running(row) → list of ARNs | nil, message, code
--   executions.stop(row, note) → true | nil, message, code
--
-- row: as weir.cleanup.inventory gives it. note(text): what was done. An execution that is over
-- already is fine, and so is a state machine that is gone.
local try = require "weir.try"

local executions = {}

local WHY = "the estate is cleaned up (weir cleanup)"

-- Express executions are not listed, and end by themselves within five minutes.
local NOTHING = { StateMachineDoesNotExist = true, StateMachineTypeNotSupported = true }

local function add_running(list, row, machine)
  local found, message, code = row.client "stepfunctions":all("ListExecutions", {
    stateMachineArn = machine,
    statusFilter = "RUNNING",
  })
  if not found and not NOTHING[code] then try.fail(message, code) end
  for _, each in ipairs(found or {}) do list[#list + 1] = each.executionArn end
end

local function running(row)
  local list = {}
  for _, resource in ipairs(row.resources) do
    local machine = resource.ResourceType == "AWS::StepFunctions::StateMachine"
      and resource.PhysicalResourceId
    if machine and not resource.ResourceStatus:find("^DELETE_COMPLETE") then
      add_running(list, row, machine)
    end
  end

  return list
end

executions.running = try.catching(running)

executions.stop = try.catching(function(row, note)
  local client = row.client "stepfunctions"
  for _, arn in ipairs(running(row)) do
    try.except("ExecutionDoesNotExist", client:stop_execution {
      executionArn = arn,
      error = "CleanedUp",
      cause = WHY,
    })
    note("stopped the execution " .. arn:match("[^:]+$"))
  end

  return true
end)

return executions
