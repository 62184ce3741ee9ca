-- The order of two states of an object.
local state_order = require "weir.events.state_order"

local function listed(time) return state_order.of { source = "listing", time = time } end

describe("the order of two states", function()
  it("is that of sequencers, as hex digits filled on the right", function()
    for _, case in ipairs {
      { "61", "62", -1 }, { "617F08", "617f08", 0 }, { "617f08299329d189", "617f0829", 1 },
      { "00617F", "617F", -1 }, { "0A", "0A00", 0 },
    } do
      local a, b, expected = table.unpack(case)
      assert.equal(expected, state_order.compare({ sequencer = a }, { sequencer = b }),
        a .. " " .. b)
    end
  end)

  it("is that of sequencers where LastModified says something else", function()
    assert.equal(-1, state_order.compare({ sequencer = "01", last_modified = 9 },
      { sequencer = "02", last_modified = 5 }))
  end)

  it("is that of LastModified where listings told both", function()
    local early, late = listed "2026-11-23T12:00:00.000Z", listed "2026-11-23T12:00:01Z"
    assert.same({ -1, 1, 0 }, { state_order.compare(early, late),
      state_order.compare(late, early), state_order.compare(late, late) })
  end)

  it("is not known of a listing and an event, nor by an event's time", function()
    local event = state_order.of { source = "eventbridge", time = "2026-11-23T12:00:00Z" }
    assert.same({}, event)
    assert.is_nil(state_order.compare(event, listed "2026-11-23T12:00:00Z"))
    assert.is_nil(state_order.compare({ sequencer = "01" }, listed "2026-11-23T12:00:00Z"))
    assert.is_nil(state_order.compare(listed "no time", listed "2026-11-23T12:00:00Z"))
  end)
end)

describe("a record that is told of another order of its state", function()
  it("keeps the later one of each mark", function()
    local record = {}
    for _, step in ipairs {
      { { sequencer = "05" }, "05", nil },
      { { last_modified = 7 }, "05", 7 },
      { { sequencer = "04", last_modified = 9 }, "05", 9 },
      { { sequencer = "06", last_modified = 8 }, "06", 9 },
      { {}, "06", 9 },
    } do
      state_order.merge(record, step[1])
      assert.same({ step[2], step[3] }, { record.sequencer, record.last_modified })
    end
  end)
end)
