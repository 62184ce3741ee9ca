-- How much more traffic a question takes (policies/lib/forecast.lua): once the counts have grown by
-- the factor that it says, nothing more is missing.
local forecast = dofile "policies/lib/forecast.lua"

local RISE = 0.002

local function errors(scale, changes)
  local evidence = {
    requests = 1000 * scale,
    errors = 2 * scale,
    champion_requests = 9000 * scale,
    champion_errors = 18 * scale,
  }
  for name, value in pairs(changes or {}) do evidence[name] = value or nil end -- any order

  return forecast.errors(evidence, RISE)
end

local function latency(changes)
  local evidence = {
    latency = { high = 0.3, estimate = 0.01 },
    successes = 5000,
    champion_successes = 45000,
  }
  for name, value in pairs(changes or {}) do evidence[name] = value or nil end -- any order

  return forecast.latency(evidence, 0.1)
end

describe("the traffic that is missing", function()
  it("is none any more once it has come", function()
    for _, confidence in ipairs { false, 0.9, 0.99 } do
      local factor = errors(1, { confidence = confidence })
      assert.is_true(factor > 1.5 and factor < 100, factor)
      local rest = forecast.errors({
        requests = 1000 * factor,
        errors = 2 * factor,
        champion_requests = 9000 * factor,
        champion_errors = 18 * factor,
        confidence = confidence or nil,
      }, RISE)
      assert.is_true(rest < 1.02, rest)
      assert.is_true(errors(0.9 * factor, { confidence = confidence }) > 1.05)
    end
  end)

  it("is that of a confidence of 0.95, where none is given", function()
    assert.equal(errors(1, { confidence = 0.95 }), errors(1))
    assert.equal(latency { confidence = 0.95 }, latency())
  end)

  it("grows with the confidence, and with how much more than chance the counts vary", function()
    assert.is_true(errors(1, { confidence = 0.9 }) < errors(1))
    assert.is_true(errors(1, { confidence = 0.99 }) > errors(1))
    assert.is_true(errors(1, { dispersion = 2 }) > 1.5 * errors(1))
    assert.equal(errors(1), errors(1, { dispersion = 1 }))
  end)

  it("of a p99 grows as the square of how much narrower its interval must become", function()
    assert.equal(1, latency { latency = { high = 0.1, estimate = 0.01 } })
    assert.equal(1, latency { latency = { high = 0.05, estimate = 0.01 } })
    local ratio = math.log(1.3 / 1.01) / math.log(1.1 / 1.01)
    local factor = latency()
    assert.is_true(factor > ratio ^ 2 and factor < 1.5 * ratio ^ 2, factor)
  end)

  it("is not known without the counts, or where the estimate is not below the rise", function()
    for _, name in ipairs { "requests", "errors", "champion_requests", "champion_errors" } do
      assert.is_nil(errors(1, { [name] = false }), name)
    end

    assert.is_nil(errors(1, { requests = 0 }))
    assert.is_nil(errors(1, { errors = 4 })) -- just the rise
    assert.is_nil(errors(1, { errors = 30 }))
    for _, name in ipairs { "latency", "successes", "champion_successes" } do
      assert.is_nil(latency { [name] = false }, name)
    end

    assert.is_nil(latency { latency = { high = 0.3, estimate = 0.1 } })
    assert.is_nil(latency { latency = { estimate = 0.01 } })
  end)

  it("is not known beyond a thousand times of what there is", function()
    assert.is_nil(errors(1, { requests = 1, errors = 0 }))
  end)
end)
