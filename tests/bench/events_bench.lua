-- Events mapped per second, in one runtime process against Node, both fed by
-- tests/load/runtime_feeder; and a million objects listed and checkpointed: memory, and our share
-- of the time. What is aimed at is issue 12's.
package.path = "tests/?.lua;" .. package.path
local files = require "support.files"
local json = require "weir.json"
local process = require "weir.process"

local FEEDER = "build/dev/tests/runtime_feeder"
local WARM, COUNT, ROUNDS = 2000, 8000, 3

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
  {
    name = "weir",
    command = "env _HANDLER=event_map WEIR_POLICY_SOURCE=policies AWS_REGION=eu-west-1 "
      .. "AWS_LAMBDA_LOG_FORMAT=JSON build/bench/bootstrap",
    how = "policies/mapping.lua in its sandbox, budgeted, facts and decision checked by schema",
  },
  {
    name = "node",
    command =
      "env AWS_BENCH_HANDLER=$PWD/tests/bench/events_node.mjs node tests/bench/node_loop.mjs",
    how = "the same rules as a function, no sandbox, no schema",
  },
}

-- Invocations, the first WARM of which are not measured: by then Node has compiled what is hot.
-- → microseconds of processor time for one, and of the clock; the answer. Processor time is that
-- of the runtime alone, with all its threads; by the clock, both wait for the feeder as well.
local function measure(command, text)
  local begin = process.clock()
  local pipe = io.popen(("%s %s %d %d -- sh -c %s 2>/dev/null"):format(FEEDER, files.quote(text),
    WARM, COUNT, files.quote("exec " .. command)))
  local warm = json.decode(pipe:read("l") or "")
  local warm_ms = process.clock() - begin
  local rest = json.decode(pipe:read("l") or "")
  local wall_ms = process.clock() - begin - warm_ms
  if not (pipe:close() and warm and rest) then
    print("not measured: " .. command)
    os.exit(1)
  end

  return (rest.cpu_us - warm.cpu_us) / COUNT, wall_ms * 1000 / COUNT, rest.answers[1].body
end

-- Both must have made the same of it.
local function check(one, body, expected)
  local jobs = json.encode(body.jobs)
  if jobs == expected then return end
  print(("%s made other jobs: %s instead of %s"):format(one.name, jobs, expected))
  os.exit(1)
end

local text, expected = json.encode(event(1)), nil
for _ = 1, ROUNDS do
  for _, one in ipairs(CONTESTANTS) do
    local cpu, wall, body = measure(one.command, text)
    expected = expected or json.encode(body.jobs)
    check(one, body, expected)
    one.cpu, one.wall = math.min(one.cpu or cpu, cpu), math.min(one.wall or wall, wall)
  end
end

print("One event of S3 an invocation: decoded, freed of secrets, mapped to a job, which is logged,")
print("9 metrics in 4 lines of EMF, the answer encoded; the jobs are equal. Best of "
  .. ROUNDS .. " rounds in turn.")
for _, one in ipairs(CONTESTANTS) do
  print(("  %-5s %6.1f us of processor time, %6.1f us by the clock  %s")
    :format(one.name, one.cpu, one.wall, one.how))
end

local ratio = CONTESTANTS[2].cpu / CONTESTANTS[1].cpu
print(("events mapped: weir %.0f a second of processor time, node %.0f, ratio %.2f  (>= 5: %s)")
  :format(1e6 / CONTESTANTS[1].cpu, 1e6 / CONTESTANTS[2].cpu, ratio,
    ratio >= 5 and "met" or "not met"))

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
