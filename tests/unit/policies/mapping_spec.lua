local shipped_policy = require("support.shipped_policy")

local mapping = shipped_policy.load("mapping")

local BUCKET = "vol1-ap-abcdef-ext-s3alias"

local function url_encoded(key)
  return (key:gsub("[^%w%-._~/*]", function(c)
    return c == " " and "+" or ("%%%02X"):format(c:byte())
  end))
end

-- The four ways in which the same write arrives, or the ways in which it would.
local function eventbridge(key, size, etag)
  return { version = "0", id = "7bf73129-1428-4cd3-a780-95db273d1602",
    ["detail-type"] = "Object Created",
    source = "aws.s3", account = "111122223333", time = "2026-11-20T09:00:01Z",
    region = "eu-central-1",
    resources = { "arn:aws:s3:::" .. BUCKET },
    detail = { version = "0", bucket = { name = BUCKET }, reason = "PutObject",
      ["request-id"] = "N4N7",
      object = { key = key, size = size, etag = etag, sequencer = "0065A1B2C3D4E5F607" } } }
end

local function record(key, size, etag)
  return { eventVersion = "2.3", eventSource = "aws:s3", awsRegion = "eu-central-1",
    eventTime = "2026-11-20T09:00:01.123Z", eventName = "ObjectCreated:Put",
    s3 = { s3SchemaVersion = "1.0", bucket = { name = BUCKET },
      object = { key = url_encoded(key), size = size, eTag = etag,
        sequencer = "0065A1B2C3D4E5F607" } },
    fsx = { fileSystemId = "fs-0123456789abcdef0", volumeName = "vol1" } }
end

local function notification(key, size, etag)
  return { Records = { record(key, size, etag) } }
end

local function listing(key, size, etag)
  return { source = "weir.listing", bucket = BUCKET, volume = "vol1", object = {
    Key = key, Size = size, ETag = etag and '"' .. etag .. '"',
    LastModified = "2026-11-20T09:00:01.000Z",
    StorageClass = "FSX_ONTAP" } }
end

local function encoded_listing(key, size, etag)
  local event = listing(url_encoded(key), size, etag)
  event.encoding = "url"
  return event
end

local ROUTES = { eventbridge = eventbridge, notification = notification, listing = listing,
  ["encoded listing"] = encoded_listing, ["bare record"] = record }

local function transform(status, change)
  local arn = "arn:aws:sagemaker:eu-central-1:111122223333:transform-job/nightly-7"
  local event = { version = "0", source = "aws.sagemaker", time = "2026-11-20T03:00:00Z",
    resources = { arn },
    ["detail-type"] = "SageMaker Transform Job State Change",
    detail = { TransformJobName = "nightly-7", TransformJobArn = arn, TransformJobStatus = status,
      ModelName = "vision-12", TransformOutput = { S3OutputPath = "s3://out/results/" },
      CreationTime = 1795165200000, Tags = {} } }
  if change then change(event, event.detail) end

  return event
end

local function decide(event, params)
  return mapping:decide({ event = event }, params)
end

describe("the mapping policy", function()
  it("normalises an Object Created event", function()
    local job = decide(eventbridge("in/a.csv", 1024, "b1946ac92492d2347c6235b4d2611184"))
    job.because = nil
    assert.same({ action = "job", work = "object", source = "eventbridge", bucket = BUCKET,
      key = "in/a.csv",
      size = 1024, etag = "b1946ac92492d2347c6235b4d2611184", sequencer = "0065A1B2C3D4E5F607",
      reason = "PutObject", time = "2026-11-20T09:00:01Z",
      idempotency_key = "object:" .. BUCKET .. ":b1946ac92492d2347c6235b4d2611184:1024:in/a.csv" },
        job)
  end)

  it("takes the volume from the event, or from the handler", function()
    assert.equal("vol1", decide(listing("a", 1, "e")).volume)
    assert.equal("vol1", decide(notification("a", 1, "e")).volume)
    assert.is_nil(decide(eventbridge("a", 1, "e")).volume)
    assert.equal("vol9", mapping:decide({ event = eventbridge("a", 1, "e"),
      volume = "vol9" }).volume)
    local unnamed = notification("a", 1, "e")
    unnamed.Records[1].fsx = { volumeId = "fsvol-1" }
    assert.equal("fsvol-1", mapping:decide({ event = unnamed, volume = "vol9" }).volume)
    unnamed.Records[1].fsx = nil
    assert.equal("vol9", mapping:decide({ event = unnamed, volume = "vol9" }).volume)
  end)

  it("keeps the version", function()
    local event = eventbridge("a", 1, "e")
    event.detail.object["version-id"] = "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert.equal("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", decide(event).version)
  end)
end)

