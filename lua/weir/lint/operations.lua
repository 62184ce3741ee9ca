-- W113: values that do not go together: a number compared with a text, arithmetic on a table.
local tree = require "weir.lint.tree"
local values = require "weir.lint.values"
local vocabulary = require "weir.lint.vocabulary"

local operations = {}

local ORDERS = { ["<"] = true, ["<="] = true, [">"] = true, [">="] = true }

-- "'params.limit' (a number)", or only "a number" for an expression without a name.
local function describe(node, class)
  local shown = tree.describe(node)
  if shown:find("…", 1, true) then return values.NAMES[class] end
  return ("'%s' (%s)"):format(shown, values.NAMES[class])
end

-- How the number is written that a text stands for.
local function unquoted(node)
  local text = node.tag == "String" and node.value:match("^%s*(%-?%d+%.?%d*)%s*$")
  return text and ("write %s without quotes"):format(text)
end

local function hint(left, right, classes)
  local written = unquoted(left) or unquoted(right)
  if written then return written end
  if classes.number and classes.text then return "tonumber(…) makes a number of a text" end
  if classes.flag then return "a flag is tested as it is: if x then, if not x then" end

  return "compare values of one type"
end

-- An order exists among numbers and among texts; equality of two types is always false.
local function comparison(report, node, left, right, one, other)
  if one == "nothing" or other == "nothing" then
    if not ORDERS[node.operator] then return end
  elseif one == other and (one == "number" or one == "text" or not ORDERS[node.operator]) then
    return
  end

  local outcome = ORDERS[node.operator] and "cannot be compared with"
    or node.operator == "==" and "is never equal to" or "is always different from"
  report("W113", node.at,
    ("%s %s %s"):format(describe(left, one), outcome, describe(right, other)),
    hint(left, right, { [one] = true, [other] = true }))
end

-- Lua calculates with a text that is a number: what a function gives may be one.
local function calculates(node, class)
  if class == nil or class == "number" then return true end
  if class ~= "text" then return false end
  local text = values.constant_text(node)
  if text then return tonumber(text) ~= nil end

  return node.tag == "Call" or node.tag == "Method" or node.tag == "Binary"
end

local function arithmetic(report, node, operand, class)
  if calculates(operand, class) then return end
  report("W113", node.at,
    ("'%s' needs numbers, and %s is not a number"):format(node.operator, describe(operand, class)),
    class == "text" and (node.operator == "+" and "texts are joined with .."
      or "tonumber(…) makes a number of a text") or nil)
end

local function joining(report, node, operand, class)
  if class == nil or class == "number" or class == "text" then return end
  report("W113", node.at,
    ("'..' joins texts and numbers, and %s is not one of them"):format(describe(operand, class)),
    "tostring(…) makes a text of it")
end

-- A field of a number, of a text or of a flag is nil, or fails.
local function indexing(report, node, class)
  if class ~= "number" and class ~= "text" and class ~= "flag" then return end
  if class == "text" and vocabulary.libraries.string[node.key.value] then return end
  local name = node.key.tag == "String" and node.key.value
  local is_size = class == "text" and (name == "length" or name == "size" or name == "count")
  report("W113", node.key.at,
    ("%s has no fields"):format(describe(node.object, class)),
    is_size and ("write #%s"):format(tree.describe(node.object)) or nil)
end

-- facts, params and what they hold are not functions.
local function calling(report, node, called, class)
  if class == nil or class == "function" then return end
  report("W113", node.at, ("%s is not a function"):format(describe(called, class)),
    "write its name without ( )")
end

-- The functions of math take numbers, those of string begin with a text.
local function library_call(source, report, node)
  local name = tree.library(node.callee)
  local is_math = name and name:find("^math%.") and name ~= "math.type" and name ~= "math.tointeger"
  local is_string = name and name:find("^string%.") and name ~= "string.char"
  for i, arg in ipairs((is_math or is_string) and node.args or {}) do
    local operand = tree.strip(arg)
    local class = values.class(source.types, operand)
    local fits = is_math and calculates(operand, class)
      or is_string and (i > 1 or class == nil or class == "text" or class == "number")
    if not fits and class ~= "nothing" then
      report("W113", operand.at, ("%s takes %s, and %s is not one"):format(name,
        is_math and "a number" or "a text", describe(operand, class)),
        is_math and class == "text" and "tonumber(…) makes a number of a text" or nil)
    end
  end
end

local function calls(source, report)
  for _, node in ipairs(source.nodes.Call) do
    calling(report, node, node.callee, values.class(source.types, node.callee))
    library_call(source, report, node)
  end

  for _, node in ipairs(source.nodes.Method) do
    local record = source.types and source.types:of(node.object)
    local name = record and record.type == "record" and node.name.name
    for _, field in ipairs(name and record.fields or {}) do
      if field.name == name then
        report("W113", node.at, ("'%s' is not a method"):format(name),
          ("write %s.%s"):format(tree.describe(node.object), name))
      end
    end
  end

  for _, node in ipairs(source.nodes.Index) do
    indexing(report, node, values.class(source.types, node.object))
  end
end

-- W113
function operations.types(source, report)
  for _, node in ipairs(source.nodes.Binary) do
    local left, right = tree.strip(node.left), tree.strip(node.right)
    local operator = node.operator
    local one, other = values.class(source.types, left), values.class(source.types, right)

    if ORDERS[operator] or operator == "==" or operator == "~=" then
      if one and other then comparison(report, node, left, right, one, other) end
    elseif operator == ".." then
      joining(report, node, left, one)
      joining(report, node, right, other)
    elseif values.ARITHMETIC[operator] then
      arithmetic(report, node, left, one)
      arithmetic(report, node, right, other)
    end
  end

  for _, node in ipairs(source.nodes.Unary) do
    local operand = tree.strip(node.operand)
    local class = values.class(source.types, operand)
    if node.operator == "-" or node.operator == "~" then
      arithmetic(report, node, operand, class)
    elseif node.operator == "#" and class and class ~= "text" and class ~= "table" then
      report("W113", node.at,
        ("'#' counts a list or a text, and %s is not one"):format(describe(operand, class)))
    end
  end

  calls(source, report)
end

return operations
