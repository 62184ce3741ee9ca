-- Handler `sagemaker_callback`: an event "SageMaker Transform Job State Change" becomes the answer to
-- the task that waits for the job. What the event says is only a hint: the job's state, its tags and
-- its record are looked up, in this order, so that a token that was put there while the job still ran
-- is never missed.
--
-- Events come at least once, late and in any order. A call that failed fails the invocation, and the
-- event comes again: the record is removed only after Step Functions took the answer.
--
-- Two more events are for a schedule: { "heartbeat": "running" } or { "heartbeat": ["job", …] } does the
-- same for jobs in progress, or for these: their tasks get a heartbeat, or the answer that was missed.
local json = require "weir.json"
local secret = require "weir.secret"
local answer = require "weir.callback.task_answer"
local task_token_store = require "weir.callback.task_token_store"
local transform_job = require "weir.callback.transform_job"
local transform_request = require "weir.callback.transform_request"

local DETAIL_TYPE = "SageMaker Transform Job State Change"
local STATUSES = { InProgress = true, Completed = true, Failed = true, Stopping = true, Stopped = true }

-- How often a record may change hands while it is answered.
local ROUNDS = 5

local function invalid(message, ...) return nil, message:format(...), "InvalidEvent" end

-- What a dry run does not know it goes on without.
local function unknown(effects, code) return effects.dry and code == "Unknown" end

-- Events -----------------------------------------------------------------------------------------

local function name_in_arn(arn)
  return type(arn) == "string" and arn:match("^arn:[^:]*:sagemaker:[^:]*:[^:]*:transform%-job/(.+)$") or nil
end

local function present(value) return value ~= nil and value ~= json.null and value or nil end

local function from_event(event)
  local kind, source = present(event["detail-type"]), present(event.source)
  if (kind and kind ~= DETAIL_TYPE) or (source and source ~= "aws.sagemaker") then
    return invalid("this handler takes events '%s' of aws.sagemaker", DETAIL_TYPE)
  end
  local detail = event.detail
  if type(detail) ~= "table" or json.is_array(detail) then return invalid("the event has no detail") end
  local arn = present(detail.TransformJobArn) or (type(event.resources) == "table" and event.resources[1]) or nil
  local name = present(detail.TransformJobName) or name_in_arn(arn)
  if not transform_job.is_name(name) then
    return invalid("the event names no transform job: neither detail.TransformJobName nor an ARN in resources")
  end
  local status = present(detail.TransformJobStatus)
  if status ~= nil and not STATUSES[status] then
    return invalid("detail.TransformJobStatus is none of SageMaker's")
  end
  return { { name = name, arn = type(arn) == "string" and arn or nil, status = status, detail = detail } }
end

local function from_schedule(wanted, effects)
  local names = wanted
  if wanted == "running" then
    local message, code
    names, message, code = transform_job.running(effects, transform_request.PREFIX)
    if not names and unknown(effects, code) then names = {} end
    if not names then return nil, message, code end
  end
  if type(names) ~= "table" or (names == wanted and not json.is_array(names)) then
    return invalid('heartbeat must be "running" or a list of names of jobs')
  end
  local jobs = {}
  for i, name in ipairs(names) do
    if not transform_job.is_name(name) then
      return invalid("heartbeat[%d] is not the name of a transform job", i - 1)
    end
    jobs[i] = { name = name }
  end
  return jobs
end

-- The jobs an event is about.
local function jobs_of(event, effects)
  if type(event) ~= "table" or json.is_array(event) then return invalid("the event must be a JSON object") end
  local heartbeat = present(event.heartbeat)
  if heartbeat ~= nil then return from_schedule(heartbeat, effects) end
  return from_event(event)
end

-- Looking up -------------------------------------------------------------------------------------

-- The job as SageMaker knows it. A state that is final in the event and not yet in the reply was read
-- too early: the event must come again.
local function look_up(effects, wanted)
  local job, message, code = transform_job.describe(effects, wanted.name, wanted.arn)
  if not job and unknown(effects, code) then
    local detail = wanted.detail or {}
    return { TransformJobName = wanted.name, TransformJobArn = wanted.arn or wanted.name,
      TransformJobStatus = wanted.status or "InProgress", FailureReason = detail.FailureReason,
      TransformOutput = detail.TransformOutput }
  end
  if not job then return nil, message, code end
  if transform_job.is_final(wanted.status) and not transform_job.is_final(job.TransformJobStatus) then
    return nil, ("the event says that the transform job %s is %s, SageMaker that it is %s: the event must come again")
      :format(wanted.name, wanted.status, job.TransformJobStatus), "JobNotSettled"
  end
  return job
end

local function tags_of(effects, job, wanted)
  local tags, message, code = transform_job.tags(effects, job.TransformJobArn)
  if tags or not unknown(effects, code) then return tags, message, code end
  local told = transform_job.told_tags(wanted.detail and wanted.detail.Tags)
  if transform_job.mode_of(told) then return told end
  return { CorrelationId = "00000000" }
end

-- The record under an id, if it is the job's: record | false | nil, message, code. An id that was free
-- again may belong to another job by now.
local function record_under(effects, store, id, job)
  if not task_token_store.is_id(id) then return false end
  local record, message, code, expired = store:get(id)
  if not record and unknown(effects, code) then
    return { correlation_id = id, task_token = secret.wrap("unknown in a dry run"), transform_job_name = job,
      created_at = effects:now(), ttl = math.maxinteger }
  end
  record = record or expired
  if not record and code ~= "TokenNotFound" then return nil, message, code end
  return record and record.transform_job_name == job and record or false
