local claims = require "weir.events.claims"
local claims_world = require "support.claims_world"
local json = require "weir.json"

local world

-- A job of one object: its ETag, and what orders it.
local function job(etag, more)
  local fields = { bucket = "b", key = "a/x.jpg", etag = etag, source = "eventbridge" }
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields
end

local function listed(etag, time) return job(etag, { source = "listing", time = time }) end

local function finish(who, what, result)
  local claim = assert(who:take(what))
  assert.is_true(who:finish(claim, result or { status = "SUCCESS" }))
  return claim
end

-- The standing of what must not be taken.
local function refused(who, what)
  local claim, standing = who:take(what)
  assert.is_false(claim)
  return standing
end

describe("a claim", function()
  before_each(function() world = claims_world.new() end)

  it("is of one owner until it is finished, and answers with the result after that", function()
    local first, second = world.claims(), world.claims()
    local claim = assert(first:take(job "e1"))
    assert.same({ 1, 1000060 }, { claim.attempts, claim.lease_until })

    assert.same({ status = "busy", lease_until = 1000060, owner = claim.owner },
      refused(second, job "e1"))
    assert.is_true(first:finish(claim, { status = "SUCCESS", n = 1.5 }))
    assert.same({ status = "finished", result = { status = "SUCCESS", n = 1.5 }, way = "events" },
      refused(second, job "e1"))
    assert.equal(1, world.items["b/a/x.jpg"].ways.events.duplicates)
  end)

  it("costs one write to take and one to finish", function()
    finish(world.claims(), job "e1")
    assert.equal(2, world.calls)
  end)

  it("is taken over when its lease ran out, and the first owner cannot finish any more", function()
    local first, second = world.claims(), world.claims()
    local lost = assert(first:take(job "e1"))
    world.time = world.time + 60
    local claim = assert(second:take(job "e1"))
    assert.equal(2, claim.attempts)
    assert.is_false(first:finish(lost, {}))
    assert.is_false(first:release(lost))
    assert.is_true(second:finish(claim, {}))
    assert.is_false(first:finish(lost, {}))
  end)

  it("that is late finishes while nobody has taken it over", function()
    local first = world.claims()
    local claim = assert(first:take(job "e1"))
    world.time = world.time + 1000
    assert.is_true(first:finish(claim, {}))
  end)

  it("that was released is to be had at once", function()
    local first = world.claims()
    assert.is_true(first:release(assert(first:take(job "e1"))))
    assert.equal(2, assert(world.claims():take(job "e1")).attempts)
  end)

  it("of another object, bucket or volume is another one", function()
    assert(world.claims():take(job "e1"))
    assert(world.claims():take(job("e1", { key = "a/y.jpg" })))
    assert(world.claims():take(job("e1", { bucket = "c" })))
    assert(world.claims():take { volume = "b", key = "a/x.jpg", etag = "e1" })
  end)

  it("of another pipeline is another one", function()
    assert(world.claims():take(job "e1"))
    assert(world.claims():take(job("e1", { work = "sizes" })))
    assert(world.claims():take(job("e1", { work = "sums" })))
    assert.is_false((world.claims():take(job("e1", { work = "object" }))))
    assert.equal("work:sizes/b/k", claims.id { bucket = "b", key = "k", work = "sizes" })
  end)

  it("of a key that DynamoDB does not take has its digest for one", function()
    assert.equal("b/" .. ("k"):rep(1024), claims.id { bucket = "b", key = ("k"):rep(1024) })
    local id = claims.id { bucket = ("b"):rep(2048), key = "k" }
    assert.equal(#"sha256:" + 64, #id)
    assert.not_equal(id, claims.id { bucket = ("b"):rep(2048), key = "l" })
  end)
end)

describe("the order of states", function()
  before_each(function() world = claims_world.new() end)

  it("lets a newer state overtake one that somebody works on, whose finish is refused", function()
    local first, second = world.claims(), world.claims()
    local old = assert(first:take(job("e1", { sequencer = "01" })))
    local new = assert(second:take(job("e2", { sequencer = "02" })))
    assert.is_false(first:finish(old, { n = 1 }))
    assert.is_true(second:finish(new, { n = 2 }))
    assert.is_false(first:finish(old, { n = 1 }))
    assert.same({ status = "superseded", etag = "e2" },
      refused(first, job("e1", { sequencer = "01" })))
    assert.same({ n = 2 }, json.decode(world.items["b/a/x.jpg"].ways.events.result))
  end)

  it("knows a state that came back: the one between is older", function()
    finish(world.claims(), job("e1", { sequencer = "01" }))
    assert.equal("finished", refused(world.claims(), job("e1", { sequencer = "03" })).status)
    assert.equal("superseded", refused(world.claims(), job("e2", { sequencer = "02" })).status)
    assert(world.claims():take(job("e2", { sequencer = "04" })))
  end)

  it("is that of LastModified where listings told both", function()
    finish(world.claims(), listed("e1", "2026-11-23T12:00:00Z"))
    assert.equal("superseded", refused(world.claims(), listed("e0", "2026-11-23T11:59:59Z")).status)
    finish(world.claims(), listed("e2", "2026-11-23T12:00:01Z"))
    assert.equal("superseded", refused(world.claims(), listed("e1", "2026-11-23T12:00:00Z")).status)
  end)

  it("is settled by the object itself where nothing else tells", function()
    local state = "e1"
    local function who() return world.claims { current = function() return state end } end
    finish(who(), job("e1", { sequencer = "09", time = "2026-11-23T12:00:05Z" }))

    -- A listing has no sequencer; an event's time is not LastModified; one second holds many
    -- writes.
    assert.equal("superseded", refused(who(), listed("e2", "2026-11-23T12:00:09Z")).status)
    state = "e2"
    assert(who():take(listed("e2", "2026-11-23T12:00:01Z")))
    state = "e3"
    assert(who():take(listed("e3", "2026-11-23T12:00:01Z")))
    state = false
    assert.equal("superseded", refused(who(), listed("e4", "2026-11-23T12:00:01Z")).status)
  end)

  it("is not guessed when the object cannot be asked", function()
    local who = world.claims { current = function() return nil, "no answer", "SlowDown" end }
    finish(who, job "e1")
    assert.same({ "no answer", "SlowDown" }, { select(2, who:take(job "e2")) })
  end)
end)

describe("the two ways", function()
  local function polling(mode) return world.claims { way = "polling", mode = mode } end
  local function by_events(mode) return world.claims { way = "events", mode = mode } end

  before_each(function() world = claims_world.new() end)

  it("each do everything once in the mode parallel", function()
    finish(polling "parallel", job "e1", { by = "polling" })
    finish(by_events "parallel", job "e1", { by = "events" })
    assert.equal("polling", refused(polling "parallel", job "e1").result.by)
    assert.equal("events", refused(by_events "parallel", job "e1").result.by)
  end)

  it("work on one object at a time without losing what the other wrote", function()
    local first, second = polling "parallel", by_events "parallel"
    local one, two = assert(first:take(job "e1")), assert(second:take(job "e1"))
    assert.is_true(first:finish(one, {}))
    assert.is_true(second:finish(two, {}))
    local ways = world.items["b/a/x.jpg"].ways
    assert.same({ "finished", "finished" }, { ways.polling.status, ways.events.status })
  end)

  it("count what one did alone, in every mode", function()
    for _, alone in ipairs { "polling", "events_first", "events" } do
      world = claims_world.new()
      local one, other = polling, by_events
      if alone ~= "polling" then one, other = by_events, polling end
      finish(one(alone), job "e1", { by = alone })
      for _, mode in ipairs { "polling", "parallel", "events_first", "events" } do
        local standing = refused(other(mode), job "e1")
        assert.same({ "finished", alone }, { standing.status, standing.result.by }, alone .. " "
          .. mode)
      end
    end
  end)

  it("do not start what the other is at alone", function()
    assert(by_events("events_first"):take(job "e1"))
    assert.equal("busy", refused(polling "parallel", job "e1").status)
    world.time = world.time + 60
    assert(polling("parallel"):take(job "e1"))
  end)

  it("do once per way what began in parallel", function()
    finish(polling "parallel", job "e1")
    finish(by_events "events_first", job "e1")
  end)
end)

describe("a table in trouble", function()
  before_each(function() world = claims_world.new() end)

  it("gives the claim to whoever wrote it, though the reply was lost", function()
    local who = world.claims()
    world.fail = function(n) return n == 1 and "after" end
    assert.is_nil((who:take(job "e1")))
    local claim = assert(who:take(job "e1"))
    assert.equal(1, claim.attempts)

    world.fail = function(n, operation)
      return n == world.calls and operation == "PutItem" and "after"
    end

    assert.is_nil((who:finish(claim, { n = 1 })))
    world.fail = nil
    assert.is_true(who:finish(claim, { n = 1 }))
    assert.equal(1, world.items["b/a/x.jpg"].ways.events.attempts)
  end)

  it("does not take a finish that was not written for one", function()
    local who = world.claims()
    local claim = assert(who:take(job "e1"))
    world.fail = function() return "before" end
    assert.is_nil((who:finish(claim, {})))
    world.fail = nil
    assert.is_true(who:finish(claim, {}))
    assert.equal("finished", world.items["b/a/x.jpg"].ways.events.status)
  end)

  it("says that others are always faster", function()
    local who = world.claims()
    assert(who:take(job "e1"))
    world.fail = function(_, operation)
      if operation == "PutItem" then
        world.items["b/a/x.jpg"].revision = world.items["b/a/x.jpg"].revision + 1
      end
    end

    world.time = world.time + 60
    local taken, message, code = world.claims():take(job "e1")
    assert.is_nil(taken)
    assert.equal("ClaimContended", code)
    assert.truthy(message:find("b/a/x.jpg", 1, true))
  end)

  it("tells where a state stands without changing anything", function()
    local who = world.claims()
    assert.is_false(who:look(job "e1"))
    finish(who, job("e1", { sequencer = "02" }))
    local writes = world.items["b/a/x.jpg"].revision
    assert.equal("finished", who:look(job "e1").status)
    assert.equal("superseded", who:look(job("e0", { sequencer = "01" })).status)
    assert.is_false(who:look(job("e3", { sequencer = "03" })))
    assert.equal(writes, world.items["b/a/x.jpg"].revision)
  end)
end)
