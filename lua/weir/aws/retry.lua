-- AWS's standard retry mode of 2026: which failures are tried again, after how long, and a token
-- bucket that stops a client from hammering a service in trouble. One retrier per client.
--
-- Clock, sleep and random come from outside, so that tests see every delay without waiting.
local flight = require "weir.aws.flight"
local sigv4 = require "weir.sigv4"
local process = require "weir.process"
local time = require "weir.aws.time"

local M = {}
M.__index = M

local BUCKET_SIZE = 500
local TRANSIENT_COST, THROTTLING_COST = 14, 5
local THROTTLING_BASE_MS, LONGEST_DELAY_MS = 1000, 20000
local RETRY_AFTER_SPREAD_MS = 5000

local function set(names)
  local members = {}
  for name in names:gmatch("%S+") do members[name] = true end
  return members
end

-- Codes of weir.http come first: the exchange broke before a whole answer was there. The last ones
-- go with statuses 500 and 503; S3 also sends them in an answer with status 200. The state machines
-- of deploy/ wait for the names of both lists.
M.TRANSIENT_CODES = set [[
  ConnectFailed ConnectionLost MalformedResponse Timeout TlsFailed CrcMismatch
  RequestTimeout RequestTimeoutException IDPCommunicationError
  ReplicatedWriteConflictException ConditionalRequestConflict ModelNotReadyException
  InternalError InternalFailure InternalServerError InternalServerException
  ServiceUnavailable ServiceUnavailableException Http500 Http502 Http503 Http504
]]

M.THROTTLING_CODES = set [[
  Throttling ThrottlingException ThrottledException RequestThrottledException RequestThrottled
  TooManyRequestsException ProvisionedThroughputExceededException TransactionInProgressException
  RequestLimitExceeded BandwidthLimitExceeded LimitExceededException SlowDown
  PriorRequestNotComplete EC2ThrottledException Http429
]]

-- A failure of a model's container comes with status 424; the container's status is a member of it.
local MODEL_CODES = set "ModelError ModelErrorException"

local TRANSIENT_STATUSES = { [500] = true, [502] = true, [503] = true, [504] = true }

-- Whether a model's container failed by itself, and not because of what it was asked.
local function is_model_in_trouble(failure)
  if not MODEL_CODES[failure.code] then return false end
  local fields = failure.fields or {}
  local original = fields.OriginalStatusCode or fields.originalStatusCode
  local status = type(original) ~= "table" and tonumber(original)

  return status and status >= 500 and status <= 599 or false
end

-- classify(failure) → "throttling" | "transient" | nil. A failure is
-- { code =, status =, headers =, elapsed_ms =, fields =, … }.
function M.classify(failure)
  if M.THROTTLING_CODES[failure.code] then return "throttling" end
  if M.TRANSIENT_CODES[failure.code] or is_model_in_trouble(failure) then return "transient" end
  if failure.status == 429 then return "throttling" end
  if TRANSIENT_STATUSES[failure.status] then return "transient" end

  return nil
end

-- new{max_attempts=, base_ms=, now=, sleep=, random=}
function M.new(options)
  options = options or {}
  return setmetatable({
    max_attempts = options.max_attempts or 3,
    base_ms = options.base_ms or 50,
    now = options.now or process.time,
    sleep = options.sleep or flight.sleep,
    random = options.random or math.random,
    tokens = BUCKET_SIZE,
    offset_ms = 0, -- the service's clock minus ours
  }, M)
end

-- The time to sign with.
function M:signing_time_ms()
  return self.now() + self.offset_ms
end

-- True when the failure came from a skewed clock and the offset is now better.
function M:correct_skew(failure)
  local headers = failure.headers
  if not headers or not headers.date or not failure.code then return false end
  local received = self.now() / 1000
  local offset = sigv4.skew({
    code = failure.code,
    date = headers.date,
    age = headers.age,
    sent = received - (failure.elapsed_ms or 0) / 1000,
    received = received,
    offset = self.offset_ms / 1000,
  })

  if not offset then return false end
  self.offset_ms = offset * 1000

  return true
end

-- The delay that the service asks for, in milliseconds; nil when it asks for none or cannot be
-- read.
function M:requested_delay(headers)
  if not headers then return nil end
  local ms = headers["x-amz-retry-after"]
  if ms then return ms:match("^%d+$") and #ms < 12 and tonumber(ms) or nil end
  local after = headers["retry-after"]
  if not after then return nil end
  if after:match("^%d+$") and #after < 9 then return tonumber(after) * 1000 end
  local date = time.parse_http_date(after)

  return date and math.max(0, date - self.now()) or nil
end

-- Full jitter over an exponential bound; the service may ask for more, within five seconds.
-- retries: how many came before this one.
function M:delay(kind, retries, headers)
  local base = kind == "throttling" and THROTTLING_BASE_MS or self.base_ms
  local delay = self.random() * math.min(base * 2 ^ retries, LONGEST_DELAY_MS)
  local requested = self:requested_delay(headers)
  if not requested then return delay end

  return math.max(delay, math.min(requested, delay + RETRY_AFTER_SPREAD_MS))
end

-- Whether to try again after this failure: the delay and its cost, or nil and why not.
function M:plan(failure, attempt, deadline_ms)
  local kind = M.classify(failure)
  if self:correct_skew(failure) then kind = "transient" end
  if not kind then return nil end
  if attempt >= self.max_attempts then return nil, nil, "no attempt is left" end
  local cost = kind == "throttling" and THROTTLING_COST or TRANSIENT_COST
  if self.tokens < cost then return nil, nil, "this client has spent its retry quota" end
  -- A model that is not ready yet needs seconds, as a throttled service does.
  local pace = failure.code == "ModelNotReadyException" and "throttling" or kind
  local delay = self:delay(pace, attempt - 1, failure.headers)
  if deadline_ms and self.now() + delay >= deadline_ms then
    return nil, nil, "the deadline comes before the next attempt"
  end

  return delay, cost
end

-- Waits for the next attempt, and pays for it: → its cost | nil, why there is none.
function M:wait(failure, attempt, deadline_ms)
  local delay, cost, why = self:plan(failure, attempt, deadline_ms)
  if not delay then return nil, why end
  self.tokens = self.tokens - cost
  self.sleep(delay)

  return cost
end

-- run(send, deadline_ms): calls send(attempt, max_attempts) → result | nil, failure until it
-- succeeds or may not be tried again. Returns result | nil, failure, attempts, why not again.
function M:run(send, deadline_ms)
  local attempt, last_cost = 1, nil
  while true do
    local result, failure = send(attempt, self.max_attempts)
    if result then
      self.tokens = math.min(BUCKET_SIZE, self.tokens + (last_cost or 1))
      return result, nil, attempt
    end

    local cost, why = self:wait(failure, attempt, deadline_ms)
    if not cost then return nil, failure, attempt, why end
    last_cost, attempt = cost, attempt + 1
  end
end

return M
