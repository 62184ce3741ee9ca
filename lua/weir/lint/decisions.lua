-- Findings about decisions: how they are made, and that there always is one.
local contains = require "weir.contains"
local suggest = require "weir.suggest"
local tree = require "weir.lint.tree"
local values = require "weir.lint.values"

local decisions = {}

local function each_decision(source, visit)
  for _, node in ipairs(source.nodes.Call) do
    local action = tree.global(node.callee)
    local kind = action and source.words.actions[action]
    if kind then visit(node, action, kind) end
  end
end

local function actions_of(schema)
  local list = {}
  for _, decision in ipairs(schema.decisions) do
    list[#list + 1] = decision.action
  end

  return list
end

-- W106: the host refuses another kind's decisions.
function decisions.kind(source, report)
  local schema = source.words.kinds[source.kind]
  if not schema then return end
  each_decision(source, function(call, action, kind)
    if kind == source.kind then return end
    report("W106", call.at,
      ("'%s' decides kind %s, this policy is of kind %s"):format(action, kind, source.kind),
      ("%s decides: %s"):format(source.kind, table.concat(actions_of(schema), ", ")))
  end)
end

local CONSTANT = {
  String = true, Number = true, Nil = true, True = true, False = true, Function = true,
}

-- The table a constructor is called with; false when it is certainly something else, nil when that
-- is not known.
local function made_with(call)
  local first = call.args[1] and tree.strip(call.args[1])
  if not first or CONSTANT[first.tag] then return false end
  return first.tag == "Table" and first or nil
end

-- Are all keys of the constructor written out?
local function has_plain_keys(constructor)
  for _, item in ipairs(constructor.items) do
    if item.key and item.key.tag ~= "String" then return false end
  end

  return true
end

-- W107: a decision nobody can explain later.
function decisions.because(source, report)
  each_decision(source, function(call, action)
    local constructor = made_with(call)
    if constructor == nil or constructor and not has_plain_keys(constructor) then return end
    local because = constructor and tree.item(constructor, "because")
    local empty = because
      and (because.tag == "Nil" or because.tag == "String" and not because.value:find("%S"))
    if because and not empty then return end
    report("W107", call.at, ("this '%s' does not say why"):format(action),
      ('write %s { because = "…" }'):format(action))
  end)
end

local function field_of(schema, name)
  for _, field in ipairs(schema.fields) do
    if field.name == name then return field end
  end
end

local function schema_of(words, action)
  for _, decision in ipairs(words.kinds[words.actions[action]].decisions) do
    if decision.action == action then return decision end
  end
end

local function unknown_field(report, schema, key, action)
  local known = { "because" }
  for _, field in ipairs(schema.fields) do known[#known + 1] = field.name end
  local close = suggest(key.value, known)
  report("W108", key.at, ("'%s' has no field '%s'"):format(action, key.value),
    close and ("did you mean '%s'?"):format(close) or "it has: " .. table.concat(known, ", "))
end

-- W108: fields that the kind's decision does not have, or must have.
function decisions.fields(source, report)
  each_decision(source, function(call, action)
    local constructor, schema = made_with(call), schema_of(source.words, action)
    if not constructor then return end
    for _, item in ipairs(constructor.items) do
      local key = item.key
      local name = key and key.tag == "String" and key.value
      if name and name ~= "because" and not field_of(schema, name) then
        unknown_field(report, schema, key, action)
      end
    end

    if not has_plain_keys(constructor) then return end
    for _, field in ipairs(schema.fields) do
      if field.required and not tree.item(constructor, field.name) then
        report("W108", call.at, ("this '%s' has no %s"):format(action, field.name), field.doc)
      end
    end
  end)
end

-- What a field's value must be, in words, or nil when the value may be right.
local function wrong_constant(field, node)
  if node.tag == "String" then
    if field.values and not contains(field.values, node.value) then
      return "one of: " .. table.concat(field.values, ", ")
    end

    return field.min_size and #node.value < field.min_size and "a text that is not empty" or nil
  end

  local number = node.tag == "Number" and node.value
  if node.tag == "Unary" and node.operator == "-" and node.operand.tag == "Number" then
    number = -node.operand.value
  end

  if not number then return nil end
  if field.type == "integer" and not math.tointeger(number) then return "a whole number" end
  if field.min and number < field.min then return ("%g or more"):format(field.min) end
  if field.max and number > field.max then return ("%g or less"):format(field.max) end
end

local CLASSES = {
  text = "text", choice = "text", integer = "number", number = "number", flag = "flag",
  list = "table", map = "table", record = "table",
}

-- Reports a value of the wrong type, in maps and lists as well. path: the field as its reader knows
-- it.
local function check_value(source, report, field, action, path, value)
  local node = tree.strip(value)
  local class, needed = values.class(source.types, node), CLASSES[field.type]
  if not needed or class == "nothing" then return end

  if class and class ~= needed then
    local hint = needed == "number" and node.tag == "String" and tonumber(node.value)
      and ("write %s without quotes"):format(node.value) or nil
    report("W108", value.at, ("'%s' of '%s' must be %s, and this is %s"):format(path, action,
      values.NAMES[needed], values.NAMES[class]), hint)
    return
  end

  local wrong = wrong_constant(field, node)
  if wrong then
    report("W108", value.at, ("'%s' of '%s' must be %s"):format(path, action, wrong))
  end

  if node.tag ~= "Table" or not field.of then return end
  for _, item in ipairs(node.items) do
    local name = item.key and item.key.tag == "String" and "." .. item.key.value or "[…]"
    check_value(source, report, field.of, action, path .. name, item.value)
  end
end

local BECAUSE = { type = "text" }

-- W108: a field of the wrong type, or a value that the field cannot have.
function decisions.values(source, report)
  each_decision(source, function(call, action)
    local constructor, schema = made_with(call), schema_of(source.words, action)
    for _, item in ipairs(constructor and constructor.items or {}) do
      local key = item.key
      local name = key and key.tag == "String" and key.value
      local field = name and (name == "because" and BECAUSE or field_of(schema, name))

      if field then
        check_value(source, report, field, action, name, item.value)
      end
    end
  end)
end

-- Paths through a function ------------------------------------------------------------------

local ends

local function has_break(block)
  local found = false
  tree.walk_body(block, function(node)
    if node.tag == "Break" then found = true end
  end)

  return found
end

local function clause_ends(node)
  if not node.otherwise or not ends(node.otherwise) then return false end
  for _, clause in ipairs(node.clauses) do
    if not ends(clause.body) then return false end
  end

  return true
end

-- Does control never come out at the end of this block?
function ends(block)
  local last = block[#block]
  if not last then return false end
  if last.tag == "Return" or last.tag == "Goto" then return true end
  if last.tag == "Do" then return ends(last.body) end
  if last.tag == "If" then return clause_ends(last) end
  if last.tag == "While" then return last.condition.tag == "True" and not has_break(last.body) end
  local call = last.tag == "CallStatement" and last.call

  return call and call.tag == "Call" and tree.global(call.callee) == "error"
end

local SHOWN = {
  Nil = "nil", True = "true", False = "false", String = "a text", Number = "a number",
}

-- W112: returns something that is not a decision.
function decisions.returns(source, report)
  if not source.decide then return end
  tree.walk_body(source.decide.body, function(node)
    if node.tag ~= "Return" then return end
    local value = node.values[1] and tree.strip(node.values[1])
    local constant = value and SHOWN[value.tag]
    if value and not constant then return end
    local action = value and value.tag == "String" and source.words.actions[value.value]
    report("W112", value and value.at or node.at,
      ("decide returns %s, which is not a decision"):format(constant or "nothing"),
      action and ('write return %s { because = "…" }'):format(value.value)
        or "every branch returns a decision")
  end)
end

-- W202: some facts may find no branch.
function decisions.falls_off(source, report)
  if not source.decide or ends(source.decide.body) then return end
  report("W202", source.decide.last, "decide can end here without a decision",
    "return a decision for everything the branches above leave over")
end

return decisions
