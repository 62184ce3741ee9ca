-- Handler `inference_comparison`, on a schedule of five minutes: what each variant of an endpoint
-- did in the windows that have ended, the evidence of the whole trial, the promotion policy's
-- decision, and, where WEIR_PROMOTION is `act`, the new weights.
--
-- The event is the schedule's, and may carry an operator's order:
--   { "order": { "action": "rollback" | "hold" | "lift", "to": variant, "by": who,
--                "reason": why } }
-- A rollback needs no statistics: whatever cannot be read then is left out.
--
-- Every way out tells once, by one event and one metric (weir.inference.traffic_change):
-- what was decided, or that nothing could be. A window that was decided before is answered again,
-- and told no more.
-- With COMPATIBLE_OUTPUT and no CHALLENGER_VARIANT it only aggregates, as the Python handler does.
local ab_table = require "weir.inference.ab_table"
local events = require "weir.events"
local look = require "weir.inference.look"
local python = require "weir.callback.python"
local settings = require "weir.settings"
local try = require "weir.try"

-- Bytes, as kind `promotion` has them.
local MOST_TO, MOST_BY, MOST_REASON = 63, 256, 1024
local ORDERS = { rollback = true, hold = true, lift = true }
-- How often an order is taken up again when another invocation was faster.
local ROUNDS = 3

-- Settings ----------------------------------------------------------------------------------------

local function optional(effects, name)
  local value = settings.text(effects, name, "")
  return value ~= "" and value or nil
end

local function read_settings(effects)
  local name = try(settings.needed(effects, "endpoint_name"))
  local seconds = try(settings.integer(effects, "aggregation_window_seconds"))
  if seconds % 60 ~= 0 then
    try.fail("AGGREGATION_WINDOW_SECONDS must be a multiple of 60", "InvalidSetting")
  end

  local table_settings = ab_table.settings(effects)
  if not table_settings then
    if not effects.dry then try(settings.needed(effects, "ab_test_table_name")) end
    try.fail("set AB_TEST_TABLE_NAME", "NotConfigured")
  end

  return {
    endpoint_name = name,
    seconds = seconds,
    place = { table = table_settings, test_id = optional(effects, "ab_test_id") or name },
    late = try(settings.integer(effects, "late_seconds")),
    warm_up = try(settings.integer(effects, "warm_up_seconds")),
    mode = try(settings.choice(effects, "promotion")),
    names = {
      champion = optional(effects, "champion_variant"),
      challenger = optional(effects, "challenger_variant"),
    },
  }
end

-- No order fails because its words are many, or none: what is beyond the size is left out.
local function words(order, name, size)
  local text = events.member(order, name)
  if text == nil or text == "" then return nil end
  if type(text) ~= "string" then events.invalid("order.%s must be a text", name) end

  return #text <= size and text or text:sub(1, utf8.offset(text, 0, size + 1) - 1)
end

local function read_order(event, effects)
  events.object(event)
  local order = events.member(event, "order")
  if not order then return nil end
  if not events.is_object(order) or not ORDERS[order.action] then
    events.invalid('order must be {"action": "rollback", "hold" or "lift"}')
  end

  local to = events.text(order, "to")
  if to and #to > MOST_TO then events.invalid("order.to must have %d bytes at most", MOST_TO) end

  return {
    id = effects:uuid(),
    action = order.action,
    to = to,
    by = words(order, "by", MOST_BY),
    reason = words(order, "reason", MOST_REASON),
  }
end

-- In place of the Python handler it decides nothing, and tells nothing.
local function replaces_python(effects)
  return python.is_wanted(effects) and not optional(effects, "challenger_variant")
end

-- Looking -----------------------------------------------------------------------------------------

local function decide(found, ask)
  local answer, message, code
  for _ = 1, found.order and ROUNDS or 1 do
    answer, message, code = try.call(found.decide, found, ask)
    if answer or code then break end
  end

  if answer then return answer end
  if not code then return { endpoint = found.endpoint_name, repeated = true } end

  found:tell_failure(message)
  return nil, message, code
end

local function read(event, effects)
  local given = read_settings(effects)
  given.order = read_order(event, effects)

  return given
end

local function run(event, ask, effects)
  local given, message, code = try.call(read, event, effects)
  if not given then
    if not try.call(replaces_python, effects) then look.tell_unread(effects, message) end
    return nil, message, code
  end

  local found = look.new(effects, given)
  if replaces_python(effects) and not given.order then
    return found:aggregate_only()
  end

  return decide(found, ask)
end

return {
  name = "inference_comparison",
  asks = "promotion",
  summary = "compare an endpoint's variants, decide about the challenger, and act on it",
  run = run,
}
