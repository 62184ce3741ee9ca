-- What the claims table says of the two ways, put together for weir compare.
--
--   local comparison = records.new{ now =, since =?, before =? }, in epoch seconds: no objects that
--       were finished before `since`, nor those that nobody had finished `before`
--   comparison:add(record)     each item of the claims table
--   comparison:summary() → {
--     objects = , both =, alone =, only_polling =, only_events =, pending =, failed =, gone =,
--     missing = { { object =, way = } … },       the first of those that one way lacks
--     ways = { polling = { finished =, duplicates =, taken_over =, clocks_disagree = (objects),
--                          latency = { stage → list of ms } },
--              events = … },
--     pairs = { { object =, polling =, events = { status =, error =, documents = } } … } }
--
-- missing and pairs are in the order of their objects.
-- An object that one way finished while it ran alone is complete (`alone`). In the mode parallel
-- both have to. What is still worked on, or is to be tried again, is pending. What was deleted
-- before it was processed is gone.
local json = require "weir.json"
local latency = require "weir.events.latency"

local records = { WAYS = { "polling", "events" } }

local Comparison = {}
Comparison.__index = Comparison

local COUNTS = {
  "objects", "both", "alone", "only_polling", "only_events", "pending", "failed", "gone",
}

-- What is listed of each; the rest is counted.
local MOST_MISSING = 1000

local function new_way()
  return { finished = 0, duplicates = 0, taken_over = 0, clocks_disagree = 0, latency = {} }
end

function records.new(given)
  local self = {
    now = given.now,
    since = given.since,
    before = given.before,
    missing = {},
    pairs = {},
    ways = {},
  }

  for _, name in ipairs(COUNTS) do self[name] = 0 end
  for _, name in ipairs(records.WAYS) do self.ways[name] = new_way() end

  return setmetatable(self, Comparison)
end

local function add_latency(way, stages)
  local found = latency.measure(stages)
  if #found.disagreeing > 0 then way.clocks_disagree = way.clocks_disagree + 1 end
  for stage, ms in pairs(found.measured) do -- any order: each goes into a list of its own
    way.latency[stage] = way.latency[stage] or {}
    table.insert(way.latency[stage], ms)
  end
end

local function add_part(way, part, result)
  way.duplicates = way.duplicates + (part.duplicates or 0)
  if (part.attempts or 1) > 1 then way.taken_over = way.taken_over + 1 end
  if not result then return end
  way.finished = way.finished + 1
  if not result.error then add_latency(way, result.stages or {}) end
end

local function note_missing(self, object, way)
  local count = "only_" .. (way == "polling" and "events" or "polling")
  self[count] = self[count] + 1
  if #self.missing < MOST_MISSING then
    self.missing[#self.missing + 1] = { object = object, way = way }
  end
end

-- "pending" | "gone" | "missing": what an unfinished part is.
local function standing_of(self, part)
  if not part then return "missing" end
  if part.status == "released" then return part.gone and "gone" or "pending" end

  return part.lease_until > self.now and "pending" or "missing"
end

-- Neither way finished it.
local function place_unfinished(self, record)
  for _, name in ipairs(records.WAYS) do
    local part = record.ways[name]
    if part and standing_of(self, part) ~= "gone" then
      self.pending = self.pending + 1
      return
    end
  end

  self.gone = self.gone + 1
end

-- One way finished it, the other did not.
local function place_one(self, record, way, other)
  if record.ways[way].mode ~= "parallel" then
    self.alone = self.alone + 1
    return
  end

  local standing = standing_of(self, record.ways[other])
  if standing == "missing" then return note_missing(self, record.object, other) end
  self[standing] = self[standing] + 1
end

-- What documents are compared by. A million whole results would be gigabytes.
local function kept(result)
  return { status = result.status, error = result.error, documents = result.documents }
end

-- Where the object stands, of what each way finished.
local function place(self, record, done)
  if done.polling and done.events then
    self.both = self.both + 1
    self.pairs[#self.pairs + 1] =
      { object = record.object, polling = kept(done.polling), events = kept(done.events) }
  elseif done.polling then
    place_one(self, record, "polling", "events")
  elseif done.events then
    place_one(self, record, "events", "polling")
  else
    place_unfinished(self, record)
  end
end

-- Whether the comparison is about an object that was finished at these times, where they are known.
local function is_asked_for(self, first, last)
  if not first then return true end
  return last >= (self.since or last) and first < (self.before or math.huge)
end

function Comparison:add(record)
  local done, first, last = {}, nil, nil
  for _, name in ipairs(records.WAYS) do
    local part = record.ways[name]
    if part and part.status == "finished" then
      local at = part.finished_at
      done[name] = json.decode(part.result)
      if at then first, last = math.min(first or at, at), math.max(last or at, at) end
    end
  end

  if not is_asked_for(self, first, last) then return end

  self.objects = self.objects + 1
  for _, name in ipairs(records.WAYS) do
    if record.ways[name] then add_part(self.ways[name], record.ways[name], done[name]) end
  end

  if (done.polling or done.events or {}).error then self.failed = self.failed + 1 end
  place(self, record, done)
end

-- A table of DynamoDB has no order.
local function by_object(one, other) return one.object < other.object end

function Comparison:summary()
  table.sort(self.missing, by_object)
  table.sort(self.pairs, by_object)

  local summary = { missing = json.array(self.missing), ways = self.ways, pairs = self.pairs }
  for _, name in ipairs(COUNTS) do summary[name] = self[name] end
  return summary
end

return records
