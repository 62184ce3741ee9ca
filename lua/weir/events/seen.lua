-- What a listing's last run saw: its objects with their state, as text lines in the order of the
-- keys, in segments of some thousand. A segment whose range of keys lists the same again is neither
-- read nor written: a million objects that did not change cost no segment.
--
--   local merge = seen.merge(store, old segments, progress, on_new)
--   merge:add(object)    objects of a listing, in order
--   merge:pause()        all that was added is in progress and store
--   merge:finish()       → the segments of this run
--
-- store: read(name) → text | nil, write(text) → name. A segment is { first = key, name =,
-- digest =, count = }: it tells of the keys from `first` on, to the next segment's. progress is
-- { segments = new ones, old = the next of the old ones, after = key or nil, counts … } and can be
-- kept between invocations after a pause. on_new(object, is_changed).
--
-- An object that was seen and is not listed stays in its segment once more, marked: a listing under
-- concurrent writes may skip one, and it must not come back as new.
local json = require "weir.json"
local sha256 = require "weir.sha256"
local try = require "weir.try"

local seen = {
  SEGMENT_LINES = 5000, -- of a segment
  MOST_HELD = 10000, -- before the old segment is looked at
}

local MISSING = "-"

-- Lines ---------------------------------------------------------------------------------------

local function to_hex(c) return ("%%%02X"):format(c:byte()) end

-- Keys as lines and JSON can hold them: no control characters, valid UTF-8.
function seen.escape(key)
  if not utf8.len(key) then return (key:gsub("[%c%%\x80-\xff]", to_hex)) end
  return key:find("[%c%%]") and key:gsub("[%c%%]", to_hex) or key
end

-- A key as JSON can hold it. What is escaped comes before it in the order of keys.
function seen.shown(key)
  return utf8.len(key) and key or (key:gsub("[\x80-\xff]", to_hex))
end

function seen.unescape(text)
  if not text:find("%", 1, true) then return text end
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local escape, unescape = seen.escape, seen.unescape

local function line_of(object)
  return ("%s\t%s\t%s\t%s"):format(escape(object.Key), object.ETag or "", object.Size or "",
    object.LastModified or "")
end

local function object_of(line)
  local key, etag, size, time = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
  return {
    Key = unescape(key),
    ETag = etag ~= "" and etag or nil,
    Size = math.tointeger(tonumber(size)),
    LastModified = time ~= "" and time or nil,
  }
end

-- Old segments --------------------------------------------------------------------------------

local function damaged(name, why)
  try.fail(("the segment %s of the checkpoint %s; delete the checkpoint to see all as new")
    :format(name, why), "CheckpointDamaged")
end

-- The lines of an old segment behind a key: list of { key =, line =, missing = }.
local function load_segment(store, segment, after)
  local text, list, count = store.read(segment.name), {}, 0
  if not text then damaged(segment.name, "is missing") end

  for mark, line in text:gmatch("([+-])([^\n]*)\n") do
    count = count + 1
    local key = unescape(line:match("^[^\t]*"))
    if not after or key > after then
      list[#list + 1] = { key = key, line = line, missing = mark == MISSING }
    end
  end

  if count ~= segment.count then damaged(segment.name, "is cut short") end

  return list
end

-- The merge -----------------------------------------------------------------------------------

local Merge = {}
Merge.__index = Merge

function seen.no_progress()
  return { segments = json.array({}), old = 1, listed = 0, new = 0, changed = 0, missing = 0 }
end

function seen.merge(store, old, progress, on_new)
  return setmetatable({
    store = store,
    old = old,
    progress = progress,
    on_new = on_new,
    keys = {}, -- added and not yet compared, in order
    lines = {},
    out = {}, -- compared and not yet written: lines with their mark
    listed = {}, -- those of them that were listed, without
    opened = nil, -- what is left of the current old segment, once it was read
  }, Merge)
end

local function first_key(line) return unescape(line:match("^.([^\t\n]*)")) end

-- Writes the compared lines as a segment.
local function write_out(self)
  if #self.out == 0 then return end
  local segments = self.progress.segments
  segments[#segments + 1] = {
    first = first_key(self.out[1]),
    name = self.store.write(table.concat(self.out, "\n") .. "\n"),
    digest = sha256.hex(table.concat(self.listed, "\n")),
    count = #self.out,
  }

  self.out, self.listed = {}, {}
end

local function put_out(self, mark, line)
  if #self.out >= seen.SEGMENT_LINES then write_out(self) end
  self.out[#self.out + 1] = mark .. line
  if mark ~= MISSING then self.listed[#self.listed + 1] = line end
end

local function count(self, name) self.progress[name] = self.progress[name] + 1 end

local function take_missing(self, entry)
  count(self, "missing")
  if not entry.missing then put_out(self, MISSING, entry.line) end
end

-- Old lines before the key are missing; → the old line of the key, or nil.
local function old_line(self, key)
  local opened = self.opened
  while opened.at <= #opened and opened[opened.at].key < key do
    take_missing(self, opened[opened.at])
    opened.at = opened.at + 1
  end

  local entry = opened[opened.at]
  if not entry or entry.key ~= key then return nil end
  opened.at = opened.at + 1

  return entry.line
end

local function open(self)
  if self.opened then return end
  local segment = self.old[self.progress.old]
  self.opened = segment and load_segment(self.store, segment, self.progress.after) or {}
  self.opened.at = 1
end

-- Compares all that is held with the old segment.
local function compare(self)
  open(self)
  for i, key in ipairs(self.keys) do
    local line = self.lines[i]
    local before = old_line(self, key)
    if line ~= before then
      count(self, before and "changed" or "new")
      self.on_new(object_of(line), before ~= nil)
    end

    put_out(self, "+", line)
  end

  self.progress.after = self.keys[#self.keys] or self.progress.after
  self.keys, self.lines = {}, {}
end

-- Nothing of the old segment's range changed: it is kept as it is.
local function is_unchanged(self, segment)
  return segment and not self.opened and #self.lines > 0
    and segment.digest == sha256.hex(table.concat(self.lines, "\n"))
end

local function keep(self, segment)
  write_out(self)
  table.insert(self.progress.segments, segment)
  self.progress.after = self.keys[#self.keys]
  self.keys, self.lines = {}, {}
end

-- The range of the current old segment is over.
local function close_range(self)
  local segment = self.old[self.progress.old]
  if is_unchanged(self, segment) then
    keep(self, segment)
  else
    compare(self)
    while self.opened[self.opened.at] do
      take_missing(self, self.opened[self.opened.at])
      self.opened.at = self.opened.at + 1
    end

    write_out(self)
  end

  self.opened, self.progress.old = nil, self.progress.old + 1
end

function Merge:add(object)
  local key, progress = object.Key, self.progress
  local following = self.old[progress.old + 1]
  while following and key >= following.first do
    close_range(self)
    following = self.old[progress.old + 1]
  end

  self.keys[#self.keys + 1] = key
  self.lines[#self.lines + 1] = line_of(object)
  progress.listed = progress.listed + 1
  if #self.keys >= seen.MOST_HELD then compare(self) end
end

function Merge:pause()
  compare(self)
  write_out(self)
  self.opened = nil
end

function Merge:finish()
  repeat close_range(self) until self.progress.old > #self.old
  return self.progress.segments
end

return seen
