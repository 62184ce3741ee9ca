local json = require "weir.json"
local latency = require "weir.events.latency"

-- of(written, delivered, started, decided, processed): false for what is not known
local function of(...)
  local times = {}
  for i, name in ipairs { "written", "delivered", "started", "decided", "processed" } do
    times[name] = select(i, ...) or nil
  end

  return latency.measure(times)
end

local function stages_of(list)
  local names = {}
  for i, each in ipairs(list) do names[i] = each.stage .. " " .. each.ms end
  return names
end

describe("the latency of each stage", function()
  it("is the time between its two ends, and of all of them", function()
    local found = of(0, 1, 3, 6, 10)
    assert.same({ delivery = 1, start = 2, decision = 3, output = 4, end_to_end = 10 },
      found.measured)
    assert.same({ json.array {}, json.array {} }, { found.missing, found.disagreeing })
  end)

  it("is missing where one end is not known", function()
    for i, missing in ipairs {
      { "delivery", "end_to_end" },
      { "delivery", "start" },
      { "start", "decision" },
      { "decision", "output" },
      { "output", "end_to_end" },
    } do
      local times = { 0, 1, 3, 6, 10 }
      times[i] = false
      assert.same(missing, { table.unpack(of(table.unpack(times)).missing) }, i)
    end
  end)

  it("is not told by clocks that disagree, by one millisecond or by a day", function()
    local DAY = 86400000
    for _, case in ipairs {
      { { 1, 0, 3, 6, 10 }, { "delivery -1" } },
      { { 0, 4, 3, 6, 10 }, { "start -1" } },
      { { 0, 1, 3, 2, 10 }, { "decision -1" } },
      { { 0, 1, 3, 6, 5 }, { "output -1" } },
      { { 0, DAY, 3, 6, 10 }, { "delivery 86400000", "start -86399997" } },
      { { DAY, 1, 3, 6, 10 }, { "delivery -86399999", "end_to_end -86399990" } },
      { { 4, false, 3, 6, 10 }, { "end_to_end -1" } },
      { { 11, false, 3, 6, 10 }, { "end_to_end -1" } },
      { { 5, false, false, 4, 10 }, { "end_to_end -1" } },
    } do
      local found = of(table.unpack(case[1]))
      assert.same(case[2], stages_of(found.disagreeing))
      assert.is_nil(found.measured.end_to_end)
      for _, each in ipairs(found.disagreeing) do assert.is_nil(found.measured[each.stage]) end
    end
  end)

  it("is of one clock from the start on: those are never too long", function()
    local found = of(5, false, 0, 100, 101)
    assert.same({ decision = 100, output = 1 }, found.measured)
  end)
end)
