-- Finds every use of Lua's `pairs` and `next` whose order could reach a result.
--
-- The order in which they go over a table differs from process to process. A line that uses them
-- therefore carries a comment with the reason why the order does not matter:
--
--   for name in pairs(set) do names[#names + 1] = name end -- any order: sorted below
--
-- All other loops use weir.sorted_pairs. Fields of that name (`page.next`, `{ next = … }`) are
-- fine.
local lexer = require("weir.lint.lexer")

local pairs_order = {}

local MARK = "^%s*%-%-+ any order: %S+ %S"
local UNORDERED = { pairs = true, next = true }
local GLOBALS = { _G = true, _ENV = true }
local OPEN, CLOSE = { ["("] = true, ["{"] = true, ["["] = true },
  { [")"] = true, ["}"] = true, ["]"] = true }

local function split_lines(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do lines[#lines + 1] = line end
  return lines
end

local function is(token, kind, value)
  return token ~= nil and token.kind == kind and token.value == value
end

-- page.next and page:next(), but not _G.next.
local function is_member(tokens, i)
  local before = tokens[i - 1]
  if is(before, "operator", ":") then return true end
  return is(before, "operator", ".") and not GLOBALS[(tokens[i - 2] or {}).value]
end

-- { next = … }; `bracket` is the innermost one that is open.
local function is_field(tokens, i, bracket)
  if bracket ~= "{" or not is(tokens[i + 1], "operator", "=") then return false end
  local before = tokens[i - 1].value
  return before == "{" or before == "," or before == ";"
end

-- _G["pairs"]
local function is_global_by_text(tokens, i)
  return tokens[i].kind == "string" and is(tokens[i - 1], "operator", "[")
    and GLOBALS[(tokens[i - 2] or {}).value] == true
end

-- uses(tokens) → the tokens that are Lua's own pairs or next.
local function uses(tokens)
  local found, brackets = {}, {}
  for i, token in ipairs(tokens) do
    if token.kind == "operator" and OPEN[token.value] then
      brackets[#brackets + 1] = token.value
    elseif token.kind == "operator" and CLOSE[token.value] then
      brackets[#brackets] = nil
    elseif not UNORDERED[token.value] then
      goto continue
    elseif is_global_by_text(tokens, i) then
      found[#found + 1] = token
    elseif token.kind == "name" and not is_member(tokens, i)
      and not is_field(tokens, i, brackets[#brackets]) then
      found[#found + 1] = token
    end

    ::continue::
  end

  return found
end

-- line → what follows its last token: white space and a comment.
local function tails(tokens, lines)
  local after = {}
  for number, line in ipairs(lines) do after[number] = line end
  for _, token in ipairs(tokens) do
    if token.kind ~= "end" then
      after[token.line] = lines[token.line]:sub(token.column + token.size)
    end
  end

  return after
end

-- check(path, text) → list of "path:line:column: what is wrong"
function pairs_order.check(path, text)
  local tokens, lines = lexer.tokens(text), split_lines(text)
  local after, findings, used = tails(tokens, lines), {}, {}

  for _, token in ipairs(uses(tokens)) do
    used[token.line] = true
    if not after[token.line]:find(MARK) then
      findings[#findings + 1] = ("%s:%d:%d: the order of '%s' differs from process to process; use "
        .. "weir.sorted_pairs, or end the line with '-- any order: REASON'")
        :format(path, token.line, token.column, token.value)
    end
  end

  for number in ipairs(lines) do
    if after[number]:find(MARK) and not used[number] then
      findings[#findings + 1] = ("%s:%d:1: '-- any order' stands on a line without pairs or next; "
        .. "remove it"):format(path, number)
    end
  end

  return findings
end

-- main(paths) → the exit status; prints the findings on standard error.
function pairs_order.main(paths)
  local count = 0
  for _, path in ipairs(paths) do
    local file = assert(io.open(path, "rb"))
    for _, finding in ipairs(pairs_order.check(path, file:read("a"))) do
      io.stderr:write(finding, "\n")
      count = count + 1
    end

    file:close()
  end

  if #paths == 0 then io.stderr:write("pairs_order: no file to look at\n") end

  return count == 0 and #paths > 0
end

return pairs_order
