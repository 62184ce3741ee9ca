-- Handler `realtime_inference`: one file to an endpoint, and the endpoint's answer beside the
-- results of the others; or a share of a manifest's files, several at a time
-- (weir.inference.manifest_slice). weir.inference.invocation_request says what the event has,
-- docs/realtime-inference.md the rest.
--
-- In an A/B test (the setting AB_TEST_TABLE_NAME) each request is recorded: the variant, whether it
-- failed, and how long it took. No answer is lost because its record failed: a metric says so.
local ab_table = require "weir.inference.ab_table"
local assignment = require "weir.inference.assignment"
local bytes = require "weir.bytes"
local events = require "weir.events"
local invocation_request = require "weir.inference.invocation_request"
local json = require "weir.json"
local process = require "weir.process"
local python = require "weir.callback.python"
local redact = require "weir.redact"
local retry = require "weir.aws.retry"
local manifest_slice = require "weir.inference.manifest_slice"
local stopwatch = require "weir.inference.stopwatch"
local storage_role = require "weir.events.storage_role"
local try = require "weir.try"

-- What is left of the time for recording that the endpoint did not answer in time.
local RESERVE_MS = 500

-- The file ----------------------------------------------------------------------------------------

local function check_size(request, size)
  if math.type(size) ~= "integer" or size <= request.payload_limit then return end
  try.fail(("%s has %d bytes, an endpoint takes %d in one request; route it to batch (the policy's "
    .. "payload_limit)"):format(request.key, size, request.payload_limit), "FileTooLarge")
end

-- A file of unknown size is read up to the first byte that is too many.
local function range_of(request)
  if math.type(request.size) == "integer" then return nil end
  return ("bytes=0-%d"):format(request.payload_limit)
end

local function whole_size(object)
  return math.tointeger(tonumber((object.ContentRange or ""):match("/(%d+)$"))) or #object.Body
end

-- The file's bytes and content type. A dry run does not know them.
local function read_file(effects, request)
  local object, message, code = effects:read {
    service = "s3",
    operation = "GetObject",
    target = request.key,
    role = storage_role(effects),
    input = { Bucket = request.bucket, Key = request.key, Range = range_of(request) },
  }

  if not object and effects.dry and code == "Unknown" then
    return { Body = "(the bytes of the file)" }
  end

  -- Nothing of a file without bytes can be in a range.
  if not object and code == "InvalidRange" then return { Body = "" } end
  try(object, message, code)

  check_size(request, whole_size(object))
  return object
end

local function keep(effects, request, answer)
  if not request.output_key then return true end
  return effects:call {
    service = "s3",
    operation = "PutObject",
    target = request.output_key,
    input = {
      Bucket = request.output_bucket,
      Key = request.output_key,
      Body = answer.Body or "",
      ContentType = answer.ContentType,
    },
  }
end

-- The endpoint ------------------------------------------------------------------------------------

-- An inference component, or what the event names, is not assigned by anybody.
local function is_assigned(run)
  local request = run.request
  return not request.target_variant and not request.inference_component_name
    and assignment.mode(run.effects) == "policy"
end

local function assign(run)
  local request = run.request
  local chosen = assignment.choose(run.effects, run.ask, {
    endpoint = request.endpoint_name,
    key = request.assignment_key or request.key,
    experiment = request.experiment,
  })

  if chosen.serverless then
    request.payload_limit = invocation_request.payload_limit(run.effects, run.event, true)
  end

  return chosen.variant
end

