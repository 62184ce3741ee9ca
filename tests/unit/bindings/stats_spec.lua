-- weir.stats through Lua: what each function answers, and what it refuses. The reference values are
-- in tests/c/core/stats/reference_test.c.
local stats = require "weir.stats"

local function near(expected, found)
  assert.is_number(found)
  assert.is_true(math.abs(found - expected) <= 1e-8 * math.max(1e-3, math.abs(expected)),
    ("%.15g instead of %.15g"):format(found, expected))
end

local function all_near(expected, ...)
  assert.equal(#expected, select("#", ...))
  for i, value in ipairs(expected) do near(value, (select(i, ...))) end
end

describe("weir.stats", function()
  it("estimates rates", function()
    all_near({ .25528851987827, .36620957698280 }, stats.wilson(81, 263))
    all_near({ -.00092391985376445, .00185340426034584 }, stats.newcombe(3, 3000, 30, 27000))
    all_near({ -.25385910352880, .79960441061658 }, stats.proportions(14, 28, 16, 30))
    local narrow, wide = select(2, stats.wilson(3, 30, .5)), select(2, stats.wilson(3, 30, .99))
    assert.is_true(narrow < wide)
  end)

  it("compares rates relative to each other", function()
    all_near({ .0666666666667, .271698556897356, .806169979111520 },
      stats.relative(16, 30, 14, 28))
    assert.equal(0, select("#", stats.relative(1, 30, 0, 28)))
    local change, spread, p = stats.relative(3, 3, 2, 2)
    assert.same({ 0, 0, 1 }, { change, spread, p })
  end)

  -- Of few requests the boundary falls back near ±1: what a step of 1e-6·1.5^k refutes ends it.
  it("takes the first crossing for the end of an interval", function()
    near(.58900890461566096, select(2, stats.error_interval({ x1 = 3.390290543727531, n1 = 50,
      x0 = 532097852.39375824, n0 = 651988731.5086004, alpha = .001, clock = 100 })))
    near(-.53661718022713521, stats.error_interval({ x1 = 26, n1 = 34, x0 = 0,
      n0 = 833.7716061802943, alpha = .3, clock = 5, dispersion = 10 }))
  end)

  -- mpmath, 40 digits.
  it("keeps the digits of huge counts, and of rates near 1", function()
    near(22360.679774997897, stats.proportions(1e9 - 1, 1e9, 0, 1))
    near(-22360.679774997897, stats.proportions(1, 1e9, 1, 1))
    near(-144251.36235569383, stats.proportions(18, 19, 790721310611, 790721310612))
    near(-.42426666114237722, select(2, stats.error_interval({ x1 = 0, n1 = 25, x0 = 1e12,
      n0 = 1e12, alpha = .3, clock = 100 })))
  end)

  it("compares samples", function()
    all_near({ 2.09550209550314, 74.01924223535151, .03954658614539, .40538229955558,
      16.09461770044442 },
      stats.welch({ mean1 = 80.5, var1 = 400, n1 = 50, mean0 = 72.25, var0 = 225, n0 = 30 }))
    local ranks = stats.rank_test({ 10, 20, 30, 40 }, { 1, 2, 3, 4 })
    local function p_of(t, n)
      return select(3, stats.welch({ mean1 = t, var1 = n / 2, n1 = n, mean0 = 0, var0 = n / 2,
        n0 = n }))
    end
    near(4.324057386774527, p_of(12, 501) * 1e31)
    near(1.650374113890685, p_of(24, 10001) * 1e125)
    for _, variance in ipairs { 1e-320, 1e300 } do
      near(4, (select(2, stats.welch({ mean1 = 1, var1 = variance, n1 = 3, mean0 = 2,
        var0 = variance, n0 = 3 }))))
    end
    near(.0209213353378, ranks.p)
    near(.0303828219766, ranks.p_corrected)
    assert.same({ 16, 22.5, 6, 39 }, { ranks.u, ranks.shift, ranks.low, ranks.high })
  end)

  it("leaves the lists that it is given alone", function()
    local list = { 3, 1, 2 }
    stats.rank_test(list, { 1 })
    stats.cloudwatch(list, "p50")
    assert.same({ 3, 1, 2 }, list)
  end)

  it("names the ranks around a quantile, or none", function()
    local low, high, coverage = stats.order_ranks(300, .99)
    assert.equal(293, low)
    assert.is_nil(high)
    near(.98852592136512, coverage)
    assert.equal("integer", math.type(low))
  end)

  it("checks splits of traffic, with shares of any sum", function()
    near(.64743418570180, stats.split_chi_square({ 310, 98 }, { 75, 25 }))
    near(2.3124744343414, stats.split_log_bayes({ 6850, 3150 }, { 7, 3 }))
    near(4.9469358148124, stats.split_log_bayes({ 0, 10, 10 }, { .34, .33, .33 }, 1))
    assert.equal(math.huge, stats.split_log_bayes({ 1, 9 }, { 0, 1 }))
  end)

  it("adjusts p-values and knows the incomplete beta", function()
    all_near({ .03, .06, .06, .02 }, table.unpack(stats.holm({ .01, .04, .03, .005 })))
    assert.same({}, stats.holm({}))
    near(.11152280276038, stats.beta(.3, 2.5, 1.75))
  end)

  it("makes bounds of group-sequential tests", function()
    all_near({ 4.87688495, 3.35701192, 2.68028006, 2.28981677, 2.03103204 }, table.unpack(
      stats.boundaries({ spending = "obrien_fleming", times = { .2, .4, .6, .8, 1 } })))
    near(2.02930062, stats.boundaries({ spending = "power", rho = 3,
      times = { .25, .5, .75, 1 } })[4])
    near(2.01364716, stats.boundaries({ spending = "hsd", gamma = -4,
      times = { .25, .5, .75, 1 } })[4])
  end)

  it("bounds the difference of error rates, wider where errors come in bursts", function()
    local low, high = stats.error_interval({ x1 = 3, n1 = 3000, x0 = 30, n0 = 27000 })
    all_near({ -.002843112779, .003408996367 }, low, high)
    local burst_low, burst_high =
      stats.error_interval({ x1 = 3, n1 = 3000, x0 = 30, n0 = 27000, dispersion = 3 })
    assert.is_true(burst_low < low and burst_high > high)
  end)

  it("speaks CloudWatch's statistics", function()
    near(2.5, stats.cloudwatch({ 4, 1, 3, 2 }, "Average"))
    local value, message, code = stats.cloudwatch({}, "p90")
    assert.same({ nil, "no value counts for p90", "NoData" }, { value, message, code })
    assert.error_matches(function()
      stats.cloudwatch({ 1 }, "median")
    end, "CloudWatch has no statistic 'median'")
  end)

  it("standardises windows", function()
    local windows = stats.windows()
    windows:add({ n1 = 100, x1 = 1, n0 = 900, x0 = 9 }):add({ n1 = 300, x1 = 6, n0 = 700, x0 = 14 })
    windows:merge(stats.windows():add({ n1 = 500, x1 = 5, n0 = 500, x0 = 5 }))
    local n1, x1, n0, x0 = windows:counts()
    assert.same({ 900, 12 }, { n1, x1 })
    near(1266.2531017369727, n0)
    near(.013333333333, x0 / n0)
    assert.equal(1, windows:dispersion())
  end)

  it("finds that errors come in bursts", function()
    local windows = stats.windows()
    for i = 1, 200 do
      local burst = i % 20 == 0 and 30 or 1
      windows:add({ n1 = 1000, x1 = burst, n0 = 1000, x0 = 2 })
    end

    assert.is_true(windows:dispersion() > 3)
  end)

  it("sketches quantiles within its accuracy", function()
    local sketch = stats.sketch()
    for i = 1, 1000 do sketch:add(i) end
    assert.equal(1000, sketch:count())
    for _, q in ipairs({ .01, .5, .9, .99, 1 }) do
      local exact = math.max(1, math.ceil(q * 1000))
      assert.is_true(math.abs(sketch:quantile(q) / exact - 1) <= .01001, q)
    end

    assert.is_nil(stats.sketch():quantile(.5))
  end)

  it("keeps values that are not positive apart", function()
    local sketch = stats.sketch():add(0, 3):add(-1):add(10)
    assert.equal(5, sketch:count())
    assert.equal(0, sketch:quantile(.5))
    assert.same({ 1 }, { sketch:buckets()[116] })
  end)

  it("bounds the ratio of quantiles, wider where latencies wander", function()
    local zero, one = stats.sketch(), stats.sketch()
    for i, count in ipairs({ 200, 400, 300, 80, 15, 5 }) do zero:add_bucket(199 + i, count) end
    for i, count in ipairs({ 40, 80, 60, 16, 3, 1 }) do one:add_bucket(199 + i, count) end
    all_near({ -.006131331214, .006253010074 },
      stats.ratio_interval({ q = .5, sketch1 = one, sketch0 = zero }))
    local low, high = stats.ratio_interval({ q = .5, sketch1 = one, sketch0 = zero,
      dispersion = 2 })
    assert.is_true(low < -.0062 and high > .0063)
    assert.same({ -1, math.huge }, {
      stats.ratio_interval({ q = .99, sketch1 = one, sketch0 = zero })
    })

    assert.same({ -1, math.huge }, {
      stats.ratio_interval({ q = .5, sketch1 = stats.sketch(), sketch0 = zero })
    })
  end)

  it("keeps mean and variance", function()
    local moments = stats.welford()
    assert.is_nil(moments:mean())
    for _, value in ipairs({ 4, 7, 13, 16 }) do moments:add(1e9 + value) end
    assert.same({ 4, 1000000010, 30 }, { moments:count(), moments:mean(), moments:variance() })
    moments:merge(moments)
    assert.equal(8, moments:count())
    near(1000000010, moments:mean())
  end)
end)

describe("weir.stats refuses", function()
  local cases = {
    { function() stats.wilson(5, 4) end, "argument 1 must be a number from 0 to 4" },
    { function() stats.wilson(0, 0) end, "argument 2 must be a number from" },
    { function() stats.wilson(0 / 0, 1) end, "argument 1 must be a number from 0 to 1" },
    { function() stats.wilson("1", 2) end, "argument 1 must be a number, not a string" },
    { function() stats.wilson(1, 2, 1) end, "argument 3 must be a number from" },
    { function() stats.wilson(1, 2, .9, 4) end, "too many arguments" },
    { function() stats.welch({ mean1 = 1 }) end, "'var1' is missing" },
    { function() stats.welch({ mean1 = 1, variance1 = 1 }) end, "unknown key 'variance1'" },
    { function() stats.welch({ mean1 = math.huge }) end, "'mean1' must be a number from" },
    { function() stats.relative(1, 2, 3, 2) end, "argument 3 must be a number from 0 to 2" },
    { function() stats.rank_test({}, { 1 }) end, "expected weir.stats.rank_test" },
    { function() stats.rank_test({ 0 / 0 }, { 1 }) end, "element 1 must be a number" },
    { function() stats.split_chi_square({ 1, 2 }, { 1 }) end, "as many counts as shares" },
    { function() stats.split_chi_square({ 1, 2 }, { 0, 0 }) end, "one share above 0" },
    { function() stats.holm({ 2 }) end, "element 1 must be a number from 0" },
    {
      function() stats.boundaries({ spending = "guess", times = { 1 } }) end,
      "expected weir.stats.boundaries",
    },
    {
      function() stats.boundaries({ spending = "pocock", times = { .5, .5 } }) end,
      "'times' must ascend",
    },
    {
      function() stats.boundaries({ spending = "pocock", times = {} }) end,
      "expected weir.stats.boundaries",
    },
    {
      function() stats.error_interval({ x1 = 2, n1 = 1, x0 = 0, n0 = 1 }) end,
      "'x1' must be a number from 0",
    },
    { function() stats.sketch(0) end, "argument 1 must be a number from 0.001" },
    { function() stats.sketch():merge(stats.sketch(.02)) end, "same accuracy" },
    { function() stats.sketch():add_bucket(1.5, 1) end, "argument 1 must be an integer" },
    { function() stats.sketch():add(1, -1) end, "argument 2 must be a number from 0" },
    {
      function() stats.windows():add({ n1 = 1, x1 = 2, n0 = 1, x0 = 0 }) end,
      "'x1' must be a number from 0",
    },
    {
      function() stats.ratio_interval({ q = .5, sketch1 = 1, sketch0 = stats.sketch() }) end,
      "'sketch1' must be",
    },
    { function() stats.welford():add("1") end, "argument 1 must be a number" },
  }

  for _, case in ipairs(cases) do
    it("what it cannot use: " .. case[2], function()
      local ok, message = pcall(case[1])
      assert.is_false(ok)
      assert.truthy(message:find(case[2], 1, true), message)
    end)
  end
end)
