-- What an expression gives, as far as its text tells: "number", "text", "flag", "table",
-- "function", "nothing" (nil), or nil when that is not certain. An optional fact counts as what it
-- is when it is there (weir.lint.absent asks whether it is).
local tree = require "weir.lint.tree"

local values = {}

local OF_SCHEMA = {
  integer = "number", number = "number", text = "text", choice = "text", flag = "flag",
  record = "table", list = "table", map = "table",
}
local OF_CONSTANT = {
  Number = "number", String = "text", True = "flag", False = "flag", Table = "table",
  Function = "function", Nil = "nothing",
}
local ARITHMETIC = {
  ["+"] = true, ["-"] = true, ["*"] = true, ["/"] = true, ["//"] = true, ["%"] = true, ["^"] = true,
  ["&"] = true, ["|"] = true, ["~"] = true, ["<<"] = true, [">>"] = true,
}
local COMPARISON = {
  ["=="] = true, ["~="] = true, ["<"] = true, ["<="] = true, [">"] = true, [">="] = true,
}
local OF_CALL = {
  tostring = "text", type = "text",
  ["string.format"] = "text", ["string.lower"] = "text", ["string.upper"] = "text",
  ["string.rep"] = "text", ["string.reverse"] = "text", ["string.sub"] = "text",
  ["string.len"] = "number", ["table.concat"] = "text", ["table.pack"] = "table",
  ["math.abs"] = "number", ["math.ceil"] = "number", ["math.floor"] = "number",
  ["math.max"] = "number", ["math.min"] = "number", ["math.sqrt"] = "number",
  ["math.fmod"] = "number",
}
local OF_METHOD = {
  format = "text", lower = "text", upper = "text", rep = "text", reverse = "text", sub = "text",
  len = "number",
}
local OF_FIELD = { ["math.huge"] = "number", ["math.pi"] = "number",
  ["math.maxinteger"] = "number", ["math.mininteger"] = "number" }

values.ARITHMETIC = ARITHMETIC
values.NAMES = {
  number = "a number", text = "a text", flag = "true or false", table = "a table",
  ["function"] = "a function", nothing = "nil",
}

local of = {}

local function of_typed(types, node)
  local type = types and types:of(node)
  return type and OF_SCHEMA[type.type]
end

function of.Name(types, node, depth)
  local found = of_typed(types, node)
  local binding = node.binding
  if found or not binding or binding.assigned then return found end

  if binding.value then return values.class(types, binding.value, depth) end
  local loop = binding.loop
  local call = loop and loop.index == 1 and loop.call
  if call and call.tag == "Call" and tree.global(call.callee) == "ipairs" then return "number" end

  return binding.counts and "number" or nil
end

function of.Index(types, node)
  return of_typed(types, node) or OF_FIELD[tree.library(node)]
end

function of.Call(_, node) return OF_CALL[tree.library(node.callee)] end

function of.Method(types, node, depth)
  return values.class(types, node.object, depth) == "text" and OF_METHOD[node.name.name] or nil
end

function of.Unary(_, node)
  if node.operator == "not" then return "flag" end
  return "number"
end

-- `a or b`: one of the two; `a and b or c`: b or c.
local function of_either(types, node, depth)
  local left = tree.strip(node.left)
  if left.tag == "Binary" and left.operator == "and" then left = left.right end
  local one, other = values.class(types, left, depth), values.class(types, node.right, depth)

  return one == other and one or nil
end

function of.Binary(types, node, depth)
  local operator = node.operator
  if ARITHMETIC[operator] then return "number" end
  if COMPARISON[operator] then return "flag" end
  if operator == ".." then return "text" end
  if operator == "or" then return of_either(types, node, depth) end
end

-- class(types, node): types is what types.infer gave, or nil. depth is for values that lead to
-- values.
function values.class(types, node, depth)
  depth = (depth or 0) + 1
  if depth > 50 then return nil end
  node = tree.strip(node)
  local constant = OF_CONSTANT[node.tag]
  if constant then return constant end

  return of[node.tag] and of[node.tag](types, node, depth)
end

-- The text that an expression always is, through locals and `..`, or nil.
function values.constant_text(node, depth)
  node = tree.strip(node)
  if node.tag == "String" then return node.value end
  if node.tag == "Binary" and node.operator == ".." and (depth or 0) < 20 then
    local left = values.constant_text(node.left, (depth or 0) + 1)
    local right = left and values.constant_text(node.right, (depth or 0) + 1)
    return right and left .. right
  end

  local binding = node.tag == "Name" and node.binding
  if binding and binding.value and not binding.assigned and (depth or 0) < 20 then
    return values.constant_text(binding.value, (depth or 0) + 1)
  end

  return nil
end

return values
