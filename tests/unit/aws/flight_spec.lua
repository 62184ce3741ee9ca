local flight = require("weir.aws.flight")
local process = require("weir.process")

local function from(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

describe("tasks in flight", function()
  local clock, sleep = process.clock, process.sleep
  after_each(function() process.clock, process.sleep = clock, sleep end)

  it("go on while others pause, as many at a time as are allowed", function()
    local now = 0
    process.clock = function() return now end
    process.sleep = function(ms) now = now + ms end

    local said, running, most = {}, 0, 0
    local function task(name, ms)
      return function()
        running = running + 1
        most = math.max(most, running)
        flight.sleep(ms)
        running, said[#said + 1] = running - 1, name
      end
    end

    flight.run(from { task("slow", 60), task("quick", 1), task("next", 1) }, 2)
    assert.same({ "quick", "next", "slow" }, said)
    assert.equal(2, most)
    assert.equal(60, now)
  end)

  it("raise what a task raises, with its place", function()
    local ok, problem = pcall(flight.run, from { function() error("broken") end }, 2)
    assert.is_false(ok)
    assert.matches("flight_spec.lua:%d+: broken", problem)
  end)

  it("are not needed: outside of one a pause is a pause", function()
    local begin = process.clock()
    flight.sleep(5)
    assert.is_true(process.clock() - begin >= 4)
  end)
end)
