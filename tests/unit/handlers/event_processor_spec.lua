-- event_processor while somebody else is at the same object: on a whole account in memory, another
-- delivery comes between two calls of a slow one.
local processing_world = require "support.processing_world"

local LEASE = 60

-- A world in which `other` happens once, just before the first call of this operation.
local function interleaved(operation, other)
  local world = processing_world.new()
  local perform, happened = world.perform, false

  world.perform = function(self, request)
    if request.operation == operation and not happened then
      happened = true
      other(world)
    end

    return perform(self, request)
  end

  return world
end

local function deliver(world, event) return assert(world.deliver("event_processor", event)) end

local function result_of(report)
  assert.is_nil(report.error and report.error.message)
  return report.result
end

-- The documents that were written, and how often each.
local function most_writes(world)
  local most = 0
  for _, count in pairs(world.puts) do most = math.max(most, count) end
  return most
end

local function documents_of(world, etag)
  local count = 0
  for key in pairs(world.puts) do
    if key:find(etag, 1, true) then count = count + 1 end
  end

  return count
end

describe("a slow owner of a claim", function()
  for _, operation in ipairs { "GetObject", "DetectLabels", "Converse" } do
    it("that another took over writes nothing, and answers what that one made: " .. operation,
      function()
      local other
      local world = interleaved(operation, function(world)
        world.time = world.time + LEASE + 1
        other = result_of(deliver(world, world.event "in/a.png"))
      end)
      world.put("in/a.png", "1")
      local slow = result_of(deliver(world, world.event "in/a.png"))
      assert.same({ "SUCCESS", 2 }, { other.status == slow.status and "SUCCESS", other.attempts })
      assert.same({ true, other.documents }, { slow.duplicate, slow.documents })
      assert.equal(1, most_writes(world))
    end)
  end

  it("writes nothing either where the other's clock is ahead", function()
    local world = interleaved("Converse", function(world)
      world.time = world.time + 3600
      result_of(deliver(world, world.event "in/a.png"))
      world.time = world.time - 3600
    end)
    world.put("in/a.png", "1")
    assert.is_true(result_of(deliver(world, world.event "in/a.png")).duplicate)
    assert.equal(1, most_writes(world))
  end)

  it("waits for the other one that is still at it", function()
    local world = interleaved("Converse", function(world)
      world.time = world.time + LEASE + 1
      world.die = function(operation) return operation == "DetectLabels" and "before" or nil end
      assert.is_nil(world.deliver("event_processor", world.event "in/a.png"))
      world.die, world.is_dead = nil, false
    end)
    world.put("in/a.png", "1")
    assert.equal("ClaimBusy", deliver(world, world.event "in/a.png").error.code)
    world.time = world.time + LEASE + 1
    assert.equal(3, result_of(deliver(world, world.event "in/a.png")).attempts)
    assert.equal(1, most_writes(world))
  end)

  it("does not take the object for done where the other one failed and gave it back", function()
    local world
    world = interleaved("Converse", function()
      world.time = world.time + LEASE + 1
      local perform = world.perform
      world.perform = function(self, request)
        if request.operation ~= "DetectLabels" then return perform(self, request) end
        return nil, "slow down", "ThrottlingException", { status = 400, fields = {} }
      end

      assert.equal("ThrottlingException", deliver(world, world.event "in/a.png").error.code)
      world.perform = perform
    end)
    world.put("in/a.png", "1")
    assert.equal("ClaimBusy", deliver(world, world.event "in/a.png").error.code)
    assert.is_nil(result_of(deliver(world, world.event "in/a.png")).duplicate)
    assert.equal(1, most_writes(world))
  end)

  it("writes nothing of a state that a newer one overtook", function()
    local old, new
    local world = interleaved("Converse", function(world)
      new = world.put("in/a.png", "2")
      result_of(deliver(world, world.event "in/a.png"))
    end)
    old = world.put("in/a.png", "1")
    local result = result_of(deliver(world, world.event "in/a.png"))
    assert.same({ "SUPERSEDED", new.etag }, { result.status, result.by })
    assert.same({ 0, 2 }, { documents_of(world, old.etag), documents_of(world, new.etag) })
  end)
end)

describe("two states of an object", function()
  -- The jobs of both, as events with or without sequencers, or as listings tell them.
  local function jobs(world, how)
    local list = {}
    for i, bytes in ipairs { "1", "2" } do
      local object = world.put("in/a.png", bytes)
      list[i] = { work = "object", bucket = "in", key = "in/a.png", etag = object.etag,
        size = #object.body, source = how == "listed" and "listing" or "eventbridge",
        sequencer = how == "sequenced" and object.sequencer or nil,
        time = os.date("!%Y-%m-%dT%H:%M:%SZ", object.at) }
      world.time = world.time + (how == "listed" and 1 or 0)
    end

    return list[1], list[2]
  end

  for _, how in ipairs { "sequenced", "unordered", "listed" } do
    it(("(%s) end with the newer one, whichever comes first"):format(how), function()
      for _, first in ipairs { "older", "newer" } do
        local world = processing_world.new()
        local old, new = jobs(world, how)
        local order = first == "older" and { old, new, old } or { new, old, new }
        local statuses = {}
        for i, job in ipairs(order) do
          local result = result_of(deliver(world, job))
          statuses[i] = result.duplicate and "duplicate" or result.status
        end

        local done = statuses[first == "older" and 2 or 1]
        assert.is_true(done == "SUCCESS" or done == "MANUAL_REVIEW", done)
        assert.same(first == "older" and { "SUPERSEDED", done, "SUPERSEDED" }
          or { done, "SUPERSEDED", "duplicate" }, statuses)
        assert.same({ 0, 2 }, { documents_of(world, old.etag), documents_of(world, new.etag) })
      end
    end)
  end
end)

