-- Asks the mapping policy about one event.
--
--   job_decision.ask(ask, facts) → decision | nil, message, code
--   job_decision.job(ask, facts) → job | false: there is no work, and why | nil, message, code
--   job_decision.of_the_event   the codes of failures that are the event's, or the policy's about
--                               this event; any other is everybody's
--
-- An event that the policy ignores as unknown is no event without work: it is the failure
-- "UnknownEvent" of `job`, so that nobody counts it as done.
local events = require "weir.events"
local redact = require "weir.redact"
local try = require "weir.try"

local job_decision = {
  of_the_event = {
    BudgetSpent = true,
    InvalidEvent = true,
    InvalidFacts = true,
    InvariantBroken = true,
    PolicyError = true,
    UnknownEvent = true,
  },
}

-- The policy sees the event without its secrets. A job that needs one of them would be a wrong job:
-- it is refused.
local function check_whole(decision)
  local names = {}
  for name, value in pairs(decision.fields) do -- any order: sorted below
    if type(value) == "string" and value:find(redact.MARK, 1, true) then
      names[#names + 1] = name
    end
  end

  if #names == 0 then return end

  table.sort(names)
  events.invalid("%s of the job looks like a task token, or repeats a secret of the event; a job "
    .. "must not carry one", table.concat(names, ", "))
end

function job_decision.ask(ask, facts)
  local decision, message, code = ask("mapping", facts, facts.event)
  if not decision then return nil, message, code end
  if decision.action ~= "job" or #decision.redacted == 0 then return decision end

  local fine
  fine, message, code = try.call(function()
    check_whole(decision)
    return true
  end)

  if fine then return decision end

  return nil, message, code
end

function job_decision.job(ask, facts)
  local decision, message, code = job_decision.ask(ask, facts)
  if not decision then return nil, message, code end

  local fields = decision.fields
  if decision.action == "job" then
    fields.action = nil
    return fields
  end

  if fields.unknown then return nil, decision.because, "UnknownEvent" end
  return false, decision.because
end

return job_decision
