-- W205: a fact that may be absent is calculated with, compared by size, joined or looked into, and
-- nothing on the way there says that it is present.
--
-- Facts never change, so what a condition says of a path such as facts.evidence.latency holds in
-- everything that follows. A path counts as present behind a guard (`if x then`, `x and …`,
-- `assert(x)`, `if not x then return … end`), and from then on also when it was given to a function
-- or tested in a way that is not understood here. A field that another function of the file tests
-- is left alone: that function may be the guard. So what is found is found without a doubt.
local formats = require "weir.lint.formats"
local needs = require "weir.lint.needs"
local presence = require "weir.lint.presence"
local tree = require "weir.lint.tree"

local absent = {}

local optional, learn, trust = presence.optional, presence.learn, presence.trust
local copy, both, add = presence.copy, presence.both, presence.add

local Flow = {}
Flow.__index = Flow

-- Expressions ------------------------------------------------------------------------------------

-- What a value may be replaced by, in a hint.
local INSTEAD = { integer = "0", number = "0", text = '""', list = "{}", map = "{}" }

local function use(self, node, how, present)
  local field, path = optional(self, node)
  if not field or present[path] or self.told[node] then return end
  self.told[node] = true
  if not self.tested[field] or self.tested[field] == self.func then
    local shown, instead = tree.describe(node), INSTEAD[field.type]
    self.report("W205", tree.strip(node).key and tree.strip(node).key.at or node.at,
      ("%s '%s', which may be absent"):format(how, shown),
      ("first: if %s then …"):format(shown)
        .. (instead and (", or (%s or %s)"):format(shown, instead) or ""))
  end

  add(present, path) -- told once
end

local operand, visit

-- An operand that must be there: used, or an expression of its own.
function operand(self, node, how, present)
  if optional(self, node) then
    local inner = tree.strip(node)
    if inner.tag == "Index" then operand(self, inner.object, "looks into", present) end
    use(self, node, how, present)
  else
    visit(self, node, present)
  end
end

-- A local function of the file gets the value: does no caller know that it is there?
local function give(self, call, i, arg, present)
  local func = call.tag == "Call" and call.callee.binding and call.callee.binding.value
  local param = func and func.tag == "Function" and func.params[i]
  local binding = param and param.binding
  if not binding or not binding.type then return end -- it may get other values as well

  local field, path = optional(self, arg)
  local is_unsure = field ~= nil and field == binding.type and not present[path]
  if self.gifts[binding] ~= false then self.gifts[binding] = is_unsure and field end
end

-- What a function is given, it may test; but what a format writes as a number has to be there, and
-- what the libraries calculate with.
function Flow:arguments(call, args, present)
  for i, arg in ipairs(args) do
    local needed_by = needs.argument(call, i)
    give(self, call, i, arg, present)
    if self.numbers[arg] then
      operand(self, arg, "writes as a number", present)
    elseif needed_by then
      operand(self, arg, "gives " .. needed_by, present)
    else
      visit(self, arg, present)
      trust(self, arg, present)
    end
  end
end

local visitors = {}

function visitors.Binary(self, node, present)
  if node.operator == "and" or node.operator == "or" then
    visit(self, node.left, present, true)
    local inner = copy(present)
    learn(self, node.left, node.operator == "and", inner)
    visit(self, node.right, inner, true)
  elseif needs.OPERATORS[node.operator] then
    operand(self, node.left, needs.OPERATORS[node.operator], present)
    operand(self, node.right, needs.OPERATORS[node.operator], present)
  else
    visit(self, node.left, present, true)
    visit(self, node.right, present, true)
  end
end

function visitors.Unary(self, node, present)
  if node.operator == "not" then
    visit(self, node.operand, present, true)
  else
    operand(self, node.operand, node.operator == "#" and "counts" or "calculates with", present)
  end
end

function visitors.Paren(self, node, present, tested) visit(self, node.inside, present, tested) end

function visitors.Index(self, node, present, tested)
  operand(self, node.object, "looks into", present)
  visit(self, node.key, present)
  if not tested then
    local _, path = optional(self, node)
    if path then add(present, path) end -- handed on to where it may be tested
  end
end

function visitors.Name(self, node, present, tested)
  local _, path = optional(self, node)
  if path and not tested then add(present, path) end
end

