-- A replay of recordings in S3 in the state machine of deploy/cloudformation/replay.yaml
-- (docs/fleet-replay.md): bundles up, an execution started and waited for, its summary read.
--
--   fleet.check(given) → true | nil, message, hint
--   fleet.run(verb, given, screen, { set =, old =? }) → summary | nil, exit status
--
-- The summary is one of weir.fleet.total. Settings: replay_state_machine, replay_results.
local events = require "weir.events"
local exit = require "weir.cli.exit"
local json = require "weir.json"
local make_effects = require "weir.effects"
local process = require "weir.process"
local recordings = require "weir.cli.recordings"
local messages = require "weir.cli.messages"
local own_objects = require "weir.events.own_objects"
local terminal = require "weir.cli.terminal"
local try = require "weir.try"

local fleet = {}

local FIRST_WAIT_MS, LONGEST_WAIT_MS = 250, 5000

-- What is asked for -----------------------------------------------------------------------------

function fleet.check(given)
  if #given.RECORDING > 1 or not recordings.are_in_s3(given.RECORDING) then
    return nil, "--fleet takes one place in S3", "write s3://bucket/prefix"
  end

  local params = os.getenv("WEIR_PARAMS")
  if given.set or given.params or (params and params ~= "") then
    return nil, "a fleet decides with the policies as they are, without other parameters",
      "edit the policies, or leave --fleet out"
  end

  if given.html or given.all then
    return nil, "--fleet knows groups of decisions, not each of them", "leave --html and --all out"
  end

  return true
end

local function results_of(given, effects)
  local uri = given.results or try(effects:setting("replay_results"))
  local bucket, prefix = events.s3_place(uri)
  if not bucket then try.fail(("'%s' is not s3://bucket/prefix"):format(uri), "InvalidBucket") end
  return { bucket = bucket, prefix = prefix:gsub("/*$", "") }
end

-- Running ---------------------------------------------------------------------------------------

local function put_bundle(effects, set, results, folder, name)
  if not set then return "" end
  local key = ("%s/%s.bundle"):format(folder, name)
  own_objects.write(effects, results.bucket, key, try(set:bundle()))
  return ("s3://%s/%s"):format(results.bucket, key)
end

local function start(effects, given, sets)
  local machine = try(effects:setting("replay_state_machine"))
  local results = results_of(given, effects)
  local name = "replay-" .. try(process.new_id())
  local folder = (results.prefix == "" and "" or results.prefix .. "/") .. name
  local bucket, prefix = events.s3_place(given.RECORDING[1])
  local input = {
    bucket = bucket,
    prefix = prefix,
    policies = put_bundle(effects, sets.set, results, folder, "policies"),
    old = put_bundle(effects, sets.old, results, folder, "old"),
    results = { bucket = results.bucket, prefix = folder },
  }

  return try(effects:call {
    service = "stepfunctions",
    operation = "StartExecution",
    target = machine,
    input = { stateMachineArn = machine, name = name, input = json.encode(input) },
  }).executionArn
end

local function look(effects, arn)
  return try(effects:read {
    service = "stepfunctions",
    operation = "DescribeExecution",
    target = arn,
    input = { executionArn = arn },
  })
end

-- → the execution once it has ended
local function wait(effects, arn, screen)
  local wait_ms, began = FIRST_WAIT_MS, process.clock()
  while true do
    local execution = look(effects, arn)
    if execution.status ~= "RUNNING" then return execution end
    screen.err:progress(("the fleet runs, %d s"):format((process.clock() - began) // 1000))
    process.sleep(wait_ms)
    wait_ms = math.min(wait_ms * 2, LONGEST_WAIT_MS)
  end
end

-- The whole summary is where the output says.
local function summary_of(effects, execution)
  local output = json.decode(execution.output or "")
  local place = type(output) == "table" and output.summary
  local bucket, key = events.s3_place(type(place) == "string" and place or "")
  if not bucket then try.fail("the execution has no summary in its output", "MalformedResults") end

  local summary = json.decode(own_objects.read(effects, bucket, key) or "")
  if type(summary) == "table" and type(summary.kinds) == "table" then return summary end
  try.fail(("there is no summary at %s"):format(place), "MalformedResults")
end

local function replay(given, screen, sets)
  local effects = make_effects.live()
  local arn = start(effects, given, sets)
  screen.err:print("started ", terminal.printable(arn))
  local execution = wait(effects, arn, screen)
  screen.err:clear_progress()
  if execution.status == "SUCCEEDED" then return summary_of(effects, execution) end

  try.fail(("the execution %s: %s %s"):format(execution.status:lower(), execution.error or "",
    execution.cause or ""), execution.error or execution.status)
end

local function tell_unreadable(err, list)
  for i, problem in ipairs(list) do
    if i > recordings.TROUBLES then
      err:print("… and ", terminal.count(#list - recordings.TROUBLES, "more file"))
      return
    end

    err:print("weir: ", terminal.printable(problem.file), ": ",
      err:paint("error", terminal.printable(problem.message)))
  end
end

function fleet.run(verb, given, screen, sets)
  local summary, message, code = try.call(replay, given, screen, sets)
  if not summary then
    screen.err:clear_progress()
    return nil, messages.failure(screen, verb, { message = message, code = code, exit = exit.io })
  end

  tell_unreadable(screen.err, summary.unreadable)
  return summary
end

return fleet
