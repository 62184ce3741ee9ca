-- Handler `replay_shard`: a batch of recorded files in S3, decided again; one child of the
-- Distributed Map of deploy/state-machines/replay.asl.json (docs/fleet-replay.md).
--
-- The event is the Map's: Items, a list of { Key = }, and BatchInput:
--   bucket     of the files
--   policies   s3://bucket/key of the bundle that decides
--   old        s3://bucket/key of the bundle that it is compared with; "" or absent: what was
--              recorded
--
-- The answer: { files = entries of weir.fleet.object, policies = digest, old = digest? }. A file
-- that is gone, or whose data are damaged, is an entry without a digest. Whatever else fails fails
-- the batch, which is tried again.
local events = require "weir.events"
local json = require "weir.json"
local object = require "weir.fleet.object"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local try = require "weir.try"

-- Step Functions takes 256 KiB, and puts the answer into a text.
local MOST_BYTES = 160 * 1024
-- Left for the answer, in milliseconds.
local MARGIN_MS = 5000

local function list_of(event)
  local items = events.member(event, "Items")
  if not events.is_list(items) or #items == 0 then events.invalid(
    "Items must be a list of files") end
  local keys = {}
  for i, item in ipairs(items) do
    if not events.is_object(item) then events.invalid("Items must be a list of objects") end
    keys[i] = events.required_text(item, "Key")
  end

  return keys
end

local function place_of(batch, name)
  local uri = events.text(batch, name)
  if not uri then return nil end
  local bucket, key = events.s3_place(uri)
  if bucket and key ~= "" then return { bucket = bucket, key = key, uri = uri } end
  events.invalid("%s must be s3://bucket/key of a policy bundle", name)
end

-- An empty `old` is the same as none: a state machine cannot leave a member out.
local function request_of(event)
  events.object(event)
  local batch = events.member(event, "BatchInput")
  if not events.is_object(batch) then events.invalid("BatchInput must be an object") end
  if batch.old == "" then batch.old = nil end

  return {
    keys = list_of(event),
    bucket = events.required_text(batch, "bucket"),
    policies = place_of(batch, "policies")
      or events.invalid("policies must be s3://bucket/key of a policy bundle"),
    old = place_of(batch, "old"),
  }
end

local function get(effects, bucket, key, path)
  return effects:read {
    service = "s3",
    operation = "GetObject",
    target = key,
    input = { Bucket = bucket, Key = key, output_file = path },
  }
end

local function load_set(effects, place)
  if not place then return nil end
  local answer = try(get(effects, place.bucket, place.key))
  local set, findings, code = policy_set.load(place.uri, { bundle = answer.Body })
  if set then return set end

  local first = findings[1] or {}
  try.fail(("the bundle %s does not load: %s"):format(place.uri, first.message or "no memory"),
    code)
end

-- What a dry run's world says comes as a text.
local function put(path, body)
  if not body then return end
  local file = assert(io.open(path, "wb"))
  local written, message = file:write(body)
  local closed, why = file:close()
  if not (written and closed) then try.fail(message or why, "IoError") end
end

local LOST = { NoSuchKey = true, InvalidObjectState = true }

local function replay_key(effects, request, key, job)
  local path = os.tmpname()
  local answer, message, code = get(effects, request.bucket, key, path)
  if answer then
    put(path, answer.Body)
  elseif LOST[code] then
    os.remove(path)
    return { name = key, unreadable = message }
  end

  local entry, why = nil, message
  if answer then entry, why, code = object.replay(path, key, job) end
  os.remove(path)
  if not entry then try.fail(why, code) end

  return entry
end

local function check_time(done, all)
  local deadline = process.deadline()
  if not deadline or deadline - process.time() > MARGIN_MS then return end
  try.fail(("%d of %d files fit into the function's time; make the batches smaller"):format(done,
    all), "DeadlineExceeded")
end

-- Examples are for people, counts and digests are not: they go first.
local function shortened(answer)
  if #json.encode(answer) <= MOST_BYTES then return answer end
  for _, entry in ipairs(answer.files) do
    for _, name in ipairs { "changes", "failures" } do
      for _, group in ipairs(entry[name] or {}) do group.example = nil end
    end

    entry.bad = nil
  end

  if #json.encode(answer) <= MOST_BYTES then return answer end
  try.fail("the answer is larger than Step Functions takes; make the batches smaller",
    "AnswerTooLarge")
end

local function run(event, _, effects)
  local request = request_of(event)
  local job = { set = load_set(effects, request.policies), old = load_set(effects, request.old) }
  local entries, decisions = json.array {}, 0
  for i, key in ipairs(request.keys) do
    check_time(i - 1, #request.keys)
    local entry = replay_key(effects, request, key, job)
    entries[i] = entry
    decisions = decisions + (entry.counts and entry.counts.decisions or 0)
  end

  effects:metric("FilesReplayed", #entries, "Count", {})
  effects:metric("DecisionsReplayed", decisions, "Count", {})
  return shortened {
    files = entries,
    policies = job.set:digest(),
    old = job.old and job.old:digest(),
  }
end

return {
  name = "replay_shard",
  summary = "decide a batch of recorded files in S3 again",
  run = run,
}
