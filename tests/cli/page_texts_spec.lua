-- What the pages of weir diff, replay, report and simulate say, word for word: facts, headings,
-- tables. Their charts are in page_charts_spec.lua, how a browser shows them in pages_spec.lua.
local files = require "support.files"
local page_text = require "support.page_text"
local run = require "support.run"
local trial_recording = require "support.trial_recording"

local DAY = "tests/recordings/working-day.jsonl.gz"

local DIFF = [[
weir diff
policies → EDITED
35 of 7,667 decisions change (0.5 %). 421 decisions are the same and get another reason.
OLD: policies DIGEST
NEW: EDITED DIGEST
Recordings: tests/recordings/working-day.jsonl.gz
Digest: DIGEST
The policies
kind | what changed
routing | threshold 10 → 20
What changes, and why
Grouped by what changes and by the line of NEW that decides now.
decisions | of all | kind | change | reason, of the first | line of NEW
35 | 0.5 % | routing | batch → realtime | 17 files, at or above 10 now: 17 files, below 20 | EDITED/routing.lua:38
What becomes of what
Decisions by what they were and what they are now; those that change are coloured.
routing
was | now batch | now components | now realtime | now serverless
batch | 461 | | 35
components | | 57
realtime | | | 401
serverless | | | | 272
Over time
Decisions
How often each was made with OLD, and how often with NEW.
kind | decision | OLD | NEW | change
routing | batch | 496 | 461 | −35
| realtime | 401 | 436 | +35
| serverless | 272 | 272
| components | 57 | 57
weights | weights | 430 | 430
| assign | 401 | 401
promotion | hold | 418 | 418
| ramp | 6 | 6
| rollback | 5 | 5
| promote | 1 | 1
mapping | job | 3,965 | 3,965
| ignore | 1,215 | 1,215
Examples
The first decision of each group, with its facts.
routing: batch → realtime
Where: tests/recordings/working-day.jsonl.gz:271 20261120-000271
Was: 17 files, at or above 10
Is now: 17 files, below 20
Decided by: EDITED/routing.lua:38
]]

local REPLAY = [[
weir replay
Replay of working-day.jsonl.gz
Of 7,667 decisions, 35 are decided otherwise, 421 have another reason.
Policies: policies DIGEST
Recordings: tests/recordings/working-day.jsonl.gz
Digest: DIGEST
Decisions
How often each was recorded, and how often it is made now.
kind | decision | recorded | now | change
routing | batch | 496 | 461 | −35
| realtime | 401 | 436 | +35
]]

local OTHERWISE = [[
Over time
Decided otherwise
line | kind | decision | first differing field | reason
tests/recordings/working-day.jsonl.gz:271 20261120-000271 | routing | batch → realtime | \
decision.action | 17 files, at or above 10 now: 17 files, below 20, by policies/routing.lua:38
]]

local REPORT = [[
weir report
vision: vision-13 against vision-12
Roll back from vision-13 to vision-12: 30 of 200 requests failed; the limit is 5%.
Watched: 2026-11-20 08:05 to 2026-11-20 10:30, 30 looks
Requests of vision-13: 3,000, 30 failed (1.0 %)
Requests of vision-12: 27,000, 30 failed (0.1 %)
Difference of error rates: +3.00 points (+1.00 to +5.00); up to 0.20 points are tolerated
Difference of p99: +0.3 % (−1.0 to +2.0); up to 10.0 % are tolerated
Check by check
| 08:05 | 08:30 | 08:55 | 09:20 | 09:45 | 10:10
Guard | ✓ 2026-11-20 08:05, Guard: 0 of 100 requests failed in the last window, \
p99 191 ms. hold: vision-13 has answered 100 of 600 requests; needs 500 more requests | ]]

local REPORT_END = [[
Differences
What was served
The split: as configured (p = 0.4, +1.0 % requests).
Latency
About 30 answers of vision-13 lie beyond its p99: that is what its comparison rests on. \
Percentiles of single windows are to look at; they are not evidence.
percentile | vision-12, ms in the last window | vision-13, ms in the last window | difference over the whole trial
p50 | 66.7 | 73.3
p95 | 160.0 | 176.0
p99 | 200.0 | 220.0 | -1.0 to +2.0 %
Decisions
when | looks | decision | because
2026-11-20 08:05 to 08:25 | 5 | hold | vision-13 has answered 500 of 600 requests needs 100 more requests
2026-11-20 08:30 | 1 | ramp | no worse than vision-12
2026-11-20 08:35 to 10:25 | 23 | hold | its error rate may be higher needs more requests
2026-11-20 10:30 | 1 | rollback | 30 of 200 requests failed; the limit is 5%
Sources
Recordings: TRIAL
Promotion decisions: 30, 0 of them without a challenger
]]

