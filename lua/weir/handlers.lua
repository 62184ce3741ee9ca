-- Handlers turn an event into facts, ask one policy, and carry out its decision as effects.
-- A handler is a file in weir/handlers/ that returns
--
--   { name =, summary =, run = function(event, ask, effects) return result | nil, message, code end }
--
-- ask(kind, facts) → decision | nil, message, code. A decision that fails fails the run: nothing is
-- carried out on a guess. Codes: "InvalidEvent", and those of ask and of the effects.
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local redact = require "weir.redact"

local handlers = { names = { "routing", "mapping", "sagemaker_invoke", "sagemaker_callback" } }

function handlers.find(name)
  for _, known in ipairs(handlers.names) do
    if known == name then return require("weir.handlers." .. name) end
  end
end

local function decoded(decision)
  local fields = assert(json.decode(decision.decision))
  return {
    action = decision.action, because = decision.because, fields = fields, file = decision.file,
      line = decision.line,
    params = assert(json.decode(decision.params)),
  }
end

-- Id and time of a decision made now.
local function origin()
  local now = process.time()
  local id, message = process.new_id()
  return { id = assert(id, message),
    time = os.date("!%Y-%m-%dT%H:%M:%S", now // 1000) .. (".%03dZ"):format(now % 1000) }
end

-- handlers.run(name, event, set, effects) → report. The report is whole even when the run failed:
--   { handler =, decisions = { { kind =, facts =, action =, because =, fields =, … } }, effects =,
--     result = | error = { message =, code =, facts = } }
--
-- With log, the path of a decision log, every decision is appended to it before any effect; a
-- decision that cannot be logged fails the run.
function handlers.run(name, event, set, effects, log)
  local report = { handler = name, decisions = {}, effects = effects }
  local function ask(kind, facts)
    report.asking = facts
    local decision, message, code = set:decide(kind, json.encode(facts), { record = log and origin() })
    if not decision then return nil, message, code end
    if log then
      local ok
      ok, message, code = policy_set.append(log, decision.record)
      if not ok then return nil, message, code end
    end
    local entry = decoded(decision)
    entry.kind, entry.facts = kind, facts
    report.decisions[#report.decisions + 1] = entry
    report.asking = nil
    return entry
  end
  local result, message, code = handlers.find(name).run(event, ask, effects)
  if result == nil then
    report.error = { message = redact.text(message, event), code = code, facts = report.asking }
  else
    report.result = result
  end
  report.asking = nil
  return report
end

return handlers
