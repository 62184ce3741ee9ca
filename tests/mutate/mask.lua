-- The code in a source file, with everything else made invisible: mask.lua and mask.c return a text
-- of the same length, where each byte of a comment or of a preprocessor's line is a space, and each
-- byte of a string, quotes included, is "\1". Newlines stay, so that places are the file's own.
local mask = {}

local STRING = "\1"

local function blank(text, filler) return (text:gsub("[^\n]", filler)) end

-- The byte behind a string in these quotes that begins at `first`.
local function quoted_end(text, first)
  local quote = text:sub(first, first)
  local at = first + 1
  while at <= #text do
    local byte = text:sub(at, at)
    if byte == quote or byte == "\n" then return at + 1 end
    at = at + (byte == "\\" and 2 or 1)
  end

  return #text + 1
end

-- The byte behind what begins at `first` and ends with `closing`.
local function closed_end(text, first, closing)
  local _, last = text:find(closing, first, true)
  return (last or #text) + 1
end

local function line_end(text, first) return text:find("\n", first, true) or #text + 1 end

-- A line that a backslash continues goes on in the next.
local function directive_end(text, first)
  local at = line_end(text, first)
  while at <= #text and text:sub(at - 1, at - 1) == "\\" do at = line_end(text, at + 1) end
  return at
end

-- Rebuilds `text` from its parts: token(text, at) returns the byte behind a part that is not code,
-- and what fills it; or nothing, where code is.
local function rebuild(text, token)
  local parts = {}
  local at = 1
  while at <= #text do
    local after, filler = token(text, at)
    if after then
      parts[#parts + 1] = blank(text:sub(at, after - 1), filler)
    else
      after = at + 1
      parts[#parts + 1] = text:sub(at, at)
    end

    at = after
  end

  return table.concat(parts)
end

local function lua_token(text, at)
  local byte = text:sub(at, at)
  if byte == '"' or byte == "'" then return quoted_end(text, at), STRING end

  local comment = text:match("^%-%-()", at)
  local level = text:match("^%[(=*)%[", comment or at)
  if level then return closed_end(text, at, "]" .. level .. "]"), comment and " " or STRING end
  if comment then return line_end(text, at), " " end

  -- <const> and <close> compare nothing.
  local attribute = text:match("^<%l+>()", at)
  if attribute then return attribute, " " end
end

local function c_token(text, at)
  local byte = text:sub(at, at)
  if byte == '"' or byte == "'" then return quoted_end(text, at), STRING end
  if text:find("^/%*", at) then return closed_end(text, at, "*/"), " " end
  if text:find("^//", at) then return line_end(text, at), " " end
  if byte == "#" then return directive_end(text, at), " " end
  local assertion = text:match("^_?[Ss]tatic_assert%f[^%w_]()", at)
  if assertion and not text:sub(at - 1, at - 1):find("[%w_]") then
    return closed_end(text, at, ";"), " "
  end
end

function mask.lua(text) return rebuild(text, lua_token) end

-- What stands outside of functions declares: it is blanked, too. A body is a brace behind a ")".
function mask.c(text)
  local code = rebuild(text, c_token)
  local parts = {}
  local at = 1

  for first, body, after in code:gmatch("%)%s*()(%b{})()") do
    parts[#parts + 1] = blank(code:sub(at, first - 1), " ")
    parts[#parts + 1] = body
    at = after
  end

  parts[#parts + 1] = blank(code:sub(at), " ")

  return table.concat(parts)
end

return mask