local SIMULATION = [[
weir simulate
policies in worlds that are known
In 1 of 1 scenario at least 95 % of the trials end as they should.
Policies: policies DIGEST
Runs of each scenario: 5
Seed: 1
How the trials end
Blue is promoted, orange rolled back, grey still held at the end, red failed: in this order, \
each with its share. The range is the Monte Carlo error, 95 %.
scenario | outcomes of the trials | should be | are so | 95 %
no change | promote 100 %
| promote | 100.0 % | 56.6 to 100.0 %
How soon, and at what cost
Hours until promotion or rollback. Requests exposed are those that the challenger got (median); \
failed in excess are those that the champion would have answered (mean).
scenario | promote | rollback | hold | failed | hours, median | hours, 90 % | requests exposed | failed in excess
]]

local SIMULATION_END = [[
Decided by hour
The share of trials that have ended as they should.
What ended them
The rules that decided last, at most 4 for each scenario.
scenario | trials | decision | because, of one
]]

local WORLDS = [[
The worlds
What each scenario is made of, where it is not as the first one. A window is one minute of data.
scenario | settings
no change | see below
Made by weir 0.1.0. All times are UTC. Charts are drawn by a script, which does not run here. ]]

local PLAN = [[
weir simulate --plan
How much traffic a trial needs
errors:+0.5pp: 60 requests a minute are enough, in 20.6 hours.
Enough is what lets 80 % of the trials end as they should.
errors:+0.5pp
Right would be: rollback.
requests a minute | end so | hours until 80 % | requests of the challenger
60 | 100.0 % 56.6 to 100.0 % | 20.6 | 3,720
120 | 100.0 % 56.6 to 100.0 % | 8.5 | 3,139
300 | 100.0 % 56.6 to 100.0 % | 2.7 | 2,436
600 | 100.0 % 56.6 to 100.0 % | 2.5 | 4,485
5 runs of each, seed 1.
]]

describe("the page of", function()
  local folder

  setup(function()
    folder = files.directory()
    files.shell(("cp -r policies %s/edited && sed -i 's/integer { 10,/integer { 20,/' "
      .. "%s/edited/routing.lua"):format(folder, folder))
  end)

  teardown(files.remove_all)

  -- The text of the page that weir writes; what differs from run to run has a name.
  local function page_of(...)
    local words = { ... }
    words[#words + 1], words[#words + 2] = "--html", folder .. "/page.html"
    run(words)
    return (page_text(files.read(folder .. "/page.html")) .. "\n"):gsub("sha256:%x+", "DIGEST")
      :gsub("%f[^%s]" .. folder:gsub("%p", "%%%0") .. "/edited", "EDITED")
      :gsub(folder:gsub("%p", "%%%0") .. "/trial.jsonl", "TRIAL")
  end

  -- A line that ends in a backslash goes on in the next.
  local function joined(expected) return (expected:gsub("\\\n", "")) end

  local function begins(expected, text)
    assert.equal(joined(expected), text:sub(1, #joined(expected)))
  end

  local function holds(expected, text)
    assert.truthy(text:find(joined(expected), 1, true), text)
  end

  it("a diff", function() begins(DIFF, (page_of("diff", "policies", folder .. "/edited", DAY))) end)

  it("a replay", function()
    local text = page_of("replay", DAY, "--set", "threshold=20", "--quiet")
    begins(REPLAY, text)
    holds(OTHERWISE, text)
  end)

  it("a trial", function()
    local text = page_of("report", trial_recording.write(folder .. "/trial.jsonl", 30))
    begins(REPORT, text)
    holds(REPORT_END, text)
  end)

  it("a simulation", function()
    local text = page_of("simulate", "--runs", "5", "--scenario", "no-change")
    begins(SIMULATION, text)
    holds(SIMULATION_END, text)
    holds(WORLDS, text)
  end)

  it("a plan", function()
    begins(PLAN, (page_of("simulate", "--plan", "--runs", "5", "--effect", "errors:+0.5pp")))
  end)
end)
