-- What holds of the statistics for any data: order and split of merges do not matter, swapping the
-- labels mirrors the answer, a change of unit changes nothing.
local property = require "support.property"
local stats = require "weir.stats"

local count = property.int(1, 400)

local windows_of = property.array(property.map(
  property.tuple({ count, count, property.int(0, 100), property.int(0, 100) }),
  function(row)
    return { n1 = row[1], n0 = row[2], x1 = row[1] * row[3] // 100, x0 = row[2] * row[4] // 100 }
  end), { min = 1, max = 12 })

local latencies = property.array(property.map(property.int(1, 100000), function(value)
  return value / 7
end),
  { min = 1, max = 60 })

local function near(a, b)
  return a == b or math.abs(a - b) <= 1e-9 * math.max(1, math.abs(a), math.abs(b))
end

describe("property: windows", function()
  it("count the same in any order and split", function()
    property.check("merge windows", windows_of, function(list)
      local forward, backward = stats.windows(), stats.windows()
      for _, window in ipairs(list) do forward:add(window) end
      for i = #list, 1, -1 do backward:merge(stats.windows():add(list[i])) end
      local one, other = { forward:counts() }, { backward:counts() }
      for i = 1, 4 do assert.is_true(near(one[i], other[i])) end
      assert.is_true(near(forward:dispersion(), backward:dispersion()))
    end, { cases = 1000 })
  end)
end)

describe("property: the error interval", function()
  local counts = property.map(property.tuple({ count, count, property.int(0, 100),
    property.int(0, 100) }),
    function(row) return { n1 = row[1], n0 = row[2], x1 = row[1] * row[3] / 100,
      x0 = row[2] * row[4] / 100 } end)

  it("holds the estimate, and mirrors when the labels are swapped", function()
    property.check("mirror", counts, function(given)
      local low, high = stats.error_interval(given)
      local estimate = given.x1 / given.n1 - given.x0 / given.n0
      assert.is_true(low <= estimate and estimate <= high and low >= -1 and high <= 1)
      local swapped = { n1 = given.n0, x1 = given.x0, n0 = given.n1, x0 = given.x1 }
      local other_low, other_high = stats.error_interval(swapped)
      assert.is_true(near(low, -other_high) and near(high, -other_low),
        ("%.12g %.12g against %.12g %.12g"):format(low, high, -other_high, -other_low))
    end, { cases = 1000 })
  end)

  it("grows with confidence", function()
    property.check("alpha", counts, function(given)
      local low, high = stats.error_interval(given)
      given.alpha = .001
      local wider_low, wider_high = stats.error_interval(given)
      assert.is_true(wider_low <= low and wider_high >= high)
    end, { cases = 300 })
  end)
end)

describe("property: sketches", function()
  local function fill(values, scale)
    local sketch = stats.sketch()
    for _, value in ipairs(values) do sketch:add(value * (scale or 1)) end
    return sketch
  end

  it("are the same however they are merged", function()
    property.check("merge sketches", latencies, function(values)
      local merged = stats.sketch()
      for i = #values, 1, -1 do merged:merge(fill({ values[i] })) end
      assert.same(fill(values):buckets(), merged:buckets())
    end, { cases = 300 })
  end)

  it("are within one per cent of the sorted values", function()
    property.check("accuracy", property.tuple({ latencies, property.int(0, 100) }), function(case)
      local values, q = case[1], case[2] / 100
      local sorted = table.move(values, 1, #values, 1, {})
      table.sort(sorted)
      local exact = sorted[math.max(1, math.ceil(q * #sorted))]
      assert.is_true(math.abs(fill(values):quantile(q) / exact - 1) < .0101)
    end, { cases = 1000 })
  end)

  it("compare as mirror images when the labels are swapped", function()
    property.check("swap", property.tuple({ latencies, latencies }), function(case)
      local one, zero = fill(case[1]), fill(case[2])
      local low, high = stats.ratio_interval({ q = .5, sketch1 = one, sketch0 = zero })
      local other_low, other_high = stats.ratio_interval({ q = .5, sketch1 = zero, sketch0 = one })
      assert.is_true(low <= high)
      assert.is_true(near(1 + low, 1 / (1 + other_high)) and near(1 + high, 1 / (1 + other_low)))
    end, { cases = 300 })
  end)

  it("compare the same in another unit", function()
    property.check("unit", property.tuple({ latencies, latencies }), function(case)
      local low, high = stats.ratio_interval({
        q = .5,
        sketch1 = fill(case[1]),
        sketch0 = fill(case[2])
      })

      -- A whole number of buckets up: the same shape elsewhere.
      local scale = (1.01 / .99) ^ 100
      local other_low, other_high = stats.ratio_interval({
        q = .5, sketch1 = fill(case[1], scale), sketch0 = fill(case[2], scale),
      })

      -- A value on the edge of a bucket may fall on its other side.
      assert.is_true(other_low >= low - .021 and other_high <= high + .021 * (1 + high))
    end, { cases = 300 })
  end)
end)

describe("property: the rank test", function()
  it("mirrors when the lists are swapped", function()
    property.check("swap lists", property.tuple({ latencies, latencies }), function(case)
      local a, b = stats.rank_test(case[1], case[2]), stats.rank_test(case[2], case[1])
      assert.is_true(near(a.p, b.p) and near(a.shift, -b.shift))
      assert.is_true(near(a.low, -b.high) and near(a.high, -b.low))
      assert.is_true(near(a.u + b.u, #case[1] * #case[2]))
    end, { cases = 300 })
  end)

  it("finds the shift that a sorted list of all differences has", function()
    property.check("shift", property.tuple({ latencies, latencies }), function(case)
      local differences = {}
      for _, x in ipairs(case[1]) do
        for _, y in ipairs(case[2]) do differences[#differences + 1] = x - y end
      end

      table.sort(differences)
      local n = #differences
      local middle = (differences[(n + 1) // 2] + differences[n // 2 + 1]) / 2
      assert.is_true(near(middle, stats.rank_test(case[1], case[2]).shift))
    end, { cases = 300 })
  end)
end)

describe("property: values that come as a list", function()
  it("are the same in a sketch and in moments as one by one, at the edges of buckets too",
    function()
    local ratio = (1 + 0.01) / (1 - 0.01)
    local beside = property.element({ 1, 1 - 2^-52, 1 + 2^-52 })
    local edge = property.map(property.tuple({ property.int(-2000, 2000), beside }),
      function(case) return ratio ^ case[1] * case[2] end)
    local value = property.element({
      0,
      -1,
      5e-324,
      2.2250738585072014e-308,
      1e100,
      1,
      0.7071067811865476,
    })

    property.check("lists", property.tuple({ property.array(edge, { max = 150 }),
      property.array(value), latencies }),
      function(case)
        local list = {}
        for _, part in ipairs(case) do table.move(part, 1, #part, #list + 1, list) end
        local one, moment = stats.sketch(), stats.welford()
        for _, each in ipairs(list) do one:add(each); moment:add(each) end
        local moments = stats.welford()
        local all = stats.sketch():add_all(list, moments)
        assert.same(one:buckets(), all:buckets())
        assert.equal(one:count(), all:count())
        assert.equal(moment:count(), moments:count())
        if #list > 1 then
          assert.is_true(near(moment:mean(), moments:mean())
            and near(moment:variance(), moments:variance()))
        end
      end, { cases = 1000 })
  end)
end)

describe("property: mean and variance", function()
  it("merge as if the values had come one by one", function()
    property.check("welford", property.tuple({ latencies, latencies }), function(case)
      local first, second, all = stats.welford(), stats.welford(), stats.welford()
      for _, value in ipairs(case[1]) do first:add(value); all:add(value) end
      for _, value in ipairs(case[2]) do second:add(value); all:add(value) end
      first:merge(second)
      assert.is_true(near(all:mean(), first:mean()) and near(all:variance(), first:variance()))
    end, { cases = 300 })
  end)
end)
