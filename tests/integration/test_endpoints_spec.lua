-- The endpoints of the tests behave as SageMaker's: what the specs of experiments rest on.
local cloud = require "support.aws"
local endpoints = require "support.endpoints"

local START = 1795435200

describe("an endpoint of the tests", function()
  local sagemaker, runtime = cloud.client "sagemaker",
    cloud.client("sagemaker_runtime", { max_attempts = 1 })
  local cloudwatch = cloud.client "cloudwatch"

  before_each(function()
    cloud.reset()
    endpoints.now(START)
    endpoints.make { e = { seed = 7, update_seconds = 90, variants = {
      old = { weight = 0.7, median_ms = 100, sigma = 0.5, error_rate = 0.1 },
      new = {
        weight = 0.3,
        median_ms = 200,
        sigma = 0.5,
        package = "arn:p",
        approval = "Approved",
      },
    } } }
  end)

  local function weights()
    local found, described = {}, assert(sagemaker:describe_endpoint { EndpointName = "e" })
    for _, variant in ipairs(described.ProductionVariants) do
      found[variant.VariantName] = { variant.CurrentWeight, variant.DesiredWeight }
    end

    return found, described.EndpointStatus
  end

  local function update(share)
    return sagemaker:update_endpoint_weights_and_capacities { EndpointName = "e",
      DesiredWeightsAndCapacities = {
      { VariantName = "old", DesiredWeight = 1 - share },
        { VariantName = "new", DesiredWeight = share } } }
  end

  local function read_metric(name, statistic, from, to, variant)
    local metric = { Namespace = "AWS/SageMaker", MetricName = name, Dimensions = {
      { Name = "EndpointName", Value = "e" }, { Name = "VariantName", Value = variant } } }
    local queries = {
      { Id = "a", MetricStat = { Period = 300, Stat = statistic, Metric = metric } },
    }

    return assert(cloudwatch:all("GetMetricData",
      { StartTime = from, EndTime = to, MetricDataQueries = queries }))[1]
  end

  it("is Updating until the new weights serve, and refuses another change meanwhile", function()
    assert(update(0.5))
    local seen, status = weights()
    assert.same({ { 0.7, 0.5 }, "Updating" }, { seen.old, status })
    assert.equal("ValidationException", select(3, update(0.4)))

    endpoints.now(START + 90)
    seen, status = weights()
    assert.same({ { 0.5, 0.5 }, "InService" }, { seen.old, status })
    assert.same({ { endpoint = "e", at = START, weights = { old = 0.5, new = 0.5 } } },
      endpoints.updates())
  end)

  it("splits its requests by weight; variants differ in latency and errors", function()
    local requests, errors, sum = { old = 0, new = 0 }, { old = 0, new = 0 }, { old = 0, new = 0 }
    for _, minute in ipairs(endpoints.traffic("e", START, START + 600, 1000)) do
      requests[minute.variant] = requests[minute.variant] + minute.requests
      errors[minute.variant] = errors[minute.variant] + minute.errors
      for _, latency in ipairs(minute.latencies) do
        sum[minute.variant] = sum[minute.variant] + latency
      end

      assert.equal(minute.requests - minute.errors, #minute.latencies)
    end

    assert.equal(10000, requests.old + requests.new)
    assert.near(7000, requests.old, 200)
    assert.near(0.1, errors.old / requests.old, 0.015)
    assert.equal(0, errors.new)
    assert.near(2, (sum.new / requests.new) / (sum.old / (requests.old - errors.old)), 0.1)
  end)

  it("leaves metrics in CloudWatch: counts that add up, latencies in microseconds", function()
    local minutes = endpoints.traffic("e", START, START + 300, 100)
    endpoints.now(START + 600)
    local requests, errors, most = 0, 0, 0
    for _, minute in ipairs(minutes) do
      if minute.variant == "old" then
        requests, errors = requests + minute.requests, errors + minute.errors
        most = math.max(most, table.unpack(minute.latencies))
      end
    end

    assert.same({ requests }, read_metric("Invocations", "Sum", START, START + 300, "old").Values)
    assert.same({ errors }, read_metric("Invocation5XXErrors", "Sum", START, START + 300,
      "old").Values)
    assert.near(most * 1000, read_metric("ModelLatency", "p100", START, START + 300,
      "old").Values[1], 1)
    assert.same({}, read_metric("Invocations", "Sum", START + 300, START + 600, "old").Values)
  end)

  it("shows late points late, and misses what it is told to miss", function()
    endpoints.traffic("e", START, START + 600, 10)
    endpoints.cloudwatch { late_seconds = 300 }
    assert.same({ START }, read_metric("Invocations", "Sum", START, START + 600, "old").Timestamps)
    endpoints.cloudwatch { late_seconds = 0, unordered = true }
    assert.equal(2, #read_metric("Invocations", "Sum", START, START + 600, "old").Timestamps)
    endpoints.cloudwatch { missing = { "Invocations" }, status = { Invocations = "PartialData" } }
    assert.same({ {}, "PartialData" }, { read_metric("Invocations", "Sum", START, START + 600,
      "old").Values,
      read_metric("Invocations", "Sum", START, START + 600, "old").StatusCode })
  end)

  it("answers requests by its weights, and tells of which package a variant is", function()
    local counts = { old = 0, new = 0, failed = 0 }
    endpoints.make { e = { variants = { old = { median_ms = 0 }, new = { median_ms = 0 } } } }
    for _ = 1, 200 do
      local answer, _, code = runtime:invoke_endpoint { EndpointName = "e", Body = "x" }
      local who = answer and answer.InvokedProductionVariant or code == "ModelError" and "failed"
      counts[who] = counts[who] + 1
    end

    assert.is_true(counts.new > 40 and counts.new < 80 and counts.failed > 4, counts.new .. " "
      .. counts.failed)

    local config = assert(sagemaker:describe_endpoint_config { EndpointConfigName = "e-config" })
    local model =
      assert(sagemaker:describe_model { ModelName = config.ProductionVariants[1].ModelName })
    local package = assert(sagemaker:describe_model_package {
      ModelPackageName = model.PrimaryContainer.ModelPackageName })
    assert.equal("Approved", package.ModelApprovalStatus)
  end)
end)