describe("the idempotency key of an object", function()
  local KEYS = {
    "plain.csv", "with space.csv", "plus+sign.csv", "percent%20.csv", "100%.csv", "a%2Bb+c d.csv",
    "häßlich.csv", "e\u{301}.csv", "\u{e9}.csv", "日本語/ファイル.csv", "🚀.csv", 'quo"te.csv',
    "back\\slash.csv",
    "new\nline.csv", "tab\t.csv", "nul\0.csv", "a:b:c.csv", "&=?#;.csv", ("long"):rep(255)
      .. ".csv",
    "//double//slash", "results",
  }

  for name, route in pairs(ROUTES) do
    it("is the same by " .. name .. " as by EventBridge, and so is the key", function()
      for _, key in ipairs(KEYS) do
        local job, standard = decide(route(key, 7, "e1")), decide(eventbridge(key, 7, "e1"))
        assert.equal(key, job.key)
        assert.equal(standard.idempotency_key, job.idempotency_key)
      end
    end)
  end

  it("differs for another key, another write, another size and another bucket", function()
    local seen = {}
    local function see(event)
      local id = decide(event).idempotency_key
      assert.is_nil(seen[id], id)
      seen[id] = true
    end

    for _, key in ipairs(KEYS) do
      see(eventbridge(key, 7, "e1"))
      see(eventbridge(key, 7, "e2"))
      see(eventbridge(key, 8, "e1"))
    end

    local elsewhere = eventbridge("plain.csv", 7, "e1")
    elsewhere.detail.bucket.name = "another"
    see(elsewhere)
  end)

  it("tells NFC from NFD: to S3 they are two objects", function()
    assert.not_equal(decide(eventbridge("\u{e9}", 1, "e")).key,
      decide(eventbridge("e\u{301}", 1, "e")).key)
  end)

  it("falls back to version, sequencer and time when there is no ETag", function()
    local event = eventbridge("a", 1, nil)
    event.detail.object["version-id"] = "v1"
    local function revision(of)
      return decide(of).idempotency_key:match("^object:[^:]+:(.+):1:a$")
    end

    assert.equal("v1", revision(event))
    assert.equal("0065A1B2C3D4E5F607", revision(eventbridge("a", 1, nil)))
    assert.equal("2026-11-20T09:00:01.000Z", revision(listing("a", 1, nil)))
  end)
end)

describe("what is ignored", function()
  local function ignored(key, size, params)
    local first
    for name, route in pairs(ROUTES) do
      local action = decide(route(key, size or 1, "e"), params).action
      first = first or action
      assert.equal(first, action, name)
    end

    return first == "ignore"
  end

  it("is directories and empty objects", function()
    assert.is_true(ignored("in/", 0))
    assert.is_true(ignored("in/", 5))
    assert.is_true(ignored("in/empty.csv", 0))
    assert.is_false(ignored("in", 1))
  end)

  it("is our own output", function()
    assert.is_true(ignored("results/a.csv"))
    assert.is_true(ignored("in/a.csv.out"))
    assert.is_false(ignored("in/results/a.csv"))
    assert.is_false(ignored("results"))
    assert.is_true(ignored("scored/a.csv", 1, { output_prefix = "scored/" }))
    assert.is_false(ignored("results/a.csv", 1, { output_prefix = "" }))
    assert.is_false(ignored("a.out", 1, { output_suffix = "" }))
  end)

  it("is hidden and temporary files", function()
    for _, key in ipairs {
      ".a", "in/.a", ".snapshot/hourly/a.csv", "in/~$report.docx", "~$a", "a.csv~", "a.TMP",
      "a.part",
      "a.partial", "a.filepart", "a.crdownload", ".a.swp", "a.swp",
    } do
      assert.is_true(ignored(key), key)
    end

    for _, key in ipairs { "a.b", "a..b/c", "part", "tmp/a.csv", "~a.csv", "a.part.csv",
      "a.tmpl" } do
      assert.is_false(ignored(key), key)
    end
  end)

  it("is what announces no work", function()
    for _, event in ipairs {
      {}, { source = "aws.s3" }, {
        source = "aws.s3",
        ["detail-type"] = "Object Deleted",
        detail = {},
      },
      { source = "aws.scheduler", ["detail-type"] = "Scheduled Event", detail = {} },
      { source = 5, detail = "x" }, { Service = "Amazon S3", Event = "s3:TestEvent" },
      {
        source = "aws.sagemaker",
        ["detail-type"] = "SageMaker Endpoint State Change",
        detail = {},
      },
      { source = "other", ["detail-type"] = "SageMaker Transform Job State Change", detail = {} },
      { Records = {} }, { Records = "x" },
    } do
      assert.equal("ignore", decide(event).action)
    end

    for _, event in ipairs { "text", 5, true } do assert.equal("ignore", decide(event).action) end
    local removed = record("a", 1, "e")
    removed.eventName = "ObjectRemoved:Delete"
    assert.equal("ignore", decide(removed).action)
  end)
end)

