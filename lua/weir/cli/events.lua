-- Events from files, as the operator has them: JSON Lines, one pretty-printed document, or an
-- array of events. '-' is standard input.
--
-- The first line decides: when it is a document by itself the file is read line by line, however
-- long it is; otherwise the whole file is taken as one document. A file that is neither is read
-- line by line again, so that bad lines among good ones are named.
local files = require "weir.files"
local json = require "weir.json"

local events = {}

-- The longest line, and the longest file that is not JSON Lines.
events.LIMIT = 64 * 1024 * 1024

function events.shown(path) return path == "-" and "standard input" or path end

local shown = events.shown

-- An iterator over the lines of an open file: number, line, and true for a line over the limit
-- (its text is dropped). Ends with nil, message, code when reading fails. `before_read` is called
-- when the next read may have to wait. A second result takes a function that is then offered every
-- text with whole lines in it: see events.each.
local function lines_of(file, before_read)
  local take
  local number, chunk, at, ended = 0, "", 1, false
  local parts, size, too_long = {}, 0, false

  local function keep(text)
    size = size + #text
    if size > events.LIMIT then parts, too_long = {}, true else parts[#parts + 1] = text end
  end

  local function line()
    local text, long = table.concat(parts), too_long
    parts, size, too_long, number = {}, 0, false, number + 1
    if text:byte(-1) == 13 then text = text:sub(1, -2) end

    return number, text, long
  end

  local function next_line()
    while true do
      if take and size == 0 then at, number = take(chunk, at, number) end
      local stop = chunk:find("\n", at, true)
      keep(chunk:sub(at, stop and stop - 1))
      if stop then
        at = stop + 1
        return line()
      end

      if ended then
        if size > 0 then return line() end
        return nil
      end

      before_read()
      local text, message, code = file:read()
      if not text then return nil, message, code end
      chunk, at, ended = text, 1, text == ""
    end
  end

  return next_line, function(lines_taker) take = lines_taker end
end

local function is_blank(text) return not text:find("%S") end

-- Hands out one line, or says what is wrong with it.
local function take_line(path, number, line, too_long, visit)
  local place = { path = shown(path), line = number }
  if too_long then
    visit(nil, place, ("longer than %d bytes"):format(events.LIMIT))
  elseif not is_blank(line) then
    local ok, message = json.validate(line)
    if ok then visit(line, place) else visit(nil, place, message) end
  end
end

local function take_rest(path, next_line, visit)
  while true do
    local number, line, too_long = next_line()
    if not number then return line == nil and true, line, too_long end
    take_line(path, number, line, too_long, visit)
  end
end

-- A whole file as one document: one event, or an array of them.
local function take_document(path, text, visit)
  local value = json.decode(text)
  if not json.is_array(value) then
    visit(text, { path = shown(path), line = 1 })
    return
  end

  for i, event in ipairs(value) do
    visit(json.encode(event), { path = shown(path), line = 1, item = i - 1 })
  end
end

local function has_good_line(text)
  for line in text:gmatch("[^\n]+") do
    if line:find("^%s*{") and json.validate(line) then return true end
  end

  return false
end

-- Not JSON Lines by its first line: gathers the file and decides what it is.
local function take_other(path, first, next_line, visit)
  local gathered, size = first, 0
  for _, held in ipairs(first) do size = size + #held.line end
  while size <= events.LIMIT do
    local number, line, too_long = next_line()
    if not number then
      if line then return nil, line, too_long end
      break
    end

    size = too_long and math.huge or size + #line -- then it is not a single document
    gathered[#gathered + 1] = { number = number, line = line, too_long = too_long }
  end

  local texts = {}
  for i, held in ipairs(gathered) do texts[i] = held.line end
  local text = table.concat(texts, "\n")
  local ok, message = json.validate(text)
  if size <= events.LIMIT and ok then
    take_document(path, text, visit)
    return true
  end

  if size <= events.LIMIT and not has_good_line(text) then
    visit(nil, { path = shown(path) }, message)
    return true
  end

  for _, held in ipairs(gathered) do
    take_line(path, held.number, held.line, held.too_long, visit)
  end

  return take_rest(path, next_line, visit)
end

-- Calls visit(text, place) for every event of the file, and visit(nil, place, message) for what
-- is not JSON; place is { path =, line =, item = from 0 in an array }. Answers true, or nil,
-- message, code when the file cannot be read (to its end). With `take(text, at, number)` lines need
-- no visit: from JSON Lines it takes as many whole lines of the text as it likes, from the place
-- `at` on, and answers with the place and the number of lines behind them.
function events.each(path, visit, before_read, take)
  local file <close>, message, code = files.open(path)
  if not file then return nil, message, code end
  local next_line, use_taker = lines_of(file, before_read or function() end)
  local skipped = {}
  while true do
    local number, line, too_long = next_line()
    if not number then
      if line then return nil, line, too_long end
      return true
    end

    if too_long then
      take_line(path, number, line, true, visit)
      return take_rest(path, next_line, visit)
    elseif not is_blank(line) and json.validate(line) then
      if json.is_array(json.decode(line)) then take_document(path, line, visit)
      else take_line(path, number, line, false, visit) end
      use_taker(take)

      return take_rest(path, next_line, visit)
    end

    skipped[#skipped + 1] = { number = number, line = line }
    if not is_blank(line) then return take_other(path, skipped, next_line, visit) end
  end
end

-- "events.jsonl:12", for messages.
function events.place(place)
  local text = place.path
  if place.line then text = text .. ":" .. place.line end
  if place.item then text = text .. "[" .. place.item .. "]" end

  return text
end

return events
