-- Replay on one core, next to other software deciding the same lines of the same file in turn:
--   build/dev/weir lua tests/bench/replay_bench.lua [ROUNDS]
-- Rates are decisions per second of CPU time, reading and parsing the lines included; the best
-- round counts, because whatever else the machine does only ever makes a round slower.
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

local bytes = recording.write(PATH, LINES)
local set = assert(policy_set.load("policies"))
local ours, diff = 0, 0
for _ = 1, ROUNDS do
  ours, diff = math.max(ours, our_rate(set)), math.max(diff, our_rate(set, set))
  for _, peer in ipairs(PEERS) do peer.rate = math.max(peer.rate or 0, peer_rate(peer)) end
end

print(("replay: %s routing decisions, lines of %d bytes, one core, best of %d")
  :format(thousands(LINES), bytes // LINES, ROUNDS))
local row = "  %-32s %9s/s"
print(row:format("weir", thousands(ours // 1)))
local ratios = {}
for _, peer in ipairs(PEERS) do
  local ratio = ("%.2fx"):format(ours / peer.rate)
  print(row:format(peer.title, thousands(peer.rate)) .. "  weir is " .. ratio)
  if peer.to_beat then ratios[#ratios + 1] = ratio .. " " .. peer.name end
end
print(("replay %s/s  %s"):format(thousands(ours // 1), table.concat(ratios, "  ")))
print(("target %s/s on one core: %s"):format(thousands(TARGET), verdict(ours >= TARGET)))
print(("diff %s/s: %.2f times the work of replay, target %.1f: %s"):format(thousands(diff // 1),
  ours / diff,
  DIFF_TARGET, verdict(ours / diff <= DIFF_TARGET)))
for _, peer in ipairs(PEERS) do
  if peer.to_beat then
    print(("target ahead of %s: %s"):format(peer.name, verdict(ours > peer.rate)))
  end
end
