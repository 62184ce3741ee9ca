-- What a simulated world is like: the fields of a scenario, the scenarios that come with the
-- program, effects as the command line writes them, and files of an operator's own.
--
--   scenario.fields         list of { name, default, least, most, doc }, for the reference
--   scenario.built_in()     list of scenarios, in the order in which they are shown
--   scenario.complete(given, where) → scenario | nil, message, hint
--   scenario.effect("p99:+20%") → scenario | nil, message, hint
--   scenario.load(path) → list of scenarios | nil, message, hint
--
-- A scenario is { name =, title =, right = "promote" | "rollback" | nil, settings = {field =
-- number} }; `right` is what a good policy does there.
local files = require "weir.files"
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"
local suggest = require "weir.suggest"

local scenario = {}

local FOREVER = 1e9 -- minutes

local FIELDS = {
  { "traffic", 600, 1, 1e7, "requests a minute, of both variants together" },
  { "error_rate", 0.001, 0, 1, "of the champion" },
  { "p99_ms", 160, 0.01, 1e7, "p99 of the champion's latency, which is lognormal" },
  { "sigma", 0.5, 0.01, 5, "standard deviation of the latency's logarithm" },
  { "share", 0.05, 0, 1, "the challenger's share of the traffic at the start" },
  { "days", 7, 0.01, 366, "how long the trial is followed" },
  { "look_minutes", 5, 1, 1440, "the policy is asked so often", whole = true },
  { "warm_up_minutes", 10, 0, 1440, "left out after each change of weights" },

  { "errors_added", 0, -1, 1, "to the challenger's error rate: 0.005 is half a point" },
  { "errors_factor", 1, 0, 1e6, "of the challenger's error rate: 2 doubles it" },
  { "p99_factor", 1, 0.01, 100, "of the challenger's latencies: 1.2 is 20 % slower" },
  { "lost", 0, 0, 1, "share of the challenger's requests that never reach it" },
  { "from_minutes", 0, 0, FOREVER, "when these four begin" },
  { "until_minutes", FOREVER, 0, FOREVER, "when they end" },

  { "level_sd", 0, 0, 1, "how far the challenger's own latency wanders (standard deviation)" },
  { "level_memory", 20, 0.1, 100000, "for how many minutes it remembers where it was" },
  { "burst_share", 0, 0, 1, "share of minutes in which the challenger's errors burst" },
  { "burst_factor", 1, 0, 1e6, "by how much they do" },

  { "traffic_factor", 1, 0, 1000, "of the traffic, from traffic_from on" },
  { "traffic_from", FOREVER, 0, FOREVER, "minutes" },
  { "daily_peak", 1, 1, 1000, "busiest minute of the day over the quietest" },
  { "load_errors", 0, 0, 10, "error rates grow with this power of the traffic" },

  { "cold_minutes", 0, 0, 1440, "a challenger is cold after each step" },
  { "cold_error_rate", 0, 0, 1, "added to its error rate while it is cold" },
  { "cold_p99_factor", 1, 0.01, 100, "of its latencies while it is cold" },

  { "incidents_a_day", 0, 0, 70, "that hit both variants alike" },
  { "incident_minutes", 15, 0, 1440, "how long one lasts" },
  { "incident_error_rate", 0, 0, 1, "added to both error rates meanwhile" },
  { "incident_p99_factor", 1, 0.01, 100, "of both latencies meanwhile" },
}

scenario.fields = {}
local by_name, names = {}, {}
for i, row in ipairs(FIELDS) do
  local field = {
    name = row[1],
    default = row[2],
    least = row[3],
    most = row[4],
    doc = row[5],
    whole = row.whole,
  }

  scenario.fields[i], by_name[row[1]], names[i] = field, field, row[1]
end

-- Completing and checking -------------------------------------------------------------------------

local WORDS = { name = true, title = true, right = true }
local RIGHT = { promote = true, rollback = true }

