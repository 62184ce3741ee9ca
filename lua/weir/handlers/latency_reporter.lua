-- Handler `latency_reporter`: how long each stage of an object took, as metrics.
--
--   written ─► delivered ─► started ─► decided ─► processed
--
-- The event: what event_processor answered, or { processing_result = that }; beside it time (of the
-- event, where nothing tells when the object was written), trigger_mode, and error, of an execution
-- that failed. The Python handler's event is the same, with durations instead of stages.
--
-- * A stage whose times are not both known is missing: nothing is published for it.
-- * A stage that ends before it begins, or took longer than all together, was measured by two
--   clocks. It is reported, and counted; no latency of it is published, nor one from end to end.
-- * What failed stays failed: it is counted, and has no latency. What was done before is not
--   measured twice.
local events = require "weir.events"
local json = require "weir.json"
local latency = require "weir.events.latency"
local python = require "weir.callback.python"
local time = require "weir.aws.time"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

local DONE = { SUCCESS = true, MANUAL_REVIEW = true }

-- Epoch milliseconds of a number or an ISO 8601 text; nil of what is absent.
local function milliseconds(value, name)
  if value == nil or value == json.null then return nil end
  if math.type(value) == "integer" and value >= 0 then return value end
  local ms = type(value) == "string" and time.parse_iso8601(value)
  if ms then return ms end
  events.invalid("%s is neither epoch milliseconds nor an ISO 8601 time", name)
end

local function duration(value, name)
  if value == nil or value == json.null then return nil end
  local whole = type(value) == "number" and math.tointeger(math.floor(value + 0.5))
  if whole then return whole end
  events.invalid("%s is not a number of milliseconds", name)
end

-- The Python handler's durations as stages.
local function from_durations(result, written)
  local begun = duration(result.event_to_processing_ms, "event_to_processing_ms")
  local took = duration(result.processing_duration_ms, "processing_duration_ms")
  local started = written and begun and written + begun

  return { written = written, started = started, processed = started and took and started + took }
end

local function stages_of(event, result)
  local written = milliseconds(events.member(result, "event_time"), "event_time")
    or milliseconds(events.member(event, "time"), "time")
  local given = events.member(result, "stages")
  if given == nil then return from_durations(result, written) end

  local stages = {}
  for _, name in ipairs { "written", "delivered", "started", "decided", "processed" } do
    stages[name] = milliseconds(events.object(given)[name], name)
  end

  stages.written = stages.written or written

  return stages
end

local function publish(found, mode, effects)
  local function add(name, value, unit, stage)
    effects:metric(name, value, unit, { Stage = stage, TriggerMode = mode })
  end

  for _, stage in ipairs(latency.STAGES) do
    local ms = found.measured[stage]
    if ms then add("StageLatency", ms, "Milliseconds", stage) end
  end

  for _, stage in ipairs(found.missing) do add("StageMissing", 1, "Count", stage) end
  for _, each in ipairs(found.disagreeing) do add("ClocksDisagree", 1, "Count", each.stage) end
end

local function between(from, to) return from and to and to - from end

-- The metrics of the Python handler. One negative duration makes all of them doubtful.
local function publish_for_python(result, stages, mode, effects)
  local begun = duration(result.event_to_processing_ms, "event_to_processing_ms")
    or between(stages.written, stages.started)
  local took = duration(result.processing_duration_ms, "processing_duration_ms")
    or between(stages.started, stages.processed)
  local of = { TriggerMode = mode }

  effects:metric("EventVolumePerMinute", 1, "Count", of)
  if (begun or 0) < 0 or (took or 0) < 0 then
    return effects:metric("ClocksDisagree", 1, "Count", of)
  end

  if begun then effects:metric("EventToProcessingLatency", begun, "Milliseconds", of) end
  if took then effects:metric("ProcessingDuration", took, "Milliseconds", of) end
  if begun and took then effects:metric("EndToEndDuration", begun + took, "Milliseconds", of) end
end

local function failed(failure, mode, effects)
  effects:metric("ProcessingFailures", 1, "Count", { TriggerMode = mode })
  return { status = "FAILED", trigger_mode = mode, error = failure }
end

-- A dimension of every metric: one of the four modes, whoever says it.
local function mode_of(event, result, effects)
  local said = events.text(event, "trigger_mode") or events.text(result, "trigger_mode")
  return said and try(trigger_mode.check(said)) or trigger_mode.read(effects)
end

local function run(event, _, effects)
  events.object(event)
  local result = events.member(event, "processing_result") or event
  local failure = events.member(event, "error") or events.member(events.object(result), "error")
  local mode = mode_of(event, result, effects)
  local status = events.text(result, "status")
  if failure or status == "FAILED" then
    return failed(failure or "the processing failed", mode, effects)
  end

  if result.duplicate == true or status and not DONE[status] then
    return { status = status, trigger_mode = mode, measured = {} }
  end

  local stages = stages_of(event, result)
  local found = latency.measure(stages)
  if python.is_wanted(effects) then
    publish_for_python(result, stages, mode, effects)
  else
    publish(found, mode, effects)
  end

  found.status, found.trigger_mode = status or json.null, mode

  return found
end

return {
  name = "latency_reporter",
  summary = "how long each stage of an object took, as metrics",
  run = run,
}
