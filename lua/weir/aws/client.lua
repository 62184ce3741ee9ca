-- What every AWS client does: check the input, find the endpoint and the credentials, build, sign,
-- send, retry, parse. A service is data (lua/weir/aws/<service>.lua):
--
--   client.service {
--     name = "stepfunctions",   -- in messages and plans
--     id = "SFN",               -- in AWS_ENDPOINT_URL_SFN
--     host = "states",          -- states.eu-west-1.amazonaws.com
--     signing_name = "states", protocol = "json", …,
--     operations = {
--       StartExecution = { members = "stateMachineArn* name input", changes = true },
--     },
--   }
--
-- A service with secret_replies = true decodes its replies from a secret: what is one in there never
-- was a Lua string.
--
-- gives a module with new(config). A client answers each operation under its own name and in Lua's
-- spelling: client:call("StartExecution", input) and client:start_execution(input), both
-- → output | nil, message, code, details{ request_id =, status =, attempts =, fields = }.
-- The members of input and output are AWS's, spelled as AWS spells them; `*` marks the required.
local configuration = require "weir.aws.configuration"
local credentials = require "weir.aws.credentials"
local endpoint = require "weir.aws.endpoint"
local http = require "weir.http"
local invocation = require "weir.aws.invocation"
local pages = require "weir.aws.pages"
local process = require "weir.process"
local profiles = require "weir.aws.profiles"
local retry = require "weir.aws.retry"
local secret = require "weir.secret"
local sigv4 = require "weir.sigv4"
local uuid = require "weir.uuid"
local bytes = require "weir.bytes"
local failure = require "weir.aws.failure"
local sorted_pairs = require "weir.sorted_pairs"

local client = {}

local CONFIG_KEYS = { "region", "endpoint", "credentials", "profile", "role", "timeout_ms",
  "connect_timeout_ms", "deadline_ms", "max_attempts", "retrier", "getenv" }
local CALL_OPTIONS = { "deadline_ms" }
local DEFAULT_TIMEOUT_MS, CONNECT_TIMEOUT_MS = 60000, 3100

-- Checking the caller's part --------------------------------------------------------------------

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

local function check_keys(given, allowed, what, level)
  local known = set_of(allowed)
  for key in sorted_pairs(given) do
    if not known[key] then
      error(("unknown key '%s' in %s (allowed: %s)"):format(tostring(key), what,
        table.concat(allowed, ", ")), level + 1)
    end
  end
end

local function signature_of(service, operation)
  return ("%s:call(\"%s\", {%s})"):format(service.name, operation.name, table.concat(operation.shown, ", "))
end

local function check_input(service, operation, input)
  if type(input) ~= "table" then error("expected " .. signature_of(service, operation), 4) end
  for member in sorted_pairs(input) do
    if not operation.known[member] then
      error(("unknown member '%s'; expected %s"):format(tostring(member), signature_of(service, operation)), 4)
    end
  end
  for _, member in ipairs(operation.required) do
    if input[member] == nil then
      error(("%s is missing; expected %s"):format(member, signature_of(service, operation)), 4)
    end
  end
end

-- Settling what the caller left open ------------------------------------------------------------

local function find_region(settings)
  local region, message, code = settings:region()
  if message then return nil, message, code end
  if not region then
    return nil, "no region is set; set AWS_REGION or give the client a region", "NoRegion"
  end
  local fine
  fine, message, code = endpoint.check_region(region)
  if not fine then return nil, message, code end
  return region
end

-- Sending ---------------------------------------------------------------------------------------

