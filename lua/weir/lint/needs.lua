-- What fails when a value is nil: operators, and arguments of the libraries' functions.
local tree = require "weir.lint.tree"

local needs = {}

-- operator → what it does with its operands
needs.OPERATORS = {
  ["+"] = "calculates with", ["-"] = "calculates with", ["*"] = "calculates with",
  ["/"] = "calculates with", ["//"] = "calculates with", ["%"] = "calculates with",
  ["^"] = "calculates with", ["&"] = "calculates with", ["|"] = "calculates with",
  ["~"] = "calculates with", ["<<"] = "calculates with", [">>"] = "calculates with",
  ["<"] = "compares", ["<="] = "compares", [">"] = "compares", [">="] = "compares",
  [".."] = "joins",
}

-- function → how many of its arguments, from the first, must not be nil
local FUNCTIONS = {
  ipairs = 1, pairs = 1, next = 1, select = 1,
  ["math.abs"] = 1, ["math.ceil"] = 1, ["math.floor"] = 1, ["math.fmod"] = 2,
  ["math.max"] = math.huge, ["math.min"] = math.huge, ["math.modf"] = 1, ["math.sqrt"] = 1,
  ["math.ult"] = 2,
  ["string.byte"] = 1, ["string.find"] = 2, ["string.gmatch"] = 2, ["string.gsub"] = 3,
  ["string.len"] = 1, ["string.lower"] = 1, ["string.match"] = 2, ["string.rep"] = 2,
  ["string.reverse"] = 1, ["string.sub"] = 2, ["string.upper"] = 1,
  ["table.concat"] = 1, ["table.insert"] = 1, ["table.remove"] = 1, ["table.sort"] = 1,
  ["table.unpack"] = 1,
  ["utf8.codepoint"] = 1, ["utf8.codes"] = 1, ["utf8.len"] = 1,
}

-- method of a text → the same, without the text itself
local METHODS = { find = 1, gmatch = 1, gsub = 2, match = 1, rep = 1, sub = 1 }

-- argument(call, i) → the name of the function that fails when its i-th argument is nil; or nil.
-- call: a Call, or a Method.
function needs.argument(call, i)
  if call.tag == "Method" then
    local name = call.name.name
    return i <= (METHODS[name] or 0) and name or nil
  end

  local name = tree.library(call.callee)
  return name and i <= (FUNCTIONS[name] or 0) and name or nil
end

return needs
