-- What counts of requests allow to say (policies/lib/counting.lua).
local counting = dofile("policies/lib/counting.lua")
local stats = require("weir.stats")

describe("a rate", function()
  it("is known from the first request on, and never without the errors", function()
    assert.truthy(counting.is_known { requests = 1, errors = 1 })
    assert.truthy(counting.is_known { requests = 9, errors = 0 })
    for _, window in ipairs {
      {},
      { requests = 0, errors = 0 },
      { requests = 5 },
      { errors = 5 },
      { requests = 5, errors = 6 },
    } do assert.falsy(counting.is_known(window)) end

    assert.falsy(counting.is_known(nil))
  end)

  it("lies between both ends of Wilson's interval", function()
    -- z = 3.29 is a confidence of 0.998998…
    local confidence = 0.99899816228
    for _, window in ipairs {
      { requests = 1, errors = 0 },
      { requests = 40, errors = 3 },
      { requests = 100000, errors = 100000 },
    } do
      local low, high = counting.rate_between(window)
      local wanted_low, wanted_high = stats.wilson(window.errors, window.requests, confidence)
      assert.is_true(math.abs(low - wanted_low) < 1e-6, low .. " " .. wanted_low)
      assert.is_true(math.abs(high - wanted_high) < 1e-6, high .. " " .. wanted_high)
    end
  end)
end)

describe("the requests that are missing", function()
  local function told(window) return counting.more_requests(412, window) end

  it("are told with the time that they take at the current rate", function()
    local at = "412 more requests, about %s at the current rate"
    assert.equal(at:format("9 min"), told { requests = 232, seconds = 300 })
    assert.equal(at:format("1 min"), told { requests = 412, seconds = 60 })
    assert.equal(at:format("179 min"), told { requests = 412, seconds = 179 * 60 })
    assert.equal(at:format("3 h"), told { requests = 412, seconds = 180 * 60 })
    assert.equal(at:format("4 h"), told { requests = 412, seconds = 181 * 60 })
  end)

  it("are told alone where no rate is known", function()
    for _, window in ipairs { {}, { seconds = 300 }, { requests = 3 },
      { requests = 0, seconds = 300 } } do
      assert.equal("412 more requests", told(window))
    end

    assert.equal("412 more requests", told(nil))
  end)
end)
