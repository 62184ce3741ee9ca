-- Replay on one core, next to other software deciding the same lines of the same file in turn:
--   build/dev/weir lua tests/bench/replay_bench.lua [ROUNDS]
-- Rates are decisions per second of CPU time, reading and parsing the lines included: medians of
-- the rounds, with the least and the most. A ratio is the median of the rounds' own ratios, whose
-- two figures were taken one after the other. All must decide as was recorded.
package.path = "tests/bench/?.lua;" .. package.path
local policy_set = require("weir.policy_set")
local recording = require("replay_recording")
local replay = require("weir.replay")

local PATH, LINES, TARGET = "build/bench/replay.jsonl", 200000, 1000000
local DIFF_TARGET = 1.6 -- times the work of a replay
local ROUNDS = math.tointeger(tonumber(arg[1] or 5)) or error("expected: replay_bench.lua [ROUNDS]")
local PEERS = {
  { name = "plain", title = "a plain JavaScript function", lines = LINES },
  { name = "json-logic-js", title = "json-logic-js", lines = LINES, to_beat = true },
  { name = "cedar", title = "Cedar (WebAssembly, preparsed)", lines = 10000, to_beat = true },
}

local function thousands(number)
  return (("%d"):format(number):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

-- With an old set the work of `weir diff`.
local function our_rate(set, old)
  collectgarbage()
  local start = os.clock()
  local summary = assert(replay.run { set = set, old = old, recordings = { PATH }, jobs = 1 })
  local seconds = os.clock() - start
  assert(summary.identical == LINES, "the replay differs from its recording")

  return LINES / seconds
end

local function peer_rate(peer)
  local pipe = assert(io.popen(("node tests/bench/replay_peers.mjs %s %s %d"):format(PATH,
    peer.name, peer.lines)))
  local rate = tonumber(pipe:read("l"))
  assert(pipe:close() and rate, peer.name .. " did not decide as recorded")

  return rate
end

local function verdict(met) return met and "met" or "not met" end

local function median(samples)
  local sorted = table.move(samples, 1, #samples, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

local function spread(samples, show)
  return ("%s to %s"):format(show(math.min(table.unpack(samples))),
    show(math.max(table.unpack(samples))))
end

local function whole(rate) return thousands(rate // 1) end
local function times(ratio) return ("%.2fx"):format(ratio) end

local bytes = recording.write(PATH, LINES)
local set = assert(policy_set.load("policies"))
local ours, diffs, costs = {}, {}, {}
for round = 1, ROUNDS do
  ours[round] = our_rate(set)
  diffs[round] = our_rate(set, set)
  costs[round] = ours[round] / diffs[round]
  for _, peer in ipairs(PEERS) do
    peer.rates, peer.ratios = peer.rates or {}, peer.ratios or {}
    peer.rates[round] = peer_rate(peer)
    peer.ratios[round] = our_rate(set) / peer.rates[round]
  end
end

print(("replay: %s routing decisions, lines of %d bytes, one core, medians of %d rounds")
  :format(thousands(LINES), bytes // LINES, ROUNDS))
local row = "  %-32s %9s/s  (%s)"
print(row:format("weir", whole(median(ours)), spread(ours, whole)))
local ratios = {}
for _, peer in ipairs(PEERS) do
  local ratio = times(median(peer.ratios))
  print(row:format(peer.title, whole(median(peer.rates)), spread(peer.rates, whole))
    .. ("  weir is %s (%s)"):format(ratio, spread(peer.ratios, times)))
  if peer.to_beat then ratios[#ratios + 1] = ratio .. " " .. peer.name end
end

local rate, cost = median(ours), median(costs)
print(("replay %s/s  %s"):format(whole(rate), table.concat(ratios, "  ")))
print(("target %s/s on one core: %s"):format(thousands(TARGET), verdict(rate >= TARGET)))
print(("diff %s/s: %.2f times the work of replay (%s), target %.1f: %s"):format(
  whole(median(diffs)), cost, spread(costs, times), DIFF_TARGET, verdict(cost <= DIFF_TARGET)))
for _, peer in ipairs(PEERS) do
  if peer.to_beat then
    print(("target ahead of %s: %s"):format(peer.name, verdict(median(peer.ratios) > 1)))
  end
end
