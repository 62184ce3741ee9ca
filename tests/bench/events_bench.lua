-- Events mapped in one runtime process, in turn with Node, once with AWS's own toolkit for it
-- (events_powertools.mjs) and once without any library (events_node.mjs), all fed by
-- tests/load/runtime_feeder; and a million objects listed and checkpointed: memory, and our share
-- of the time. Rows that have a target say whether they reach it.
--   ./dev bench events      WEIR_BENCH_OBJECTS=1000000
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local files = require "support.files"
local json = require "weir.json"
local process = require "weir.process"

local FEEDER = contest.weir:match("^(.*)/") .. "/tests/runtime_feeder"
local WARM, COUNT = contest.count(2000), contest.count(8000)

files.shell(("mkdir -p build/bench && ln -sf %s build/bench/bootstrap")
  :format(files.quote(contest.weir)))

local EVENT = json.encode {
  version = "0",
  id = "7bf73129-1428-4cd3-a780-95db273d1602",
  ["detail-type"] = "Object Created",
  source = "aws.s3",
  account = "111122223333",
  time = "2026-11-20T09:00:01Z",
  region = "eu-central-1",
  resources = { "arn:aws:s3:::scans" },
  detail = {
    version = "0",
    bucket = { name = "scans" },
    object = {
      key = "products/2026/11/20/scan-000001.jpg",
      size = 1001,
      etag = ("%032x"):format(1),
      sequencer = ("%016X"):format(1),
    },
    ["request-id"] = "N4N7GDK58NMKJ12R",
    requester = "123456789012",
    ["source-ip-address"] = "10.0.4.17",
    reason = "PutObject",
  },
}

local OURS = "env _HANDLER=event_map WEIR_POLICY_SOURCE=policies AWS_REGION=eu-west-1 "
  .. "AWS_LAMBDA_LOG_FORMAT=JSON build/bench/bootstrap"

local function node_with(handler)
  return "env AWS_BENCH_HANDLER=$PWD/tests/bench/" .. handler
    .. " node tests/bench/node_loop.mjs"
end

local POWERTOOLS, BY_HAND = node_with "events_powertools.mjs", node_with "events_node.mjs"

-- One processor for the feeder and the runtime, as a function of Lambda has: what it costs to wake
-- another is the machine's, as much for either side, and more than all that is compared here.
local ONE_PROCESSOR = "taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[,-].*//') "

-- Invocations, the first WARM of which are not measured: by then Node has compiled what is hot.
-- → microseconds for one: processor time of the runtime alone with all its threads, and of the
-- clock, where both wait for the feeder as well; the jobs it answered.
local function measure(command)
  local begin = process.clock()
  local pipe = io.popen(ONE_PROCESSOR .. ("%s %s %d %d -- sh -c %s 2>/dev/null"):format(FEEDER,
    files.quote(EVENT), WARM, COUNT, files.quote("exec " .. command)))
  local warm = json.decode(pipe:read("l") or "")
  local warm_ms = process.clock() - begin
  local rest = json.decode(pipe:read("l") or "")
  local wall_ms = process.clock() - begin - warm_ms
  if not (pipe:close() and warm and rest) then error("not measured: " .. command, 0) end

  return (rest.cpu_us - warm.cpu_us) / COUNT, wall_ms * 1000 / COUNT,
    json.encode(rest.answers[1].body.jobs)
end

local function by_processor(command)
  return function()
    local cpu, _, jobs = measure(command)
    return cpu, jobs
  end
end

local function by_clock(command)
  return function()
    local _, wall, jobs = measure(command)
    return wall, jobs
  end
end

local function row(peer, command, by, more)
  contest.row {
    name = more.name,
    peer = peer,
    unit = more.unit,
    equal_work = "both, on one processor, decode one event of S3 an invocation, free it of "
      .. "secrets, map it to a job, log the decision, write 9 metrics in 4 lines of EMF and encode "
      .. "the answer; the jobs are equal",
    ours = by(OURS),
    theirs = by(command),
    ratio = "theirs/ours",
    target = more.least and { of = "ratio", least = more.least },
    note = more.note,
  }
end

for _, peer in ipairs {
  {
    name = "Node with AWS's Powertools",
    command = POWERTOOLS,
    least = 5,
    note = "its parser checks the event's schema, its logger writes the decision, its metrics the "
      .. "EMF; ours decides in a sandbox with a budget, and checks facts and decision by schemas",
  },
  {
    name = "Node without a library",
    command = BY_HAND,
    note = "the same rules and lines written by hand, nothing checked; ours also decides in a "
      .. "sandbox with a budget, and checks facts and decision by schemas",
  },
} do
  row(peer.name, peer.command, by_processor, { name = "an event mapped",
    unit = "us of processor time", least = peer.least, note = peer.note })
  row(peer.name, peer.command, by_clock, { name = "an event mapped, by the clock",
    unit = "us by the clock", note = peer.note })
end

-- Listing -------------------------------------------------------------------------------------

local OBJECTS = tonumber(os.getenv("WEIR_BENCH_OBJECTS") or contest.count(1000000))
local servers = require "support.servers"
local server = servers.start("many_objects", OBJECTS)

-- Every object ignored: what is measured is the listing and the checkpoint. One page is one
-- request.
local folder = files.directory { ["mapping.lua"] = [[return policy { kind = "mapping",
  decide = function() return ignore { because = "measured" } end }]] }

local COMMAND = ("env _HANDLER=discovery WEIR_POLICY_SOURCE=%s AWS_REGION=eu-west-1 "
  .. "AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_ENDPOINT_URL=%s BUCKET=bucket "
  .. "OUTPUT_BUCKET=output HOME=/nowhere build/bench/bootstrap")
  :format(files.quote(folder), server.url)

-- One invocation, as long as the runtime's deadline lets it: its answer, resident KB, CPU seconds.
local function invoke(id)
  local out = os.tmpname()
  os.execute(("bash -c %s >/dev/null 2>&1"):format(files.quote(
    ("TIMEFORMAT='%%3U %%3S'; { time %s %s 1 -- sh -c %s > %s 2>/dev/null; } 2> %s.time"):format(
      FEEDER, files.quote(("{\"id\":%q}"):format(id)), files.quote("exec " .. COMMAND), out, out))))
  local report = json.decode(files.read(out):match("[^\n]+") or "")
  local said = report and report.answers[1]
  if not said or said.to ~= "response" then
    error("discovery failed: " .. files.read(out), 0)
  end

  local user, system = files.read(out .. ".time"):match("([%d.]+) ([%d.]+)")

  return said.body, report.resident_kb, tonumber(user) + tonumber(system)
end

for _, what in ipairs { "all of it new", "nothing changed" } do
  local begin, cpu, kb, invocations = process.clock(), 0, 0, 0
  local answer, resident, seconds_of_cpu
  repeat
    answer, resident, seconds_of_cpu = invoke(what)
    cpu, kb, invocations = cpu + seconds_of_cpu, math.max(kb, resident), invocations + 1
  until answer.done

  local wall = (process.clock() - begin) / 1000
  contest.print({
    name = "memory of a listing, " .. what,
    unit = "MB resident",
    equal_work = ("%d objects listed, ignored and checkpointed"):format(answer.listed),
    target = { of = "ours", most = 64 },
    note = ("%.1f s in %d invocations, %.1f s of them our processor time"):format(wall,
      invocations, cpu),
  }, { ours = { kb / 1024 } })
end
files.remove(folder)
