-- Reads the source of a policy, or of a helper beside it, and reports what loading cannot see:
-- names that are never there, decisions that explain nothing, paths without a decision.
--
-- lint.check(text, file[, words]) → list of { file =, line =, column =, size =, severity =, code =,
-- message =, hint = }, in the order of the text; and the list of those that a comment accepts, each
-- with its reason. Source that Lua refuses gives none: loading it tells what is wrong. words: of
-- the set, as weir.lint.vocabulary gives them; else weir's own.
-- lint.explain(text, finding) adds to a finding of loading what the source tells: what to write
-- instead of a syntax error, the column of a call.
-- lint.sources(sources[, declared]) → the same two for all files of a set, as set:sources() gives
-- them; declared: its own kinds and facts, as set:kinds() gives them.
local absent = require "weir.lint.absent"
local allow = require "weir.lint.allow"
local decisions = require "weir.lint.decisions"
local formats = require "weir.lint.formats"
local findings = require "weir.findings"
local names = require "weir.lint.names"
local operations = require "weir.lint.operations"
local parser = require "weir.lint.parser"
local scope = require "weir.lint.scope"
local syntax = require "weir.lint.syntax"
local tree = require "weir.lint.tree"
local types = require "weir.lint.types"
local vocabulary = require "weir.lint.vocabulary"

local lint = {}

local RULES = {
  names.fields, names.globals, names.libraries, names.frozen, names.choices,
  names.unused_parameters,
  decisions.kind, decisions.because, decisions.fields, decisions.values, decisions.returns,
  decisions.falls_off,
  operations.types, formats.fit, absent.facts,
}

-- The table of the one `policy { … }` in the file.
local function policy_table(nodes)
  for _, call in ipairs(nodes.Call) do
    local made = tree.global(call.callee) == "policy" and call.args[1]
    if made and made.tag == "Table" then return made end
  end
end

-- `decide = function…`, or the name of a local function.
local function decide_function(policy)
  local value = tree.item(policy, "decide")
  value = value and tree.strip(value)
  if value and value.tag == "Name" and value.binding and not value.binding.assigned then
    value = value.binding.value
  end

  return value and value.tag == "Function" and value or nil
end

-- What a list or map holds, as far as it is written out: of = { type = "number", … }.
local function element_type(spec)
  local of = spec and spec.tag == "Table" and tree.item(spec, "of")
  local type = of and of.tag == "Table" and tree.item(of, "type")
  return type and type.tag == "String" and type.value ~= "record" and { type = type.value } or nil
end

-- A parameter as a field of a record. The constructor names its type; the values of a choice make
-- comparisons checkable.
local function parameter_field(name, constructor)
  local made = constructor.tag == "Call" and constructor
  local field = { name = name, type = made and tree.global(made.callee) }
  local spec = made and made.args[1]
  local is_choice = field.type == "choice" and spec and spec.tag == "Table"
  local values = is_choice and tree.item(spec, "values")

  if values and values.tag == "Table" then
    field.values = {}
    for i, value in ipairs(values.items) do field.values[i] = value.value.value end
  end

  if field.type == "list" or field.type == "map" then field.of = element_type(spec) end
  return field
end

-- Parameters as they are declared: name → key node, and a type to follow them by.
local function declared_parameters(policy)
  local params = tree.item(policy, "params")
  local declared, record = {}, { type = "record", is_params = true, fields = {} }
  if params and params.tag ~= "Table" then return nil, nil end
  for _, item in ipairs(params and params.items or {}) do
    if not item.key or item.key.tag ~= "String" then return nil, nil end
    declared[item.key.value] = item.key
    record.fields[#record.fields + 1] = parameter_field(item.key.value, item.value)
  end

  return declared, record
end

local function understand(block, words)
  local source = { block = block, nodes = tree.index(block), words = words }
  source.formats = formats.find(source.nodes, words)
  local policy = policy_table(source.nodes)
  if not policy then return source end
  local kind = tree.item(policy, "kind")
  source.kind = kind and kind.tag == "String" and kind.value
  source.decide = decide_function(policy)
  local schema = words.kinds[source.kind]
  if not schema or not source.decide then return source end
  local params
  source.declared, params = declared_parameters(policy)
  local facts = { type = "record", fields = schema.facts }
  source.types = types.infer(source.nodes, source.decide, facts, params)

  return source
end

local function in_order(a, b)
  if a.line ~= b.line then return a.line < b.line end
  if a.column ~= b.column then return a.column < b.column end
  return a.code < b.code
end

local function analyse(block, file, text, words)
  local found = {}
  local function report(code, token, message, hint)
    found[#found + 1] = {
      file = file,
      line = token.line,
      column = token.column,
      size = token.size,
      severity = findings.severity(code),
      code = code,
      message = message,
      hint = hint,
    }
  end

  scope.resolve(block)
  local source = understand(block, words)
  for _, rule in ipairs(RULES) do rule(source, report) end
  local accepted = allow.apply(text, found, report)
  table.sort(found, in_order)

  return found, accepted
end

function lint.check(text, file, words)
  local block = parser.parse(text)
  if not block then return {}, {} end
  local ok, result, accepted = pcall(analyse, block, file, text, words or vocabulary.words())
  if ok then return result, accepted end
  -- An expression of a hundred thousand terms: Lua can run what is too deep to walk.
  if type(result) == "string" and result:find("stack overflow", 1, true) then return {}, {} end
  error(result, 0)
end

-- The one call statement that a finding of loading means, which knows its line only; or nil.
local function call_statement(text, finding)
  local block = parser.parse(text)
  local found
  for _, statement in ipairs(block and tree.index(block).CallStatement or {}) do
    local shown = tree.describe(statement.call.callee or statement.call.object)
    local means = finding.message:find("^this call") or finding.message:sub(1, #shown) == shown
    if statement.at.line == finding.line and means then
      if found then return nil end -- two of them
      found = statement.at
    end
  end

  return found
end

function lint.explain(text, finding)
  if finding.code == "W003" and not finding.hint then
    finding.hint = syntax.hint(text, finding.line, finding.message)
  elseif finding.code == "W014" and (finding.column or 0) == 0 then
    local at = call_statement(text, finding)
    if at then finding.column, finding.size = at.column, at.size end
  end
end

function lint.sources(sources, declared)
  local found, accepted, words = {}, {}, vocabulary.words(declared)
  for _, source in ipairs(sources) do
    local of_file, by_comment = lint.check(source.text, source.file, words)
    table.move(of_file, 1, #of_file, #found + 1, found)
    table.move(by_comment, 1, #by_comment, #accepted + 1, accepted)
  end

  return found, accepted
end

return lint
