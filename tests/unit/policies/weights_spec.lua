local shipped_policy = require("support.shipped_policy")

local weights = shipped_policy.load("weights")

local function split(variants, params)
  return weights:decide({ variants = variants }, params).weights
end

local function assigned(variants, key, experiment)
  return weights:decide { variants = variants, assignment_key = key, experiment = experiment }
end

describe("the weights policy", function()
  it("divides by the sum", function()
    assert.same({ a = 0.25, b = 0.75 }, split { { name = "a", weight = 1 },
      { name = "b", weight = 3 } })
    assert.same({ a = 0, b = 1 }, split { { name = "a", weight = 0 },
      { name = "b", weight = 0.01 } })
    assert.same({ a = 1 }, split { { name = "a", weight = 17 } })
  end)

  it("gives two variants without weights 70 and 30, the champion first", function()
    assert.same({ a = 0.7, b = 0.3 }, split { { name = "a" }, { name = "b" } })
    assert.same({ a = 0.7, b = 0.3 }, split { { name = "a", weight = 0 },
      { name = "b", weight = 0 } })
    assert.same({ a = 0.3, b = 0.7 }, split { { name = "a" }, { name = "b", stage = "champion" } })
    assert.same({ a = 0.9, b = 0.1 }, split({ { name = "a" }, { name = "b" } },
      { first_share = 0.9 }))
  end)

  it("splits evenly between any other number of variants without weights", function()
    assert.same({ a = 1 }, split { { name = "a" } })
    assert.same({ a = 0.25, b = 0.25, c = 0.25, d = 0.25 },
      split { { name = "a" }, { name = "b" }, { name = "c" }, { name = "d" } })
  end)

  it("gives retired and failed variants nothing", function()
    assert.same({ a = 0.7, b = 0.3, c = 0 },
      split { { name = "a" }, { name = "b" }, { name = "c", stage = "retired" } })
    assert.same({ a = 1, b = 0 },
      split { { name = "a", weight = 1 }, { name = "b", weight = 5, stage = "failed" } })
    assert.error_matches(function() split { { name = "a", weight = 1, stage = "retired" } } end,
      "every variant is retired or failed")
  end)

  it("says how it came to the shares", function()
    local decision = weights:decide {
      variants = { { name = "a", weight = 1 }, { name = "b", weight = 2 } },
    }

    assert.equal("as weighted: a 33.33%, b 66.67%", decision.because)
  end)
end)

describe("assignment by key", function()
  local PAIR = { { name = "a", weight = 7 }, { name = "b", weight = 3 } }

  it("is the documented hash", function()
    -- Computed with Python from the two published algorithms, over experiment .. "/" .. key.
    assert.equal(165, assigned(PAIR, "tenant-7").bucket)
    assert.equal(4463, assigned(PAIR, "tenant-7", "exp").bucket)
    assert.equal(7857, assigned(PAIR, "ключ").bucket)
  end)

  it("changes variant exactly at the edge of a share", function()
    local cases = {
      { "k5702", 0, "a" }, { "k1092", 6999, "a" }, { "k2078", 7000, "b" }, { "k9039", 9999, "b" },
    }

    for _, case in ipairs(cases) do
      local decision = assigned(PAIR, case[1])
      assert.same({ case[2], case[3] }, { decision.bucket, decision.variant })
    end
  end)

  it("sticks, whatever happens to the order of the variants that stay", function()
    for i = 1, 200 do
      local key = "tenant-" .. i
      assert.same(assigned(PAIR, key), assigned(PAIR, key))
      assert.equal(assigned(PAIR, key).variant, assigned({
        { name = "b", weight = 0.3, stage = "challenger" }, {
          name = "a",
          weight = 0.7,
          stage = "champion",
        },
      }, key).variant)
    end
  end)

  it("follows the shares, for consecutive keys too", function()
    local count = 0
    for i = 1, 3000 do
      if assigned(PAIR, "vol-" .. i).variant == "b" then count = count + 1 end
    end

    assert.is_true(math.abs(count / 3000 - 0.3) < 0.025, count .. " of 3000") -- three sigma
  end)

  it("fills all buckets evenly", function()
    local filled = {}
    for i = 0, 99 do filled[i] = 0 end
    for i = 1, 3000 do
      local tenth = assigned(PAIR, ("%06d"):format(i)).bucket // 100
      filled[tenth] = filled[tenth] + 1
    end

    local chi = 0
    for i = 0, 99 do chi = chi + (filled[i] - 30) ^ 2 / 30 end
    assert.is_true(chi < 149, "chi-square of 99 degrees " .. chi) -- p = 0.001
  end)

  it("keeps the keys of a challenger that grows", function()
    local small = { { name = "old", weight = 9, stage = "champion" }, { name = "new", weight = 1 } }
    local large = { { name = "old", weight = 5, stage = "champion" }, { name = "new", weight = 5 } }
    local count = 0
    for i = 1, 500 do
      if assigned(small, "k" .. i).variant == "new" then
        count = count + 1
        assert.equal("new", assigned(large, "k" .. i).variant)
      end
    end

    assert.is_true(count > 20, count .. " of 500 keys had the challenger")
  end)

  it("never picks a variant without traffic", function()
    local variants = {
      { name = "a", weight = 0 }, { name = "b", weight = 5, stage = "failed" },
      { name = "c", weight = 1 }, { name = "d", weight = 0 },
    }

    for i = 1, 500 do assert.equal("c", assigned(variants, "k" .. i).variant) end
  end)

  it("falls differently in another experiment", function()
    local different = 0
    for i = 1, 300 do
      local key = "k" .. i
      local one, two = assigned(PAIR, key, "one"), assigned(PAIR, key, "two")
      if one.bucket ~= two.bucket then different = different + 1 end
    end

    assert.is_true(different > 285)
  end)

  it("takes any key", function()
    for _, key in ipairs { " ", "\0", "ключ", ("x"):rep(1024), "a/b" } do
      assert.equal("assign", assigned(PAIR, key).action)
    end
  end)
end)
