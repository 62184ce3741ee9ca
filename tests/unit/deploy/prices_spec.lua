local prices = require "weir.deploy.prices"

local ENDPOINT = {
  EnableEndpoint = "true",
  EnableScaling = "false",
  EnableServerless = "false",
  InstanceType = "ml.m5.large",
  Variant2Name = "",
  MinCapacity = "1",
  MaxCapacity = "4",
}

-- ENDPOINT with some values others
local function with(more)
  local values = {}
  for name, value in pairs(ENDPOINT) do values[name] = value end -- any order: copies each by itself
  for name, value in pairs(more) do values[name] = value end -- any order: copies each by itself
  return values
end

describe("weir.deploy.prices", function()
  it("asks nothing for what is switched off", function()
    assert.same({ monthly = 0, elsewhere = false, parts = {}, unknown = {} },
      prices.of({ ["AWS::Lambda::Function"] = 9 }, with { EnableEndpoint = "false" }))
  end)

  it("takes an instance for a month of 730 hours", function()
    local price = prices.of({}, with {})
    assert.is_near(83.95, price.monthly, 0.001) -- 0.115 × 730
    assert.is_nil(price.most)
    assert.same({ "1 × ml.m5.large" }, price.parts)
  end)

  it("takes every variant, at the least and at the most", function()
    local price = prices.of({},
      with { EnableScaling = "true", Variant2Name = "b", MinCapacity = "2" })
    assert.is_near(335.80, price.monthly, 0.001) -- 2 variants × 2 × 83.95
    assert.is_near(671.60, price.most, 0.001) -- 2 variants × 4 × 83.95
    assert.same({ "4 to 8 × ml.m5.large" }, price.parts)
  end)

  it("takes alarms, the alarms of scaling, and dashboards", function()
    local price = prices.of({
      ["AWS::CloudWatch::Alarm"] = 7,
      ["AWS::CloudWatch::Dashboard"] = 1,
      ["AWS::ApplicationAutoScaling::ScalingPolicy"] = 2,
    }, {})
    assert.is_near(4.10, price.monthly, 0.001) -- 0.70 + 3.00 + 0.40
    assert.same({ "2 × ScalingPolicy", "7 × Alarm", "1 × Dashboard" }, price.parts)
  end)

  it("lets the estate's prices go over its own", function()
    local price = prices.of({ ["AWS::CloudWatch::Alarm"] = 10 }, with {},
      { ["ml.m5.large"] = 0.2, ["AWS::CloudWatch::Alarm"] = 0.5 })
    assert.is_near(151.0, price.monthly, 0.001) -- 0.2 × 730 + 5
  end)

  it("takes the estate's price of the region first, and says where the list is another's",
    function()
    local own = { ["ml.m5.large"] = 0.2, ["eu-west-1"] = { ["ml.m5.large"] = 0.3 } }
    local price = prices.of({}, with {}, own, "eu-west-1")
    assert.is_near(219.0, price.monthly, 0.001) -- 0.3 × 730
    assert.is_false(price.elsewhere)
    assert.is_near(146.0, prices.of({}, with {}, own, "us-east-1").monthly, 0.001)

    assert.is_true(prices.of({}, with {}, {}, "eu-west-1").elsewhere)
    assert.is_false(prices.of({}, with {}, {}, "us-east-1").elsewhere)
    assert.is_true(prices.of({ ["AWS::CloudWatch::Alarm"] = 1 }, with {}, own,
      "eu-west-1").elsewhere)
  end)

  it("names what it has no price for, and does not take it for free", function()
    local price = prices.of({}, with { InstanceType = "ml.p5.48xlarge" })
    assert.equal(0, price.monthly)
    assert.same({ "ml.p5.48xlarge" }, price.unknown)
    price = prices.of({},
      with { EnableServerless = "true", ServerlessProvisionedConcurrency = "2" })
    assert.same({ "provisioned concurrency of the serverless endpoint" }, price.unknown)
  end)

  it("has a source for each line, and each name once", function()
    local seen = {}
    assert.is_true(#prices.list >= 10)
    for _, line in ipairs(prices.list) do
      local name, amount, unit, source = table.unpack(line)
      assert.is_nil(seen[name], name)
      seen[name] = true
      assert.is_true(prices.is_name(name))
      assert.is_true(amount > 0 and amount < 100)
      assert.equal(name:find "^ml%." and "hour" or "month", unit)
      assert.matches("^aws%.amazon%.com/%l+/.*pricing, %a", source)
    end
  end)

  it("says of when and where it is", function()
    assert.matches("^20%d%d%-%d%d$", prices.dated)
    assert.matches("^%l+%-%l+%-%d$", prices.region)
  end)
end)
