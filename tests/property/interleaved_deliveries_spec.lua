-- Two deliveries at once, at every point: before each call of a slow one, another delivery runs, to
-- its end or to its death after each of its calls, within the lease of the slow one or after it.
-- Whatever happens, each state is finished once, and the one who lost the claim writes no document,
-- but those it had begun to write: access points take no conditions.
local processing_world = require "support.processing_world"
local property = require "support.property"

local LEASE = 60
local MOST_CALLS = 12

-- What the other delivery is of: the same event; the same object as a listing tells it; a newer
-- state.
local OTHERS = {
  same = function(world) return world.event "in/a.png" end,
  listed = function(world)
    local object = world.objects["in"]["in/a.png"]
    return { job = { work = "object", bucket = "in", key = "in/a.png", size = #object.body,
      etag = object.etag, source = "listing",
      time = os.date("!%Y-%m-%dT%H:%M:%SZ", object.at) } }
  end,
  newer = function(world)
    world.put("in/a.png", "2")
    return world.event "in/a.png"
  end,
}

-- The other delivery, which dies after so many calls, if any.
local function run_other(world, other, death, seconds)
  local event, calls, owner = OTHERS[other](world), 0, world.perform
  world.time = world.time + seconds
  world.perform = nil -- the class's own
  world.die = death and function()
    calls = calls + 1
    return calls == death and "after" or nil
  end or nil
  world.deliver("event_processor", event)
  world.die, world.is_dead, world.perform = nil, false, owner

  return death ~= nil and calls < death
end

-- → whether the slow one made so many calls; whether the other one died
local function play(point, other, death, seconds)
  local world = processing_world.new()
  world.put("in/a.png", "1")
  local class, calls, was_spared, most_writes = world.perform, 0, false, death and 2 or 1
  local event = world.event "in/a.png"

  world.perform = function(self, request)
    calls = calls + 1
    if calls == point then
      local has_begun = request.operation == "PutObject" or next(self.puts)
      if has_begun then most_writes = most_writes + 1 end
      was_spared = run_other(self, other, death, seconds)
    end

    return class(self, request)
  end

  local where = ("point %d, %s, death %s, %d s"):format(point, other, death, seconds)
  local report = world.deliver("event_processor", event)
  world.perform = nil

  if report.error then assert.equal("ClaimBusy", report.error.code, where) end
  world.time = world.time + 1000
  report = world.deliver("event_processor", world.event "in/a.png")
  assert.is_nil(report.error and report.error.message, where)

  local present = world.objects["in"]["in/a.png"].etag
  assert.equal(1, world.finished["events in/in/a.png " .. present], where)
  for name, count in pairs(world.finished) do assert.equal(1, count, where .. ": " .. name) end
  for key, count in pairs(world.puts) do
    assert.is_true(count <= most_writes, ("%s: %s was written %d times"):format(where, key, count))
  end

  return calls >= point, was_spared
end

describe("two deliveries at once", function()
  for other in require "weir.sorted_pairs"(OTHERS) do
    it("finish each state once: the other is of the " .. other, function()
      local played = 0
      for _, seconds in ipairs { 0, LEASE + 1 } do
        for point = 1, MOST_CALLS do
          if not play(point, other, nil, seconds) then break end
          for death = 1, property.cases(MOST_CALLS) do
            played = played + 1
            local _, was_spared = play(point, other, death, seconds)
            if was_spared then break end
          end
        end
      end

      assert.is_true(played > 20, played)
    end)
  end
end)
