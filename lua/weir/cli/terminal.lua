-- What the command line prints, and how: two writers (data on stdout, messages on stderr) that
-- know whether they may colour, and helpers for text that came from elsewhere.
--
-- Text from events, policies and file names is untrusted: it can hold escape sequences that
-- rewrite the screen. Everything of that kind goes through terminal.printable first.
local json = require "weir.json"
local native = require "weir.terminal"
local process = require "weir.process"

local terminal = {}

-- Untrusted text ---------------------------------------------------------------------------

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape_byte(byte)
  return SHORT[byte] or ("\\x%02x"):format(byte:byte())
end

-- C1 controls, zero-width and direction-changing characters: invisible, and able to disguise
-- what stands next to them.
local function is_unsafe(code)
  return code >= 0x80 and code < 0xA0 or code >= 0x200B and code <= 0x200F
    or code >= 0x2028 and code <= 0x202E or code >= 0x2060 and code <= 0x206F
    or code == 0x061C or code == 0xFEFF or code >= 0xE0000 and code <= 0xE007F
    or code >= 0xFFF9 and code <= 0xFFFB
end

local function escape_character(character)
  local code = utf8.codepoint(character)
  if is_unsafe(code) then return ("\\u{%x}"):format(code) end
end

-- The text with nothing left in it that a terminal would obey. Plain ASCII costs one search.
function terminal.printable(text)
  text = tostring(text)
  if not text:find("[%c\x7f-\xff]") then return text end
  if utf8.len(text) then
    text = text:gsub("[\xc2-\xf4][\x80-\xbf]+", escape_character)
    return (text:gsub("[%c\x7f]", escape_byte))
  end

  local parts, at = {}, 1
  while at <= #text do
    local bad = select(2, utf8.len(text, at)) or #text + 1
    if bad > at then parts[#parts + 1] = terminal.printable(text:sub(at, bad - 1)) end
    if bad <= #text then parts[#parts + 1] = escape_byte(text:sub(bad, bad)) end
    at = bad + 1
  end

  return table.concat(parts)
end

-- A value as JSON for --json: pure ASCII, so that nothing in it can steer a terminal.
function terminal.json(value) return json.encode(value, { ascii = true }) end

-- At most `limit` characters on one line; what is cut is shown as "…".
function terminal.excerpt(text, limit)
  text = terminal.printable(text)
  if (utf8.len(text) or #text) <= limit then return text end
  return text:sub(1, utf8.offset(text, limit) - 1) .. "…"
end

-- Widths, numbers, tables ------------------------------------------------------------------

-- First and last code point of what fills two columns, and of what fills none.
local WIDE = {
  { 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0xA4CF }, { 0xA960, 0xA97C },
  { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF }, { 0xFE30, 0xFE6F }, { 0xFF01, 0xFF60 },
  { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1FAFF },
  { 0x20000, 0x3FFFD },
}
local NARROW = {
  { 0x0300, 0x036F }, { 0x0483, 0x0489 }, { 0x0591, 0x05BD }, { 0x0610, 0x061A },
  { 0x064B, 0x065F }, { 0x0E34, 0x0E3A }, { 0x1AB0, 0x1AFF }, { 0x1DC0, 0x1DFF },
  { 0x20D0, 0x20FF }, { 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F },
}

local function falls_in(ranges, code)
  for _, range in ipairs(ranges) do
    if code < range[1] then return false end
    if code <= range[2] then return true end
  end

  return false
end

-- Columns that printable text takes, colour sequences not counted.
function terminal.width(text)
  text = text:gsub("\27%[[%d;]*m", "")
  if not text:find("[\x80-\xff]") then return #text end
  local width = 0
  for _, code in utf8.codes(text, true) do
    width = width + (code < 0x300 and 1 or falls_in(NARROW, code) and 0 or falls_in(WIDE, code)
      and 2 or 1)
  end
  return width
end

-- 4812 → "4,812".
function terminal.thousands(number)
  local sign, digits, rest = tostring(number):match("^(%-?)(%d+)(.*)$")
  if not digits then return tostring(number) end
  digits = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return sign .. digits .. rest
end

-- count(1, "policy", "policies") → "1 policy"; count(4812, "event") → "4,812 events".
function terminal.count(number, one, many)
  return terminal.thousands(number) .. " " .. (number == 1 and one or many or one .. "s")
end

-- bytes(2150) → "2.1 KiB".
function terminal.bytes(count)
  if count < 1024 then return terminal.count(count, "byte") end
  if count < 1024 * 1024 then return ("%.1f KiB"):format(count / 1024) end
  return ("%.1f MiB"):format(count / (1024 * 1024))
end

local function pad(text, width, align)
  local space = (" "):rep(width - terminal.width(text))
  return align == "right" and space .. text or text .. space
end

-- Lines of a table: rows are lists of printable texts, aligns a list of "left" or "right".
function terminal.table(rows, aligns, indent)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, terminal.width(cell)) end
  end
  local lines = {}
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do cells[i] = pad(cell, widths[i], aligns and aligns[i]) end
    lines[#lines + 1] = ((indent or "") .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  return lines
end

-- Words of a text in lines of at most `width` columns, each after the indent.
function terminal.wrap(text, width, indent)
  local lines, line = {}, nil
  for word in text:gmatch("%S+") do
    if line and terminal.width(line) + 1 + terminal.width(word) <= width - #indent then
      line = line .. " " .. word
    else
      if line then lines[#lines + 1] = indent .. line end
      line = word
    end
  end
  if line then lines[#lines + 1] = indent .. line end
  return lines
end

-- Writers ----------------------------------------------------------------------------------

local STYLES = {
  bold = "1", dim = "2", red = "31", green = "32", yellow = "33", blue = "34", magenta = "35",
  cyan = "36",
  error = "1;31", warning = "1;33", note = "1;36", good = "32",
}

local function set(value) return value ~= nil and value ~= "" end
local function forced(value) return set(value) and value ~= "0" end

-- What the command line says wins over the environment, NO_COLOR over forcing, and forcing over the
-- kind of terminal.
local function may_colour(descriptor, options, getenv)
  if options.no_color or options.color == "never" then return false end
  if options.color == "always" then return true end
  if set(getenv("NO_COLOR")) then return false end
  if forced(getenv("FORCE_COLOR")) or forced(getenv("CLICOLOR_FORCE")) then return true end
  if getenv("TERM") == "dumb" or not set(getenv("TERM")) then return false end
  return native.is_terminal(descriptor)
end

local Writer = {}
Writer.__index = Writer

-- Raised when nobody can read what we write; cli.main turns it into an exit status.
terminal.WriteFailed = setmetatable({}, {
  __call = function(class, message) return setmetatable({ message = message }, class) end,
})

-- A message never overtakes the data it is about: `after` is the writer to flush first.
function Writer:write(...)
  self:clear_progress()
  if self.after then self.after:flush() end
  local ok, message = self.stream:write(...)
  if not ok then error(terminal.WriteFailed(message), 0) end
end

function Writer:print(...)
  self:write(...)
  self:write("\n")
end

function Writer:printf(format, ...) self:print(format:format(...)) end

-- What to do next: advice that --quiet goes without.
function Writer:next(...)
  if not self.quiet then self:print("Next: ", ...) end
end

function Writer:flush()
  local ok, message = self.stream:flush()
  if not ok then error(terminal.WriteFailed(message), 0) end
end

-- The text in a style where colour is allowed, else the text itself. It must be printable.
function Writer:paint(style, text)
  if not self.colour then return text end
  return "\27[" .. assert(STYLES[style], "expected paint(style, text) with a known style") .. "m"
    .. text
    .. "\27[0m"
end

-- A line that the next one replaces: only on a terminal, at most every 100 ms.
function Writer:progress(text)
  if not self.live then return end
  local now = process.clock()
  if self.progress_time and now - self.progress_time < 100 then return end
  self.progress_time = now
  self.stream:write("\r\27[K", terminal.excerpt(text, self.columns - 1))
  self.stream:flush()
  self.progress_shown = true
end

function Writer:clear_progress()
  if not self.progress_shown then return end
  self.progress_shown = false
  self.stream:write("\r\27[K")
end

function terminal.writer(stream, descriptor, options)
  local getenv = options.getenv or os.getenv
  local is_terminal = native.is_terminal(descriptor)
  return setmetatable({
    stream = stream,
    is_terminal = is_terminal,
    live = is_terminal and getenv("TERM") ~= "dumb" and not options.quiet,
    quiet = options.quiet or false,
    colour = may_colour(descriptor, options, getenv),
    columns = math.max(native.columns(descriptor) or tonumber(getenv("COLUMNS")) or 80, 20),
  }, Writer)
end

-- What every verb is given: the two writers, and whether the output is JSON.
function terminal.open(options)
  local out = terminal.writer(io.stdout, 1, options)
  local err = terminal.writer(io.stderr, 2, options)
  err.after = out
  return { out = out, err = err, json = options.json or false }
end

return terminal
