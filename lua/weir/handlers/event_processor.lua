-- Handler `event_processor`: one object through the pipeline that its job names, once.
--
-- The event: a job of kind mapping ({ work, bucket, key, … }, or { job = { … } }), with
-- delivered_at (ISO 8601) where it is known when the job came; an EventBridge event of S3, which
-- the mapping policy makes a job of; or what the Python handler takes: such an event's detail and
-- time alone; { Key }, as a listing has it, or { file_key, event_time }, of the bucket
-- SOURCE_BUCKET. An event that the policy does not know is the failure "UnknownEvent".
--
-- Where SOURCE_BUCKET is set, an object of another bucket is the failure "WrongBucket". A bucket,
-- an access point's alias and its ARN may be three names of one place, and only S3 knows: names are
-- compared with those of their own form.
local events = require "weir.events"
local job_decision = require "weir.events.job_decision"
local process = require "weir.processing.process"
local python = require "weir.callback.python"
local python_answer = require "weir.processing.python_answer"
local settings = require "weir.settings"
local source_object = require "weir.processing.source_object"
local time = require "weir.aws.time"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

local TEXTS = {
  "bucket", "key", "work", "source", "etag", "volume", "sequencer", "version", "time",
}

local function size_of(given)
  local size = events.member(given, "size")
  local whole = math.tointeger(size)
  if size == nil or whole and whole >= 0 then return whole end
  events.invalid("size must be a whole number from 0 on")
end

local function from_job(given)
  local job = { size = size_of(given) }
  for _, name in ipairs(TEXTS) do job[name] = events.text(given, name) end
  for _, name in ipairs { "bucket", "key", "work" } do events.required_text(given, name) end

  -- One of another alphabet would make every later state of the object an older one.
  if job.sequencer and not job.sequencer:find("^%x+$") then
    events.invalid("sequencer must be hex digits")
  end

  local etag = source_object.bare_etag(job.etag)
  job.etag = etag ~= "" and etag or nil

  return job
end

local function from_python(event, effects)
  local listed = events.text(event, "Key")
  return {
    work = "object",
    bucket = try(settings.needed(effects, "source_bucket")),
    key = listed or events.required_text(event, "file_key"),
    source = listed and "listing" or "event",
    time = events.text(event, "event_time"),
  }
end

-- The Python handler takes detail and time of an event alone, and a detail without a bucket.
local function whole_event(event, effects)
  if event.source ~= nil or event["detail-type"] ~= nil then return event end
  local detail = { bucket = { name = effects:setting("source_bucket", "") } }
  return {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    time = event.time,
    detail = events.copy(event.detail, { "bucket", "object", "reason" }, detail),
  }
end

-- The job of an event of EventBridge | nil, why there is none
local function from_event(event, ask, effects)
  local job, message, code = job_decision.job(ask, { event = whole_event(event, effects) })
  if job == nil then try.fail(message, code) end
  if job then return from_job(job) end

  return nil, message
end

-- The job of the event | nil, why there is none
local function job_of(event, ask, effects)
  if events.is_object(event.detail) then return from_event(event, ask, effects) end

  if event.job == nil and (event.Key ~= nil or event.file_key ~= nil) then
    return from_python(event, effects)
  end

  return from_job(events.object(events.member(event, "job") or event))
end

local function check_bucket(job, effects)
  local own = effects:setting("source_bucket", "")
  if own == "" or own == job.bucket then return end
  if source_object.bucket_form(own) ~= source_object.bucket_form(job.bucket) then return end

  try.fail(("%s is of the bucket %s, and this function works for %s (the setting source_bucket); "
    .. "send its events to the function of its bucket"):format(job.key, job.bucket, own),
    "WrongBucket")
end

local function delivered_ms(event)
  local text = events.text(event, "delivered_at")
  local ms = text and time.parse_iso8601(text)
  if text and not ms then events.invalid("delivered_at is '%s', not a time", text) end

  return ms
end

local function run(event, ask, effects)
  events.object(event)
  local mode = trigger_mode.read(effects)
  local job, why = job_of(event, ask, effects)
  local result = { status = "IGNORED", because = why }

  if job then
    check_bucket(job, effects)
    result = process.run(job, {
      ask = ask,
      effects = effects,
      mode = mode,
      delivered_ms = delivered_ms(event),
    })
  end

  effects:metric("ObjectsProcessed", 1, "Count", { Status = result.status, TriggerMode = mode })
  if result.duplicate then
    effects:metric("DuplicatesAvoided", 1, "Count", { TriggerMode = mode })
  end

  if python.is_wanted(effects) then return python_answer(result, job) end

  return result
end

return {
  name = "event_processor",
  asks = "review",
  summary = "one object through the pipeline that its job names, once",
  run = run,
}
