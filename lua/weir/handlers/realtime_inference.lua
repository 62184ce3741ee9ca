-- Handler `realtime_inference`: one file to an endpoint, and the endpoint's answer beside the
-- results of the others. The state machine calls it once for each file that it found (a Map state).
--
-- The event: bucket, key, endpoint_name, output_path (s3://bucket/prefix/), and, where they are
-- known, size, content_type, accept, inference_component_name, target_variant. The answer is
-- written to output_path + key + ".out", as Batch Transform names its results: the same file twice
-- has one result.
local events = require "weir.events"
local json = require "weir.json"
local try = require "weir.try"

-- What InvokeEndpoint takes at most, in bytes.
local MAX_PAYLOAD = 26214400

local REQUIRED = { "bucket", "key", "endpoint_name", "output_path" }
local OPTIONAL = { "content_type", "accept", "inference_component_name", "target_variant" }

local function read_event(event)
  events.object(event)
  local request = { size = event.size }
  for _, name in ipairs(REQUIRED) do request[name] = events.required_text(event, name) end
  for _, name in ipairs(OPTIONAL) do request[name] = events.text(event, name) end

  local bucket, prefix = events.s3_place(request.output_path)
  if not bucket then events.invalid("output_path must be an S3 URI such as s3://bucket/prefix/") end
  if prefix ~= "" and prefix:sub(-1) ~= "/" then prefix = prefix .. "/" end

  request.output_bucket, request.output_key = bucket, prefix .. request.key .. ".out"
  return request
end

local function check_size(request, size)
  if math.type(size) ~= "integer" or size <= MAX_PAYLOAD then return end
  try.fail(("%s has %d bytes, an endpoint takes %d in one request; route it to batch (the policy's "
    .. "payload_limit)"):format(request.key, size, MAX_PAYLOAD), "FileTooLarge")
end

-- The file's bytes and content type. A dry run does not know them.
local function read_file(effects, request)
  local object = try.except(effects.dry and "Unknown", effects:read {
    service = "s3",
    operation = "GetObject",
    target = request.key,
    input = { Bucket = request.bucket, Key = request.key },
  })
  if not object then return { Body = "(the bytes of the file)" } end

  check_size(request, #object.Body)
  return object
end

local function invoke(effects, request, object)
  return try(effects:call {
    service = "sagemaker_runtime",
    operation = "InvokeEndpoint",
    target = request.endpoint_name,
    input = {
      EndpointName = request.endpoint_name,
      Body = object.Body,
      ContentType = request.content_type or object.ContentType,
      Accept = request.accept,
      InferenceComponentName = request.inference_component_name,
      TargetVariant = request.target_variant,
    },
  })
end

local function keep(effects, request, answer)
  return try(effects:call {
    service = "s3",
    operation = "PutObject",
    target = request.output_key,
    input = {
      Bucket = request.output_bucket,
      Key = request.output_key,
      Body = answer.Body or "",
      ContentType = answer.ContentType,
    },
  })
end

local function run(event, _, effects)
  local request = read_event(event)
  -- S3's console marks a folder with an object of no bytes: it is listed as the files are, and is
  -- not one.
  if request.size == 0 and request.key:sub(-1) == "/" then
    return { variant = json.null, output_bytes = 0 }
  end
  check_size(request, request.size)

  local object = read_file(effects, request)
  local answer = invoke(effects, request, object)
  keep(effects, request, answer)

  local variant = answer.InvokedProductionVariant
  effects:metric("FilesInferred", 1, "Count", {
    Endpoint = request.endpoint_name,
    Variant = variant or "unknown",
  })
  return { variant = variant or json.null, output_bytes = #(answer.Body or "") }
end

return {
  name = "realtime_inference",
  summary = "send one file to an endpoint and keep its answer",
  run = run,
}
