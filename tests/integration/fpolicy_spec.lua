-- A file that ONTAP's FPolicy tells of and a listing or EventBridge finds, too. FPolicy knows no
-- ETag, so its jobs have idempotency keys of their own; the claim is of the object's state.
local handlers = require "weir.handlers"
local json = require "weir.json"
local pictures = require "support.pictures"
local policy_set = require "weir.policy_set"
local workflow = require "support.workflow"

local fine = workflow.fine
local cloud = pictures.cloud
local set = assert(policy_set.load "policies")

local KEY = "in/cup.png"

local function job_of(event)
  local live = cloud.effects(function() return { bucket = "bucket" } end)
  local given = json.decode(json.encode(event))
  local jobs = fine(handlers.run(handlers.find "event_map", given, set, live)).jobs
  assert.equal(1, #jobs)

  return jobs[1]
end

local function by_fpolicy(timestamp)
  return job_of {
    operation_type = "create",
    file_path = "\\in\\cup.png",
    file_size = 18,
    timestamp = timestamp,
  }
end

local function by_eventbridge(etag)
  return job_of {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    detail = { bucket = { name = "bucket" }, object = { key = KEY, size = 18, etag = etag } },
  }
end

local function by_listing(etag)
  local object = { Key = KEY, Size = 18, ETag = '"' .. etag .. '"' }
  return job_of { bucket = "bucket", Contents = { object } }
end

describe("a file of FPolicy", function()
  before_each(function() pictures.reset() end)

  it("has an idempotency key of its own: its time stands where the ETag of the others is",
    function()
    local etag = pictures.put(KEY)
    local told, found = by_fpolicy "2026-11-20T09:00:01Z", by_listing(etag)
    assert.equal("object:bucket:2026-11-20T09:00:01Z:18:in/cup.png", told.idempotency_key)
    assert.equal(("object:bucket:%s:18:in/cup.png"):format(etag), found.idempotency_key)
    assert.equal(found.idempotency_key, by_eventbridge(etag).idempotency_key)
  end)

  it("is processed once all the same: the claim is of the state that the object has", function()
    local etag = pictures.put(KEY)
    local first = fine(pictures.process(by_fpolicy "2026-11-20T09:00:01Z"))
    assert.equal(etag, first.etag)
    local outputs = pictures.outputs "results/"
    cloud.reset()

    for _, again in ipairs {
      by_fpolicy "2026-11-20T09:00:02Z", by_listing(etag), by_eventbridge(etag),
    } do
      assert.is_true(fine(pictures.process(again)).duplicate, again.source)
    end

    assert.same({}, cloud.requested "DetectLabels")
    assert.same(outputs, pictures.outputs "results/")
    assert.equal("finished", pictures.claims()["bucket/" .. KEY].ways.events.status)
  end)

  it("is processed again when it was written again, whoever tells it", function()
    pictures.put(KEY)
    fine(pictures.process(by_fpolicy "2026-11-20T09:00:01Z"))
    local changed = pictures.put(KEY, "other bytes")
    local result = fine(pictures.process(by_fpolicy "2026-11-20T09:05:00Z"))
    assert.equal(changed, result.etag)
    assert.is_nil(result.duplicate)
    assert.is_true(fine(pictures.process(by_listing(changed))).duplicate)
  end)

  it("that is gone when its event comes is told as vanished", function()
    assert.equal("VANISHED", fine(pictures.process(by_fpolicy "2026-11-20T09:00:01Z")).status)
  end)
end)