describe("an event whose shape the policy does not know", function()
  it("is ignored as unknown, so that the handler keeps it", function()
    for _, event in ipairs {
      {}, { source = "other", ["detail-type"] = "Object Created" }, { Records = {} }, "text", 5,
      { eventType = "FileCreated", volume = "vol1" },
    } do
      assert.is_true(decide(event).unknown)
    end
  end)

  it("is not one that is known to announce no work", function()
    for _, event in ipairs {
      { source = "aws.s3", ["detail-type"] = "Object Deleted" }, { Event = "s3:TestEvent" },
      { source = "aws.events", ["detail-type"] = "Scheduled Event" },
      { source = "aws.sagemaker", ["detail-type"] = "SageMaker Endpoint State Change" },
    } do
      assert.is_false(decide(event).unknown)
    end
  end)
end)

describe("an FPolicy event", function()
  local function file(change)
    local event = { event_id = "e", operation_type = "create", file_path = "in\\a b+%20.csv",
      volume_name = "vol1",
      svm_name = "svm1", timestamp = "2026-11-20T09:00:01+00:00", file_size = 7 }
    for name, value in pairs(change or {}) do event[name] = value end
    return event
  end

  it("is the job of a file on the handler's access point, from a queue or from a bus", function()
    local bus = {
      source = "fsxn.fpolicy",
      ["detail-type"] = "FPolicy File Operation",
      detail = file()
    }

    for _, event in ipairs { file(), bus } do
      local job = mapping:decide { event = event, bucket = BUCKET }
      job.because = nil
      assert.same({ action = "job", work = "object", source = "fpolicy", bucket = BUCKET,
        key = "in/a b+%20.csv",
        size = 7, volume = "vol1", reason = "create", time = "2026-11-20T09:00:01+00:00",
        idempotency_key = "object:" .. BUCKET .. ":2026-11-20T09:00:01+00:00:7:in/a b+%20.csv" },
          job)
    end
  end)

  it("is ignored when nothing was written, and an error without an access point", function()
    assert.equal("ignore", decide(file { operation_type = "delete" }).action)
    local ok, message = pcall(decide, file())
    assert.is_false(ok)
    assert.truthy(tostring(message):find("set BUCKET", 1, true))
  end)
end)

describe("an object that the handler does not work for", function()
  it("is an error when it is in another bucket", function()
    assert.equal("job", mapping:decide({ event = eventbridge("a", 1, "e"),
      bucket = BUCKET }).action)
    local ok, message = pcall(mapping.decide, mapping, {
      event = eventbridge("a", 1, "e"),
      bucket = "other",
    })

    assert.is_false(ok)
    assert.truthy(tostring(message):find("of another bucket", 1, true))
  end)

  it("is ignored outside of prefix and suffixes, whose case counts", function()
    local params = { prefix = "products/", suffixes = ".jpg, .png" }
    local function action(key) return decide(eventbridge(key, 1, "e"), params).action end
    assert.equal("job", action("products/a.jpg"))
    assert.equal("job", action("products/a.png"))
    for _, key in ipairs { "products/a.JPG", "a.jpg", "products/a.gif", "Products/a.jpg" } do
      assert.equal("ignore", action(key), key)
    end
  end)

  it("goes to the pipeline that the parameter names", function()
    assert.equal("thumbnails", decide(eventbridge("a", 1, "e"), { work = "thumbnails" }).work)
  end)
end)

