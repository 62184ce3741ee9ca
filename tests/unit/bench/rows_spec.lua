package.path = "tests/bench/?.lua;" .. package.path
local rows = require "rows"

local function row(more)
  local of = { name = "a", unit = "x/s", equal_work = "both", peer = "b", ours = { 4, 9, 2 },
    theirs = { 1, 3, 2 } }
  for key, value in pairs(more or {}) do of[key] = value end -- any order: into a table
  return of
end

describe("the summary of a row", function()
  it("has medians, and the least and the most of the samples", function()
    local one = rows.summary("bench", row())
    assert.same({ 4, 2, 3 }, { one.ours, one.theirs, one.samples })
    assert.same({ ours = { 2, 9 }, theirs = { 1, 3 }, ratio = { 1, 4 } }, one.spread)
  end)

  it("takes the middle between two of an even number of samples", function()
    assert.equal(3, rows.summary("bench", row { ours = { 4, 2 }, theirs = { 1, 1 } }).ours)
  end)

  it("has the median of the ratios, not the ratio of the medians", function()
    assert.equal(3, rows.summary("bench", row()).ratio)
    local other = rows.summary("bench", row { ratio = "theirs/ours" })
    assert.same({ "theirs/ours", 1 / 3 }, { other.ratio_of, other.ratio })
  end)

  it("says whether a target is met, by the median", function()
    local function met(target) return rows.summary("bench", row { target = target }).met end
    assert.is_true(met { of = "ours", least = 4 })
    assert.is_false(met { of = "ours", least = 4.1 })
    assert.is_true(met { of = "ratio", most = 3 })
    assert.is_false(met { of = "ratio", most = 2.9 })
    assert.is_nil(met(nil))
  end)

  it("has no ratio where the peer was not measured", function()
    local alone = row()
    alone.theirs = nil
    local one = rows.summary("bench", alone)
    assert.same({ peer = "b" }, { peer = one.peer, theirs = one.theirs, ratio = one.ratio })
    assert.matches("b: not measured here", rows.show(one), 1, true)
  end)

  for what, wrong in pairs { -- any order: a test each
    ["both sides have as many samples"] = { theirs = { 1, 2 } },
    ["a row has samples"] = { ours = {}, theirs = {} },
    ["a row has a name, a unit, and says what work is equal"] = { equal_work = false },
  } do
    it("is refused unless " .. what, function()
      assert.has_error(function() rows.summary("bench", row(wrong)) end, "bench, a: " .. what)
    end)
  end

  it("is told with its spread and its target", function()
    assert.equal(table.concat({
      "  a, x/s",
      "    weir 4 (2 to 9)",
      "    b 2 (1 to 3)",
      "    ours/theirs 3 (1 to 4)",
      "    target: ours at least 1,000,000: not met",
      "    both",
    }, "\n"), rows.show(rows.summary("bench", row { target = { of = "ours", least = 1e6 } })))
  end)
end)
