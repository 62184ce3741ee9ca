-- What the mapping policy's answer about one event is to the handlers.
local job_decision = require "weir.events.job_decision"
local redact = require "weir.redact"

-- Asks a policy that answers so.
local function job(decision, message, code)
  local asked
  local function ask(kind, facts, about)
    asked = { kind, facts.event, about }
    return decision, message, code
  end

  local found, why, problem = job_decision.job(ask, { event = "the event" })
  assert.same({ "mapping", "the event", "the event" }, asked)
  return found, why, problem
end

local function decided(action, fields, redacted)
  fields.action = action
  return { action = action, fields = fields, redacted = redacted or {}, because = "of this" }
end

describe("a decision about an event", function()
  it("is a job without the word for it", function()
    assert.same({ key = "k", work = "object" },
      (job(decided("job", { key = "k", work = "object" }))))
  end)

  it("is no work where the policy ignores it, and says why", function()
    assert.same({ false, "of this" }, { job(decided("ignore", {})) })
    assert.same({ false, "of this" }, { job(decided("ignore", { unknown = false })) })
  end)

  it("is a failure of the event where the policy does not know it", function()
    assert.same({ [2] = "of this", [3] = "UnknownEvent" },
      { job(decided("ignore", { unknown = true })) })
    assert.is_true(job_decision.of_the_event.UnknownEvent)
  end)

  it("is the failure that there was, everybody's where no policy is to be had", function()
    assert.same({ [2] = "no set", [3] = "NoPolicySet" }, { job(nil, "no set", "NoPolicySet") })
    assert.is_nil(job_decision.of_the_event.NoPolicySet)
  end)

  it("is refused where the job repeats a secret, with the names in their order", function()
    local fields = { key = redact.MARK, etag = "a" .. redact.MARK, size = 7 }
    local found, why, code = job(decided("job", fields, { { "facts", "event" } }))
    assert.same({ [3] = "InvalidEvent" }, { found, nil, code })
    assert.matches("^etag, key of the job looks like a task token", why)
  end)
end)
