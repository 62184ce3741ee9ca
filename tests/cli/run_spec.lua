local json = require "weir.json"
local run = require "support.run"

local function routed(event, ...)
  return run { "run", "routing", "-e", "-", "-p", "policies", stdin = event, ... }
end
local function mapped(event, ...)
  return run { "run", "mapping", "-e", "-", "-p", "policies", stdin = event, ... }
end
local function report(result) return assert(json.decode(result.stdout)) end

local CREATED = [[{"source":"aws.s3","detail-type":"Object Created",
  "detail":{"bucket":{"name":"b"},"object":{"key":"%s","size":3,"etag":"%s"}}}]]

describe("weir run routing", function()
  it("shows facts, decision, plan, metrics and result", function()
    local result = routed '{"objects": [{"key": "a", "size": 3}, {"key": "b", "size": 9}]}'
    assert.equal(0, result.status)
    assert.matches("^routing  standard input:1  %(dry run%)\nfacts     "
      .. '{"file_count":2,"largest_bytes":9,"total_bytes":12}\ndecision  realtime  2 files, below '
      .. '10  policies/routing.lua:%d+\n'
      .. "plan      nothing to call\nmetrics   RoutingDecisions 1 Count .-\nresult    {",
        result.stdout)
  end)

  it("takes ListObjectsV2's names, and counts", function()
    assert.equal(7, report(routed('{"Contents": [{"Key": "a", "Size": 7}]}',
      "--json")).decisions[1].facts.total_bytes)
    assert.equal("batch", report(routed('{"file_count": 5000}', "--json")).result.action)
  end)

  it("reads the endpoint from the event's world, or names it as unknown", function()
    local event = '{"file_count": 3, "endpoint_name": "e"%s}'
    local known = report(routed(event:format(', "world": {"sagemaker.DescribeEndpoint": {"e": '
      .. '{"EndpointStatus": "Failed"}}}'),
      "--json"))
    assert.equal("Failed", known.decisions[1].facts.endpoint_status)
    assert.equal("batch", known.result.action)
    assert.same(json.array {}, known.unknown)
    local unknown = report(routed(event:format(""), "--json"))
    assert.is_nil(unknown.decisions[1].facts.endpoint_status)
    assert.equal("sagemaker.DescribeEndpoint of e", unknown.unknown[1].what)
  end)

  it("refuses events it does not understand, status 2", function()
    for event, message in pairs {
      ["{}"] = "neither objects nor file_count", ["[[1]]"] = "must be a JSON object",
        ["3"] = "must be a JSON object",
      ['{"objects": 3}'] = "objects must be a list",
        ['{"objects": [{"key": "a"}]}'] = "objects[0] has no "
        .. "size",
      ['{"objects": [], "file_count": 3}'] = "objects give 0",
        ['{"file_count": "3"}'] = "file_count",
      ['{"file_count": 1e999}'] = "InvalidEvent: not valid JSON: line 1, column ",
      ['{"file_count": 3, "world": []}'] = "world must be a JSON object",
      ['{"objects": [{"size": 9223372036854775807}, {"size": 9223372036854775807}]}'] =
        "beyond 64 bits",
    } do
      local result = routed(event)
      assert.equal(2, result.status, event)
      assert.truthy(result.stderr:find(message, 1, true), result.stderr)
      assert.is_nil(result.stdout:find("result", 1, true))
    end
  end)

  it("never carries out what could not be decided, status 4", function()
    local directory = run.directory { ["routing.lua"] = [[
      return policy { kind = "routing", decide = function(facts) error("no luck") end }]] }
    local result = run {
      "run",
      "routing",
      "-e",
      "-",
      "-p",
      directory,
      "--json",
      stdin = '{"file_count": 3}',
    }

    run.remove(directory)
    assert.equal(4, result.status)
    local object = report(result)
    assert.same(json.array {}, object.plan)
    assert.same(json.array {}, object.metrics)
    assert.is_nil(object.result)
    assert.equal("PolicyError", object.error.code)
    assert.equal(3, object.error.facts.file_count)
  end)

  it("overrides parameters", function()
    assert.equal("batch", report(routed('{"file_count": 3}', "--json", "--set",
      "threshold=2")).result.action)
    assert.equal(2, routed('{"file_count": 3}', "--set", "treshold=2").status)
  end)
end)

