-- Handler `sagemaker_callback`: an event "SageMaker Transform Job State Change" becomes the answer
-- to the task that waits for the job. What the event says is only a hint: the job's state, its tags
-- and its record are looked up, in this order, so that a token that was put there while the job
-- still ran is never missed.
--
-- Events come at least once, late and in any order. A call that failed fails the invocation, and
-- the event comes again: the record is removed only after Step Functions took the answer. Step
-- Functions alone knows whether a task still waits: a record that expired by our clock is tried as
-- well.
--
-- A token is answered only in the region that gave it. Job, event and table are looked at where the
-- job is, by its ARN: an event that was forwarded from another region is answered there.
--
-- Two more events are for a schedule: { "heartbeat": "running" } or { "heartbeat": ["job", …] }
-- does the same for jobs in progress, or for these: their tasks get a heartbeat, or the answer that
-- was missed.
local answer = require "weir.callback.task_answer"
local events = require "weir.events"
local json = require "weir.json"
local python = require "weir.callback.python"
local secret = require "weir.secret"
local task_token_store = require "weir.callback.task_token_store"
local transform_job = require "weir.callback.transform_job"
local transform_request = require "weir.callback.transform_request"
local try = require "weir.try"

local DETAIL_TYPE = "SageMaker Transform Job State Change"
local STATUSES = {
  InProgress = true,
  Completed = true,
  Failed = true,
  Stopping = true,
  Stopped = true,
}

-- How often a record may change hands while it is answered.
local ROUNDS = 5

local invalid, member = events.invalid, events.member

-- A dry run goes on without what it does not know: nil in its place.
local function known(effects, ...) return try.except(effects.dry and "Unknown", ...) end

-- Events --------------------------------------------------------------------------------------

local function name_in_arn(arn)
  if type(arn) ~= "string" then return nil end
  return arn:match("^arn:[^:]*:sagemaker:[^:]*:[^:]*:transform%-job/(.+)$")
end

local function from_event(event)
  local kind, source = member(event, "detail-type"), member(event, "source")
  if (kind and kind ~= DETAIL_TYPE) or (source and source ~= "aws.sagemaker") then
    invalid("this handler takes events '%s' of aws.sagemaker", DETAIL_TYPE)
  end

  local detail = event.detail
  if not events.is_object(detail) then invalid("the event has no detail") end
  local first = type(event.resources) == "table" and event.resources[1] or nil
  local arn = member(detail, "TransformJobArn") or first
  local name = member(detail, "TransformJobName") or name_in_arn(arn)

  if not transform_job.is_name(name) then
    invalid("the event names no transform job: neither detail.TransformJobName nor an ARN in "
      .. "resources")
  end

  local status = member(detail, "TransformJobStatus")
  if status ~= nil and not STATUSES[status] then
    invalid("detail.TransformJobStatus is not one of SageMaker's")
  end

  if type(arn) ~= "string" then arn = nil end

  return { { name = name, arn = arn, status = status, detail = detail } }
end

local function from_schedule(wanted, effects)
  local names = wanted
  if wanted == "running" then
    names = known(effects, transform_job.running(effects, transform_request.PREFIX)) or {}
  elseif not events.is_list(wanted) then
    invalid('heartbeat must be "running" or a list of names of jobs')
  end

  local jobs = {}
  for i, name in ipairs(names) do
    if not transform_job.is_name(name) then
      invalid("heartbeat[%d] is not the name of a transform job", i - 1)
    end

    jobs[i] = { name = name }
  end

  return jobs
end

-- Looking up ----------------------------------------------------------------------------------

-- The job as SageMaker knows it. A state that is final in the event and not yet in the reply was
-- read too early: the event must come again.
local function look_up(effects, wanted)
  local job = known(effects, transform_job.describe(effects, wanted.name, wanted.arn))
  if not job then
    local detail = wanted.detail or {}
    return {
      TransformJobName = wanted.name,
      TransformJobArn = wanted.arn or wanted.name,
      TransformJobStatus = wanted.status or "InProgress",
      FailureReason = detail.FailureReason,
      TransformOutput = detail.TransformOutput,
    }
  end

  local is_final = transform_job.is_final
  if is_final(wanted.status) and not is_final(job.TransformJobStatus) then
    try.fail(("the event says that the transform job %s is %s, SageMaker that it is %s: the event "
      .. "must come again"):format(wanted.name, wanted.status, job.TransformJobStatus),
        "JobNotSettled")
  end

  return job
end

local function tags_of(effects, job, wanted)
  local tags = known(effects, transform_job.tags(effects, job.TransformJobArn))
  if tags then return tags end

  local told = transform_job.told_tags(wanted.detail and wanted.detail.Tags)
  return transform_job.mode_of(told) and told or { CorrelationId = "00000000" }
end

-- Settling ------------------------------------------------------------------------------------

-- One job that is seen to: { effects =, job =, store =, report = }.
local Case = {}
Case.__index = Case

function Case:count(what, metric, dimensions)
  self.report[what] = self.report[what] + 1
  self.effects:metric(metric, 1, "Count", dimensions or {})
end

local function region_in_arn(arn)
  return type(arn) == "string" and arn:match("^arn:[^:]*:sagemaker:([%l%d-]+):") or nil
end

