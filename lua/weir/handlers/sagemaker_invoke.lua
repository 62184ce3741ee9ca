-- Handler `sagemaker_invoke`: a Step Functions task that waits for a callback (.waitForTaskToken)
-- hands over its token and what to transform; the job that is started carries the token, and
-- sagemaker_callback answers it when the job is over.
--
-- The same event may come twice, and a retry of the task comes with a new token: both find the job
-- by its name. The record is written before the job, so that a job always finds its token. An
-- invocation that finds its job over answers at once, because that job's event may have come
-- already.
local answer = require "weir.callback.task_answer"
local events = require "weir.events"
local json = require "weir.json"
local process = require "weir.process"
local python = require "weir.callback.python"
local settings = require "weir.settings"
local token_carrier = require "weir.callback.token_carrier"
local transform_job = require "weir.callback.transform_job"
local transform_request = require "weir.callback.transform_request"
local try = require "weir.try"

-- After a failure: nothing waits under this token, since its task fails with this invocation.
local function give_up(attempt, message, code)
  local released, why = attempt.carrier:release(attempt.held)
  if released then try.fail(message, code) end

  attempt.effects:metric("TokenLeftBehind", 1, "Count", { Mode = attempt.carrier.mode })
  try.fail(("%s; and its record %s could not be removed (%s), it expires by itself")
    :format(message, attempt.held.tag.Value, why), code)
end

local function result_of(job, mode, tags, more)
  local result = {
    transform_job_name = job.TransformJobName,
    transform_job_arn = job.TransformJobArn,
    mode = mode,
    correlation_id = mode == "dynamodb" and tags.CorrelationId or nil,
  }

  for name, value in pairs(more) do result[name] = value end -- any order: copies one key at a time

  return result
end

-- The job with the name of this attempt, its tags, and the carrier it was started with.
local function find_job(attempt)
  local effects, name = attempt.effects, attempt.name
  local job = try(transform_job.describe(effects, name))
  local difference = transform_job.difference(job, attempt.request.input)

  if difference then
    try.fail(("the transform job %s is there already and has another %s; give each task a job_key "
      .. "of its own"):format(name, difference), "JobNameTaken")
  end

  local tags = try(transform_job.tags(effects, job.TransformJobArn))
  local mode = transform_job.mode_of(tags)
  if not mode then
    try.fail(("the transform job %s is there already and carries no task token"):format(name),
      "JobNameTaken")
  end

  if mode == attempt.carrier.mode then return job, tags, attempt.carrier end

  return job, tags, token_carrier.of(effects, mode)
end

-- The job carries the token now. What it is doing is asked after that: a job that still runs will
-- have an event that finds the token; of one that is over the event may have come too early.
local function after_joining(attempt, tags, carrier)
  local job = try(transform_job.describe(attempt.effects, attempt.name))
  if not transform_job.is_final(job.TransformJobStatus) then
    return result_of(job, carrier.mode, tags, { already_started = true })
  end

  local told = try(transform_job.tell(attempt.effects, attempt.request.token, job))
  carrier:forget(tags, attempt.request.token)
  return result_of(job, carrier.mode, tags,
    { already_started = true, status = job.TransformJobStatus, answered = told })
end

-- → the result, and whether the record of this attempt is the job's own
local function join_job(attempt)
  local job, tags, carrier = find_job(attempt)
  local is_stored = carrier.mode == "dynamodb" and attempt.carrier.mode == "dynamodb"
  if is_stored and tags.CorrelationId == attempt.held.tag.Value then
    -- The reply to its creation was lost.
    return result_of(job, carrier.mode, tags, { already_started = true }), true
  end

  local joined = carrier:join(job, tags, attempt.request.token)
  if joined then return after_joining(attempt, tags, carrier), false end
  return result_of(job, carrier.mode, tags, { already_started = true, superseded = true }), false
end

-- The name is taken: by an earlier delivery of this event, or by an earlier attempt of this task.
local function join(attempt)
  local result, is_own, code = try.call(join_job, attempt)
  if not result then give_up(attempt, is_own, code) end

  if not is_own then try(attempt.carrier:release(attempt.held)) end
  return result
end

