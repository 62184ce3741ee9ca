-- Handler event_processor when its process is killed before and after every call to AWS: the event
-- comes again, and in the end the object is processed once, with the same bytes as without a death.
local json = require "weir.json"
local mortal_handler = require "support.mortal_handler"
local pictures = require "support.pictures"
local process = require "weir.process"
local property = require "support.property"
local random = require "support.random"

local cloud = pictures.cloud

local KEY = "in/cup.png"

describe("event_processor in a process that is killed", function()
  local mortal

  setup(function()
    mortal = mortal_handler.new {
      CLAIMS_TABLE = pictures.TABLE,
      OUTPUT_BUCKET = "bucket",
      CLAIM_LEASE_SECONDS = "1",
    }
  end)

  teardown(function() mortal:remove() end)

  -- One delivery in a process of its own → "killed" | "busy" | "done"
  local function deliver(job, mode)
    local status, output = mortal:run("event_processor", json.encode(job),
      { variables = { WEIR_TRIGGER_MODE = mode } })
    if status == "killed" then return status end
    if output:find("ClaimBusy", 1, true) then return "busy" end
    assert.equal(0, status, output)

    return "done"
  end

  -- Until it is done: a lease of the dead one has to run out.
  local function deliver_again(job, mode)
    while deliver(job, mode) == "busy" do process.sleep(200) end
  end

  local function prepare()
    pictures.reset()
    pictures.put(KEY)
    local job = pictures.job(KEY)
    cloud.reset()

    return job
  end

  local function finished_once(way)
    local item = pictures.claims()["bucket/" .. KEY]
    assert.equal("finished", item.ways[way].status)
    assert.is_true(item.ways[way].attempts <= 2)

    return item
  end

  for mode, source in pairs { events_first = "eventbridge", parallel = "listing" } do
    it(("at any call (%s): one result, the same bytes"):format(mode), function()
      local way = mode == "parallel" and "polling" or "events"
      local job = prepare()
      job.source, job.time = source, "2026-11-23T12:00:00Z"
      assert.equal("done", deliver(job, mode))
      local calls, expected = #pictures.operations(), pictures.outputs "results/"
      assert.equal(7, calls)
      finished_once(way)

      for call = 1, calls do
        for _, kind in ipairs { "kill_before", "kill_after" } do
          prepare()
          local faults = {}
          for n = 1, call - 1 do faults[n] = { kind = "pass" } end
          faults[call] = { kind = kind, pid_file = mortal.pid_file }
          cloud.faults(table.unpack(faults))
          assert.equal("killed", deliver(job, mode))
          deliver_again(job, mode)
          assert.same(expected, pictures.outputs "results/", ("%s %d"):format(kind, call))
          finished_once(way)
        end
      end
    end)
  end
end)

-- What tests/property/exactly_once_spec.lua does ten thousand times in memory, with real processes,
-- real SIGKILLs and real tables.
describe("a stream of events to processes that are killed", function()
  local OBJECTS = 10
  local mortal

  setup(function()
    mortal = mortal_handler.new {
      CLAIMS_TABLE = pictures.TABLE,
      OUTPUT_BUCKET = "bucket",
      CLAIM_LEASE_SECONDS = "1",
      WEIR_TRIGGER_MODE = "events_first",
    }
  end)

  teardown(function() mortal:remove() end)

  -- Each object's event, some twice, in another order; the last one's is lost.
  local function events_of(source)
    local queue = {}
    for i = 1, OBJECTS do
      local key = ("in/%02d.png"):format(i)
      pictures.put(key)
      local job = pictures.job(key, { time = "2026-11-23T12:00:00Z" })
      if i < OBJECTS then
        queue[#queue + 1] = job
        if source:chance(0.3) then queue[#queue + 1] = job end
      end
    end

    for i = 1, #queue do
      local j = source:integer(1, #queue)
      queue[i], queue[j] = queue[j], queue[i]
    end

    return queue
  end

  -- Before or after a call that is drawn, of the seven of a whole run.
  local function kill_somewhere(source)
    local faults, call = {}, source:integer(1, 7)
    for n = 1, call - 1 do faults[n] = { kind = "pass" } end
    faults[call] = {
      kind = source:chance(0.5) and "kill_before" or "kill_after",
      pid_file = mortal.pid_file,
    }

    cloud.faults(table.unpack(faults))
  end

  -- Until every event was answered: what was killed, or busy, comes again. → deaths
  local function deliver_all(queue, source)
    local deaths = 0
    while #queue > 0 do
      local job = table.remove(queue, 1)
      cloud.faults()
      if source:chance(0.5) then kill_somewhere(source) end
      local status, output = mortal:run("event_processor", json.encode(job))
      if status == "killed" then
        deaths = deaths + 1
        queue[#queue + 1] = job
      elseif output:find("ClaimBusy", 1, true) then
        process.sleep(200)
        queue[#queue + 1] = job
      else
        assert.equal(0, status, output)
      end
    end

    cloud.faults()
    return deaths
  end

  it("ends with every object processed once, and the lost one found by reconciling", function()
    local source = random.new(property.seed { seed = 12 })
    pictures.reset { trigger_mode = "events_first" }
    local deaths = deliver_all(events_of(source), source)
    assert.is_true(deaths >= 2, deaths)

    pictures.settings.bucket, pictures.settings.prefix = "bucket", "in/"
    pictures.settings.reconcile_grace_seconds = "0"
    local found = pictures.run("reconcile", {})
    assert.is_nil(found.error and found.error.message)
    assert.same({ OBJECTS - 1, 1, 0 }, {
      found.result.finished,
      found.result.processed,
      found.result.failed,
    })

    local claims, count = pictures.claims(), 0
    for object, item in pairs(claims) do
      count = count + 1
      assert.equal("finished", item.ways.events.status, object)
    end

    assert.equal(OBJECTS, count)
    assert.equal(2 * OBJECTS, #pictures.keys "results/")
  end)
end)
