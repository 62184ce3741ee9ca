-- What exactly_once_spec.lua does in memory, with processes that are really killed: several at a
-- time, by SIGKILL between their calls to AWS, on buckets and tables of real servers. Events come
-- twice, out of order, to different processes, and some are lost. WEIR_CASES=x200 makes them ten
-- thousand.
local cloud = require "support.aws"
local killed_workers = require "support.killed_workers"
local pictures = require "support.pictures"
local property = require "support.property"
local random = require "support.random"

local EVENTS, WORKERS = property.cases(50), 3

describe("processes that are killed at random process every object once", function()
  local source = random.new(property.seed {})

  local function event_of(key, etag, number)
    return { source = "aws.s3", ["detail-type"] = "Object Created", time = "2026-11-23T12:00:00Z",
      detail = { bucket = { name = "bucket" }, reason = "PutObject", object = { key = key,
        size = 8 + #key, etag = etag, sequencer = ("%016X"):format(number) } } }
  end

  -- What polling finds of the same object.
  local function listed(key, etag)
    return { job = { work = "object", bucket = "bucket", key = key, etag = etag, size = 8 + #key,
      source = "listing", time = "2026-11-23T12:00:00Z" } }
  end

  -- So many objects; of each its event, of one in five a second time, of `losses` in a hundred
  -- none; shuffled, and dealt to the workers.
  local function deal(count, losses, with_listing)
    local queues, states = {}, {}
    for i = 1, WORKERS do queues[i] = {} end
    local function give(event)
      local queue = source:choice(queues)
      table.insert(queue, source:integer(1, #queue + 1),
        { handler = "event_processor", event = event })
    end

    for number = 1, count do
      local key = ("in/%05d.png"):format(number)
      local etag = pictures.put(key)
      states[number] = ("bucket/%s %s"):format(key, etag)
      if source:integer(1, 100) > losses then give(event_of(key, etag, number)) end
      if source:chance(0.2) then give(event_of(key, etag, number)) end
      if with_listing then give(listed(key, etag)) end
    end

    return queues, states
  end

  local function variables(mode)
    return { CLAIMS_TABLE = pictures.TABLE, OUTPUT_BUCKET = "bucket", SOURCE_BUCKET = "bucket",
      CLAIM_LEASE_SECONDS = "5", WEIR_TRIGGER_MODE = mode, RECONCILE_GRACE_SECONDS = "0" }
  end

  local function work(queues, mode)
    local found = killed_workers.run { queues = queues, odds = 15, variables = variables(mode) }
    assert.is_true(found.deaths >= EVENTS // 40, found.deaths .. " deaths")
    return found
  end

  -- Each state once by each of the ways, by the claims and by what was written.
  local function processed_once(finished, states, ways)
    local names = {}
    for _, way in ipairs(ways) do
      for _, state in ipairs(states) do names[way .. " " .. state] = 1 end
      for _, document in ipairs { "tags", "metadata" } do
        assert.equal(#states, #pictures.keys(("results/%s/%s/"):format(way, document)))
      end
    end

    assert.same(names, finished)
    for object, claim in pairs(pictures.claims()) do
      for _, way in ipairs(ways) do assert.equal("finished", claim.ways[way].status, object) end
    end
  end

  it("in phase B with losses, which reconciling finds", function()
    pictures.reset()
    local queues, states = deal(EVENTS, 5)
    local finished = work(queues, "events_first").finished

    -- Reconciling is killed as well, and goes on where it was. What a dead one held is found by the
    -- next, at last by one that lives.
    local again = { handler = "reconcile", event = { bucket = "bucket", prefix = "in/" } }
    for _, odds in ipairs { 3, 0 } do
      local found = killed_workers.run { queues = { { again } }, odds = odds,
        variables = variables "events_first" }
      for name, times in pairs(found.finished) do finished[name] = (finished[name] or 0) + times end
    end

    processed_once(finished, states, { "events" })
  end)

  it("in phase A once per way, with the same bytes", function()
    pictures.reset()
    local queues, states = deal(EVENTS // 2, 0, true)
    processed_once(work(queues, "parallel").finished, states, { "events", "polling" })
    local outputs = pictures.outputs "results/polling/"
    local by_events = pictures.outputs "results/events/"
    assert.is_true(next(by_events) ~= nil, "events wrote nothing")
    for key, body in pairs(by_events) do
      assert.equal(body, outputs[(key:gsub("^results/events", "results/polling"))], key)
    end
  end)

  it("in phase C where nothing is lost", function()
    pictures.reset()
    local queues, states = deal(EVENTS // 2, 0)
    processed_once(work(queues, "events").finished, states, { "events" })
    cloud.reset()
  end)
end)
