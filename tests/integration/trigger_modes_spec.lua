-- The walk from polling to events and back, on real parts; reconcile; and what weir compare says of
-- it.
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local pictures = require "support.pictures"
local run = require "support.run"
local starter = require "weir.starter.policies"
local workflow = require "support.workflow"

local cloud = pictures.cloud
local fine, fails, metric = workflow.fine, workflow.fails, workflow.metric

local function event_of(key) return pictures.job(key) end

-- What polling hands on of each object: as the listing has it.
local function polled()
  local jobs = {}
  for i, entry in ipairs(assert(pictures.s3:all("ListObjectsV2",
    { Bucket = "bucket", Prefix = "in/" }))) do
    jobs[i] = { work = "object", bucket = "bucket", key = entry.Key, size = entry.Size,
      etag = entry.ETag:gsub('"', ""),
      source = "listing", time = entry.LastModified }
  end

  return jobs
end

local function by_events(...)
  for _, key in ipairs { ... } do fine(pictures.process(event_of(key))) end
end

local function by_polling()
  local results = {}
  for _, job in ipairs(polled()) do
    local result = fine(pictures.process(job))
    results[result.status] = (results[result.status] or 0) + 1
    if result.duplicate then results.duplicates = (results.duplicates or 0) + 1 end
  end

  return results
end

local function reconciled(event)
  local given = { prefix = "in/", grace_seconds = 0 }
  for name, value in pairs(event or {}) do given[name] = value end
  return fine(pictures.run("reconcile", given))
end

local function mode(name)
  pictures.control("POST", "parameters", { ["/mode"] = name })
  require("weir.events.trigger_mode").forget()
end

describe("the walk from polling to events", function()
  before_each(function() pictures.reset { trigger_mode = "/mode" } end)

  it("does every object once, once per way in A, forward and back, while files arrive", function()
    local function put(...)
      for _, name in ipairs { ... } do pictures.put("in/" .. name .. ".png") end
    end

    mode "polling"
    put("p1", "p2")
    assert.equal("SKIPPED", fine(pictures.process(event_of "in/p1.png")).status)
    assert.same({ SUCCESS = 2 }, by_polling())

    mode "parallel" -- A: what polling did alone counts for both; one event is lost
    put("a1", "a2", "a3")
    by_events("in/a1.png", "in/a2.png", "in/p1.png")
    by_polling()
    assert.equal("SKIPPED", reconciled().status)

    mode "events_first" -- B: the events' claims hold for both
    put("b1", "b2")
    by_events "in/b1.png"
    local found = reconciled()
    assert.same({ 7, 5, 2, 2, 0 }, {
      found.listed,
      found.finished,
      found.missed,
      found.processed,
      found.failed,
    })

    assert.same({ 7, 0 }, { reconciled().finished, reconciled().missed })
    by_events "in/b2.png" -- it was only late

    mode "events" -- C
    put("c1")
    by_events "in/c1.png"
    assert.same({ SKIPPED = 8 }, by_polling())

    mode "events_first"
    assert.same({ 8, 0 }, { reconciled().finished, reconciled().missed })
    mode "parallel"
    put("z1")
    by_events "in/z1.png"
    by_polling()
    mode "polling"
    put("z2")
    by_polling()

    -- Once per way what arrived in A; once what arrived while one way counted.
    local function names(...)
      local list = {}
      for i, name in ipairs { ... } do list[i] = "in/" .. name .. ".png" end
      return list
    end

    assert.same(names("a1", "a2", "a3", "p1", "p2", "z1", "z2"), pictures.written "polling")
    assert.same(names("a1", "a2", "a3", "b1", "b2", "c1", "z1"), pictures.written "events")
    for object, item in pairs(pictures.claims()) do
      for _, part in pairs(item.ways) do
        assert.same({ "finished", 1 }, { part.status, part.attempts }, object)
      end
    end
  end)

  it("is told by the parameter within half a minute, without a deployment", function()
    pictures.put("in/a.png")
    pictures.control("POST", "parameters", { ["/mode"] = "polling" })
    assert.equal("SKIPPED", fine(pictures.process(event_of "in/a.png")).status)
    pictures.control("POST", "parameters", { ["/mode"] = "events" })
    assert.equal("SKIPPED", fine(pictures.process(event_of "in/a.png")).status)
    local later = os.time() + 31
    assert.equal("SUCCESS", fine(pictures.process(event_of "in/a.png",
      { now = function() return later end })).status)
    pictures.control("POST", "parameters", { ["/mode"] = "sometimes" })
    require("weir.events.trigger_mode").forget()
    fails("InvalidSetting", pictures.process(event_of "in/a.png"))
  end)
end)

