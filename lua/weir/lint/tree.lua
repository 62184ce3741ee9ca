-- Walking the trees of weir.lint.parser.

local tree = {}

-- For each tag of a node: the fields that hold one node, and those that hold a list of nodes. Names
-- that only declare (locals, parameters) are left out.
local NODES = {
  Index = { "object", "key" },
  Call = { "callee" },
  Method = { "object" },
  Binary = { "left", "right" },
  Unary = { "operand" },
  Paren = { "inside" },
  CallStatement = { "call" },
  While = { "condition" },
  LocalFunction = { "func" },
  FunctionStatement = { "target", "func" },
}
local LISTS = {
  Call = { "args" },
  Method = { "args" },
  Function = { "body" },
  Local = { "values" },
  Assign = { "values", "targets" },
  Do = { "body" },
  While = { "body" },
  Repeat = { "body" },
  ForNumber = { "values", "body" },
  ForIn = { "values", "body" },
  Return = { "values" },
}
local NONE = {}

local walk

local function walk_list(list, visit, owner)
  for i = 1, #list do walk(list[i], visit, owner) end
end

local function walk_parts(node, visit)
  local tag = node.tag
  if tag == "Table" then
    for _, item in ipairs(node.items) do
      if item.key then walk(item.key, visit, node) end
      walk(item.value, visit, node)
    end
  elseif tag == "If" then
    for _, clause in ipairs(node.clauses) do
      walk(clause.condition, visit, node)
      walk_list(clause.body, visit, node)
    end

    if node.otherwise then walk_list(node.otherwise, visit, node) end
  elseif tag == "Repeat" then
    walk_list(node.body, visit, node)
    walk(node.condition, visit, node)
  end
end

function walk(node, visit, owner)
  if visit(node, owner) == false then return end
  local tag = node.tag
  local fields, lists = NODES[tag], LISTS[tag]
  if fields then
    for i = 1, #fields do walk(node[fields[i]], visit, node) end
  end

  if tag == "Repeat" or not (fields or lists) then
    walk_parts(node, visit)
  elseif lists then
    for i = 1, #lists do walk_list(node[lists[i]], visit, node) end
  end
end

-- Calls visit(node, owner) for every node of a block, parents first. False keeps out of a node.
function tree.walk(block, visit)
  for _, statement in ipairs(block) do walk(statement, visit) end
end

-- The same without going into nested functions: what one function body itself does.
function tree.walk_body(block, visit)
  tree.walk(block, function(node, owner)
    if visit(node, owner) == false or node.tag == "Function" then return false end
  end)
end

-- All nodes of a block by tag, each list in the order of the walk: the rules need no walk of their
-- own. Every node gets its `owner`.
function tree.index(block)
  local nodes = setmetatable({}, { __index = function() return NONE end })
  tree.walk(block, function(node, owner)
    node.owner = owner
    local list = rawget(nodes, node.tag)
    if list then list[#list + 1] = node else nodes[node.tag] = { node } end
  end)

  return nodes
end

-- The name of a global, or nil.
function tree.global(node)
  if node.tag == "Name" and not node.binding then return node.name end
end

-- "string.format" for a function of a library, or the name of a global; else nil.
function tree.library(node)
  if node.tag == "Name" then return tree.global(node) end
  if node.tag ~= "Index" or node.key.tag ~= "String" then return nil end
  local library = tree.global(node.object)

  return library and library .. "." .. node.key.value
end

function tree.strip(node)
  while node.tag == "Paren" do node = node.inside end
  return node
end

-- The item of a table constructor with this name, and its key node.
function tree.item(constructor, name)
  for _, item in ipairs(constructor.items) do
    if item.key and item.key.tag == "String" and item.key.value == name then
      return item.value, item.key
    end
  end
end

-- "facts.variants[…].name": an expression as the reader knows it.
function tree.describe(node)
  node = tree.strip(node)
  if node.tag == "Name" then return node.name end
  if node.tag ~= "Index" then return "(…)" end

  local key = node.key
  if key.tag == "String" and key.value:find("^[%a_][%w_]*$") then
    return tree.describe(node.object) .. "." .. key.value
  end

  return tree.describe(node.object) .. (key.tag == "Number" and "[" .. key.value .. "]" or "[…]")
end

return tree
