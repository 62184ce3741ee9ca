-- The checkpoint of a discovery: what its last run saw (weir.events.seen) and, while a run is under
-- way, how far it is. One small object, `state.json`, is the truth, written in one step; segments
-- are objects named by what is in them, so that writing one again changes nothing. A crash loses
-- what came after the last commit, and the next invocation does it again under the same names.
--
--   local checkpoint = checkpoint.load(effects, bucket, place, source)
--   checkpoint.state   { runs = number of runs that ended, segments =,
--                        progress = | nil, last = | nil,
--                        execution = ARN of who took the last manifest | nil }
--   checkpoint:commit()      what was written since is true from now on
--   checkpoint:end_run(segments, last)   `last` is kept: what the caller was answered
--   checkpoint.store         for seen.merge
--   checkpoint.is_progress(value) → whether it is what state.progress may be
--
-- One writer at a time: give the function a reserved concurrency of 1. A second one is found out
-- at its next commit and fails with "CheckpointMoved".
local events = require "weir.events"
local json = require "weir.json"
local own_objects = require "weir.events.own_objects"
local seen = require "weir.events.seen"
local sha256 = require "weir.sha256"
local sorted_pairs = require "weir.sorted_pairs"
local try = require "weir.try"

local SCHEMA = "weir.checkpoint/1"

local Checkpoint = {}
Checkpoint.__index = Checkpoint

-- The state as JSON and back: keys are escaped in it.
local function with_keys(change, state)
  local function changed(segments)
    local copies = json.array({})
    for i, segment in ipairs(segments) do
      copies[i] = {
        first = change(segment.first),
        name = segment.name,
        digest = segment.digest,
        count = segment.count,
      }
    end

    return copies
  end

  local copy = {}
  for name, value in sorted_pairs(state) do copy[name] = value end
  copy.segments = changed(state.segments)
  if state.progress then
    copy.progress = {}
    for name, value in sorted_pairs(state.progress) do copy.progress[name] = value end
    copy.progress.segments = changed(state.progress.segments)
    for _, name in ipairs { "after", "last" } do
      copy.progress[name] = state.progress[name] and change(state.progress[name])
    end
  end

  return copy
end

-- Shapes: what others wrote must not pass for a state, nor end in an error without a name.

local function is_count(value) return math.type(value) == "integer" and value >= 0 end
local function is_text(value) return type(value) == "string" end

local function every(list, is_fine)
  if not events.is_list(list) then return false end
  for _, value in ipairs(list) do
    if not is_fine(value) then return false end
  end

  return true
end

local function has(value, is_fine, names)
  for name in names:gmatch "%S+" do
    if not is_fine(value[name]) then return false end
  end

  return true
end

local function is_segment(value)
  return events.is_object(value) and has(value, is_text, "first name digest")
    and is_count(value.count)
end

-- Is it the progress of a run, as this program keeps it between two invocations?
local function is_progress(value)
  local manifest = events.is_object(value) and value.manifest
  return events.is_object(manifest) and every(manifest.lines, is_count)
    and has(manifest, is_count, "total_objects total_bytes largest_bytes")
    and has(value, is_count, "old listed new changed missing ignored dead_letters")
    and is_text(value.run) and every(value.segments, is_segment)
    and (value.after == nil or is_text(value.after))
    and (value.last == nil or is_text(value.last))
end

local function is_state(value)
  return is_count(value.runs) and every(value.segments, is_segment)
    and (value.progress == nil or is_progress(value.progress))
    and (value.garbage == nil or every(value.garbage, is_text))
    and (value.last == nil or events.is_object(value.last))
    and (value.execution == nil or is_text(value.execution))
end

local function parse(text, source, key)
  local state = json.decode(text)
  if not events.is_object(state) then
    try.fail(("the checkpoint %s is not JSON; delete it to see all as new"):format(key),
      "CheckpointDamaged")
  end

  if state.schema ~= SCHEMA then
    try.fail(("the checkpoint %s is of schema %s, this program reads %s; delete it to see all as "
      .. "new"):format(key, tostring(state.schema), SCHEMA), "CheckpointVersion")
  end

  if state.source ~= source then
    try.fail(("the checkpoint %s is of %s, not of %s; delete it to see all as new"):format(key,
      tostring(state.source), source), "CheckpointOfAnother")
  end

  if not is_state(state) then
    try.fail(("the checkpoint %s is not as this program writes it; delete it to see all as new")
      :format(key), "CheckpointDamaged")
  end

  return with_keys(seen.unescape, state)
end

local function segment_store(effects, bucket, place)
  return {
    read = function(name)
      return own_objects.read(effects, bucket, place .. "segments/" .. name)
    end,
    write = function(text)
      local name = sha256.hex(text):sub(1, 32)
      own_objects.write(effects, bucket, place .. "segments/" .. name, text)
      return name
    end,
  }
end

-- load(…): place ends in "/"; source is a text that says what is listed.
local function load(effects, bucket, place, source)
  local key = place .. "state.json"
  local text = own_objects.read(effects, bucket, key)
  return setmetatable({
    effects = effects,
    bucket = bucket,
    place = place,
    key = key,
    text = text,
    store = segment_store(effects, bucket, place),
    state = text and parse(text, source, key)
      or { schema = SCHEMA, source = source, runs = 0, segments = json.array({}) },
  }, Checkpoint)
end

function Checkpoint:commit()
  local is_dry = self.effects.dry
  if not is_dry and own_objects.read(self.effects, self.bucket, self.key) ~= self.text then
    try.fail(("another invocation wrote the checkpoint %s: only one may run at a time (reserved "
      .. "concurrency 1)"):format(self.key), "CheckpointMoved")
  end

  local text = json.encode(with_keys(seen.escape, self.state), { sort = true })
  own_objects.write(self.effects, self.bucket, self.key, text)
  self.text = text
end

-- Segments that no run refers to any more are removed once the state that said so is written.
local function remove_garbage(self, used)
  for _, name in ipairs(self.state.garbage or {}) do
    if not used[name] then
      own_objects.remove(self.effects, self.bucket, self.place .. "segments/" .. name)
    end
  end
end

-- The last step of a run. After a crash before it the run goes on; after it the run is over.
function Checkpoint:end_run(segments, last)
  local state, used, garbage = self.state, {}, json.array({})
  for _, segment in ipairs(segments) do used[segment.name] = true end
  for _, segment in ipairs(state.segments) do
    if not used[segment.name] then garbage[#garbage + 1] = segment.name end
  end

  remove_garbage(self, used)
  state.segments, state.progress, state.runs = segments, nil, state.runs + 1
  state.last, state.garbage = last, garbage
  self:commit()
end

return { load = load, is_progress = is_progress, SCHEMA = SCHEMA }