-- The record under an id, if it is the job's, or nil. An id that was free again may belong to
-- another job by now; in a global table, one of another region to a job of the same name there.
function Case:record_under(id)
  if not task_token_store.is_id(id) then return nil end

  local bound_to = task_token_store.region_of(id)
  if bound_to and bound_to ~= region_in_arn(self.job.TransformJobArn) then return nil end

  local record, message, code, expired = self.store:get(id)
  if not record and self.effects.dry and code == "Unknown" then
    return {
      correlation_id = id,
      task_token = secret.wrap("unknown in a dry run"),
      transform_job_name = self.job.TransformJobName,
      created_at = self.effects:now(),
      ttl = math.maxinteger,
    }
  end

  record = record or expired
  if not record and code ~= "TokenNotFound" then try.fail(message, code) end

  return record and record.transform_job_name == self.job.TransformJobName and record or nil
end

-- The ids of all that wait for the job: of its tag, and those that a crash or a retry left behind.
-- What the index does not show yet is answered by who put it, or expires.
function Case:ids(id)
  local ids = { id }
  for _, other in ipairs(known(self.effects, self.store:ids_of(self.job.TransformJobName)) or {}) do
    if other ~= id then ids[#ids + 1] = other end
  end

  return ids
end

function Case:tell(token)
  if try(transform_job.tell(self.effects, token, self.job)) then
    self:count("answered", "CallbackAnswered", { Status = self.job.TransformJobStatus })
  else
    self.report.already_answered = self.report.already_answered + 1
  end
end

-- Whether the task still waits.
function Case:beat(token)
  local alive = try(answer.heartbeat(self.effects, token, self.job.TransformJobName))
  if alive then
    self:count("heartbeats", "TaskHeartbeats")
  else
    self.report.already_answered = self.report.already_answered + 1
  end

  return alive
end

function Case:note_expiry(record)
  if self.store:expired(record) then self:count("expired", "ExpiredTaskToken") end
end

-- Answers the token of a record and removes the record; when it holds a later attempt's token by
-- the time it is removed, that one too.
function Case:settle_record(record)
  for _ = 1, ROUNDS do
    self:note_expiry(record)
    self:tell(record.task_token)
    if try(self.store:delete(record)) then return end
    record = self:record_under(record.correlation_id)
    if not record then return end
  end

  try.fail(("the task token of the transform job %s keeps changing")
    :format(self.job.TransformJobName), "TokenReplaced")
end

-- While the job runs: a sign of life for its task; a task that is over needs no record.
function Case:keep_alive(record)
  self:note_expiry(record)
  if not self:beat(record.task_token) then try(self.store:delete(record)) end
end

-- Whether there was a record of the job.
function Case:settle_stored(id)
  self.store = task_token_store.from_settings(self.effects)
  local is_final = transform_job.is_final(self.job.TransformJobStatus)
  local each, found = is_final and self.settle_record or self.keep_alive, false

  for _, one in ipairs(is_final and self:ids(id) or { id }) do
    local record = self:record_under(one)
    if record then each(self, record) end
    found = found or record ~= nil
  end

  return found
end

function Case:settle_direct(token)
  if transform_job.is_final(self.job.TransformJobStatus) then
    self:tell(token)
  else
    self:beat(token)
  end

  return true
end

-- Effects where the job is.
local function effects_for(effects, wanted)
  local region = region_in_arn(wanted.arn)
  local own = os.getenv "AWS_REGION"
  if not region or not own or region == own then return effects end

  return effects:in_region(region)
end

local function settle(effects, wanted)
  effects = effects_for(effects, wanted)
  local report = { answered = 0, already_answered = 0, expired = 0, heartbeats = 0 }
  local job = look_up(effects, wanted)
  report.transform_job_name, report.status = wanted.name, job.TransformJobStatus

  local tags = tags_of(effects, job, wanted)
  report.mode = transform_job.mode_of(tags)

  local case, found = setmetatable({ effects = effects, job = job, report = report }, Case), false
  if report.mode == "dynamodb" then
    found = case:settle_stored(tags.CorrelationId)
  elseif report.mode == "direct" then
    found = case:settle_direct(secret.wrap(tags.TaskToken))
  end

  if not found and transform_job.is_final(job.TransformJobStatus) then
    report.orphaned = true
    local reason = report.mode and "NoRecord" or "NoTag"
    effects:metric("OrphanedCallback", 1, "Count", { Reason = reason })
  end

  return python.is_wanted(effects) and python.called_back(report) or report
end

-- Every job is seen to, whatever became of those before it; the first failure is the invocation's.
local function settle_all(effects, jobs)
  local reports, first = json.array {}, nil
  for _, wanted in ipairs(jobs) do
    local report, message, code = try.call(settle, effects, wanted)
    reports[#reports + 1] = report
    if not report then first = first or { message = message, code = code } end
  end

  if first then try.fail(first.message, first.code) end

  return reports
end

local function run(event, _, effects)
  events.object(event)
  local heartbeat = member(event, "heartbeat")
  if heartbeat ~= nil then
    return { jobs = settle_all(effects, from_schedule(heartbeat, effects)) }
  end

  return settle_all(effects, from_event(event))[1]
end

return {
  name = "sagemaker_callback",
  summary = "answer the task token of a Batch Transform job that is over",
  run = run,
}