describe("an event that is broken", function()
  local function fails(event, message)
    local ok, err = pcall(decide, event)
    assert.is_false(ok)
    assert.truthy(tostring(err):find(message, 1, true), tostring(err))
  end

  it("is an error, so that it is not lost", function()
    local function created(detail)
      return { source = "aws.s3", ["detail-type"] = "Object Created", detail = detail }
    end

    fails(created(nil), "no object key")
    local nameless = record("a", 1, "e")
    for _, name in ipairs { false, 7, "" } do
      nameless.eventName = name or nil
      fails({ Records = { nameless } }, "the notification has no eventName")
    end

    fails(created { object = { key = 5 } }, "no object key")
    fails(created { object = { key = "a" } }, "no bucket")
    fails({ source = "weir.listing", bucket = "b" }, "no object key")
    fails({ source = "aws.sagemaker", ["detail-type"] = "SageMaker Transform Job State Change" },
      "no TransformJobName")
    fails({ Records = { record("a", 1, "e"), record("b", 1, "e") } }, "several records")
  end)

  it("is one whose key decodes to no UTF-8", function()
    local event = notification("a", 1, "e")
    event.Records[1].s3.object.key = "a%FFb"
    fails(event, "not valid UTF-8")
  end)

  it("is not one with a lone % or an odd size", function()
    local event = notification("a", 1, "e")
    event.Records[1].s3.object.key = "100%+%zz"
    event.Records[1].s3.object.size = "12"
    local job = decide(event)
    assert.same({ "100% %zz", nil }, { job.key, job.size })
  end)

  it("is one whose numbers and names cannot be an object's", function()
    local function listed(object, change)
      local event = listing("a", 1, "e")
      for name, value in pairs(object) do event.object[name] = value end
      for name, value in pairs(change or {}) do event[name] = value end
      return event
    end

    fails(listed { Size = -1 }, "the object's size is negative")
    fails(listed { Key = ("k"):rep(1025) }, "the object key is longer than 1,024 bytes")
    fails(listed({ Key = ("k"):rep(1024) }, { bucket = ("b"):rep(1024) }), "at most 2,048 bytes")
    fails({ operation_type = "create", file_path = "\\\\" }, "names no bucket")
    fails({ source = "aws.sagemaker", ["detail-type"] = "SageMaker Transform Job State Change",
      detail = { TransformJobName = ("n"):rep(2040), TransformJobStatus = "Failed" } },
      "at most 2,048 bytes")
    local ok, message = pcall(mapping.decide, mapping,
      { bucket = "b", event = { operation_type = "create", file_path = "/" } })
    assert.is_false(ok)
    assert.matches("no object key", message, 1, true)
    assert.equal("job", decide(listed { Key = ("k"):rep(1024), Size = 1 }).action)
  end)

  it("is not one with an empty volume or ETag: it has none", function()
    local job = mapping:decide { event = { source = "weir.listing", bucket = "b",
      object = { Key = "a", ETag = '""', Size = 1 } }, volume = "" }
    assert.same({ "job", nil, nil }, { job.action, job.volume, job.etag })
    assert.equal("object:b:-:1:a", job.idempotency_key)
  end)

  it("is a pipeline without a name, and that of transform jobs", function()
    local ok, message = pcall(decide, listing("a", 1, "e"), { work = "" })
    assert.is_false(ok)
    assert.matches("InvalidParams: work: expected a text of 1 to 64 bytes", message, 1, true)
    ok, message = pcall(decide, listing("a", 1, "e"), { work = "transform" })
    assert.is_false(ok)
    assert.matches("the parameter work is transform", message, 1, true)
  end)
end)

describe("a transform job", function()
  it("becomes work once it has finished", function()
    for _, status in ipairs { "Completed", "Failed", "Stopped" } do
      local job = decide(transform(status))
      assert.same({ "job", "transform", "nightly-7", status, "vision-12", "s3://out/results/" },
        { job.action, job.work, job.transform, job.status, job.model, job.output })
    end

    for _, status in ipairs { "InProgress", "Stopping", "Unheard" } do
      assert.equal("ignore", decide(transform(status)).action)
    end
  end)

  it("has one idempotency key however often its end is reported, and by whatever members",
    function()
    local key = decide(transform("Completed")).idempotency_key
    assert.equal(key, decide(transform("Completed", function(event, detail)
      event.time, detail.CreationTime, detail.Tags = "2026-11-20T03:00:07Z", "2026-11-20T02:00:00Z",
        nil
    end)).idempotency_key)
    assert.equal(key, decide(transform("Completed", function(_, detail)
      detail.TransformJobArn, detail.TransformOutput, detail.ModelName = nil, nil, nil
    end)).idempotency_key)
    assert.not_equal(key, decide(transform("Failed")).idempotency_key)
  end)

  it("keeps the reason of a failure", function()
    local job = decide(transform("Failed", function(_, detail)
      detail.FailureReason = "no memory"
    end))

    assert.equal("no memory", job.failure)
  end)
end)
