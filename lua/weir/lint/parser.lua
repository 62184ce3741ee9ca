-- Tokens of a Lua 5.4 chunk into a tree. Every node has a `tag` and `at`, the token to point at.
--
-- Expressions: Nil True False Number{value} String{value} Vararg Function{params,body,last}
--   Name{name} Index{object,key} Call{callee,args} Method{object,name,args} Table{items}
--   Binary{operator,left,right} Unary{operator,operand} Paren{inside}
-- Statements: Local{names,values} Assign{targets,values} CallStatement{call} Do{body}
--   While{condition,body} Repeat{body,condition} If{clauses,otherwise} ForNumber{name,values,body}
--   ForIn{names,values,body} LocalFunction{name,func} FunctionStatement{target,func}
--   Return{values} Break Goto{label} Label{label}
-- Names that declare something are Name nodes too.
local lexer = require "weir.lint.lexer"

local parser = {}

-- As deep as Lua's own compiler goes; deeper source it has refused already.
local MAX_DEPTH = 200

local Parser = {}
Parser.__index = Parser

function Parser:peek() return self.tokens[self.position] end

function Parser:fail(what)
  local token = self:peek()
  error({ syntax = what, line = token.line, column = token.column }, 0)
end

function Parser:take()
  local token = self:peek()
  self.position = self.position + 1
  return token
end

-- Is the next token this keyword or operator?
function Parser:is(value)
  local token = self:peek()
  return (token.kind == "keyword" or token.kind == "operator") and token.value == value
end

function Parser:accept(value)
  if self:is(value) then return self:take() end
end

function Parser:expect(value)
  return self:accept(value) or self:fail("'" .. value .. "' expected")
end

function Parser:name()
  local token = self:peek()
  if token.kind ~= "name" then self:fail("name expected") end
  self:take()

  return { tag = "Name", name = token.value, at = token }
end

function Parser:deeper(step)
  self.depth = self.depth + step
  if self.depth > MAX_DEPTH then self:fail("too deeply nested") end
end

-- Expressions ------------------------------------------------------------------------------

