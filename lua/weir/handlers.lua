-- Handlers turn an event into facts, ask one policy, and carry out its decision as effects.
-- A handler is a file in weir/handlers/ that returns
--
--   { name =, summary =, asks = kind, may_ask = kind, run = function(event, ask, effects)
--       return result | nil, message, code end }
--
-- What it takes and gives is declared in weir/declarations/; its event is checked by that.
--
-- asks: the kind of policy it needs, or nil when it decides nothing; may_ask: the one that some
-- event or setting needs. ask(kind, facts[, about]) → decision | nil, message, code. about: the
-- part of the event that the decision is about, if not all of it; from there come the facts that
-- the policy set declares itself (weir.own_facts). A decision that fails fails the run: nothing is
-- carried out on a guess. Codes: "InvalidEvent", and those of ask and of the effects. A failure may
-- be raised as well (weir.try); it is caught here.
--
-- No policy sees a secret: facts are freed of them before they are decided on, so that what is
-- logged decides the same again (weir.redact).
local decide = require "weir.decide"
local declarations = require "weir.declarations"
local json = require "weir.json"
local own_facts = require "weir.own_facts"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local redact = require "weir.redact"
local try = require "weir.try"

local handlers = {
  names = {
    "routing",
    "realtime_inference",
    "inference_comparison",
    "weights",
    "mapping",
    "event_map",
    "discovery",
    "sagemaker_invoke",
    "sagemaker_callback",
    "event_processor",
    "reconcile",
    "latency_reporter",
    "replay_shard",
    "replay_reduce",
  },
}

function handlers.find(name)
  for _, known in ipairs(handlers.names) do
    if known == name then return require("weir.handlers." .. name) end
  end
end

-- A decision log for run: appends each line to the file at path.
function handlers.log_to(path)
  return function(line) return policy_set.append(path, line) end
end

local NO_SET = "the handler asks a policy, and there is no policy set; put one into policies/ or "
  .. "set WEIR_POLICY_SOURCE"

-- One decision, logged before anything is done about it: entry | nil, message, code
local function decide_one(run, kind, given, about)
  if not run.set then return nil, NO_SET, "NoPolicySet" end

  given = own_facts.add(run.set, kind, given, about or run.event, run.report.effects)
  local text, facts, redacted = decide.as_json(given, not run.options.forget_decisions, run.parts)
  run.report.asking = facts
  if #redacted > 0 then
    local whole, why, problem = decide.check_whole(run.set, kind, given)
    if not whole then return nil, why, problem end
  end

  local entry, line, code = run.set:ask(kind, text, run.request_id,
    #redacted > 0 and json.encode(redacted) or nil)
  if not entry then
    if code == "InvalidFacts" then line = own_facts.explained(run.set, kind, line) end
    return nil, line, code
  end

  entry.facts, entry.redacted = facts, redacted
  local log = run.options.log
  if not log then return entry end

  local ok, message, problem = log(line)
  if not ok then return nil, message, problem end

  return entry
end

local function ask(run, kind, facts, about)
  local observe, report = run.options.observe, run.report
  local begin_us = observe and process.time_us()

  local entry, message, code = decide_one(run, kind, facts, about)
  if observe then observe(entry or { kind = kind, code = code }, begin_us) end
  if not entry then return nil, message, code end

  if not run.options.forget_decisions then report.decisions[#report.decisions + 1] = entry end
  report.asking = nil
  return entry
end

local TOO_MANY = "the event holds more secrets than are kept out of logs; give the handler smaller "
  .. "batches"

local function run_own(handler, event, ask_policy, effects)
  declarations.demand(handler.name, event)
  return handler.run(event, ask_policy, effects)
end

-- What the handler answers. A handler of the function's package gets every event, and what it
-- raises goes on with its stack, or to `caught`.
local function call(handler, run, event, effects)
  local function ask_policy(kind, facts, about) return ask(run, kind, facts, about) end
  if handler.from_package then
    local caught = run.options.caught
    if not caught then return handler.run(event, ask_policy, effects) end
    return caught(handler.run, event, ask_policy, effects)
  end

  if redact.is_full() then
    redact.forget() -- nothing of the event is shown
    return nil, TOO_MANY, "InvalidEvent"
  end

  return try.call(run_own, handler, event, ask_policy, effects)
end

-- Only an event whose JSON is at least so long is looked up: a shorter one is made as fast anew.
local LEAST_KNOWN = 256

local NONE = {}

-- handlers.run(handler, event, set, effects[, options]) → report. handler is what handlers.find
-- gave, set a weir.policy_set or nil. The report is whole even when the run failed:
--   { handler = name, effects =, result = | error = { message =, code =, facts = },
--     decisions = { { kind =, facts =, redacted =, action =, because =, fields =, … } } }
--
-- options:
--   log = function(line) → true | nil, message, code
--       gets the log line of every decision before any effect of it; a decision that cannot be
--       logged fails the run
--   request_id =   goes into those lines
--   forget_decisions = true
--       leaves report.decisions empty: a discovery may ask a million times
--   caught = function(run, …) → result | nil, message, code
--       runs a handler of the function's package instead of run(…), and may catch what it raises
--   observe = function(decision, begin_us)
--       sees every decision that was made, and of one that was not { kind =, code = }
--   event_json = the event's JSON, where that holds no secret (weir.invocation)
function handlers.run(handler, event, set, effects, options)
  options = options or {}
  local decisions = options.forget_decisions and NONE or {}
  local report = { handler = handler.name, decisions = decisions, effects = effects }
  local run = {
    set = set,
    event = event,
    options = options,
    request_id = options.request_id,
    report = report,
  }
  local event_json = options.event_json
  if not event_json then
    redact.note(event)
  elseif #event_json >= LEAST_KNOWN and not handler.from_package then
    run.parts = { [event] = event_json } -- one of the function's package may change its event
  end

  local result, message, code = call(handler, run, event, effects)
  if result ~= nil then
    report.result = result
  else
    if type(message) == "string" then message = redact.text(redact.pieces(message, event)) end
    report.error = { message = message, code = code, facts = report.asking }
  end

  report.asking = nil

  return report
end

return handlers
