-- Every call that the handlers of events make is throttled: once, which costs nothing, and from
-- that call on for as long as the invocation lasts, which fails by the service's own name. When it
-- is over, the same event ends as if nothing had been.
local handlers = require "weir.handlers"
local json = require "weir.json"
local pictures = require "support.pictures"
local policy_set = require "weir.policy_set"
local retry = require "weir.aws.retry"
local trigger_mode = require "weir.events.trigger_mode"

local cloud = pictures.cloud
local set = assert(policy_set.load "policies")

local MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:events"

-- How each service says that it is throttled, by the operations of these handlers.
local function xml(code)
  return { kind = "status", status = 503, headers = {},
    body = ("<Error><Code>%s</Code><Message>Reduce your rate.</Message></Error>"):format(code) }
end

local function exception(code, status)
  return { kind = "status", status = status or 400, headers = {},
    body = json.encode { __type = "x#" .. code, message = "Rate exceeded" } }
end

local S3, DYNAMODB = xml "SlowDown", exception "ProvisionedThroughputExceededException"
local OTHER = exception "ThrottlingException"

local THROTTLED = {
  GetObject = S3,
  HeadObject = { kind = "status", status = 503, headers = {}, body = "" },
  ListObjectsV2 = S3,
  PutObject = S3,
  GetItem = DYNAMODB,
  PutItem = DYNAMODB,
  DetectLabels = exception "ProvisionedThroughputExceededException",
  Converse = exception("ThrottlingException", 429),
  GetParameter = OTHER,
  StartExecution = OTHER,
}

-- More refusals than any invocation makes calls.
local FOR_EVER = 60

-- Delivers the event of a scenario: a new process, that does not wait between attempts.
local function deliver(scenario, at)
  trigger_mode.forget()
  local live = cloud.effects(function() return pictures.settings end,
    { now = function() return at end },
    { retrier = retry.new { sleep = function() end } })

  return handlers.run(handlers.find(scenario.handler), scenario.event(), set, live)
end

local function prepare(scenario)
  pictures.reset(scenario.settings)
  pictures.control("POST", "parameters", { ["/mode"] = scenario.mode or "events_first" })
  scenario.prepare()
  cloud.reset()
  pictures.control("POST", "parameters", { ["/mode"] = scenario.mode or "events_first" })
end

-- The refusals from the call on; the calls before it pass.
local function throttle(operations, call, count)
  local faults = {}
  for n = 1, call - 1 do faults[n] = { kind = "pass" } end
  for n = call, call + count - 1 do
    faults[n] = assert(THROTTLED[operations[call]], operations[call])
  end

  cloud.faults(table.unpack(faults))
end

local SCENARIOS = {
  event_processor = {
    settings = { trigger_mode = "/mode", claim_lease_seconds = "60" },
    prepare = function() pictures.put("a.png", "2") end,
    event = function()
      return { work = "object", bucket = "bucket", key = "a.png", source = "eventbridge" }
    end,
  },
  event_map = {
    settings = { state_machine = MACHINE, dead_letter_bucket = "bucket" },
    prepare = function() end,
    event = function()
      return json.array {
        { source = "a service of tomorrow" },
        { source = "aws.s3", ["detail-type"] = "Object Created", detail = {
          bucket = { name = "bucket" },
          object = { key = "a.png", etag = "e", size = 5 },
        } },
      }
    end,
    outputs = "dead-letters/",
  },
  discovery = {
    settings = { bucket = "bucket", prefix = "in/", trigger_mode = "/mode" },
    mode = "polling",
    prepare = function()
      pictures.put "in/a.png"
      pictures.put "in/b.png"
    end,
    event = function() return { run = "one" } end,
    outputs = "weir/",
  },
  reconcile = {
    settings = { trigger_mode = "/mode", claim_lease_seconds = "60",
      reconcile_grace_seconds = "0" },
    prepare = function() pictures.put("in/a.png", "2") end,
    event = function() return { bucket = "bucket", prefix = "in/" } end,
  },
  latency_reporter = {
    settings = { trigger_mode = "/mode" },
    prepare = function() end,
    event = function() return { error = "AccessDenied" } end,
  },
}

-- What is left when the event was handled: documents, manifests or letters, and finished claims.
local function outcome(scenario)
  local outputs, claims = pictures.outputs(scenario.outputs or "results/"), {}
  for key in pairs(outputs) do
    outputs[key] = outputs[key]:gsub('"time":"[^"]*"', "")
    if key:find("checkpoints/", 1, true) then outputs[key] = nil end -- named by times
  end

  for object, item in pairs(pictures.claims()) do claims[object] = item.ways.events.status end

  return { outputs = outputs, claims = claims }
end

-- What nothing is throttled in: the operations, and the outcome.
local function undisturbed(scenario)
  prepare(scenario)
  local report = deliver(scenario, os.time() + 1)
  assert.is_nil(report.error and report.error.message)

  return pictures.operations(), outcome(scenario)
end

-- A description is made of the labels then, and says so; any other call fails the invocation, or,
-- of reconcile, the object.
local function check_failure(report, operation, name)
  if operation == "Converse" then return end
  local result = report.result or {}
  local failure = report.error or result.failures and result.failures[1]
  assert.is_table(failure, name)
  assert.is_true(retry.THROTTLING_CODES[failure.code], ("%s: %s"):format(name, failure.code))
end

describe("every call of", function()
  for handler, scenario in pairs(SCENARIOS) do
    scenario.handler = handler

    it(handler .. " may be throttled once", function()
      local operations, expected = undisturbed(scenario)
      for call, operation in ipairs(operations) do
        prepare(scenario)
        throttle(operations, call, 1)
        local report = deliver(scenario, os.time() + 1)
        assert.is_nil(report.error and report.error.message, operation)
        cloud.reset()
        assert.same(expected, outcome(scenario), operation)
      end
    end)

    it(handler .. " may be throttled for longer than an invocation", function()
      local operations, expected = undisturbed(scenario)
      for call, operation in ipairs(operations) do
        local name = ("%s, call %d, %s"):format(handler, call, operation)
        prepare(scenario)
        local start = os.time() + 1 -- what was just put is no younger than the grace
        throttle(operations, call, FOR_EVER)
        local report = deliver(scenario, start)
        check_failure(report, operation, name)
        cloud.reset()
        pictures.control("POST", "parameters", { ["/mode"] = scenario.mode or "events_first" })

        report = deliver(scenario, start + 100) -- when the lease has ended
        assert.is_nil(report.error and report.error.message, name)
        if operation ~= "Converse" then assert.same(expected, outcome(scenario), name) end
      end
    end)
  end
end)
