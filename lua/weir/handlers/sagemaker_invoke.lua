-- Handler `sagemaker_invoke`: a Step Functions task that waits for a callback (.waitForTaskToken) hands
-- over its token and what to transform; the job that is started carries the token, and
-- sagemaker_callback answers it when the job is over.
--
-- The same event may come twice, and a retry of the task comes with a new token: both find the job by
-- its name. The record is written before the job, so that a job always finds its token. Whoever comes
-- to a job that is over answers at once, because no event of that job may come any more.
local settings = require "weir.settings"
local answer = require "weir.callback.task_answer"
local token_carrier = require "weir.callback.token_carrier"
local transform_job = require "weir.callback.transform_job"
local transform_request = require "weir.callback.transform_request"

-- After a failure: nothing waits under this token, since its task fails with this invocation.
local function give_up(attempt, message, code)
  local released, why = attempt.carrier:release(attempt.held)
  if released then return nil, message, code end
  attempt.effects:metric("TokenLeftBehind", 1, "Count", { Mode = attempt.carrier.mode })
  return nil, ("%s; and its record %s could not be removed (%s), it expires by itself")
    :format(message, attempt.held.tag.Value, why), code
end

local function result_of(job, mode, tags, more)
  local result = { transform_job_name = job.TransformJobName, transform_job_arn = job.TransformJobArn, mode = mode,
    correlation_id = mode == "dynamodb" and tags.CorrelationId or nil }
  for name, value in pairs(more) do result[name] = value end
  return result
end

-- The job with the name of this attempt, its tags, and the carrier it was started with.
local function find_job(attempt)
  local effects, name = attempt.effects, attempt.name
  local job, message, code = transform_job.describe(effects, name)
  if not job then return nil, message, code end
  local difference = transform_job.difference(job, attempt.request.input)
  if difference then
    return nil, ("the transform job %s is there already and has another %s; give each task a job_key of its own")
      :format(name, difference), "JobNameTaken"
  end
  local tags, carrier
  tags, message, code = transform_job.tags(effects, job.TransformJobArn)
  if not tags then return nil, message, code end
  local mode = transform_job.mode_of(tags)
  if not mode then
    return nil, ("the transform job %s is there already and carries no task token"):format(name), "JobNameTaken"
  end
  carrier, message, code = attempt.carrier, nil, nil
  if mode ~= carrier.mode then carrier, message, code = token_carrier.of(effects, mode) end
  if not carrier then return nil, message, code end
  return job, tags, carrier
end

-- The job carries the token now. What it is doing is asked after that: a job that still runs will have
-- an event that finds the token; of one that is over the event may have come too early.
local function after_joining(attempt, tags, carrier)
  local job, message, code = transform_job.describe(attempt.effects, attempt.name)
  if not job then return nil, message, code end
  if not transform_job.is_final(job.TransformJobStatus) then
    return result_of(job, carrier.mode, tags, { already_started = true })
  end
  local told, done
  told, message, code = transform_job.tell(attempt.effects, attempt.request.token, job)
  if told == nil then return nil, message, code end
  done, message, code = carrier:forget(tags, attempt.request.token)
  if not done then return nil, message, code end
  return result_of(job, carrier.mode, tags, { already_started = true, status = job.TransformJobStatus,
    answered = told })
end

-- The name is taken: by an earlier delivery of this event, or by an earlier attempt of this task.
local function join(attempt)
  local job, tags, carrier = find_job(attempt)
  if not job then return give_up(attempt, tags, carrier) end
  local held = attempt.held
  if carrier.mode == attempt.carrier.mode and carrier.mode == "dynamodb" and tags.CorrelationId == held.tag.Value then
    return result_of(job, carrier.mode, tags, { already_started = true }) -- the reply to its creation was lost
  end
  local joined, message, code = carrier:join(job, tags, attempt.request.token)
  if joined == nil then return give_up(attempt, message, code) end
  local result = result_of(job, carrier.mode, tags, { already_started = true, superseded = true })
  if joined then
    result, message, code = after_joining(attempt, tags, carrier)
    if not result then return give_up(attempt, message, code) end
  end
  local released
  released, message, code = attempt.carrier:release(held)
  if not released then return nil, message, code end
  return result
end

local function start(attempt)
  local held, message, code, left = attempt.carrier:hold(attempt.request.token, attempt.name)
  attempt.held = held or left
  if left then return give_up(attempt, message, code) end
  if not held then return nil, message, code end
  local input = attempt.request.input
  input.TransformJobName = attempt.name
  input.Tags[#input.Tags + 1] = held.tag
  local output
  output, message, code = attempt.effects:call { service = "sagemaker", operation = "CreateTransformJob",
    target = attempt.name, input = input }
  if not output and code == "ResourceInUse" then return join(attempt) end
  if not output then return give_up(attempt, message, code) end
  attempt.effects:metric("TransformJobsStarted", 1, "Count", { Mode = attempt.carrier.mode })
  return result_of({ TransformJobName = attempt.name, TransformJobArn = output.TransformJobArn },
    attempt.carrier.mode, { CorrelationId = held.tag.Value }, { already_started = false })
end

-- How SageMaker says that there is no such job (its model has the second); in a dry run nobody knows.
local ABSENT = { ValidationException = true, ResourceNotFound = true, Unknown = true }

local function name_of_retry(request, retry)
  return retry == 0 and request.name or ("%s-r%d"):format(request.name, retry)
end

-- A retry of a task whose last job failed wants another job; of one whose job runs or is done, that one.
local function choose_name(effects, request)
  for retry = request.retries - 1, 0, -1 do
    local name = name_of_retry(request, retry)
    local job, message, code = transform_job.describe(effects, name)
    if job then
      local over = transform_job.is_final(job.TransformJobStatus) and job.TransformJobStatus ~= "Completed"
      return over and name_of_retry(request, request.retries) or name
    end
    if not ABSENT[code] then return nil, message, code end
  end
  return request.name
end

-- Answers as if the job had been done. No call goes to SageMaker or to the table.
local function pretend(effects, request)
  local told, message, code = answer.success(effects, request.token, request.name, { status = "Completed",
    mock = true, transform_job_name = request.name, output_path = request.input.TransformOutput.S3OutputPath })
  if told == nil then return nil, message, code end
  effects:metric("TransformJobsMocked", 1, "Count", {})
  return { transform_job_name = request.name, mock = true, answered = told }
end

local function run(event, _, effects)
  local mock, carrier, name
  local request, message, code = transform_request.read(event, effects)
  if not request then return nil, message, code end
  mock, message, code = settings.flag(effects, "mock_mode", false)
  if mock == nil then return nil, message, code end
  if mock then return pretend(effects, request) end
  carrier, message, code = token_carrier.from_settings(effects)
  if not carrier then return nil, message, code end
  name, message, code = choose_name(effects, request)
  if not name then return nil, message, code end
  return start { effects = effects, request = request, carrier = carrier, name = name }
end

return { name = "sagemaker_invoke", summary = "start a Batch Transform job that answers a task token", run = run }
