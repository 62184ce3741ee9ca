-- Keys of every kind that S3 allows, through discovery and through event_map in each form that
-- events have: the same job, or the same refusal that somebody sees. S3 is in memory: s3rver keeps
-- files, whose names have 255 bytes.
local content = require "support.job_content"
local files = require "support.files"
local handlers = require "weir.handlers"
local json = require "weir.json"
local memory_s3 = require "support.memory_s3"
local policy_set = require "weir.policy_set"
local starter = require "weir.starter.policies"

local set = assert(policy_set.load "policies")

local SETTINGS = { bucket = "b", output_bucket = "out", dead_letter_bucket = "letters" }
local ETAG = ("0123456789abcdef"):rep(2)

local function url_encoded(key)
  return (key:gsub("[^%w%-._~/ ]", function(c) return ("%%%02X"):format(c:byte()) end)
    :gsub(" ", "+"))
end

-- Each form in which one object is announced.
local FORMS = {
  eventbridge = function(key)
    return {
      source = "aws.s3",
      ["detail-type"] = "Object Created",
      time = "2026-11-20T09:00:02Z",
      detail = { bucket = { name = "b" }, object = { key = key, size = 1, etag = ETAG } },
    }
  end,
  notification = function(key)
    return { Records = { {
      eventSource = "aws:s3",
      eventName = "ObjectCreated:Put",
      s3 = { bucket = { name = "b" }, object = { key = url_encoded(key), size = 1, eTag = ETAG } },
    } } }
  end,
  listing = function(key)
    return { bucket = "b", Contents = { { Key = key, Size = 1, ETag = '"' .. ETAG .. '"' } } }
  end,
}

-- Messages of SQS, as EventBridge Pipes hands them on.
function FORMS.pipe(key)
  local body = json.encode(FORMS.eventbridge(key))
  return json.array { { eventSource = "aws:sqs", messageId = "m", body = body } }
end

local function map(event)
  local memory = memory_s3.new()
  -- As Lambda brings it: JSON, read with its secrets.
  local given = assert(json.decode(json.encode(event), { secrets = true }))
  local report = handlers.run(handlers.find "event_map", given, set,
    memory:effects { settings = SETTINGS })
  assert.is_nil(report.error and report.error.message)

  return report.result, memory
end

local function discover(keys)
  local memory = memory_s3.new()
  for _, key in ipairs(keys) do
    memory.buckets.b[key] = {
      Body = "x",
      ETag = '"' .. ETAG .. '"',
      LastModified = "2026-11-20T09:00:01Z",
    }
  end

  local report = handlers.run(handlers.find "discovery", {}, set,
    memory:effects { settings = SETTINGS })
  assert.is_nil(report.error and report.error.message)

  local jobs = {}
  for number = 1, report.result.parts do
    local part =
      report.result.manifest_key:gsub("manifest.json", ("part-%06d.jsonl"):format(number))
    for line in memory.buckets.out[part].Body:gmatch("[^\n]+") do
      local listed = json.decode(line)
      jobs[listed.key] = listed
    end
  end

  return jobs, memory, report.result
end

