-- What the benchmarks in Lua are made of: rows in which ours and theirs take turns. A benchmark
-- prints each row as one line of JSON with all its samples; run.lua tells them.
--
--   contest.row {
--     name = "sigv4",                                a text that no other row of the file has,
--     peer = "aws4",                                 beside its peer's
--     unit = "signatures/s of processor time",
--     equal_work = "both sign a PutItem of 1.4 KB with a token of 800 bytes",
--     ours = function() return figure, outcome end,  run once a round, in turn with theirs
--     theirs = function() return figure, outcome end,    missing: the row has no peer
--     same = function(ours, theirs) … end,           are the outcomes equal? Without it, by ==
--     ratio = "ours/theirs",                         or "theirs/ours": what is told, and aimed at
--     target = { of = "ratio", least = 1.3 },        or of = "ours"; `most` for what is to be small
--     note = "…",                                    what a reader must know besides
--   }
--
-- A figure whose outcome differs from the other side's is not believed: the row raises.
-- WEIR_BENCH_ROUNDS (5) is the number of samples; WEIR_BENCH_QUICK=1 makes them few and small.
local json = require "weir.json"
local process = require "weir.process"
local files = require "support.files"

local contest = {}

local QUICK = os.getenv("WEIR_BENCH_QUICK") == "1"
contest.rounds = QUICK and 2 or math.tointeger(tonumber(os.getenv("WEIR_BENCH_ROUNDS") or 5))
  or error("expected: WEIR_BENCH_ROUNDS=number of samples")

-- How often work is repeated in one sample.
function contest.count(full) return QUICK and math.max(1, full // 50) or full end

-- Both sides once; who begins changes from round to round.
local function play(row, round, samples)
  local order = round % 2 == 1 and { "ours", "theirs" } or { "theirs", "ours" }
  local outcomes = {}
  for _, side in ipairs(order) do
    if row[side] then
      collectgarbage()
      samples[side][round], outcomes[side] = row[side]()
    end
  end

  if not row.theirs then return end
  local same = row.same or rawequal
  if outcomes.ours == nil or not same(outcomes.ours, outcomes.theirs) then
    error(("%s: ours made\n%s\n%s made\n%s"):format(row.name, outcomes.ours, row.peer,
      outcomes.theirs), 0)
  end
end

function contest.row(row)
  local samples = { ours = {}, theirs = row.theirs and {} }
  for round = 1, contest.rounds do play(row, round, samples) end
  contest.print(row, samples)
end

-- A row whose samples are there already.
function contest.print(row, samples)
  print(json.encode {
    name = row.name,
    peer = row.peer,
    unit = row.unit,
    equal_work = row.equal_work,
    ours = json.array(samples.ours),
    theirs = samples.theirs and json.array(samples.theirs),
    ratio = row.ratio,
    target = row.target,
    met = row.met,
    note = row.note,
  })
end

-- How often a second of this process's own processor time does the work. It is done twice, as the
-- peers do it: the first time warms up.
function contest.rate(count, work)
  local seconds
  for _ = 1, 2 do
    collectgarbage()
    local start = os.clock()
    for i = 1, count do work(i) end
    seconds = os.clock() - start
  end

  return count / seconds
end

-- Runs a command that prints its figure and then its outcome, which may be missing.
function contest.ask(...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = files.quote(word) end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local figure, outcome = tonumber(pipe:read("l") or ""), pipe:read("a")
  if not pipe:close() or not figure then
    error("no figure from: " .. table.concat(words, " "), 0)
  end

  return figure, (outcome:gsub("\n$", ""))
end

contest.weir = process.executable()

return contest
