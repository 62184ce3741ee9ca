-- One call of an operation: finds the endpoint and the credentials, builds, signs, sends, retries
-- and parses.
--
--   send(client, operation, input, deadline_ms) → output | nil, message, code, details
--
-- The input was checked (weir.aws.operation).
local bytes = require "weir.bytes"
local endpoint = require "weir.aws.endpoint"
local failure = require "weir.aws.failure"
local flight = require "weir.aws.flight"
local invocation = require "weir.aws.invocation"
local process = require "weir.process"
local secret = require "weir.secret"
local sigv4 = require "weir.sigv4"
local sorted_pairs = require "weir.sorted_pairs"
local uuid = require "weir.uuid"

local DEFAULT_TIMEOUT_MS, CONNECT_TIMEOUT_MS = 60000, 3100

-- Where to ---------------------------------------------------------------------------------------

local function find_region(configuration)
  local region, message, code = configuration:region()
  if message then return nil, message, code end
  if not region then
    return nil, "no region is set; set AWS_REGION or give the client a region", "NoRegion"
  end

  local fine
  fine, message, code = endpoint.check_region(region)
  if not fine then return nil, message, code end

  return region
end

-- Where the request goes and in which region it is signed. The settings do not change while a
-- client lives, so they are looked up once; only S3's host depends on the input.
local function locate(self, operation, input)
  local message, code
  if not self.region then
    self.region, message, code = find_region(self.configuration)
    if not self.region then return nil, message, code end
  end

  if self.service.locate then return self.service.locate(self, operation, input, self.region) end
  if not self.url then
    self.url, message, code = endpoint.resolve(self.service, self.configuration, self.region)
    if not self.url then return nil, message, code end
  end

  return { url = self.url, region = self.region, input = input }
end

local function encode_query(query)
  local parts = {}
  for name, value in sorted_pairs(query or {}) do
    if secret.is(value) then error(name .. " travels in the URL, where a secret must not be", 0) end
    parts[#parts + 1] = sigv4.encode(name) .. "=" .. sigv4.encode(tostring(value))
  end

  return #parts > 0 and "?" .. table.concat(parts, "&") or ""
end

-- One attempt ------------------------------------------------------------------------------------

local function sign(self, operation, request, place, deadline_ms)
  if operation.unsigned then return request.headers end
  local keys, message, code = self.provider:get(deadline_ms)
  if not keys then return nil, { code = code, message = message } end
  local headers
  headers, message, code = sigv4.sign {
    method = request.method,
    url = request.url,
    headers = request.headers,
    body = request.body,
    payload_hash = request.payload_hash,
    content_sha256 = self.service.content_sha256,
    service = self.service.signing_name,
    region = place.region,
    credentials = keys,
    time = self.retrier:signing_time_ms() // 1000,
  }

  if headers then return headers end

  return nil, { code = headers or code or "InvalidRequest", message = message }
end

local function receive(self, operation, response)
  local protocol = self.service.protocol
  if self.service.check_crc and response.headers["x-amz-crc32"]
    and response.headers["x-amz-crc32"] ~= tostring(bytes.crc32(response.body)) then
    return nil, failure.new(response, "CrcMismatch",
      "the answer's checksum does not match its body")
  end

  if response.status >= 200 and response.status < 300 or operation.accepts == response.status then
    local output, problem = protocol.parse(self.service, operation, response)
    if output and operation.after then operation.after(output) end
    return output, problem
  end

  return nil, protocol.parse_error(response, self.service)
end

local EXPIRED = { ExpiredToken = true, ExpiredTokenException = true, RequestExpired = true }

local function attempt(self, operation, request, place, deadline_ms)
  local headers, problem = sign(self, operation, request, place, deadline_ms)
  if not headers then return nil, problem end

  local response, message, code = flight.request {
    method = request.method,
    url = request.url,
    headers = headers,
    body = request.body,
    body_file = request.body_file,
    body_offset = request.body_offset,
    body_length = request.body_length,
    output_file = request.output_file,
    deadline_ms = deadline_ms,
    timeout_ms = self.config.timeout_ms or operation.timeout_ms or DEFAULT_TIMEOUT_MS,
    connect_timeout_ms = self.config.connect_timeout_ms or CONNECT_TIMEOUT_MS,
    ca_bundle = self.ca_bundle,
    secret_body = self.service.secret_replies,
  }

  if not response then return nil, { code = code, message = message } end

  local output
  output, problem = receive(self, operation, response)
  if problem and EXPIRED[problem.code] and not operation.unsigned then self.provider:forget() end

  return output, problem
end

-- Failures ---------------------------------------------------------------------------------------

-- Services quote what they refuse, task tokens included: what the input keeps secret is taken out
-- of a failure's texts.
local function hide_secrets(value, input)
  if type(value) == "string" then
    if secret.is(input) then return secret.hide(value, input) end
    if type(input) == "table" then
      for _, member in sorted_pairs(input) do value = hide_secrets(value, member) end
    end
  elseif type(value) == "table" then
    for key, item in pairs(value) do -- any order: replaces each value by itself
      value[key] = hide_secrets(item, input)
    end
  end

  return value
end

local function describe(self, operation, problem, attempts, why)
  local facts = {}
  if problem.status then facts[#facts + 1] = "status " .. problem.status end
  if problem.request_id then facts[#facts + 1] = "request id " .. problem.request_id end
  if attempts and attempts > 1 then facts[#facts + 1] = attempts .. " attempts" end
  if why then facts[#facts + 1] = why end
  local text = ("%s %s: %s"):format(self.service.name, operation.name, problem.code)
  if problem.message and problem.message ~= "" then text = text .. ": " .. problem.message end

  return #facts > 0 and ("%s (%s)"):format(text, table.concat(facts, ", ")) or text
end

local function give_up(self, operation, problem, attempts, why)
  return nil, describe(self, operation, problem, attempts, why), problem.code, {
    request_id = problem.request_id,
    status = problem.status,
    attempts = attempts or 0,
    fields = problem.fields or {},
    headers = problem.headers,
  }
end

-- All attempts -----------------------------------------------------------------------------------

-- → the request, without what each attempt adds, and its place | nil, message, code
local function build(self, operation, input)
  local place, message, code = locate(self, operation, input)
  if not place then return nil, message, code end
  local request
  request, message, code = self.service.protocol.build(self.service, operation, place.input)
  if not request then return nil, message, code end

  request.url = place.url .. request.path .. encode_query(request.query)
  request.headers["user-agent"] = "weir/" .. process.version
  request.headers["amz-sdk-invocation-id"] = uuid()
  request.headers["x-amzn-trace-id"] = invocation.trace_id -- never signed: proxies may change it
  if self.service.finish then
    local ready
    ready, message, code = self.service.finish(request)
    if not ready then return nil, message, code end
  end

  return request, place
end

return function(self, operation, input, deadline_ms)
  local request, place, code = build(self, operation, input)
  if not request then return give_up(self, operation, { message = place, code = code }) end

  local output, problem, attempts, why = self.retrier:run(function(number, most)
    request.headers["amz-sdk-request"] = ("attempt=%d; max=%d"):format(number, most)
    return attempt(self, operation, request, place, deadline_ms)
  end, deadline_ms)
  if output then return output end

  problem.message = hide_secrets(problem.message, input)
  problem.fields = hide_secrets(problem.fields, input)
  return give_up(self, operation, problem, attempts, why)
end
