-- The facts that a policy set adds to a kind of weir's, or that its own kinds have: where a handler
-- gives none, they come from its event, from its settings and from the clock (docs/own-kinds.md).
--
--   own_facts.add(set, kind, facts, event, effects) → facts
--       a copy with what is found; the same table where the set declares nothing. What the handler
--       gives stays. A value that does not fit its type stays as it is: the set refuses it.
--   own_facts.explained(set, kind, message) → the message of facts that were refused; where one of
--       these is missing, with the place to give it at
local events = require "weir.events"
local json = require "weir.json"

local own_facts = {}

-- set → { digest =, by_kind = { kind → list of specs } }: of the version that is active.
local declared = setmetatable({}, { __mode = "k" })

local function specs_of(set, kind)
  local digest, known = set:digest(), declared[set]
  if not known or known.digest ~= digest then
    known = { digest = digest, by_kind = {} }
    for _, each in ipairs(set:kinds()) do known.by_kind[each.kind] = each.facts end
    declared[set] = known
  end

  return known.by_kind[kind]
end

-- "detail.price" of the event; nil where there is nothing.
local function member_at(event, path)
  local value = event
  for name in path:gmatch("[^.]+") do
    if not events.is_object(value) then return nil end
    value = events.member(value, name)
  end

  return value
end

local FLAGS = { ["true"] = true, ["1"] = true, ["false"] = false, ["0"] = false }

-- JSON has no infinity: "1e400" stays the text that it is, which no number is.
local function finite(number)
  return number and math.abs(number) < math.huge and number or nil
end

-- A setting is a text, whatever the fact takes.
local function from_text(spec, text)
  local value = text
  if spec.type == "integer" or spec.type == "number" then
    value = math.tointeger(text) or finite(tonumber(text))
  elseif spec.type == "flag" then
    value = FLAGS[text:lower()]
  elseif spec.type ~= "text" and spec.type ~= "choice" then
    value = json.decode(text)
  end

  if value == nil then return text end
  return value
end

local function from_setting(spec, name, effects)
  local text = effects:setting("fact_" .. name, "")
  if text ~= "" then return from_text(spec, text) end
end

-- Without `from`, a fact is looked for under its own name.
local function places_of(spec)
  return spec.from or { event = spec.name, setting = spec.name }
end

-- `now` is the clock's.
local function find(spec, event, effects)
  if spec.name == "now" and not spec.from then return effects:now() end

  local from = places_of(spec)
  local value = from.event and member_at(event, from.event)
  if value == nil and from.setting then return from_setting(spec, from.setting, effects) end

  return value
end

function own_facts.add(set, kind, facts, event, effects)
  local specs = specs_of(set, kind)
  if not specs then return facts end

  local all = {}
  for name, value in pairs(facts) do all[name] = value end -- any order: copies one key at a time
  for _, spec in ipairs(specs) do
    if all[spec.name] == nil then all[spec.name] = find(spec, event, effects) end
  end

  return all
end

function own_facts.explained(set, kind, message)
  local missing = message:match('^field "([%w_]+)" is missing$')
  for _, spec in ipairs(missing and specs_of(set, kind) or {}) do
    if spec.name == missing then
      local from, places = places_of(spec), {}
      if from.event then places[1] = ("as %s in the event"):format(from.event) end
      if from.setting then
        places[#places + 1] = ("as the setting WEIR_FACT_%s"):format(from.setting:upper())
      end

      return ("%s; give it %s"):format(message, table.concat(places, ", or "))
    end
  end

  return message
end

return own_facts
