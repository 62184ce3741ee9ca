-- What realtime_inference records of each request in the A/B table.
local ab_table = require "weir.inference.ab_table"
local ab_tables = require "support.ab_tables"
local process = require "weir.process"
local workflow = require "support.workflow"
local world = require "support.inference_world"

local cloud = workflow.cloud
local infer, endpoint, requested = world.infer, world.endpoint, world.requested
local s3 = world.s3
local BYTES = world.BYTES

describe("realtime_inference in an A/B test", function()
  before_each(world.reset)

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

  it("records an answer that could not be kept: the endpoint gave it", function()
    endpoint { quick = { weight = 1 } }
    table_of()
    local report = infer { endpoint_name = "exp", output_path = "s3://no-such-bucket/out/" }
    assert.equal("NoSuchBucket", report.error.code)
    local quick = recorded().quick
    assert.same({ 1, 0, 1 }, { quick.requests, quick.errors, quick.latencies.count })
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
