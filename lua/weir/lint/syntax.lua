-- What to write instead, for a syntax error that Lua found. Whoever writes policies seldom knows
-- which language they are in: most such errors are another language's operators and words.
local syntax = {}

-- The line without its texts and its comment. A text that is not closed stays.
local function code_of(line)
  return (line:gsub("\\.", "__"):gsub('"[^"]*"', '""'):gsub("'[^']*'", "''"):gsub("%-%-.*", ""))
end

local function line_of(text, number)
  local at = 1
  for line in (text:gsub("\r\n?", "\n") .. "\n"):gmatch("([^\n]*)\n") do
    if at == number then return line end
    at = at + 1
  end

  return ""
end

local CONDITION = { "%f[%w_]if%f[^%w_]", "%f[%w_]elseif%f[^%w_]", "%f[%w_]while%f[^%w_]",
  "%f[%w_]until%f[^%w_]" }

local function has_condition(code)
  for _, word in ipairs(CONDITION) do
    if code:find(word) then return true end
  end

  return false
end

local function word(name) return "%f[%w_]" .. name .. "%f[^%w_]" end

local LOOP = "write for i, x in ipairs(list) do … end"

-- What is found in the code of the line → what to write. The first that fits counts.
local IN_LINE = {
  { "!==?", "write ~= for 'is not equal'" },
  { "<>", "write ~= for 'is not equal'" },
  { "===", "write == for 'is equal'" },
  { "=~", "write ~= for 'is not equal'" },
  { "=<", "write <= for 'at most'" },
  { "&&", "write and" },
  { "||", "write or" },
  { "!", "write not x instead of !x" },
  { "[%w_%]%)]%s*%.%.=", "write x = x .. y: Lua has no ..=" },
  { "[%w_%]%)]%s*([%+%-%*/%%|&^])=", "write x = x %1 y: Lua has no %1=" },
  { word "for" .. "%s*%(", LOOP .. ", or for i = 1, n do … end" },
  { "%+%+", "write x = x + 1" },
  { ":=", "write = to assign, and local in front of a new name" },
  { word "if" .. ".*=>.*" .. word "then", "write >= for 'at least'" },
  { "=>", "write function(x) return … end" },
  { "%->", "write function(x) return … end" },
  { "%*%*", "write x * x for a square" },
  { "/%*", "comments begin with --" },
  { "^%s*//", "comments begin with --" },
  { "^%s*#", "comments begin with --" },
  { "[;%s]//", "comments begin with --" },
  { "%?", "write (condition and a or b), or if … then … else … end" },
  { word "elif", "write elseif" },
  { word "elsif", "write elseif" },
  { word "elsewhen", "write elseif" },
  { word "endif", "write end" },
  { word "fi", "write end" },
  { "^%s*" .. word "continue", "write goto continue, and ::continue:: at the end of the loop" },
  { "^%s*" .. word "let" .. "%s", "write local" },
  { "^%s*" .. word "var" .. "%s", "write local" },
  { "^%s*" .. word "const" .. "%s", "write local" },
  { word "def" .. "%s", "write local function name(…) … end" },
  { word "func" .. "%s", "write local function name(…) … end" },
  { word "fn" .. "%s", "write local function name(…) … end" },
  { word "switch", "write if … then … elseif … then … end" },
  { "^%s*" .. word "case", "write if … then … elseif … then … end" },
  { "^%s*" .. word "try" .. "%s*{?%s*$", "write pcall(function() … end)" },
  { word "catch", "write pcall(function() … end)" },
  { word "foreach", LOOP },
  { "^%s*" .. word "unless", "write if not … then" },
  { word "for" .. ".*:%s*$", LOOP },
  { word "is" .. "%s", "write == for 'is equal', ~= for 'is not equal'" },
  { word "if" .. ".*:%s*$", "write then at the end of the condition, and end after the branch" },
  { word "else" .. "%s*:", "write else without a colon" },
  { word "if" .. ".*{%s*" .. word "return", "a block has no braces: it ends with end" },
  { "%)%s*{%s*$", "a block has no braces: it ends with end" },
  { "}%s*" .. word "else", "a block has no braces: it ends with end" },
  { word "else" .. "%s*{", "a block has no braces: it ends with end" },
  { "%d%%%s+" .. word "then", "write 0.5 for 50 %" },
  { "[\"'%w]%s*:%s", "a table is written { name = value }, not { name: value }" },
}

-- Characters that look like others: word processors and web pages put them in.
local LOOKALIKES = {
  ["\u{201c}"] = 'write straight quotes: "', ["\u{201d}"] = 'write straight quotes: "',
  ["\u{201e}"] = 'write straight quotes: "', ["\u{2018}"] = "write straight quotes: '",
  ["\u{2019}"] = "write straight quotes: '", ["\u{a0}"] = "it is a no-break space: write a space",
  ["\u{2013}"] = "it is a dash: write -", ["\u{2014}"] = "it is a dash: write -",
  ["\u{2264}"] = "write <=", ["\u{2265}"] = "write >=", ["\u{2260}"] = "write ~=",
  ["\u{feff}"] = "it is a byte-order mark, a space of no width: delete it",
  ["\u{200b}"] = "it is a space of no width: delete it",
}