local function check_words(given)
  for _, word in ipairs { "name", "title" } do
    local value = given[word]
    if value ~= nil and (type(value) ~= "string" or value == "" or #value > 80) then
      return nil, word .. " must be a text of at most 80 bytes"
    end
  end

  if given.right ~= nil and not RIGHT[given.right] then
    return nil, 'right must be "promote" or "rollback"'
  end

  return true
end

local function check_number(field, value)
  local fits = type(value) == "number" and value >= field.least and value <= field.most
  if fits and (not field.whole or math.tointeger(value)) then return true end
  local given = type(value) == "string" and ("the text '%s'"):format(value) or tostring(value)
  return nil, ("%s must be %s from %.15g to %.15g, not %s"):format(field.name,
    field.whole and "a whole number" or "a number", field.least, field.most, given)
end

function scenario.complete(given, where)
  local function refuse(message, hint) return nil, where .. ": " .. message, hint end
  if type(given) ~= "table" then return refuse "a scenario must be a table of fields" end
  local ok, message = check_words(given)
  if not ok then return refuse(message) end

  local settings = {}
  for _, field in ipairs(scenario.fields) do settings[field.name] = field.default end
  for key, value in sorted_pairs(given) do
    local field = by_name[key]
    if field then
      ok, message = check_number(field, value)
      if not ok then return refuse(message) end
      settings[key] = value + 0.0
    elseif not WORDS[key] then
      local close = suggest(tostring(key), names)
      return refuse(("a scenario has no field '%s'"):format(tostring(key)),
        close and ("did you mean '%s'?"):format(close) or "weir help simulate lists the fields")
    end
  end

  return {
    name = given.name or where,
    title = given.title or given.name or where,
    right = given.right,
    settings = settings,
  }
end

-- Those that come with the program
-- ------------------------------------------------------------------

local BUILT_IN = {
  { name = "no-change", title = "no change", right = "promote" },
  { name = "slower", title = "p99 +20 %", right = "rollback", p99_factor = 1.2 },
  { name = "errors-half-point", title = "errors +0.5 points", right = "rollback",
    errors_added = 0.005 },
  { name = "errors-third-point", title = "errors +0.3 points", right = "rollback",
    errors_added = 0.003 },
  { name = "errors-doubled", title = "errors x2", right = "rollback", errors_factor = 2 },
  { name = "base-1", title = "no change, base 1 %", right = "promote", error_rate = 0.01 },
  { name = "base-3", title = "no change, base 3 %", right = "promote", error_rate = 0.03 },
  { name = "traffic-falls", title = "traffic to 10 % after 2 h", right = "promote",
    traffic_factor = 0.1, traffic_from = 120 },
  { name = "day-and-night", title = "day and night, errors by load", right = "promote",
    daily_peak = 4, load_errors = 0.5 },
  { name = "cold-start", title = "cold start, 10 min a step", right = "promote",
    cold_minutes = 10, cold_error_rate = 0.1, cold_p99_factor = 3 },
  { name = "bad-host", title = "a bad host for an hour", right = "rollback",
    errors_added = 0.025, from_minutes = 240, until_minutes = 300 },
  { name = "late-defect", title = "p99 +30 % after 6 h", right = "rollback",
    p99_factor = 1.3, from_minutes = 360 },
  { name = "incidents", title = "incidents in both", right = "promote",
    incidents_a_day = 4, incident_error_rate = 0.1, incident_p99_factor = 1.5 },
  { name = "wandering", title = "own latency wanders, 5 %", right = "promote", level_sd = 0.05 },
  { name = "lost-requests", title = "5 % of requests lost", right = "rollback", lost = 0.05 },
}

function scenario.built_in()
  local list = {}
  for i, given in ipairs(BUILT_IN) do list[i] = assert(scenario.complete(given, given.name)) end
  return list
end

-- Effects ----------------------------------------------------------------------------------------

local EFFECTS = {
  { "^p99:([+-]%d+%.?%d*)%%$", function(n) return { p99_factor = 1 + n / 100 } end },
  { "^errors:([+-]%d+%.?%d*)pp$", function(n) return { errors_added = n / 100 } end },
  { "^errors:x(%d+%.?%d*)$", function(n) return { errors_factor = n } end },
  { "^lost:(%d+%.?%d*)%%$", function(n) return { lost = n / 100 } end },
}

local function is_harm(given)
  return (given.p99_factor or 1) > 1 or (given.errors_added or 0) > 0
    or (given.errors_factor or 1) > 1 or (given.lost or 0) > 0
end

function scenario.effect(text)
  for _, effect in ipairs(EFFECTS) do
    local number = tonumber((text:match(effect[1])))
    if number then
      local given = effect[2](number)
      given.name, given.right = text, is_harm(given) and "rollback" or "promote"
      return scenario.complete(given, text)
    end
  end

  return nil, ("'%s' is not an effect"):format(text),
    "write p99:+20%, errors:+0.5pp, errors:x2 or lost:5%"
end

-- Files ------------------------------------------------------------------------------------------

-- A file that returns data ends soon.
local MOST_INSTRUCTIONS = 10000000

local function run_bounded(chunk)
  local hook, mask, count = debug.gethook()
  debug.sethook(function() error("the file does not end", 2) end, "", MOST_INSTRUCTIONS)
  local ok, value = pcall(chunk)
  debug.sethook(hook, mask, count)

  return ok, value
end

-- A Lua file sees nothing and can do nothing: it is data.
local function read_lua(text, path)
  local chunk, message = load(text, "@" .. path, "t", {})
  if not chunk then return nil, message end
  local ok, value = run_bounded(chunk)
  if not ok then return nil, type(value) == "string" and value or path .. ": it raises an error" end

  return value
end

local function read_any(path)
  local text, message = files.read(path, 1024 * 1024)
  if not text then return nil, message end
  if path:find("%.lua$") then return read_lua(text, path) end
  local value
  value, message = json.decode(text)
  if value == nil then return nil, path .. ": " .. message end

  return value
end

function scenario.load(path)
  local value, message = read_any(path)
  if value == nil then
    return nil, message or path .. ": the file returns nothing", "a scenario is data: "
      .. "return { errors_factor = 2 }, or the same as JSON"
  end

  if type(value) ~= "table" then return nil, path .. ": a scenario must be a table of fields" end

  local given = (#value > 0 or json.is_array(value)) and value or { value }
  local list = {}
  for i, one in ipairs(given) do
    local where = #given > 1 and ("%s: scenario %d"):format(path, i) or path
    local complete, why, hint = scenario.complete(one, where)
    if not complete then return nil, why, hint end
    if one.name == nil then complete.name = path:match("([^/]+)%.%w+$") or path end
    list[i] = complete
  end

  if #list == 0 then return nil, path .. ": there is no scenario in it" end

  return list
end

return scenario
