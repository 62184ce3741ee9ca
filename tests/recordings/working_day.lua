-- A working day on five volumes and two endpoints, told as facts in the order of time.
--
--   working_day(decide)
--
-- decide(kind, facts, ms) is asked for every decision of the day and returns it; the day goes on
-- from there: batches start transform jobs, ramps change weights. The same decisions give the
-- same day, whatever the machine.
local Random = require("support.random")
local clock = require("recordings.clock")
local endpoints = require("recordings.endpoints")
local events = require("recordings.events")
local volumes = require("recordings.volumes")

local HOUR, MINUTE = clock.HOUR, clock.MINUTE
local SEED = 20261120

local day = {}
day.__index = day

-- Orders the writes of one key.
local function sequencer(ms) return ("%016X"):format(0x65a0000000000000 + ms) end

local SHAPES = {
  eventbridge = events.object_created, notification = events.notification, listing = events.listed,
  ["encoded listing"] = function(object) return events.listed(object, "url") end,
}

-- Asks for one event; returns the job when it is a new object.
function day:map(ms, event, volume)
  local decision = self.decide("mapping", { event = event, volume = volume }, ms)
  local key = decision.idempotency_key
  if decision.work ~= "object" or self.seen[key] then return nil end
  self.seen[key] = true
  return decision
end

-- Files that wait to be routed, by volume and first directory.
local function collect(volume, job)
  local prefix = job.key:match("^([^/]*/)") or ""
  local waiting = volume.waiting[prefix]
  if not waiting then
    waiting = { prefix = prefix, count = 0, bytes = 0, largest = 0 }
    volume.waiting[prefix] = waiting
    table.insert(volume.waiting, waiting)
  end
  waiting.count, waiting.bytes = waiting.count + 1, waiting.bytes + (job.size or 0)
  waiting.largest = math.max(waiting.largest, job.size or 0)
end

function day:report(volume, object, way, delay)
  self.agenda:at(self.agenda.now + delay, function(ms)
    object.id = self.random:uuid()
    local job = self:map(ms, SHAPES[way](object), volume.way == "eventbridge" and volume.name
      or nil)
    if job then collect(volume, job) end
  end)
end

-- How long a notification takes: mostly a moment, sometimes minutes, and some come twice. Between
-- 10:40 and 11:05 none of the scans came through; then all did, in no order.
function day:notify(volume, object, ms)
  local random = self.random
  local delay = random:chance(0.03) and random:integer(30000, 300000) or random:integer(200, 4000)
  local back = 11 * HOUR + 5 * MINUTE
  if volume.name == "scans" and ms >= 10 * HOUR + 40 * MINUTE and ms < back then
    delay = back - ms + random:integer(0, 3 * MINUTE)
  end
  self:report(volume, object, volume.way, delay)
  if random:chance(0.02) then
    self:report(volume, object, volume.way, delay + random:integer(100, 90000))
  end
end

