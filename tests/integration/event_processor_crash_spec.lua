-- Handler event_processor when its process is killed before and after every call to AWS: the event
-- comes again, and in the end the object is processed once, with the same bytes as without a death.
-- Streams of events, and deaths at random, are in tests/property/killed_processes_spec.lua.
local json = require "weir.json"
local mortal_handler = require "support.mortal_handler"
local pictures = require "support.pictures"
local process = require "weir.process"

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
      assert.equal(8, calls)
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