local KEYWORDS = {}
for keyword in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%S+") do KEYWORDS[keyword] = true end

-- IF, Return, AND: Lua's words are in small letters.
local function capitals(code)
  for name in code:gsub('""', ""):gmatch("%f[%w_][%a_][%w_]*") do
    if not KEYWORDS[name] and KEYWORDS[name:lower()] then
      return ("write %s in small letters"):format(name:lower())
    end
  end
end

local function lookalike(line)
  for character in line:gmatch("[\xc2-\xf4][\x80-\xbf]+") do
    if LOOKALIKES[character] then return LOOKALIKES[character] end
  end
end

local function in_line(code)
  for _, entry in ipairs(IN_LINE) do
    local from, _, operator = code:find(entry[1])
    if from then
      local shown = (operator or ""):gsub("%%", "%%%%")
      return (entry[2]:gsub("%%1", shown))
    end
  end
end

-- `else if` opens a block of its own.
local function has_else_if(text)
  for line in text:gmatch("[^\r\n]+") do
    if code_of(line):find("%f[%w_]else%s+if%f[^%w_]") then return true end
  end

  return false
end

-- An = where only a comparison can stand.
local function is_comparison(code, message, near)
  if near ~= "=" or code:find("==", 1, true) then return false end
  return message:find("^.*'then' expected") ~= nil or message:find("'do' expected", 1, true) ~= nil
    or has_condition(code) or code:find(word "return") ~= nil
    or code:find("=.*[^=~<>]=") ~= nil
end

local function by_message(text, code, message)
  local near = message:match("near '?([^']*)'?")
  if message:find("unfinished string", 1, true) then
    return "close the quote on the same line; a text of several lines stands in [[ … ]]"
  elseif message:find("unfinished long", 1, true) then
    return "a [[ is not closed by ]]"
  elseif message:find("malformed number", 1, true) then
    return "a number is digits and a point: 10000, 0.5; a name does not begin with a digit"
  elseif near == "," and code:find("%f[%d]%d%d?%d?,%d%d%d%f[^%d]") then
    return "a number is written without commas: 10000"
  elseif near == "in" or near == "not" and code:find(word "not" .. "%s+" .. word "in") then
    return has_condition(code)
      and "Lua has no 'in' for conditions: write list[name] for a map, a loop over a list" or nil
  elseif is_comparison(code, message, near) then
    return "to compare, write =="
  end

  local opened, number = message:match("%(to close '([^']*)' at line (%d+)%)")
  local is_open = message:find("'end' expected", 1, true) or code:find("^%s*end%s*[,})]")
  if is_open and has_else_if(text) then
    return "'else if' opens another if, which needs an end of its own; write elseif"
  elseif is_open and not opened and near ~= "<eof>" and code:find("^%s*end%s*[,})]") then
    return "a block above is not closed: an end is missing"
  elseif message:find("'}' expected", 1, true) and near and near:find("^[%w_]+$") then
    return ("is a comma missing before '%s'?"):format(near)
  elseif opened then
    return ("the '%s' of line %s is not closed"):format(opened, number)
  elseif message:find("'end' expected near <eof>", 1, true) then
    return "the file ends inside a block or a function: an end is missing"
  elseif message:find("'end' expected", 1, true) then
    return "return is the last statement of its block; an end is missing before this"
  elseif message:find("')' expected", 1, true) then
    return "a ( is not closed, or a comma is missing"
  elseif message:find("'then' expected", 1, true) then
    return "write then after the condition"
  elseif message:find("'do' expected", 1, true) then
    return "write do before the body of the loop"
  elseif message:find("'<eof>' expected near 'end'", 1, true)
    or message:find("<eof> expected near 'end'", 1, true) then
    return "there is one end too many, or a return that is not the last statement of its block"
  end
end

-- `// …` divides what stands above it: the mistake shows on the next line.
local function comment_above(text, line)
  if line > 1 and code_of(line_of(text, line - 1)):find("^%s*//") then
    return ("comments begin with --: see line %d"):format(line - 1)
  end
end

-- hint(text, line, message) → what to write, or nil. message: Lua's, of a text that does not
-- compile.
function syntax.hint(text, line, message)
  if text:find("^\xef\xbb\xbf") and line <= 1 then
    return "the file begins with a byte-order mark: save it as UTF-8 without one"
  elseif text:find("^\xff\xfe") or text:find("^\xfe\xff") then
    return "the file is UTF-16: save it as UTF-8"
  end

  local found = line_of(text, line)
  local code = code_of(found)

  return lookalike(code) or in_line(code) or capitals(code) or comment_above(text, line)
    or by_message(text, code, message)
end

return syntax
