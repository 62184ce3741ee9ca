local cases = require "weir.testing.cases"
local coverage = require "weir.testing.coverage"

-- A set that decides these one after the other.
local function set(...)
  local decisions, at = { ... }, 0
  local function decide()
    at = at + 1
    return {
      decision = decisions[at], because = "x", file = "a.lua", line = 1, instructions = 1,
      bytes = 1,
      eval_us = 1, lines = {}, branches = {},
    }
  end

  return { trace = decide, decide = decide }
end

local function run(case, ...)
  case.kind, case.given, case.params = "routing", "{}", "{}"
  return cases.run(set(...), case, coverage.new({}))
end

describe("a case", function()
  local ASSIGN = '{"action":"assign","bucket":3,"variant":"a"}'

  it("passes when what it expects is in the decision", function()
    assert.is_true(run({ expect = '{"action":"assign","variant":"a"}' }, ASSIGN, ASSIGN).passed)
    assert.is_false(run({ expect = '{"action":"assign","variant":"b"}' }, ASSIGN, ASSIGN).passed)
    assert.is_false(run({ expect = '{"weight":1}' }, ASSIGN, ASSIGN).passed)
  end)

  it("that is a recorded decision passes for that decision only", function()
    assert.is_true(run({ expect = ASSIGN, whole = true }, ASSIGN, ASSIGN).passed)
    local part = run({ expect = '{"action":"assign","variant":"a"}', whole = true }, ASSIGN, ASSIGN)
    assert.is_false(part.passed)
    assert.equal("OtherDecision", part.code)
  end)

  it("fails when the same facts give another decision", function()
    local result = run({ expect = '{"action":"assign"}' }, ASSIGN, '{"action":"assign","bucket":4}')
    assert.is_false(result.passed)
    assert.equal("NotSteady", result.code)
  end)
end)
