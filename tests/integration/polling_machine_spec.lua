-- deploy/state-machines/polling.asl.json, executed on real parts: what a listing has that is new,
-- each object once, and nothing lost whatever dies in between.
local json = require "weir.json"
local pictures = require "support.pictures"
local polling_stage = require "support.polling_stage"

-- Keys of the objects whose tags the way wrote.
local function written(way)
  local keys = {}
  for _, key in ipairs(pictures.keys("results/" .. way .. "/tags/")) do
    keys[#keys + 1] = key:match("tags/(.*)/[^/]*$")
  end

  return keys
end

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
    local result, run = stage:poll(given)
    assert.same({ "SUCCEEDED", status }, { result.status, (result.output or {}).status },
      json.encode(result))
    return result.output, run
  end

  it("processes what is new, then nothing, then what came and what changed", function()
    put("a", "b", "c")
    local output, run = succeeds "PROCESSED"
    assert.same({ 3, 3 }, { output.total_objects, output.counts.Succeeded })
    assert.same({ "Know the defaults", "Read the input", "Find what is new", "Is there work?",
      "Take the manifest", "Process each object", "Count", "Did all succeed?",
      "All are processed" }, run.states)
    assert.same(names("a", "b", "c"), written "polling")
    local report = stage.functions.report:log()
    assert.matches('"StageLatency"', report)
    assert.is_nil(report:find('"ClocksDisagree"', 1, true))

    output = succeeds "NOTHING_NEW"
    assert.equal(3, output.listed)

    put "d"
    pictures.put("in/a.png", "another")
    assert.equal(2, succeeds("PROCESSED").total_objects)
    assert.equal(5, #written "polling") -- both states of a
    assert.same(names("a", "a", "b", "c", "d"), written "polling")
  end)

  local function fails(code, given)
    local result, run = stage:poll(given)
    assert.same({ "FAILED", code }, { result.status, result.error }, json.encode(result))
    return json.decode(result.cause).errorMessage, run
  end

  describe("where objects fail", function()
    it("does all others, fails with the number and the first, and redriven does only those again",
      function()
      put("a", "b", "c")
      pictures.put("in/text.png", "not a picture", "")
      local message, run = fails("JobsFailed",
        { functionFaults = { process = { "AccessDenied" } } })
      assert.matches("2 of 4 jobs failed; the first is in/", message, 1, true)
      assert.equal(2, #written "polling")
      assert.matches('"ProcessingFailures"', stage.functions.report:log())

      -- What appears later does not wait for them.
      put "d"
      assert.equal(1, succeeds("PROCESSED").total_objects)

      local result = stage:redrive(run)
      assert.equal("JobsFailed", result.error)
      assert.matches("1 of 2 jobs failed; the first is in/text.png: UnsupportedImage: ",
        result.cause, 1, true)
      assert.same(names("a", "b", "c", "d"), written "polling")

      pictures.put "in/text.png" -- mended: a newer state, which the next run finds
      assert.equal(1, succeeds("PROCESSED").total_objects)
      result = stage:redrive(run)
      assert.same({ "SUCCEEDED", 1 }, { result.status, (result.output or {}).total_objects },
        json.encode(result))
      assert.equal(5, each_claim(1, 0))
    end)

    it("lists everything where it is told to, and does only what is not done", function()
      put("a", "b", "c")
      fails("JobsFailed", { functionFaults = { process = { "AccessDenied" } } })
      local output = succeeds("PROCESSED", { input = { prefix = "in/", checkpoint = false } })
      assert.equal(3, output.total_objects)
      assert.same(names("a", "b", "c"), written "polling")
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
      local run = stage:begin { stopAfter = 0 }
      assert.equal("ABORTED", stage:finish(run).status)
      remove "a"
      pictures.put("in/b.png", "another")
      assert.equal(2, succeeds("PROCESSED").total_objects) -- as they were listed
      assert.same({}, written "polling")
      assert.equal(1, succeeds("PROCESSED").total_objects)
      assert.same(names "b", written "polling")
    end)
  end)

  describe("where something dies", function()
    it("hands the manifest on, once the execution that took it was stopped", function()
      put("a", "b")
      local run = stage:begin { stopAfter = 0 }
      assert.equal("ABORTED", stage:finish(run).status)
      put "c"
      assert.equal(2, succeeds("PROCESSED").total_objects)
      assert.equal(1, succeeds("PROCESSED").total_objects)
      assert.same(names("a", "b", "c"), written "polling")
      succeeds "NOTHING_NEW"
    end)

    it("goes on where it was stopped, by a redrive or by the next execution", function()
      for i = 1, 50 do put(("%02d"):format(i)) end
      local run = stage:begin { stopAfter = 5 }
      assert.equal("ABORTED", stage:finish(run).status)
      assert.is_true(#written "polling" < 50)
      local result = stage:redrive(run)
      assert.equal("SUCCEEDED", result.status, json.encode(result))
      assert.equal(50, #written "polling")
      succeeds "NOTHING_NEW"

      for i = 51, 99 do put(i) end
      assert.equal("ABORTED", stage:finish(stage:begin { stopAfter = 5 }).status)
      assert.equal(49, succeeds("PROCESSED").total_objects)
      assert.equal(99, #written "polling")
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
    assert.same({}, written "polling")
    stage:tell(first, { status = "TIMED_OUT" })
    succeeds "PROCESSED"
    assert.same(names "a", written "polling")
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
      local done = #written "polling"
      assert.is_true(done > 0 and done < 60, done)

      succeeds "SKIPPED"
      stage:mode "parallel"
      assert.equal(60, succeeds("PROCESSED").total_objects)
      assert.equal(60, #written "polling")
    end)
  end)
end)
