-- Which part of the facts, or of the parameters, an expression of a policy stands for. The
-- types are those of the kind's schema (docs/kinds.md): { type = "record", fields = … },
-- { type = "list", of = … } and so on; nil means "unknown", and is never complained about.
--
-- Followed: the parameters of decide, locals that are set once, for-in loops over ipairs, pairs
-- and next, and parameters of local functions that every caller gives the same type.
local tree = require "weir.lint.tree"

local types = {}

local Types = {}
Types.__index = Types

-- The field's type, or nil; and whether the record is known not to have it.
local function field(record, name)
  for _, candidate in ipairs(record.fields) do
    if candidate.name == name then return candidate end
  end

  return nil, true
end

local of = {}

function of.Name(self, node)
  return node.binding and self:binding(node.binding)
end

function of.Index(self, node)
  local object = self:of(node.object)
  if not object then return nil end
  if object.type == "record" then
    if node.key.tag ~= "String" then return nil end
    return (field(object, node.key.value))
  elseif object.type == "list" or object.type == "map" then
    return object.of
  end
end

function of.Binary(self, node)
  if node.operator == "or" then return self:of(node.left) or self:of(node.right) end
  if node.operator == "and" then return self:of(node.right) end
end

function Types:of(node)
  node = tree.strip(node)
  local find = of[node.tag]
  if not find then return nil end
  local known = self.known[node]
  if known ~= nil then return known or nil end

  self.known[node] = false -- while it is being found out: a local function that calls itself
  local found = find(self, node)
  self.known[node] = self.is_complete and (found or false) or nil

  return found
end

local ITERATORS = { ipairs = true, pairs = true, next = true }

function Types:loop(loop)
  local call = loop.call
  if loop.index ~= 2 or not call or call.tag ~= "Call" then return nil end
  if not ITERATORS[tree.global(call.callee)] then return nil end
  local container = call.args[1] and self:of(call.args[1])

  return container and container.of
end

function Types:binding(binding)
  if binding.assigned then return nil end
  if binding.type == nil then
    binding.type = false -- while it is being found out
    binding.type = binding.value and self:of(binding.value)
      or binding.loop and self:loop(binding.loop)
      or nil
  end

  return binding.type or nil
end

-- Functions that are only ever called by name: local functions whose name does not escape. The
-- result is a list, in the order of the first use: { { func =, calls =, escapes = }, … }.
local function callable_functions(nodes)
  local callers, by_function = {}, {}
  for _, node in ipairs(nodes.Name) do
    local func = node.binding and node.binding.value
    if func and func.tag == "Function" and not node.binding.assigned then
      local uses = by_function[func]
      if not uses then
        uses = { func = func, calls = {}, escapes = false }
        by_function[func] = uses
        callers[#callers + 1] = uses
      end

      local owner = node.owner
      if owner and owner.tag == "Call" and owner.callee == node then
        table.insert(uses.calls, owner)
      else
        uses.escapes = true
      end
    end
  end

  return callers
end

local function same_type(self, calls, index)
  local common
  for _, call in ipairs(calls) do
    local found = call.args[index] and self:of(call.args[index])
    if not found or common and common ~= found then return nil end
    common = found
  end

  return common
end

local function infer_parameters(self, nodes)
  local callers = callable_functions(nodes)
  for _ = 1, 4 do -- helpers that call helpers; deeper chains are rare and only lose findings
    for _, uses in ipairs(callers) do
      for i, param in ipairs(uses.func.params) do
        if not uses.escapes and not param.binding.type then
          param.binding.type = same_type(self, uses.calls, i)
        end
      end
    end

    for _, node in ipairs(nodes.Name) do -- forget what was unknown, it may be known now
      if node.binding and node.binding.type == false then node.binding.type = nil end
    end
  end
end

-- types.infer(nodes, decide, facts, params): gives decide's parameters these types and follows
-- them. The result answers :of(expression) and :missing(index expression).
function types.infer(nodes, decide, facts, params)
  local self = setmetatable({ known = {} }, Types)
  for i, type in ipairs({ facts, params }) do
    local param = decide.params[i]
    if param and not param.binding.assigned then param.binding.type = type end
  end

  infer_parameters(self, nodes)
  self.is_complete = true

  return self
end

-- Is this mention of a typed value one that :of still follows: given to a local function, named by
-- a local, or a step of an iteration?
function Types:passes_on(node, owner)
  if owner.tag == "Paren" then return true end
  if owner.tag == "Local" then
    for i, value in ipairs(owner.values) do
      if value == node then return owner.names[i] ~= nil and not owner.names[i].binding.assigned end
    end
  end

  if owner.tag ~= "Call" or owner.callee.tag ~= "Name" then return false end
  if not owner.callee.binding then return false end
  local func = owner.callee.binding.value
  if not func or func.tag ~= "Function" then return false end
  for i, arg in ipairs(owner.args) do
    if arg == node then return func.params[i] ~= nil and self:of(func.params[i]) ~= nil end
  end

  return false
end

-- For `record.name` where the record has no such field: the record.
function Types:missing(node)
  local record = self:of(node.object)
  if not record or record.type ~= "record" or node.key.tag ~= "String" then return nil end
  local _, is_missing = field(record, node.key.value)

  return is_missing and record or nil
end

return types
