-- What a mutant is: one small change of one line. operators.of(path, text) lists every mutant of a
-- file, in the order of the text:
--   { path=, line=, kind=, was=, is=, first=, last=, replacement= }
-- `was` and `is` are the line before and after, without their indentation; first and last are the
-- bytes that the replacement takes the place of.
local mask = require("mutate.mask")

local operators = {}

operators.KINDS = { "comparison", "logic", "negation", "constant", "return", "statement" }

-- Both the bound and the sense of a comparison: < becomes <= and >=.
local COMPARISONS = {
  ["<"] = { "<=", ">=" },
  ["<="] = { "<", ">" },
  [">"] = { ">=", "<=" },
  [">="] = { ">", "<" },
}
local EQUALITIES = {
  lua = { ["=="] = { "~=" }, ["~="] = { "==" } },
  c = { ["=="] = { "!=" }, ["!="] = { "==" } },
}

-- Each kind is a function of a masked line, `emit`, the language and what stands around the line;
-- it calls emit(first, last, replacement) with places in the line.
local kinds = {}

-- "if a ~= b then return a < b end", and in C "if (a != b) return a < b …": there < is as good as
-- <=.
local UNEQUAL = {
  lua = "if (.-) ~= (.-) then return (.-) ()<",
  c = "if %((.-) != (.-)%) return (.-) ()<",
}

-- The place of the < that only unlike values reach, or nil.
local function between_unequal(code, language)
  local left, _, again, at = code:match(UNEQUAL[language])
  return left ~= nil and left == again and at or nil
end

function kinds.comparison(code, emit, language)
  local unequal = between_unequal(code, language)
  for first, run, after in code:gmatch("()([<>=~!]+)()") do
    local arrow = run == ">" and code:sub(first - 1, first - 1) == "-"
    local others = not arrow and (COMPARISONS[run] or EQUALITIES[language][run]) or {}
    for _, other in ipairs(others) do
      if first ~= unequal or other ~= "<=" then emit(first, after - 1, other) end
    end
  end
end

local CONNECTIVES = {
  lua = { { "%f[%w_]()and()%f[^%w_]", "or" }, { "%f[%w_]()or()%f[^%w_]", "and" } },
  c = { { "()&&()", "||" }, { "()||()", "&&" } },
}

function kinds.logic(code, emit, language)
  for _, connective in ipairs(CONNECTIVES[language]) do
    for first, after in code:gmatch(connective[1]) do emit(first, after - 1, connective[2]) end
  end
end

local NEGATIONS = { lua = "%f[%w_]()not%s+()", c = "()!()%f[^=!]" }

function kinds.negation(code, emit, language)
  for first, after in code:gmatch(NEGATIONS[language]) do emit(first, after - 1, "") end
end

-- Whole decimal numbers. A C declaration's size is not a value, and "= {0}" says only that all of a
-- variable is set.
function kinds.constant(code, emit, language)
  if language == "c" and code:find("^%s*[%a_][%w_ ]*[ %*]+[%w_]+%[[^=]*;%s*$") then return end
  code = code:gsub("= {0}", "= { }")

  for first, digits, after in code:gmatch("%f[%w_.]()(%d+)()%f[^%w_.]") do
    local number = math.tointeger(tonumber(digits))
    if number and tostring(number) == digits then
      emit(first, after - 1, tostring(number + 1))
      if number > 0 or code:sub(first - 1, first - 1) ~= "-" then
        emit(first, after - 1, tostring(number - 1))
      end
    end
  end
end

-- A value that is not returned, and a function that returns at once.
kinds["return"] = function(code, emit, language, context)
  if language == "lua" then
    -- What stands at the margin is the module's own.
    local first, after = code:match("^%s+return ()[^\n]-()%s*$")
    if not first then first, after = code:match("then return ()[^\n]-() end%s*$") end
    if first and code:sub(first, after - 1) ~= "nil" then emit(first, after - 1, "nil") end
    local opened = code:match("%f[%w_]function[^()]*%b()()%s*$")
    if opened then emit(opened, opened - 1, " do return end") end
  else
    local first, value, after = code:match("^%s*return ()([^\n;]+)();%s*$")
    if first then emit(first, after - 1, (value == "0" or value == "false") and "1" or "0") end
    local opened = code:match("^%s*{()%s*$") -- a function's: deeper ones stand behind something
    local void = context.header:find("%f[%w_]void%s+[%w_]+%(")
    if opened then emit(opened, opened - 1, void and " return;" or " return 0;") end
  end
end

local function lua_statement(code)
  if not code:find("%S") then return false end
  local word = code:match("^%s*(%a+)%f[^%w_]")
  if word == "local" or word == "return" then return false end
  -- Strings are "\1" here: any name stands for them.
  return load("while true do " .. code:gsub("\1+", '""') .. "\nend") ~= nil
end

local C_WORDS = { ["return"] = true, ["goto"] = true, ["else"] = true }

local function c_statement(code, before)
  if not code:find(";%s*$") or not code:find("%S") or code:find("[{}]") then return false end
  if not before:find("[;{}:)]%s*$") and not before:find("else%s*$") then return false end
  local word = code:match("^%s*([%a_][%w_]*)%f[^%w_][%s%*]+[%a_]")
  if word and not C_WORDS[word] then return false end -- a declaration
  return not code:find("^%s*case%f[^%w_]") and not code:find("^%s*default%s*:")
end

-- One whole line that does something.
function kinds.statement(code, emit, language, context)
  local whole = language == "lua" and lua_statement(code)
    or language == "c" and c_statement(code, context.before)
  if whole then emit(code:find("%S"), #code:match("^(.-)%s*$"), language == "c" and ";" or "") end
end

local function trimmed(line) return line:match("^%s*(.-)%s*$") end

-- The lines of a text, each with the place of its first byte.
local function each_line(text)
  return text:gmatch("()([^\n]*)\n?")
end

function operators.of(path, text)
  local language = path:match("%.(%a+)$")
  local code = mask[language](text)
  local mutants = {}
  local number = 0
  -- The line of code before this one; in C, the line where the function begins.
  local context = { before = "", header = "" }
  for start, line in each_line(code) do
    number = number + 1
    local original = text:sub(start, start + #line - 1)
    if original:find("^%a") then context.header = original end
    for _, kind in ipairs(operators.KINDS) do
      kinds[kind](line, function(first, last, replacement)
        local changed = original:sub(1, first - 1) .. replacement .. original:sub(last + 1)
        mutants[#mutants + 1] = {
          path = path,
          line = number,
          kind = kind,
          was = trimmed(original),
          is = trimmed(changed),
          first = start + first - 1,
          last = start + last - 1,
          replacement = replacement,
        }
      end, language, context)
    end
    if line:find("%S") then context.before = line end
  end
  return mutants
end

-- The whole text with one mutant in it.
function operators.apply(text, mutant)
  return text:sub(1, mutant.first - 1) .. mutant.replacement .. text:sub(mutant.last + 1)
end

return operators
