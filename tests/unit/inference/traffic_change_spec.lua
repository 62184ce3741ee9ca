-- What a decision asks of an endpoint: all variants' shares.
local traffic_change = require "weir.inference.traffic_change"
local property = require "support.property"

local function endpoint_of(weights)
  local sum, variants = 0, {}
  for _, weight in ipairs(weights) do sum = sum + weight end
  for i, weight in ipairs(weights) do
    local share = sum > 0 and weight / sum or 0
    variants[i] = { name = "v" .. i, share = share, asked = share, instances = 1 }
  end

  return { name = "e", status = "InService", variants = variants }
end

local weights = property.array(property.int(0, 1000), { min = 2, max = 6 })

describe("traffic_change.asked", function()
  local function sums_to_one(shares, count)
    local sum = 0
    for i = 1, count do
      assert.is_true(shares["v" .. i] >= 0 and shares["v" .. i] <= 1 + 1e-12)
      sum = sum + shares["v" .. i]
    end

    assert.near(1, sum, 1e-9)
  end

  it("gives a ramped variant its share, and divides the rest as before", function()
    property.check("ramp", property.tuple { weights, property.int(1, 999) }, function(given)
      local endpoint, share = endpoint_of(given[1]), given[2] / 1000
      local decision = { action = "ramp", variant = "v1", weight = share }
      local shares = traffic_change.asked(endpoint, decision, "v2")
      sums_to_one(shares, #given[1])
      assert.equal(share, shares.v1)
      for i = 2, #given[1] do
        for j = 2, #given[1] do
          local a, b = endpoint.variants[i].asked, endpoint.variants[j].asked
          assert.near(shares["v" .. i] * b, shares["v" .. j] * a, 1e-9)
        end
      end
    end, { cases = 1000 })
  end)

  it("gives a promoted variant everything", function()
    property.check("promote", weights, function(given)
      local decision = { action = "promote", variant = "v1" }
      local shares = traffic_change.asked(endpoint_of(given), decision, "v2")
      sums_to_one(shares, #given)
      assert.equal(1, shares.v1)
    end, { cases = 1000 })
  end)

  it("takes everything from one that is rolled back, for the variant that it names alone",
    function()
    property.check("rollback", weights, function(given)
      local endpoint = endpoint_of(given)
      local decision = { action = "rollback", variant = "v1", to = "v2" }
      local shares = traffic_change.asked(endpoint, decision, "v2")
      sums_to_one(shares, #given)
      assert.equal(0, shares.v1)
      for i = 3, #given do assert.near(endpoint.variants[i].asked, shares["v" .. i], 1e-12) end
      -- Carried out twice it is one change.
      for _, variant in ipairs(endpoint.variants) do variant.asked = shares[variant.name] end
      assert.is_true(traffic_change.are_asked(endpoint, shares))
    end, { cases = 1000 })
  end)

  it("gives everything to the variant that is named where nobody had anything", function()
    local decision = { action = "rollback", variant = "v1", to = "v2" }
    assert.same({ v1 = 0, v2 = 1 }, traffic_change.asked(endpoint_of { 0, 0 }, decision, "v2"))
  end)

  it("asks for nothing where it holds", function()
    assert.is_nil(traffic_change.asked(endpoint_of { 9, 1 }, { action = "hold" }, "v1"))
  end)
end)