function day:write(volume, ms)
  local random = self.random
  volume.written = volume.written + 1
  local key, size = volume.file(random, volume.written)
  local object = {
    bucket = volume.bucket, volume = volume.name, key = key, size = size, at = clock.text(ms),
    etag = random:hex(32), request = random:hex(16):upper(), sequencer = sequencer(ms),
    version = volume.versioned and random:hex(32) or nil,
  }
  if size > 8 * 1024 * 1024 then object.etag = object.etag .. "-" .. (size // 8388608 + 1) end
  if volume.way:find("listing") then
    table.insert(volume.unlisted, object)
  else
    self:notify(volume, object, ms)
  end
  if volume.way == "notification" and random:chance(0.1) then
    table.insert(volume.unlisted, object)
  end
  if volume.versioned and random:chance(0.05) then
    self.agenda:at(ms + random:integer(1, 3) * HOUR, function(later)
      object.id, object.at = random:uuid(), clock.text(later)
      self:map(later, events.object_deleted(object), volume.name)
    end)
  end
end

-- The poller: everything new on volumes without notifications, and every hour a part of what
-- notifications should have told already.
function day:list(volume)
  local found = volume.unlisted
  volume.unlisted = {}
  for i, object in ipairs(found) do
    self:report(volume, object, volume.way == "encoded listing" and volume.way or "listing", i * 2)
  end
end

local FAILURES = {
  "AlgorithmError: See job logs for more information", "ClientError: no such key",
  "InternalServerError: We encountered an internal error. Please try again.",
}

function day:start_transform(volume, waiting, ms)
  local random = self.random
  self.jobs = self.jobs + 1
  local job = {
    name = ("%s-20261120-%04d"):format(volume.name, self.jobs),
    model = volume.model .. "-batch",
  }
  job.started = random:chance(0.5) and clock.text(ms) or (clock.MIDNIGHT * 1000 + ms)

  local function state(status, after, more)
    for _ = 1, random:chance(0.2) and 2 or 1 do
      self.agenda:at(ms + after + random:integer(0, 4000), function(now)
        local change = { id = random:uuid(), at = clock.text(now), status = status }
        for _, source in ipairs { job, more or {} } do
          for name, value in pairs(source) do change[name] = value end
        end
        self:map(now, events.transform(change))
      end)
    end
  end

  state("InProgress", 90000)
  local length = random:integer(6, 40) * MINUTE
  if random:chance(0.06) then
    state("Failed", length, { failure = random:choice(FAILURES) })
    return
  end
  local ended = clock.MIDNIGHT * 1000 + ms + length
  state(random:chance(0.02) and "Stopped" or "Completed", length, { ended = ended })
  -- What the job wrote is announced, too, and must not become work.
  local output = {
    bucket = "weir-work-111122223333", key = ("results/%s/part-0.csv.out"):format(job.name),
    size = waiting.count * 210, etag = random:hex(32), request = random:hex(16):upper(),
    sequencer = sequencer(ms + length),
  }
  self.agenda:at(ms + length - 1000, function(now)
    output.id, output.at = random:uuid(), clock.text(now)
    self:map(now, events.object_created(output))
  end)
end

function day:route(volume, waiting, ms)
  local endpoint = self.endpoints[volume.model]
  local facts = {
    file_count = waiting.count, total_bytes = waiting.bytes, largest_bytes = waiting.largest,
    inference_type = volume.inference, volume = volume.name, prefix = waiting.prefix,
  }
  if endpoint then facts.endpoint_status = endpoints.status(endpoint, ms) end
  if self.random:chance(0.1) then facts.deadline_seconds = self.random:integer(1, 8) * 900 end
  local decision = self.decide("routing", facts, ms)
  if decision.action == "batch" then
    self:start_transform(volume, waiting, ms)
  elseif decision.action == "realtime" then
    local key = volume.name .. "/" .. waiting.prefix
    self.decide("weights", endpoints.weights_facts(endpoint, key, self.random), ms)
  end
end

function day:plan_volume(volume, offset)
  local agenda, random = self.agenda, self.random
  volume.written, volume.unlisted, volume.waiting = 0, {}, {}
  agenda:every(MINUTE, clock.DAY, MINUTE, function(ms)
    local rate = volume.rate * volumes.BUSY[ms // HOUR]
    local count = 0
    for _ = 1, random:successes(12, rate / 12) do
      count = count + random:integer(1, volume.stack or 1)
    end
    -- Bursts: the post is scanned at nine and at noon, exports run at two, the laboratory uploads
    -- at night.
    local minute = ms // MINUTE
    if volume.name == "invoices" and minute >= 545 and minute < 555 then count = count + 22 end
    if volume.name == "invoices" and (minute == 738 or minute == 757) then count = count + 13 end
    if volume.name == "landing" and minute >= 840 and minute < 844 then count = count + 30 end
    if volume.name == "research" and minute >= 130 and minute < 136 then count = count + 15 end
    for _ = 1, count do
      agenda:at(ms + random:integer(0, 59999), function(now) self:write(volume, now) end)
    end
  end)
  local step = volume.way:find("listing") and 5 * MINUTE or HOUR
  agenda:every(step + offset, clock.DAY, step, function() self:list(volume) end)
  agenda:every(5 * MINUTE + offset + 31000, clock.DAY, 5 * MINUTE, function(ms)
    local waiting = volume.waiting
    volume.waiting = {}
    for i, batch in ipairs(waiting) do
      agenda:at(ms + 60000 + i * 3, function(now) self:route(volume, batch, now) end)
    end
  end)
end

function day:plan_endpoint(endpoint)
  local agenda, random = self.agenda, self.random
  self.endpoints[endpoint.name] = endpoint
  agenda:every(0, clock.DAY, MINUTE, function(ms) endpoints.pass_minute(endpoint, ms, random) end)
  agenda:every(10 * MINUTE, clock.DAY, 5 * MINUTE, function(ms)
    local quiet = ms < 6 * HOUR or ms >= 22 * HOUR
    if quiet and ms % (20 * MINUTE) ~= 0 then return end
    local facts = endpoints.promotion_facts(endpoint, ms)
    endpoints.apply(endpoint, self.decide("promotion", facts, ms), ms)
    self.decide("weights", endpoints.weights_facts(endpoint, nil, random), ms)
  end)
end

return function(decide)
  local self = setmetatable({
    decide = decide, random = Random.new(SEED), agenda = clock.agenda(),
    seen = {}, endpoints = {}, jobs = 0,
  }, day)
  for _, endpoint in ipairs(endpoints.at_midnight()) do self:plan_endpoint(endpoint) end
  for i, volume in ipairs(volumes.list) do self:plan_volume(volume, i * 7000) end
  self.agenda:every(30 * MINUTE, clock.DAY, 30 * MINUTE, function(ms)
    self:map(ms, events.scheduled { id = self.random:uuid(), at = clock.text(ms) })
  end)
  self.agenda:run()
end
