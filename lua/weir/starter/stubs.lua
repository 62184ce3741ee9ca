-- What policies of a set may say, as annotations that the Lua language server reads: facts,
-- parameters and decisions complete themselves in an editor, with their meaning. `weir new` writes
-- them, `weir stubs` writes them again.
local schemas = require "weir.schemas"
local vocabulary = require "weir.lint.vocabulary"

local stubs = {}

local HEAD = [[
---@meta
-- What policies of this set may say, for editors. Written by weir; after a change of kinds or
-- parameters: weir stubs DIR

-- What an action makes, and decide returns.
---@class weir.decision

-- What integer { … } and the others make.
---@class weir.parameter

---@class weir.example
---@field given table the facts
---@field params? table<string, any> parameters that are not at their defaults
---@field expect string|table an action, or what the decision must have
---@field doc? string
]]

local SIMPLE = {
  integer = "integer", number = "number", text = "string", flag = "boolean", any = "any",
}

local Stubs = {}
Stubs.__index = Stubs

function Stubs:line(format, ...)
  self[#self + 1] = select("#", ...) > 0 and format:format(...) or format
end

-- A meaning on one line, with its unit.
local function meaning(field)
  local text = field.unit and ("%s (%s)"):format(field.doc or "", field.unit) or field.doc or ""
  return (text:gsub("%s+", " "))
end

local function union(values)
  local quoted = {}
  for i, value in ipairs(values) do quoted[i] = ("%q"):format(value):gsub("\\\n", "\\n") end
  return table.concat(quoted, "|")
end

-- The type of a field; a record becomes a class of that name, which is written first.
function Stubs:type_of(field, name)
  if field.type == "choice" then return union(field.values) end
  if field.type == "list" then return ("(%s)[]"):format(self:type_of(field.of, name)) end
  if field.type == "map" then return ("table<string, %s>"):format(self:type_of(field.of, name)) end
  if field.type ~= "record" then return SIMPLE[field.type] or "any" end
  self:class(name, field.fields, field.doc)

  return name
end

function Stubs:class(name, fields, doc, first)
  local types = {}
  for i, field in ipairs(fields) do types[i] = self:type_of(field, name .. "." .. field.name) end
  self:line ""
  if doc then self:line("-- %s", meaning { doc = doc }) end
  self:line("---@class %s", name)
  for _, text in ipairs(first or {}) do self[#self + 1] = text end
  for i, field in ipairs(fields) do
    self:line("---@field %s%s %s %s", field.name, field.required and "" or "?", types[i],
      meaning(field))
  end
end

function Stubs:decision(kind, decision)
  local name = ("%s.%s"):format(kind, decision.action)
  self:class(name, decision.fields or {}, decision.doc, {
    "---@field because string why; a format for the values without a name",
    "---@field [integer] any",
  })

  self:line ""
  self:line("---@param fields %s", name)
  self:line "---@return weir.decision"
  self:line("function %s(fields) end", decision.action)
end

-- The kinds of the set's policies and those that it declares; all kinds for a set without any.
local function kinds_of(set)
  local wanted, list = {}, {}
  for _, policy in ipairs(set:policies()) do wanted[policy.kind] = true end
  for _, declared in ipairs(set:kinds()) do wanted[declared.kind] = true end
  for _, schema in ipairs(schemas.of(set:kinds())) do
    if wanted[schema.kind] then list[#list + 1] = schema end
  end

  return list
end

local PARAMETER = {
  integer = "integer", number = "number", text = "string", choice = "string", flag = "boolean",
}

function Stubs:params(set)
  self:line ""
  self:line "---@class weir.params"
  local seen = {}
  for _, policy in ipairs(set:policies()) do
    for _, param in ipairs(policy.params) do
      if not seen[param.name] then
        self:line("---@field %s %s %s", param.name, PARAMETER[param.type] or "any", meaning(param))
      end

      seen[param.name] = true
    end
  end
end

function Stubs:policy(kinds)
  local names, facts = {}, {}
  for i, schema in ipairs(kinds) do
    names[i], facts[i] = schema.kind, schema.kind .. ".facts"
  end

  self:line ""
  self:line("---@alias weir.facts %s", table.concat(facts, "|"))
  self:line ""
  self:line "---@class weir.policy"
  self:line("---@field kind %s which question it answers", union(names))
  self:line "---@field decide fun(facts: weir.facts, params: weir.params): weir.decision"
  self:line "---@field params? table<string, weir.parameter>"
  self:line "---@field examples? weir.example[]"
  self:line "---@field name? string"
  self:line "---@field doc? string"
  self:line ""
  self:line "---@param spec weir.policy"
  self:line "---@return weir.policy"
  self:line "function policy(spec) end"
end

-- What makes a parameter, as the language has it.
function Stubs:parameter_words()
  for _, word in ipairs(vocabulary.parameters) do
    self:line ""
    self:line "---@param spec table the default first, then its bounds and doc"
    self:line "---@return weir.parameter"
    self:line("function %s(spec) end", word)
  end
end

-- text(set) → the annotations of a set
function stubs.text(set)
  local self = setmetatable({ (HEAD:gsub("\n$", "")) }, Stubs)
  local kinds = kinds_of(set)
  for _, schema in ipairs(kinds) do
    self:class(schema.kind .. ".facts", schema.facts, schema.doc)
    for _, decision in ipairs(schema.decisions) do self:decision(schema.kind, decision) end
  end

  self:params(set)
  self:policy(kinds)
  self:parameter_words()

  return table.concat(self, "\n") .. "\n"
end

-- Settings of the language server: the version, where the annotations are, and what policies have
-- not. An operator's own settings stay.
local SETTINGS = [[
{
  "runtime.version": "Lua 5.4",
  "runtime.builtin": {
    "coroutine": "disable",
    "debug": "disable",
    "io": "disable",
    "os": "disable"
  },
  "workspace.checkThirdParty": false,
  "workspace.library": [".weir"]
}
]]

-- What follows from the set is not kept with it.
local IGNORED = "# Made by weir stubs; make it again after kinds or parameters have changed.\n*\n"

-- files(set) → what to write into its directory: { path, text }, what follows from it first
function stubs.files(set)
  return {
    { ".weir/.gitignore", IGNORED },
    { ".weir/stubs.lua", stubs.text(set) },
    { ".luarc.json", SETTINGS },
  }
end

return stubs
