-- Shares from weights, and what the weights policy makes of them, for any weights.
local handlers = require "weir.handlers"
local json = require "weir.json"
local effects = require "weir.effects"
local policy_set = require "weir.policy_set"
local property = require "support.property"
local shares = require "weir.inference.shares"
local shipped_policy = require "support.shipped_policy"

local CASES = { cases = 1000 }

local weight = property.element {
  0,
  0,
  1,
  0.1,
  7,
  3,
  1e-300,
  5e-324,
  1e300,
  1.7976931348623157e308,
  12345.678,
  1 / 3,
}
local any_weights = property.array(weight, { min = 1, max = 10 })

local function largest(list) return math.max(table.unpack(list)) end

local function sum(list)
  local total = 0
  for _, each in ipairs(list) do total = total + each end
  return total
end

describe("shares of weights", function()
  it("sum to 1 and keep their proportions, for any that are not negative", function()
    property.check("shares", any_weights, function(list)
      if largest(list) == 0 then return end
      local found = assert(shares(list))
      assert.equal(#list, #found)
      assert.is_true(math.abs(sum(found) - 1) < 1e-12)
      for i, a in ipairs(list) do
        assert.is_true(found[i] >= 0 and found[i] <= 1)
        for j, b in ipairs(list) do
          if a > b then assert.is_true(found[i] >= found[j]) end
          if a == b then assert.equal(found[i], found[j]) end
        end
      end
    end, CASES)
  end)

  it("do not depend on the unit", function()
    property.check("unit", property.array(property.int(0, 1000), { min = 1, max = 10 }),
      function(list)
      if largest(list) == 0 then return end
      local scaled = {}
      for i, each in ipairs(list) do scaled[i] = each * 1024 end
      assert.same(shares(list), shares(scaled))
    end, CASES)
  end)

  it("refuse one that is NaN, infinite, negative or not a number, wherever it is", function()
    local bad = property.element {
      0 / 0,
      math.huge,
      -math.huge,
      -1,
      -5e-324,
      -1e300,
      "1",
      true,
      json.null,
    }

    property.check("bad weight", property.tuple { any_weights, bad, property.int(1, 11) },
      function(case)
      local list, wrong, place = case[1], case[2], math.min(case[3], #case[1] + 1)
      table.insert(list, place, wrong)
      local found, message, code = shares(list)
      assert.is_nil(found)
      assert.equal("InvalidWeights", code)
      assert.matches("^weight " .. place .. " is .*; it must be a finite number of 0 or more$",
        message)
    end, CASES)
  end)

  it("refuse weights that are all zero, of whatever number, and none at all", function()
    property.check("all zero", property.int(0, 10), function(count)
      local list = {}
      for i = 1, count do list[i] = i % 2 == 0 and 0 or 0.0 end
      local found, message, code = shares(list)
      assert.is_nil(found)
      assert.equal("no weight is above 0; give one of them a part of the traffic", message)
      assert.equal("InvalidWeights", code)
    end, CASES)
  end)
end)

describe("the weights policy", function()
  local weights = shipped_policy.load "weights"

  it("gives shares that sum to 1 for any weights", function()
    property.check("weights policy", any_weights, function(list)
      if largest(list) == 0 then return end
      local variants, normal = {}, shares(list)
      for i in ipairs(list) do variants[i] = { name = "v" .. i, weight = normal[i] } end
      local decided = weights:decide({ variants = variants }).weights
      local total = 0
      for i in ipairs(list) do
        assert.is_true(math.abs(decided["v" .. i] - normal[i]) < 1e-11)
        total = total + decided["v" .. i]
      end

      assert.is_true(math.abs(total - 1) < 1e-9)
    end, CASES)
  end)
end)

describe("the handler weights", function()
  local set = assert(policy_set.load "policies")

  local function run(list)
    local variants = json.array {}
    for i, each in ipairs(list) do variants[i] = { name = "v" .. i, weight = each } end
    return handlers.run(handlers.find "weights", { endpoint_name = "e", variants = variants }, set,
      effects.dry {})
  end

  it("splits by the event's weights, and refuses what cannot be split by", function()
    property.check("handler", property.array(property.element { 0, 0, 1, 3, 1e300, 0 / 0, -1,
      math.huge },
      { min = 1, max = 6 }), function(list)
      local expected, _, code = shares(list)
      local report = run(list)
      if not expected then
        assert.same({ nil, code }, { report.result, report.error and report.error.code })
        return
      end

      for i in ipairs(list) do
        assert.is_true(math.abs(report.result.weights["v" .. i] - expected[i]) < 1e-11)
      end
    end, CASES)
  end)
end)
