-- The retry rules, with an injected clock, sleep and random: no test waits.
local retry = require("weir.aws.retry")
local time = require("weir.aws.time")

describe("weir.aws.retry", function()
  local now, slept, jitter, retrier

  local function new(options)
    options = options or {}
    options.now = function() return now end
    options.sleep = function(ms) slept[#slept + 1] = ms now = now + ms end
    options.random = function() return jitter end

    return retry.new(options)
  end

  -- Runs against a list of failures; after the last one every attempt succeeds.
  local function run(failures, deadline_ms)
    local attempts = 0
    local result, failure, count, why = retrier:run(function(attempt)
      attempts = attempts + 1
      assert.equal(attempts, attempt)
      if failures[attempt] then return nil, failures[attempt] end

      return "done"
    end, deadline_ms)
    assert.equal(attempts, count)

    return result, failure, attempts, why
  end

  before_each(function()
    now, slept, jitter = 1000000, {}, 1
    retrier = new()
  end)

  local broken = { code = "ConnectionLost" }
  local throttled = { code = "ThrottlingException", status = 400 }

  it("tries three times by default, doubling a base of 50 ms", function()
    local result, failure, attempts, why = run({ broken, broken, broken })
    assert.is_nil(result)
    assert.equal(broken, failure)
    assert.equal(3, attempts)
    assert.same({ 50, 100 }, slept)
    assert.equal("no attempt is left", why)
  end)

  it("succeeds on the way", function()
    assert.equal("done", (run({ broken, broken })))
    assert.same({ 50, 100 }, slept)
  end)

  it("uses the client's own base and attempts, and a second for throttling", function()
    retrier = new({ max_attempts = 4, base_ms = 25 })
    run({ broken, throttled, broken, broken })
    assert.same({ 25, 2000, 100 }, slept)
  end)

  it("spreads delays over the whole interval and caps the interval at 20 s", function()
    jitter = 0.25
    assert.equal(12.5, retrier:delay("transient", 0))
    assert.equal(250, retrier:delay("throttling", 0))
    assert.equal(5000, retrier:delay("throttling", 30))
    jitter = 0
    assert.equal(0, retrier:delay("transient", 5))
  end)

  it("gives way to what the service asks for, at most five seconds more", function()
    local function asks(name, value) return retrier:delay("transient", 0, { [name] = value }) end
    assert.equal(1500, asks("x-amz-retry-after", "1500"))
    assert.equal(5050, asks("x-amz-retry-after", "60000"))
    assert.equal(50, asks("x-amz-retry-after", "10"))
    for _, nonsense in ipairs({ "", "-5", "soon", "1e9", "5s", ("9"):rep(400) }) do
      assert.equal(50, asks("x-amz-retry-after", nonsense), nonsense)
      assert.equal(50, asks("retry-after", nonsense), nonsense)
    end

    assert.equal(2000, asks("retry-after", "2"))
    assert.equal(5050, asks("retry-after", "99999999"))
    assert.equal(50, asks("retry-after", "999999999"))
    assert.equal(5050, asks("x-amz-retry-after", "99999999999"))
    assert.equal(50, asks("x-amz-retry-after", "999999999999"))
    now = time.parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT")
    assert.equal(3000, asks("retry-after", "Mon, 23 Nov 2026 12:00:03 GMT"))
    assert.equal(50, asks("retry-after", "Mon, 23 Nov 2026 11:00:00 GMT"))
  end)

  it("knows what is transient, what is throttling and what is final", function()
    local kinds = {
      transient = { broken, { code = "Timeout" }, { code = "CrcMismatch", status = 200 },
        { code = "X", status = 500 }, { code = "X", status = 502 }, { code = "X", status = 503 },
        { code = "X", status = 504 }, { code = "ModelNotReadyException", status = 429 },
        { code = "IDPCommunicationError", status = 400 }, { code = "InternalError", status = 200 },
        { code = "ServiceUnavailable", status = 200 },
        { code = "ServiceUnavailable", status = 503 },
        { code = "InternalFailure", status = 500 }, { code = "ModelNotReadyException",
          status = 503 },
        { code = "ModelError", status = 424, fields = { OriginalStatusCode = 500 } },
        { code = "ModelError", status = 424, fields = { OriginalStatusCode = 503 } },
        { code = "ModelError", status = 424, fields = { OriginalStatusCode = "599" } },
        { code = "ModelErrorException", status = 424, fields = { originalStatusCode = 502 } } },
      throttling = { throttled, { code = "X", status = 429 }, { code = "SlowDown", status = 503 },
        { code = "ProvisionedThroughputExceededException", status = 400 } },
      final = { { code = "ConditionalCheckFailedException", status = 400 },
        { code = "ModelError", status = 424 }, { code = "InternalDependencyException",
        status = 530 },
        { code = "ModelError", status = 424, fields = { OriginalStatusCode = 400 } },
        { code = "ModelError", status = 424, fields = { OriginalStatusCode = 600 } },
        { code = "ModelError", status = 424, fields = { OriginalStatusCode = {} } },
        { code = "ModelErrorException", status = 424, fields = { originalStatusCode = 429 } },
        { code = "ModelTimeoutException", status = 408 },
        { code = "X", status = 400, fields = { OriginalStatusCode = 500 } },
        { code = "TaskTimedOut", status = 400 }, { code = "TaskDoesNotExist", status = 400 },
        { code = "InvalidToken", status = 400 }, { code = "AccessDenied", status = 403 },
        { code = "NoSuchKey", status = 404 }, { code = "DeadlineExceeded" },
        { code = "ResponseTooLarge" },
        { code = "InvalidHeader" }, { code = "FileFailed" },
        { code = "NotImplemented", status = 501 } },
    }

    for kind, failures in pairs(kinds) do
      for _, failure in ipairs(failures) do
        assert.equal(kind, retry.classify(failure) or "final", failure.code
          .. tostring(failure.status))
      end
    end
  end)

  it("gives a model that is not ready seconds", function()
    run({ { code = "ModelNotReadyException", status = 429 },
      { code = "ModelNotReadyException", status = 429 } })
    assert.same({ 1000, 2000 }, slept)
  end)

  it("stops when the bucket is empty, and refills it with what a success used", function()
    for _ = 1, 17 do run({ broken, broken, broken }) end -- 34 retries at 14 tokens
    assert.equal(500 - 34 * 14, retrier.tokens)
    run({ broken }) -- the success gives its 14 back
    assert.equal(500 - 34 * 14, retrier.tokens)
    run({ broken, broken, broken }) -- one more fits
    local before = #slept
    local _, _, attempts, why = run({ broken })
    assert.equal(1, attempts)
    assert.equal(before, #slept)
    assert.matches("quota", why)
    assert.equal("done", (run({})))
    assert.equal(11, retrier.tokens)
    assert.equal("done", (run({ throttled })))
    for _ = 1, 1000 do run({}) end
    assert.equal(500, retrier.tokens)
  end)

  it("lets no attempt begin after the deadline", function()
    local _, failure, attempts, why = run({ throttled, throttled, throttled }, now + 1500)
    assert.equal(throttled, failure)
    assert.equal(2, attempts)
    assert.same({ 1000 }, slept)
    assert.matches("deadline", why)
  end)

  describe("clock skew", function()
    local function refusal(date, more)
      local failure = { code = "SignatureDoesNotMatch", status = 403, headers = { date = date } }
      for key, value in pairs(more or {}) do failure.headers[key] = value end
      return failure
    end

    before_each(function() now = time.parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT") end)

    it("learns the service's clock, once", function()
      local late = refusal("Mon, 23 Nov 2026 13:00:00 GMT")
      assert.equal("done", (run({ late })))
      assert.equal(3600000, retrier.offset_ms)
      assert.equal(now + 3600000, retrier:signing_time_ms())
      local _, _, attempts = run({ late })
      assert.equal(1, attempts)
    end)

    it("comes back when our own clock is set right", function()
      run({ refusal("Mon, 23 Nov 2026 13:00:00 GMT") })
      now = now + 3600000
      assert.equal("done", (run({ refusal("Mon, 23 Nov 2026 13:00:01 GMT") })))
      assert.is_true(math.abs(retrier.offset_ms) < 2000)
    end)

    it("believes no cached answer, no small difference and no other refusal", function()
      for _, failure in ipairs({ refusal("Mon, 23 Nov 2026 13:00:00 GMT", { age = "5" }),
        refusal("Mon, 23 Nov 2026 12:03:50 GMT"), refusal("yesterday"), refusal(nil),
        { code = "NoSuchKey", status = 404,
          headers = { date = "Mon, 23 Nov 2026 13:00:00 GMT" } } }) do
        local _, _, attempts = run({ failure })
        assert.equal(1, attempts)
        assert.equal(0, retrier.offset_ms)
      end
    end)
  end)
end)