-- While an A/B test records it, a time-out of the endpoint has to be noticed before the handler is
-- stopped.
local function time_left(run)
  local deadline = run.table and process.deadline()
  if not deadline then return nil end
  local left = deadline - process.time()

  return math.max(1, left - math.min(RESERVE_MS, left // 4))
end

-- Only the endpoint's time counts, not that of finding the variant.
local function timed(run, elapsed, ...)
  run.invoke_ms = elapsed()
  return ...
end

-- answer | nil, message, code, details
local function invoke(run, object, variant)
  local request, elapsed = run.request, stopwatch()
  return timed(run, elapsed, run.effects:call {
    service = "sagemaker_runtime",
    operation = "InvokeEndpoint",
    target = request.endpoint_name,
    attempts = request.attempts,
    within_ms = time_left(run),
    input = {
      EndpointName = request.endpoint_name,
      Body = object.Body,
      ContentType = request.content_type or object.ContentType,
      Accept = request.accept,
      InferenceComponentName = request.inference_component_name,
      TargetVariant = variant,
    },
  })
end

-- A variant that the policy assigned may have left the endpoint since that was described.
local function invoke_assigned(run, object)
  run.variant = assign(run)
  check_size(run.request, #object.Body)
  local answer, message, code, details = invoke(run, object, run.variant)
  if answer or not (code == "ValidationError" or code == "ValidationException") then
    return answer, message, code, details
  end

  assignment.forget(run.request.endpoint_name)
  local before = run.variant
  run.variant = assign(run)
  if run.variant == before then return nil, message, code, details end

  return invoke(run, object, run.variant)
end

-- The A/B test ------------------------------------------------------------------------------------

-- Whether a failure is the endpoint's, and not one of who asks.
local function is_error(code, details)
  local status = details and details.status
  local failure = { code = code, status = status, fields = details and details.fields }
  return retry.classify(failure) ~= nil or status == 424 or (status or 0) >= 500
end

local function variant_name(run, answer, details)
  local headers = details and details.headers or {}
  return answer and answer.InvokedProductionVariant or headers["x-amzn-invoked-production-variant"]
    or run.variant or run.request.inference_component_name or "unknown"
end

local function record(run, name, failed)
  if not run.table then return end
  local done, message, code = ab_table.record(run.effects, run.table, run.request.test_id,
    { variant = name, is_error = failed, latency_ms = run.invoke_ms })
  if done then return end

  run.effects:metric("RecordFailed", 1, "Count",
    { Endpoint = run.request.endpoint_name, Code = code })
  process.write(2, ("realtime_inference: the A/B record is not written: %s\n")
    :format(redact.text(message)))
end

local function fail(run, message, code, details)
  local name = variant_name(run, nil, details)
  if is_error(code, details) then
    run.effects:metric("InferenceErrors", 1, "Count",
      { Endpoint = run.request.endpoint_name, Variant = name })
    record(run, name, true)
  end

  try.fail(message, code)
end

local function measure(run, name, size, download_ms, total_ms)
  local dimensions = { Endpoint = run.request.endpoint_name, Variant = name }
  local function metric(metric_name, value, unit)
    run.effects:metric(metric_name, value, unit, dimensions)
  end

  metric("FilesInferred", 1, "Count")
  metric("DownloadLatency", download_ms, "Milliseconds")
  metric("InvokeLatency", run.invoke_ms, "Milliseconds")
  metric("TotalLatency", total_ms, "Milliseconds")
  metric("PayloadSize", size, "Bytes")
end

-- All of it ---------------------------------------------------------------------------------------

-- The answer as a text that JSON can carry.
local function add_prediction(result, answer)
  local body = answer.Body or ""
  if utf8.len(body) then
    result.prediction = body
  else
    result.prediction, result.prediction_encoding = bytes.base64(body), "base64"
  end

  return result
end

local function round(ms) return math.floor(ms * 100 + 0.5) / 100 end

local function result_of(run, answer, name, download_ms, total_ms)
  if run.is_compatible then
    return add_prediction({
      variant_name = name,
      latency_ms = round(total_ms),
      invoke_latency_ms = round(run.invoke_ms),
      download_latency_ms = round(download_ms),
    }, answer)
  end

  local result = {
    variant = answer.InvokedProductionVariant or json.null,
    output_bytes = #(answer.Body or ""),
  }

  return run.request.output_key and result or add_prediction(result, answer)
end

local function infer(run)
  local total = stopwatch()
  local object = read_file(run.effects, run.request)
  local download_ms = total()

  run.variant = run.request.target_variant
  local answer, message, code, details
  if is_assigned(run) then
    answer, message, code, details = invoke_assigned(run, object)
  else
    answer, message, code, details = invoke(run, object, run.variant)
  end

  if not answer then fail(run, message, code, details) end

  local name = variant_name(run, answer)
  local kept, why, problem = keep(run.effects, run.request, answer)
  local total_ms = total()
  record(run, name, false) -- the endpoint has answered, whether its answer is kept or not
  try(kept, why, problem)
  measure(run, name, #object.Body, download_ms, total_ms)

  return result_of(run, answer, name, download_ms, total_ms)
end

local function one_file(event, ask, effects)
  local is_compatible = python.is_wanted(effects)
  local request = invocation_request.read(effects, event, is_compatible)
  -- S3's console marks a folder with an object of no bytes: it is listed as the files are, and is
  -- not one.
  if request.size == 0 and request.key:sub(-1) == "/" then
    return { variant = json.null, output_bytes = 0 }
  end

  check_size(request, request.size)

  return infer {
    event = event,
    ask = ask,
    effects = effects,
    request = request,
    is_compatible = is_compatible,
    table = ab_table.settings(effects),
  }
end

local function run(event, ask, effects)
  if events.is_object(event) and events.member(event, "manifest_key") then
    return manifest_slice.run(event, effects, function(file)
      return one_file(file, ask, effects)
    end)
  end

  return one_file(event, ask, effects)
end

return {
  name = "realtime_inference",
  asks = assignment.is_by_policy() and assignment.KIND or nil,
  may_ask = assignment.KIND,
  summary = "send one file to an endpoint and keep its answer",
  run = run,
}
