local prices = require "weir.pull_request.prices"

local function set(params)
  return {
    policies = function() return { { kind = "routing", params = params } } end,
  }
end

local SUMMARY = {
  kinds = {
    routing = {
      was = { realtime = 10, batch = 4, failed = 1 },
      is = { realtime = 8, serverless = 6, failed = 1 },
    },
  },
}

describe("prices", function()
  it("add up what decisions cost before and after, at the values in force", function()
    local found = prices.of(set {
      { name = "price_realtime", type = "number", default = 9, value = 0.5 },
      { name = "price_batch", type = "integer", value = 2 },
      { name = "threshold", type = "integer", value = 100 },
      { name = "price_list", type = "text", value = "x" },
    }, SUMMARY)
    assert.same({ {
      kind = "routing",
      was = 13,
      is = 4,
      priced = { "batch", "realtime" },
      unpriced = { "serverless" },
    } }, found)
  end)

  it("are none where no parameter gives one, or nothing of the kind was decided", function()
    assert.same({}, prices.of(set { { name = "threshold", type = "integer", value = 1 } }, SUMMARY))
    assert.same({}, prices.of(set { { name = "price_batch", type = "number", value = 1 } },
      { kinds = {} }))
  end)
end)
