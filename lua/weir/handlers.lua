-- Handlers turn an event into facts, ask one policy, and carry out its decision as effects.
-- A handler is a file in weir/handlers/ that returns
--
--   { name =, summary =, asks = kind, run = function(event, ask, effects)
--       return result | nil, message, code end }
--
-- asks: the kind of policy it needs, or nil when it decides nothing.
-- ask(kind, facts) → decision | nil, message, code. A decision that fails fails the run: nothing is
-- carried out on a guess. Codes: "InvalidEvent", and those of ask and of the effects.
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local redact = require "weir.redact"

local handlers = { names = { "routing", "realtime_inference", "mapping", "sagemaker_invoke", "sagemaker_callback" } }

function handlers.find(name)
  for _, known in ipairs(handlers.names) do
    if known == name then return require("weir.handlers." .. name) end
  end
end

local function decoded(decision)
  local fields = assert(json.decode(decision.decision))
  return {
    action = decision.action, because = decision.because, fields = fields, file = decision.file,
    line = decision.line, params_json = decision.params,
  }
end

-- Id and time of a decision made now.
local function origin(request_id)
  local id, message = process.new_id()
  return { id = assert(id, message), request_id = request_id, time = process.timestamp() }
end

-- A decision log for run: appends each line to the file at path.
function handlers.log_to(path)
  return function(line) return policy_set.append(path, line) end
end

local NO_SET = "the handler asks a policy, and there is no policy set; put one into policies/ or set "
  .. "WEIR_POLICY_SOURCE"

-- handlers.run(handler, event, set, effects[, options]) → report. handler is what handlers.find gave,
-- set a weir.policy_set or nil. The report is whole even when the run failed:
--   { handler = name, decisions = { { kind =, facts =, action =, because =, fields =, … } }, effects =,
--     result = | error = { message =, code =, facts = } }
--
-- options:
--   log = function(line) → true | nil, message, code   gets the log line of every decision before any
--       effect of it; a decision that cannot be logged fails the run
--   request_id =   goes into those lines
--   observe = function(decision, begin_us)   sees every decision that was made, and of one that was not
--       { kind =, code = }
function handlers.run(handler, event, set, effects, options)
  options = options or {}
  local report = { handler = handler.name, decisions = {}, effects = effects }
  local log, observe = options.log, options.observe
  local function ask(kind, facts)
    if not set then return nil, NO_SET, "NoPolicySet" end
    report.asking = facts
    local begin_us = observe and process.time_us()
    local decision, message, code = set:decide(kind, json.encode(facts),
      { record = log and origin(options.request_id) })
    if not decision then
      if observe then observe({ kind = kind, code = code }, begin_us) end
      return nil, message, code
    end
    if log then
      local ok
      ok, message, code = log(decision.record)
      if not ok then return nil, message, code end
    end
    local entry = decoded(decision)
    entry.kind, entry.facts = kind, facts
    report.decisions[#report.decisions + 1] = entry
    report.asking = nil
    if observe then observe(entry, begin_us) end
    return entry
  end
  local result, message, code = handler.run(event, ask, effects)
  if result == nil then
    report.error = { message = redact.text(message, event), code = code, facts = report.asking }
  else
    report.result = result
  end
  report.asking = nil
  return report
end

return handlers
