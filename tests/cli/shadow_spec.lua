-- weir shadow: the verdict over the logs of all environments.
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local DIGEST = "sha256:" .. ("a"):rep(64)
local OTHER = "sha256:" .. ("b"):rep(64)

local folder, serial = nil, 0

local function id()
  serial = serial + 1
  return ("%032x"):format(serial)
end

-- A line of counts, as the runtime writes it.
local function counts(given)
  return json.encode {
    _aws = { Timestamp = 1 },
    Function = "route",
    schema = "weir.shadow-counts/1",
    id = given.id or id(),
    policy_digest = "sha256:" .. ("0"):rep(64),
    shadow_digest = given.digest or DIGEST,
    ShadowAgreed = given.agreed or 0,
    ShadowReworded = given.reworded or 0,
    ShadowDiffered = given.differed or 0,
    ShadowFailed = given.failed or 0,
    ShadowSkipped = given.skipped or 0,
  }
end

local function record(shadow, given)
  shadow.active, shadow.digest = "sha256:" .. ("0"):rep(64), shadow.digest or DIGEST
  return json.encode {
    schema = "weir.shadow/1",
    id = given and given.id or id(),
    kind = "routing",
    facts = { file_count = 7 },
    decision = { action = "realtime" },
    because = given and given.because or "below 10",
    shadow = shadow,
  }
end

local function batch(line)
  return { decision = { action = "batch" }, because = "at or above 5", file = "p/routing.lua",
    line = line or 5 }
end

local function log(...) return files.write(("%s/%s.log"):format(folder, id()), table.concat({ ... },
  "\n")) end

