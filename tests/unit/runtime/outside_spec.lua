-- What carries out the calls of invocations, where something that outlived its invocation asks: a
-- finalizer of a handler's, say, which runs between two of them.

describe("the runtime's executor", function()
  local new_executor

  setup(function()
    package.loaded["weir.runtime"] = nil
    package.loaded["weir.invocation"] = {}
    local runtime = require "weir.runtime"
    for i = 1, 255 do
      local name, value = debug.getupvalue(runtime.start, i)
      if name == "new_executor" then new_executor = value end
      if not name then break end
    end

    package.loaded["weir.aws.executor"] = {
      new = function()
        return { perform = function(_, effect) return "did " .. effect end }
      end,
    }
  end)

  teardown(function()
    package.loaded["weir.runtime"], package.loaded["weir.invocation"] = nil, nil
    package.loaded["weir.aws.executor"] = nil
  end)

  local function perform(current)
    return new_executor({ current = current }):perform("a call")
  end

  local function trace(sampled)
    return {
      sampled = sampled,
      call = function(_, effect, each) return "traced: " .. each(effect) end,
    }
  end

  it("traces a call of an invocation that is sampled, and no other", function()
    assert.equal("traced: did a call", perform({ trace = trace(true) }))
    assert.equal("did a call", perform({ trace = trace(false) }))
  end)

  it("carries out a call between two invocations, untraced", function()
    assert.equal("did a call", perform(nil))
  end)
end)
