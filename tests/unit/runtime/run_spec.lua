-- One invocation between its event and its answer, where the policy set answers as it is told.

describe("the runtime's handling of an invocation", function()
  local runtime
  setup(function()
    package.loaded["weir.runtime"] = nil
    package.loaded["weir.invocation"] = { event = function() return { files = 3 } end }
    runtime = require "weir.runtime"
  end)

  teardown(function()
    package.loaded["weir.runtime"], package.loaded["weir.invocation"] = nil, nil
  end)

  -- → what Lambda is told: outcome, text, type. decide: the set's ask; run: the handler's.
  local function handle(decide, run, cause)
    local self = {
      source = {
        set = {
          ask = decide,
          digest = function() return "sha256:x" end,
          kinds = function() return {} end,
        },
      },
      handler = { name = "mine.handle", run = run, from_package = true },
      log = { request_id = "request-1" },
      current = { trace = { sampled = false }, effects = {} },
    }

    self.options = runtime.options(self)

    return runtime.answer(self, true, cause, runtime.run(self))
  end

  local function with_fallback(_, ask)
    local decision, _, code = ask("routing", { file_count = 3 })
    return { action = decision and decision.action or "fallback", code = code }
  end

  it("lets a handler recover from a decision that its policy did not make", function()
    local outcome, text = handle(function()
      return nil, "too long", "BudgetSpent"
    end, with_fallback)
    assert.equal("response", outcome)
    assert.matches('"code":"BudgetSpent"', text, 1, true)
  end)

  it("fails, whatever the handler makes of it, where a decision had no memory", function()
    local calls = 0
    local outcome, text, kind = handle(function()
      calls = calls + 1
      return nil, "not enough memory", "OutOfMemory"
    end, with_fallback)
    assert.same({ 1, "error", "OutOfMemory" }, { calls, outcome, kind })
    assert.is_nil(text:find("fallback", 1, true))
  end)

  it("tells what cut the handler short, however the handler failed", function()
    for _, cause in ipairs { "DeadlineExceeded", "OutOfMemory" } do
      local outcome, _, kind = handle(nil, function()
        return nil, "something else", "Other"
      end, cause)
      assert.same({ "error", cause }, { outcome, kind })
    end
  end)
end)
