-- Walking the trees of weir.lint.parser.

local tree = {}

-- Fields that hold one node, lists of nodes, and bodies, in no particular order.
local NODES = { "object", "key", "callee", "left", "right", "operand", "inside", "call", "condition",
  "func", "target" }
local LISTS = { "args", "values", "targets", "body", "otherwise" }

local function walk(node, visit, owner)
  if visit(node, owner) == false then return end
  for _, field in ipairs(NODES) do
    if node[field] then walk(node[field], visit, node) end
  end
  for _, field in ipairs(LISTS) do
    for _, child in ipairs(node[field] or {}) do walk(child, visit, node) end
  end
  for _, item in ipairs(node.items or {}) do
    if item.key then walk(item.key, visit, node) end
    walk(item.value, visit, node)
  end
  for _, clause in ipairs(node.clauses or {}) do
    walk(clause.condition, visit, node)
    for _, child in ipairs(clause.body) do walk(child, visit, node) end
  end
end

-- Calls visit(node, owner) for every node of a block, parents first. False keeps out of a node.
-- Names that only declare (locals, parameters) are not visited.
function tree.walk(block, visit)
  for _, statement in ipairs(block) do walk(statement, visit) end
end

-- The same without going into nested functions: what one function body itself does.
function tree.walk_body(block, visit)
  tree.walk(block, function(node, owner)
    if visit(node, owner) == false or node.tag == "Function" then return false end
  end)
end

-- The name of a global, or nil.
function tree.global(node)
  if node.tag == "Name" and not node.binding then return node.name end
end

function tree.strip(node)
  while node.tag == "Paren" do node = node.inside end
  return node
end

-- The item of a table constructor with this name, and its key node.
function tree.item(constructor, name)
  for _, item in ipairs(constructor.items) do
    if item.key and item.key.tag == "String" and item.key.value == name then return item.value, item.key end
  end
end

-- "facts.variants[…].name": an expression as the reader knows it.
function tree.describe(node)
  node = tree.strip(node)
  if node.tag == "Name" then return node.name end
  if node.tag == "Index" then
    local key = node.key
    if key.tag == "String" and key.value:find("^[%a_][%w_]*$") then
      return tree.describe(node.object) .. "." .. key.value
    end
    return tree.describe(node.object) .. (key.tag == "Number" and "[" .. key.value .. "]" or "[…]")
  end
  return "(…)"
end

return tree