function Parser:expressions()
  local list = { self:expression() }
  while self:accept(",") do list[#list + 1] = self:expression() end
  return list
end

function Parser:table_item()
  if self:is("[") then
    self:take()
    local key = self:expression()
    self:expect("]")
    self:expect("=")

    return { key = key, value = self:expression() }
  end

  local token, following = self:peek(), self.tokens[self.position + 1]
  if token.kind == "name" and following.kind == "operator" and following.value == "=" then
    self:take()
    self:take()
    return { key = { tag = "String", value = token.value, at = token }, value = self:expression() }
  end

  return { value = self:expression() }
end

function Parser:table()
  local node = { tag = "Table", at = self:expect("{"), items = {} }
  while not self:is("}") do
    node.items[#node.items + 1] = self:table_item()
    if not (self:accept(",") or self:accept(";")) then break end
  end

  node.last = self:expect("}")

  return node
end

function Parser:function_body(at, method)
  local node = { tag = "Function", at = at, params = {} }
  if method then node.params[1] = { tag = "Name", name = "self", at = at } end
  self:expect("(")
  while not self:is(")") do
    if self:accept("...") then break end
    node.params[#node.params + 1] = self:name()
    if not self:accept(",") then break end
  end

  self:expect(")")
  node.body = self:block()
  node.last = self:expect("end")

  return node
end

function Parser:call_arguments()
  local token = self:peek()
  if token.kind == "string" then
    self:take()
    return { { tag = "String", value = token.value, at = token } }
  elseif self:is("{") then
    return { self:table() }
  end

  self:expect("(")
  local args = self:is(")") and {} or self:expressions()
  self:expect(")")

  return args
end

-- The name in `object.name`, as the text it stands for.
local function field_key(name) return { tag = "String", value = name.name, at = name.at } end

function Parser:suffix(node)
  local token = self:peek()
  if self:accept(".") then
    local field = self:name()
    return { tag = "Index", object = node, key = field_key(field), at = node.at }
  elseif self:accept("[") then
    local key = self:expression()
    self:expect("]")
    return { tag = "Index", object = node, key = key, at = node.at }
  elseif self:accept(":") then
    local method = self:name()
    local args = self:call_arguments()
    return { tag = "Method", object = node, name = method, args = args, at = node.at }
  elseif token.kind == "string" or self:is("{") or self:is("(") then
    return { tag = "Call", callee = node, args = self:call_arguments(), at = node.at }
  end
end

function Parser:suffixed()
  local node
  if self:is("(") then
    node = { tag = "Paren", at = self:take(), inside = self:expression() }
    self:expect(")")
  else
    node = self:name()
  end

  while true do
    local longer = self:suffix(node)
    if not longer then return node end
    node = longer
  end
end

local CONSTANTS = { ["nil"] = "Nil", ["true"] = "True", ["false"] = "False", ["..."] = "Vararg" }

function Parser:simple()
  local token = self:peek()
  if token.kind == "number" or token.kind == "string" then
    self:take()
    local tag = token.kind == "number" and "Number" or "String"
    return { tag = tag, value = token.value, at = token }
  elseif token.kind ~= "name" and CONSTANTS[token.value] then
    self:take()
    return { tag = CONSTANTS[token.value], at = token }
  elseif self:is("{") then
    return self:table()
  elseif self:is("function") then
    return self:function_body(self:take())
  end

  return self:suffixed()
end

-- Left and right priority, as in lparser.c.
local BINARY = {
  ["or"] = { 1, 1 }, ["and"] = { 2, 2 },
  ["<"] = { 3, 3 }, [">"] = { 3, 3 }, ["<="] = { 3, 3 }, [">="] = { 3, 3 },
  ["~="] = { 3, 3 }, ["=="] = { 3, 3 },
  ["|"] = { 4, 4 }, ["~"] = { 5, 5 }, ["&"] = { 6, 6 }, ["<<"] = { 7, 7 }, [">>"] = { 7, 7 },
  [".."] = { 9, 8 }, ["+"] = { 10, 10 }, ["-"] = { 10, 10 },
  ["*"] = { 11, 11 }, ["/"] = { 11, 11 }, ["//"] = { 11, 11 }, ["%"] = { 11, 11 },
  ["^"] = { 14, 13 },
}
local UNARY, UNARY_PRIORITY = { ["not"] = true, ["-"] = true, ["#"] = true, ["~"] = true }, 12

function Parser:expression(limit)
  self:deeper(1)
  local token = self:peek()
  local node
  if token.kind ~= "string" and UNARY[token.value] then
    self:take()
    local operand = self:expression(UNARY_PRIORITY)
    node = { tag = "Unary", operator = token.value, operand = operand, at = token }
  else
    node = self:simple()
  end

  while true do
    token = self:peek()
    local priority = token.kind ~= "string" and BINARY[token.value]
    if not priority or priority[1] <= (limit or 0) then break end
    self:take()
    local right = self:expression(priority[2])
    node = { tag = "Binary", operator = token.value, left = node, right = right, at = token }
  end

  self:deeper(-1)

  return node
end

-- Statements -------------------------------------------------------------------------------

local statements = {}

statements["if"] = function(self, at)
  local node = { tag = "If", at = at, clauses = {} }
  repeat
    local condition = self:expression()
    self:expect("then")
    node.clauses[#node.clauses + 1] = { condition = condition, body = self:block() }
  until not self:accept("elseif")

  if self:accept("else") then node.otherwise = self:block() end
  self:expect("end")

  return node
end

statements["while"] = function(self, at)
  local condition = self:expression()
  self:expect("do")
  local body = self:block()
  self:expect("end")

  return { tag = "While", at = at, condition = condition, body = body }
end

statements["do"] = function(self, at)
  local body = self:block()
  self:expect("end")
  return { tag = "Do", at = at, body = body }
end

statements["repeat"] = function(self, at)
  local body = self:block()
  self:expect("until")
  return { tag = "Repeat", at = at, body = body, condition = self:expression() }
end

statements["for"] = function(self, at)
  local names = { self:name() }
  local node
  if self:accept("=") then
    node = { tag = "ForNumber", at = at, name = names[1], values = self:expressions() }
  else
    while self:accept(",") do names[#names + 1] = self:name() end
    self:expect("in")
    node = { tag = "ForIn", at = at, names = names, values = self:expressions() }
  end

  self:expect("do")
  node.body = self:block()
  self:expect("end")

  return node
end

statements["function"] = function(self, at)
  local target, method = self:name(), false
  while self:is(".") or self:is(":") do
    method = self:take().value == ":"
    local field = self:name()
    target = { tag = "Index", object = target, key = field_key(field), at = target.at }
    if method then break end
  end

  local func = self:function_body(at, method)

  return { tag = "FunctionStatement", at = at, target = target, func = func }
end

statements["local"] = function(self, at)
  if self:accept("function") then
    local name = self:name()
    return { tag = "LocalFunction", at = at, name = name, func = self:function_body(at) }
  end

  local names = {}
  repeat
    names[#names + 1] = self:name()
    if self:accept("<") then
      self:name()
      self:expect(">")
    end
  until not self:accept(",")

  local values = self:accept("=") and self:expressions() or {}

  return { tag = "Local", at = at, names = names, values = values }
end

statements["return"] = function(self, at)
  local values = {}
  if not (self:is(";") or self:block_ends()) then values = self:expressions() end
  self:accept(";")

  return { tag = "Return", at = at, values = values }
end

statements["break"] = function(_, at) return { tag = "Break", at = at } end
statements["goto"] = function(self, at)
  return { tag = "Goto", at = at, label = self:name().name }
end
statements["::"] = function(self, at)
  local label = self:name().name
  self:expect("::")
  return { tag = "Label", at = at, label = label }
end

function Parser:expression_statement()
  local node = self:suffixed()
  if self:is("=") or self:is(",") then
    local targets = { node }
    while self:accept(",") do targets[#targets + 1] = self:suffixed() end
    self:expect("=")

    return { tag = "Assign", at = node.at, targets = targets, values = self:expressions() }
  end

  if node.tag ~= "Call" and node.tag ~= "Method" then self:fail("syntax error") end

  return { tag = "CallStatement", at = node.at, call = node }
end

function Parser:block_ends()
  return self:peek().kind == "end" or self:is("end") or self:is("else") or self:is("elseif")
    or self:is("until")
end

function Parser:block()
  self:deeper(1)
  local block = {}
  while not self:block_ends() do
    local token = self:peek()
    if not self:accept(";") then
      local read = token.kind ~= "string" and token.kind ~= "name" and statements[token.value]
      if read then self:take() end
      block[#block + 1] = read and read(self, token) or self:expression_statement()
      if block[#block].tag == "Return" then break end
    end
  end

  self:deeper(-1)

  return block
end

-- parse(text) → block, or nil and { syntax =, line =, column = }. Never raises on any text.
function parser.parse(text)
  local ok, result = pcall(function()
    local self = setmetatable({ tokens = lexer.tokens(text), position = 1, depth = 0 }, Parser)
    local block = self:block()
    if self:peek().kind ~= "end" then self:fail("'<eof>' expected") end

    return block
  end)

  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end

  return nil, result
end

return parser
