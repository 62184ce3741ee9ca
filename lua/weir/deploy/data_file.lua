-- Reads a file of Lua data: comments, local names for values, and one `return { … }`. The file is
-- never run. Its tree is read, so there is no code in it that could act, and each finding has a
-- line and a column.
--
--   data_file.read(text, file) → value, places | nil, findings
--
-- places[table] = { at = token, keys = { key → token }, values = { key → token } } for every table
-- of the value; a token has line, column and size. The findings
-- are weir.deploy.finding_list's.
local finding_list = require "weir.deploy.finding_list"
local parser = require "weir.lint.parser"

local data_file = {}

-- Longer than any value has a use for: texts that are put together double quickly.
local LONGEST_TEXT = 65536

local Reader = {}
Reader.__index = Reader

function Reader:finding(...) self.findings:add(...) end

local ONLY_DATA = "write a text, a number, true, false, a table or a name of a local above"

function Reader:refuse(node, what)
  self:finding("W301", node.at, what .. " in an estate file, which is data and is never run",
    ONLY_DATA)
end

-- Expressions -------------------------------------------------------------------------------------

local values = {}

function values.True() return true end
function values.False() return false end
function values.String(_, node) return node.value end
function values.Number(_, node) return node.value end
function values.Paren(self, node) return self:value(node.inside) end

function values.Name(self, node)
  local value = self.locals[node.name]
  if value == nil then self:refuse(node, ("'%s' is not a local"):format(node.name)) end
  return value
end

function values.Unary(self, node)
  local value = node.operator == "-" and self:value(node.operand)
  if math.type(value) then return -value end
  self:refuse(node, ("the operator '%s'"):format(node.operator))
end

function values.Binary(self, node)
  if node.operator ~= ".." then
    return self:refuse(node, ("the operator '%s'"):format(node.operator))
  end

  local left, right = self:value(node.left), self:value(node.right)
  if type(left) == "string" and type(right) == "string" then
    if #left + #right <= LONGEST_TEXT then return left .. right end
    return self:refuse(node, ("a text of more than %d bytes"):format(LONGEST_TEXT))
  end

  if left ~= nil and right ~= nil then self:refuse(node, "'..' of what is not a text") end
end

-- The key of an item and the token to point at; nil for a key that is refused.
function Reader:key(item, position)
  if not item.key then return position, item.value.at end
  local key = self:value(item.key)
  if type(key) == "string" then return key, item.key.at end
  if key ~= nil then self:refuse(item.key, "a key that is not a text") end
end

function values.Table(self, node)
  local made, position = {}, 0
  local place = { at = node.at, keys = {}, values = {} }

  for _, item in ipairs(node.items) do
    if not item.key then position = position + 1 end
    local key, at = self:key(item, position)
    local value = self:value(item.value)
    if key ~= nil and place.keys[key] then
      self:finding("W302", at, ("'%s' is given twice"):format(key), "keep one of them")
    elseif key ~= nil then
      made[key], place.keys[key], place.values[key] = value, at, item.value.at
    end
  end

  self.places[made] = place
  return made
end

local SPOKEN = {
  Nil = "nil",
  Function = "a function",
  Call = "a call",
  Method = "a call",
  Index = "a field of something else",
  Vararg = "'...'",
}

function Reader:value(node)
  local read = values[node.tag]
  if read then return read(self, node) end
  self:refuse(node, SPOKEN[node.tag])
end

-- Statements --------------------------------------------------------------------------------------

local statements = {}

function statements.Local(self, node)
  for i, name in ipairs(node.names) do
    if node.values[i] then
      self.locals[name.name] = self:value(node.values[i])
    else
      self:refuse(name, ("the local '%s' without a value"):format(name.name))
    end
  end
end

function statements.Return(self, node)
  local value = node.values[1]
  if value and #node.values == 1 then
    self.result = self:value(value)
  end

  if type(self.result) ~= "table" then
    self:finding("W302", node.at, "an estate file returns one table", "write return { … }")
  end
end

-- The parser takes what Lua takes; this asks Lua first, whose messages name the mistake.
local function syntax_finding(self, text)
  if text:find("^\239\187\191") then
    return self:finding("W301", { line = 1, column = 0 }, "the file begins with a byte order mark",
      "save it as UTF-8 without one")
  end

  local _, message = load(text, "=estate", "t", {})
  message = tostring(message)
  local line, what = message:match("^estate:(%d+): (.*)$")
  if message:find("stack overflow", 1, true) then what = "this is nested too deeply" end
  self:finding("W301", { line = tonumber(line) or 1, column = 0 }, what or "this is not Lua")
end

function data_file.read(text, file)
  local self = setmetatable({
    findings = finding_list.new(file),
    locals = {},
    places = {},
  }, Reader)
  local block, problem
  if load(text, "=estate", "t", {}) then block, problem = parser.parse(text) end
  if problem then
    self:finding("W301", problem, problem.syntax)
  elseif not block then
    syntax_finding(self, text)
  end

  if not block then return nil, self.findings:in_order() end

  for _, node in ipairs(block) do
    local read = statements[node.tag]
    if read then
      read(self, node)
    else
      self:refuse(node, "a statement that acts")
    end
  end

  if not self.result and not self.findings:in_order() then
    self:finding("W302", { line = 1, column = 0 }, "the file returns nothing",
      "write return { … }")
  end

  local findings = self.findings:in_order()
  if findings then return nil, findings end

  return self.result, self.places
end

return data_file
