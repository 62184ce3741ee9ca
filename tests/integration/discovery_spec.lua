-- Handler discovery on S3: what it lists, what it remembers, and that a job is the same by either
-- way.
local content = require "support.job_content"
local files = require "support.files"
local handlers = require "weir.handlers"
local json = require "weir.json"
local memory_s3 = require "support.memory_s3"
local policy_set = require "weir.policy_set"
local workflow = require "support.workflow"

local cloud = workflow.cloud
local set = assert(policy_set.load("policies"))
local s3 = cloud.client "s3"

-- Every sort of key that S3 allows and s3rver, which keeps files, can hold.
local KEYS = { "in/plain.csv", "in/a b.csv", "in/a+b.csv", "in/a%20b.csv", "in/100%.csv",
  "in/\u{e9}.csv",
  "in/e\u{301}.csv", "in/\u{1F680}.csv", "in/a-b.csv", "in/a/b.csv", "in/a&b=c?.csv",
    "in/'quo\"te'.csv",
  "in/x/y/z.csv", "in/tab\tname.csv", "in/" .. ("long/"):rep(40) .. "k.csv" }

describe("discovery", function()
  local settings

  local function invoke(name, event)
    local live = cloud.effects(function() return settings end)
    return handlers.run(handlers.find(name), event, set, live)
  end

  local function discover(event) return workflow.fine(invoke("discovery", event or {})) end

  local function put(key, text)
    return assert(s3:put_object { Bucket = "bucket", Key = key, Body = text or key }).ETag
  end

  local function read(key)
    local object = s3:get_object { Bucket = "bucket", Key = key }
    return object and object.Body
  end

  local function jobs_of(answer)
    local jobs = {}
    for number = 1, answer.parts do
      local text = read(("%spart-%06d.jsonl"):format(answer.manifest_key:match("^(.*/)"), number))
      for line in text:gmatch("[^\n]+") do jobs[#jobs + 1] = json.decode(line) end
    end

    return jobs
  end

  local function remove(prefix)
    repeat
      local page = assert(s3:list_objects_v2 { Bucket = "bucket", Prefix = prefix })
      for _, object in ipairs(page.Contents) do
        s3:delete_object { Bucket = "bucket", Key = object.Key }
      end
    until #page.Contents == 0
  end

  before_each(function()
    workflow.reset()
    remove "in/"
    remove "weir/"
    cloud.reset()
    settings = { bucket = "bucket", output_bucket = "bucket", prefix = "in/" }
  end)

  it("writes what is new once, and again what keeps its name and changes", function()
    put "in/a.csv"
    put "in/b.csv"
    local first = discover()
    assert.same({ true, 2, 2, 0, true },
      { first.done, first.total_objects, first.new, first.changed, first.everything })
    assert.same({ 16, 8 }, { first.total_bytes, first.largest_bytes })

    local second = discover()
    assert.same({ 0, 2, false }, { second.total_objects, second.listed, second.everything })
    put("in/b.csv", "as long.")
    put "in/c.csv"
    local third = discover()
    assert.same({ 2, 1, 1 }, { third.total_objects, third.new, third.changed })
    local jobs = jobs_of(third)
    assert.same({ "in/b.csv", "in/c.csv" }, { jobs[1].key, jobs[2].key })
  end)

  it("takes prefix and suffix from the event first, and both count", function()
    put "in/a.JPG"
    put "in/a.jpg"
    put "in/a.txt"
    put "other.jpg"
    local answer = discover { prefix = "in/", suffix = ".jpg, .png", checkpoint = false }
    assert.same({ 1, "in/a.jpg" }, { answer.total_objects, jobs_of(answer)[1].key })
  end)

  it("does not take a list with no suffix in it for a wish for all", function()
    put "in/a.jpg"
    assert.equal("InvalidSuffix", invoke("discovery", { suffix = " , " }).error.code)
    settings.suffix = ","
    assert.equal("InvalidSuffix", invoke("discovery", {}).error.code)
    assert.equal(1, discover({ suffix = "" }).total_objects)
  end)

  it("lists by an access point's alias in the role that is configured, with its external id",
    function()
    settings.bucket, settings.prefix = "point-111122223333", ""
    settings.storage_role_arn, settings.external_id =
      "arn:aws:iam::444455556666:role/needs-external-id", "partner-7"
    assert.equal(0, discover().listed)
    local asked = {}
    for _, request in ipairs(cloud.requests()) do asked[request.operation] = request end
    assert.equal("partner-7", asked.AssumeRole.input.ExternalId)
    assert.is_true(asked.ListObjectsV2.token)
    assert.is_false(asked.PutObject.token)

    settings.external_id = "another"
    assert.equal("AccessDenied", invoke("discovery", {}).error.code)
  end)

  it("tries again what is throttled, and fails for what is not there", function()
    put "in/a.csv"
    cloud.reset()
    cloud.faults({ kind = "status", status = 503, headers = {},
      body = "<Error><Code>SlowDown</Code><Message>slow</Message></Error>" })
    assert.equal(1, discover().total_objects)
    settings.bucket = "nobody-has-this"
    assert.equal("NoSuchBucket", invoke("discovery", {}).error.code)
  end)

  it("makes of every key the job that the event makes", function()
    local etags = {}
    for _, key in ipairs(KEYS) do etags[key] = put(key):gsub('"', "") end
    local jobs = jobs_of(discover())
    assert.equal(#KEYS, #jobs)
    for _, listed in ipairs(jobs) do
      local event = { source = "aws.s3", ["detail-type"] = "Object Created",
        time = "2026-11-20T09:00:01Z",
        detail = { bucket = { name = "bucket" }, reason = "PutObject",
          object = { key = listed.key, size = #listed.key, etag = etags[listed.key],
            sequencer = "0A" } } }
      local arrived = workflow.fine(invoke("event_map", event)).jobs[1]
      assert.equal(content(arrived), content(listed))
    end
  end)

  it("never lists what it writes itself", function()
    put "in/a.csv"
    local first = discover { prefix = "" }
    assert.is_true(first.listed >= 1)
    local second = discover { prefix = "" }
    assert.same({ first.listed, 0 }, { second.listed, second.new })
  end)

  it("answers a retry of the run as it answered the run", function()
    put "in/a.csv"
    local first = discover { run = "execution-1" }
    assert.same(first, discover { run = "execution-1" })
    assert.equal(0, discover({ run = "execution-2" }).total_objects)
  end)

  describe("for executions that work through its manifests", function()
    local MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:polling"
    local FIRST, SECOND = MACHINE:gsub("stateMachine", "execution") .. ":first",
      MACHINE:gsub("stateMachine", "execution") .. ":second"

    before_each(function() settings.trigger_mode = "polling" end)

    local function ends(name, how)
      cloud.control("POST", "machines", { { arn = MACHINE, ended = { [name] = how } } })
    end

    it("goes on with the listing of one that died, and leaves it to one that runs", function()
      for _, name in ipairs { "a", "b", "c" } do put("in/" .. name) end
      local answer = discover { execution = FIRST, page_size = 1, max_pages = 2 }
      assert.same({ false, 2 }, { answer.done, answer.listed })

      ends("first", { status = "RUNNING" })
      answer = discover { execution = SECOND }
      assert.same({ true, true, FIRST, 0 },
        { answer.done, answer.busy, answer.execution, answer.total_objects })
      ends("first", { status = "TIMED_OUT" })
      answer = discover { execution = SECOND, run = "2" }
      assert.same({ 3, 3 }, { answer.listed, answer.total_objects })
      assert.equal(3, #jobs_of(answer))
    end)

    it("answers a retry the same, also of a manifest that was handed on", function()
      put "in/a"
      local answer = discover { execution = FIRST, run = "1" }
      assert.same(answer, discover { execution = FIRST, run = "1" })
      ends("first", { status = "ABORTED" })
      put "in/b"
      local again = discover { execution = SECOND, run = "2" }
      assert.is_true(again.again)
      assert.same({ answer.place, 1 }, { again.place, again.total_objects })
      assert.same(again, discover { execution = SECOND, run = "2" })

      ends("second", { status = "SUCCEEDED" })
      answer = discover { execution = FIRST, run = "3" }
      assert.same({ 1 }, { answer.total_objects, answer.again })
    end)

    it("writes a manifest of its own for each, though both begin with the same run", function()
      put "in/a"
      local first = discover { execution = FIRST }
      remove "weir/discovery/checkpoints/"
      local second = discover { execution = SECOND }
      assert.same({ 1, 1 }, { first.total_objects, second.total_objects })
      assert.are_not.equal(first.place, second.place)
      assert.equal(first.place .. "manifest.json", first.manifest_key)
    end)

    it("lists only where a listing's objects are processed as polling's own", function()
      put "in/a"
      for _, mode in ipairs { "events_first", "events" } do
        settings.trigger_mode = mode
        assert.same({ true, mode }, { discover({ execution = FIRST }).skipped,
          discover({ execution = FIRST }).trigger_mode })
      end

      settings.trigger_mode = "events_first"
      assert.equal(1, discover().total_objects)
    end)

    it("fails where Step Functions cannot be asked", function()
      put "in/a"
      discover { execution = FIRST }
      cloud.control("POST", "answers", { ["stepfunctions.DescribeExecution"] = { {
        status = 400,
        headers = {},
        body = '{"__type": "AccessDeniedException", "message": "not authorized"}',
      } } })
      local report = invoke("discovery", { execution = SECOND })
      assert.equal("AccessDeniedException", report.error and report.error.code)
    end)
  end)

  it("keeps what no job can be made of as a dead letter, and fails without a place for it",
    function()
    put "in/a.csv"
    local folder = files.directory { ["mapping.lua"] = [[return policy { kind = "mapping",
      decide = function() error("no luck") end }]] }
    local shipped = set
    set = assert(policy_set.load(folder))
    local report = invoke("discovery", { checkpoint = false })
    settings.dead_letter_bucket, settings.dead_letter_prefix = "bucket", "weir/dead/"
    local kept = invoke("discovery", { checkpoint = false })
    set = shipped
    files.remove(folder)

    assert.equal("PolicyError", report.error.code)
    assert.same({ 1, 0 }, { kept.result.dead_letters, kept.result.total_objects })
    assert.equal(1, #assert(s3:list_objects_v2 { Bucket = "bucket",
      Prefix = "weir/dead/" }).Contents)
  end)

  describe("with a checkpoint that is not as it left it", function()
    local state

    before_each(function()
      put "in/a.csv"
      local answer = discover()
      state = "weir/discovery/checkpoints/" .. answer.manifest_key:match("manifests/(%x+)%-")
        .. "/state.json"
      assert.truthy(read(state))
    end)

    local function fails(code, text)
      put(state, text)
      local report = invoke("discovery", {})
      assert.equal(code, report.error and report.error.code)
      assert.matches("state.json", report.error.message, 1, true)
    end

    it("fails by name: an older schema, half a file, another listing's", function()
      local text = read(state)
      fails("CheckpointVersion", (text:gsub("weir.checkpoint/1", "weir.checkpoint/0")))
      fails("CheckpointDamaged", text:sub(1, #text // 2))
      fails("CheckpointOfAnother", (text:gsub("s3://bucket/in/ ", "s3://bucket/out/ ")))
    end)

    it("fails by name where it is cut at any byte, or any member is of another type", function()
      local memory = memory_s3.new()
      memory.buckets.b["in/a.csv"] = { Body = "x", ETag = '"e"', LastModified = "2026-11-20" }
      local function discovered()
        return handlers.run(handlers.find "discovery", {}, set, memory:effects {
          settings = { bucket = "b", output_bucket = "out", dead_letter_bucket = "letters" },
        })
      end

      assert.is_nil(discovered().error)
      local place
      for key in pairs(memory.buckets.out) do -- any order: one of them is the state
        if key:find "state%.json$" then place = key end
      end

      local text = memory.buckets.out[place].Body
      local function refused(body)
        memory.buckets.out[place] = { Body = body, ETag = '"e"' }
        local report = discovered()
        assert.equal("CheckpointDamaged", report.error and report.error.code, body)
        assert.matches("delete it to see all as new", report.error.message, 1, true)
      end

      for size = 0, #text - 1 do refused(text:sub(1, size)) end
      for _, edit in ipairs {
        { "runs", -1 }, { "runs", "1" }, { "segments", "x" }, { "segments", { a = 1 } },
        { "segments", { 7 } }, { "segments", { { name = "n", first = "f", digest = "d" } } },
        { "progress", {} }, { "progress", 7 }, { "garbage", { 7 } }, { "last", "x" },
      } do
        local edited = json.decode(text)
        edited[edit[1]] = edit[2]
        refused(json.encode(edited))
      end
    end)

    it("fails when a segment is gone and needed, and sees all as new without a state", function()
      remove(state:gsub("state.json", "segments/"))
      assert.equal(0, discover().total_objects) -- nothing changed: it is not needed
      put "in/b.csv"
      assert.equal("CheckpointDamaged", invoke("discovery", {}).error.code)
      assert(s3:delete_object { Bucket = "bucket", Key = state })
      assert.equal(2, discover().total_objects)
    end)
  end)

  it("answers as the Python handler did where that is asked for", function()
    put "in/a.csv"
    put "in/b.txt"
    settings = { compatible_output = "true", bucket = "bucket", output_bucket = "bucket",
      prefix = "in/",
      suffix = ".csv" }
    for _ = 1, 2 do -- it keeps no checkpoint
      local answer = discover()
      assert.truthy(read(answer.manifest_key))
      assert.same({ manifest_key = answer.manifest_key, total_objects = 1 }, answer)
    end

    settings.trigger_mode = "events" -- nothing is listed
    assert.same({ manifest_key = json.null, total_objects = 0 }, discover())
  end)
end)

describe("a thousand objects", function()
  it("have the same jobs by discovery and by event_map, to the byte", function()
    local memory, events = memory_s3.new(), json.array {}
    for i = 1, 1000 do
      local key = ("%s/%d %s"):format(("dir"):rep(i % 40 + 1), i, KEYS[i % #KEYS + 1])
      memory.buckets.b[key] = { Body = ("x"):rep(i), ETag = ('"%032x"'):format(i),
        LastModified = "2026-11-20T09:00:01Z" }
      events[i] = { source = "aws.s3", ["detail-type"] = "Object Created",
        time = "2026-11-20T09:00:02Z", detail = {
        bucket = { name = "b" }, reason = "CopyObject",
        object = { key = key, size = i, etag = ("%032x"):format(i),
          sequencer = ("%016X"):format(i) } } }
    end

    local function contents(jobs)
      local texts = {}
      for i, each in ipairs(jobs) do texts[i] = content(each) end
      table.sort(texts)

      return texts
    end

    local settings = { bucket = "b", output_bucket = "out" }
    local found = handlers.run(handlers.find "discovery", {}, set,
      memory:effects { settings = settings })
    local text = memory.buckets.out[found.result.manifest_key:gsub("manifest.json",
      "part-000001.jsonl")].Body
    local listed = {}
    for line in text:gmatch("[^\n]+") do listed[#listed + 1] = json.decode(line) end
    local arrived = handlers.run(handlers.find "event_map", events, set, memory:effects())
    assert.equal(1000, #listed)
    assert.same(contents(arrived.result.jobs), contents(listed))
  end)
end)
