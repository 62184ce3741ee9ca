-- The answer of event_processor in the names of the Python handler that it replaces.
--
--   python_answer(result, job) → { status =, file_key =, labels =, max_confidence =, … }
--
-- A duplicate says so, which the Python handler knew nothing of: its durations are those of the
-- first, and are not measured twice.
local json = require "weir.json"
local time = require "weir.aws.time"

local function since(from, to) return from and to and to - from or json.null end

-- The Python handler has 0 where nothing was seen.
local function best_of(result)
  local best = result.max_confidence
  if best == json.null and result.labels then return 0.0 end
  return best or json.null
end

return function(result, job)
  local stages = result.stages or {}
  local event_time = job and job.time
  return {
    status = result.status,
    file_key = job and job.key or json.null,
    labels = result.labels or json.array {},
    max_confidence = best_of(result),
    above_threshold = result.status == "SUCCESS",
    processing_duration_ms = since(stages.started, stages.processed),
    event_to_processing_ms = since(time.parse_iso8601(event_time), stages.started),
    event_time = event_time or json.null,
    duplicate = result.duplicate,
  }
end
