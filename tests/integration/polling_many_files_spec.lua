-- The state machine of polling with thousands of new objects: each is processed once, and the
-- history of the execution stays as short as with a few.
-- WEIR_POLLED_FILES gives another number.
local json = require "weir.json"
local pictures = require "support.pictures"
local polling_stage = require "support.polling_stage"

local FILES = tonumber(os.getenv("WEIR_POLLED_FILES") or "2000")

-- Events of a history that one state makes at most, and that a history may have.
local EVENTS_OF_A_STATE, MOST_EVENTS = 5, 25000

describe("the state machine of polling, with thousands of objects", function()
  it("processes each once, in a history of a few events", function()
    pictures.reset { trigger_mode = "/mode" }
    for i = 1, FILES do pictures.put(("in/%05d.png"):format(i)) end
    local stage <close> = polling_stage.open()
    stage:mode "polling"
    local result, polled = stage:poll()
    assert.equal("SUCCEEDED", result.status, json.encode(result))
    local counts = result.output.counts
    assert.same({ FILES, FILES, 0 }, { counts.Total, counts.Succeeded, counts.Failed })
    assert.is_true(#polled.states * EVENTS_OF_A_STATE * 100 < MOST_EVENTS)

    local done = 0
    for object, item in pairs(pictures.claims()) do
      local part = item.ways.polling
      assert.same({ "finished", 1, 0 }, { part.status, part.attempts, part.duplicates }, object)
      done = done + 1
    end

    assert.equal(FILES, done)
    assert.equal(FILES, #pictures.keys "results/polling/tags/")
  end)
end)
