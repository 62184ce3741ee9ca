-- How long each stage of an object took, and what is said where clocks disagree.
local latency = require "weir.events.latency"

local function measure(written, delivered, started, decided, processed)
  local found = latency.measure { written = written or nil, delivered = delivered or nil,
    started = started or nil, decided = decided or nil, processed = processed or nil }
  local disagreeing = {}
  for i, each in ipairs(found.disagreeing) do
    disagreeing[i] = each.stage .. " " .. each.ms
  end

  return found.measured, table.concat(found.missing, " "), table.concat(disagreeing, ", ")
end

describe("the stages of an object", function()
  it("are measured from one time to the next, and from the first to the last", function()
    assert.same({ { delivery = 10, start = 20, decision = 30, output = 40, end_to_end = 100 }, "",
      "" }, { measure(1000, 1010, 1030, 1060, 1100) })
  end)

  it("may take no time", function()
    assert.same({ { delivery = 0, start = 0, decision = 0, output = 0, end_to_end = 0 }, "", "" },
      { measure(1000, 1000, 1000, 1000, 1000) })
  end)

  it("that lack a time are missing", function()
    assert.same({ { start = 20, decision = 30, output = 40 }, "delivery end_to_end", "" },
      { measure(false, 1010, 1030, 1060, 1100) })
    assert.same({ { delivery = 10, output = 40, end_to_end = 100 }, "start decision", "" },
      { measure(1000, 1010, false, 1060, 1100) })
    assert.same({ {}, "delivery start decision output end_to_end", "" }, { measure() })
  end)

  it("that end before they begin were measured by two clocks, and so was the whole", function()
    assert.same({ { start = 25, decision = 30, output = 40 }, "", "delivery -5" },
      { measure(1000, 995, 1020, 1050, 1090) })
    assert.same({ { delivery = 10, start = 20, output = 40 }, "", "decision -1" },
      { measure(1000, 1010, 1030, 1029, 1069) })
  end)

  it("that took longer than all together were measured by two clocks", function()
    assert.same({ { decision = 30, output = 40 }, "", "delivery 200, start -150" },
      { measure(1000, 1200, 1050, 1080, 1120) })
    assert.same({ { delivery = 0, output = 70 }, "", "start 200, decision -150" },
      { measure(1000, 1000, 1200, 1050, 1120) })
    -- One clock measures the later stages.
    assert.same({ { delivery = 0, decision = 140, output = 10 }, "", "start -50" },
      { measure(1000, 1000, 950, 1090, 1100) })
    -- Just as long is possible.
    assert.same({ { delivery = 120, start = 0, decision = 0, output = 0, end_to_end = 120 }, "",
      "" }, { measure(1000, 1120, 1120, 1120, 1120) })
  end)

  it("say of the whole that it ends before it begins, but not that it took no time", function()
    assert.same({ { start = 0, decision = 0, output = 0 }, "", "delivery -1, end_to_end -1" },
      { measure(1000, 999, 999, 999, 999) })
    assert.same({ { decision = 0, output = 0 }, "", "delivery 10, start -10" },
      { measure(1000, 1010, 1000, 1000, 1000) })
  end)

  it("say nothing of the whole where a time is before any earlier one", function()
    -- No two neighbours disagree: the time between them is not known.
    assert.same({ { output = 40 }, "delivery start decision", "end_to_end -30" },
      { measure(1030, false, false, 1000, 1040) })
    assert.same({ {}, "delivery start decision output", "end_to_end -30" },
      { measure(1030, false, false, false, 1000) })
  end)
end)
