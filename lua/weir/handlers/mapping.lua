-- Handler `mapping`: one event, or a batch of them, each to the work it stands for. Each job is
-- started as one execution of the state machine of the setting `state_machine`, under a name that
-- follows from its idempotency key: the same work twice is one execution.
--
-- The batch succeeds or fails as a whole. The handler `event_map` keeps what is broken by itself.
local arrivals = require "weir.events.arrivals"
local events = require "weir.events"
local executions = require "weir.events.executions"
local job_decision = require "weir.events.job_decision"
local json = require "weir.json"
local settings = require "weir.settings"
local try = require "weir.try"

-- Every event is decided before anything is started: a batch whose third event fails is retried
-- as a whole, and must not have half happened.
local function decide_all(units, ask)
  local decided, seen = { jobs = {}, ignored = 0, duplicates = 0 }, {}
  for i, unit in ipairs(units) do
    if unit.problem then events.invalid("event %d of %d: %s", i, #units, unit.problem) end
    local event = unit.event
    local volume = type(event.volume) == "string" and event.volume or nil
    local decision, message, code = job_decision.ask(ask, { event = event, volume = volume })
    if not decision then try.fail(("event %d of %d: %s"):format(i, #units, message), code) end

    local job = decision.fields
    if decision.action ~= "job" then
      decided.ignored = decided.ignored + 1
    elseif seen[job.idempotency_key] then
      decided.duplicates = decided.duplicates + 1
    else
      seen[job.idempotency_key] = true
      decided.jobs[#decided.jobs + 1] = job
    end
  end

  return decided
end

local function start_all(jobs, effects)
  local started = json.array({})
  if #jobs == 0 then return started end

  local state_machine = try(settings.needed(effects, "state_machine"))
  for i, job in ipairs(jobs) do started[i] = try(executions.start(job, state_machine, effects)) end
  return started
end

local function run(event, ask, effects)
  local decided = decide_all(arrivals.split(event), ask)
  local started = start_all(decided.jobs, effects)

  effects:metric("EventsMapped", #decided.jobs, "Count", { Action = "job" })
  effects:metric("EventsMapped", decided.ignored, "Count", { Action = "ignore" })
  return { started = started, ignored = decided.ignored, duplicates = decided.duplicates }
end

return {
  name = "mapping",
  asks = "mapping",
  summary = "which jobs one event, or a batch of events, stands for",
  run = run,
}
