-- Handler realtime_inference: through the real clients to S3 and an endpoint; and its plan.
local ab_table = require "weir.inference.ab_table"
local ab_tables = require "support.ab_tables"
local assignment = require "weir.inference.assignment"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local run = require "support.run"
local workflow = require "support.workflow"

local cloud = workflow.cloud

local BYTES = {}
for i = 0, 255 do BYTES[i + 1] = string.char(i) end
BYTES = table.concat(BYTES)

describe("realtime_inference", function()
  local s3 = cloud.client "s3"

  before_each(function()
    cloud.reset()
    ab_table.forget()
    assignment.forget()
    workflow.settings = {}
    assert(s3:put_object { Bucket = "bucket", Key = "in/a b.bin", Body = BYTES,
      ContentType = "image/tiff" })
    cloud.reset()
  end)

  local function handle(event, set, more)
    return handlers.run(handlers.find "realtime_inference", event, set, workflow.effects(more))
  end

  local function infer(more, set, effects)
    local event = {
      bucket = "bucket",
      key = "in/a b.bin",
      endpoint_name = "e",
      output_path = "s3://bucket/out/",
    }

    for name, value in pairs(more or {}) do event[name] = value end

    return handle(event, set, effects)
  end

  -- An endpoint whose variants differ.
  local function endpoint(variants, more)
    local made = { variants = variants, seed = 1 }
    for name, value in pairs(more or {}) do made[name] = value end
    cloud.control("POST", "endpoints", { exp = made })
  end

  local function requested(operation)
    local found = {}
    for _, request in ipairs(cloud.requests()) do
      if request.operation == operation then found[#found + 1] = request end
    end

    return found
  end

  it("sends a file's bytes as they are and keeps the answer", function()
    local report = infer()
    assert.same({ variant = "a", output_bytes = 256 }, workflow.fine(report))
    local object = assert(s3:get_object { Bucket = "bucket", Key = "out/in/a b.bin.out" })
    assert.same({ BYTES, "image/tiff" }, { object.Body, object.ContentType })
    assert.same({ 1, { Endpoint = "e", Variant = "a" } }, {
      workflow.metric(report, "FilesInferred")
    })
  end)

  it("asks for what the event says: content type, variant, component", function()
    workflow.fine(infer { content_type = "application/x-image", accept = "application/json",
      target_variant = "b",
      inference_component_name = "c", output_path = "s3://bucket" })
    local headers = requested("InvokeEndpoint")[1].headers
    assert.same({ "application/x-image", "application/json", "b", "c" },
      { headers["content-type"], headers.accept,
      headers["x-amzn-sagemaker-target-variant"], headers["x-amzn-sagemaker-inference-component"] })
    assert(s3:get_object { Bucket = "bucket", Key = "in/a b.bin.out" })
  end)

  it("takes JSON null for absent, and a prefix without its slash", function()
    workflow.fine(infer { content_type = json.null, accept = json.null,
      output_path = "s3://bucket/deep/er" })
    assert(s3:get_object { Bucket = "bucket", Key = "deep/er/in/a b.bin.out" })
  end)

  it("leaves out the mark of a folder, which is no file: nothing is asked, nothing is written",
    function()
    assert.same({ variant = json.null, output_bytes = 0 },
      workflow.fine(infer { key = "in/", size = 0 }))
    assert.same({}, cloud.requests())
  end)

  it("refuses what an endpoint cannot take before it is read", function()
    local message = workflow.fails("FileTooLarge", infer { size = 26214401 })
    assert.matches("26214401 bytes, an endpoint takes 26214400", message, 1, true)
    assert.same({}, cloud.requests())
    workflow.fine(infer { size = 26214400 })
  end)

  it("fails with the service's code, and writes nothing", function()
    workflow.fails("NoSuchKey", infer { key = "nothing" })
    workflow.fails("ModelError", infer { endpoint_name = "broken" })
    assert.same({}, requested("PutObject"))
  end)

  it("refuses an event that says too little", function()
    for _, name in ipairs { "bucket", "key", "endpoint_name", "output_path" } do
      assert.matches(name, workflow.fails("InvalidEvent", infer { [name] = json.null }), 1, true)
    end

    workflow.fails("InvalidEvent", infer { output_path = "/tmp" })
    workflow.fails("InvalidEvent", infer { accept = 7 })
  end)

  it("plans both calls, dry", function()
    local event = json.encode {
      bucket = "b",
      key = "k",
      endpoint_name = "e",
      output_path = "s3://r/p/",
    }

    local result = run {
      "run",
      "realtime_inference",
      "-e",
      "-",
      "--json",
      "-p",
      "policies",
      stdin = event,
    }

    assert.equal(0, result.status, result.stderr)
    local report = json.decode(result.stdout)
    assert.same({ "InvokeEndpoint", "PutObject" }, {
      report.plan[1].operation,
      report.plan[2].operation,
    })

    assert.equal("p/k.out", report.plan[2].input.Key)
  end)

  it("shows what it did, of bytes only their number", function()
    local event = json.encode { bucket = "bucket", key = "in/a b.bin", endpoint_name = "e",
      output_path = "s3://bucket/out/" }
    local result = run { "run", "realtime_inference", "-e", "-", "--json", "--live", "-p",
      "policies", stdin = event,
      env = { AWS_ENDPOINT_URL = cloud.front.url, AWS_REGION = "eu-west-1", HOME = "/nowhere",
        AWS_ACCESS_KEY_ID = cloud.front.key_id, AWS_SECRET_ACCESS_KEY = cloud.front.secret } }
    assert.equal(0, result.status, result.stderr)
    local report = json.decode(result.stdout)
    assert.same({ 256, "(256 bytes)" }, { report.result.output_bytes, report.plan[1].input.Body })
  end)

  describe("measures", function()
    it("download, invoke and total latency and the payload, by endpoint and variant", function()
      endpoint { fast = { weight = 1, median_ms = 30 } }
      local report = infer { endpoint_name = "exp" }
      workflow.fine(report)
      local values = {}
      for _, name in ipairs { "DownloadLatency", "InvokeLatency", "TotalLatency", "PayloadSize",
        "FilesInferred" } do
        local value, dimensions = workflow.metric(report, name)
        assert.same({ Endpoint = "exp", Variant = "fast" }, dimensions, name)
        values[name] = value
      end

      assert.equal(256, values.PayloadSize)
      assert.is_true(values.InvokeLatency >= 29 and values.DownloadLatency > 0)
      assert.is_true(values.TotalLatency > values.DownloadLatency + values.InvokeLatency)
    end)

    it("does not let a clock that is set back or forward make a latency wrong", function()
      endpoint { slow = { weight = 1, median_ms = 30 } }
      local time_us = process.time_us
      local calls = 0
      finally(function() process.time_us = time_us end)
      for _, step_us in ipairs { -3600000000, 3600000000, -40000 } do
        process.time_us = function()
          calls = calls + 1
          return time_us() + calls * step_us
        end

        local report = infer { endpoint_name = "exp" }
        workflow.fine(report)
        for name, least in pairs { DownloadLatency = 0, InvokeLatency = 29, TotalLatency = 30 } do
          local value = workflow.metric(report, name)
          assert.is_true(value >= least and value < 60000, name)
        end
      end
    end)
  end)

  describe("gives back to batch what is larger than", function()
    local function limit_of(more, settings)
      workflow.settings = settings or {}
      return workflow.fails("FileTooLarge", infer(more)):match("an endpoint takes (%d+)")
    end

    it("the event or the setting says, whichever is nearer", function()
      assert.equal("255", limit_of { payload_limit = 255 })
      assert.equal("255", limit_of({}, { payload_limit = "255" }))
      assert.equal("200", limit_of({ payload_limit = 255 }, { payload_limit = "200" }))
      for _, more in ipairs { { payload_limit = 256 }, { payload_limit = 256, size = 256 } } do
        workflow.settings = {}
        workflow.fine(infer(more))
      end
    end)

    it("a serverless endpoint takes", function()
      assert.equal("4194304", limit_of { inference_type = "serverless", size = 4194305 })
      workflow.settings = {}
      workflow.fine(infer { inference_type = "serverless", size = 4194304 })
      workflow.fine(infer { inference_type = "components", size = 4194305 })
    end)

    it("is read of a file whose size nobody said: not all of it, to find that out", function()
      assert(s3:put_object { Bucket = "bucket", Key = "large", Body = ("x"):rep(100000) })
      assert.matches("large has 100000 bytes, an endpoint takes 10",
        workflow.fails("FileTooLarge", infer { key = "large", payload_limit = 10 }), 1, true)
      assert.equal("bytes=0-10", requested("GetObject")[1].headers.range)
      -- As S3 answers for an object without bytes; s3rver does not answer at all.
      cloud.faults {
        kind = "status",
        status = 416,
        headers = {},
        body = "<Error><Code>InvalidRange</Code></Error>",
      }

      assert.equal(0, workflow.fine(infer { key = "empty" }).output_bytes)
    end)

    it("makes sense: anything else is refused", function()
      for _, limit in ipairs { 0, -1, 1.5, "10" } do
        workflow.fails("InvalidEvent", infer { payload_limit = limit })
      end

      workflow.fails("InvalidEvent", infer { inference_type = "magic" })
      workflow.settings = { payload_limit = "26214401" }
      workflow.fails("InvalidSetting", infer())
    end)
  end)

  describe("in an A/B test", function()
    local function table_of(shape)
      workflow.settings.ab_test_table_name = ab_tables.create(shape or "sharded")
      return workflow.settings.ab_test_table_name
    end

    local function recorded(test_id)
      local live = workflow.effects()
      local now = os.time()
      return assert(ab_table.read(live, assert(ab_table.settings(live)), test_id or "exp",
        now - 300, now + 300))
    end

    it("records who answered, and in what time", function()
      endpoint { slow = { weight = 1, median_ms = 40 } }
      table_of()
      workflow.fine(infer { endpoint_name = "exp" })
      local slow = recorded().slow
      assert.same({ 1, 0, 1 }, { slow.requests, slow.errors, slow.latencies.count })
      assert.is_true(slow.latencies.sum >= 39 and slow.latencies.sum < 2000)
    end)

    it("records failures, of the variant that failed where it is known", function()
      endpoint { bad = { weight = 1, error_rate = 1 } }
      table_of()
      workflow.settings.max_retries = "0"
      local report = infer { endpoint_name = "exp" }
      workflow.fails("ModelError", report)
      assert.same({ 1, { Endpoint = "exp", Variant = "unknown" } }, {
        workflow.metric(report, "InferenceErrors")
      })

      workflow.fails("ModelError", infer { endpoint_name = "exp", target_variant = "bad" })
      local variants = recorded()
      assert.same({ 1, 1, 0 }, {
        variants.bad.requests,
        variants.bad.errors,
        variants.bad.latencies.count,
      })

      assert.equal(1, variants.unknown.errors)
      assert.equal(2, #requested "InvokeEndpoint")

      cloud.faults({ kind = "pass" }, { kind = "status", status = 424,
        headers = {
          ["x-amzn-ErrorType"] = "ModelError",
          ["x-Amzn-Invoked-Production-Variant"] = "bad",
        },
        body = '{"OriginalStatusCode": 400}' })
      workflow.fails("ModelError", infer { endpoint_name = "exp" })
      assert.equal(2, recorded().bad.errors)
    end)

    it("does not blame a variant for what is wrong with the request", function()
      endpoint { a = { weight = 1 } }
      table_of()
      workflow.fails("NoSuchKey", infer { endpoint_name = "exp", key = "nothing" })
      workflow.fails("ValidationError", infer { endpoint_name = "exp", target_variant = "gone" })
      cloud.faults({ kind = "pass" }, { kind = "status", status = 400, headers = {},
        body = '{"__type":"ValidationError","message":"Endpoint exp of account 1 not found."}' })
      workflow.fails("ValidationError", infer { endpoint_name = "exp" })
      assert.same({}, (recorded()))
    end)

    it("never loses an answer because its record failed", function()
      local write = process.write
      finally(function() process.write = write end)
      for code, broken in pairs {
        ResourceNotFoundException = function()
          workflow.settings.ab_test_table_name = "no-such-table"
        end,
        InvalidTable = function() table_of "number_hash" end,
        ProvisionedThroughputExceededException = function()
          table_of()
          local throttled = { kind = "status", status = 400, headers = {},
            body = '{"__type":"x#ProvisionedThroughputExceededException"}' }
          local faults = { { kind = "pass" }, { kind = "pass" }, { kind = "pass" } }
          for _ = 1, 9 do faults[#faults + 1] = throttled end
          cloud.faults(table.unpack(faults))
        end,
      } do
        broken()
        local began, said = process.clock(), nil
        process.write = function(_, text) said = text end
        local report = infer()
        assert.same({ variant = "a", output_bytes = 256 }, workflow.fine(report), code)
        assert.same({ 1, { Endpoint = "e", Code = code } }, {
          workflow.metric(report, "RecordFailed")
        })

        assert.matches("the A/B record is not written: ", said, 1, true)
        assert.is_true(process.clock() - began < 30000)
        cloud.reset()
        assert(s3:put_object { Bucket = "bucket", Key = "in/a b.bin", Body = BYTES,
          ContentType = "image/tiff" })
      end
    end)

    it("records under another name where the event or the setting gives one, and a component "
      .. "under its own", function()
      table_of()
      workflow.fine(infer { test_id = "november" })
      assert.equal(1, recorded("november").a.requests)
      cloud.answers {
        ["sagemaker_runtime.InvokeEndpoint"] = { { status = 200, headers = {}, body = "" } },
      }

      workflow.fine(infer { inference_component_name = "c-1" })
      assert.equal(1, recorded("e")["c-1"].requests)
    end)

    it("counts a throttled endpoint as an error when the deadline ends the retries", function()
      endpoint { a = { weight = 1 } }
      table_of()
      local throttled = {}
      for i = 1, 11 do
        throttled[i] = {
          status = 429,
          headers = { ["x-amzn-ErrorType"] = "ThrottlingException" },
          body = "{}",
        }
      end

      cloud.answers { ["sagemaker_runtime.InvokeEndpoint"] = throttled }
      workflow.settings.max_retries = "10"
      local deadline = process.deadline
      finally(function() process.deadline = deadline end)
      local stop = process.time() + 3000
      process.deadline = function() return stop end
      workflow.fails("ThrottlingException", infer { endpoint_name = "exp" })
      assert.is_true(process.time() < stop)
      process.deadline = deadline
      cloud.reset()
      assert.equal(1, recorded().unknown.errors)
    end)
  end)

  describe("with the weights policy", function()
    local set = assert(policy_set.load "policies")

    it("sends a key to the variant that is assigned to it, always the same", function()
      endpoint { a = { weight = 7 }, b = { weight = 3 } }
      workflow.settings.variant_assignment = "policy"
      local seen = {}
      for i = 1, 40 do
        local report = infer({ endpoint_name = "exp", assignment_key = "tenant-" .. i % 20 }, set)
        local variant = workflow.fine(report).variant
        assert.equal(seen[i % 20] or variant, variant)
        seen[i % 20] = variant
        assert.same({ "assign", variant }, {
          report.decisions[1].action,
          report.decisions[1].fields.variant,
        })
      end

      assert.equal(1, #requested "DescribeEndpoint")
    end)

    it("asks the file's key where the event has none, and nobody where the event names a variant",
      function()
      endpoint { a = { weight = 7 }, b = { weight = 3 } }
      workflow.settings.variant_assignment = "policy"
      assert.equal("in/a b.bin", infer({ endpoint_name = "exp" },
        set).decisions[1].facts.assignment_key)
      for _, more in ipairs { { target_variant = "b" }, { inference_component_name = "c" } } do
        more.endpoint_name = "exp"
        local report = infer(more, set)
        workflow.fine(report)
        assert.same({}, report.decisions)
      end

      workflow.settings.variant_assignment = "endpoint"
      assert.same({}, infer({ endpoint_name = "exp" }, set).decisions)
    end)

    it("assigns anew when the variant has left the endpoint", function()
      endpoint { a = { weight = 0 }, b = { weight = 1 } }
      workflow.settings.variant_assignment = "policy"
      assert.equal("b", workflow.fine(infer({ endpoint_name = "exp" }, set)).variant)
      cloud.reset()
      assert(s3:put_object { Bucket = "bucket", Key = "in/a b.bin", Body = BYTES })
      endpoint { a = { weight = 1 } }
      assert.equal("a", workflow.fine(infer({ endpoint_name = "exp" }, set)).variant)
    end)

    it("keeps to what a serverless variant takes", function()
      cloud.answers { ["sagemaker.DescribeEndpoint"] = { { status = 200, headers = {},
        body = json.encode {
        EndpointStatus = "InService", ProductionVariants = { { VariantName = "a", CurrentWeight = 1,
          CurrentServerlessConfig = { MaxConcurrency = 5, MemorySizeInMB = 1024 } } } } } } }
      assert(s3:put_object { Bucket = "bucket", Key = "in/a b.bin", Body = ("x"):rep(4194305) })
      workflow.settings.variant_assignment = "policy"
      local report = infer({}, set)
      assert.matches("an endpoint takes 4194304", workflow.fails("FileTooLarge", report), 1, true)
      assert.is_true(report.decisions[1].facts.variants[1].serverless)
    end)

    it("fails where nobody can be asked, or the endpoint has no variants", function()
      workflow.settings.variant_assignment = "policy"
      workflow.fails("NoPolicySet", infer())
      cloud.answers { ["sagemaker.DescribeEndpoint"] = { { status = 200, headers = {},
        body = '{"EndpointStatus":"Creating","ProductionVariants":[]}' } } }
      assignment.forget()
      workflow.fails("NoVariants", infer({}, set))
      workflow.settings.variant_assignment = "both"
      workflow.fails("InvalidSetting", infer())
    end)
  end)

  describe("in place of the Python handler", function()
    local function invoke(more, settings)
      workflow.settings = { compatible_output = "true", endpoint_name = "e" }
      for name, value in pairs(settings or {}) do workflow.settings[name] = value end
      local event = { s3_uri = "s3://bucket/text.json" }
      for name, value in pairs(more or {}) do event[name] = value end

      return handle(event)
    end

    before_each(function()
      assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = '{"é":1}',
        ContentType = "text/plain" })
    end)

    it("answers in its names, with its defaults, and writes nothing", function()
      local result = workflow.fine(invoke())
      assert.same({ '{"é":1}', "a" }, { result.prediction, result.variant_name })
      for _, name in ipairs { "latency_ms", "invoke_latency_ms", "download_latency_ms" } do
        assert.equal(result[name], tonumber(("%.2f"):format(result[name])))
        result[name] = nil
      end

      result.prediction, result.variant_name = nil, nil
      assert.same({}, result)
      local headers = requested("InvokeEndpoint")[1].headers
      assert.same({ "application/json", "application/json" }, {
        headers["content-type"],
        headers.accept,
      })

      assert.equal(1, #requested "PutObject") -- that of this test
    end)

    it("takes its event: types, alias, and an output path beside it", function()
      workflow.fine(invoke({ content_type = "text/csv", accept_type = "text/xml" }))
      local headers = requested("InvokeEndpoint")[1].headers
      assert.same({ "text/csv", "text/xml" }, { headers["content-type"], headers.accept })
      cloud.reset()
      assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = "1" })
      local result = workflow.fine(invoke({ s3_uri = "s3://elsewhere/text.json",
        output_path = "s3://bucket/out" },
        { s3_access_point_alias = "bucket" }))
      assert.equal("1", result.prediction)
      assert.equal("1", assert(s3:get_object { Bucket = "bucket", Key = "out/text.json.out" }).Body)
    end)

    it("tries as often as MAX_RETRIES says, three times without", function()
      for setting, attempts in pairs { [""] = 4, ["0"] = 1, ["1"] = 2 } do
        cloud.reset()
        assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = "1" })
        local settings = {
          endpoint_name = "broken",
          max_retries = setting ~= "" and setting or nil,
        }

        workflow.fails("ModelError", invoke({}, settings))
        assert.equal(attempts, #requested "InvokeEndpoint")
      end

      workflow.fails("InvalidSetting", invoke({}, { max_retries = "11" }))
    end)

    it("carries an answer that is not text as base64", function()
      assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = "\255\0" })
      local result = workflow.fine(invoke())
      assert.same({ "/wA=", "base64" }, { result.prediction, result.prediction_encoding })
    end)

    it("answers in our names without COMPATIBLE_OUTPUT, the prediction with them", function()
      local result = workflow.fine(invoke({}, { compatible_output = "false" }))
      assert.same({ variant = "a", output_bytes = 8, prediction = '{"é":1}' }, result)
      assert.equal("text/plain", requested("InvokeEndpoint")[1].headers["content-type"])
    end)

    it("refuses what says too little, or two things", function()
      for _, more in ipairs { { s3_uri = "text.json" }, { s3_uri = "s3://bucket/" },
        { bucket = "b" } } do
        workflow.fails("InvalidEvent", invoke(more))
      end

      assert.matches("ENDPOINT_NAME", workflow.fails("InvalidEvent",
        invoke({}, { endpoint_name = "" })), 1, true)
    end)
  end)
end)
