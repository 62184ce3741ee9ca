-- Writes a Lua module without its comments, its indentation and the blanks at the ends of its lines
-- (see embed_lua.cmake). Runs while the layer is built, with plain Lua:
--
--   lua cmake/strip_lua.lua FROM TO
--
-- Lines stay where they are, so that places in messages are the source's. What is written compiles
-- to the very same bytes, or the build ends.

-- The end of the string that begins at `at`, or nil.
local function end_of_string(text, at)
  local equals = text:match("^%[(=*)%[", at)
  if equals then return select(2, assert(text:find("]" .. equals .. "]", at, true))) end
  local quote = text:match("^[\"']", at)
  if not quote then return nil end
  local i = at + 1
  while text:sub(i, i) ~= quote do i = i + (text:sub(i, i) == "\\" and 2 or 1) end

  return i
end

-- The end of the comment that begins at `at`, or nil.
local function end_of_comment(text, at)
  if text:sub(at, at + 1) ~= "--" then return nil end
  local long = text:match("^%[=*%[", at + 2) and end_of_string(text, at + 2)
  return long or (text:find("\n", at, true) or #text + 1) - 1
end

local function strip(text)
  local kept, at = {}, 1
  local function keep(piece) kept[#kept + 1] = piece end

  while at <= #text do
    local string_end, comment_end = end_of_string(text, at), end_of_comment(text, at)
    if string_end then
      keep(text:sub(at, string_end))
      at = string_end + 1
    elseif comment_end then
      keep((text:sub(at, comment_end):gsub("[^\n]+", "")))
      at = comment_end + 1
    elseif text:find("^[ \t]*\n[ \t]*", at) then
      keep("\n")
      at = select(2, text:find("^[ \t]*\n[ \t]*", at)) + 1
    elseif text:find("^[ \t]+%-%-", at) then
      at = select(2, text:find("^[ \t]+", at)) + 1
    else
      local last = select(2, text:find("^[%w_]+", at)) or at
      keep(text:sub(at, last))
      at = last + 1
    end
  end

  return table.concat(kept)
end

local from, to = table.unpack(arg)
local input <close> = assert(io.open(from, "rb"))
local text = input:read("a")
local stripped = strip(text)
local function compiled(source) return string.dump(assert(load(source, "=module", "t"))) end
assert(compiled(text) == compiled(stripped), from .. " compiles to other bytes without comments")

local output <close> = assert(io.open(to, "wb"))
assert(output:write(stripped))