local function letters_of(memory)
  local reasons = {}
  for _, object in pairs(memory.buckets.letters) do -- any order: sorted below
    reasons[#reasons + 1] = json.decode(object.Body).reason
  end

  table.sort(reasons)

  return reasons
end

local function assert_one_job_each_way(keys)
  local listed = discover(keys)
  for _, key in ipairs(keys) do
    assert.is_table(listed[key], key)
    for form, event_of in pairs(FORMS) do
      local arrived = map(event_of(key)).jobs
      assert.equal(1, #arrived, form .. " " .. key)
      assert.equal(key, arrived[1].key, form)
      assert.equal(content(listed[key]), content(arrived[1]), form)
      assert.equal(listed[key].idempotency_key, arrived[1].idempotency_key, form)
    end
  end
end

describe("a key makes the same job whichever way it comes:", function()
  it("with every byte of ASCII", function()
    local keys = {}
    for byte = 1, 127 do
      keys[byte] = ("in/%d %sx.csv"):format(byte, byte == 47 and "_" or string.char(byte))
    end

    assert_one_job_each_way(keys)
  end)

  it("with plus, percent, a leading slash, and Unicode in both normal forms", function()
    assert_one_job_each_way {
      "/in/a.csv", "//a.csv", "in//a.csv", "in/a..b.csv", "in/a+b c%20d.csv", "in/100%.csv",
      "in/%2F.csv", "in/\u{e9}.csv", "in/e\u{301}.csv", "in/\u{1F680}.csv", "in/\u{FFFD}.csv",
      "in/\u{10FFFF}.csv", "in/\\\"'.csv", "in/{}[]<>.csv", "in/a\u{2028}b.csv",
    }
  end)

  it("with segments of one or two dots, which are names like any other", function()
    assert_one_job_each_way {
      "../a.csv", "in/../a.csv", "./a.csv", "in/./a.csv", "in/..", "in/a/..//b.csv", "..",
    }
  end)

  it("of 1,024 bytes", function()
    assert_one_job_each_way {
      "in/" .. ("x"):rep(1017) .. ".csv",
      "in/" .. ("\u{1F680}"):rep(254) .. "y.csv",
      ("long/"):rep(204) .. "ab.c",
    }
  end)

  it("also when it is a run of base64 as long as a task token", function()
    assert_one_job_each_way {
      "in/" .. ("aB3"):rep(100) .. ".csv",
      ("b7Xq_-9Kd2"):rep(26),
      ("Zr+8/qLw0N"):rep(60) .. "==.csv",
      "in/" .. ("aGVsbG8gd29ybGQ"):rep(20) .. "/x.csv",
    }
  end)
end)

describe("a hidden file", function()
  it("makes no job, whichever way it comes", function()
    local keys = {
      ".hidden", "in/.snapshot/a.csv", "in/../.a.csv", "in/~$a.docx", "in/...", "...x",
    }
    local listed, _, answer = discover(keys)
    assert.same({}, listed)
    assert.equal(#keys, answer.ignored)
    for _, key in ipairs(keys) do
      for form, event_of in pairs(FORMS) do
        assert.equal(1, map(event_of(key)).ignored, form .. " " .. key)
      end
    end
  end)
end)

describe("an object of a listing that the policy does not know", function()
  teardown(files.remove_all)

  it("becomes a dead letter, or fails the run: it does not count as seen and without work",
    function()
    local folder = files.directory { ["mapping.lua"] = starter.mapping }
    local unknowing, memory = assert(policy_set.load(folder)), memory_s3.new()
    memory.buckets.b["in/a.csv"] =
      { Body = "x", ETag = '"e"', LastModified = "2026-11-20T09:00:01Z" }

    local function run_with(settings)
      return handlers.run(handlers.find "discovery", {}, unknowing,
        memory:effects { settings = settings })
    end

    local failed = run_with { bucket = "b", output_bucket = "out" }
    assert.equal("UnknownEvent", failed.error.code)

    local result = run_with(SETTINGS).result
    assert.same({ 0, 0, 1 }, { result.total_objects, result.ignored, result.dead_letters })
    assert.equal(1, #letters_of(memory))
  end)
end)

describe("a key that is refused", function()
  it("because it is not UTF-8 becomes a dead letter, whichever way it comes", function()
    for _, key in ipairs { "in/\xff.csv", "in/\xc3.csv", "in/\xed\xa0\x80.csv" } do
      local jobs, memory, answer = discover { key, "in/fine.csv" }
      assert.is_table(jobs["in/fine.csv"])
      assert.same({ 1, 1 }, { answer.total_objects, answer.dead_letters })
      assert.same({ "the key is not valid UTF-8" }, letters_of(memory))

      local result, kept = map(FORMS.notification(key))
      assert.same({ 0, 1 }, { #result.jobs, #result.dead_letters })
      assert.matches("the object key is not valid UTF-8", letters_of(kept)[1], 1, true)
    end
  end)

  it("because it is not UTF-8 is refused again when its letter is mapped again", function()
    local _, memory = discover { "in/a+b \xff.csv" }
    local effects = memory:effects { settings = {
      bucket = "b",
      dead_letter_bucket = "letters",
      state_machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:none-is-started",
    } }
    local report = handlers.run(handlers.find "event_map", { redrive = true }, set, effects)
    local result = report.result
    assert.same({ 0, 1, 1 }, { result.redriven, result.remaining, #result.failures })
    assert.matches("the object key is not valid UTF-8", result.failures[1].reason, 1, true)
    for _, object in pairs(memory.buckets.letters) do -- any order: there is one
      local event = json.decode(object.Body).event
      assert.same({ "in/a%2Bb %FF.csv", "url" }, { event.object.Key, event.encoding })
    end
  end)

  it("because the body of its message is not JSON becomes a dead letter, beside the good one",
    function()
    local good = FORMS.pipe("in/a.csv")[1]
    local bad = { eventSource = "aws:sqs", messageId = "n",
      body = json.encode(FORMS.eventbridge "in/z.csv"):gsub("z%.csv", "\\xff.csv") }
    local result, memory = map(json.array { good, bad })
    assert.same({ 1, 1 }, { #result.jobs, #result.dead_letters })
    assert.matches("the body of the SQS message is not JSON", letters_of(memory)[1], 1, true)
  end)

  it("because it begins as task tokens do becomes a dead letter that does not show it", function()
    local token = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
    for form, event_of in pairs(FORMS) do
      local result, memory = map(event_of("in/" .. token))
      assert.same({ 0, 1 }, { #result.jobs, #result.dead_letters }, form)
      for _, object in pairs(memory.buckets.letters) do
        assert.is_nil(object.Body:find("first/token", 1, true), form)
      end
    end

    local jobs, memory = discover { "in/" .. token }
    assert.same({}, jobs)
    assert.equal(1, #letters_of(memory))
  end)
end)
