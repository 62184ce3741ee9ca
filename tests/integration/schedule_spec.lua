-- What EventBridge Scheduler hands to the handlers: its own event, or exactly the Input of the
-- schedule's target, in which it has replaced its context attributes.
local handlers = require "weir.handlers"
local json = require "weir.json"
local memory_s3 = require "support.memory_s3"
local policy_set = require "weir.policy_set"

local set = assert(policy_set.load "policies")

local SETTINGS = {
  bucket = "b",
  output_bucket = "out",
  dead_letter_bucket = "letters",
  state_machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:none-is-started",
}

-- As Scheduler writes it: `detail` is a text.
local OWN = [[{"version":"0","id":"61ef66f8-dc11-4ee6-9fd1-0d1b0a8ea4b4",
  "detail-type":"Scheduled Event","source":"aws.scheduler","account":"111122223333",
  "time":"2026-11-30T01:00:00Z","region":"eu-west-1",
  "resources":["arn:aws:scheduler:eu-west-1:111122223333:schedule/default/poll"],"detail":"{}"}]]

local function bucket_with(...)
  local memory = memory_s3.new()
  for _, key in ipairs { ... } do
    memory.buckets.b[key] = { Body = "x", ETag = '"e1"', LastModified = "2026-11-20T09:00:01Z" }
  end

  return memory
end

local function run(handler, text, memory)
  local event = assert(json.decode(text, { secrets = true }))
  local effects = memory:effects { settings = SETTINGS }
  local call = effects.call
  function effects.call(self, request)
    if request.operation == "StartExecution" then return { executionArn = "arn" } end
    return call(self, request)
  end

  local report = handlers.run(handlers.find(handler), event, set, effects)
  assert.is_nil(report.error and report.error.message)

  return report.result
end

local function letters(memory) return next(memory.buckets.letters) end

describe("a schedule's own event", function()
  it("lets discovery list what the settings say, and again the same for the same event", function()
    local memory = bucket_with("in/a.csv", "in/b.csv")
    local first = run("discovery", OWN, memory)
    assert.same({ true, 2 }, { first.done, first.total_objects })
    assert.equal(first.manifest_key, run("discovery", OWN, memory).manifest_key)

    local next_hour = OWN:gsub("61ef66f8", "71ef66f8")
    assert.equal(0, run("discovery", next_hour, memory).total_objects)
  end)

  it("announces no work to event_map, and leaves no dead letter", function()
    local memory = bucket_with()
    local result = run("event_map", OWN, memory)
    assert.same({ 0, 1 }, { #result.jobs, result.ignored })
    assert.is_nil(letters(memory))
  end)
end)

describe("a schedule's input of one's own", function()
  it("narrows a listing, and names its run by the execution", function()
    local memory = bucket_with("in/a.csv", "in/a.txt", "other/a.csv")
    local input = '{"prefix": "in/", "suffix": ".csv", "run": "d32c5kddcf5bb8c3"}'
    local first = run("discovery", input, memory)
    assert.equal(1, first.total_objects)

    -- Scheduler tries again: the same execution, the same answer, though a file has come.
    memory.buckets.b["in/c.csv"] = { Body = "x", ETag = '"e2"',
      LastModified = "2026-11-20T09:00:02Z" }
    assert.equal(first.manifest_key, run("discovery", input, memory).manifest_key)
    assert.equal(1, run("discovery", input:gsub("d32c", "e32c"), memory).total_objects)
  end)

  it("is taken apart by event_map as any event: one, a list, a notification, a listing",
    function()
    local created = [[{"source":"aws.s3","detail-type":"Object Created",
      "detail":{"bucket":{"name":"b"},"object":{"key":"in/a.csv","size":5,"etag":"e1"}}}]]
    for input, keys in pairs {
      [created] = 1,
      ["[" .. created .. "," .. created:gsub("a%.csv", "b.csv") .. "]"] = 2,
      ['{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},'
        .. '"object":{"key":"in/a.csv","size":5,"eTag":"e1"}}}]}'] = 1,
      ['{"bucket":"b","Contents":[{"Key":"in/a.csv","Size":5,"ETag":"\\"e1\\""},'
        .. '{"Key":"in/c.csv","Size":5,"ETag":"\\"e1\\""}]}'] = 2,
    } do
      local result = run("event_map", input, bucket_with())
      assert.equal(keys, #result.jobs, input)
      assert.equal("object:b:e1:5:in/a.csv", result.jobs[1].idempotency_key, input)
    end
  end)

  it("that is not an event becomes a dead letter, so that somebody sees the mistake", function()
    for _, input in ipairs { '{"prefx": "in/"}', "{}", '"in/"', "5" } do
      local memory = bucket_with()
      local result = run("event_map", input, memory)
      assert.same({ 0, 1 }, { #result.jobs, #result.dead_letters }, input)
      assert.is_string(letters(memory), input)
    end
  end)

  it("maps the dead letters again", function()
    local memory = bucket_with()
    run("event_map", "{}", memory)
    memory.buckets.letters[next(memory.buckets.letters)] = {
      Body = json.encode {
        schema = "weir.dead_letter/1",
        time = "2026-11-30T01:00:00Z",
        reason = "x",
        event = json.decode(OWN),
      },
      ETag = '"e"',
    }

    local result = run("event_map", '{"redrive": true}', memory)
    assert.is_nil(letters(memory), json.encode(result))
  end)
end)