describe("reconcile", function()
  before_each(function() pictures.reset() end)

  it("leaves young objects to their events, other suffixes alone, and goes on where it was told",
    function()
    for _, key in ipairs { "in/a.png", "in/b.png", "in/c.txt", "in/d.png" } do pictures.put(key) end
    assert.equal(4, reconciled({ grace_seconds = 300 }).recent)
    local found = reconciled { suffix = ".png", after = "in/a.png" }
    assert.same({ 2, 2 }, { found.listed, found.processed })
    assert.same({ "in/b.png", "in/d.png" }, pictures.written "events")
    for _, grace in ipairs { "soon", -1, 1.5 } do
      fails("InvalidEvent", pictures.run("reconcile", { grace_seconds = grace }))
    end

  end)

  it("counts and names what fails, and finds it again", function()
    pictures.put("in/a.gif", "", "GIF89a")
    pictures.put("in/b.png")
    local report = pictures.run("reconcile", { prefix = "in/", grace_seconds = 0 })
    local found = fine(report)
    assert.same({ 2, 1, 1 }, { found.missed, found.processed, found.failed })
    assert.same({ "in/a.gif", "UnsupportedImage" }, {
      found.failures[1].key,
      found.failures[1].code,
    })

    assert.same({ 2, { TriggerMode = "events_first" } }, { metric(report, "EventsMissed") })
    assert.same({ 2, 0 }, { reconciled().finished, reconciled().missed })
  end)

  it("takes a state that is newer than what events told", function()
    pictures.put("in/a.png", "1")
    by_events "in/a.png"
    local etag = pictures.put("in/a.png", "2")
    assert.equal(1, reconciled().processed)
    assert.equal(etag, pictures.claims()["bucket/in/a.png"].etag)
  end)
end)