end

-- The ids of all that wait for the job: of its tag, and those that a crash or a retry left behind. What
-- the index does not show yet is answered by who put it, or expires.
local function ids_of(effects, store, id, job)
  local ids = { id }
  local others, message, code = store:ids_of(job)
  if not others and not unknown(effects, code) then return nil, message, code end
  for _, other in ipairs(others or {}) do
    if other ~= id then ids[#ids + 1] = other end
  end
  return ids
end

-- Answering --------------------------------------------------------------------------------------

local function count(effects, report, what, metric, dimensions)
  report[what] = report[what] + 1
  effects:metric(metric, 1, "Count", dimensions or {})
end

local function tell(effects, report, token, job)
  local told, message, code = transform_job.tell(effects, token, job)
  if told == nil then return nil, message, code end
  if told then count(effects, report, "answered", "CallbackAnswered", { Status = job.TransformJobStatus })
  else report.already_answered = report.already_answered + 1 end
  return true
end

local function beat(effects, report, token, job)
  local alive, message, code = answer.heartbeat(effects, token, job.TransformJobName)
  if alive == nil then return nil, message, code end
  if alive then count(effects, report, "heartbeats", "TaskHeartbeats")
  else report.already_answered = report.already_answered + 1 end
  return true, alive
end

-- Answers the token of a record and removes the record; when it holds a later attempt's token by the
-- time it is removed, that one too. A record that expired is not believed.
local function settle_record(effects, report, store, record, job)
  for _ = 1, ROUNDS do
    local done, message, code = true, nil, nil
    if store:expired(record) then count(effects, report, "expired", "ExpiredTaskToken")
    else done, message, code = tell(effects, report, record.task_token, job) end
    if not done then return nil, message, code end
    done, message, code = store:delete(record)
    if done ~= false then return done, message, code end
    record, message, code = record_under(effects, store, record.correlation_id, job.TransformJobName)
    if record == nil then return nil, message, code end
    if not record then return true end
  end
  return nil, ("the task token of the transform job %s keeps changing"):format(job.TransformJobName), "TokenReplaced"
end

-- While the job runs: a sign of life for its task; a task that is over needs no record.
local function keep_alive(effects, report, store, record, job)
  if store:expired(record) then
    count(effects, report, "expired", "ExpiredTaskToken")
    return true
  end
  local ok, alive, code = beat(effects, report, record.task_token, job)
  if not ok then return nil, alive, code end
  if alive then return true end
  local done, message
  done, message, code = store:delete(record)
  if done == nil then return nil, message, code end
  return true
end

-- Whether there was a record of the job.
local function settle_stored(effects, report, id, job)
  local store, message, code = task_token_store.from_settings(effects)
  if not store then return nil, message, code end
  local each, ids, found = keep_alive, { id }, false
  if transform_job.is_final(job.TransformJobStatus) then
    each, ids, message, code = settle_record, ids_of(effects, store, id, job.TransformJobName)
    if not ids then return nil, message, code end
  end
  for _, one in ipairs(ids) do
    local record, done
    record, message, code = record_under(effects, store, one, job.TransformJobName)
    if record == nil then return nil, message, code end
    done = true
    if record then done, message, code = each(effects, report, store, record, job) end
    if not done then return nil, message, code end
    found = found or record and true
  end
  return found
end

local function settle_direct(effects, report, token, job)
  if not transform_job.is_final(job.TransformJobStatus) then return beat(effects, report, token, job) end
  return tell(effects, report, token, job)
end

local function settle(effects, wanted)
  local report = { answered = 0, already_answered = 0, expired = 0, heartbeats = 0 }
  local job, message, code = look_up(effects, wanted)
  if not job then return nil, message, code end
  report.transform_job_name, report.status = wanted.name, job.TransformJobStatus
  local tags, found
  tags, message, code = tags_of(effects, job, wanted)
  if not tags then return nil, message, code end
  report.mode = transform_job.mode_of(tags)
  found = false
  if report.mode == "dynamodb" then
    found, message, code = settle_stored(effects, report, tags.CorrelationId, job)
  elseif report.mode == "direct" then
    found, message, code = settle_direct(effects, report, secret.wrap(tags.TaskToken), job)
  end
  if found == nil then return nil, message, code end
  if not found and transform_job.is_final(job.TransformJobStatus) then
    report.orphaned = true
    effects:metric("OrphanedCallback", 1, "Count", { Reason = report.mode and "NoRecord" or "NoTag" })
  end
  return report
end

-- Every job is seen to, whatever became of those before it; the first failure is the invocation's.
local function run(event, _, effects)
  local jobs, message, code = jobs_of(event, effects)
  if not jobs then return nil, message, code end
  local reports, failure = json.array {}, nil
  for _, wanted in ipairs(jobs) do
    local report, why, problem = settle(effects, wanted)
    reports[#reports + 1] = report
    if not report then failure = failure or { why, problem } end
  end
  if failure then return nil, failure[1], failure[2] end
  if present(event.heartbeat) == nil then return reports[1] end
  return { jobs = reports }
end

return { name = "sagemaker_callback", summary = "answer the task token of a Batch Transform job that is over",
  run = run }
