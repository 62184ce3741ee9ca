-- Handler `realtime_inference`: one file to an endpoint, and the endpoint's answer beside the results of
-- the others. The state machine calls it once for each file that it found (a Map state).
--
-- The event: bucket, key, endpoint_name, output_path (s3://bucket/prefix/), and, where they are known,
-- size, content_type, accept, inference_component_name, target_variant. The answer is written to
-- output_path + key + ".out", as Batch Transform names its results: the same file twice has one result.
local json = require "weir.json"

-- What InvokeEndpoint takes at most, in bytes.
local MAX_PAYLOAD = 26214400

local function invalid(message, ...) return nil, message:format(...), "InvalidEvent" end

-- JSON null and a missing member are the same: the value | nil | nil, message, code
local function text(event, name, required)
  local value = event[name]
  if value == json.null then value = nil end
  if value == nil and not required then return nil end
  if type(value) == "string" and value ~= "" and #value <= 2048 then return value end
  return invalid("%s must be a text of 1 to 2048 bytes", name)
end

local FIELDS = { bucket = true, key = true, endpoint_name = true, output_path = true, content_type = false,
  accept = false, inference_component_name = false, target_variant = false }

local function read_event(event)
  if type(event) ~= "table" or json.is_array(event) then return invalid("the event must be a JSON object") end
  local request = {}
  for name, required in pairs(FIELDS) do
    local value, message, code = text(event, name, required)
    if message then return nil, message, code end
    request[name] = value
  end
  request.output_bucket, request.output_prefix = request.output_path:match("^s3://([^/]+)/?(.*)$")
  if not request.output_bucket then return invalid("output_path must be an S3 URI such as s3://bucket/prefix/") end
  if request.output_prefix ~= "" and request.output_prefix:sub(-1) ~= "/" then
    request.output_prefix = request.output_prefix .. "/"
  end
  return request
end

local function too_large(key, size)
  return nil, ("%s has %d bytes, an endpoint takes %d in one request; route it to batch (the policy's "
    .. "payload_limit)"):format(key, size, MAX_PAYLOAD), "FileTooLarge"
end

-- The file's bytes, and what it says it is. In a dry run nobody knows them.
local function read_file(effects, request)
  local object, message, code = effects:read { service = "s3", operation = "GetObject", target = request.key,
    input = { Bucket = request.bucket, Key = request.key } }
  if not object and effects.dry and code == "Unknown" then return { Body = "(the bytes of the file)" } end
  if not object then return nil, message, code end
  if #object.Body > MAX_PAYLOAD then return too_large(request.key, #object.Body) end
  return object
end

local function run(event, _, effects)
  local request, message, code = read_event(event)
  if not request then return nil, message, code end
  -- S3's console marks a folder with an object of no bytes: listed as the files are, and none.
  if event.size == 0 and request.key:sub(-1) == "/" then return { variant = json.null, output_bytes = 0 } end
  if math.type(event.size) == "integer" and event.size > MAX_PAYLOAD then return too_large(request.key, event.size) end
  local object, answer, stored
  object, message, code = read_file(effects, request)
  if not object then return nil, message, code end
  answer, message, code = effects:call { service = "sagemaker_runtime", operation = "InvokeEndpoint",
    target = request.endpoint_name, input = { EndpointName = request.endpoint_name, Body = object.Body,
      ContentType = request.content_type or object.ContentType, Accept = request.accept,
      InferenceComponentName = request.inference_component_name, TargetVariant = request.target_variant } }
  if not answer then return nil, message, code end
  local key = request.output_prefix .. request.key .. ".out"
  stored, message, code = effects:call { service = "s3", operation = "PutObject", target = key,
    input = { Bucket = request.output_bucket, Key = key, Body = answer.Body or "", ContentType = answer.ContentType } }
  if not stored then return nil, message, code end
  local variant = answer.InvokedProductionVariant
  effects:metric("FilesInferred", 1, "Count", { Endpoint = request.endpoint_name, Variant = variant or "unknown" })
  return { variant = variant or json.null, output_bytes = #(answer.Body or "") }
end

return { name = "realtime_inference", summary = "send one file to an endpoint and keep its answer", run = run }
