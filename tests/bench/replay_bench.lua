-- Replay on one core, in turn with other software that decides the same lines of the same file
-- (replay_peers.mjs): reading and parsing the lines, deciding, making the reason, comparing with
-- what was recorded, and the digest, which must be equal. Beside it what a diff and differing lines
-- cost, next to a replay of the same lines.
--   ./dev bench replay
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local files = require "support.files"
local policy_set = require "weir.policy_set"
local recording = require "replay_recording"
local replay = require "weir.replay"

local PATH, LINES = "build/bench/replay.jsonl", contest.count(100000)
local SHORT_PATH, SHORT_LINES = "build/bench/replay-short.jsonl", contest.count(10000)
local DIFFERING_PATH = "build/bench/replay-differing.jsonl"

local set = assert(policy_set.load("policies"))
local bytes = recording.write(PATH, LINES)
recording.write(SHORT_PATH, SHORT_LINES)
files.write(DIFFERING_PATH, (files.read(PATH):gsub('"decision":{"action":"%a+"}',
  '"decision":{"action":"nobody"}')))

-- Decisions per second of processor time; the summary of the replay. With an old set it is the work
-- of `weir diff`.
local function rate_of(path, count, old)
  local summary
  local replays = contest.rate(1, function()
    summary = assert(replay.run { set = set, old = old, recordings = { path }, jobs = 1 })
  end)

  return replays * count, summary
end

local function ours(path, count)
  return function()
    local rate, summary = rate_of(path, count)
    assert(summary.identical == count, "the replay differs from its recording")
    return rate, summary.digest
  end
end

local UNIT = "decisions/s of processor time"
local WORK = "both read %d lines of %d bytes, decide them, make the reasons, compare them with the "
  .. "recorded ones and make the digest, which is equal%s"

for _, peer in ipairs {
  { name = "plain", title = "a plain JavaScript function", goal = { of = "ours", least = 1e6 } },
  { name = "json-logic-js", title = "json-logic-js", goal = { of = "ratio", least = 1 } },
  {
    name = "cedar",
    title = "Cedar (WebAssembly, preparsed)",
    short = true,
    goal = { of = "ratio", least = 1 },
    but = "; Cedar names the reason, JavaScript makes its text",
  },
} do
  local path, count = PATH, LINES
  if peer.short then path, count = SHORT_PATH, SHORT_LINES end
  contest.row {
    name = "replay",
    peer = peer.title,
    unit = UNIT,
    equal_work = WORK:format(count, bytes // LINES, peer.but or ""),
    ours = ours(path, count),
    theirs = function()
      return contest.ask("node", "tests/bench/replay_peers.mjs", path, peer.name)
    end,
    target = peer.goal,
    note = "ours also checks the facts by their schema and the decision by its kind's invariants, "
      .. "in a sandbox with a budget",
  }
end

contest.row {
  name = "diff",
  peer = "weir replay",
  unit = UNIT,
  equal_work = "a diff decides every line by two sets, a replay by one; the digest is equal",
  ours = function()
    local rate, summary = rate_of(PATH, LINES, set)
    assert(summary.identical == LINES, "a set differs from itself")
    return rate, summary.digest
  end,
  theirs = ours(PATH, LINES),
  ratio = "theirs/ours",
  target = { of = "ratio", most = 1.6 },
}

contest.row {
  name = "differing lines",
  peer = "weir replay",
  unit = UNIT,
  equal_work = "both decide the same facts; of ours every line has recorded another action; "
    .. "the digest of what is decided is equal",
  ours = function()
    local rate, summary = rate_of(DIFFERING_PATH, LINES)
    assert(summary.identical == 0, "a line does not differ")
    return rate, summary.digest
  end,
  theirs = ours(PATH, LINES),
  ratio = "theirs/ours",
  target = { of = "ratio", most = 1.5 },
}