describe("weir run mapping", function()
  it("plans one execution per job, under a name that depends on the work only", function()
    local first = report(mapped(CREATED:format("a.csv", "e1"), "--json"))
    local again = report(mapped(CREATED:format("a.csv", "e1"), "--json"))
    local other = report(mapped(CREATED:format("a.csv", "e2"), "--json"))
    assert.equal("StartExecution", first.plan[1].operation)
    assert.equal(first.plan[1].input.name, again.plan[1].input.name)
    assert.are_not.equal(first.plan[1].input.name, other.plan[1].input.name)
    assert.matches("^[%w_-]+$", first.plan[1].input.name)
    assert.is_true(#first.plan[1].input.name <= 80)
    assert.equal("a.csv", json.decode(first.plan[1].input.input).key)
  end)

  it("takes the state machine from the event's config, or the environment", function()
    local arn = "arn:aws:states:eu-central-1:111122223333:stateMachine:jobs"
    local event = '{"config": {"state_machine": "' .. arn .. '"},'
      .. CREATED:format("a.csv", "e1"):sub(2)
    local object = report(mapped(event, "--json"))
    assert.equal(arn, object.plan[1].target)
    assert.matches("^arn:aws:states:eu%-central%-1:111122223333:execution:jobs:object%-",
      object.result.started[1].execution)
    local unset = report(mapped(CREATED:format("a.csv", "e1"), "--json"))
    assert.equal("the setting state_machine", unset.unknown[1].what)
  end)

  it("takes batches apart: lists, SQS, notifications, listings", function()
    local a, b = CREATED:format("a.csv", "1"):gsub("%s*\n%s*", ""),
      CREATED:format("b.csv", "2"):gsub("%s*\n%s*", "")
    local sqs = json.encode { Records = { { eventSource = "aws:sqs", body = a },
      { eventSource = "aws:sqs", body = b } } }
    local listing = json.encode { bucket = "b", EncodingType = "url",
      Contents = { { Key = "a+b.csv", Size = 1, ETag = '"1"' }, { Key = "out/", Size = 0 } } }
    local notification = json.encode { Records = {
      { eventName = "ObjectCreated:Put", s3 = { bucket = { name = "b" },
        object = { key = "x", size = 1, eTag = "1" } } },
      {
        eventName = "ObjectRemoved:Delete",
        s3 = { bucket = { name = "b" }, object = { key = "x" } },
      },
    } }
    -- A batch in a batch: an array on the command line is already a list of events.
    for event, expected in pairs { [sqs] = { 2, 0 }, [listing] = { 1, 1 },
      [notification] = { 1, 1 },
      ["[[" .. a .. "," .. b .. "]]"] = { 2, 0 } } do
      local object = report(mapped(event, "--json"))
      assert.same(expected, { #object.plan, object.result.ignored }, event)
    end

    local twice = report(mapped("[[" .. a .. "," .. a .. "]]", "--json"))
    assert.same({ 1, 1 }, { #twice.plan, twice.result.duplicates })
  end)

  it("starts nothing when one event of a batch fails, status 4", function()
    local good, bad = CREATED:format("a.csv", "1"):gsub("%s*\n%s*", ""),
      '{"source":"aws.s3","detail-type":"Object Created"}'
    local result = mapped("[[" .. good .. "," .. bad .. "]]", "--json")
    assert.equal(4, result.status)
    assert.same(json.array {}, report(result).plan)
    assert.matches("event 2 of 2", result.stderr)
  end)

  it("refuses bodies that are not JSON, and endless nesting", function()
    assert.equal(2, mapped('{"Records": [{"eventSource": "aws:sqs", "body": "{"}]}').status)
    assert.equal(2, mapped('{"Records": [3]}').status)
    assert.equal(2, mapped(("["):rep(50) .. ("]"):rep(50)).status)
  end)

  it("never prints a secret", function()
    local event = [[{"source": "x", "taskToken": "AAAA",
      "detail": {"Authorization": "BBBB", "db_password": "CCCC",
      "x-amz-security-token": "DDDD", "url": "https://h/p?X-Amz-Signature=EEEE&a=1"}}]]
    for _, flag in ipairs { "--json", "--no-color" } do
      local result = mapped(event, flag)
      assert.equal(0, result.status)
      for _, secret in ipairs { "AAAA", "BBBB", "CCCC", "DDDD", "EEEE" } do
        assert.is_nil((result.stdout .. result.stderr):find(secret, 1, true), secret)
      end

      assert.truthy(result.stdout:find("[redacted]", 1, true))
    end
  end)
end)

describe("weir run", function()
  it("handles every event, and names the bad one", function()
    local result = routed('{"file_count": 3}\nnonsense\n{"file_count": 5000}\n', "--json")
    assert.equal(2, result.status)
    assert.matches("standard input:2: InvalidEvent: ", result.stderr)
    local failed = {}
    for line in result.stdout:gmatch("[^\n]+") do
      local object = json.decode(line)
      assert.equal("routing", object.handler)
      failed[#failed + 1] = object.error and object.error.code or "fine"
    end

    assert.same({ "fine", "InvalidEvent", "fine" }, failed)
  end)

  it("logs each decision before its effects, in lines that replay identically", function()
    local directory = run.directory()
    local log = directory .. "/decisions.jsonl"
    assert.equal(0, mapped(CREATED:format("a b", "1"), "--log", log).status)
    assert.equal(0, routed('{"file_count": 3}', "--log", log, "--set", "threshold=2").status)
    local replayed = run { "replay", log, "-p", "policies", "--json" }
    assert.equal(0, replayed.status)
    assert.equal(2, report(replayed).identical)
    run.remove(directory)
  end)

  it("fails an event whose decision cannot be logged, and plans nothing for it", function()
    local result = mapped(CREATED:format("a", "1"), "--log", "/nowhere/decisions.jsonl", "--json")
    assert.equal(6, result.status)
    assert.equal("LogFailed", report(result).error.code)
    assert.same(json.array {}, report(result).plan)
    assert.matches("/nowhere/decisions.jsonl cannot be written", result.stderr)
  end)

  it("needs its settings before it calls AWS, and credentials to do so", function()
    local result = run {
      "run",
      "mapping",
      "-e",
      "-",
      "-p",
      "policies",
      "--live",
      stdin = CREATED:format("a", "1")
    }

    assert.equal(2, result.status)
    assert.matches("set WEIR_STATE_MACHINE", result.stderr)
    result = run { "run", "mapping", "-e", "-", "-p", "policies", "--live",
      stdin = CREATED:format("a", "1"),
      env = { WEIR_STATE_MACHINE = "arn:x", HOME = "/nowhere", AWS_REGION = "eu-west-1",
        AWS_PROFILE = "" } }
    assert.equal(6, result.status)
    assert.matches("NoCredentials: stepfunctions StartExecution: NoCredentials", result.stderr)
  end)

  it("refuses unknown handlers, missing events, sets that do not load, files that cannot be read",
    function()
    assert.matches("unknown handler 'ruting'; did you mean 'routing'?",
      run({ "run", "ruting", "-e", "x" }).stderr)
    assert.equal(2, run({ "run", "ruting", "-e", "x" }).status)
    assert.equal(2, run({ "run", "routing" }).status)
    assert.equal(2, routed("").status)
    assert.equal(3, run({ "run", "routing", "-e", "-", "-p", "/nowhere", stdin = "{}" }).status)
    assert.equal(6, run({ "run", "routing", "-e", "/nowhere.json", "-p", "policies" }).status)
  end)
end)
