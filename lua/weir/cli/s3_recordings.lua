-- Recordings in S3, replayed on this machine: every object under s3://bucket/prefix, one after the
-- other, at the memory and disk of one.
--
--   s3_recordings.run(job) → summary | nil, message, code      as weir.replay.run
local events = require "weir.events"
local listing = require "weir.events.listing"
local make_effects = require "weir.effects"
local object = require "weir.fleet.object"
local total = require "weir.fleet.total"
local try = require "weir.try"

local s3_recordings = {}

-- Finding ---------------------------------------------------------------------------------------

local function source_of(uri)
  local bucket, prefix = events.s3_place(uri)
  if not bucket then try.fail(uri .. " is not s3://bucket/prefix", "InvalidBucket") end
  return { bucket = bucket, prefix = prefix, suffixes = {} }
end

-- Every object of every place: { uri =, bucket =, key =, size = }, and the bytes of all.
local function find(effects, uris)
  local list, bytes, buckets = {}, 0, {}
  for _, uri in ipairs(uris) do
    local source, before = source_of(uri), #list
    for page in listing.pages(effects, source) do
      for _, found in ipairs(page) do
        local size = math.tointeger(tonumber(found.Size)) or 0
        list[#list + 1] = { uri = ("s3://%s/%s"):format(source.bucket, found.Key),
          bucket = source.bucket, key = found.Key, size = size }
        bytes = bytes + size
      end
    end

    if #list == before then try.fail("there is no object under " .. uri, "NoSuchKey") end
    buckets[#buckets + 1] = source.bucket
  end

  return list, bytes, buckets
end

-- In one bucket the keys are the names, as in a fleet's replay (docs/replay-digest.md).
local function name_objects(list, buckets)
  local is_one = true
  for _, bucket in ipairs(buckets) do is_one = is_one and bucket == buckets[1] end
  for _, found in ipairs(list) do
    found.name = is_one and found.key or ("%s/%s"):format(found.bucket, found.key)
  end
end

-- Replaying -------------------------------------------------------------------------------------

local function replay_one(effects, found, path, job)
  local answer, message, code = effects:read {
    service = "s3",
    operation = "GetObject",
    target = found.key,
    input = { Bucket = found.bucket, Key = found.key, output_file = path },
  }

  if answer then return try(object.replay(path, found.name, job)) end
  if code == "NoSuchKey" or code == "InvalidObjectState" then
    return { name = found.name, unreadable = message }
  end

  try.fail(("%s: %s"):format(found.uri, message), code)
end

local function job_of(job, found)
  return {
    set = job.set,
    old = job.old,
    jobs = job.jobs,
    details = job.details,
    on_event = function(_, event) job.on_event(found.uri, event) end,
  }
end

local function removed_at_end(path)
  return setmetatable({}, { __close = function() os.remove(path) end })
end

local function replay_all(job)
  local effects, sum = make_effects.live(), total.new()
  local list, bytes, buckets = find(effects, job.recordings)
  name_objects(list, buckets)

  local path <const>, done, uris = os.tmpname(), 0, {}
  local file <close> = removed_at_end(path) -- luacheck: ignore 211
  for _, found in ipairs(list) do
    uris[found.name] = found.uri
    if job.on_progress then job.on_progress(found.uri, done, bytes, sum.counts.decisions) end
    sum:add(replay_one(effects, found, path, job_of(job, found)))
    done = done + found.size
  end

  return sum:finish(), uris
end

function s3_recordings.run(job)
  local summary, uris, code = try.call(replay_all, job)
  if not summary then return nil, uris, code end

  for _, file in ipairs(summary.files) do file.recording = uris[file.name] end
  for _, problem in ipairs(summary.unreadable) do problem.file = uris[problem.file] end
  summary.changes, summary.failures, summary.repeated = nil, nil, nil
  return summary
end

return s3_recordings
