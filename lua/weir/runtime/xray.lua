-- X-Ray subsegments, sent to the daemon when the invocation's trace is sampled: one around each
-- call to AWS, one around each decision. The segment itself is Lambda's. A subsegment that cannot
-- be sent is dropped: tracing never fails an invocation. Inputs, outputs and messages of AWS stay
-- out of traces, because they may hold private data.
--
-- Source: the daemon's protocol, one datagram each: a header line, then the document.
local datagram = require "weir.datagram"
local json = require "weir.json"
local process = require "weir.process"
local retry = require "weir.aws.retry"

local HEADER = '{"format":"json","version":1}\n'

local Trace = {}
Trace.__index = Trace

-- What X-Ray calls the services.
local NAMES = {
  appconfigdata = "AppConfigData",
  bedrock_runtime = "BedrockRuntime",
  cloudwatch = "CloudWatch",
  dynamodb = "DynamoDB",
  eventbridge = "Events",
  rekognition = "Rekognition",
  s3 = "S3",
  sagemaker = "SageMaker",
  sagemaker_runtime = "SageMakerRuntime",
  ssm = "SSM",
  stepfunctions = "states",
  sts = "STS",
}

-- "Root=1-…;Parent=…;Sampled=1" → trace id, parent id, or nil when it is not sampled or not whole.
local function parse(header)
  if not header then return nil end
  local fields = {}
  for name, value in header:gmatch("(%w+)=([^;]*)") do fields[name] = value end
  if fields.Sampled ~= "1" then return nil end
  local root = fields.Root and fields.Root:match("^1%-%x%x%x%x%x%x%x%x%-%x+$")
  local parent = fields.Parent and fields.Parent:match("^%x+$")
  if root and parent and #root == 35 and #parent == 16 then return root, parent end
end

-- "host:port", or "tcp:host:port udp:host:port" in either order.
local function udp_address(address) return address:match("udp:(%S+)") or address end

-- start(trace header, daemon's address) → trace; one whose `sampled` is false sends nothing.
local function start(header, address)
  local root, parent = parse(header)
  return setmetatable({
    sampled = root ~= nil,
    root = root,
    parent = parent,
    address = udp_address(address),
  }, Trace)
end

local function send(self, begin_us, document)
  document.id = process.new_id():sub(1, 16)
  document.trace_id, document.parent_id, document.type = self.root, self.parent, "subsegment"
  document.start_time, document.end_time = begin_us / 1e6, process.time_us() / 1e6
  datagram.send(self.address, HEADER .. json.encode(document))
end

-- perform(effect) inside of a subsegment, with its results.
function Trace:call(effect, perform)
  if not self.sampled then return perform(effect) end
  local begin_us = process.time_us()
  local output, message, code, details = perform(effect)
  details = details or {}
  local kind = not output and retry.classify { code = code, status = details.status } or nil
  local client_error = details.status and details.status < 500
  send(self, begin_us, {
    name = NAMES[effect.service] or effect.service,
    namespace = "aws",
    aws = { operation = effect.operation, request_id = details.request_id,
      table_name = effect.service == "dynamodb" and effect.input.TableName or nil },
    http = details.status and { response = { status = details.status } } or nil,
    throttle = kind == "throttling" or nil,
    error = not output and client_error or nil,
    fault = not output and not client_error or nil,
    annotations = not output and { code = code } or nil,
  })

  return output, message, code, details
end

-- A decision that was made, or was not, for handlers.run.
function Trace:decision(entry, begin_us, digest)
  if not self.sampled then return end
  send(self, begin_us, {
    name = "decide " .. entry.kind,
    fault = entry.code and true or nil,
    annotations = {
      kind = entry.kind,
      action = entry.action,
      code = entry.code,
      policy = digest,
    },
  })
end

return { start = start }