local function verdict(arguments)
  table.insert(arguments, 1, "shadow")
  arguments[#arguments + 1] = "--json"
  local result = run(arguments)
  assert(json_schema.check("docs/json/shadow.schema.json", result.stdout))
  return json.decode(result.stdout), result.status
end

describe("weir shadow", function()
  setup(function() folder = files.directory() end)
  teardown(function() files.remove_all() end)

  it("says that all agree, with status 0", function()
    local found, status =
      verdict { log(counts { agreed = 3, reworded = 2 }, counts { agreed = 4 }) }
    assert.same({ 0, "same", 7, 2, 9 }, { status, found.verdict, found.agreed, found.reworded,
      found.compared })
  end)

  it("adds up the logs of all environments, in whatever form they come", function()
    local quoted = json.encode { timestamp = 1, message = counts { agreed = 2, differed = 1 } }
    local quoted_record = json.encode { ["@message"] = record(batch()) }
    local found, status = verdict {
      log("START RequestId", counts { agreed = 3 }, "REPORT"),
      log(quoted, quoted_record),
      log("2026-11-22T03:04:05.678Z " .. counts { failed = 1 },
        "2026-11-22T03:04:05.678Z " .. record { code = "BudgetSpent", message = "spent" }),
    }
    assert.same({ 1, "different", 5, 1, 1, 2 }, { status, found.verdict, found.agreed,
      found.differed, found.failed, found.recorded })
  end)

  it("groups what differs by kind, change and rule, the most frequent first", function()
    local path = log(record(batch(5)), record(batch(9)), record(batch(9)),
      record { code = "PolicyError", message = "p/routing.lua:3: no" })
    local found = verdict { path }
    assert.same({ "routing realtime -> batch p/routing.lua:9 2",
      "routing realtime -> batch p/routing.lua:5 1" },
      { ("%s %s %s %d"):format(found.changes[1].kind, found.changes[1].change,
        found.changes[1].rule,
        found.changes[1].count), ("%s %s %s %d"):format(found.changes[2].kind,
        found.changes[2].change, found.changes[2].rule, found.changes[2].count) })
    assert.same({ "failed[PolicyError]", 1 }, { found.failures[1].change, found.failures[1].count })

    local text = run { "shadow", path }
    assert.equal(1, text.status)
    assert.truthy(text.stdout:find("~ 2  routing  realtime -> batch  p/routing.lua:9", 1, true),
      text.stdout)
    assert.truthy(text.stdout:find("was  below 10", 1, true))
    assert.truthy(text.stdout:find("is   at or above 5", 1, true))
    assert.truthy(text.stderr:find("Next: weir diff", 1, true))
  end)

  it("counts a record once that stands in several exports", function()
    local both = { counts { agreed = 3, differed = 1 }, record(batch()) }
    local found = verdict { log(table.unpack(both)), log(table.unpack(both)) }
    assert.same({ 3, 1, 2 }, { found.agreed, found.differed, found.repeated })
  end)

  it("counts a difference whose invocation's counts were lost, and tells of lost records",
    function()
    assert.equal(1, (verdict { log(counts { agreed = 9 }, record(batch())) }).differed)
    local path = log(counts { agreed = 9, differed = 2 }, record(batch()))
    local found, status = verdict { path }
    assert.same({ 2, 1, 1 }, { found.differed, found.recorded, status })
    assert.truthy(run({ "shadow", path }).stdout:find("1 of these decisions has no record here", 1,
      true))
  end)

  it("does not take what was not counted for zero", function()
    local path = log(record(batch()))
    assert.same({ 0, 1 }, { (verdict { path }).counted, (verdict { path }).differed })
    local text = run({ "shadow", path }).stdout
    assert.falsy(text:find("0  agreed", 1, true), text)
    assert.truthy(text:find("how many agreed is not in these recordings", 1, true), text)
  end)

  it("is inconclusive, with status 5, where nothing or too little was compared", function()
    local few = log(counts { agreed = 9, skipped = 90 })
    for _, case in ipairs {
      { 5, "inconclusive", log("START") },
      { 5, "inconclusive", log(counts { skipped = 3 }) },
      { 5, "inconclusive", few, "--least", "10" },
      { 0, "same", few, "--least", "9" },
    } do
      local found, status = verdict { table.unpack(case, 3) }
      assert.same({ case[1], case[2] }, { status, found.verdict })
    end
  end)

  it("looks at one version of the shadow set where --digest names it", function()
    local path =
      log(counts { differed = 1 }, record(batch()), counts { agreed = 5, digest = OTHER })
    local found, status = verdict { path, "--digest", "BBBB" }
    assert.same({ 0, 5, 0, 1 }, { status, found.agreed, found.differed, #found.sets })
    found, status = verdict { path }
    assert.same({ 1, 5, 1, 2 }, { status, found.agreed, found.differed, #found.sets })
  end)

  it("calls a damaged line bad, and does not say that all is the same", function()
    local whole = counts { agreed = 3 }
    for _, damaged in ipairs {
      '{"schema":"weir.shadow/1","id":"x","decision":{},"facts":{},"because":""}',
      '{"schema":"weir.decision/1","id":"x"',
      record({ digest = DIGEST }),
    } do
      local found, status = verdict { log(whole, damaged) }
      assert.same({ 1, 1, "different" }, { status, found.bad_lines, found.verdict }, damaged)
    end
  end)

  it("prints nothing that a terminal would obey, and no task token", function()
    local token = "AAAAKgAAAAIAAAAA" .. ("x"):rep(300)
    local path = log(record({ code = "PolicyError", message = "\27[2J" .. token },
      { because = "\27[2J" .. token }))
    for _, result in ipairs { run { "shadow", path }, run { "shadow", path, "--json" } } do
      assert.falsy(result.stdout:find("\27", 1, true))
      assert.falsy(result.stdout:find("xxxxxxxx", 1, true))
    end
  end)

  it("refuses what it cannot use", function()
    for _, case in ipairs {
      { { "shadow" }, 2, "RECORDING is missing" },
      { { "shadow", "-", "-" }, 2, "standard input is given twice" },
      { { "shadow", "-", "--least", "0" }, 2, "--least '0' is not a number of decisions" },
      { { "shadow", "-", "--digest", "no" }, 2, "--digest 'no' is not the beginning of a digest" },
      { { "shadow", "/nowhere" }, 6, "/nowhere: " },
    } do
      local result = run(case[1])
      assert.equal(case[2], result.status)
      assert.truthy(result.stderr:find("weir: shadow: " .. case[3], 1, true), result.stderr)
    end
  end)
end)
