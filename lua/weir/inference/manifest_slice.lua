-- A share of a manifest's files to an endpoint, several at a time, within the time of an
-- invocation.
--
-- The event of realtime_inference, with manifest_bucket and manifest_key instead of key and size,
-- and lane (from 0) of lanes: lane i of n takes the manifest's parts i + 1, i + 1 + n and so on.
-- The answer is { done =, lane =, position = files of the lane that are done, failed = how many of
-- them, ok = none failed }; where it is not done, the same event goes on. How far the lane is
-- stands beside the manifest too, as progress/lane-i-of-n.json: an invocation that dies is not
-- begun from the start.
--
-- A file that fails for a reason of its own is noted, as failures/NUMBER.json beside the manifest,
-- and the others go on. A failure that is everybody's ends the invocation with its code.
--
--   manifest_slice.run(event, effects, infer)
--       infer(event of one file) → result | nil, message, code
local events = require "weir.events"
local flight = require "weir.aws.flight"
local json = require "weir.json"
local manifest = require "weir.events.manifest"
local own_objects = require "weir.events.own_objects"
local process = require "weir.process"
local redact = require "weir.redact"
local settings = require "weir.settings"
local try = require "weir.try"

local manifest_slice = {}

-- Files between two notes of how far the lane is.
local FILES_PER_NOTE = 200

-- No file is begun when less of the invocation is left, or than a quarter of it.
local MARGIN_MS = 15000

-- Bytes of files in flight.
local MOST_HELD = 48 << 20

local OF_THE_FILE = {
  InvalidEvent = true,
  ModelError = true,
  NoSuchKey = true,
  ValidationError = true,
}

-- Reading -------------------------------------------------------------------------------------

local function whole(event, name, least)
  local value = events.member(event, name)
  if math.type(value) ~= "integer" or value < least then
    events.invalid("%s must be a whole number from %d on", name, least)
  end

  return value
end

local function note_key(self)
  return ("%sprogress/lane-%d-of-%d.json"):format(self.index.place, self.lane, self.lanes)
end

local function is_note(value)
  return events.is_object(value) and math.type(value.position) == "integer"
    and math.type(value.failed) == "integer" and value.position >= value.failed
    and value.failed >= 0
end

-- Of a note that is not whole nothing is known: the lane begins from the start, and writes the same
-- again.
local function noted(self)
  local text = own_objects.read(self.effects, self.index.output_bucket, note_key(self))
  local note = text and json.decode(text)
  return is_note(note) and note or { position = 0, failed = 0 }
end

local function open(event, effects, infer)
  local bucket = events.required_text(event, "manifest_bucket")
  local self = {
    event = event,
    effects = effects,
    infer = infer,
    index = manifest.open(effects, bucket, events.required_text(event, "manifest_key")),
    lane = whole(event, "lane", 0),
    lanes = whole(event, "lanes", 1),
    ended = {}, -- those beyond `position` that are done: position → "fine" or "failed"
    handed = 0, -- files that were given out or skipped
    begun_ms = process.time(),
  }

  if self.lane >= self.lanes then
    events.invalid("lane must be less than lanes, which is %d", self.lanes)
  end

  local before = noted(self)
  self.position, self.failed, self.noted = before.position, before.failed, before.position

  return self
end

-- The number of each file of the lane in the manifest, and its line; those that are done are
-- skipped, whole parts without being read.
local function lines_of(self)
  local number = self.lane + 1 - self.lanes
  local lines, at, before, first = {}, 0, 0, 0

  local function next_part()
    number = number + self.lanes
    local count = self.index.lines[number]
    if not count then return false end
    before = first
    first = before + count
    lines, at = {}, 0
    if first > self.position then
      lines = manifest.part(self.effects, self.index, number)
      at = math.max(0, self.position - before)
    end

    return true
  end

  return function()
    while at >= #lines do
      if not next_part() then return nil end
    end

    at = at + 1

    return before + at, lines[at]
  end
end

-- Progress ------------------------------------------------------------------------------------

local function note(self)
  if self.noted == self.position then return end
  own_objects.write(self.effects, self.index.output_bucket, note_key(self),
    json.encode({ position = self.position, failed = self.failed }, { sort = true }))
  self.noted = self.position
end

-- Files end in any order; those before the first that has not are done. The others are done again
-- after a crash, and so count only when they are.
local function end_file(self, place, has_failed)
  self.ended[place] = has_failed and "failed" or "fine"
  while self.ended[self.position + 1] do
    self.position = self.position + 1
    if self.ended[self.position] == "failed" then self.failed = self.failed + 1 end
    self.ended[self.position] = nil
  end
end

local function fail_file(self, place, job, message, code)
  local key = ("%sfailures/%d-%d.json"):format(self.index.place, self.lane, place)
  own_objects.write(self.effects, self.index.output_bucket, key, json.encode({
    key = job.key,
    code = code,
    message = redact.text(message),
  }, { sort = true }))
end

-- Files ---------------------------------------------------------------------------------------

local function file_event(self, job)
  local event = {}
  for name, value in pairs(self.event) do -- any order: copies one key at a time
    event[name] = value
  end

  for _, name in ipairs { "manifest_bucket", "manifest_key", "lane", "lanes" } do
    event[name] = nil
  end

  event.bucket, event.key, event.size = job.bucket, job.key, job.size

  return event
end

-- A task raises nothing: a failure is kept until all tasks have ended.
local function do_file(self, place, line)
  local job, message, code = try.call(manifest.job, line)
  local result
  if job then result, message, code = try.call(self.infer, file_event(self, job)) end

  local has_failed = not result and job ~= nil and OF_THE_FILE[code] == true
  if has_failed then
    fail_file(self, place, job, message, code)
  elseif not result then
    self.problem = self.problem or { message = message, code = code }
    return
  end

  end_file(self, place, has_failed)
end

local function is_out_of_time(self)
  local deadline, now = process.deadline(), process.time()
  if not deadline then return false end
  return now > deadline - math.min(MARGIN_MS, (deadline - self.begun_ms) // 4)
end

-- As many as are wanted, but no more than fit into memory if all are as large as the largest.
local function width(self)
  local wanted = try(settings.integer(self.effects, "concurrency"))
  local largest = math.max(1, self.index.largest_bytes or 1)
  return math.max(1, math.min(wanted, MOST_HELD // largest))
end

local function send_all(self)
  local next_line, exhausted = lines_of(self), false
  flight.run(function()
    if self.problem or is_out_of_time(self) then return nil end
    if self.position - self.noted >= FILES_PER_NOTE then note(self) end
    local place, line = next_line()
    exhausted = place == nil

    return place and function() do_file(self, place, line) end
  end, width(self))

  return exhausted
end

-- A call that the deadline cut off is done again by the next invocation.
local function is_cut_off(self, started_at)
  return self.problem.code == "DeadlineExceeded" and self.position > started_at
end

function manifest_slice.run(event, effects, infer)
  local self = open(event, effects, infer)
  local started_at = self.position
  local exhausted = send_all(self)
  note(self)

  if self.problem and not is_cut_off(self, started_at) then
    try.fail(self.problem.message, self.problem.code)
  end

  return {
    done = exhausted and not self.problem,
    lane = self.lane,
    position = self.position,
    failed = self.failed,
    ok = self.failed == 0,
  }
end

return manifest_slice
