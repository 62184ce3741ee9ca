-- Handler `reconcile`: finds and processes what events missed. In the mode events_first a schedule
-- calls it: it lists a bucket and looks up the claim of every object's state; where nobody has one,
-- the object is processed, under the events' claims. In every other mode it does nothing.
--
-- The event: bucket (or the setting source_bucket), prefix, suffix (a list with commas), volume,
-- grace_seconds, and after, a key to go on behind. An object that is younger than the grace
-- (setting reconcile_grace_seconds, 300) is left to its event.
--
-- Without `after` it goes on where the last invocation ended before the end of the listing, by its
-- deadline or a crash (weir.events.progress).
--
-- The answer: { listed =, finished =, superseded =, busy =, recent =, ignored =, missed =,
-- processed =, failed =, failures = the first few, after = the key it went on behind (absent: it
-- began with the first), next = (absent at the end) }. What failed, or was busy, is found again by
-- the next one that comes there.
local claims = require "weir.events.claims"
local events = require "weir.events"
local job_decision = require "weir.events.job_decision"
local json = require "weir.json"
local listing = require "weir.events.listing"
local process = require "weir.processing.process"
local progress = require "weir.events.progress"
local runtime_process = require "weir.process"
local seen = require "weir.events.seen"
local settings = require "weir.settings"
local source_object = require "weir.processing.source_object"
local storage_role = require "weir.events.storage_role"
local time = require "weir.aws.time"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

-- Left for the object at hand and for the answer, in milliseconds.
local MARGIN_MS = 20000

-- Objects between two notes of how far it came: what a crash makes it look up again.
local OBJECTS_PER_NOTE = 100

local SHOWN_FAILURES = 20

local COUNTS = {
  "listed", "finished", "superseded", "busy", "recent", "ignored", "missed", "processed", "failed",
}

-- What this handler writes itself, where that goes into the bucket that it lists.
local function own_outputs(bucket, effects)
  if effects:setting("output_bucket", "") ~= bucket then return nil end
  return effects:setting("output_prefix", "results/")
end

local function request_of(event, effects)
  local bucket = events.text(event, "bucket") or try(settings.needed(effects, "source_bucket"))

  return {
    source = {
      bucket = bucket,
      leave_out = own_outputs(bucket, effects),
      prefix = events.text(event, "prefix") or "",
      suffixes = listing.suffixes(events.text(event, "suffix") or ""),
      role = storage_role(effects),
    },
    volume = events.text(event, "volume"),
    after = events.text(event, "after"),
    grace = events.member(event, "grace_seconds")
      or try(settings.integer(effects, "reconcile_grace_seconds")),
  }
end

local function is_time_left()
  local deadline = runtime_process.deadline()
  return not deadline or deadline - runtime_process.time() > MARGIN_MS
end

-- Each object behind the key, one at least → the key to go on after where the time ran out, or nil
local function each_object(request, effects, walk, visit)
  local visited = 0
  for page in listing.pages(effects, request.source, request.after or walk.after) do
    for _, object in ipairs(page) do
      visit(object)
      visited = visited + 1

      local must_stop = not is_time_left()
      if must_stop or visited % OBJECTS_PER_NOTE == 0 then walk:keep(object.Key) end
      if must_stop then return object.Key end
    end
  end

  walk:clear()
end

-- A file system's names are any bytes; a job's key is a text.
local function job_of(object, request, ask)
  if not utf8.len(object.Key) then events.invalid("the key is not valid UTF-8") end

  local job, message, code = job_decision.job(ask, {
    event = { source = "weir.listing", bucket = request.source.bucket, object = object },
    bucket = request.source.bucket,
    volume = request.volume,
  })

  if job == nil then try.fail(message, code) end

  return job
end

local function is_recent(object, request, effects)
  local written = time.parse_iso8601(object.LastModified)
  return written and effects:now() - written // 1000 < request.grace
end

-- What becomes of one object: the word to count it under.
local function reconcile(object, state)
  local job = job_of(object, state.request, state.context.ask)
  if not job then return "ignored" end
  if job.work == "transform" then return "ignored" end

  local standing = try(state.claims:look(job))
  if standing then return standing.status end
  if is_recent(object, state.request, state.context.effects) then return "recent" end

  state.counts.missed = state.counts.missed + 1
  try(process.run(job, state.context))
  return "processed"
end

local function count(object, state)
  local counts = state.counts
  counts.listed = counts.listed + 1

  local word, message, code = try.call(reconcile, object, state)
  if not word then
    word = code == "ClaimBusy" and "busy" or "failed"
    if word == "failed" and #state.failures < SHOWN_FAILURES then
      table.insert(state.failures, { key = seen.shown(object.Key), code = code, message = message })
    end
  end

  counts[word] = counts[word] + 1
end

local function answer(state, after, next_key, effects)
  local counts, mode = state.counts, state.context.mode
  effects:metric("ObjectsListed", counts.listed, "Count", { TriggerMode = mode })
  effects:metric("EventsMissed", counts.missed, "Count", { TriggerMode = mode })
  effects:metric("ReconcileFailures", counts.failed, "Count", { TriggerMode = mode })

  counts.status, counts.failures, counts.trigger_mode = "DONE", state.failures, mode
  counts.after, counts.next = after and seen.shown(after), next_key and seen.shown(next_key)

  return counts
end

local function new_counts()
  local counts = {}
  for _, name in ipairs(COUNTS) do counts[name] = 0 end
  return counts
end

local function run(event, ask, effects)
  events.object(event)
  local mode = trigger_mode.read(effects)
  if mode ~= "events_first" then return { status = "SKIPPED", trigger_mode = mode } end

  local request = request_of(event, effects)
  local state = {
    request = request,
    context = { ask = ask, effects = effects, mode = mode },
    counts = new_counts(),
    failures = json.array {},
    claims = claims.from_settings(effects, {
      way = trigger_mode.way(mode, "listing"),
      mode = mode,
      current = function(job) return source_object.current_etag(job, effects) end,
    }),
  }

  local walk = progress.of(effects, state.claims.table, request.source)
  local next_key = each_object(request, effects, walk, function(object) count(object, state) end)

  return answer(state, request.after or walk.after, next_key, effects)
end

return {
  name = "reconcile",
  asks = "review",
  summary = "find and process what events missed",
  run = run,
}
