-- The findings of an estate file, each once, in the order of the file; shaped as weir.lint's.
--
--   finding_list.new(file) → list
--   list:add(code, token, message, hint)      a token has line, column and size
--   list:in_order() → the findings | nil where there is none
local finding_list = {}

local List = {}
List.__index = List

function finding_list.new(file)
  return setmetatable({ file = file, seen = {}, found = {} }, List)
end

function List:add(code, at, message, hint)
  local key = ("%d:%d:%s"):format(at.line, at.column, message)
  if self.seen[key] then return end
  self.seen[key] = true
  self.found[#self.found + 1] = {
    file = self.file,
    line = at.line,
    column = at.column,
    size = at.size,
    severity = "error",
    code = code,
    message = message,
    hint = hint,
  }
end

local function comes_first(a, b)
  if a.line ~= b.line then return a.line < b.line end
  if a.column ~= b.column then return a.column < b.column end
  return a.message < b.message
end

function List:in_order()
  if #self.found == 0 then return nil end
  table.sort(self.found, comes_first)
  return self.found
end

return finding_list
