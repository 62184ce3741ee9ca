-- How work is triggered while an organisation moves from polling to events: the setting
-- `trigger_mode` (WEIR_TRIGGER_MODE). Its value is a mode, or the name of an SSM parameter that
-- holds one ("/weir/trigger-mode", "ssm:NAME" or an ARN): then it changes without a deployment,
-- within trigger_mode_seconds (30).
--
--   polling        a schedule lists; events are not acted on
--   parallel       (A) both, each with claims and outputs of its own, to be compared
--   events_first   (B) events, and polling for what they missed; both share the events' claims
--   events         (C) events alone
--
-- Without the setting it is events_first: whichever way is deployed works, and no object is done
-- twice.
--
--   trigger_mode.read(effects)   → mode; raises a failure (weir.try)
--   trigger_mode.check(value)   → the mode that an event names | nil, message, "InvalidEvent"
--   trigger_mode.polls(mode)     → whether a listing's objects are processed as polling's own work
--   trigger_mode.way(mode, source)   → "polling" | "events": whose claims and outputs a job of this
--                                    source uses; nil where such jobs are not acted on
local settings = require "weir.settings"
local try = require "weir.try"

local trigger_mode = {
  MODES = { "polling", "parallel", "events_first", "events" },
  DEFAULT = "events_first",
}

-- Listings come by polling; everything else announces one object.
local WAYS = {
  polling = { listing = "polling" },
  parallel = { listing = "polling", event = "events" },
  events_first = { listing = "events", event = "events" },
  events = { event = "events" },
}

function trigger_mode.polls(mode) return mode == "polling" or mode == "parallel" end

function trigger_mode.way(mode, source)
  return WAYS[mode][source == "listing" and "listing" or "event"]
end

-- What the parameter said last, in this process: name → { mode =, at = }.
local known = {}

-- parameter_name(value of the setting) → the name of an SSM parameter, or nil
function trigger_mode.parameter_name(value)
  if value:find("^[/]") or value:find("^arn:") then return value end
  return value:match("^ssm:(.+)$")
end

local function check_setting(value)
  if WAYS[value] then return value end
  return nil, ("the setting trigger_mode is '%s', not one of %s, or the name of an SSM parameter "
    .. "such as /weir/trigger-mode"):format(value, table.concat(trigger_mode.MODES, ", ")),
    "InvalidSetting"
end

-- What is there in place of a mode may be a secret of something else: only words are shown.
local function shown(value)
  return value:find("^[%a_ ]+$") and #value <= 20 and ("'%s'"):format(value)
    or ("a text of %d bytes"):format(#value)
end

function trigger_mode.check(value)
  if WAYS[value] then return value end
  return nil, ("trigger_mode is %s, not one of %s"):format(shown(value),
    table.concat(trigger_mode.MODES, ", ")), "InvalidEvent"
end

local function check_parameter(value, name)
  if WAYS[value] then return value end
  return nil, ("the SSM parameter %s is %s, not one of %s; write one of these into it"):format(name,
    shown(value), table.concat(trigger_mode.MODES, ", ")), "InvalidSetting"
end

local function fetch(effects, name)
  local output, message, code = effects:read {
    service = "ssm",
    operation = "GetParameter",
    target = name,
    input = { Name = name },
  }

  if not output then
    return nil, ("the trigger mode is in the SSM parameter %s, which cannot be read: %s"):format(
      name, message), code
  end

  local parameter = output.Parameter
  local value = type(parameter) == "table" and parameter.Value
  return check_parameter(type(value) == "string" and value:match("^%s*(.-)%s*$") or "", name)
end

-- While the parameter cannot be read, or holds something else, the last mode goes on: no mix of
-- modes loses an object or does it twice.
local function from_parameter(effects, name)
  local fresh = try(settings.integer(effects, "trigger_mode_seconds"))
  local now, last = effects:now(), not effects.dry and known[name] or nil
  local age = last and now - last.at
  if age and age >= 0 and age < fresh then return last.mode end

  local mode, message, code = fetch(effects, name)
  if mode then
    if not effects.dry then known[name] = { mode = mode, at = now } end
    return mode
  end

  if not last then
    if effects.dry and code == "Unknown" then return trigger_mode.DEFAULT end
    try.fail(message, code)
  end

  effects:metric("TriggerModeStale", 1, "Count", { TriggerMode = last.mode })

  return last.mode
end

function trigger_mode.read(effects)
  local value = try(settings.text(effects, "trigger_mode", trigger_mode.DEFAULT))
  local name = trigger_mode.parameter_name(value)
  if name then return from_parameter(effects, name) end

  return try(check_setting(value))
end

-- For tests: forgets everything, as a new process would.
function trigger_mode.forget() known = {} end

return trigger_mode
