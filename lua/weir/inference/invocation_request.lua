-- What an event asks realtime_inference for.
--
-- Ours: bucket, key, output_path (s3://bucket/prefix/), endpoint_name, and where they are known
-- size, content_type, accept, inference_component_name, target_variant, assignment_key, test_id,
-- inference_type ("provisioned", "serverless", "components") and payload_limit. The answer goes to
-- output_path + key + ".out", as Batch Transform names its results: the same file twice has one
-- result.
--
-- The Python handler's: s3_uri, content_type, accept_type. The answer comes with the result, and
-- goes to S3 only where there is an output_path too.
--
-- read(effects, event, is_compatible) → request. Failures are raised: "InvalidEvent",
-- "InvalidSetting".
local events = require "weir.events"
local settings = require "weir.settings"
local try = require "weir.try"

local request = {}

-- What InvokeEndpoint takes at most, in bytes.
local LIMIT, SERVERLESS_LIMIT = 26214400, 4194304

local TEXTS = { "content_type", "accept", "inference_component_name", "target_variant",
  "assignment_key", "test_id" }
local TYPES = { provisioned = true, serverless = true, components = true }

-- The file, and where its answer goes.
local function read_places(effects, event)
  local uri, found = events.text(event, "s3_uri"), {}
  if uri then
    if event.bucket or event.key then
      events.invalid("the event has s3_uri, and bucket or key too")
    end

    found.bucket, found.key = events.s3_place(uri)
    if not found.key or found.key == "" then
      events.invalid("s3_uri must be an S3 URI such as s3://bucket/key")
    end

    local alias = effects:setting("s3_access_point_alias", "")
    if alias ~= "" then found.bucket = alias end
  else
    found.bucket = events.required_text(event, "bucket")
    found.key = events.required_text(event, "key")
  end

  local path = uri and events.text(event, "output_path") or not uri
    and events.required_text(event, "output_path")
  if not path then return found end

  local bucket, prefix = events.s3_place(path)
  if not bucket then events.invalid("output_path must be an S3 URI such as s3://bucket/prefix/") end
  if prefix ~= "" and prefix:sub(-1) ~= "/" then prefix = prefix .. "/" end
  found.output_bucket, found.output_key = bucket, prefix .. found.key .. ".out"

  return found
end

local function endpoint_of(effects, event)
  local name = events.text(event, "endpoint_name") or effects:setting("endpoint_name", "")
  if name ~= "" then return name end
  events.invalid("the event has no endpoint_name, and the setting ENDPOINT_NAME is not there")
end

local function inference_type(event)
  local value = events.text(event, "inference_type")
  if value == nil or TYPES[value] then return value end
  events.invalid("inference_type must be provisioned, serverless or components")
end

-- The smallest of the event's limit, the setting's, and SageMaker's.
function request.payload_limit(effects, event, is_serverless)
  local most = is_serverless and SERVERLESS_LIMIT or LIMIT
  local limit = events.member(event, "payload_limit")
  if limit ~= nil and (math.type(limit) ~= "integer" or limit < 1) then
    events.invalid("payload_limit must be a whole number of bytes above 0")
  end

  local set = try(settings.integer(effects, "payload_limit", { default = most }))

  return math.min(most, limit or most, set)
end

-- How many attempts a request may have; nil is what every client does.
local function attempts_of(effects, is_compatible)
  if not is_compatible and effects:setting("max_retries", "") == "" then return nil end
  return 1 + try(settings.integer(effects, "max_retries"))
end

function request.read(effects, event, is_compatible)
  events.object(event)
  local found = read_places(effects, event)
  found.endpoint_name = endpoint_of(effects, event)
  found.size = events.member(event, "size")
  for _, name in ipairs(TEXTS) do found[name] = events.text(event, name) end
  local set = effects:setting("ab_test_id", "")
  found.experiment = found.test_id or set ~= "" and set or nil
  found.test_id = found.experiment or found.endpoint_name

  found.accept = found.accept or events.text(event, "accept_type")
  if is_compatible then
    found.content_type = found.content_type or "application/json"
    found.accept = found.accept or "application/json"
  end

  found.inference_type = inference_type(event)
  found.payload_limit = request.payload_limit(effects, event,
    found.inference_type == "serverless")
  found.attempts = attempts_of(effects, is_compatible)

  return found
end

return request
