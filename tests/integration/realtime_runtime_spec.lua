-- realtime_inference in the Lambda runtime: policies, the table of an A/B test, and environments
-- that end.
local ab_table = require "weir.inference.ab_table"
local ab_tables = require "support.ab_tables"
local cloud = require "support.aws"
local json = require "weir.json"
local state_machine = require "support.state_machine"

describe("realtime_inference in Lambda", function()
  local name, live

  before_each(function()
    cloud.reset()
    ab_table.forget()
    local variants = { a = { weight = 0 }, b = { weight = 1, median_ms = 5 } }
    cloud.control("POST", "endpoints", { exp = { seed = 1, variants = variants } })
    assert(cloud.client("s3"):put_object { Bucket = "bucket", Key = "k", Body = "x" })
    name = ab_tables.create "sharded"
    live = ab_tables.effects({ ab_test_table_name = name }, {
      now = function() return os.time() end,
    })
  end)

  local function start(more)
    local variables = { VARIANT_ASSIGNMENT = "policy", AB_TEST_TABLE_NAME = name }
    for key, value in pairs(more or {}) do variables[key] = value end
    return state_machine.start_function("weir-realtime", variables)
  end

  local function invoke(emulator)
    local response = emulator:invoke({ bucket = "bucket", key = "k", size = 1,
      endpoint_name = "exp",
      output_path = "s3://bucket/out/" }, nil, "/2015-03-31/functions/weir-realtime/invocations")
    assert.equal(200, response.status, response.body)
    assert.is_nil(response.headers["x-amz-function-error"], response.body)

    return json.decode(response.body)
  end

  local function read()
    return assert(ab_table.read(live, assert(ab_table.settings(live)), "exp", os.time() - 3600,
      os.time() + 3600))
  end

  it("asks the weights policy, and records each request", function()
    local emulator <close> = start()
    for _ = 1, 3 do assert.same({ variant = "b", output_bytes = 1 }, invoke(emulator)) end
    local variants, notes = read()
    assert.same({ 3, 0, 3 }, { variants.b.requests, variants.b.errors, variants.b.latencies.count })
    assert.same({ 3, 0 }, { notes.records, notes.open })
    assert.matches('"InvokeLatency":', emulator:log(), 1, true)
    assert.matches('"Endpoint":"exp"', emulator:log(), 1, true)
  end)

  it("folds the requests of an environment into one sketch, which stays open when it is ended",
    function()
    do
      local emulator <close> = start {
        AB_TEST_RECORDS = "sketches",
        AB_TEST_INTERVAL_SECONDS = "3600",
      }

      for _ = 1, 5 do invoke(emulator) end
    end

    local variants, notes = read()
    assert.is_true(variants.b.requests >= 4 and variants.b.requests <= 5)
    assert.is_true(notes.open >= 1)
    assert.equal(0, notes.records)
    assert.is_true(#ab_tables.items(name) <= 2)
  end)
end)