local function start(attempt)
  local held, message, code, left = attempt.carrier:hold(attempt.request.token, attempt.name)
  attempt.held = held or left
  if left then give_up(attempt, message, code) end
  try(held, message, code)

  local input, output = attempt.request.input
  input.TransformJobName = attempt.name
  input.Tags[#input.Tags + 1] = held.tag
  output, message, code = attempt.effects:call {
    service = "sagemaker",
    operation = "CreateTransformJob",
    target = attempt.name,
    input = input,
  }

  if not output and code == "ResourceInUse" then return join(attempt) end
  if not output then give_up(attempt, message, code) end

  attempt.effects:metric("TransformJobsStarted", 1, "Count", { Mode = attempt.carrier.mode })
  return result_of({ TransformJobName = attempt.name, TransformJobArn = output.TransformJobArn },
    attempt.carrier.mode, { CorrelationId = held.tag.Value }, { already_started = false })
end

-- How SageMaker says that there is no such job (its model has the second). A dry run does not know.
local ABSENT = { ValidationException = true, ResourceNotFound = true, Unknown = true }

local function name_of_retry(request, retry)
  return retry == 0 and request.name or ("%s-r%d"):format(request.name, retry)
end

-- A retry of a task whose last job failed wants another job; of one whose job runs or is done, that
-- one.
local function choose_name(effects, request)
  for retry = request.retries - 1, 0, -1 do
    local name = name_of_retry(request, retry)
    local job, message, code = transform_job.describe(effects, name)
    if job then
      local status = job.TransformJobStatus
      local has_failed = transform_job.is_final(status) and status ~= "Completed"
      return has_failed and name_of_retry(request, request.retries) or name
    end

    if not ABSENT[code] then try.fail(message, code) end
  end

  return request.name
end

-- Mock mode -----------------------------------------------------------------------------------

local MOCK_FILE, MOCK_MODEL = "mock_segmentation.json", "mock-segmentation-model"

-- A small function has the memory for so many labels.
local MAX_POINTS = 1000000

-- One of ten labels for each point, the same ones every time.
local function write_mock(effects, request)
  if request.points > MAX_POINTS then
    events.invalid("point_count is %d, mock mode takes at most %d", request.points, MAX_POINTS)
  end

  local labels = json.array {}
  for i = 1, request.points do labels[i] = i % 10 end

  local folder = request.input.TransformOutput.S3OutputPath:gsub("/*$", "/")
  local bucket, prefix = events.s3_place(folder)
  local source = request.input.TransformInput.DataSource.S3DataSource
  try(effects:call {
    service = "s3",
    operation = "PutObject",
    target = prefix .. MOCK_FILE,
    input = {
      Bucket = bucket,
      Key = prefix .. MOCK_FILE,
      ContentType = "application/json",
      Body = json.encode {
        input_s3_path = source.S3Uri,
        point_count = request.points,
        labels = labels,
        model = MOCK_MODEL,
        timestamp = process.timestamp(effects:now() * 1000),
      },
    },
  })

  return prefix .. MOCK_FILE, folder .. MOCK_FILE
end

-- Answers as if the job had been done. No call goes to SageMaker or to the table.
local function pretend(effects, request)
  local key, path = write_mock(effects, request)
  local output = { output_key = key, point_count = request.points, labels_count = request.points }
  if python.is_wanted(effects) then
    output.status, output.output_s3_path = "COMPLETED", path
  else
    output.status, output.mock, output.transform_job_name = "Completed", true, request.name
    output.output_path = request.input.TransformOutput.S3OutputPath
  end

  local told = try(answer.success(effects, request.token, request.name, output))
  effects:metric("TransformJobsMocked", 1, "Count", {})
  if python.is_wanted(effects) then return output end

  return { transform_job_name = request.name, mock = true, answered = told }
end

-- The tags of every job.
local function tags_of(effects)
  local tags, stack = python.tags(effects), effects:setting("stack", "")
  if stack ~= "" then tags[#tags + 1] = { Key = "weir:stack", Value = stack } end

  return tags
end

local function run(event, _, effects)
  local defaults = python.defaults(effects)
  local is_mock = try(settings.flag(effects, "mock_mode"))
  if is_mock and not defaults.model_name then defaults = { model_name = MOCK_MODEL } end

  local request = transform_request.read(event, effects, defaults, tags_of(effects))
  if is_mock then return pretend(effects, request) end

  local carrier = token_carrier.from_settings(effects, defaults.token_storage_mode)
  local name = choose_name(effects, request)
  local result = start { effects = effects, request = request, carrier = carrier, name = name }

  if python.is_wanted(effects) then
    return python.started(result, request.input.TransformOutput.S3OutputPath)
  end

  return result
end

return {
  name = "sagemaker_invoke",
  summary = "start a Batch Transform job that answers a task token",
  run = run,
}
