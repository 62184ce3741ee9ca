-- Starts an execution of a state machine for a job, under a name that follows from its idempotency
-- key: the same work twice is one execution. (A state machine of type EXPRESS starts each.)
--
--   executions.start(job, state_machine, effects)
--       → { name =, execution =, idempotency_key = } | { name =, already_started = true }
--         | nil, message, code
local json = require "weir.json"
local sha256 = require "weir.sha256"

local executions = {}

-- 80 characters at most, of the ones Step Functions allows; readable in front, unique behind.
local function name_of(job)
  local work = job.work:gsub("[^%w_-]", "_"):sub(1, 39)
  return ("%s-%s"):format(work, sha256.hex(job.idempotency_key):sub(1, 40))
end

function executions.start(job, state_machine, effects)
  local input = {}
  for name, value in pairs(job) do -- any order: copies one key at a time
    if name ~= "action" then input[name] = value end
  end

  local name = name_of(job)
  local answer, message, code = effects:call {
    service = "stepfunctions",
    operation = "StartExecution",
    target = state_machine,
    input = { stateMachineArn = state_machine, name = name, input = json.encode(input) },
  }

  -- The same job was started before: that is what the name is for.
  if code == "ExecutionAlreadyExists" then return { name = name, already_started = true } end
  if not answer then return nil, message, code end

  return { name = name, execution = answer.executionArn, idempotency_key = job.idempotency_key }
end

return executions
