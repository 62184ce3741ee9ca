-- The item of an object in the claims table, looked at before it is used: what somebody else wrote
-- there must not end in an error without a name, nor pass for a claim.
--
--   claim_record.check(item) → item | nil, message, "ClaimDamaged"
--
-- weir.events.claims says what an item has.
local events = require "weir.events"
local json = require "weir.json"

local claim_record = {}

local function is_text(value) return type(value) == "string" end

local function is_number(value) return type(value) == "number" end

local function is_absent_or(is_fine, value) return value == nil or is_fine(value) end

-- Whether it is an object whose members are all so.
local function is_all(is_fine, value)
  if not events.is_object(value) then return false end
  for _, member in pairs(value) do -- any order: each is looked at by itself
    if not is_fine(member) then return false end
  end

  return true
end

-- What weir itself reads of a result: the claim's next delivery, latency_reporter, weir compare.
local function is_result(text)
  local result = is_text(text) and json.decode(text)
  return events.is_object(result) and is_absent_or(is_text, result.status)
    and is_absent_or(is_text, result.error) and is_absent_or(is_text, result.message)
    and (result.stages == nil or is_all(is_number, result.stages))
    and (result.documents == nil or is_all(is_text, result.documents))
end

local STATUSES = { working = true, finished = true, released = true }

local function is_part(part)
  return events.is_object(part) and STATUSES[part.status] ~= nil
    and is_absent_or(is_number, part.attempts) and is_absent_or(is_number, part.duplicates)
    and is_absent_or(is_number, part.finished_at)
    and (part.status ~= "working" or is_number(part.lease_until))
    and (part.status ~= "finished" or is_result(part.result))
end

-- The member that is not as it should be, or nil.
local function wrong_member(item)
  if not is_text(item.object) then return "object" end
  if not is_text(item.etag) then return "etag" end
  if math.type(item.revision) ~= "integer" then return "revision" end
  if not is_absent_or(is_text, item.sequencer) then return "sequencer" end
  if not is_absent_or(is_number, item.last_modified) then return "last_modified" end
  if not events.is_object(item.ways) then return "ways" end
  for _, way in ipairs { "events", "polling" } do
    if not is_absent_or(is_part, item.ways[way]) then return "ways." .. way end
  end
end

function claim_record.check(item)
  if not events.is_object(item) then
    return nil, "an item of the claims table is not an object of JSON", "ClaimDamaged"
  end

  local wrong = wrong_member(item)
  if not wrong then return item end

  return nil, ("the item %s of the claims table is not a claim as this program writes it: see its "
    .. "%s; delete the item, and the object is processed again"):format(tostring(item.object),
    wrong), "ClaimDamaged"
end

return claim_record
