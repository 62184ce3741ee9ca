-- Handler event_map: through the real clients to Step Functions and S3, and in a dry run.
local files = require "support.files"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local run = require "support.run"
local workflow = require "support.workflow"

local cloud = workflow.cloud
local MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:events"

local shipped = assert(policy_set.load("policies"))

local function created(key, more)
  more = more or {}
  return { version = "0", id = "7bf7", source = "aws.s3", ["detail-type"] = "Object Created",
    time = "2026-11-20T09:00:01Z", detail = { bucket = { name = "b" }, reason = more.reason
      or "PutObject",
      object = { key = key, size = 5, etag = more.etag or "e1", sequencer = more.sequencer } } }
end

local function message(id, body)
  return {
    messageId = id,
    eventSource = "aws:sqs",
    body = type(body) == "string" and body or json.encode(body)
  }
end

local UNKNOWN = {
  eventType = "FileWritten",
  fsx = { accessPoint = "ap-1", path = "in/a.csv", bytes = 5, tag = "e1" },
}

-- What Step Functions answers where no more executions may run.
local FULL = {
  status = 400,
  headers = { ["Content-Type"] = "application/x-amz-json-1.0" },
  body = '{"__type":"ExecutionLimitExceeded","message":"full"}',
}

describe("event_map", function()
  local s3 = cloud.client "s3"
  local settings

  local function map(event, set)
    local live = cloud.effects(function() return settings end)
    return handlers.run(handlers.find "event_map",
      assert(json.decode(json.encode(event), { secrets = true })),
      set == nil and shipped or set or nil, live)
  end

  local function started()
    local found = {}
    for _, request in ipairs(cloud.requests()) do
      if request.operation == "StartExecution" then
        found[#found + 1] = json.decode(request.input.input)
      end
    end

    return found
  end

  local function letters()
    local found = {}
    for _, object in ipairs(assert(s3:list_objects_v2 { Bucket = "bucket",
      Prefix = "dead/" }).Contents) do
      found[#found + 1] = json.decode(assert(s3:get_object { Bucket = "bucket",
        Key = object.Key }).Body)
    end

    return found
  end

  before_each(function()
    cloud.reset()
    for _, object in ipairs(assert(s3:list_objects_v2 { Bucket = "bucket",
      Prefix = "dead/" }).Contents) do
      s3:delete_object { Bucket = "bucket", Key = object.Key }
    end

    cloud.reset()
    settings = {
      state_machine = MACHINE,
      dead_letter_bucket = "bucket",
      dead_letter_prefix = "dead/",
    }
  end)

  it("makes a job of an Object Created event, for each of its reasons", function()
    settings = {}
    for _, reason in ipairs { "PutObject", "POST Object", "CopyObject",
      "CompleteMultipartUpload" } do
      local result = workflow.fine(map(created("in/a b+c%20.jpg",
        { reason = reason, sequencer = "0A" })))
      assert.same({ { work = "object", bucket = "b", key = "in/a b+c%20.jpg", size = 5, etag = "e1",
        idempotency_key = "object:b:e1:5:in/a b+c%20.jpg", source = "eventbridge", reason = reason,
          sequencer = "0A",
        time = "2026-11-20T09:00:01Z" } }, result.jobs)
    end
  end)

  it("starts each job once, in the order in which the object was written", function()
    local result = workflow.fine(map(json.array {
      created("k", { etag = "e3", sequencer = "0C" }), created("other", { sequencer = "00" }),
      created("k", { etag = "e1", sequencer = "0A" }), created("k", {
        etag = "e3",
        sequencer = "0C",
      }),
      created("k", { etag = "e2", sequencer = "0A01" }) }))
    assert.same({ 4, 0, 1 }, { result.started, result.already_started, result.duplicates })
    local etags = {}
    for i, job in ipairs(started()) do etags[i] = job.etag end
    assert.same({ "e1", "e1", "e2", "e3" }, etags)
  end)

  it("answers only the broken messages of a queue as failed, and says why each is", function()
    settings.dead_letter_bucket = nil
    local report = map { Records = { message("m1", created "a"), message("m2", "{"),
      message("m3", UNKNOWN), message("m4", created "b") } }
    local result = workflow.fine(report)
    assert.same({ { itemIdentifier = "m2" }, { itemIdentifier = "m3" } }, result.batchItemFailures)
    assert.equal(2, #started())

    local remedy = "; DEAD_LETTER_BUCKET says where such events are kept, so that the others go on"
    local first, second = result.failures[1], result.failures[2]
    assert.same({ "m2", "InvalidEvent" }, { first.message, first.code })
    assert.matches("^the body of the SQS message is not JSON", first.reason)
    assert.same({
      message = "m3",
      code = "UnknownEvent",
      reason = "no work comes of an event from an unknown source" .. remedy,
    }, second)

    local counted = {}
    for _, each in ipairs(report.effects.metrics) do
      if each.name == "FailedMessages" then counted[each.dimensions.Code] = each.value end
    end

    assert.same({ InvalidEvent = 1, UnknownEvent = 1 }, counted)
  end)

  it("keeps what is broken with its reason, and is done with its message", function()
    local report = map { Records = { message("m1", created "a"), message("m2", "{"),
      message("m3", UNKNOWN),
      message("m4", { source = "aws.s3", ["detail-type"] = "Object Created" }),
        message("m5", UNKNOWN) } }
    local result = workflow.fine(report)
    assert.same({}, result.batchItemFailures)
    assert.equal(4, #result.dead_letters)
    assert.equal(4, (workflow.metric(report, "DeadLetters")))
    local kept, codes = letters(), {}
    for _, letter in ipairs(kept) do
      assert.equal("weir.dead_letter/1", letter.schema)
      codes[letter.code] = letter
    end

    assert.equal(3, #kept) -- the same event twice is one letter
    assert.same(UNKNOWN, codes.UnknownEvent.event)
    assert.matches("the event has no object key", codes.PolicyError.reason, 1, true)
    assert.equal("{", codes.InvalidEvent.event.body)
  end)

  it("fails where it has no place for what is broken, and nobody would bring it again", function()
    settings = {}
    assert.matches("^no work comes of an event .*; DEAD_LETTER_BUCKET says where",
      workflow.fails("UnknownEvent", map(UNKNOWN)))
    assert.matches("^event 2 of 3: no work comes of an event", workflow.fails("UnknownEvent",
      map(json.array { created "a", UNKNOWN, created "b" })))
    workflow.fails("UnknownEvent", map(json.array { message("m", UNKNOWN) }))
    workflow.fails("NotConfigured", map { Records = { message("m", created "a") } })
  end)

  it("answers a message as failed when its letter or its execution could not be written", function()
    cloud.answers { ["stepfunctions.StartExecution"] = { FULL } }
    local batch = { Records = { message("m1", created "a"), message("m2", created "b") } }
    local result = workflow.fine(map(batch))
    assert.same({ { itemIdentifier = "m1" } }, result.batchItemFailures)
    local failure = result.failures[1]
    assert.same({ "m1", "ExecutionLimitExceeded" }, { failure.message, failure.code })
    assert.matches("ExecutionLimitExceeded: full", failure.reason)
    settings.dead_letter_bucket = "nobody-has-this"
    assert.same({ { itemIdentifier = "m9" } },
      workflow.fine(map { Records = { message("m9", UNKNOWN) } }).batchItemFailures)
  end)

  describe("of a FIFO queue", function()
    local function of_group(group, id, body, queue)
      local record = message(id, body)
      record.eventSourceARN = "arn:aws:sqs:eu-west-1:111122223333:" .. (queue or "files.fifo")
      record.attributes = { MessageGroupId = group, SequenceNumber = "1" }
      return record
    end

    local function failed(records)
      local ids = {}
      for i, each in ipairs(workflow.fine(map { Records = records }).batchItemFailures) do
        ids[i] = each.itemIdentifier
      end

      return ids
    end

    local function keys_started()
      local keys = {}
      for i, job in ipairs(started()) do keys[i] = job.key end
      return keys
    end

    it("reports the rest of a group behind a broken message, and processes none of it", function()
      settings.dead_letter_bucket = nil
      local schedule = { source = "aws.scheduler", ["detail-type"] = "Scheduled Event" }
      assert.same({ "m2", "m4", "m5", "m6" }, failed {
        of_group("g", "m1", created "a"),
        of_group("g", "m2", "{"),
        of_group("h", "m3", created "b"),
        of_group("g", "m4", created "c"),
        of_group("g", "m5", created "a"), -- a duplicate of the first
        of_group("g", "m6", schedule), -- no work
        of_group("h", "m7", created "d"),
      })
      assert.same({ "a", "b", "d" }, keys_started())
    end)

    it("reports the rest of a group behind an execution that could not be started", function()
      cloud.answers { ["stepfunctions.StartExecution"] = { FULL } }
      assert.same({ "m1", "m3" }, failed {
        of_group("g", "m1", created "a"),
        of_group("h", "m2", created "b"),
        of_group("g", "m3", created "c"),
      })
      assert.same({ "a", "b" }, keys_started()) -- the first one was refused
    end)

    it("goes on behind a broken message that is kept as a dead letter", function()
      assert.same({}, failed {
        of_group("g", "m1", "{"),
        of_group("g", "m2", created "a"),
      })
      assert.same({ "a" }, keys_started())
      assert.equal(1, #letters())
    end)

    it("keeps no letter of what comes again anyway", function()
      settings.dead_letter_bucket = "nobody-has-this"
      assert.same({ "m1", "m2" }, failed {
        of_group("g", "m1", UNKNOWN),
        of_group("g", "m2", UNKNOWN),
      })
      local puts = 0
      for _, request in ipairs(cloud.requests()) do
        if request.operation == "PutObject" then puts = puts + 1 end
      end

      assert.equal(1, puts)
    end)

    it("has no such order in the groups of a standard queue", function()
      settings.dead_letter_bucket = nil
      assert.same({ "m1" }, failed {
        of_group("g", "m1", "{", "files"),
        of_group("g", "m2", created "a", "files"),
      })
      assert.same({ "a" }, keys_started())
    end)

    it("names the message of the queue, whatever is inside of its body", function()
      settings.dead_letter_bucket = nil
      assert.same({ "m1" }, failed { of_group("g", "m1", message("forged", "{")) })
    end)
  end)

  it("says why a letter stays, or that it is none", function()
    workflow.fine(map { source = "aws.s3", ["detail-type"] = "Object Created" })
    assert(s3:put_object { Bucket = "bucket", Key = "dead/note.txt", Body = "not a letter" })
    local result = workflow.fine(map { redrive = true })
    assert.same({ 0, 2 }, { result.redriven, result.remaining })
    assert.matches("the event has no object key", result.failures[1].reason, 1, true)
    assert.same({ key = "dead/note.txt", code = "InvalidLetter",
      reason = "the object is no dead letter" }, result.failures[2])
  end)

  it("is a failure of all when there is nobody to ask", function()
    workflow.fails("NoPolicySet", map(created "a", false))
    assert.same({}, letters())
  end)

  it("takes events of its bucket only, when it is told", function()
    settings.bucket = "elsewhere"
    assert.matches("of another bucket", workflow.fine(map(created "a")).dead_letters[1].reason, 1,
      true)
  end)

  describe("with a schema that the policy does not know", function()
    local folder

    setup(function()
      folder = files.directory()
      files.shell(("cp -r policies/. %s"):format(files.quote(folder)))
      local text = files.read("policies/mapping.lua")
      local edit, line = files.read("docs/events.md")
        :match("```lua\n(%-%- native.-)```.-```lua\n(.-)```")
      text = text:gsub("local FINISHED", function() return edit .. "\nlocal FINISHED" end, 1)
      local places
      text, places = text:gsub("    local records = ", function(rest) return line .. rest end)
      assert.equal(1, places)
      files.write(folder .. "/mapping.lua", text)
    end)

    teardown(function() files.remove(folder) end)

    local DAY = "tests/recordings/native-day.jsonl"

    local function day()
      local list = {}
      for line in io.lines(DAY) do list[#list + 1] = json.decode(line).facts.event end
      return list
    end

    it("needs an edit of the policy and nothing else: what was kept becomes jobs", function()
      local list = day()
      local before = workflow.fine(map(json.array(list)))
      local kept = #letters()
      assert.is_true(kept >= 20 and #before.dead_letters > kept) -- some came twice
      local refused = workflow.fine(map { redrive = true })
      assert.same({ 0, kept, 20 }, { refused.redriven, refused.remaining, #refused.failures })
      for _, failure in ipairs(refused.failures) do
        assert.equal("UnknownEvent", failure.code)
        assert.matches("^dead/%x+%.json$", failure.key)
        assert.matches("^no work comes of ", failure.reason)
      end

      local edited = assert(policy_set.load(folder))
      cloud.reset()
      local redriven = workflow.fine(map({ redrive = true }, edited))
      assert.same({ kept, 0, kept }, { redriven.redriven, redriven.remaining, #started() })
      assert.same({}, letters())
      local keys = {}
      for _, job in ipairs(started()) do keys[job.idempotency_key] = true end
      for _, job in ipairs(workflow.fine(map(json.array(list), edited)).jobs) do
        assert.equal(job.source == "native", keys[job.idempotency_key] or false,
          job.idempotency_key)
      end
    end)

    it("replays the recorded day with and without the edit", function()
      local before = run { "replay", DAY, "-p", "policies" }
      assert.equal(0, before.status, before.stderr)
      local after = run { "replay", DAY, "-p", folder, "--json" }
      assert.equal(1, after.status, after.stderr)
      assert.matches("unknown", after.stdout .. after.stderr)
    end)
  end)
end)
