-- The results of an A/B test, aggregated by variant: counts, mean, variance, p50, p90 and p99. Ours
-- reads the latencies into weir.stats (a sketch and Welford's moments for each variant); the peers
-- are loops in Node that sort them (aggregate_peer.mjs).
--   ./dev bench aggregate
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local json = require "weir.json"
local stats = require "weir.stats"

local RESULTS = contest.count(100000) * 10
local QUANTILES = { 0.5, 0.9, 0.99 }
local ACCURACY = 0.011 -- the sketch promises 1 %

-- The same generator as aggregate_peer.mjs: both see the same numbers.
local function latencies(count, seed)
  local list, state = {}, seed
  for i = 1, count do
    state = (state * 1103515245 + 12345) & 0x7fffffff
    local uniform = (state + 1) / 2147483649
    list[i] = 50 * (1 / uniform) ^ 0.4
  end

  return list
end

local variants = { latencies(RESULTS * 7 // 10, 1), latencies(RESULTS * 3 // 10, 2) }

-- { count, mean, variance, p50, p90, p99 }
local function aggregate(list)
  local moments = stats.welford()
  local sketch = stats.sketch():add_all(list, moments)
  local found = { moments:count(), moments:mean(), moments:variance() }
  for _, q in ipairs(QUANTILES) do found[#found + 1] = sketch:quantile(q) end

  return found
end

local function ours()
  local found
  local rate = contest.rate(1, function()
    found = { aggregate(variants[1]), aggregate(variants[2]) }
  end)

  return 1000 / rate, json.encode(found)
end

-- Quantiles within the sketch's accuracy, all else but for rounding.
local function same(our_text, their_text)
  local our_found, their_found = json.decode(our_text), json.decode(their_text)
  for variant, figures in ipairs(our_found) do
    for i, figure in ipairs(figures) do
      local accuracy = i <= 3 and 1e-9 or ACCURACY
      if math.abs(figure / their_found[variant][i] - 1) > accuracy then return false end
    end
  end

  return true
end

for _, one in ipairs {
  { peer = "a loop in Node over arrays", kind = "array", least = 20 },
  { peer = "a loop in Node over Float64Array", kind = "typed" },
} do
  contest.row {
    name = "aggregate",
    peer = one.peer,
    unit = "ms of processor time",
    equal_work = ("both make count, mean, variance and three percentiles of %d numbers in two "
      .. "variants; the percentiles agree within 1 %%, the others but for rounding")
      :format(RESULTS),
    ours = ours,
    theirs = function()
      return contest.ask("node", "tests/bench/aggregate_peer.mjs", RESULTS, one.kind)
    end,
    same = same,
    ratio = "theirs/ours",
    target = one.least and { of = "ratio", least = one.least },
  }
end
