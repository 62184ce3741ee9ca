-- Handler realtime_inference: through the real clients to S3 and an endpoint; and its plan.
local json = require "weir.json"
local process = require "weir.process"
local run = require "support.run"
local workflow = require "support.workflow"
local world = require "support.inference_world"

local cloud = workflow.cloud
local infer, endpoint, requested = world.infer, world.endpoint, world.requested
local s3 = world.s3
local BYTES = world.BYTES

describe("realtime_inference", function()
  before_each(world.reset)

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

  it("leaves out the mark of a folder, which is not a file: nothing is asked, nothing is written",
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
      env = cloud.variables() }
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
end)
