-- Ten thousand events with duplicates, out of order, some of them lost, to processes that die
-- between any two calls to AWS: in the end every object's state is processed once (once per way
-- where both run), and what was written does not tell by which way.
local processing_world = require "support.processing_world"
local property = require "support.property"
local random = require "support.random"

-- Of phase B; the others have fewer, in the same way.
local EVENTS = math.min(property.cases(10000), 100000)

-- A stream of `count` events: objects are written, some again; each write has an event, some have
-- two, some none.
local function write_some(world, source, losses, count)
  local queue = {}
  while #queue < count do
    local again = world.count > 50 and source:integer(1, 10) == 1
    local number = again and source:integer(world.count - 50, world.count) or world.count + 1
    world.count = math.max(world.count, number)
    local key = ("in/%05d.png"):format(number)
    world.put(key, ("%d %d"):format(number, source:integer(1, 3)))
    local event = world.event(key)
    if source:integer(1, 100) > losses then queue[#queue + 1] = event end
    if source:integer(1, 100) <= 20 then queue[#queue + 1] = event end
  end

  -- Out of order: each changes places with one of its neighbours.
  for i = 1, #queue do
    local j = math.min(#queue, i + source:integer(0, 30))
    queue[i], queue[j] = queue[j], queue[i]
  end

  return queue
end

-- Delivers each once → those that failed, or whose process died: they come again later, after the
-- lease.
local function deliver(world, queue)
  local again = {}
  for _, event in ipairs(queue) do
    local report = world.deliver("event_processor", event)
    if not report or report.error then
      if report then assert.equal("ClaimBusy", report.error.code, report.error.message) end
      again[#again + 1] = event
    end
  end

  world.time = world.time + 61

  return again
end

local ROUNDS = 10

-- Files arrive while events are delivered; `more` is what else is delivered in each round.
local function run_phase(world, source, losses, count, more)
  local queue = {}
  for round = 1, ROUNDS + 60 do
    local new = round <= ROUNDS and write_some(world, source, losses, count // ROUNDS) or {}
    table.move(queue, 1, #queue, #new + 1, new)
    if more and (round <= ROUNDS + 1) then
      local others = more(world)
      table.move(others, 1, #others, #new + 1, new)
    end

    queue = deliver(world, new)
    if round > ROUNDS + 1 and #queue == 0 then return world.count end
  end

  error("the deliveries never end")
end

-- What polling does: every object that is new or changed since it last looked, as the listing tells
-- it.
local function listed(world)
  local queue = {}
  for key, object in pairs(world.objects["in"]) do
    if world.seen[key] ~= object.etag then
      queue[#queue + 1] = { job = { work = "object", bucket = "in", key = key, size = #object.body,
        etag = object.etag,
        source = "listing", time = os.date("!%Y-%m-%dT%H:%M:%SZ", object.at) } }
    end

    world.seen[key] = object.etag
  end

  table.sort(queue, function(a, b) return a.job.key < b.job.key end)

  return queue
end

-- The process dies thirty times, then it runs to its end.
local function reconcile(world)
  for _ = 1, 30 do
    world.deliver("reconcile", {})
    world.time = world.time + 61
  end

  world.die = nil
  local report = world.deliver("reconcile", {})
  assert.is_nil(report.error and report.error.message)
  assert.same({ 0, 0, 0 }, { report.result.busy, report.result.failed, report.result.recent })
  assert.equal(0, world.deliver("reconcile", {}).result.missed)
end

-- The way has finished every object's present state once, and nothing twice.
local function processed_once(world, way)
  local count = 0
  for key, object in pairs(world.objects["in"]) do
    local name = ("%s in/%s %s"):format(way, key, object.etag)
    assert.is_truthy(world.finished[name], name .. " is not finished")
    for _, document in ipairs { "tags", "metadata" } do
      local place = ("results/%s/%s/%s/%s.json"):format(way, document, key, object.etag)
      assert.is_truthy(world.objects.out[place], place)
    end

    count = count + 1
  end

  return count
end

local function nothing_twice(world, allowed)
  for name, times in pairs(world.finished) do
    if times ~= 1 and not allowed[name] then
      error(name .. " was finished " .. times .. " times")
    end
  end
end

-- Bytes of both ways' documents of the same state are the same.
local function same_documents(world)
  local compared = 0
  for key, object in pairs(world.objects.out) do
    local other = key:find("^results/polling/")
      and world.objects.out[(key:gsub("^results/polling", "results/events"))]
    if other then
      assert.equal(object.body, other.body, key)
      compared = compared + 1
    end
  end

  return compared
end

-- A state that came back after another one is a state of its own, with the same ETag: it may be
-- done again.
local function states_that_return(world, history)
  local allowed = {}
  for name, times in pairs(history) do
    if times > 1 then
      allowed["events in/" .. name], allowed["polling in/" .. name] = true, true
    end
  end

  assert.is_table(world.items)

  return allowed
end

local function new_world(seed, deaths)
  local source = random.new(seed)
  local world, history = processing_world.new(), {}
  world.count, world.seen = 0, {}
  world.die = function()
    if source:integer(1, 1000) <= deaths then
      return source:integer(0, 1) == 0 and "before" or "after"
    end
  end

  local put = world.put
  world.put = function(key, bytes)
    local object = put(key, bytes)
    local name = key .. " " .. object.etag
    history[name] = (history[name] or 0) + 1

    return object
  end

  return world, source, history
end

describe("every object is processed once", function()
  local seed = property.seed {}

  it("in phase B, whatever is lost, doubled, late or killed", function()
    local world, source, history = new_world(seed, 10)
    local objects = run_phase(world, source, 5, EVENTS)
    reconcile(world)
    assert.equal(objects, processed_once(world, "events"))
    nothing_twice(world, states_that_return(world, history))
  end)

  it("in phase A once per way, with the same bytes", function()
    local world, source, history = new_world(seed + 1, 10)
    world.mode = "parallel"
    local objects = run_phase(world, source, 0, EVENTS // 4, listed)
    assert.equal(objects, processed_once(world, "polling"))
    assert.equal(objects, processed_once(world, "events"))
    nothing_twice(world, states_that_return(world, history))
    assert.is_true(same_documents(world) >= 2 * objects)
  end)

  it("on the walk A → B → C → B → A while files arrive, in each phase as often as it says",
    function()
    local world, source, history = new_world(seed + 3, 10)
    local die, arrived = world.die, {}
    local put = world.put
    world.put = function(key, bytes)
      local object = put(key, bytes)
      arrived[("in/%s %s"):format(key, object.etag)] = world.mode
      return object
    end

    for _, phase in ipairs { { "parallel", 0, listed }, { "events_first", 5 }, { "events", 0 },
      { "events_first", 5 }, { "parallel", 0, listed } } do
      local losses, more
      world.mode, losses, more = table.unpack(phase)
      world.die = die
      run_phase(world, source, losses, EVENTS // 10, more)
      if world.mode == "events_first" then reconcile(world) end
    end

    local allowed = states_that_return(world, history)
    processed_once(world, "events")
    nothing_twice(world, allowed)
    for name, mode in pairs(arrived) do
      local by_polling = world.finished["polling " .. name] ~= nil
      if mode ~= "parallel" and not allowed["polling " .. name] then
        assert.is_false(by_polling, name .. " arrived in " .. mode
          .. ", and polling did it as well")
      end
    end

    for key, object in pairs(world.objects["in"]) do
      local name = ("in/%s %s"):format(key, object.etag)
      if arrived[name] == "parallel" and not allowed["polling " .. name] then
        assert.is_truthy(world.finished["polling " .. name], name)
      end
    end
  end)

  it("in phase C when nothing is lost", function()
    local world, source, history = new_world(seed + 2, 10)
    world.mode = "events"
    local objects = run_phase(world, source, 0, EVENTS // 4)
    assert.equal(objects, processed_once(world, "events"))
    nothing_twice(world, states_that_return(world, history))
    world.die = nil
    assert.equal("SKIPPED", world.deliver("reconcile", {}).result.status)
  end)
end)