function visitors.Call(self, node, present)
  local callee = tree.global(node.callee)
  if callee == "pcall" then return trust(self, node, present) end -- it may fail

  visit(self, node.callee, present)
  local args = callee == "type" and {} or node.args
  if callee == "assert" and args[1] then
    visit(self, args[1], present, true)
    learn(self, args[1], true, present)
    args = table.move(args, 2, #args, 1, {})
  end

  self:arguments(node, args, present)
end

function visitors.Method(self, node, present)
  operand(self, node.object, "calls a method of", present)
  self:arguments(node, node.args, present)
end

function visitors.Table(self, node, present)
  for _, item in ipairs(node.items) do
    if item.key then visit(self, item.key, present) end
    if self.numbers[item.value] then
      operand(self, item.value, "writes as a number", present)
    else
      visit(self, item.value, present)
      trust(self, item.value, present)
    end
  end
end

function visitors.Function(self, node, present)
  self:block(node.body, copy(present))
end

function visit(self, node, present, tested)
  local visitor = visitors[node.tag]
  if visitor then visitor(self, node, present, tested) end
end

-- Statements --------------------------------------------------------------------------------------

local statements = {}

-- Each gets `present` and adds to it; true: control does not come out at its end.
function statements.Local(self, node, present)
  for i, value in ipairs(node.values) do
    local name = node.names[i]
    local alias = name and not name.binding.assigned and optional(self, value)
    visit(self, value, present, alias ~= nil)
    if not alias then trust(self, value, present) end
  end
end

function statements.Assign(self, node, present)
  for _, value in ipairs(node.values) do
    visit(self, value, present)
    trust(self, value, present)
  end

  for _, target in ipairs(node.targets) do
    if target.tag == "Index" then operand(self, target.key, "uses as a key", present) end
    visit(self, target, present, true)
  end
end

function statements.CallStatement(self, node, present)
  visit(self, node.call, present)
  return node.call.tag == "Call" and tree.global(node.call.callee) == "error"
end

function statements.Do(self, node, present) return self:block(node.body, present) end

function statements.While(self, node, present)
  visit(self, node.condition, present, true)
  local inner = copy(present)
  learn(self, node.condition, true, inner)
  self:block(node.body, inner)
end

function statements.Repeat(self, node, present)
  self:block(node.body, present)
  visit(self, node.condition, present, true)
end

function statements.If(self, node, present)
  local outs = {}
  local function leave(ends, out)
    if not ends then outs[#outs + 1] = out end
  end

  for _, clause in ipairs(node.clauses) do
    visit(self, clause.condition, present, true)
    local inner = copy(present)
    learn(self, clause.condition, true, inner)
    leave(self:block(clause.body, inner), inner)
    learn(self, clause.condition, false, present)
  end

  leave(node.otherwise and self:block(node.otherwise, present), present)

  if not outs[1] then return true end
  local all = copy(outs[1])
  for i = 2, #outs do all = both(all, outs[i]) end
  for path in pairs(copy(present)) do present[path] = nil end -- any order: empties a set
  for path in pairs(all) do present[path] = true end -- any order: fills it again
end

function statements.ForNumber(self, node, present)
  for _, value in ipairs(node.values) do operand(self, value, "counts with", present) end
  self:block(node.body, copy(present))
end

local ITERATORS = { ipairs = true, pairs = true }

function statements.ForIn(self, node, present)
  local call = node.values[1]
  local list = call and call.tag == "Call" and ITERATORS[tree.global(call.callee)] and call.args[1]
  if list then operand(self, list, "goes through", present) end
  for i = list and 2 or 1, #node.values do visit(self, node.values[i], present) end
  self:block(node.body, copy(present))
end

function statements.LocalFunction(self, node, present) visit(self, node.func, present) end
function statements.FunctionStatement(self, node, present) visit(self, node.func, present) end

function statements.Return(self, node, present)
  for _, value in ipairs(node.values) do visit(self, value, present) end
  return true
end

function statements.Break() return true end
function statements.Goto() return true end

function Flow:block(block, present)
  local ends = false
  for _, statement in ipairs(block) do
    local run = statements[statement.tag]
    if run and run(self, statement, present) then ends = true end
  end

  return ends
end

-- Where fields are tested ------------------------------------------------------------------------

-- The named function that a node is in: a local function or decide; functions without a name belong
-- to the one around them.
local function function_of(node, known)
  while node and not known[node] do node = node.owner end
  return node
end

local function is_needed(call, node)
  for i, arg in ipairs(call.args) do
    if arg == node then return needs.argument(call, i) ~= nil end
  end

  return call.object == node
end

-- A mention that neither needs the value nor only names it.
local function is_test(node)
  local owner = node.owner
  while owner and owner.tag == "Paren" do node, owner = owner, owner.owner end
  if not owner then return false end
  if owner.tag == "Binary" then return not needs.OPERATORS[owner.operator] end
  if owner.tag == "Unary" then return owner.operator == "not" end
  if owner.tag == "Index" then return owner.object ~= node end
  if owner.tag == "Call" or owner.tag == "Method" then return not is_needed(owner, node) end
  if owner.tag == "Local" then return false end

  return true
end

-- field of the schema → the function that tests it, or true when several do
local function tests_of(self, functions)
  local tested = {}
  for _, tag in ipairs { "Index", "Name" } do
    for _, node in ipairs(self.nodes[tag]) do
      local field = is_test(node) and optional(self, node)
      if field then
        local func = function_of(node, functions) or true
        if tested[field] == nil then tested[field] = func end
        if tested[field] ~= func then tested[field] = true end
      end
    end
  end

  return tested
end

-- The values that a format writes as numbers.
local function numbers_of(found)
  local numbers = {}
  for _, format in ipairs(found) do
    local letters = formats.directives(format.format) or {}
    for i, value in ipairs(format.values) do
      if formats.needs_number(letters[i]) then numbers[value] = true end
    end
  end

  return numbers
end

-- W205
function absent.facts(source, report)
  if not source.types then return end
  local self = setmetatable(
    { types = source.types, nodes = source.nodes, report = report, ids = {}, count = 0,
      told = {}, given = {}, gifts = {} }, Flow)
  local functions = { [source.decide] = true }
  for _, node in ipairs(source.nodes.LocalFunction) do functions[node.func] = true end
  for _, node in ipairs(source.nodes.Local) do
    for _, value in ipairs(node.values) do
      if value.tag == "Function" then functions[value] = true end
    end
  end

  self.tested = tests_of(self, functions)
  self.numbers = numbers_of(source.formats)

  local function walk()
    for _, node in ipairs(source.nodes.Function) do
      if functions[node] then
        self.func = node
        self:block(node.body, {})
      end
    end
  end

  walk()
  self.given = self.gifts
  self.tested = tests_of(self, functions)
  walk() -- once more, now that it is known what the functions are given
end

return absent
