-- What weir deploy plan says that an estate costs: of the program's list, of the estate's own
-- prices, and what is in neither.
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local stacks = require "support.stacks"

local ESTATE = [[
return {
  name = "weir",
  regions = { "REGION" },
  features = { "Endpoint", "Scaling" },
  PRICES
  parameters = { endpoint = {
    ImageUri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/model:1",
    ModelDataUrl = "s3://bucket/models/m.tar.gz",
    InstanceType = "TYPE",
    MaxCapacity = 3,
  } },
  accounts = { { id = "111122223333", kind = "workload", stacks = { "endpoint" } } },
}
]]

describe("the price in a plan", function()
  local folder

  before_each(function()
    stacks.reset()
    cloud.control("POST", "plain_buckets", json.array { "bucket" })
    folder = files.directory {}
  end)

  after_each(function() files.remove(folder) end)

  local function plan(given, ...)
    files.write(folder .. "/estate.lua", (ESTATE:gsub("REGION", given.region or "eu-west-1")
      :gsub("TYPE", given.type or "ml.m5.large"):gsub("PRICES", given.prices or "")))
    local words = { "deploy", "plan", folder .. "/estate.lua", ... }
    words.env = stacks.environment()
    local result = run(words)
    assert.equal(1, result.status, result.stdout .. result.stderr)

    return result.stdout
  end

  local ELSEWHERE = "There are no list prices of eu-west-1: these are of us-east-1. "
    .. 'Yours: prices = { ["eu-west-1"] = { … } }.\n'

  it("is that of us-east-1, and says so in another region", function()
    local text = plan {}
    assert.matches("$84.15 to $252.05 a month: 1 to 3 × ml.m5.large, 1 × ScalingPolicy", text, 1,
      true)
    assert.matches("In all $84.15 to $252.05 a month, used or not (list prices of us-east-1, ",
      text, 1, true)
    assert.matches(ELSEWHERE, text, 1, true)
    assert.matches('"priced_for":"us-east-1"', plan({}, "--json"), 1, true)

    text = plan { region = "us-east-1" }
    assert.matches("In all $84.15 to $252.05 a month", text, 1, true)
    assert.is_nil(text:find("no list prices", 1, true))
  end)

  it("names each region without prices, and those only", function()
    local text = plan { region = 'us-east-1", "sa-east-1", "eu-west-1', prices = "prices = { "
      .. '["eu-west-1"] = { ["ml.m5.large"] = 0.1, '
      .. '["AWS::ApplicationAutoScaling::ScalingPolicy"] = 0.2 } },' }
    local named = {}
    for region in text:gmatch "no list prices of ([%w-]+):" do
      named[#named + 1] = region
    end

    assert.same({ "sa-east-1" }, named)
    assert.matches("In all $241.50 to $723.30 a month", text, 1, true)
  end)

  it("is the estate's where it names one, of the region first", function()
    local own = 'prices = { ["ml.m5.large"] = 0.2, '
      .. '["AWS::ApplicationAutoScaling::ScalingPolicy"] = 0, '
      .. '["eu-west-1"] = { ["ml.m5.large"] = 0.1 } },'
    local text = plan { prices = own }
    assert.matches("In all $73.00 to $219.00 a month", text, 1, true)
    assert.is_nil(text:find("no list prices", 1, true))
    assert.matches("In all $146.00 to $438.00 a month", plan { prices = own,
      region = "eu-west-2" }, 1, true)
  end)

  it("names what is in neither, and whose stack is not in the sum", function()
    local text = plan { type = "ml.p5.48xlarge" }
    assert.matches("$0.20 a month: 1 × ScalingPolicy, ml.p5.48xlarge, whose price is not known",
      text, 1, true)
    assert.matches("\nNot in it: weir-endpoint of 111122223333.\n", text, 1, true)
  end)
end)