local function encode_query(query)
  local pairs_of = {}
  for name, value in pairs(query or {}) do -- any order: sorted below
    if secret.is(value) then error(name .. " travels in the URL, where a secret must not be", 0) end
    pairs_of[#pairs_of + 1] = sigv4.encode(name) .. "=" .. sigv4.encode(tostring(value))
  end
  table.sort(pairs_of)
  return #pairs_of > 0 and "?" .. table.concat(pairs_of, "&") or ""
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

local function sign(self, operation, request, place, deadline_ms)
  if operation.unsigned then return request.headers end
  local keys, message, code = self.provider:get(deadline_ms)
  if not keys then return nil, { code = code, message = message } end
  local headers
  headers, message, code = sigv4.sign {
    method = request.method, url = request.url, headers = request.headers, body = request.body,
    payload_hash = request.payload_hash, content_sha256 = self.service.content_sha256,
    service = self.service.signing_name, region = place.region, credentials = keys,
    time = self.retrier:signing_time_ms() // 1000,
  }
  if headers then return headers end
  return nil, { code = headers or code or "InvalidRequest", message = message }
end

local function receive(self, operation, response)
  local protocol = self.service.protocol
  if self.service.check_crc and response.headers["x-amz-crc32"]
    and response.headers["x-amz-crc32"] ~= tostring(bytes.crc32(response.body)) then
    return nil, failure.new(response, "CrcMismatch", "the answer's checksum does not match its body")
  end
  if response.status >= 200 and response.status < 300 or operation.accepts == response.status then
    local output, problem = protocol.parse(self.service, operation, response)
    if output and operation.after then operation.after(output) end
    return output, problem
  end
  return nil, protocol.parse_error(response, self.service)
end

local EXPIRED = set_of { "ExpiredToken", "ExpiredTokenException", "RequestExpired" }

local function attempt(self, operation, request, place, deadline_ms)
  local headers, problem = sign(self, operation, request, place, deadline_ms)
  if not headers then return nil, problem end
  local response, message, code = http.request {
    method = request.method, url = request.url, headers = headers, body = request.body,
    body_file = request.body_file, body_offset = request.body_offset, body_length = request.body_length,
    output_file = request.output_file, deadline_ms = deadline_ms,
    timeout_ms = self.config.timeout_ms or operation.timeout_ms or DEFAULT_TIMEOUT_MS,
    connect_timeout_ms = self.config.connect_timeout_ms or CONNECT_TIMEOUT_MS,
    ca_bundle = self.ca_bundle, secret_body = self.service.secret_replies,
  }
  if not response then return nil, { code = code, message = message } end
  local output
  output, problem = receive(self, operation, response)
  if problem and EXPIRED[problem.code] and not operation.unsigned then self.provider:forget() end
  return output, problem
end

-- Services quote what they refuse, task tokens included: what the input keeps secret is taken out of
-- a failure's texts.
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
    request_id = problem.request_id, status = problem.status, attempts = attempts or 0,
    fields = problem.fields or {},
  }
end

local function send(self, operation, input, options)
  local place, message, code = locate(self, operation, input)
  if not place then return give_up(self, operation, { message = message, code = code }) end
  local request
  request, message, code = self.service.protocol.build(self.service, operation, place.input)
  if not request then return give_up(self, operation, { message = message, code = code }) end
  request.url = place.url .. request.path .. encode_query(request.query)
  request.headers["user-agent"] = "weir/" .. process.version
  request.headers["amz-sdk-invocation-id"] = uuid()
  request.headers["x-amzn-trace-id"] = invocation.trace_id -- never signed: proxies may change it
  if self.service.finish then
    local ready
    ready, message, code = self.service.finish(request)
    if not ready then return give_up(self, operation, { message = message, code = code }) end
  end
  local deadline_ms = self:deadline(options)
  local output, problem, attempts, why = self.retrier:run(function(number, most)
    request.headers["amz-sdk-request"] = ("attempt=%d; max=%d"):format(number, most)
    return attempt(self, operation, request, place, deadline_ms)
  end, deadline_ms)
  if output then return output end
  problem.message = hide_secrets(problem.message, input)
  problem.fields = hide_secrets(problem.fields, input)
  return give_up(self, operation, problem, attempts, why)
end

-- Clients ---------------------------------------------------------------------------------------

local Client = {}

