-- What holds of the evidence of a trial for any windows, and of what the policy makes of it.
local json = require "weir.json"
local property = require "support.property"
local shipped_policy = require "support.shipped_policy"
local trial = require "weir.inference.trial"

local promotion = shipped_policy.load("promotion")

-- One variant in one window: requests, errors in percent of them, and two buckets of latencies.
local arm = property.tuple { property.int(1, 20000), property.int(0, 100), property.int(200, 300) }

local function variant(row, share)
  local errors = row[1] * row[2] // 100
  local successes = row[1] - errors
  return {
    share = share, requests = row[1], errors = errors,
    buckets = { [row[3]] = successes // 2, [row[3] + 20] = successes - successes // 2 },
  }
end

local function trial_of(windows, challenger, champion)
  local self = trial.new { champion = champion, challenger = challenger, warm_up_seconds = 0 }
  for i, row in ipairs(windows) do
    self:add { from = i * 300, to = i * 300 + 300, variants = {
      a = variant(row[1], 0.5), b = variant(row[2], 0.5),
    } }
  end

  return self
end

local VARIANTS = { { name = "a", weight = 0.5, approval = "Approved" },
  { name = "b", weight = 0.5, approval = "Approved" } }

local function facts_of(windows, challenger, champion)
  return trial_of(windows, challenger, champion):facts { now = 1000000, variants = VARIANTS }
end

local function near(a, b)
  return a == b or math.abs(a - b) <= 1e-7 * math.max(1, math.abs(a), math.abs(b))
end

describe("property: the evidence of a trial", function()
  it("is mirrored when the labels of one window are swapped", function()
    property.check("swap", property.tuple { arm, arm }, function(case)
      local one, other = facts_of({ case }, "a", "b").evidence,
        facts_of({ case }, "b", "a").evidence
      assert.is_true(near(one.error_rate.low, -other.error_rate.high))
      assert.is_true(near(one.error_rate.high, -other.error_rate.low))
      -- Latencies are scaled to the challenger's count, so that whole ranks fall elsewhere: only
      -- their signs are sure to turn round.
      if one.latency and one.latency.low > 0 then assert.is_true(other.latency.low < 0) end
    end, { cases = 1000 })
  end)

  it("never makes the policy take out both of two", function()
    local windows = property.array(property.tuple { arm, arm }, { min = 1, max = 6 })
    property.check("verdict", windows, function(rows)
      local one = promotion:decide(facts_of(rows, "a", "b"))
      local other = promotion:decide(facts_of(rows, "b", "a"))
      local both = one.action == "rollback" and other.action == "rollback"
      assert.is_false(both and one.because:find("higher", 1, true) ~= nil
        and other.because:find("higher", 1, true) ~= nil, one.because)
      assert.is_false(both and one.because:find("slower", 1, true) ~= nil
        and other.because:find("slower", 1, true) ~= nil, one.because)
    end, { cases = 1000 })
  end)

  it("is the same when it was saved in between", function()
    local windows = property.array(property.tuple { arm, arm }, { min = 2, max = 8 })
    property.check("save", windows, function(rows)
      local saved = assert(trial.load(trial_of({ rows[1] }, "a", "b"):save()))
      for i = 2, #rows do
        saved:add { from = i * 300, to = i * 300 + 300, variants = {
          a = variant(rows[i][1], 0.5), b = variant(rows[i][2], 0.5),
        } }
      end

      assert.equal(trial_of(rows, "a", "b"):save(), saved:save())
    end, { cases = 300 })
  end)

  it("makes facts that the kind takes", function()
    local windows = property.array(property.tuple { arm, arm }, { min = 0, max = 4 })
    property.check("facts", windows, function(rows)
      local text = json.encode(facts_of(rows, "a", "b"))
      assert(promotion.set:decide("promotion", text), text)
    end, { cases = 300 })
  end)

  it("takes no number that is none", function()
    for _, bad in ipairs { 0 / 0, 1 / 0, -1 } do
      for _, name in ipairs { "requests", "errors", "share" } do
        local self = trial.new { champion = "a", challenger = "b" }
        local window = { from = 0, to = 300, variants = {} }
        for _, key in ipairs { "a", "b" } do window.variants[key] = variant({ 9, 0, 200 }, .5) end
        window.variants.b[name] = bad
        assert.error_matches(function() self:add(window) end, "expected trial:add", 1, true)
      end
    end
  end)
end)
