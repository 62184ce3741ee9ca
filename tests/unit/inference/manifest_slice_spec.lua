-- A share of a manifest: every file once, through time-outs and crashes, and failures of files
-- apart.
local flight = require("weir.aws.flight")
local json = require("weir.json")
local memory_s3 = require("support.memory_s3")
local manifest = require("weir.events.manifest")
local manifest_slice = require("weir.inference.manifest_slice")
local try = require("weir.try")

describe("a share of a manifest", function()
  local s3, key, sent

  before_each(function()
    s3, sent = memory_s3.new(), {}
    manifest.PART_LINES = 10
    local writer = manifest.writer(s3:effects(), "out", "m/", manifest.no_progress())
    for i = 1, 45 do writer:add { bucket = "b", key = ("%02d"):format(i), size = 1 } end
    key = writer:finish { bucket = "b" }
  end)

  after_each(function() manifest.PART_LINES = 1000 end)

  local function share(lane, infer, options)
    return try.call(manifest_slice.run, { manifest_bucket = "out", manifest_key = key, lane = lane,
      lanes = 2 },
      s3:effects(options), infer)
  end

  local function count(event)
    sent[event.key] = (sent[event.key] or 0) + 1
    return {}
  end

  it("is every other part: both lanes send every file once", function()
    assert.same({ done = true, lane = 0, position = 25, failed = 0, ok = true }, share(0, count))
    assert.same({ done = true, lane = 1, position = 20, failed = 0, ok = true }, share(1, count))
    for i = 1, 45 do assert.equal(1, sent[("%02d"):format(i)]) end
  end)

  it("may hold nothing but empty files", function()
    local writer = manifest.writer(s3:effects(), "out", "m/", manifest.no_progress())
    for i = 1, 3 do writer:add { bucket = "b", key = ("%02d"):format(i), size = 0 } end
    key = writer:finish { bucket = "b" }
    assert.same({ done = true, lane = 0, position = 3, failed = 0, ok = true }, share(0, count))
    assert.same({ ["01"] = 1, ["02"] = 1, ["03"] = 1 }, sent)
  end)

  it("goes on where it was when everybody's failure ends it", function()
    local function breaks(event)
      if event.key == "24" and not sent["24"] then
        sent["24"] = 0
        try.fail("no luck", "AccessDenied")
      end

      return count(event)
    end

    local answer, _, code = share(0, breaks)
    assert.same({ nil, "AccessDenied" }, { answer, code })
    assert.equal(25, share(0, breaks).position)
    local twice = 0
    for _, times in pairs(sent) do twice = twice + math.max(0, times - 1) end
    assert.is_true(twice <= 8, "more than what was in flight came twice") -- CONCURRENCY
  end)

  it("notes a file that fails by itself, and sends the others", function()
    local answer = share(1, function(event)
      if event.key == "12" then try.fail("the model says no", "ModelError") end
      return count(event)
    end)

    assert.same({ done = true, lane = 1, position = 20, failed = 1, ok = false }, answer)
    local note = json.decode(s3.buckets.out["m/failures/1-2.json"].Body)
    assert.same({ key = "12", code = "ModelError", message = "the model says no" }, note)
  end)

  it("counts a failed file once where it is sent again, behind one that was slower", function()
    local is_first = true
    local function infer(event)
      if event.key == "01" then return {} end
      if event.key ~= "02" then try.fail("the model says no", "ModelError") end
      if not is_first then return {} end

      is_first = false
      flight.sleep(20)
      try.fail("no luck", "AccessDenied")
    end

    assert.equal("AccessDenied", select(3, share(0, infer)))
    assert.same({ done = true, lane = 0, position = 25, failed = 23, ok = false },
      share(0, infer))
  end)

  it("begins from the start where its note is not whole, and refuses a lane that is not", function()
    share(0, count)
    for _, text in ipairs { "", "{", "[]", "5", '{"position":"9","failed":0}', '{"position":9}',
      '{"position":9,"failed":10}', '{"position":-1,"failed":0}' } do
      s3.buckets.out["m/progress/lane-0-of-2.json"].Body = text
      assert.equal(25, share(0, count).position, text)
    end

    assert.equal(9, sent["01"])
    assert.equal("InvalidEvent", select(3, share(2, count)))
  end)

  it("fails by name for a line that is not a job, and for what the index says of them", function()
    local part, index = s3.buckets.out["m/part-000001.jsonl"], s3.buckets.out[key]
    local whole = part.Body
    for _, line in ipairs { "{", "5", "null", "{}", '{"key":7}' } do
      part.Body = whole:gsub("^[^\n]*", (line:gsub("%%", "%%%%")), 1)
      assert.equal("ManifestCutShort", select(3, share(0, count)), line)
    end

    part.Body, whole = whole, index.Body
    for was, now in pairs { ['"bucket":"b"'] = '"bucket":7', ['"total_objects":45'] =
      '"total_objects":44', ['"largest_bytes":1'] = '"largest_bytes":"1"' } do
      index.Body = whole:gsub(was, now)
      assert.is_true(index.Body ~= whole, was)
      assert.equal("ManifestCutShort", select(3, share(0, count)), was)
    end
  end)

  it("fails by name when the manifest was cut short", function()
    local part = s3.buckets.out["m/part-000003.jsonl"]
    part.Body = part.Body:sub(1, -5)
    assert.equal("ManifestCutShort", select(3, share(0, count)))
    s3.buckets.out["m/part-000003.jsonl"] = nil
    assert.equal("ManifestCutShort", select(3, share(0, count)))
    s3.buckets.out[key].Body = s3.buckets.out[key].Body:sub(1, 20)
    assert.equal("ManifestCutShort", select(3, share(0, count)))
  end)

  it("sends nothing of a manifest, or of a part, that is cut at any byte", function()
    local function nothing(event) error("sent " .. event.key) end
    local part = s3.buckets.out["m/part-000001.jsonl"]
    local index = s3.buckets.out[key]
    for _, object in ipairs { part, index } do
      local whole = object.Body
      for size = 0, #whole - 1 do
        object.Body = whole:sub(1, size)
        assert.equal("ManifestCutShort", select(3, share(0, nothing)), size)
      end

      object.Body = whole
    end

    index.Body = index.Body:gsub('"lines":%[%d+', '"lines":["x"')
    assert.equal("ManifestCutShort", select(3, share(0, nothing)))
  end)
end)
