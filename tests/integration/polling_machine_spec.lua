-- deploy/state-machines/polling.asl.json, executed on real parts: what a listing has that is new,
-- each object once, and nothing lost whatever dies in between; and all ways of deploy/ together.
local json = require "weir.json"
local pictures = require "support.pictures"
local polling_stage = require "support.polling_stage"
local run = require "support.run"

local function put(...)
  for _, name in ipairs { ... } do pictures.put("in/" .. name .. ".png") end
end

local function names(...)
  local keys = {}
  for i, name in ipairs { ... } do keys[i] = "in/" .. name .. ".png" end
  return keys
end

-- Every object was claimed so often, and asked for again so often after it was done.
local function each_claim(attempts, duplicates)
  local seen = 0
  for object, item in pairs(pictures.claims()) do
    for _, part in pairs(item.ways) do
      assert.same({ "finished", attempts, duplicates },
        { part.status, part.attempts, part.duplicates }, object)
      seen = seen + 1
    end
  end

  return seen
end

local function remove(name)
  assert(pictures.s3:delete_object { Bucket = "bucket", Key = "in/" .. name .. ".png" })
end

describe("the state machine of polling", function()
  local stage

  before_each(function()
    pictures.reset { trigger_mode = "/mode" }
    stage = polling_stage.open()
    stage:mode "polling"
  end)

  after_each(function() stage:close() end)

  local function succeeds(status, given)
    local result, polled = stage:poll(given)
    assert.same({ "SUCCEEDED", status }, { result.status, (result.output or {}).status },
      json.encode(result))
    return result.output, polled
  end

  it("processes what is new, then nothing, then what came and what changed", function()
    put("a", "b", "c")
    local output, polled = succeeds "PROCESSED"
    assert.same({ 3, 3 }, { output.total_objects, output.counts.Succeeded })
    assert.same({ "Know the defaults", "Read the input", "Find what is new", "Is there work?",
      "Take the manifest", "Process each object", "Count", "Did all succeed?",
      "All are processed" }, polled.states)
    assert.same(names("a", "b", "c"), pictures.written "polling")
    local report = stage.functions.report:log()
    assert.matches('"StageLatency"', report)
    assert.is_nil(report:find('"ClocksDisagree"', 1, true))

    output = succeeds "NOTHING_NEW"
    assert.equal(3, output.listed)

    put "d"
    pictures.put("in/a.png", "another")
    assert.equal(2, succeeds("PROCESSED").total_objects)
    assert.equal(5, #pictures.written "polling") -- both states of a
    assert.same(names("a", "a", "b", "c", "d"), pictures.written "polling")
  end)

  local function fails(code, given)
    local result, polled = stage:poll(given)
    assert.same({ "FAILED", code }, { result.status, result.error }, json.encode(result))
    return json.decode(result.cause).errorMessage, polled
  end

  describe("where objects fail", function()
    it("does all others, fails with the number and the first, and redriven does only those again",
      function()
      put("a", "b", "c")
      pictures.put("in/text.png", "not a picture", "")
      local message, polled = fails("JobsFailed",
        { functionFaults = { process = { "AccessDenied" } } })
      assert.matches("2 of 4 jobs failed; the first is in/", message, 1, true)
      assert.equal(2, #pictures.written "polling")
      assert.matches('"ProcessingFailures"', stage.functions.report:log())

      -- What appears later does not wait for them.
      put "d"
      assert.equal(1, succeeds("PROCESSED").total_objects)

      local result = stage:redrive(polled)
      assert.equal("JobsFailed", result.error)
      assert.matches("1 of 2 jobs failed; the first is in/text.png: UnsupportedImage: ",
        result.cause, 1, true)
      assert.same(names("a", "b", "c", "d"), pictures.written "polling")

      pictures.put "in/text.png" -- mended: a newer state, which the next run finds
      assert.equal(1, succeeds("PROCESSED").total_objects)
      result = stage:redrive(polled)
      assert.same({ "SUCCEEDED", 1 }, { result.status, (result.output or {}).total_objects },
        json.encode(result))
      assert.equal(5, each_claim(1, 0))
    end)

    it("lists everything where it is told to, and does only what is not done", function()
      put("a", "b", "c")
      fails("JobsFailed", { functionFaults = { process = { "AccessDenied" } } })
      local output = succeeds("PROCESSED", { input = { prefix = "in/", checkpoint = false } })
      assert.equal(3, output.total_objects)
      assert.same(names("a", "b", "c"), pictures.written "polling")
      succeeds "NOTHING_NEW"
    end)

    it("tries again when functions could not be started, and lasts without reports", function()
      put "a"
      succeeds("PROCESSED", { functionFaults = {
        discovery = { "Lambda.TooManyRequestsException", "Lambda.Unknown" },
        process = { "Lambda.ServiceException" },
        report = { "Lambda.Unknown" },
      } })
      assert.equal(1, each_claim(1, 0))
    end)

    it("takes what is gone, or has changed, for no failure, and finds the change", function()
      put("a", "b")
      local polled = stage:begin { stopAfter = 0 }
      assert.equal("ABORTED", stage:finish(polled).status)
      remove "a"
      pictures.put("in/b.png", "another")
      assert.equal(2, succeeds("PROCESSED").total_objects) -- as they were listed
      assert.same({}, pictures.written "polling")
      assert.equal(1, succeeds("PROCESSED").total_objects)
      assert.same(names "b", pictures.written "polling")
    end)
  end)

  describe("where something dies", function()
    it("hands the manifest on, once the execution that took it was stopped", function()
      put("a", "b")
      local polled = stage:begin { stopAfter = 0 }
      assert.equal("ABORTED", stage:finish(polled).status)
      put "c"
      assert.equal(2, succeeds("PROCESSED").total_objects)
      assert.equal(1, succeeds("PROCESSED").total_objects)
      assert.same(names("a", "b", "c"), pictures.written "polling")
      succeeds "NOTHING_NEW"
    end)

    it("goes on where it was stopped, by a redrive or by the next execution", function()
      for i = 1, 50 do put(("%02d"):format(i)) end
      local polled = stage:begin { stopAfter = 5 }
      assert.equal("ABORTED", stage:finish(polled).status)
      assert.is_true(#pictures.written "polling" < 50)
      local result = stage:redrive(polled)
      assert.equal("SUCCEEDED", result.status, json.encode(result))
      assert.equal(50, #pictures.written "polling")
      succeeds "NOTHING_NEW"

      for i = 51, 99 do put(i) end
      assert.equal("ABORTED", stage:finish(stage:begin { stopAfter = 5 }).status)
      assert.equal(49, succeeds("PROCESSED").total_objects)
      assert.equal(99, #pictures.written "polling")
    end)

    it("loses no manifest with the answer that told of it", function()
      put "a"
      local faults = {}
      for i = 1, 6 do faults[i] = "Lambda.Unknown" end
      local result = stage:poll { functionFaults = { discovery = faults } }
      assert.equal("Lambda.Unknown", result.error)
      assert.equal(1, succeeds("PROCESSED").total_objects)
    end)
  end)

  it("leaves what another execution is at to that one", function()
    put "a"
    local first = stage:begin { stopAfter = 0 }
    stage:finish(first)
    stage:tell(first, { status = "RUNNING" })
    local output = succeeds "BUSY"
    assert.matches(":execution:inference:" .. first.name, output.execution, 1, true)
    assert.same({}, pictures.written "polling")
    stage:tell(first, { status = "TIMED_OUT" })
    succeeds "PROCESSED"
    assert.same(names "a", pictures.written "polling")
  end)

  it("does each object once where several executions begin at the same moment", function()
    for i = 1, 20 do put(("%02d"):format(i)) end
    local begun = {}
    for i = 1, 4 do begun[i] = stage:begin {} end
    for _, polled in ipairs(begun) do
      local result = stage:finish(polled)
      assert.equal("SUCCEEDED", result.status, json.encode(result))
    end

    assert.equal(20, #pictures.written "polling")
    for object, item in pairs(pictures.claims()) do
      assert.same({ "finished", 1 }, { item.ways.polling.status, item.ways.polling.attempts },
        object)
    end

    succeeds "NOTHING_NEW"
    put "a"
    succeeds("PROCESSED", { functionFaults = { discovery = { "CheckpointMoved" } } })
  end)

  describe("and the trigger mode", function()
    it("does nothing, and marks nothing as seen, where events come first or alone", function()
      put "a"
      for _, mode in ipairs { "events_first", "events" } do
        stage:mode(mode)
        assert.equal(mode, succeeds("SKIPPED").trigger_mode)
      end

      assert.same({}, pictures.keys "weir/")
      stage:mode "polling"
      assert.equal(1, succeeds("PROCESSED").total_objects)
    end)

    it("fails where it changes meanwhile, and hands the rest on when it is back", function()
      for i = 1, 60 do put(("%02d"):format(i)) end
      local message = fails("TriggerModeChanged",
        { meanwhile = { path = "parameters", value = { ["/mode"] = "events" } } })
      assert.matches("of 60 jobs failed", message, 1, true)
      local done = #pictures.written "polling"
      assert.is_true(done > 0 and done < 60, done)

      succeeds "SKIPPED"
      stage:mode "parallel"
      assert.equal(60, succeeds("PROCESSED").total_objects)
      assert.equal(60, #pictures.written "polling")
    end)
  end)
end)

describe("all ways, deployed at once", function()
  local stage

  before_each(function()
    pictures.reset { trigger_mode = "/mode" }
    stage = polling_stage.open()
  end)

  after_each(function() stage:close() end)

  local function compare()
    return run { "compare", "--claims", pictures.TABLE, "--bucket", "bucket",
      env = pictures.cloud.variables() }
  end

  -- New objects in a mode, of which some are announced, and then everything that has a schedule →
  -- what polling and reconcile say
  local function step(mode, arrived, ...)
    stage:mode(mode)
    put(...)
    for _, name in ipairs(arrived) do
      assert.equal("SUCCEEDED", stage:arrive("in/" .. name .. ".png").status)
    end

    local polled, reconciled = stage:poll(), stage:reconcile()
    assert.equal("SUCCEEDED", polled.status, json.encode(polled))
    assert.equal(0, reconciled.failed or 0)

    return polled.output, reconciled
  end

  it("do everything once per way in parallel, and weir compare finds both equal", function()
    local polled = step("parallel", { "a", "b", "c", "d" }, "a", "b", "c", "d")
    assert.same({ "PROCESSED", 4 }, { polled.status, polled.total_objects })
    assert.same(names("a", "b", "c", "d"), pictures.written "polling")
    assert.same(names("a", "b", "c", "d"), pictures.written "events")
    assert.equal(8, each_claim(1, 0))
    local result = compare()
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.matches("objects     4: both ways 4", result.stdout, 1, true)
  end)

  it("walk from polling to events and back by the parameter alone, while files arrive", function()
    local polled, reconciled = step("polling", { "p1" }, "p1", "p2")
    assert.same({ 2, "SKIPPED" }, { polled.total_objects, reconciled.status })

    polled, reconciled = step("parallel", { "a1", "a2", "p1" }, "a1", "a2", "a3")
    assert.same({ 3, "SKIPPED" }, { polled.total_objects, reconciled.status })

    polled, reconciled = step("events_first", { "b1" }, "b1", "b2")
    assert.same({ "SKIPPED", 7, 5, 2 },
      { polled.status, reconciled.listed, reconciled.finished, reconciled.processed })
    assert.equal("SUCCEEDED", stage:arrive("in/b2.png").status) -- it was only late

    polled, reconciled = step("events", { "c1" }, "c1")
    assert.same({ "SKIPPED", "SKIPPED" }, { polled.status, reconciled.status })

    polled, reconciled = step("events_first", {})
    assert.same({ "SKIPPED", 8, 0 }, { polled.status, reconciled.finished, reconciled.processed })

    polled = step("parallel", { "z1" }, "z1")
    assert.equal(4, polled.total_objects) -- what appeared since, of which three are done
    polled = step("polling", {}, "z2")
    assert.equal(1, polled.total_objects)

    assert.same(names("a1", "a2", "a3", "p1", "p2", "z1", "z2"), pictures.written "polling")
    assert.same(names("a1", "a2", "a3", "b1", "b2", "c1", "z1"), pictures.written "events")
    for object, item in pairs(pictures.claims()) do
      for _, part in pairs(item.ways) do
        assert.same({ "finished", 1 }, { part.status, part.attempts }, object)
      end
    end
  end)
end)
