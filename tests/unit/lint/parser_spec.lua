-- Which operand an operator takes, as Lua itself reads the expression.
local parser = require "weir.lint.parser"

-- The tree of an expression as text, with brackets around each operation.
local function shown(node)
  if node.tag == "Name" then return node.name end
  if node.tag == "Unary" then return ("(%s %s)"):format(node.operator, shown(node.operand)) end

  return ("(%s %s %s)"):format(shown(node.left), node.operator, shown(node.right))
end

local function read(text)
  local block = assert(parser.parse("return " .. text))
  return shown(block[1].values[1])
end

describe("the linter's parser", function()
  it("groups operators of one kind to the left, but .. and ^ to the right", function()
    assert.equal("((a - b) - c)", read "a - b - c")
    assert.equal("((a / b) // c)", read "a / b // c")
    assert.equal("((a < b) == c)", read "a < b == c")
    assert.equal("(a .. (b .. c))", read "a .. b .. c")
    assert.equal("(a ^ (b ^ c))", read "a ^ b ^ c")
  end)

  it("binds tighter operators first", function()
    assert.equal("(a or (b and (c < (d .. (e + (f * g))))))", read "a or b and c < d .. e + f * g")
    assert.equal("(((a * b) + c) .. d)", read "a * b + c .. d")
    assert.equal("(- (a ^ (- b)))", read "-a ^ -b")
    assert.equal("((not a) == b)", read "not a == b")
    assert.equal("(a | (b ~ (c & (d << e))))", read "a | b ~ c & d << e")
  end)
end)
