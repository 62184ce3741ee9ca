-- A manifest: the jobs of one discovery, as JSON Lines in S3, in parts of at most 1,000 lines, and
-- an index that is written last and tells how many jobs and bytes there are.
--
--   PLACE/part-000001.jsonl …   a job a line (weir.kinds.mapping)
--   PLACE/manifest.json         { schema =, bucket =, prefix =, lines = list of each part's, … }
--
--   local writer = manifest.writer(effects, bucket, place, progress)
--   writer:add(job); writer:flush(); writer:finish(about) → key of the index
--   manifest.open(effects, bucket, key) → index, with `place` and `output_bucket`
--   manifest.part(effects, index, number) → list of lines
--   manifest.job(line) → the job of a line
--
-- progress is { lines = list, total_objects =, total_bytes =, largest_bytes = } and can be kept
-- between invocations after a flush. Failures are raised; what is not as the writer left it is
-- "ManifestCutShort".
local events = require "weir.events"
local json = require "weir.json"
local own_objects = require "weir.events.own_objects"
local try = require "weir.try"

local manifest = { SCHEMA = "weir.manifest/1", PART_LINES = 1000 }

local MOST_BYTES = 1 << 20

local function part_key(place, number) return ("%spart-%06d.jsonl"):format(place, number) end

-- Writing -------------------------------------------------------------------------------------

local Writer = {}
Writer.__index = Writer

function manifest.no_progress()
  return { lines = json.array({}), total_objects = 0, total_bytes = 0, largest_bytes = 0 }
end

-- place ends in "/".
function manifest.writer(effects, bucket, place, progress)
  return setmetatable({
    effects = effects,
    bucket = bucket,
    place = place,
    progress = progress,
    lines = {},
    bytes = 0,
  }, Writer)
end

function Writer:add(job)
  local line, progress = json.encode(job, { sort = true }), self.progress
  self.lines[#self.lines + 1] = line
  self.bytes = self.bytes + #line

  progress.total_objects = progress.total_objects + 1
  progress.total_bytes = progress.total_bytes + (job.size or 0)
  progress.largest_bytes = math.max(progress.largest_bytes, job.size or 0)
  if #self.lines >= manifest.PART_LINES or self.bytes >= MOST_BYTES then self:flush() end
end

function Writer:flush()
  if #self.lines == 0 then return end
  local counts = self.progress.lines
  own_objects.write(self.effects, self.bucket, part_key(self.place, #counts + 1),
    table.concat(self.lines, "\n") .. "\n")
  counts[#counts + 1] = #self.lines
  self.lines, self.bytes = {}, 0
end

function Writer:finish(about)
  self:flush()
  local index = { schema = manifest.SCHEMA }
  for _, source in ipairs { about, self.progress } do
    for name, value in pairs(source) do -- any order: copies one key at a time
      index[name] = value
    end
  end

  local key = self.place .. "manifest.json"
  own_objects.write(self.effects, self.bucket, key, json.encode(index, { sort = true }))

  return key
end

-- Reading -------------------------------------------------------------------------------------

local function cut_short(message, ...) try.fail(message:format(...), "ManifestCutShort") end

local function is_count(value) return math.type(value) == "integer" and value >= 0 end

local function is_whole(index)
  if not (events.is_object(index) and events.is_list(index.lines)) then return false end
  local sum = 0
  for _, count in ipairs(index.lines) do
    if not is_count(count) then return false end
    sum = sum + count
  end

  return type(index.bucket) == "string" and is_count(index.largest_bytes)
    and sum == index.total_objects
end

function manifest.open(effects, bucket, key)
  local text = own_objects.read(effects, bucket, key)
  if not text then try.fail(("there is no manifest %s in %s"):format(key, bucket), "NoSuchKey") end

  local index = json.decode(text)
  if not events.is_object(index) then cut_short("%s is not the whole JSON of a manifest", key) end
  if index.schema ~= manifest.SCHEMA then
    try.fail(("%s is of schema %s; this program reads %s"):format(key, tostring(index.schema),
      manifest.SCHEMA), "UnknownSchema")
  end

  if not is_whole(index) then cut_short("%s is not as discovery writes a manifest", key) end

  index.place, index.output_bucket = key:match("^(.*/)[^/]*$") or "", bucket

  return index
end

function manifest.part(effects, index, number)
  local key = part_key(index.place, number)
  local text = own_objects.read(effects, index.output_bucket, key)
  if not text then cut_short("%s is missing", key) end

  local lines = {}
  for line in text:gmatch("([^\n]+)\n") do lines[#lines + 1] = line end
  if #lines ~= index.lines[number] then
    cut_short("%s has %d whole lines, the manifest says %d", key, #lines, index.lines[number])
  end

  return lines
end

function manifest.job(line)
  local job = json.decode(line)
  if events.is_object(job) and type(job.key) == "string" then return job end
  cut_short("a line of the manifest is not a job with a key: %q", line:sub(1, 80))
end

return manifest
