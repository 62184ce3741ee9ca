-- What networks, proxies and services in trouble do, sent for real: how many attempts, which delays
-- (sleep and jitter are injected), and that nothing outlives the deadline.
local cloud = require("support.aws")
local retry = require("weir.aws.retry")
local process = require("weir.process")

describe("AWS clients under fault:", function()
  local slept

  before_each(function()
    cloud.reset()
    slept = {}
  end)

  -- A client that does not wait; the real clock still rules the deadline.
  local function client(service, more)
    more = more or {}
    more.retrier = retry.new({ max_attempts = service == "dynamodb" and 4 or 3,
      base_ms = service == "dynamodb" and 25 or 50,
      sleep = more.sleep or function(ms) slept[#slept + 1] = ms end,
        random = function() return 1 end })
    more.sleep = nil

    return cloud.client(service, more)
  end

  local function attempts() return #cloud.requests() end

  local function fault(kind, more)
    local one = { kind = kind }
    for key, value in pairs(more or {}) do one[key] = value end
    return one
  end

  local function status(code, headers, body)
    return fault("status", { status = code, headers = headers or {}, body = body or "" })
  end

  local function get(ssm, options) return ssm:get_parameter({ Name = "/plain" }, options) end

  local function fails(code, output, message, actual, details)
    assert.is_nil(output)
    assert.equal(code, actual, message)
    return details, message
  end

  describe("one fault is survived:", function()
    for name, one in pairs({
      ["a reset"] = fault("reset"), ["a close before any byte"] = fault("close"),
        ["half a body"] = fault("half"),
      ["a truncated JSON body"] = fault("truncate"), ["429"] = status(429), ["500"] = status(500),
      ["502 with a proxy's page"] = fault("html"), ["503"] = status(503), ["504"] = status(504),
      ["200 with a proxy's page"] = fault("html", { status = 200 }),
      ["a body that is not an object"] = status(200, {}, "[1"),
      ["a list"] = status(200, {}, "[1]"), ["an empty list"] = status(200, {}, "[]"),
      ["a text"] = status(200, {}, '"the value"'), ["nothing as JSON"] = status(200, {}, "null"),
      ["ThrottlingException"] = status(400, {},
        '{"__type":"x#ThrottlingException","message":"slow down"}'),
    }) do
      it(name, function()
        cloud.faults(one)
        assert.equal("the value", assert(get(client("ssm"))).Parameter.Value)
        assert.equal(1, #slept)
        local throttled = name == "429" or name == "ThrottlingException"
        assert.equal(throttled and 1000 or 50, slept[1])
      end)
    end

    it("a slow body, within the time limit", function()
      cloud.faults(fault("slow", { ms = 30 }))
      assert(get(client("ssm")))
      assert.same({}, slept)
    end)

    it("a stalled answer, by the time limit", function()
      cloud.faults(fault("stall"))
      assert(get(client("ssm", { timeout_ms = 150 })))
      assert.same({ 50 }, slept)
    end)

    it("a closed keep-alive, without counting it as an attempt", function()
      local ssm = client("ssm")
      cloud.faults(fault("then_close"))
      assert(get(ssm))
      process.sleep(30)
      assert(get(ssm))
      assert.same({}, slept)
      assert.equal("attempt=1; max=3", cloud.requests()[2].headers["amz-sdk-request"])
    end)

    it("a wrong checksum from DynamoDB, on errors as well, and half a body", function()
      for i, kind in ipairs({ "bad_crc", "half" }) do
        cloud.faults(fault(kind))
        fails("ResourceNotFoundException",
          client("dynamodb"):describe_table({ TableName = "none" }))
        assert.equal(i, #slept)
      end
    end)

    it("truncated XML from STS and S3", function()
      for _, body in ipairs({ "<AssumeRole", "<html><br></html>", "",
        "<ListBucketResult><Contents>" }) do
        cloud.faults(status(200, { ["Content-Type"] = "text/xml" }, body))
        assert(client("sts"):get_caller_identity())
        cloud.faults(status(200, { ["Content-Type"] = "text/xml" }, body))
        assert(client("s3"):list_objects_v2({ Bucket = "bucket" }))
      end
    end)

    it("an error body in an answer that says 200", function()
      cloud.faults(status(200, { ["Content-Type"] = "application/xml" },
        "<Error><Code>InternalError</Code><Message>try again</Message></Error>"))
      assert(client("s3"):list_objects_v2({ Bucket = "bucket" }))
      assert.same({ 50 }, slept)
    end)

    describe("S3's long operations, which answer 200 before they are done:", function()
      local XML = { ["Content-Type"] = "application/xml" }
      local CALLS = {
        complete_multipart_upload = { Bucket = "bucket", Key = "k", UploadId = "u",
          MultipartUpload = { Parts = { { PartNumber = 1, ETag = "e" } } } },
        copy_object = { Bucket = "bucket", Key = "k", CopySource = "bucket/source" },
        upload_part_copy = { Bucket = "bucket", Key = "k", UploadId = "u", PartNumber = 1,
          CopySource = "bucket/source" },
      }

      local DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
      local DONE = DECLARATION .. '<Result><ETag>"done"</ETag></Result>'

      local function etag_of(output)
        return (output.CopyObjectResult or output.CopyPartResult or output).ETag
      end

      for name, input in pairs(CALLS) do
        it(name .. " finds the answer behind white space, whatever the root's name", function()
          for _, root in ipairs({ "Result", "CompleteMultipartUploadOutput", "x:CopyResult" }) do
            local start = root:find(":") and root .. ' xmlns:x="y"' or root
            cloud.faults(status(200, XML, "  \r\n " .. DECLARATION
              .. ('<%s><ETag>"done"</ETag></%s>'):format(start, root)))
            assert.equal('"done"', etag_of(assert(client("s3")[name](client("s3"), input))))
          end

          assert.same({}, slept)
        end)

        it(name .. " is tried again as the code of the error inside says", function()
          for code, delay in pairs({ InternalError = 50, ServiceUnavailable = 50,
            RequestTimeout = 50, SlowDown = 1000 }) do
            slept = {}
            cloud.faults(status(200, XML, (" "):rep(5) .. DECLARATION
              .. ("<Error><Code>%s</Code></Error>"):format(code)),
              status(200, XML, DONE))
            assert.equal('"done"', etag_of(assert(client("s3")[name](client("s3"), input))))
            assert.same({ delay }, slept, code)
          end
        end)

        it(name .. " fails at once for an error that stays", function()
          cloud.faults(status(200, XML,
            " <Error><Code>InvalidPart</Code><Message>m</Message><RequestId>r</RequestId>"
            .. "<PartNumber>3</PartNumber></Error>"))
          local details = fails("InvalidPart", client("s3")[name](client("s3"), input))
          assert.equal(1, details.attempts)
          assert.equal("r", details.request_id)
          assert.equal("3", details.fields.PartNumber)
        end)

        it(name .. " takes white space alone, and a page of HTML, for an exchange that broke",
        function()
          for _, body in ipairs({ "   ", "", "<html><body>login</body></html>",
            " <Error></Error>" }) do
            slept = {}
            cloud.faults(status(200, XML, body), status(200, XML, DONE))
            assert.equal('"done"', etag_of(assert(client("s3")[name](client("s3"), input))))
            assert.same({ 50 }, slept, body)
          end
        end)
      end

      it("operations without a body are errors when they have one with an Error", function()
        cloud.faults(status(200, XML, "<Error><Code>AccessDenied</Code></Error>"))
        fails("AccessDenied", client("s3"):put_object({ Bucket = "bucket", Key = "k", Body = "x" }))
        cloud.faults(status(200, XML, "<Error><Code>InternalError</Code></Error>"))
        assert(client("s3"):delete_object({ Bucket = "bucket", Key = "k" }))
      end)

      it("operations without a body fail when a broken error or a page came", function()
        for _, body in ipairs({ '<x:Error xmlns:x="y"><x:Code>InternalError</x:Code></x:Error>',
          " <Error/>", DECLARATION .. "<Error><Code>InternalErr", "\xEF\xBB\xBF <Error></Error>",
          " \xEF\xBB\xBF" .. DECLARATION .. "<Error><Code>InternalError</Code></Error>",
          "<html><body>login</body></html>", "<!DOCTYPE html><p>login" }) do
          slept = {}
          cloud.faults(status(200, XML, body))
          assert(client("s3"):put_object({ Bucket = "bucket", Key = "k", Body = "x" }))
          assert.same({ 50 }, slept, body)
        end
      end)

      it("an object that is itself an Error element is an object", function()
        local text = "<Error><Code>InternalError</Code></Error>"
        assert(client("s3"):put_object({ Bucket = "bucket", Key = "error.xml", Body = text }))
        assert.equal(text, assert(client("s3"):get_object({ Bucket = "bucket",
          Key = "error.xml" })).Body)
      end)
    end)

    describe("models in trouble:", function()
      local function model_error(original)
        return status(424, {},
          ('{"__type":"ModelError","OriginalStatusCode":%d,"OriginalMessage":"m"}')
            :format(original))
      end

      local function invoke(more) return client("sagemaker_runtime",
      more):invoke_endpoint({ EndpointName = "e", Body = "x" }) end

      it("are asked again when they failed by themselves, are not ready or are not there",
      function()
        for _, one in ipairs({ model_error(500), model_error(503),
          status(503, {}, '{"__type":"ServiceUnavailable"}'),
          status(500, {}, '{"__type":"InternalFailure"}'),
            status(429, {}, '{"__type":"ModelNotReadyException"}') }) do
          slept = {}
          cloud.faults(one)
          assert(invoke())
          assert.equal(1, #slept, one.body)
        end

        slept = {}
        cloud.faults(status(424, {}, '{"__type":"ModelErrorException","originalStatusCode":500}'))
        assert(client("bedrock_runtime"):invoke_model({ modelId = "m", body = "{}" }))
        assert.equal(1, #slept)
      end)

      it("are not asked again for what they refused", function()
        cloud.faults(model_error(400))
        assert.equal(1, fails("ModelError", invoke()).attempts)
        cloud.faults(status(408, {}, '{"__type":"ModelTimeoutException"}'))
        assert.equal(1, fails("ModelTimeoutException",
          client("bedrock_runtime"):invoke_model({ modelId = "m", body = "{}" })).attempts)
      end)

      it("are not waited for beyond the deadline", function()
        cloud.faults(status(429, {}, '{"__type":"ModelNotReadyException"}'))
        local details, message = fails("ModelNotReadyException",
          invoke({ deadline_ms = process.time() + 900 }))
        assert.equal(1, details.attempts)
        assert.matches("the deadline comes before the next attempt", message)
      end)
    end)

    it("S3's SlowDown, as throttling", function()
      cloud.faults(status(503, { ["Content-Type"] = "application/xml" },
        "<Error><Code>SlowDown</Code><Message>reduce</Message></Error>"))
      assert(client("s3"):list_objects_v2({ Bucket = "bucket" }))
      assert.same({ 1000 }, slept)
    end)
  end)

  describe("many faults:", function()
    it("three attempts, doubling", function()
      cloud.faults(fault("reset"), status(500), status(503))
      local details, message = fails("Http503", get(client("ssm")))
      assert.equal(3, details.attempts)
      assert.same({ 50, 100 }, slept)
      assert.equal(3, attempts())
      assert.matches("status 503, 3 attempts", message)
    end)

    it("four attempts for DynamoDB, from 25 ms", function()
      cloud.faults(status(500), status(500), status(500), status(500))
      fails("Http500", client("dynamodb"):describe_table({ TableName = "x" }))
      assert.same({ 25, 50, 100 }, slept)
      assert.equal(4, attempts())
    end)

    it("the service's own delay, within five seconds of ours", function()
      cloud.faults(status(503, { ["x-amz-retry-after"] = "700" }),
        status(429, { ["Retry-After"] = "60" }))
      assert(get(client("ssm")))
      assert.same({ 700, 7000 }, slept)
    end)

    it("end at once when the quota is spent", function()
      local ssm = client("ssm")
      ssm.retrier.tokens = 20
      cloud.faults(status(500), status(500), status(500))
      local details, message = fails("Http500", get(ssm))
      assert.equal(2, details.attempts)
      assert.matches("quota", message)
    end)
  end)

  describe("never tried again:", function()
    for name, one in pairs({
      ["400"] = status(400, {}, '{"__type":"ValidationException","message":"m"}'),
      ["403"] = status(403, {}, '{"__type":"AccessDeniedException","message":"m"}'),
      ["404"] = status(404), ["424"] = status(424), ["501"] = status(501), ["530"] = status(530),
      ["a redirect"] = status(301, { Location = "http://169.254.169.254/" }),
      ["a body of five gigabytes"] = fault("lie"),
    }) do
      it(name, function()
        cloud.faults(one)
        local output, message, _, details = get(client("ssm"))
        assert.is_nil(output, message)
        assert.is_nil(message:find("attempt", 1, true), message)
        assert.equal(1, details.attempts)
        assert.equal(1, attempts())
        assert.same({}, slept)
      end)
    end
  end)

  describe("the deadline", function()
    it("ends a stalled attempt", function()
      local deadline = process.time() + 150
      cloud.faults(fault("stall"))
      fails("DeadlineExceeded", get(client("ssm"), { deadline_ms = deadline }))
      assert.is_true(process.time() - deadline < 100)
      assert.equal(1, attempts())
    end)

    it("leaves no room for a delay that passes it", function()
      cloud.faults(status(429), status(429))
      local _, message = fails("Http429", get(client("ssm"),
        { deadline_ms = process.time() + 500 }))
      assert.matches("the deadline comes before the next attempt", message)
      assert.equal(1, attempts())
      assert.same({}, slept)
    end)

    it("in the past sends nothing", function()
      fails("DeadlineExceeded", get(client("ssm"), { deadline_ms = process.time() - 1 }))
      assert.equal(0, attempts())
    end)

    it("of the invocation holds for every client, with a client's own and a call's", function()
      local handlers_own = process.deadline
      finally(function() process.deadline = handlers_own end)
      process.deadline = function() return process.time() - 1 end
      fails("DeadlineExceeded", get(client("ssm", { deadline_ms = process.time() + 60000 })))
      process.deadline = handlers_own
      fails("DeadlineExceeded", get(client("ssm", { deadline_ms = function() return 5 end })))
      assert(get(client("ssm")))
    end)

    it("with real sleeping, is never outlived", function()
      local deadline = process.time() + 400
      cloud.faults(status(500), fault("stall"), status(500))
      local output = get(client("ssm", { sleep = process.sleep }), { deadline_ms = deadline })
      assert.is_nil(output)
      assert.is_true(process.time() - deadline < 100)
    end)
  end)

  describe("a skewed clock", function()
    it("is corrected from the answer, and kept so", function()
      cloud.clock(3600)
      local ssm = client("ssm")
      assert(get(ssm))
      assert.same({ 50 }, slept)
      assert.is_true(math.abs(ssm.retrier.offset_ms - 3600000) < 3000)
      assert(get(ssm))
      assert.same({ 50 }, slept)
    end)

    it("is corrected for S3 as well", function()
      cloud.clock(-7200)
      local s3 = client("s3")
      assert(s3:list_objects_v2({ Bucket = "bucket" }))
      assert.same({ 50 }, slept)
    end)
  end)

  it("secrets stay out of messages, whatever breaks", function()
    local token = require("weir.secret").wrap("hush-token-hush")
    local sfn = client("stepfunctions")
    for _, one in ipairs({ fault("reset"), status(500), fault("html"), fault("truncate"),
      fault("lie") }) do
      cloud.faults(one, one, one)
      local output, message = sfn:send_task_heartbeat({ taskToken = token })
      if not output then assert.not_matches("hush", message) end
    end

    cloud.reset()
    cloud.faults(status(400, {},
      '{"__type":"InvalidToken","message":"Invalid token: \'hush-token-hush\'"}'))
    local details, message = fails("InvalidToken", sfn:send_task_heartbeat({ taskToken = token }))
    assert.matches("InvalidToken: Invalid token: '%[redacted%]'", message)
    assert.equal("Invalid token: '[redacted]'", details.fields.message)
  end)
end)
