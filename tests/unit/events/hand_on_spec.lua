local hand_on = require "weir.events.hand_on"
local try = require "weir.try"

local LAST, OWN = "arn:last", "arn:own"

-- What Step Functions says of the last execution → the standing
local function standing(found, code, more)
  local asked, given = 0, more or {}
  local effects = { dry = given.dry }
  function effects.read(_, request)
    asked = asked + 1
    assert.same({ "DescribeExecution", LAST }, { request.operation, request.input.executionArn })
    if found then return found end
    return nil, "no", code
  end

  local state, own = { execution = LAST }, OWN
  if given.nobody then state.execution = nil end
  if given.own ~= nil then own = given.own or nil end
  local word, _, failure = try.call(hand_on.standing, effects, state, own)

  return word or failure, asked
end

describe("the manifest of the last run", function()
  it("was worked through by an execution that succeeded, or tried all jobs", function()
    assert.equal("free", standing { status = "SUCCEEDED" })
    assert.equal("free", standing { status = "FAILED", error = "JobsFailed" })
  end)

  it("is still to be done where its execution ended in any other way, or is forgotten", function()
    for _, found in ipairs {
      { status = "ABORTED" },
      { status = "TIMED_OUT" },
      { status = "FAILED" },
      { status = "FAILED", error = "TriggerModeChanged" },
      { status = "FAILED", error = "ManifestCutShort" },
      { status = "FAILED", error = "Lambda.Unknown" },
      { status = "ABORTED", error = "JobsFailed" },
    } do
      assert.equal("open", standing(found), found.error or found.status)
    end

    assert.equal("open", standing(nil, "ExecutionDoesNotExist"))
  end)

  it("is another's while that one runs", function()
    assert.equal("busy", standing { status = "RUNNING" })
  end)

  it("is looked up for another execution only", function()
    assert.same({ "free", 0 }, { standing(nil, "no", { nobody = true }) })
    assert.same({ "free", 0 }, { standing(nil, "no", { own = LAST }) })
    assert.same({ "free", 0 }, { standing(nil, "no", { own = false }) })
  end)

  it("is nobody's guess: what cannot be looked up fails, but for a dry run that knows nothing",
    function()
    assert.equal("AccessDenied", standing(nil, "AccessDenied"))
    assert.equal("Unknown", standing(nil, "Unknown"))
    assert.equal("free", standing(nil, "Unknown", { dry = true }))
  end)
end)
