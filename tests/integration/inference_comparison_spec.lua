-- Handler inference_comparison: windows, what is kept of them, and the facts that come of them, on
-- real parts.
local cloud = require "support.aws"
local endpoints = require "support.endpoints"
local experiment = require "support.experiment"
local json = require "weir.json"
local policy_folder = require "support.policy_folder"
local workflow = require "support.workflow"

local fine = workflow.fine

-- A policy that only looks.
local LOOKS = 'return policy { kind = "promotion", decide = function() '
  .. 'return hold { needs = "nothing", because = "it only looks" } end }'

local NINE_TO_ONE = { old = { weight = 0.9 }, new = { weight = 0.1 } }

describe("inference_comparison", function()
  local set

  setup(function() set = policy_folder.load { ["promotion.lua"] = LOOKS } end)
  teardown(policy_folder.remove_all)

  local function new(given)
    given = given or {}
    given.set, given.variants = set, given.variants or NINE_TO_ONE
    given.per_minute = given.per_minute or 100

    return experiment.new(given)
  end

  local function facts_of(trial)
    return json.decode(trial.decisions[#trial.decisions]).facts
  end

  local function variant(facts, name)
    for _, each in ipairs(facts.variants) do
      if each.name == name then return each end
    end
  end

  local function aggregations()
    local found = {}
    for _, item in ipairs(experiment.items()) do
      if item.record_type and item.record_type.S == "aggregation" then
        found[tonumber(item.window_start.N)] = item
      end
    end

    return found
  end

  local function requested(operation) return #cloud.requested(operation) end

  local function metrics_of(trial, name)
    local found = {}
    for _, metric in ipairs(trial.effects.metrics) do
      if metric.name == name then
        found[metric.dimensions.VariantName or metric.dimensions.Action] = metric.value
      end
    end

    return found
  end

  it("measures what each variant did in the window, from one call to CloudWatch", function()
    local trial = new()
    local result = fine(trial:step())
    assert.same({ "hold", "held", "act", false }, {
      result.action,
      result.outcome,
      result.mode,
      result.repeated,
    })

    assert.same({ from = trial.START, to = trial.START + 300 }, result.window)
    assert.equal(500, result.variants.old.requests + result.variants.new.requests)

    assert.equal(result.variants.old.requests, metrics_of(trial, "RequestCount").old)
    assert.near(50, metrics_of(trial, "P50Latency").old, 5)
    assert.near(50 * math.exp(0.3 * 2.326), metrics_of(trial, "P99Latency").old, 25)
    assert.same({ hold = 1 }, metrics_of(trial, "PromotionDecisions"))
    assert.equal(1, requested "GetMetricData")
  end)

  it("writes the aggregation of a window once", function()
    local trial = new()
    local result = fine(trial:step())
    local item = aggregations()[trial.START]
    assert.equal(tostring(result.variants.old.requests), item.variants.M.old.M.request_count.N)
    assert.equal("table", item.source.S)

    fine(trial:step())
    fine(trial:step())
    local written = {}
    for at in pairs(aggregations()) do written[#written + 1] = at end
    assert.equal(3, #written)
    local puts = 0
    for _, call in ipairs(trial.effects.plan) do
      if call.operation == "PutItem" and call.input.Item.record_type == "aggregation" then
        puts = puts + 1
      end
    end

    assert.equal(1, puts, "only the new window's")
  end)

  it("decides a window once: a re-run gives the same answer, and tells nothing", function()
    local trial = new()
    trial:traffic(5)
    local first, second = fine(trial:compare()), fine(trial:compare())
    assert.same({ false, true }, { first.repeated, second.repeated })
    for _, member in ipairs { "action", "because", "outcome", "window" } do
      assert.same(first[member], second[member], member)
    end

    assert.same({ 1, 1 }, { #trial.decisions, #trial.events() })
    assert.same({}, trial.effects.metrics)
  end)

  it("counts every record once, whenever it looks", function()
    local trial, requests = new(), 0
    for i = 1, 9 do
      fine(trial:step())
      -- Two windows of warm-up; the rest is evidence.
      if i > 2 then requests = requests + 500 end
    end

    local facts = facts_of(trial)
    assert.equal(requests, variant(facts, "old").window.requests + variant(facts,
      "new").window.requests)
    assert.equal(variant(facts, "new").window.requests, facts.evidence.requests)
  end)

  it("takes late records, as long as their window is open", function()
    local trial = new()
    for _ = 1, 3 do fine(trial:step()) end
    local before = variant(facts_of(trial), "new").window.requests
    local now = trial.now
    trial:record { variant = "new", from = now - 200, errors = 0, latencies = { 50, 50, 50 } }
    trial.now = now
    fine(trial:step())

    local facts = facts_of(trial)
    local last = variant(facts, "new").recent.requests
    assert.equal(before + last + 3, variant(facts, "new").window.requests)
    local item = aggregations()[now - 300]
    assert.equal(tostring(before + 3), item.variants.M.new.M.request_count.N)
  end)

  it("counts a record at a window's end in the next one", function()
    local trial = new { per_minute = 0, settings = { ab_test_records = "each" } }
    local at = trial.START + 300
    trial:record { variant = "new", from = at - 1, errors = 0, latencies = { 50 } }
    trial:record { variant = "new", from = at, errors = 0, latencies = { 50, 50 } }
    trial.now = at + 5
    assert.equal(1, fine(trial:compare()).variants.new.requests)
    trial.now = at + 305
    assert.equal(2, fine(trial:compare()).variants.new.requests)
  end)

  it("takes counts from CloudWatch where no client writes records; its percentiles are not "
    .. "evidence",
    function()
    local trial = new()
    trial.records_lost = true
    endpoints.cloudwatch { unordered = true, results_a_page = 3 }
    for _ = 1, 4 do fine(trial:step()) end
    local facts = facts_of(trial)
    assert.equal(1000, variant(facts, "old").window.requests + variant(facts,
      "new").window.requests)
    assert.is_table(facts.evidence.error_rate)
    assert.is_nil(facts.evidence.latency)
    local recent = variant(facts, "old").recent
    assert.near(50, recent.latency_ms.p50, 4) -- of microseconds
    assert.near(50 * math.exp(0.3 * 2.326), recent.latency_ms.p99, 25)
    assert.equal("cloudwatch", aggregations()[trial.START].source.S)
  end)

  it("takes CloudWatch's late points when they come", function()
    local trial = new()
    trial.records_lost = true
    endpoints.cloudwatch { late_seconds = 240 }
    fine(trial:step())
    local late = facts_of(trial)
    assert.is_true(variant(late, "old").recent.requests < 120)
    fine(trial:step())
    assert.is_true(tonumber(aggregations()[trial.START].variants.M.old.M.request_count.N) > 400)
  end)

  it("does not take errors that CloudWatch has no word on for none", function()
    local trial = new()
    trial.records_lost = true
    endpoints.cloudwatch {
      missing = { "Invocation5XXErrors" },
      status = { Invocation5XXErrors = "PartialData" },
    }

    fine(trial:step())
    assert.is_nil(variant(facts_of(trial), "old").recent.errors)
    assert.is_nil(facts_of(trial).evidence)

    endpoints.cloudwatch { missing = { "Invocation5XXErrors" }, status = {} }
    trial:wait(300)
    trial:traffic(5)
    fine(trial:compare())
    assert.equal(0, variant(facts_of(trial), "old").recent.errors)
  end)

  it("says that there is no data when the data stop: neither counts nor zero", function()
    local trial = new()
    for _ = 1, 4 do fine(trial:step()) end
    trial.per_minute = 0
    fine(trial:step())
    local recent = variant(facts_of(trial), "old").recent
    assert.same({ trial.now - 300, trial.now }, { recent.from, recent.to })
    assert.is_nil(recent.requests)
    assert.is_nil(recent.errors)
  end)

  it("goes on with the table alone when CloudWatch fails, and says so", function()
    local trial = new()
    trial:traffic(5)
    local refusal = { status = 400, headers = { ["Content-Type"] = "application/x-amz-json-1.0" },
      body = json.encode { __type = "AccessDenied", message = "not authorized" } }
    cloud.answers { ["cloudwatch.GetMetricData"] = { refusal } }
    local result = fine(trial:compare())
    assert.equal(500, result.variants.old.requests + result.variants.new.requests)
    assert.matches("not authorized", result.left_out, 1, true)
  end)

  it("begins a warm-up after every change of weights, and leaves windows in between out", function()
    local trial = new()
    for _ = 1, 4 do fine(trial:step()) end
    local before = variant(facts_of(trial), "new").window.requests
    assert(cloud.client("sagemaker"):update_endpoint_weights_and_capacities {
      EndpointName = trial.ENDPOINT,
      DesiredWeightsAndCapacities = { { VariantName = "old", DesiredWeight = 0.7 },
        { VariantName = "new", DesiredWeight = 0.3 } },
    })

    for _ = 1, 2 do
      fine(trial:step())
      assert.equal(before, variant(facts_of(trial), "new").window.requests)
      assert.is_true(variant(facts_of(trial), "new").recent.warming)
    end

    fine(trial:step())
    local facts = facts_of(trial)
    assert.equal(before + variant(facts, "new").recent.requests,
      variant(facts, "new").window.requests)
    assert.is_true(facts.evidence.sample_ratio_p > 0.001)
    assert.is_true(facts.minutes_since_change <= 20)
  end)

  it("tells who is who: by the settings, or by the larger share", function()
    local trial = new { variants = { old = { weight = 0.5 }, new = { weight = 0.5 } } }
    trial:traffic(5)
    local report = trial:compare()
    assert.equal("NotConfigured", report.error.code)
    assert.matches("CHAMPION_VARIANT", report.error.message, 1, true)

    trial.settings.champion_variant = "new"
    fine(trial:compare())
    assert.same({ "new", "old" }, { facts_of(trial).champion, facts_of(trial).challenger })
    trial.settings.champion_variant = "newest"
    assert.equal("InvalidSetting", trial:compare().error.code)
  end)

  it("begins another trial when the endpoint gets another configuration", function()
    local trial = new()
    for _ = 1, 4 do fine(trial:step()) end
    trial.settings.challenger_variant = "new" -- the same, but said
    fine(trial:step())
    assert.is_nil(facts_of(trial).variants[1].window)
  end)

  it("aggregates the Python handlers' own table, whichever key it has, under their name", function()
    local db = cloud.client "dynamodb"
    local tables = {
      numbered = { { AttributeName = "test_id", KeyType = "HASH" },
        { AttributeName = "timestamp", KeyType = "RANGE" } },
      single = { { AttributeName = "test_id", KeyType = "HASH" } },
    }

    for shape, keys in pairs(tables) do
      local name, attributes = "python-" .. shape, {
        { AttributeName = "test_id", AttributeType = "S" },
      }

      if #keys == 2 then attributes[2] = { AttributeName = "timestamp", AttributeType = "N" } end
      db:create_table { TableName = name, AttributeDefinitions = attributes, KeySchema = keys,
        BillingMode = "PAY_PER_REQUEST" }
      local trial = new { settings = { compatible_output = "true", ab_test_table_name = name } }
      local function put(at, who, latency_ms, is_error)
        assert(db:put_item { TableName = name, Item = { test_id = trial.ENDPOINT, timestamp = at,
          variant_name = who, latency_ms = latency_ms, is_error = is_error } })
      end

      put(trial.START + 10, "new", 40, false)
      if shape == "numbered" then
        put(trial.START + 20, "new", 60, false)
        put(trial.START + 30, "new", 9, true)
        put(trial.START + 300, "old", 10, false) -- of the next window
      end

      trial:wait(305)
      local result = fine(trial:compare())
      assert.same({ new = shape == "numbered" and { requests = 3, errors = 1 }
        or { requests = 1, errors = 0 } },
        result.variants)
      assert.equal(shape == "numbered" and 50 or 40, metrics_of(trial, "AvgLatency").new)
      assert.near(shape == "numbered" and 100 / 3 or 0, metrics_of(trial, "ErrorRate").new, 1e-9)

      local found = 0
      for _, item in ipairs(experiment.items(name)) do
        if item.test_id.S:find(trial.ENDPOINT .. "-aggregation", 1, true) then found = found + 1 end
      end

      assert.equal(1, found, shape)
    end
  end)

  it("only aggregates in place of the Python handler, and asks nothing of SageMaker and CloudWatch",
    function()
    local trial = new { settings = { compatible_output = "true" } }
    trial:traffic(5)
    local result = fine(trial:compare())
    assert.equal(500, result.variants.old.requests + result.variants.new.requests)
    assert.equal(result.variants.new.requests, metrics_of(trial, "RequestCount").new)
    assert.is_table(aggregations()[trial.START])
    assert.same({ 0, 0, 0 }, {
      #trial.decisions,
      requested "GetMetricData",
      requested "DescribeEndpoint",
    })
  end)
end)
