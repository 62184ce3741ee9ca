-- What became of the jobs of a manifest that a Distributed Map worked through, where not all
-- succeeded. The state machine `polling` asks, by handler discovery:
--
--   outcome.of(event, effects)
--     event: { outcome_of = ResultWriterDetails ({ Bucket =, Key = }), counts = ItemCounts of the
--              Map run, total_objects = jobs of the manifest, bucket =, place = of the manifest,
--              execution_now = $$.Execution, execution_before = that when the Map run began }
--
-- It fails, which ends the execution, with the number of failed jobs and the first failure:
--   JobsFailed           all others are done
--   TriggerModeChanged   of the failed jobs some were not tried: no listing is acted on any more
--   ManifestCutShort     the Map run had fewer jobs than the manifest
--
-- Asked again in a redriven execution it answers what is to be done again: { place =, total_objects
-- = }, a manifest of the failed jobs alone; of all jobs where the failures take more than 8 MB.
local events = require "weir.events"
local hand_on = require "weir.events.hand_on"
local json = require "weir.json"
local manifest = require "weir.events.manifest"
local map_results = require "weir.fleet.map_results"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

local outcome = {}

local NOT_TRIED = "TriggerModeChanged"

local MOST_BYTES = 8 << 20

local MOST_SHOWN = 300

local function whole(event, name)
  local value = events.member(event, name)
  if math.type(value) == "integer" and value >= 0 then return value end
  events.invalid("%s must be a whole number", name)
end

local function is_cut_short(request) return request.total < request.total_objects end

local function object(event, name)
  local value = events.member(event, name)
  if events.is_object(value) then return value end
  events.invalid("%s must be an object", name)
end

-- Lambda's cause is the JSON of the error that the function raised.
local function reason(execution)
  local cause = type(execution.Cause) == "string" and execution.Cause or "no cause was given"
  local raised = json.decode(cause)
  local text = events.is_object(raised) and raised.errorMessage or cause
  if type(text) ~= "string" then text = cause end

  return #text > MOST_SHOWN and text:sub(1, MOST_SHOWN) .. "…" or text
end

local function job_of(execution)
  local input = map_results.input(execution)
  local job = events.is_object(input) and input.job
  return events.is_object(job) and job or nil
end

local function describe(failures, place)
  local first = failures[1]
  if not first then return ("the results are beside %s"):format(place.Key) end

  local job = job_of(first) or {}
  return ("the first is %s: %s: %s"):format(tostring(job.key), tostring(first.Error),
    reason(first))
end

local function is_untried(failures, is_all, effects)
  for _, execution in ipairs(failures) do
    if execution.Error == NOT_TRIED then return true end
  end

  return not is_all and not trigger_mode.polls(trigger_mode.read(effects))
end

local function fail(request, failures, is_all, effects)
  local said = ("%d of %d jobs failed; %s; "):format(request.failed, request.total_objects,
    describe(failures, request.results))
  if is_untried(failures, is_all, effects) then
    try.fail(said .. "the trigger mode changed meanwhile: redrive the execution, or go back to "
      .. "polling or parallel, and the next run does these again", NOT_TRIED)
  end

  try.fail(said .. "redrive the execution and it does these again: aws stepfunctions "
    .. "redrive-execution --execution-arn " .. request.execution, hand_on.JOBS_FAILED)
end

-- The jobs of all children that failed, or nil where not all of them are told.
local function failed_jobs(request, failures, is_all)
  if not is_all or #failures < request.failed or is_cut_short(request) then return nil end

  local jobs = {}
  for i, execution in ipairs(failures) do
    jobs[i] = job_of(execution)
    if not jobs[i] then return nil end
  end

  return jobs
end

-- What is to be done again: the failed jobs as a manifest of their own, or all.
local function again(request, failures, is_all, effects)
  local jobs = failed_jobs(request, failures, is_all)
  if not jobs then return { place = request.place, total_objects = request.total_objects } end

  local place = ("%sredrive-%d/"):format(request.place, request.redrives)
  local writer = manifest.writer(effects, request.bucket, place, manifest.no_progress())
  for _, job in ipairs(jobs) do writer:add(job) end
  writer:flush()

  return { place = place, total_objects = #jobs }
end

-- Step Functions' context has the number of redrives; where it has none there was none.
local function redrives(execution)
  local count = execution.RedriveCount
  return math.type(count) == "integer" and count or 0
end

local function read_request(event)
  local before, now = object(event, "execution_before"), object(event, "execution_now")
  local counts, results = object(event, "counts"), object(event, "outcome_of")
  events.required_text(results, "Bucket")
  events.required_text(results, "Key")

  return {
    results = results,
    total_objects = whole(event, "total_objects"),
    total = whole(counts, "Total"),
    failed = whole(counts, "Total") - whole(counts, "Succeeded"),
    bucket = events.required_text(event, "bucket"),
    place = events.required_text(event, "place"),
    execution = events.required_text(now, "Id"),
    redrives = redrives(now),
    is_redriven = redrives(now) > redrives(before),
  }
end

function outcome.of(event, effects)
  local request = read_request(event)
  if is_cut_short(request) and not request.is_redriven then
    try.fail(("the Map run had %d jobs, and the manifest %s has %d"):format(request.total,
      request.place, request.total_objects), "ManifestCutShort")
  end

  local failures, is_all = map_results.failures(effects,
    { bucket = request.results.Bucket, key = request.results.Key }, MOST_BYTES)
  if request.is_redriven then return again(request, failures, is_all, effects) end

  return fail(request, failures, is_all, effects)
end

return outcome
