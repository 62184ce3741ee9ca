-- Lua 5.4 source text into tokens with their places. Findings point at tokens, which is why the
-- text is read here a second time, after Lua's own compiler has had its say.
--
-- A token: { kind = "name" | "keyword" | "string" | "number" | "operator" | "end",
--            value =, line =, column =, size = } ; columns and sizes are in bytes, columns from 1.

local lexer = {}

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do KEYWORDS[word] = true end

-- Longest first.
local OPERATORS = {
  "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", "..",
  "+", "-", "*", "/", "%", "^", "#", "&", "~", "|", "<", ">", "=",
  "(", ")", "{", "}", "[", "]", ";", ":", ",", ".",
}
local BY_FIRST = {}
for _, operator in ipairs(OPERATORS) do
  local first = operator:sub(1, 1)
  BY_FIRST[first] = BY_FIRST[first] or {}
  table.insert(BY_FIRST[first], operator)
end

local function syntax_error(state, what)
  error({ syntax = what, line = state.line, column = state.at - state.line_start + 1 }, 0)
end

-- Moves past text that may contain line breaks; \r\n, \n\r, \n and \r each count once, as in Lua.
local function advance_to(state, target)
  local passed, at = state.text:sub(state.at, target - 1), 1
  while true do
    local found = passed:find("[\r\n]", at)
    if not found then break end
    local pair = passed:sub(found, found + 1)
    at = found + ((pair == "\r\n" or pair == "\n\r") and 2 or 1)
    state.line = state.line + 1
    state.line_start = state.at + at - 1
  end

  state.at = target
end

-- [[…]] and [==[…]==]; returns its inside, or nil when a long bracket does not begin here.
local function read_long(state)
  local level = state.text:match("^%[(=*)%[", state.at)
  if not level then return nil end
  local first, last = state.text:find("]" .. level .. "]", state.at + #level + 2, true)
  if not first then syntax_error(state, "unfinished long string or comment") end
  local inside = state.text:sub(state.at + #level + 2, first - 1)
  advance_to(state, last + 1)

  return (inside:gsub("^\r?\n", "", 1))
end

-- A comment, which is kept with its place: what it says may be meant for weir check.
local function skip_comment(state)
  local comment = {
    line = state.line,
    column = state.at - state.line_start + 1,
    at = state.at,
  }
  state.at = state.at + 2
  if not read_long(state) then
    state.at = state.text:find("[\r\n]", state.at) or #state.text + 1
  end

  comment.text = state.text:sub(comment.at, state.at - 1)
  comment.size = #comment.text:match("^[^\r\n]*")
  table.insert(state.comments, comment)
end

local function skip_blank(state)
  while true do
    local blank = state.text:match("^%s+()", state.at)
    if blank then advance_to(state, blank) end
    if state.text:sub(state.at, state.at + 1) == "--" then
      skip_comment(state)
    elseif not blank then
      return
    end
  end
end

local SIMPLE = { n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v" }

-- The value of a quoted string's inside; escapes Lua refuses never get here.
local function unescape(inside)
  inside = inside:gsub("\\z%s*", "")
  return (inside:gsub("\\(u?{?%x*}?)", function(rest)
    local code = rest:match("^u{(%x+)}")
    if code and #code <= 6 then return utf8.char(tonumber(code, 16)) end
  end):gsub("\\x(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
    :gsub("\\(%d%d?%d?)", function(digits)
      return tonumber(digits) < 256 and string.char(tonumber(digits)) or nil
    end)

    :gsub("\\(.)", function(letter) return SIMPLE[letter] or letter end))
end

local function read_quoted(state)
  local quote, at = state.text:sub(state.at, state.at), state.at + 1
  while true do
    local stop = state.text:find("[\\\r\n" .. quote .. "]", at)
    local byte = stop and state.text:sub(stop, stop)
    if byte == quote then
      local inside = state.text:sub(state.at + 1, stop - 1)
      advance_to(state, stop + 1)
      return inside:find("\\", 1, true) and unescape(inside) or inside
    elseif byte ~= "\\" then
      syntax_error(state, "unfinished string")
    elseif state.text:sub(stop + 1, stop + 1) == "z" then
      at = state.text:match("^%s*()", stop + 2)
    else
      at = stop + (state.text:find("^\r\n", stop + 1) and 3 or 2)
    end
  end
end

local function read_number(state)
  local hex = state.text:match("^0[xX][%x%.]*()", state.at)
  local at = hex or state.text:match("^[%d%.]+()", state.at)
  local exponent = hex and "^[pP][%+%-]?%d+()" or "^[eE][%+%-]?%d+()"
  at = state.text:match(exponent, at) or at
  local value = tonumber(state.text:sub(state.at, at - 1))
  if not value or state.text:find("^[%w_]", at) then syntax_error(state, "malformed number") end
  state.at = at

  return value
end

local function read_token(state)
  local text, at = state.text, state.at
  local word = text:match("^[%a_][%w_]*", at)
  if word then
    state.at = at + #word
    return KEYWORDS[word] and "keyword" or "name", word
  elseif text:find("^%.?%d", at) then
    return "number", read_number(state)
  elseif text:find("^[\"']", at) then
    return "string", read_quoted(state)
  end

  local long = read_long(state)
  if long then return "string", long end
  for _, operator in ipairs(BY_FIRST[text:sub(at, at)] or {}) do
    if text:sub(at, at + #operator - 1) == operator then
      state.at = at + #operator
      return "operator", operator
    end
  end

  syntax_error(state, "unexpected symbol")
end

-- tokens(text) → list of tokens, the last of kind "end"; and the comments between them, { text =,
-- line =, column =, at =, size = of its first line }. Raises { syntax =, line =, column = }.
function lexer.tokens(text)
  local state = { text = text, at = 1, line = 1, line_start = 1, comments = {} }
  local mark = text:match("^\xef\xbb\xbf()")
  if mark then state.at, state.line_start = mark, mark end
  if text:find("^#", state.at) then state.at = text:find("[\r\n]", state.at) or #text + 1 end
  local tokens = {}
  while true do
    skip_blank(state)
    local token = { line = state.line, column = state.at - state.line_start + 1, at = state.at }
    tokens[#tokens + 1] = token
    if state.at > #text then
      token.kind, token.size = "end", 0
      return tokens, state.comments
    end

    token.kind, token.value = read_token(state)
    token.size = state.at - token.at
  end
end

return lexer