describe("a job that nobody should send", function()
  local function of(more)
    local job = { work = "object", bucket = "in", key = "in/a.png" }
    for name, value in pairs(more) do job[name] = value end
    return job
  end

  it("is refused where its size or sequencer is none", function()
    local world = processing_world.new()
    world.put("in/a.png", "1")
    for _, more in ipairs { { size = -1 }, { size = 1.5 }, { size = 1e300 },
      { sequencer = "later" }, { sequencer = "0x10" } } do
      assert.equal("InvalidEvent", deliver(world, of(more)).error.code)
    end

    assert.same({}, world.items)
  end)

  it("is ignored where it is of a document that was written here", function()
    local world = processing_world.new()
    world.put("in/a.png", "1")
    world.settings.output_bucket = "in"
    for _, place in pairs(result_of(deliver(world, of {})).documents) do
      local result = result_of(deliver(world, of { key = place }))
      assert.equal("IGNORED", result.status)
    end

    assert.equal("VANISHED",
      result_of(deliver(world, of { key = "results/other/a.png" })).status)
  end)

  it("is of the object's own state where its ETag has nothing but quotes", function()
    local world = processing_world.new()
    local etag = world.put("in/a.png", "1").etag
    assert.equal(etag, result_of(deliver(world, of { etag = '""' })).etag)
    assert.is_true(result_of(deliver(world, of { etag = ('W/"%s"'):format(etag) })).duplicate)
  end)

  it("is an event that the policy does not know: it fails, and is not passed over", function()
    local world = processing_world.new()
    for _, event in ipairs { { source = "a service of tomorrow", detail = {} },
      { source = "weir", ["detail-type"] = "Object Created", detail = { a = 1 } } } do
      assert.equal("UnknownEvent", deliver(world, event).error.code)
    end

    local deleted = { source = "aws.s3", ["detail-type"] = "Object Deleted", detail = {} }
    assert.equal("IGNORED", result_of(deliver(world, deleted)).status)
  end)

  it("is taken as detail and time alone, as the Python handler takes it", function()
    local world = processing_world.new()
    world.put("in/a.png", "1")
    local event = world.event "in/a.png"
    local result = result_of(deliver(world, { detail = event.detail, time = event.time }))
    assert.equal("in/a.png", result.key)

    event.detail.bucket = nil -- it is SOURCE_BUCKET
    result = result_of(deliver(world, { detail = event.detail, time = event.time }))
    assert.is_true(result.duplicate)
    assert.equal("PolicyError", deliver(world, event).error.code)
    assert.equal("PolicyError", deliver(world, { detail = { a = 1 } }).error.code)
  end)
end)

describe("an answer of S3 that is not whole", function()
  -- A world in which S3 answers this operation so.
  local function answering(operation, change)
    local world = processing_world.new()
    local perform = world.perform
    world.put("in/a.png", "1")

    world.perform = function(self, request)
      local answer, message, code, details = perform(self, request)
      if request.operation == operation then change(answer) end
      return answer, message, code, details
    end

    return world
  end

  local function code_of(world, job)
    job.work, job.bucket, job.key = "object", "in", "in/a.png"
    return deliver(world, job).error.code
  end

  it("is a failure, and no other state of the object", function()
    local function without_etag(answer) answer.ETag = nil end
    assert.equal("MalformedResponse", code_of(answering("HeadObject", without_etag), {}))
    local world = answering("GetObject", without_etag)
    assert.equal("MalformedResponse", code_of(world, {}))
    assert.equal("released", world.items["in/in/a.png"].ways.events.status)

    world = answering("GetObject", function(answer) answer.Body = answer.Body:sub(1, 8) end)
    assert.equal("MalformedResponse", code_of(world, {}))
    assert.same({}, world.puts)
  end)
end)

describe("an object that has no range", function()
  -- As S3 answers a range of an object without a byte.
  local function world_of(bytes)
    local world = processing_world.new()
    local perform = world.perform
    local object = world.put("in/a.png", "1")
    object.body, object.etag = bytes, "e"

    world.perform = function(self, request)
      if request.operation ~= "GetObject" then return perform(self, request) end
      return nil, "the range is not satisfiable", "InvalidRange", { status = 416, fields = {} }
    end

    return world
  end

  local function report_of(world, etag)
    return deliver(world, { work = "object", bucket = "in", key = "in/a.png", etag = etag })
  end

  it("is empty, where it is still the job's state", function()
    assert.equal("EmptyObject", report_of(world_of "", "e").error.code)
    assert.equal("ObjectChanged", report_of(world_of "bytes", "e").error.code)

    local result = result_of(report_of(world_of "", "another"))
    assert.same({ "SUPERSEDED", "e" }, { result.status, result.by })
  end)
end)