-- deadline(options of a call) → the nearest of the call's, the client's and the invocation's, or nil.
function Client:deadline(options)
  local own = self.config.deadline_ms
  if type(own) == "function" then own = own() end
  local nearest = math.min(options and options.deadline_ms or math.huge, own or math.huge,
    process.deadline() or math.huge)
  return nearest < math.huge and math.floor(nearest) or nil
end

local function find_operation(service, name)
  local operation = service.operations[name]
  if operation then return operation end
  error(("%s has no operation '%s'"):format(service.name, tostring(name)), 4)
end

-- call(operation, input, options{deadline_ms=}) → output | nil, message, code, details
function Client:call(name, input, options)
  local operation = find_operation(self.service, name)
  input = input or {}
  check_input(self.service, operation, input)
  check_keys(options or {}, CALL_OPTIONS, "the options of a call", 3)
  return send(self, operation, input, options)
end

-- The same for a request that check() has seen.
function Client:call_checked(name, input) return send(self, self.service.operations[name], input) end

-- for page, message, code, details in client:pages("Query", input) do … end
-- A page that fails is `false` with its reason, and the last.
function Client:pages(name, input)
  local operation = self.service.operations[name]
  if not (operation and operation.paging) then
    error(("%s %s has no pages"):format(self.service.name, tostring(name)), 2)
  end
  return pages(operation, input, function(given) return self:call(name, given) end)
end

-- all("ListTags", input) → every item of every page | nil, message, code, details
function Client:all(name, input)
  local items = {}
  for page, message, code, details in self:pages(name, input) do
    if not page then return nil, message, code, details end
    local found = page[self.service.operations[name].paging.items]
    if type(found) == "table" then table.move(found, 1, #found, #items + 1, items) end
  end
  return items
end

-- "StartExecution" → "start_execution", "ListObjectsV2" → "list_objects_v2"
local function snake_case(name)
  return (name:gsub("(%l)(%u)", "%1_%2"):gsub("(%u)(%u%l)", "%1_%2"):lower())
end

local function complete(operation, name)
  operation.name, operation.known, operation.required, operation.shown = name, {}, {}, {}
  for member, star in operation.members:gmatch("(%w[%w_]*)(%*?)") do
    operation.known[member] = true
    operation.shown[#operation.shown + 1] = member .. (star == "*" and "=" or "=?")
    if star == "*" then operation.required[#operation.required + 1] = member end
  end
end

local function new(service, config)
  config = config or {}
  check_keys(config, CONFIG_KEYS, service.name .. ".new", 3)
  local self = setmetatable({ service = service, config = config }, service.metatable)
  self.configuration = configuration.new(config)
  self.provider = credentials.provider(config)

  local getenv = self.configuration.getenv
  local ca_bundle = getenv("AWS_CA_BUNDLE")
  self.ca_bundle = ca_bundle and profiles.expand(ca_bundle, getenv)
  self.retrier = config.retrier or retry.new {
    max_attempts = config.max_attempts or tonumber(getenv("AWS_MAX_ATTEMPTS") or "") or service.max_attempts,
    base_ms = service.retry_base_ms,
  }
  return self
end

-- service(definition) → module:
--   new(config)         → client
--   check(name, input)  raises where a call would; → the operation
--   service, methods    the definition, and what its clients answer to
function client.service(service)
  service.protocol = require("weir.aws.protocols." .. service.protocol)
  local methods = {}
  for name, method in pairs(Client) do -- any order: copies one key at a time
    methods[name] = method
  end
  for name, operation in pairs(service.operations) do -- any order: completes each operation by itself
    complete(operation, name)
    operation.types = service.types
    methods[snake_case(name)] = function(self, input, options) return self:call(name, input, options) end
  end
  service.metatable = { __index = methods }
  local function check(name, input)
    local operation = find_operation(service, name)
    check_input(service, operation, input)
    return operation
  end
  return { service = service, methods = methods, check = check,
    new = function(config) return new(service, config) end }
end

return client
