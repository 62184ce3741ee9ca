-- What each handler of weir's takes and gives, declared once in weir/declarations/NAME.lua: its
-- event is checked by it, and `weir help handler NAME` shows it.
--
--   { event = specs of the event's members, or { any = what it may be, … specs },
--     settings = names of weir.setting_specs, needed = those that must be set,
--     answer = what comes back, example = an event that runs dry as it is }
--
-- A spec is { name =, type =, doc =, required =, also = other names, spellings = true for AWS's as
-- well, min =, max =, values = }, or { name =, fact = kind }: passed on to the policy as a fact,
-- and checked there. A type may be a list of types. by_handler: the handler checks it itself.
--
--   find(name) → the declaration | nil
--   other_names(spec) → list of the names besides spec.name
--   demand(name, event)    raises a failure where the event is not one that the handler takes
--   check(name, event) → true | nil, message, code of that failure
local contains = require "weir.contains"
local events = require "weir.events"
local secret = require "weir.secret"
local try = require "weir.try"

local declarations = {}

function declarations.find(name)
  local ok, found = pcall(require, "weir.declarations." .. name)
  if ok then return found end
  if not found:find("not found", 1, true) then error(found, 0) end
end

local function check_text(spec, value)
  local least, most = spec.min or 1, events.MAX_TEXT
  if type(value) == "string" and #value >= least and #value <= most then return end
  events.invalid("%s must be a text of %d to %d bytes", spec.name, least, most)
end

local function check_integer(spec, value)
  if math.type(value) == "integer" and value >= spec.min then return end
  events.invalid("%s must be a whole number from %d on", spec.name, spec.min)
end

local function check_choice(spec, value)
  if contains(spec.values, value) then return end
  events.invalid("%s must be one of %s", spec.name, table.concat(spec.values, ", "))
end

local function expect(is, noun)
  return function(spec, value)
    if not is(value) then events.invalid("%s must be %s", spec.name, noun) end
  end
end

local CHECKS = {
  text = check_text,
  integer = check_integer,
  choice = check_choice,
  number = expect(function(value) return type(value) == "number" end, "a number"),
  flag = expect(function(value) return type(value) == "boolean" end, "true or false"),
  list = expect(events.is_list, "a list"),
  object = expect(events.is_object, "an object"),
  secret = expect(function(value) return type(value) == "string" or secret.is(value) end, "a text"),
}

local NOUNS = {
  text = "a text", integer = "a whole number", number = "a number", flag = "true or false",
  list = "a list", object = "an object",
}

-- Of several types the value must fit one.
local function check_either(spec, value)
  local nouns = {}
  for i, name in ipairs(spec.type) do
    local _, problem = try.call(CHECKS[name], spec, value)
    if not problem then return end
    nouns[i] = NOUNS[name]
  end

  events.invalid("%s must be %s", spec.name, table.concat(nouns, " or "))
end

-- The names under which the event may have the member, behind the first.
function declarations.other_names(spec)
  local names = {}
  for _, name in ipairs(spec.spellings and { events.spellings(spec.name) } or {}) do
    if name ~= spec.name and name ~= names[#names] then names[#names + 1] = name end
  end

  return table.move(spec.also or {}, 1, #(spec.also or {}), #names + 1, names)
end

-- Each is { spec =, names = all names of the member }.
local function check_member(event, each)
  local spec, names = each.spec, each.names
  local value = events.member(event, names[1], names[2], names[3])
  if value == nil then
    if spec.required then events.invalid("the event must have %s", spec.name) end
  elseif type(spec.type) == "table" then
    check_either(spec, value)
  elseif not spec.fact then
    CHECKS[spec.type](spec, value)
  end
end

-- The members of an event that may be refused here: facts are checked where the policy gets them.
-- → nil where no event may be refused
local function refusable(declared)
  local list = { any = declared.event.any }
  for _, spec in ipairs(declared.event) do
    local is_left = spec.by_handler or spec.fact and not spec.required
    if not is_left then
      local names = { spec.name, table.unpack(declarations.other_names(spec)) }
      list[#list + 1] = { spec = spec, names = names }
    end
  end

  return not (list.any and #list == 0) and list or nil
end

-- name → what demand looks at, or false where nothing has to be; made once
local checked = {}

function declarations.demand(name, event)
  local members = checked[name]
  if members == nil then
    local declared = declarations.find(name)
    members = declared and refusable(declared) or false
    checked[name] = members
  end

  if not members or members.any and not events.is_object(event) then return end
  events.object(event)
  for _, each in ipairs(members) do check_member(event, each) end
end

function declarations.check(name, event)
  return try.call(function()
    declarations.demand(name, event)
    return true
  end)
end

return declarations