describe("weir compare", function()
  before_each(function() pictures.reset { trigger_mode = "parallel" } end)

  local function compare(...)
    local given = { "compare", "--claims", pictures.TABLE, "--bucket", "bucket", ...,  }
    given.env = cloud.variables()
    return run(given)
  end

  local function report_of(...)
    local result = compare("--json", ...)
    assert(json_schema.check("docs/json/compare.schema.json", result.stdout), result.stderr)
    return assert(json.decode(result.stdout)), result.status
  end

  local function both_ways(...)
    for _, name in ipairs { ... } do pictures.put("in/" .. name .. ".png") end
    for _, name in ipairs { ... } do by_events("in/" .. name .. ".png") end
    by_polling()
  end

  it("says that both ways made the same, how often nothing had to be done, and how long it took",
    function()
    both_ways("a", "b", "c")
    by_events("in/a.png", "in/a.png")
    local result = compare "--json"
    assert.equal(0, result.status, result.stderr)
    assert(json_schema.check("docs/json/compare.schema.json", result.stdout))
    local report = assert(json.decode(result.stdout))
    assert.same({ 3, 3, 0, 0 }, { report.completeness.objects, report.completeness.both,
      report.completeness.only_events, report.completeness.pending })
    assert.same({ 6, 0 }, { report.equality.compared, report.equality.different })
    assert.same({ 2, 0 }, {
      report.ways.events.duplicates_avoided,
      report.ways.polling.duplicates_avoided,
    })

    assert.equal(3, report.ways.events.latency_ms.decision.count)
    assert.equal(21, #report.ways.polling.distribution_ms)

    local text = compare().stdout
    assert.truthy(text:find("objects     3: both ways 3 · one way alone 0", 1, true), text)
    assert.truthy(text:find("Both ways made the same of every object that both", 1, true))
  end)

  it("names what one way lacks, what differs, and what nobody claimed", function()
    both_ways("a", "b")
    pictures.put("in/c.png")
    by_events "in/c.png"
    pictures.put("in/d.png")
    local key
    for name in pairs(pictures.outputs "results/polling/tags/in/a.png/") do key = name end
    local tags = assert(json.decode(pictures.outputs("results/polling/tags/in/a.png/")[key]))
    tags.labels[1].confidence = 1
    assert(pictures.s3:put_object { Bucket = "bucket", Key = key, Body = json.encode(tags) })
    for name, text in pairs(pictures.outputs "results/polling/metadata/in/b.png/") do
      local entry = json.decode(text)
      entry.title, entry.description = "Another", "what a model may write"
      assert(pictures.s3:put_object { Bucket = "bucket", Key = name, Body = json.encode(entry) })
    end

    local result = compare("--source", "s3://bucket/in/", "--suffix", ".png")
    assert.equal(1, result.status)
    for _, words in ipairs { "~ bucket/in/c.png  not processed by polling",
      "4 objects, 1 that nobody claimed, 0 that the policy ignores",
      "~ in/d.png", "4 compared, 1 differ",
      "~ bucket/in/a.png  tags  labels[0].confidence  1 → ", "The two ways differ." } do
      assert.truthy(result.stdout:find(words, 1, true), words .. "\n" .. result.stdout)
    end

    -- Three lists, and one line in each.
    local function named(limit)
      local text = compare("--source", "s3://bucket/in/", "--suffix", ".png", "--limit",
        limit).stdout
      return select(2, text:gsub("~ ", ""))
    end

    assert.same({ 0, 3, 3 }, { named "0", named "1", named "2" })
  end)

  it("writes a page", function()
    both_ways "a"
    local result = compare("--html", "-")
    assert.equal(0, result.status, result.stderr)
    assert.truthy(result.stdout:find("<!doctype html>", 1, true))
    assert.truthy(result.stdout:find("From written to processed", 1, true))
  end)

  it("does not miss what the mapping policy makes no job of, by whichever set", function()
    both_ways "a"
    for _, key in ipairs { "in/.hidden", "in/b.png.tmp", "in/dir/", "results/x" } do
      assert(pictures.s3:put_object { Bucket = "bucket", Key = key, Body = "" })
    end

    pictures.put "in/c.txt"
    local report = report_of("--source", "s3://bucket/")
    assert.same({ 1, { "in/c.txt" } }, { report.source.unclaimed, report.source.first })
    assert.equal(report.source.objects - 2, report.source.ignored)

    local status
    report, status = report_of("--source", "s3://bucket/in/", "--set", "suffixes=.png")
    assert.same({ 0, 0 }, { report.source.unclaimed, status })
    report = report_of("--source", "s3://bucket/in/", "--suffix", ".txt, .tmp")
    assert.same({ 2, 1 }, { report.source.objects, report.source.unclaimed })
    report = report_of("--source", "s3://bucket/in/", "--set", "work=sizes", "--suffix", "a.png")
    assert.same({ 1, { "in/a.png" } }, { report.source.unclaimed, report.source.first })
    assert.equal(3, compare("--source", "s3://bucket/in/", "-p", "/nowhere").status)
  end)

  it("names a file of the source whose name is not UTF-8", function()
    both_ways "a"
    cloud.reset()
    report_of("--source", "s3://bucket/in/")
    local faults = {}
    for i in ipairs(pictures.operations()) do faults[i] = { kind = "pass" } end
    faults[#faults] = { kind = "status", status = 200, headers = {},
      body = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
        .. "<Contents><Key>in/%FF.png</Key><Size>1</Size></Contents></ListBucketResult>" }
    cloud.faults(table.unpack(faults)) -- the listing is the last call
    local report = report_of("--source", "s3://bucket/in/")
    assert.same({ 1, { "in/%FF.png" } }, { report.source.unclaimed, report.source.first })
  end)

  it("misses the new state of an object whose old one was processed", function()
    both_ways "a"
    pictures.put("in/a.png", "other bytes")
    local report, status = report_of("--source", "s3://bucket/in/")
    assert.same({ 1, { "in/a.png" } }, { report.source.unclaimed, report.source.first })
    assert.equal(1, status)
    both_ways "a"
    report, status = report_of("--source", "s3://bucket/in/")
    assert.same({ 0, 0 }, { report.source.unclaimed, status })
  end)

  it("misses what a policy knows nothing of, which is not what it ignores", function()
    both_ways "a"
    pictures.put "in/b.png"
    local folder = files.directory { ["mapping.lua"] = starter.mapping }
    local report, status = report_of("--source", "s3://bucket/in/", "-p", folder)
    files.remove(folder)
    assert.same({ 1, 0, 1 }, { report.source.unclaimed, report.source.ignored, status })
  end)

  -- Puts claims as handlers leave them: each way finished with this result, or with one of these.
  local UNFINISHED = {
    working = { status = "working", lease_until = os.time() + 3600 },
    dead = { status = "working", lease_until = os.time() - 1 },
    released = { status = "released", lease_until = 0 },
    gone = { status = "released", lease_until = 0, gone = true },
  }

  local function put_claim(object, made_in, results)
    local ways = {}
    for way, result in pairs(results) do
      local part = UNFINISHED[result]
        or { status = "finished", finished_at = 1795435203, result = json.encode(result) }
      ways[way] = { mode = made_in, owner = "o", attempts = 1, duplicates = 0, lease_until = 0 }
      for name, value in pairs(part) do ways[way][name] = value end
    end

    assert(cloud.client("dynamodb"):put_item { TableName = pictures.TABLE,
      Item = { object = object, etag = "e", revision = 2, ways = ways } })
  end

  local DONE = { status = "SUCCESS" }

  it("has nothing to compare where one way ran alone, and does not call that the same", function()
    for i = 1, 3 do
      put_claim("bucket/" .. i, "polling", { polling = DONE })
    end

    local report, status = report_of()
    assert.same({ 3, 3, 0, 5 },
      { report.completeness.objects, report.completeness.alone, report.completeness.both, status })
    assert.truthy(compare().stdout:find("no object was processed by both ways", 1, true))
  end)

  it("finds what one way lacks, whichever, and what both are still at", function()
    put_claim("bucket/a", "parallel", { polling = DONE })
    put_claim("bucket/b", "parallel", { events = DONE })
    put_claim("bucket/c", "parallel", { events = DONE })
    put_claim("bucket/d", "parallel", { events = DONE, polling = "working" })
    put_claim("bucket/e", "parallel", { events = "working" })
    local report, status = report_of()
    local complete = report.completeness
    assert.same({ 5, 1, 2, 2, 1 }, { complete.objects, complete.only_polling, complete.only_events,
      complete.pending, status })
  end)

  it("does not wait for what is gone, nor for one that died", function()
    put_claim("bucket/a", "parallel", { events = DONE, polling = DONE })
    put_claim("bucket/b", "parallel", { events = "gone" })
    put_claim("bucket/c", "parallel", { events = "gone", polling = "gone" })
    put_claim("bucket/d", "parallel", { events = DONE, polling = "gone" })
    local report, status = report_of()
    assert.same({ 4, 1, 3, 0, 0 }, { report.completeness.objects, report.completeness.both,
      report.completeness.gone, report.completeness.pending, status })

    put_claim("bucket/e", "parallel", { events = DONE, polling = "dead" })
    report, status = report_of()
    assert.same({ 1, 0, 1 },
      { report.completeness.only_events, report.completeness.pending, status })
  end)

  it("is not done while something is pending, whatever --since leaves out", function()
    put_claim("bucket/a", "parallel", { events = DONE, polling = DONE })
    for _, standing in ipairs { "working", "released", "dead" } do
      put_claim("bucket/b", "parallel", { events = standing })
      local report, status = report_of()
      assert.same({ 1, 5 }, { report.completeness.pending, status }, standing)
      report, status = report_of("--since", "2030-01-01T00:00:00Z")
      assert.same({ 1, 1, 5 },
        { report.completeness.objects, report.completeness.pending, status }, standing)
    end
  end)

  it("counts an object as gone that was deleted before it was processed", function()
    both_ways "a"
    pictures.put "in/b.png"
    local job = event_of "in/b.png"
    assert(pictures.s3:delete_object { Bucket = "bucket", Key = "in/b.png" })
    assert.equal("VANISHED", fine(pictures.process(job)).status)
    local report, status = report_of()
    assert.same({ 1, 0, 0 }, { report.completeness.gone, report.completeness.pending, status })

    both_ways "b"
    assert.same({ 0, 2 }, { report_of().completeness.gone, report_of().completeness.both })
  end)

  it("takes two failures for the same only where they are", function()
    local function failure(code) return { status = "FAILED", error = code, message = "m" } end
    put_claim("bucket/a", "parallel",
      { polling = failure "EmptyObject", events = failure "EmptyObject" })
    local report, status = report_of()
    assert.same({ 0, 1, 0 }, { report.equality.different, report.completeness.failed, status })

    put_claim("bucket/b", "parallel",
      { polling = failure "EmptyObject", events = failure "ImageTooLarge" })
    report, status = report_of()
    assert.same({ 1, 1 }, { report.equality.different, status })
    assert.same({ object = "bucket/b", document = "result", field = "error",
      polling = "EmptyObject", events = "ImageTooLarge" }, report.equality.differences[1])
  end)

  it("measures nothing by clocks that disagree, and says of how many objects", function()
    local T = 1795435200000
    local function at(delivered)
      return { status = "SUCCESS", documents = {}, stages = { written = T, delivered = delivered,
        started = T + 700, decided = T + 800, processed = T + 900 } }
    end

    put_claim("bucket/a", "parallel", { polling = at(T + 500), events = at(T + 3600000) })
    put_claim("bucket/b", "parallel", { polling = at(nil), events = at(T - 1) })
    local report = report_of()
    assert.same({ 0, 2 },
      { report.ways.polling.clocks_disagree, report.ways.events.clocks_disagree })
    local latency = report.ways.events.latency_ms
    assert.is_nil(latency.delivery or latency.end_to_end)
    assert.same({ 1, 2 }, { latency.start.count, latency.decision.count })
    local words = "clocks      disagree about 0 objects by polling, 2 by events"
    assert.truthy(compare().stdout:find(words, 1, true), compare().stdout)
    assert.truthy(compare("--html", "-").stdout:find("Clocks disagree about 0 objects by polling "
      .. "and 2 by events", 1, true))
  end)

  it("reads many documents at a time, and tells what differs in the order of the objects",
    function()
    for way, bytes in pairs { polling = 1, events = 2 } do -- any order: each is on its own
      assert(pictures.s3:put_object { Bucket = "bucket", Key = "results/" .. way,
        Body = json.encode { bytes = bytes } })
    end

    for i = 1, 70 do
      put_claim(("bucket/%02d"):format(i), "parallel", {
        polling = { status = "SUCCESS", documents = { size = "results/polling" } },
        events = { status = "SUCCESS",
          documents = { size = i % 2 == 0 and "results/events" or "results/polling" } },
      })
    end

    local report = report_of()
    assert.same({ 70, 35 }, { report.equality.compared, report.equality.different })
    for i, difference in ipairs(report.equality.differences) do
      assert.same({ object = ("bucket/%02d"):format(2 * i), document = "size", field = "bytes",
        polling = "1", events = "2" }, difference)
    end
  end)

  it("leaves out what only notes how far a walk came", function()
    assert(cloud.client("dynamodb"):put_item { TableName = pictures.TABLE,
      Item = { object = "progress:bucket/in/*", after = "in/k" } })
    local report, status = report_of()
    assert.same({ 0, 5 }, { report.completeness.objects, status })
  end)

  it("names the table, the bucket or the source that is not there", function()
    both_ways "a"
    for place, given in pairs { -- any order: each is on its own
      ["the claims table nothere: "] = { claims = "nothere" },
      ["the documents in nothere-bucket: "] = { bucket = "nothere-bucket" },
      ["the source s3://nothere-bucket: "] = { source = "s3://nothere-bucket/in/" },
    } do
      local result = run { "compare", "--claims", given.claims or pictures.TABLE, "--bucket",
        given.bucket or "bucket", "--source", given.source or "s3://bucket/in/",
        env = cloud.variables() }
      assert.equal(6, result.status)
      assert.truthy(result.stderr:find("weir: compare: " .. place, 1, true), result.stderr)
    end
  end)

  it("is without what came after a time, in the table and in the source", function()
    both_ways "a"
    pictures.put "in/b.png"
    by_events "in/b.png"
    pictures.put "in/c.png"
    local report, status = report_of("--source", "s3://bucket/in/")
    assert.same({ 2, 1, 1, 1 }, { report.completeness.objects, report.completeness.only_events,
      report.source.unclaimed, status })

    report = report_of("--source", "s3://bucket/in/", "--until", "2030-01-01T00:00:00Z")
    assert.same({ 2, 1 }, { report.completeness.objects, report.source.unclaimed })
    report, status = report_of("--source", "s3://bucket/in/", "--until", "2020-01-01T00:00:00Z")
    assert.same({ 0, 0, 5 }, { report.completeness.objects, report.source.objects, status })
  end)

  it("says where the rest of a long list is, and that S3 tells whole seconds", function()
    both_ways("a", "b")
    pictures.put "in/c.png"
    by_events "in/c.png"
    local cut, whole = compare("--limit", "0"), compare()
    assert.truthy(cut.stderr:find("Next: weir compare --json ", 1, true), cut.stderr)
    assert.equal("", whole.stderr)
    assert.truthy(whole.stdout:find("S3 tells when an object was written in whole seconds", 1,
      true))
  end)

  it("has nothing to say of an empty table, and names a mistake", function()
    assert.equal(5, compare().status)
    assert.equal(2, compare("--since", "yesterday").status)
    local refused = compare("--until", "tomorrow")
    assert.equal(2, refused.status)
    assert.truthy(refused.stderr:find("--until 'tomorrow' is not a time; write --until 2026", 1,
      true), refused.stderr)
    assert.equal(2, compare("--source", "bucket").status)
    local result = run { "compare", env = { HOME = "/nowhere" } }
    assert.equal(2, result.status)
    assert.truthy(result.stderr:find("give --claims, or set WEIR_CLAIMS_TABLE or CLAIMS_TABLE", 1,
      true), result.stderr)
  end)
end)
