-- deploy/state-machines/events.asl.json, executed: an event becomes jobs, each is processed once,
-- and measured.
-- Its rules, through weir match, against events as they are recorded.
local files = require "support.files"
local json = require "weir.json"
local pictures = require "support.pictures"
local run = require "support.run"
local state_machine = require "support.state_machine"

local MACHINE = "deploy/state-machines/events.asl.json"
local HANDLERS = { ["weir-map"] = "event_map", ["weir-processor"] = "event_processor",
  ["weir-reporter"] = "latency_reporter" }

local function arn(name) return "arn:aws:lambda:eu-west-1:111122223333:function:" .. name end

local SUBSTITUTIONS = { EventMapFunctionArn = arn "weir-map",
  EventProcessorFunctionArn = arn "weir-processor",
  LatencyReporterFunctionArn = arn "weir-reporter" }

local function created(key, etag, bucket)
  return { version = "0", source = "aws.s3", ["detail-type"] = "Object Created",
    time = "2026-11-23T12:00:00Z",
    detail = { bucket = { name = bucket or "bucket" }, reason = "PutObject",
      object = { key = key, size = 10, etag = etag, sequencer = "0A" } } }
end

describe("the state machine of events", function()
  local stage

  setup(function()
    pictures.reset()
    stage = state_machine.stage(HANDLERS, { CLAIMS_TABLE = pictures.TABLE,
      DEAD_LETTER_BUCKET = "bucket",
      DEAD_LETTER_PREFIX = "dead/", BUCKET = "bucket" })
  end)

  teardown(function() stage:close() end)
  before_each(function() pictures.reset() end)

  local function execute(event, more)
    local given = { machine = MACHINE, substitutions = SUBSTITUTIONS, input = event }
    for name, value in pairs(more or {}) do given[name] = value end
    return stage:run(given)
  end

  local function succeeded(result)
    assert.equal("SUCCEEDED", result.status, json.encode(result))
    return result.output
  end

  it("is valid, with all of its substitutions and no others", function()
    local words = {}
    for name, value in pairs(SUBSTITUTIONS) do
      words[#words + 1] = run.quote(name .. "=" .. value)
    end

    local pipe = io.popen(("node tests/workflow/validate.mjs %s %s 2>&1"):format(MACHINE,
      table.concat(words, " ")))
    local text = pipe:read("a")
    pipe:close()
    assert.equal("", text)
  end)

  it("takes an event to its documents, and measures it", function()
    local etag = pictures.put("in/cup.png", "2")
    local result, execution = execute(created("in/cup.png", etag))
    local output = succeeded(result)
    assert.same({ 1, "SUCCESS", {} }, {
      #output.results,
      output.results[1].status,
      output.dead_letters,
    })

    assert.truthy(pictures.s3:get_object { Bucket = "bucket",
      Key = output.results[1].documents.tags })
    assert.same({}, execution.caught)
    local log = stage.functions["weir-reporter"]:log()
    assert.matches('"StageLatency"', log, 1, true)
  end)

  it("does the same event twice once", function()
    local event = created("in/cup.png", (pictures.put("in/cup.png", "2")))
    succeeded(execute(event))
    assert.is_true(succeeded(execute(event)).results[1].duplicate)
  end)

  it("keeps what no job can be made of, and has nothing to do for what is not work", function()
    local output = succeeded(execute { source = "a service of tomorrow" })
    assert.same({ {}, "UnknownEvent" }, { output.results, output.dead_letters[1].code })
    assert.same({ results = {}, dead_letters = {} },
      succeeded(execute { source = "aws.scheduler", ["detail-type"] = "Scheduled Event" }))
    assert.equal("PolicyError", succeeded(execute(created("a.png", "e",
      "elsewhere"))).dead_letters[1].code)
  end)

  it("tries again where a function could not be started, and fails where the object fails",
    function()
    local etag = pictures.put("in/cup.png", "2")
    local result, execution = execute(created("in/cup.png", etag),
      { functionFaults = { ["weir-processor"] = { "Lambda.TooManyRequestsException" } } })
    succeeded(result)
    assert.same({ "Process the job" }, execution.retried)

    result = execute(created("in/other.png", (pictures.put("in/other.png", "3"))),
      { functionFaults = { ["weir-processor"] = { "AccessDeniedException" } } })
    assert.same({ "FAILED", "AccessDeniedException" }, { result.status, result.error })
  end)

  it("waits where a service throttles a function for longer than that tries", function()
    local etag = pictures.put("in/cup.png", "2")
    local result, execution = execute(created("in/cup.png", etag), { functionFaults = {
      ["weir-map"] = { "SlowDown" },
      ["weir-processor"] = { "ThrottlingException", "ProvisionedThroughputExceededException" },
    } })
    succeeded(result)
    assert.same({ "Map the event", "Process the job", "Process the job" }, execution.retried)
  end)

  it("waits where the claims table throttles each attempt of an invocation", function()
    local event = created("in/cup.png", (pictures.put("in/cup.png", "2")))
    local body = '{"__type":"x#ProvisionedThroughputExceededException","message":"slow down"}'
    local refusals = {}
    for i = 1, 4 do refusals[i] = { kind = "status", status = 400, headers = {}, body = body } end
    pictures.cloud.reset()
    pictures.cloud.faults(table.unpack(refusals))
    local result, execution = execute(event)
    assert.equal("SUCCESS", succeeded(result).results[1].status)
    assert.same({ "Process the job" }, execution.retried)
    assert.equal(1, pictures.claims()["bucket/in/cup.png"].ways.events.attempts)
  end)

  it("fails by name where a function answers FAILED, or no status", function()
    local event = created("in/cup.png", (pictures.put("in/cup.png", "2")))
    for _, answer in ipairs { { status = "FAILED" }, { status = "FAILED", error = "Mine" }, {},
      "a text", { status = 5 }, json.array { 1 } } do
      local result = execute(event, { functionAnswers = { ["weir-processor"] = { answer } } })
      assert.same({ "FAILED", "ProcessingFailed" }, { result.status, result.error },
        json.encode(result))
    end
  end)

  it("processes the other jobs of an event where one fails, and fails with that one", function()
    local broken = pictures.put("in/broken.png", "text", "")
    local fine = pictures.put("in/cup.png", "2")
    local result = execute(json.array {
      created("in/broken.png", broken), created("in/cup.png", fine),
    })
    assert.same({ "FAILED", "UnsupportedImage" }, { result.status, result.error })
    assert.equal(1, #pictures.keys "results/events/tags/in/cup.png/")
    assert.equal("finished", pictures.claims()["bucket/in/cup.png"].ways.events.status)
  end)

  it("takes a batch of Pipes, and names what mapping it failed with", function()
    local etag = pictures.put("in/cup.png", "2")
    local batch = json.array { { eventSource = "aws:sqs", messageId = "m",
      body = json.encode(created("in/cup.png", etag)) } }
    assert.equal("SUCCESS", succeeded(execute(batch)).results[1].status)
    local result = execute(batch,
      { functionFaults = { ["weir-map"] = { "AccessDeniedException" } } })
    assert.same({ "FAILED", "AccessDeniedException" }, { result.status, result.error })
  end)

  it("waits for the lease of one that died", function()
    local etag = pictures.put("in/cup.png", "2")
    local busy = {}
    for i = 1, 9 do busy[i] = "ClaimBusy" end
    succeeded(execute(created("in/cup.png", etag),
      { functionFaults = { ["weir-processor"] = busy } }))
  end)
end)

describe("the rules of events", function()
  local function matches(rule, event)
    local result = run { "match", rule, "--json", stdin = json.encode(event) .. "\n" }
    assert.is_true(result.status <= 1, result.stderr)
    return json.decode(result.stdout).match
  end

  local function object(key, bucket) return created(key, "e", bucket or "scans") end

  local function file(path, operation)
    return { source = "fsxn.fpolicy", ["detail-type"] = "FPolicy File Operation",
      detail = { event_id = "1",
      operation_type = operation or "create", file_path = path, volume_name = "vol1",
        svm_name = "svm1" } }
  end

  it("take what has prefix and suffix, both, whatever is between", function()
    for rule, make in pairs { ["deploy/object-created-rule.json"] = object,
      ["deploy/fpolicy-rule.json"] = file } do
      for _, key in ipairs { "products/a.jpg", "products/2026/11/a b.png", "products/.jpg" } do
        assert.is_true(matches(rule, make(key)), rule .. " " .. key)
      end

      for _, key in ipairs { "products/a.JPG", "products/a.gif", "a.jpg", "other/products/a.jpg",
        "products/a.jpg.tmp" } do
        assert.is_false(matches(rule, make(key)), rule .. " " .. key)
      end
    end
  end)

  it("take no other bucket, source or operation", function()
    assert.is_false(matches("deploy/object-created-rule.json", object("products/a.jpg", "other")))
    local deleted = object "products/a.jpg"
    deleted["detail-type"] = "Object Deleted"
    assert.is_false(matches("deploy/object-created-rule.json", deleted))
    assert.is_false(matches("deploy/fpolicy-rule.json", file("products/a.jpg", "delete")))
  end)

  it("take a path of FPolicy in each form that the mapping policy reads", function()
    local rule = "deploy/fpolicy-rule.json"
    for _, path in ipairs { "/products/a.jpg", "\\products\\a.jpg", "\\products\\b\\c.png" } do
      assert.is_true(matches(rule, file(path)), path)
    end

    for _, path in ipairs { "/other/a.jpg", "\\products\\a.txt", "\\products.jpg" } do
      assert.is_false(matches(rule, file(path)), path)
    end

    assert.is_true(matches(rule, file("/products/a.jpg", "CREATE")))
  end)

  it("take keys with the signs of a wildcard in them, and count no byte twice", function()
    local rule = "deploy/object-created-rule.json"
    for _, key in ipairs { "products/a*b.jpg", "products/**.jpg", "products/a\\b.jpg",
      "products/\\*.png" } do
      assert.is_true(matches(rule, object(key)), key)
    end

    assert.is_false(matches(rule, object "products.jpg"))
  end)

  -- The names in a rule are an example's: here are those of the recorded day, and what is theirs.
  local ON_THAT_DAY = {
    ["deploy/object-created-rule.json"] = {
      names = { { "scans", "weir-landing-eu" }, { "products/%*%.jpg", "partner-2/*.csv" } },
      takes = function(event)
        return event["detail-type"] == "Object Created"
          and event.detail.bucket.name == "weir-landing-eu"
          and event.detail.object.key:find "^partner%-2/.*%.csv$" ~= nil
      end,
    },
    ["deploy/transform-job-rule.json"] = {
      names = { { "weir%-", "landing-" } },
      takes = function(event)
        return event.source == "aws.sagemaker"
          and event.detail.TransformJobName:find "^landing%-" ~= nil
      end,
    },
  }

  it("take of a recorded day what is theirs, and nothing else", function()
    local events, lines = {}, {}
    for _, line in ipairs(files.lines_of "zcat tests/recordings/working-day.jsonl.gz") do
      local recorded = json.decode(line)
      if recorded.kind == "mapping" then events[#events + 1] = recorded.facts.event end
    end

    for i, event in ipairs(events) do lines[i] = json.encode(event) end
    for rule, day in pairs(ON_THAT_DAY) do -- any order: each rule is on its own
      local text, taken = files.read(rule), 0
      for _, name in ipairs(day.names) do text = text:gsub(name[1], name[2]) end

      local result = run { "match", text, "--json", stdin = table.concat(lines, "\n") .. "\n" }
      local number = 0
      for line in result.stdout:gmatch "[^\n]+" do
        number = number + 1
        local is_match = json.decode(line).match
        assert.equal(day.takes(events[number]), is_match, rule .. " " .. lines[number])
        if is_match then taken = taken + 1 end
      end

      assert.equal(#events, number)
      assert.is_true(taken > 100, rule .. " takes " .. taken)
    end
  end)

  it("take no event of a recorded day that is not theirs", function()
    local rules = files.lines_of("ls deploy/*-rule.json")
    assert.equal(3, #rules)
    local events = {}
    for line in io.lines("tests/recordings/native-day.jsonl") do
      events[#events + 1] = json.encode(json.decode(line).facts.event)
    end

    for _, rule in ipairs(rules) do
      local result = run { "match", rule, "--json", stdin = table.concat(events, "\n") .. "\n" }
      assert.equal(1, result.status, result.stderr)
      assert.is_nil(result.stdout:find('"match":true', 1, true), rule)
    end
  end)
end)
