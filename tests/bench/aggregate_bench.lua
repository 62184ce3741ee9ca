-- One million results of an A/B test, aggregated by variant: counts, mean, variance, p50, p90 and
-- p99.
-- Ours reads the latencies into weir.stats (a sketch and Welford's moments for each variant); next
-- to it, in turn, a Node loop that sorts them.
--   build/dev/weir lua tests/bench/aggregate_bench.lua [ROUNDS]
-- Milliseconds of CPU time, of the loop alone; the best round counts.
local stats = require("weir.stats")

local RESULTS, TARGET = 1000000, 20
local ROUNDS = math.tointeger(tonumber(arg[1] or 5))
  or error("expected: aggregate_bench.lua [ROUNDS]")
local QUANTILES = { 0.5, 0.9, 0.99 }

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

local variants = {
  champion = latencies(RESULTS * 7 // 10, 1),
  challenger = latencies(RESULTS * 3 // 10, 2)
}

local function aggregate(list)
  local moments = stats.welford()
  local sketch = stats.sketch():add_all(list, moments)
  local found = { count = moments:count(), mean = moments:mean(), variance = moments:variance() }
  for _, q in ipairs(QUANTILES) do found[q] = sketch:quantile(q) end

  return found
end

local function our_round()
  collectgarbage()
  local start, found = os.clock(), {}
  for name, list in pairs(variants) do found[name] = aggregate(list) end -- any order: by itself

  return (os.clock() - start) * 1000, found
end

local function peer_round(peer)
  local pipe = assert(io.popen(("node tests/bench/aggregate_peer.mjs %d %s"):format(RESULTS, peer)))
  local ms = tonumber(pipe:read("l"))
  local quantiles = {}
  for text in pipe:lines() do quantiles[#quantiles + 1] = tonumber(text) end
  assert(pipe:close() and ms and #quantiles == 6, "the Node loop failed")

  return ms, quantiles
end

-- Both must have computed the same: quantiles within the sketch's 1 %.
local function compare(found, quantiles)
  local at = 0
  for _, name in ipairs { "champion", "challenger" } do
    for _, q in ipairs(QUANTILES) do
      at = at + 1
      local ratio = found[name][q] / quantiles[at]
      assert(math.abs(ratio - 1) < 0.011, ("%s p%g: %g"):format(name, q * 100, ratio))
    end
  end
end

local ours, loop, typed = math.huge, math.huge, math.huge
for _ = 1, ROUNDS do
  local ms, found = our_round()
  ours = math.min(ours, ms)
  local peer_ms, quantiles = peer_round("array")
  loop = math.min(loop, peer_ms)
  compare(found, quantiles)
  typed = math.min(typed, (peer_round("typed")))
end

print(("aggregate: %d results of two variants, CPU time, best of %d"):format(RESULTS, ROUNDS))
local row = "  %-44s %8.1f ms"
print(row:format("weir (sketch and Welford)", ours))
print(row:format("Node, arrays and sort", loop) .. ("  weir is %.1fx"):format(loop / ours))
print(row:format("Node, Float64Array and sort", typed) .. ("  weir is %.1fx"):format(typed / ours))
print(("target %dx a Node loop with sort-based percentiles: %s"):format(TARGET,
  loop / ours >= TARGET and "met" or "not met"))
