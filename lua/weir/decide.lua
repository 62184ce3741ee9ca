-- One decision of a policy set, made and recorded without the secrets of its facts: what is in the
-- log decides the same again.
--
--   as_json(facts, keep, parts) → the facts as JSON without secrets, the same as a value, list of
--       the places. The value is the given one where nothing had to be taken out, unless it is to
--       be kept for later. parts: as redact.clean_json has them
--   without_secrets(facts) → facts, list of the places (JSON pointers) of what was taken out
--   check_whole(set, kind, facts) → true | nil, message, code
--       Whether the facts were allowed before something was taken out of them. What the policy says
--       about them is dropped.
local json = require "weir.json"
local redact = require "weir.redact"

local decide = {}

function decide.without_secrets(facts)
  redact.note(facts)
  return redact.facts(facts)
end

local NO_PLACES = json.array {}

function decide.as_json(facts, keep, parts)
  local text = not keep and redact.clean_json(facts, parts)
  if text then return text, facts, NO_PLACES end

  local clean, redacted = decide.without_secrets(facts)
  return json.encode(clean), clean, redacted
end

function decide.check_whole(set, kind, facts)
  local _, message, code = set:decide(kind, json.encode(facts))
  if code ~= "InvalidFacts" then return true end
  return nil, redact.text((message:gsub(", got .*", ", got " .. redact.MARK))), code
end

return decide
