-- Events mapped per second, in one runtime process against Node, both fed by
-- tests/load/runtime_feeder; and a million objects listed and checkpointed: memory, and our share
-- of the time. What is aimed at is issue 12's.
package.path = "tests/?.lua;" .. package.path
local files = require "support.files"
local json = require "weir.json"
local process = require "weir.process"

local FEEDER = "build/dev/tests/runtime_feeder"
local COUNT, ROUNDS = 4000, 3

files.shell("mkdir -p build/bench && ln -sf ../dev/weir build/bench/bootstrap")

local function event(i)
  return { version = "0", id = "7bf73129-1428-4cd3-a780-95db273d1602",
    ["detail-type"] = "Object Created",
    source = "aws.s3", account = "111122223333", time = "2026-11-20T09:00:01Z",
      region = "eu-central-1",
    resources = { "arn:aws:s3:::scans" }, detail = { version = "0", bucket = { name = "scans" },
      object = { key = ("products/2026/11/20/scan-%06d.jpg"):format(i), size = 1000 + i,
        etag = ("%032x"):format(i),
        sequencer = ("%016X"):format(i) },
      ["request-id"] = "N4N7GDK58NMKJ12R", requester = "123456789012",
        ["source-ip-address"] = "10.0.4.17",
      reason = "PutObject" } }
end

local CONTESTANTS = {
  { name = "weir", command =
    "env _HANDLER=event_map WEIR_POLICY_SOURCE=policies AWS_REGION=eu-west-1 "
    .. "AWS_LAMBDA_LOG_FORMAT=JSON build/bench/bootstrap" },
  {
    name = "node",
    command =
      "env AWS_BENCH_HANDLER=$PWD/tests/bench/events_node.mjs node tests/bench/node_loop.mjs",
  },
}

-- Seconds for so many invocations, the start left out: the difference of two runs.
local function seconds(command, text, count)
  local function run(times)
    local begin = process.clock()
    if not os.execute(("%s %s %d -- sh -c %s >/dev/null 2>&1"):format(FEEDER, files.quote(text),
      times,
      files.quote("exec " .. command))) then
      print("not measured: " .. command)
      os.exit(1)
    end

    return (process.clock() - begin) / 1000
  end

  return math.max(0.001, run(count) - run(1))
end

local text, best = json.encode(event(1)), {}
for _ = 1, ROUNDS do
  for _, one in ipairs(CONTESTANTS) do
    best[one.name] = math.max(best[one.name] or 0, COUNT / seconds(one.command, text, COUNT))
  end
end
local ratio = best.weir / best.node
print(("events mapped: weir %.0f a second, node %.0f, ratio %.2f  (>= 5: %s)")
  :format(best.weir, best.node, ratio, ratio >= 5 and "met" or "not met"))

-- Listing -------------------------------------------------------------------------------------

local OBJECTS, MOST_MB = tonumber(os.getenv("WEIR_BENCH_OBJECTS") or "1000000"), 64
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
    print("discovery failed: " .. files.read(out))
    os.exit(1)
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
  print(("%d objects, %s: %.1f s in %d invocations, %.1f s of them our CPU time (%.0f %%), %.1f "
    .. "MB  (<= %d MB: %s)")
    :format(answer.listed, what, wall, invocations, cpu, 100 * cpu / wall, kb / 1024, MOST_MB,
      kb / 1024 <= MOST_MB and "met" or "not met"))
end
files.remove(folder)
