-- How realtime_inference splits the traffic of an endpoint, over 20,000 invocations of the real
-- handler with the shipped weights policy. The services answer here, in memory: what they are asked
-- is what counts.
local assignment = require "weir.inference.assignment"
local effects = require "weir.effects"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local property = require "support.property"

-- WEIR_CASES makes them fewer, but never too few to measure a split.
local INVOCATIONS = math.max(400, math.min(20000, property.cases(20000)))
local FEWER = INVOCATIONS // 5

-- Four standard errors of a share, measured over so many invocations.
local function tolerance(count, share) return 4 * math.sqrt(count * share * (1 - share)) end

describe("20,000 invocations", function()
  local set = assert(policy_set.load "policies")
  local handler = handlers.find "realtime_inference"
  local description, asked

  before_each(function()
    assignment.forget()
    asked = { InvokeEndpoint = 0, DescribeEndpoint = 0 }
    description = { EndpointStatus = "InService", ProductionVariants = json.array {
      { VariantName = "champion", CurrentWeight = 0.7 },
        { VariantName = "challenger", CurrentWeight = 0.3 } } }
  end)

  local answers = {
    DescribeEndpoint = function() return description end,
    InvokeEndpoint = function(input)
      return { Body = "", InvokedProductionVariant = input.TargetVariant }
    end,
    GetObject = function() return { Body = "x" } end,
    PutObject = function() return {} end,
  }

  local live = effects.live { executor = { perform = function(_, request)
    asked[request.operation] = (asked[request.operation] or 0) + 1
    return answers[request.operation](request.input)
  end } }
  function live.setting(_, name, default)
    return name == "variant_assignment" and "policy" or default
  end

  local function variant_of(key, test_id)
    live.metrics, live.plan = {}, {}
    local report = handlers.run(handler, { bucket = "b", key = "k", size = 1, endpoint_name = "e",
      output_path = "s3://b/o", assignment_key = key, test_id = test_id }, set, live)
    return (report.result or error(report.error.message)).variant
  end

  local function split(test_id, invocations)
    local counts, variants = { champion = 0, challenger = 0 }, {}
    for i = 1, invocations do
      local variant = variant_of("tenant-" .. i, test_id)
      counts[variant], variants[i] = counts[variant] + 1, variant
    end

    return counts, variants
  end

  it("are split 70/30, each key always to the same variant", function()
    local counts, variants = split("november", INVOCATIONS)
    assert.equal(INVOCATIONS, asked.InvokeEndpoint)
    assert.is_true(asked.DescribeEndpoint < 60)
    local off = math.abs(counts.champion - 0.7 * INVOCATIONS)
    assert.is_true(off < tolerance(INVOCATIONS, 0.7), counts.champion .. " went to the champion")
    for i = 1, INVOCATIONS, 97 do
      assert.equal(variants[i], variant_of("tenant-" .. i, "november"))
    end
  end)

  it("keep a challenger's keys when its share grows, and fall differently in another experiment",
    function()
    local _, before = split("november", FEWER)
    description.ProductionVariants[1].CurrentWeight,
      description.ProductionVariants[2].CurrentWeight = 0.5, 0.5
    assignment.forget()
    local counts, after = split("november", FEWER)
    assert.is_true(math.abs(counts.challenger - FEWER / 2) < tolerance(FEWER, 0.5))
    for i = 1, #before do
      if before[i] == "challenger" then assert.equal("challenger", after[i]) end
    end

    local _, other = split("december", FEWER)
    local differing = 0
    for i = 1, #other do if other[i] ~= after[i] then differing = differing + 1 end end
    assert.is_true(math.abs(differing - FEWER / 2) < tolerance(FEWER, 0.5))
  end)
end)
