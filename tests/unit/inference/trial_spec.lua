-- The evidence of a trial: which windows count, what the facts hold, and that it outlives an
-- invocation.
local json = require "weir.json"
local stats = require "weir.stats"
local trial = require "weir.inference.trial"

local BUCKETS = {}
for i = 0, 199 do
  BUCKETS[300 + i] = math.floor(800 * math.exp(-((i - 60) / 25) ^ 2 / 2) / 2.5066 + .5)
end

-- A window of five minutes, the nth; change(new, old) alters it.
local function window(n, change)
  local old = { share = .9, requests = 900, errors = 9, buckets = BUCKETS, p50 = 60, p99 = 200 }
  local new = { share = .1, requests = 100, errors = 1, buckets = BUCKETS }
  if change then change(new, old) end

  return { from = n * 300, to = n * 300 + 300, variants = { old = old, new = new } }
end

local function new_trial() return trial.new { champion = "old", challenger = "new" } end

local VARIANTS = {
  { name = "old", weight = .9 },
  { name = "new", weight = .1, approval = "Approved" },
}

local function facts(self, now, more)
  local given = { now = now, variants = VARIANTS }
  for name, value in pairs(more or {}) do given[name] = value end -- any order: they are set
  return self:facts(given)
end

-- A trial with windows from the nth to the last one.
local function with_windows(from, to, change)
  local self, results = new_trial(), {}
  for n = from, to do results[#results + 1] = self:add(window(n, change)) end
  return self, results
end

describe("windows of a trial", function()
  it("count after ten minutes of warm-up", function()
    local self, results = with_windows(0, 3)
    assert.same({ "warming", "warming", "counted", "counted" }, results)
    assert.equal(200, facts(self, 1200).evidence.requests)
  end)

  it("count once", function()
    local self = with_windows(0, 3)
    local before = self:save()
    assert.equal("repeated", self:add(window(3)))
    assert.equal("repeated", self:add(window(0)))
    assert.equal(before, self:save())
  end)

  it("begin a new warm-up with every change of shares or instances", function()
    for name, change in pairs { -- any order: one does not depend on another
      shares = function(new, old) new.share, old.share = .2, .8 end,
      instances = function(new) new.instances = 3 end,
    } do
      local self = with_windows(0, 3)
      assert.equal("warming", self:add(window(4, change)), name)
      assert.equal("warming", self:add(window(5, change)), name)
      assert.is_nil(facts(self, 1800).evidence.step, name)
      assert.equal("counted", self:add(window(6, change)), name)
      assert.same({ 300, 100 }, {
        facts(self, 2100).evidence.requests, facts(self, 2100).evidence.step.requests,
      }, name)
      assert.equal(15, facts(self, 2100).minutes_since_change, name)
      assert.equal(35, facts(self, 2100).minutes_since_start, name)
    end
  end)

  it("are refused when a variant is missing", function()
    local given = window(0)
    given.variants.new = nil
    assert.has_error(function() new_trial():add(given) end, "the window lacks new or old; expected "
      .. "trial:add{from=, to=, variants={[name]={share=, requests=, errors=, buckets=?, …}}}")
  end)
end)

describe("the facts of a trial", function()
  it("have no evidence before a window counts", function()
    assert.is_nil(facts(new_trial(), 0).evidence)
    assert.is_nil(facts(with_windows(0, 1), 600).evidence)
  end)

  it("hold the intervals of the whole trial, standardised", function()
    local self = new_trial()
    for n, row in ipairs { { 100, 1, 900, 9 }, { 300, 6, 700, 14 }, { 500, 5, 500, 5 } } do
      self:add(window(n + 9, function(new, old)
        new.requests, new.errors, old.requests, old.errors = table.unpack(row)
        new.buckets, old.buckets = nil, nil
      end))
    end

    -- The first two windows were a warm-up: give the same rows once more.
    for n, row in ipairs { { 100, 1, 900, 9 }, { 300, 6, 700, 14 } } do
      self:add(window(n + 12, function(new, old)
        new.requests, new.errors, old.requests, old.errors = table.unpack(row)
        new.buckets, old.buckets = nil, nil
      end))
    end

    local found = facts(self, 9000).evidence
    assert.near(1266.2531017369727, found.champion_requests, 1e-9)
    assert.near(-.016314015970, found.error_rate.low, 1e-11)
    assert.near(.017756555072, found.error_rate.high, 1e-11)
    assert.is_nil(found.latency)
    assert.equal(.95, found.confidence)
  end)

  it("leave out an upper end that the data do not reach", function()
    local self = with_windows(0, 2, function(new, old)
      new.buckets, old.buckets = { [5] = 9 }, { [5] = 90 }
    end)

    local latency = facts(self, 900).evidence.latency
    assert.same({ -1, nil, 0 }, { latency.low, latency.high, latency.estimate })
  end)

  it("have the curve of both latencies", function()
    local found = facts(with_windows(0, 20), 6300).evidence
    local names, lows = {}, {}
    for i, each in ipairs(found.quantiles) do
      names[i] = each.quantile
      local old, new = each.champion_ms, each.challenger_ms
      assert.equal(old.estimate, new.estimate) -- of the same latencies
      assert.is_true(old.low < old.estimate and old.estimate < old.high, each.quantile)
      lows[i] = new.low
    end

    assert.same({ .25, .5, .75, .9, .95, .99, .999 }, names)
    local sorted = { table.unpack(lows) }
    table.sort(sorted)
    assert.same(sorted, lows)
    assert.near(1327, found.quantiles[2].champion_ms.estimate, 14) -- bucket 360
  end)

  it("leave out an end of the curve that the data do not reach", function()
    local self = with_windows(0, 2, function(new, old)
      new.buckets, old.buckets = { [5] = 9 }, { [5] = 90 }
    end)

    local last = facts(self, 900).evidence.quantiles[7]
    assert.is_nil(last.challenger_ms.high)
    assert.near(1.1, last.challenger_ms.estimate, .02)
  end)

  it("have an estimate where effective counts add up to a little less than the total", function()
    for seed = 1, 50 do
      local self = with_windows(0, 6, function(new, old)
        new.buckets, old.buckets = { [5] = seed, [9] = 1 }, { [5] = 7 * seed, [8] = 3, [70] = 1 }
      end)

      for _, each in ipairs(facts(self, 2100).evidence.quantiles) do
        assert.is_true(each.champion_ms.estimate < 5, seed)
      end
    end
  end)

  it("tell no latency where the champion's count for less than one", function()
    local self = trial.new { champion = "old", challenger = "new", warm_up_seconds = 0 }
    self:add(window(0, function(new, old)
      new.share, new.requests, new.errors, new.buckets = .5, 1, 0, { [220] = 1 }
      old.share, old.requests, old.errors = .5, 7136, 2140
      old.buckets = { [200] = 2498, [220] = 2498 }
    end))

    local found = facts(self, 300)
    assert.is_nil(found.evidence.latency)
    assert.is_nil(found.evidence.quantiles)
    assert.is_string(json.encode(found))
  end)

  it("have a lower end of every quantile, also where the total is not whole", function()
    local self = trial.new { champion = "old", challenger = "new", warm_up_seconds = 0 }
    self:add(window(0, function(new, old)
      new.share, new.requests, new.errors, new.buckets = .5, 95, 31, { [200] = 32, [220] = 32 }
      old.share, old.requests, old.errors = .5, 3257, 846
      old.buckets = { [200] = 1205, [220] = 1206 }
    end))

    for _, each in ipairs(facts(self, 300).evidence.quantiles) do
      assert.is_number(each.champion_ms.low, each.quantile)
      assert.is_true(each.champion_ms.low <= each.champion_ms.estimate)
    end
  end)

  it("tell how far latencies wander, and widen their intervals, from the ninth hour on", function()
    local function wandering(n)
      local shifted, by = {}, n % 24 < 12 and 6 or 0
      for bucket, count in pairs(BUCKETS) do shifted[bucket + by] = count end -- any order: a copy
      return shifted
    end

    local wide, narrow
    for last = 0, 120 do
      local self = last == 0 and new_trial() or wide
      wide = self
      self:add(window(last, function(new) new.buckets = wandering(last) end))
      local evidence = facts(self, last * 300 + 300).evidence
      local ended = (last - 1) // 12 -- hours behind the warm-up
      if evidence then
        assert.equal(ended >= 9, evidence.latency.dispersion ~= nil, last)
        narrow = ended < 9 and evidence.latency or narrow
      end
    end

    local latency = facts(wide, 36300).evidence
    assert.is_true(latency.latency.dispersion > 3)
    assert.is_true(latency.latency_p50.dispersion > latency.latency.dispersion)
    assert.is_true(latency.latency.high - latency.latency.low > narrow.high - narrow.low)
  end)

  it("show each variant's last window and all it did", function()
    local new = facts(with_windows(0, 3), 1200).variants[2]
    assert.same({ requests = 200, errors = 2, seconds = 600 }, new.window)
    assert.same({ from = 900, to = 1200, seconds = 300, share = .1, requests = 100, errors = 1 },
      new.recent)
    local old = facts(with_windows(0, 0), 300).variants[1]
    assert.is_nil(old.window)
    assert.is_true(old.recent.warming)
    assert.same({ p50 = 60, p99 = 200 }, old.recent.latency_ms)
  end)

  it("tell a broken split, and since when", function()
    local self = with_windows(0, 10, function(new) new.requests = 50 end)
    local found = facts(self, 6000).evidence
    assert.is_true(found.sample_ratio_p < .001)
    assert.near(50 / 95 - 1, found.sample_ratio_shift, 1e-12)
    local minutes = found.sample_ratio_minutes
    assert.is_true(minutes > 45 and minutes < 85, minutes)
    assert.is_nil(facts(with_windows(0, 10), 6000).evidence.sample_ratio_minutes)
  end)

  it("count good looks in a row", function()
    local self = with_windows(0, 3)
    assert.equal(0, facts(self, 1200).good_looks)
    self:decided { action = "hold", good_looks = 1 }
    assert.equal(1, facts(self, 1200).good_looks)
    self:decided { action = "hold" }
    assert.equal(0, facts(self, 1200).good_looks)
    self:decided { action = "ramp", good_looks = 2 }
    assert.equal(0, facts(self, 1200).good_looks)
  end)

  it("fits the kind", function()
    local policy_folder = require "support.policy_folder"
    local set = policy_folder.load { ["promotion.lua"] = "return policy { kind = 'promotion',"
      .. " decide = function(facts) return hold { because = 'x', needs = 'y' } end }" }
    local given = facts(with_windows(0, 10), 3300, { endpoint = "e", history = json.array {} })
    assert(set:decide("promotion", json.encode(given)))
  end)
end)

describe("a saved trial", function()
  it("goes on as if it had never been away", function()
    local kept, loaded = new_trial(), new_trial()
    for n = 0, 12 do
      local given = window(n, function(new, old)
        new.requests, new.errors = 100 + 7 * n, n % 3
        if n > 6 then new.share, old.share = .2, .8 end
      end)

      kept:add(given)
      loaded = assert(trial.load(loaded:save()))
      loaded:add(given)
      kept:decided { action = "hold", good_looks = n }
      loaded:decided { action = "hold", good_looks = n }
    end

    assert.same(facts(kept, 3900), facts(loaded, 3900))
    assert.equal(kept:save(), loaded:save())
  end)

  it("is read as an earlier version wrote it, before it knew of wandering", function()
    local self = with_windows(0, 30)
    local found = json.decode(self:save())
    local words = {}
    for word in found.evidence:gmatch("%S+") do words[#words + 1] = word end
    local blocks = json.decode(self:save())
    blocks.evidence = found.evidence:gsub("trial/2", "trial/1")
    assert.same({ nil, "InvalidTrial" }, { trial.load(json.encode(blocks)),
      select(3, trial.load(json.encode(blocks))) }) -- more than an earlier version wrote

    -- 14 numbers, and sums of two: 16 numbers and two sketches, of three numbers and the buckets.
    local at = 16
    for _ = 1, 2 do
      at = at + 16
      for _ = 1, 2 do at = at + 3 + 2 * math.tointeger(tonumber(words[at + 2])) end
    end

    blocks.evidence = "trial/1 " .. table.concat(words, " ", 2, at - 1)
    local loaded = assert(trial.load(json.encode(blocks)))
    assert.same(facts(self, 9300), facts(loaded, 9300))
    assert.equal("trial/2", json.decode(loaded:save()).evidence:match("^%S+"))
  end)

  it("is refused when it is another text", function()
    local good = with_windows(0, 3):save()
    for _, text in ipairs {
      "", "{}", "[]", "3", (good:gsub('"version":1', '"version":2')),
        (good:gsub("trial/2", "trial/9")),
      (good:gsub("trial/2 %S+", "trial/2")), (good:gsub("trial/2", "trial/2 x")),
      (good:gsub('"champion":"old"', '"champion":"new"')),
    } do
      local loaded, message, code = trial.load(text)
      assert.same({ nil, "InvalidTrial" }, { loaded, code }, text)
      assert.truthy(message:find("a saved trial cannot be read: ", 1, true), message)
    end
  end)
end)

describe("weir.stats.trial", function()
  it("says what it was called with", function()
    assert.error_matches(function() trial.new { champion = "a", challenger = "a" } end,
      "two different names are needed; expected weir.inference.trial.new", 1, true)
    assert.error_matches(function() trial.new { champion = "a", challenger = "b", alfa = 1 } end,
      "unknown option 'alfa'", 1, true)
    assert.equal("trial/2", stats.trial({}):save():match("^%S+"))
  end)
end)
