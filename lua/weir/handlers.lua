-- Handlers turn an event into facts, ask one policy, and carry out its decision as effects.
-- A handler is a file in weir/handlers/ that returns
--
--   { name =, summary =, run = function(event, ask, effects) return result | nil, message, code end }
--
-- ask(kind, facts) → decision | nil, message, code. A decision that fails fails the run: nothing is
-- carried out on a guess. Codes: "InvalidEvent", and those of ask and of the effects.
local json = require "weir.json"

local handlers = { names = { "routing", "mapping" } }

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

-- handlers.run(name, event, set, effects) → report. The report is whole even when the run failed:
--   { handler =, decisions = { { kind =, facts =, action =, because =, fields =, … } }, effects =,
--     result = | error = { message =, code =, facts = } }
function handlers.run(name, event, set, effects)
  local report = { handler = name, decisions = {}, effects = effects }
  local function ask(kind, facts)
    report.asking = facts
    local decision, message, code = set:decide(kind, json.encode(facts))
    if not decision then return nil, message, code end
    local entry = decoded(decision)
    entry.kind, entry.facts = kind, facts
    report.decisions[#report.decisions + 1] = entry
    report.asking = nil
    return entry
  end
  local result, message, code = handlers.find(name).run(event, ask, effects)
  if result == nil then
    report.error = { message = message, code = code, facts = report.asking }
  else
    report.result = result
  end
  report.asking = nil
  return report
end

return handlers
