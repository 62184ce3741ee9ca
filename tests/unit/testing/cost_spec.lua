local cost = require "weir.testing.cost"

-- A set whose decisions cost what their facts say: "instructions bytes microseconds".
local function set(known)
  return {
    policies = function() return { { kind = "routing", params = known or {} } } end,
    decide = function(_, _, facts)
      local instructions, bytes, time = facts:match("(%d+) (%d+) (%d+)")
      if not instructions then return nil, "failed", "PolicyError" end
      return {
        action = "batch", file = "routing.lua", line = 3,
        instructions = math.tointeger(instructions),
        bytes = math.tointeger(bytes), eval_us = math.tointeger(time),
      }
    end,
  }
end

local function measure(facts, limits, most)
  local troubles = { seen = {} }
  function troubles:add(_, event) table.insert(self.seen, event.type .. " " .. event.line) end

  local measured =
    cost.new(set(), limits or { instructions = math.huge, bytes = math.huge }, most or 5,
    troubles)
  for i, each in ipairs(facts) do
    measured:add("day.jsonl", { line = i, kind = "routing", facts = each })
  end

  return measured, troubles.seen
end

local function lines(list)
  local found = {}
  for i, one in ipairs(list) do found[i] = one.line end
  return found
end

describe("cost", function()
  it("spreads over decisions: median, 99 % and most by nearest rank", function()
    local facts = {}
    for i = 1, 200 do facts[i] = ("%d %d %d"):format(i, 1000 - i, 3) end
    local kind = measure(facts):kinds()[1]
    assert.same({ median = 100, p99 = 198, most = 200 }, kind.instructions)
    assert.same({ median = 899, p99 = 997, most = 999 }, kind.bytes)
    assert.equal(200, kind.decisions)
    assert.equal(600, measure(facts).eval_us)
  end)

  it("names the most expensive by instructions, then by memory, the first of equals in front",
    function()
    local facts = { "5 1 1", "7 1 1", "5 2 1", "7 1 1", "1 9 1" }
    assert.same({ 2, 4, 3 }, lines(measure(facts, nil, 3):worst()))
    assert.same({ 2, 4, 3, 1, 5 }, lines(measure(facts):worst()))
  end)

  it("names those above a limit, by how far they are above", function()
    local measured = measure({ "50 10 1", "120 10 1", "10 300 1", "100 100 1" },
      { instructions = 100, bytes = 100 })
    assert.equal(2, measured.exceeding)
    assert.same({ 3, 2 }, lines(measured:worst()))
    assert.same({ instructions = 120, bytes = 300 }, measured:most())
  end)

  it("counts what fails, and what is not a decision, apart", function()
    local measured, seen = measure({ "1 1 1", "nonsense" })
    measured:add("day.jsonl", { line = 3, message = "bad" })
    assert.same({ 2, 1, 1 }, { measured.decisions, measured.failed, measured.bad_lines })
    assert.same({ "failure 2", "bad line 3" }, seen)
  end)
end)
