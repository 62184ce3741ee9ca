-- The page of `weir help handler NAME`: what a handler takes, asks, calls and gives; of weir's own
-- by their declaration (weir.declarations), of a function's by its source.
local calls = require "weir.permissions.calls"
local declarations = require "weir.declarations"
local handler_of = require "weir.runtime.handler"
local handlers = require "weir.handlers"
local permissions = require "weir.permissions"
local reference = require "weir.kinds.reference"
local schemas = require "weir.schemas"
local setting_specs = require "weir.setting_specs"

local handler_page = {}

local function unknown_setting() return nil end

-- A member of the event that the policy gets as the fact of that name: the fact's description.
local function fact_row(spec)
  local schema = schemas.find(schemas.of(), spec.fact)
  for _, fact in ipairs(schema.facts) do
    if fact.name == spec.name then
      local needed = fact.required and "; the policy needs it" or ""
      return { spec.name, ("%s, a fact: %s%s"):format((reference.type_of(fact):gsub("`", "")),
        fact.doc, needed) }
    end
  end
end

local OF_TYPE = {
  secret = "text, kept secret",
  flag = "true or false",
}

-- "integer, from 1 to 100", "one of None, Gzip", "text or list"
local function type_of(spec)
  if type(spec.type) == "table" then return table.concat(spec.type, " or ") end
  if spec.values then return "one of " .. table.concat(spec.values, ", ") end
  local range = spec.min and spec.max and (", from %d to %d"):format(spec.min, spec.max)
    or spec.min and (", at least %d"):format(spec.min) or ""
  local is_number = spec.type == "integer" or spec.type == "number"

  return (OF_TYPE[spec.type] or spec.type) .. (is_number and range or "")
end

local function event_row(spec)
  if spec.fact then return fact_row(spec) end
  local words = type_of(spec) .. ": "
  local others = declarations.other_names(spec)
  local also = #others > 0 and (" (or %s)"):format(table.concat(others, ", ")) or ""

  return { spec.name, words .. spec.doc .. also .. (spec.required and "; required" or "") }
end

local function event_rows(event)
  local rows = {}
  if event.any then rows[1] = { "(any)", event.any } end
  for _, spec in ipairs(event) do rows[#rows + 1] = event_row(spec) end
  return rows
end

local function setting_row(name, needed)
  local spec = setting_specs[name]
  local words = { (reference.type_of(spec):gsub("`", "")), ": ", spec.doc }
  if spec.default ~= nil then
    words[#words + 1] = (" (default %s)"):format(tostring(spec.default))
  end

  if needed[name] then words[#words + 1] = "; required" end

  return { "WEIR_" .. name:upper(), table.concat(words) }
end

local function setting_rows(declared)
  local needed, rows = {}, {}
  for _, name in ipairs(declared.needed or {}) do needed[name] = true end
  for i, name in ipairs(declared.settings) do rows[i] = setting_row(name, needed) end
  return rows
end

-- Each operation once, in the order of the first.
local function call_rows(requests)
  local rows, seen = {}, {}
  for _, request in ipairs(requests) do
    local name = request.service .. " " .. request.operation
    if not seen[name] then
      seen[name] = true
      rows[#rows + 1] = { request.service, request.operation }
    end
  end

  return rows
end

local function permission_rows(requests)
  local grants, place = {}, permissions.place {}
  for _, request in ipairs(requests) do
    local list = permissions.grants(request, place)
    table.move(list, 1, #list, #grants + 1, grants)
  end

  local rows = {}
  for _, statement in ipairs(permissions.statements(grants)) do
    for _, action in ipairs(statement.Action) do
      rows[#rows + 1] = { action, table.concat(statement.Resource, ", ") }
    end
  end

  return rows
end

local function asked(handler)
  local kind = handler.asks or handler.may_ask
  if not kind then return {} end
  local when = handler.asks and "its facts and decisions" or "where a setting says so"
  return { { kind, ("%s: weir help %s"):format(when, kind) } }
end

local function page_of_own(name)
  local handler, declared = handlers.find(name), declarations.find(name)
  local requests = calls.declared(name, unknown_setting) or {}
  return {
    title = ("%s: %s"):format(name, handler.summary),
    sections = {
      { "Event", event_rows(declared.event) },
      { "Settings, also without WEIR_", setting_rows(declared) },
      { "Policy", asked(handler) },
      { "Calls", call_rows(requests) },
      { "Permissions", permission_rows(requests) },
      { "Answer", { { "", declared.answer } } },
    },
    examples = {
      { ("weir run %s --example > event.json"):format(name), "an event to start from" },
      { ("weir run %s -e event.json"):format(name), "what it would do, without changing anything" },
      { "weir permissions " .. name, "the statements for its role" },
    },
  }
end

local function page_of_package(located, root)
  local found, message = require("weir.permissions.source").read(located.path, root)
  if not found then return nil, message end
  local unclear = {}
  for i, each in ipairs(found.unclear) do unclear[i] = { each.place, each.message } end

  return {
    title = ("%s: a handler of the function's own, in %s"):format(located.name, located.path),
    sections = {
      { "Calls, by its source", call_rows(found.requests) },
      { "Not clear by its source", unclear },
      { "Permissions", permission_rows(found.requests) },
    },
    examples = {
      { ("weir run %s -e event.json"):format(located.name),
        "what it would do, without changing anything" },
      { "weir permissions " .. located.name, "the statements for its role" },
    },
  }
end

-- of(name, root) → { title =, sections = list of { title, rows }, examples = } | nil, message
-- root: of the function's package. A section without rows is left out.
function handler_page.of(name, root)
  if handlers.find(name) then return page_of_own(name) end
  local located, message = handler_of.locate(name, root)
  if not located then return nil, message end
  if located.run then return page_of_own(located.name) end

  return page_of_package(located, root)
end

-- The handlers of weir's, with their summaries.
function handler_page.list()
  local rows = {}
  for i, name in ipairs(handlers.names) do rows[i] = { name, handlers.find(name).summary } end
  return rows
end

return handler_page
