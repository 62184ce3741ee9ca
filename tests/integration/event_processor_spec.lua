-- Handler event_processor on real parts: what it reads, writes and claims, and what it makes of bad
-- objects.
local json = require "weir.json"
local pictures = require "support.pictures"
local run = require "support.run"
local workflow = require "support.workflow"

local cloud = pictures.cloud
local fine, fails, metric = workflow.fine, workflow.fails, workflow.metric

local function document(key)
  return assert(json.decode(assert(pictures.s3:get_object { Bucket = "bucket", Key = key }).Body))
end

describe("event_processor", function()
  before_each(function() pictures.reset() end)

  it("labels, describes and judges a picture, and writes two documents", function()
    local etag = pictures.put("in/cup.png", "2")
    cloud.reset()
    local report = pictures.process(pictures.job "in/cup.png")
    local result = fine(report)
    assert.same({ "HeadObject", "PutItem", "GetObject", "DetectLabels", "Converse", "GetItem",
      "PutObject", "PutObject",
      "PutItem" }, pictures.operations())

    local tags, metadata = document(result.documents.tags), document(result.documents.metadata)
    assert.equal(("results/events/tags/in/cup.png/%s.json"):format(etag), result.documents.tags)
    assert.same({ "SUCCESS", "in/cup.png", tags.labels[1].confidence },
      { tags.status, tags.key, tags.confidence })
    assert.same({ "model", tags.labels[1].name, "SUCCESS" },
      { metadata.written_by, metadata.category, metadata.status })
    assert.same({ 1, { Status = "SUCCESS", TriggerMode = "events_first" } }, {
      metric(report, "ObjectsProcessed")
    })
  end)

  it("says beside the content, not in it, when and how it came", function()
    pictures.put("a.png")
    local job = pictures.job("a.png", { delivered_at = "2026-11-23T12:00:01.5Z" })
    cloud.reset()
    local result = fine(pictures.process(job))
    local stages = result.stages
    for _, request in ipairs(cloud.requests()) do
      if request.operation == "PutObject" then
        assert.same({ "events_first", "events", "1795435201500", tostring(stages.started) },
          { request.headers["x-amz-meta-trigger-mode"], request.headers["x-amz-meta-way"],
            request.headers["x-amz-meta-delivered-ms"], request.headers["x-amz-meta-started-ms"] })
      end
    end

    assert.equal(1795435201500, stages.delivered)
    assert.is_true(stages.written <= stages.started and stages.started <= stages.decided
      and stages.decided <= stages.processed)
    for _, key in pairs(result.documents) do
      local text = assert(pictures.s3:get_object { Bucket = "bucket", Key = key }).Body
      for _, word in ipairs { "eventbridge", "events_first", tostring(stages.started), "2026" } do
        assert.is_nil(text:find(word, 1, true), word)
      end
    end
  end)

  it("has a person look where the surest label is below the threshold of the policy, or of the "
    .. "setting", function()
    pictures.put("blank.png", "blank")
    local report = fine(pictures.process(pictures.job "blank.png"))
    assert.same({ "MANUAL_REVIEW", json.null }, { report.status, report.max_confidence })

    pictures.put("sure.png", "2")
    pictures.settings.confidence_threshold = "100"
    assert.equal("MANUAL_REVIEW", fine(pictures.process(pictures.job "sure.png")).status)
    pictures.settings.confidence_threshold = "much"
    pictures.put("other.png", "2")
    fails("InvalidSetting", pictures.process(pictures.job "other.png"))
  end)

  it("does a state once, and answers with the result after that", function()
    pictures.put("a.png")
    local first = fine(pictures.process(pictures.job "a.png"))
    local outputs = pictures.outputs "results/"
    cloud.reset()
    local report = pictures.process(pictures.job("a.png",
      { source = "listing", time = "2026-11-23T12:00:00Z" }))
    assert.is_true(fine(report).duplicate)
    assert.same(first.documents, report.result.documents)
    assert.equal(1, metric(report, "DuplicatesAvoided"))
    -- DynamoDB shows the record that is in the way; dynalite has to be asked for it.
    assert.same({ "HeadObject", "PutItem", "GetItem", "PutItem" }, pictures.operations())
    assert.same(outputs, pictures.outputs "results/")
  end)

  it("gives every key documents of its own", function()
    local keys = { "a", "a/b", "a//b", "/a", "a.", "..", "../a", "a b", "a+b", "a%20b", "a%2Fb",
      "é", "e\u{301}", "日本",
      "A", "a.json", ("k"):rep(1024), ("k"):rep(1023) .. "l", "a\\b", "a\tb" }
    local output = require "weir.processing.output"
    local seen = {}
    for _, key in ipairs(keys) do
      for _, etag in ipairs { "e1", "e1-2" } do
        for _, name in ipairs { "tags", "metadata" } do
          local place = output.key("results/events/", name, { key = key, etag = etag }, {})
          assert.is_nil(seen[place], place)
          assert.is_true(#place <= 1024)
          seen[place] = key
        end
      end
    end

    assert.equal("p/tags/%/a%2520b/%2E%2E/x/e.json",
      output.key("p/", "tags", { key = "/a%20b/../x", etag = "e" }, {}))
  end)

  it("works on keys with every character", function()
    for _, key in ipairs { "a b+c%20&=?#.png", "é.png", "e\u{301}.png", "日本/a.png",
      ("k"):rep(200) .. "/" .. ("l"):rep(200) } do
      pictures.put(key)
      local result = fine(pictures.process(pictures.job(key)))
      assert.equal(key, document(result.documents.tags).key)
    end
  end)

  it("takes an EventBridge event through the mapping policy", function()
    pictures.put("in/a.png")
    local event = { source = "aws.s3", ["detail-type"] = "Object Created",
      time = "2026-11-23T12:00:00Z",
      detail = { bucket = { name = "bucket" },
        object = { key = "in/a.png", size = 16, sequencer = "01" } } }
    assert.equal("in/a.png", fine(pictures.process(event)).key)
    event.detail.object.key = "in/.hidden"
    assert.equal("IGNORED", fine(pictures.process(event)).status)
    fails("UnknownEvent", pictures.process { source = "aws.tomorrow", detail = { file = "x" } })
    fails("InvalidEvent", pictures.process { work = "object", bucket = "bucket" })
    fails("InvalidEvent", pictures.process { job = pictures.job "in/a.png",
      delivered_at = "yesterday" })
  end)

  it("refuses what is not a picture for good: the next delivery fails without asking anybody",
    function()
    local cases = { { "a.gif", "", "GIF89a", "UnsupportedImage" },
      { "big.png", ("x"):rep(15 * 1024 * 1024), pictures.PNG, "ImageTooLarge" } }
    for _, case in ipairs(cases) do
      local key, tail, head, code = table.unpack(case)
      pictures.put(key, tail, head)
      local job = pictures.job(key)
      fails(code, pictures.process(job))
      cloud.reset()
      local message = fails(code, pictures.process(job))
      assert.truthy(message:find(key, 1, true))
      assert.same({ "PutItem", "GetItem", "PutItem" }, pictures.operations())
    end

    pictures.put("empty.png", "", "")
    fails("EmptyObject", pictures.process(pictures.job "empty.png"))
  end)

  it("does not take a file that was empty when it was created for an empty one", function()
    pictures.put("grown.png")
    local created = { work = "object", bucket = "bucket", key = "grown.png", source = "fpolicy",
      size = 0, time = "2026-11-23T12:00:00Z" }
    assert.equal("SUCCESS", fine(pictures.process(created)).status)
  end)

  it("has Rekognition read a picture of more than 5 MiB itself, and never one of an access point",
    function()
    pictures.put("large.png", ("x"):rep(6 * 1024 * 1024))
    local large = pictures.job "large.png"
    cloud.reset()
    fine(pictures.process(large))
    for _, request in ipairs(cloud.requests()) do
      if request.operation == "DetectLabels" then
        assert.same({ S3Object = { Bucket = "bucket", Name = "large.png" } }, request.input.Image)
      end
    end

    local arn = "arn:aws:s3:eu-west-1:111122223333:accesspoint/point"
    local body = pictures.PNG .. ("x"):rep(6 * 1024 * 1024)
    assert(pictures.s3:put_object { Bucket = arn, Key = "large.png", Body = body })
    fails("ImageTooLarge", pictures.process { work = "object", bucket = arn, key = "large.png",
      source = "event" })
    assert(pictures.s3:put_object { Bucket = arn, Key = "small.png", Body = pictures.PNG
      .. "small" })
    assert.equal("small.png", fine(pictures.process { work = "object", bucket = arn,
      key = "small.png" }).key)
  end)

  it("leaves a state that is gone to its own job, and an object that is gone alone", function()
    pictures.put("a.png", "1")
    local old = pictures.job "a.png"
    local now = pictures.put("a.png", "2")
    assert.same({ status = "SUPERSEDED", key = "a.png", etag = old.etag, by = now },
      fine(pictures.process(old)))
    assert.equal("SUCCESS", fine(pictures.process(pictures.job "a.png")).status)

    local vanished = pictures.job "a.png"
    pictures.put("c.png")
    cloud.faults({ kind = "pass" }, { kind = "pass" },
      { kind = "status", status = 416, headers = {},
      body = "<Error><Code>InvalidRange</Code></Error>" })
    fails("ObjectChanged", pictures.process(pictures.job "c.png"))

    pictures.put("b.png")
    local other = pictures.job "b.png"
    assert(pictures.s3:delete_object { Bucket = "bucket", Key = "b.png" })
    assert.equal("VANISHED", fine(pictures.process(other)).status)
    other.etag, other.size = nil, nil
    assert.equal("VANISHED", fine(pictures.process(other)).status)
    pictures.put("b.png")
    assert.is_nil(fine(pictures.process(pictures.job "b.png")).duplicate)
    assert.is_true(fine(pictures.process(vanished)).duplicate)
  end)

  it("does not read an object of 5 GB, whatever its event says", function()
    local world = require("support.processing_world").new()
    local perform = world.perform
    world.put("in/huge.png", "the first bytes")
    world.perform = function(self, request)
      local answer, message, code, details = perform(self, request)
      if request.operation == "GetObject" then
        assert.equal("bytes=0-5242879", request.input.Range)
        answer.ContentRange = "bytes 0-5242879/5368709120"
      end

      return answer, message, code, details
    end

    local message = fails("ImageTooLarge",
      world.deliver("event_processor", world.event "in/huge.png"))
    assert.truthy(message:find("in/huge.png has 5368709120 bytes, an image may have 15728640", 1,
      true), message)
  end)

  it("goes on after throttling in the middle, and gives the claim back when that lasts", function()
    pictures.put("a.png")
    local job = pictures.job "a.png"
    local slow = {
      kind = "status",
      status = 503,
      headers = {},
      body = "<Error><Code>SlowDown</Code></Error>",
    }

    cloud.faults({ kind = "pass" }, slow)
    assert.equal(1, fine(pictures.process(job)).attempts)

    pictures.put("b.png")
    job = pictures.job "b.png"
    cloud.faults({ kind = "pass" }, slow, slow, slow)
    fails("SlowDown", pictures.process(job))
    assert.equal("released", pictures.claims()["bucket/b.png"].ways.events.status)
    assert.equal(2, fine(pictures.process(job)).attempts)
  end)

  it("fails for a bucket that is not there, and claims nothing for good", function()
    pictures.settings.source_bucket = false
    local job = {
      work = "object",
      bucket = "elsewhere",
      key = "a.png",
      etag = "e",
      size = 1,
      source = "eventbridge",
    }

    fails("NoSuchBucket", pictures.process(job))
    assert.equal("released", pictures.claims()["elsewhere/a.png"].ways.events.status)
  end)

  it("does not fail for a large picture that is deleted while Rekognition reads it: it vanished",
    function()
    pictures.put("large.png", ("x"):rep(6 * 1024 * 1024))
    local job = pictures.job "large.png"
    cloud.answers { ["rekognition.DetectLabels"] = { {
      status = 400,
      headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
      body = '{"__type":"InvalidS3ObjectException","message":"Unable to get object metadata"}',
    } } }
    fails("InvalidS3ObjectException", pictures.process(job)) -- it is there: a missing right

    local live = pictures.effects()
    local read = live.read
    function live.read(self, request)
      if request.operation ~= "DetectLabels" then return read(self, request) end
      assert(pictures.s3:delete_object { Bucket = "bucket", Key = "large.png" })
      return nil, "Unable to get object metadata", "InvalidS3ObjectException"
    end

    fails("ObjectChanged", pictures.process(job, { read = live.read }))
    assert.equal("VANISHED", fine(pictures.process(job)).status)
  end)

  it("takes a threshold as any number from 0 to 100 that is written in tens", function()
    for text, status in pairs { ["70"] = true, ["70.0"] = true, ["7e1"] = true, ["0"] = true,
      ["100.0"] = true, ["nan"] = false, ["inf"] = false, ["-nan"] = false, ["0x46"] = false,
      ["-1"] = false, ["100.01"] = false, ["70%"] = false, ["7O"] = false, ["70,0"] = false } do
      pictures.reset { confidence_threshold = text }
      pictures.put("a.png", "2")
      local report = pictures.process(pictures.job "a.png")
      if status then fine(report) else fails("InvalidSetting", report) end
    end
  end)

  it("knows a picture by its bytes, whatever its key says, to the byte of the limits", function()
    local most = 5 * 1024 * 1024
    for key, case in pairs {
      ["png.jpg"] = { pictures.PNG, 8, "Bytes" },
      ["UPPER.JPG"] = { pictures.JPEG, 8, "Bytes" },
      ["progressive.jpeg"] = { "\255\216\255\226", 8, "Bytes" },
      ["no suffix"] = { pictures.PNG, 8, "Bytes" },
      ["most.png"] = { pictures.PNG, most, "Bytes" },
      ["more.png"] = { pictures.PNG, most + 1, "S3Object" },
    } do
      pictures.put(key, ("x"):rep(case[2] - #case[1]), case[1])
      local job = pictures.job(key)
      cloud.reset()
      fine(pictures.process(job))
      for _, request in ipairs(cloud.requests()) do
        if request.operation == "DetectLabels" then
          assert.is_truthy(request.input.Image[case[3]], key)
        end
      end
    end
  end)

  it("refuses an object of another bucket than it works for, and touches nothing", function()
    pictures.put("a.png")
    local function of(bucket) return pictures.job("a.png", { bucket = bucket }) end

    local event = { source = "aws.s3", ["detail-type"] = "Object Created",
      detail = { bucket = { name = "elsewhere" }, object = { key = "a.png", size = 9 } } }
    for _, given in ipairs { of "elsewhere", { job = of "Bucket" }, event } do
      cloud.reset()
      local message = fails("WrongBucket", pictures.process(given))
      assert.truthy(message:find("this function works for bucket", 1, true), message)
      assert.same({}, pictures.operations())
    end

    local point = "arn:aws:s3:eu-west-1:111122223333:accesspoint/"
    pictures.settings.source_bucket = point .. "own"
    fails("WrongBucket", pictures.process(of(point .. "other")))
    assert.equal("SUCCESS", fine(pictures.process(of "bucket")).status)
    pictures.settings.source_bucket = "own-metadata-ext-s3alias"
    fails("WrongBucket", pictures.process(of "other-metadata-ext-s3alias"))
  end)

  it("waits for who is at it, and takes over what a dead one left", function()
    pictures.put("a.png")
    pictures.settings.claim_lease_seconds = "60"
    local job, now = pictures.job "a.png", os.time()
    cloud.answers { ["rekognition.DetectLabels"] = { { status = 500, body = "{}" },
      { status = 500, body = "{}" },
      { status = 500, body = "{}" } } }
    assert.is_table(pictures.process(job).error)
    fine(pictures.process(job)) -- released: no wait

    pictures.put("b.png")
    job = pictures.job "b.png"
    local claims = require("weir.events.claims").new(pictures.effects(),
      { table = pictures.TABLE, way = "events",
      mode = "events_first", lease_seconds = 60 })
    assert(claims:take(job))
    assert.truthy(fails("ClaimBusy", pictures.process(job)):find("b.png", 1, true))
    local result = fine(pictures.process(job, { now = function() return now + 61 + 5 end }))
    assert.equal(2, result.attempts)
  end)
end)

describe("the description", function()
  before_each(function()
    pictures.reset()
    pictures.put("a.png")
  end)

  local function described(settings)
    for name, value in pairs(settings) do pictures.settings[name] = value end
    local report = pictures.process(pictures.job "a.png")
    return document(fine(report).documents.metadata), report
  end

  it("is asked for in the form of each family of models", function()
    local first
    for _, api in ipairs { "converse", "nova", "anthropic", "titan", "llama" } do
      pictures.reset()
      pictures.put("a.png")
      local entry = described { bedrock_api = api }
      first = first or entry
      assert.same(first, entry, api)
      assert.equal("model", entry.written_by)
    end
  end)

  it("is made of the labels, and says so, when the model fails or answers no JSON", function()
    for model, reason in pairs { ["broken"] = "ModelErrorException",
      ["slow"] = "ModelTimeoutException",
      ["busy"] = "ServiceUnavailableException", ["prose"] = "NoJson" } do
      pictures.reset()
      pictures.put("a.png")
      local entry, report = described { bedrock_model_id = model }
      assert.equal("fallback", entry.written_by)
      assert.equal(report.result.labels[1].name, entry.title)
      assert.same({ true, reason }, { report.result.is_fallback, report.result.fallback_reason })
      assert.same({ 1, { Reason = reason } }, { metric(report, "DescriptionFallbacks") })
    end
  end)

  it("is not made up when the function may not ask the model", function()
    pictures.settings.bedrock_model_id = "forbidden"
    fails("AccessDeniedException", pictures.process(pictures.job "a.png"))
    assert.same({}, pictures.outputs "results/")
  end)

  it("takes nothing from a hostile model but bounded texts under its four names", function()
    local entry, report = described { bedrock_model_id = "hostile" }
    assert.same({ "a.png", report.result.status }, { entry.key, entry.status })
    assert.equal(200, #entry.title)
    assert.is_nil((entry.title .. entry.description):find("%c"))
    assert.same({ "t", ("y"):rep(64) }, entry.tags)
  end)
end)

describe("a pipeline of the function's package", function()
  local folder
  before_each(function()
    pictures.reset()
    folder = run.directory()
  end)

  after_each(function() run.remove(folder) end)

  local function deliver(name, text, job)
    run.write(folder .. "/event", json.encode(job))
    os.execute("mkdir -p " .. folder .. "/pipelines")
    if text then run.write(("%s/pipelines/%s.lua"):format(folder, name), text) end

    return run { "run", "event_processor", "-e", folder .. "/event", "-p", "policies", "--live",
      "--json",
      env = cloud.variables {
        LAMBDA_TASK_ROOT = folder,
        CLAIMS_TABLE = pictures.TABLE,
        OUTPUT_BUCKET = "bucket",
      } }
  end

  it("is added as docs/event-processing.md says", function()
    local page = run.read "docs/event-processing.md"
    local text = assert(page:match("```lua\n(%-%- pipelines/sizes.lua.-)```"))
    local etag = pictures.put("a.pdf", "1.7", "%PDF-")
    local result = deliver("sizes", text, pictures.job("a.pdf", { work = "sizes" }))
    assert.equal(0, result.status, result.stderr .. result.stdout)
    local place = ("results/events/sizes.size/a.pdf/%s.json"):format(etag)
    assert.same({ key = "a.pdf", bytes = 8, is_pdf = true }, document(place))
    assert.equal("finished", pictures.claims()["work:sizes/bucket/a.pdf"].ways.events.status)
  end)

  it("does its work on an object that another pipeline has done, and each of them once", function()
    local text = [[return { run = function(object)
      return { documents = { tags = { by = "mine" } }, result = { status = "SUCCESS" } }
    end }]]
    local etag = pictures.put "a.png"
    local result = fine(pictures.process(pictures.job "a.png"))
    for _, duplicate in ipairs { false, true } do
      local job = pictures.job("a.png", { work = "mine" })
      local own = json.decode(deliver("mine", text, job).stdout)
      assert.equal(duplicate, own.result.duplicate or false)
      assert.same({ tags = ("results/events/mine.tags/a.png/%s.json"):format(etag) },
        own.result.documents)
      assert.same({ by = "mine" }, document(own.result.documents.tags))
    end

    assert.equal("a.png", document(result.documents.tags).key)
    assert.is_true(fine(pictures.process(pictures.job "a.png")).duplicate)
  end)

  it("that is not there, or is not a pipeline, fails and leaves the object to be claimed",
    function()
    pictures.put("a.pdf", "1.7", "%PDF-")
    for name, text in pairs { ["no-such"] = false, ["../x"] = false, broken = "return {",
      empty = "return {}" } do
      local result = deliver(name, text, pictures.job("a.pdf", { work = name }))
      assert.not_equal(0, result.status)
      assert.truthy(result.stdout:find(text and "PipelineError" or "UnknownWork", 1, true),
        result.stdout)
    end

    assert.same({}, pictures.claims())
  end)
end)

describe("a pipeline that is wrong", function()
  local folder
  before_each(function()
    pictures.reset()
    folder = run.directory()
  end)

  after_each(function() run.remove(folder) end)

  it("gives the claim back, and says what it must return", function()
    pictures.put("a.pdf", "1.7", "%PDF-")
    os.execute("mkdir -p " .. folder .. "/pipelines")
    run.write(folder .. "/event", json.encode(pictures.job("a.pdf", { work = "mine" })))
    for made, told in pairs {
      ["nil"] = "the pipeline 'mine' must return",
      ["{}"] = "the pipeline 'mine' must return",
      ["{ documents = { a = 5 }, result = {} }"] = "the pipeline 'mine' must return",
      ["{ documents = {}, result = 'fine' }"] = "the pipeline 'mine' must return",
      ["{ documents = { ['a/b'] = {} }, result = { status = 'SUCCESS' } }"] =
        "the pipeline 'mine' must return",
      ["{ documents = { a = { print } }, result = { status = 'SUCCESS' } }"] =
        "the pipeline 'mine' must return",
      ["{ documents = {}, result = { status = 'SUCCESS', at = 0/0 } }"] =
        "the pipeline 'mine' must return",
      ["{ documents = {}, result = { status = 'SUCCESS', error = 'none' } }"] =
        "the pipeline 'mine' must return",
      ["{ documents = {}, result = {} }"] = "the pipeline 'mine' must return",
      ["{ documents = {}, result = { status = 'FAILED' } }"] = "not answered as the status FAILED",
      ["error 'no luck'"] = "the pipeline 'mine' ended in an error: ",
      ["nil + 1"] = "the pipeline 'mine' ended in an error: ",
    } do
      run.write(folder .. "/pipelines/mine.lua",
        ("return { run = function() return %s end }"):format(made))
      local result = run { "run", "event_processor", "-e", folder .. "/event", "-p", "policies",
        "--live", "--json", env = cloud.variables { LAMBDA_TASK_ROOT = folder,
          CLAIMS_TABLE = pictures.TABLE, OUTPUT_BUCKET = "bucket" } }
      assert.not_equal(0, result.status)
      local text = result.stdout .. result.stderr
      assert.truthy(text:find(told, 1, true), text)
      assert.truthy(text:find("PipelineError", 1, true), text)
      assert.equal("released", pictures.claims()["work:mine/bucket/a.pdf"].ways.events.status, made)
    end
  end)
end)

describe("COMPATIBLE_OUTPUT", function()
  before_each(function() pictures.reset { compatible_output = "true", claims_table = false } end)

  it("answers each event of the Python handler in its names", function()
    pictures.put("a.png", "2")
    for _, event in ipairs { { Key = "a.png" },
      { file_key = "a.png", event_time = "2026-11-23T12:00:00Z" } } do
      local result = fine(pictures.process(event))
      assert.same({ "SUCCESS", "a.png", true }, {
        result.status,
        result.file_key,
        result.above_threshold,
      })

      assert.equal(result.labels[1].confidence, result.max_confidence)
      assert.equal("integer", math.type(result.processing_duration_ms))
      assert.equal(event.event_time or json.null, result.event_time)
      assert.equal(event.event_time and "integer" or nil, math.type(result.event_to_processing_ms))
    end

    assert.same({}, pictures.claims())
  end)

  it("answers 0, a number, where nothing was seen", function()
    pictures.put("blank.png", "blank")
    local result = fine(pictures.process { Key = "blank.png" })
    assert.same({ "MANUAL_REVIEW", 0, false }, { result.status, result.max_confidence,
      result.above_threshold })
  end)

  it("has claims as soon as there is a table", function()
    pictures.settings.claims_table = pictures.TABLE
    pictures.put("a.png")
    assert.is_nil(fine(pictures.process { Key = "a.png" }).duplicate)
    assert.equal("finished", pictures.claims()["bucket/a.png"].ways.events.status)
    assert.is_true(fine(pictures.process { Key = "a.png" }).duplicate)
  end)
end)
