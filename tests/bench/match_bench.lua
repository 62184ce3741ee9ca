-- `weir match` over a file of events, the whole program by its processor time: where every line
-- matches, where few do, and where none does.
--   ./dev bench match
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local files = require "support.files"

local EVENTS = contest.count(500000)
local PATH = "build/bench/events.jsonl"

local EVENT = '{"version":"0","id":"7bf73129-1428-4cd3-a780-%012x","detail-type":"Object Created",'
  .. '"source":"aws.s3","account":"111122223333","time":"2026-11-20T09:00:01Z",'
  .. '"region":"eu-central-1","detail":{"bucket":{"name":"scans-%d"},'
  .. '"object":{"key":"in/%d.jpg","size":%d},"reason":"PutObject"}}\n'

local function write_events()
  files.shell("mkdir -p build/bench")
  local file = assert(io.open(PATH, "w"))
  for i = 1, EVENTS do assert(file:write(EVENT:format(i, i % 100, i, i))) end
  file:close()
end

local TIMED = "TIMEFORMAT='%%3U %%3S'; { time { %s match %s %s --json --quiet > %s.out "
  .. "|| [ $? -eq 1 ]; } } 2> %s"

-- Events a second of the program's processor time.
local function ours(pattern, expected)
  return function()
    local out = os.tmpname()
    files.shell("bash -c " .. files.quote(TIMED:format(files.quote(contest.weir),
      files.quote(pattern), PATH, out, out)))
    local user, system = files.read(out):match("([%d.]+) ([%d.]+)%s*$")
    local _, matched = files.read(out .. ".out"):gsub('"match":true', "")
    os.remove(out)
    os.remove(out .. ".out")
    assert(matched == expected, "other events match than were made to")

    return EVENTS / (tonumber(user) + tonumber(system))
  end
end

write_events()
for _, one in ipairs {
  { name = "match, every line matches", pattern = '{"source":["aws.s3"]}', expected = EVENTS },
  {
    name = "match, one line of 100 matches",
    pattern = '{"detail":{"bucket":{"name":["scans-7"]}}}',
    expected = (EVENTS + 93) // 100,
  },
  { name = "match, no line matches", pattern = '{"source":["aws.ec2"]}', expected = 0 },
} do
  contest.row {
    name = one.name,
    unit = "events/s of processor time",
    equal_work = ("no peer; %d events in a file are matched, each has its line of output, "
      .. "which says of a miss what was wanted; as many match as were made to"):format(EVENTS),
    ours = ours(one.pattern, one.expected),
    target = { of = "ours", least = 1e6 },
  }
end
