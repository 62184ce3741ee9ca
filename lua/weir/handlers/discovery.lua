-- Handler `discovery`: lists a bucket or access point, page by page, and writes the jobs of what is
-- new as a manifest (weir.events.manifest). What it saw is kept in a checkpoint, so that an object
-- is new once: when it appears, and when its ETag, size or time changes.
--
-- Settings, and members of the event, which come first: bucket, prefix, suffix (a list with
-- commas), checkpoint (true; false: everything is new), max_pages (of one invocation), page_size.
-- Settings: output_bucket and output_prefix (weir/discovery/) for manifests and checkpoints,
-- storage_role_arn and external_id for the listing, volume. Objects that no job can be made of
-- become dead letters, as in event_map.
--
-- The event { batch_manifest_of = key, manifest_bucket = } makes of a manifest one of SageMaker's;
-- { outcome_of = … } tells what became of one (weir.events.outcome).
--
-- It ends before its deadline and answers { done = false, progress = } where it goes on when it is
-- called again: with the checkpoint by itself, without it when the event has that `progress`. The
-- answer of a whole run is { done = true, manifest_bucket =, manifest_key =, place = what begins
-- the keys of its parts, total_objects =, total_bytes =, largest_bytes =, parts =, listed =, new =,
-- changed =, missing =, ignored =, everything = }.
-- Where the trigger mode does not act on listings it does nothing, so that nothing counts as seen
-- that nobody processed: { done = true, skipped = true }.
-- A run has the name of the event's member `run`, or its `id`: asked for the last run again, as a
-- retry does, it answers the same. everything: each object of the listing is in the manifest, and
-- there is no suffix.
--
-- The member `execution`, an ARN, says that this execution of a state machine works through the
-- manifest (weir.events.hand_on). Then it lists in the modes polling and parallel only. While the
-- execution that took the last manifest runs, it answers { done = true, busy = true }; where that
-- one was stopped or died, it answers the same manifest once more, with again = true.
local checkpoints = require "weir.events.checkpoint"
local dead_letters = require "weir.events.dead_letters"
local discovery_request = require "weir.events.discovery_request"
local events = require "weir.events"
local hand_on = require "weir.events.hand_on"
local job_decision = require "weir.events.job_decision"
local json = require "weir.json"
local listing = require "weir.events.listing"
local manifest = require "weir.events.manifest"
local process = require "weir.process"
local seen = require "weir.events.seen"
local settings = require "weir.settings"
local sha256 = require "weir.sha256"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

-- Pages between two commits: what a crash makes it list again.
local PAGES_PER_COMMIT = 100

-- A page and a commit take less than that.
local MARGIN_MS = 8000

-- Jobs ----------------------------------------------------------------------------------------

-- A key that is not UTF-8 as JSON can hold it. Mapped again, it is the same key, and refused again.
local function url_encoded(key) return (seen.escape(key):gsub("%+", "%%2B")) end

local function keep_broken(run, event, message, code)
  if not run.letters then try.fail(message, code) end
  try(dead_letters.keep(run.effects, run.letters, { reason = message, code = code, event = event }))
  run.progress.dead_letters = run.progress.dead_letters + 1
end

-- An object that is new, or changed, to the manifest, unless the policy ignores it.
local function map(run, object)
  local event = { source = "weir.listing", bucket = run.source.bucket, object = object }
  if not utf8.len(object.Key) then
    object.Key, event.encoding = url_encoded(object.Key), "url"
    return keep_broken(run, event, "the key is not valid UTF-8", "InvalidEvent")
  end

  local job, message, code = job_decision.job(run.ask,
    { event = event, bucket = run.source.bucket, volume = run.volume })
  if job then return run.writer:add(job) end
  if job == false then
    run.progress.ignored = run.progress.ignored + 1
    return
  end

  if not job_decision.of_the_event[code] then try.fail(message, code) end
  return keep_broken(run, event, message, code)
end

-- Runs ----------------------------------------------------------------------------------------

local function new_progress(id)
  local progress = { run = id, ignored = 0, dead_letters = 0, manifest = manifest.no_progress() }
  for name, value in pairs(seen.no_progress()) do -- any order: copies one key at a time
    progress[name] = value
  end

  return progress
end

local function name_of(source)
  return sha256.hex(discovery_request.describe(source)):sub(1, 12) end

-- Two executions that begin at once must not write one manifest.
local function run_name(request, number)
  local name = ("%s-%06d"):format(name_of(request.source), number)
  if not request.execution then return name end

  return ("%s-%s"):format(name, sha256.hex(request.execution):sub(1, 12))
end

-- With a checkpoint: a run that was begun goes on.
local function kept_run(request, run)
  local place = ("%scheckpoints/%s/"):format(request.output_prefix, name_of(request.source))
  local checkpoint = checkpoints.load(run.effects, request.output_bucket, place,
    discovery_request.describe(request.source))
  local state = checkpoint.state
  run.is_under_way = state.progress ~= nil
  state.progress = state.progress
    or new_progress(run_name(request, state.runs + 1))

  run.checkpoint, run.progress = checkpoint, state.progress
  run.merge = seen.merge(checkpoint.store, state.segments, run.progress,
    function(object) map(run, object) end)
end

-- Without one everything is new, and progress goes through the caller.
local function passing_run(request, run)
  local progress = request.progress
  if progress ~= nil and not checkpoints.is_progress(progress) then
    events.invalid("progress must be what an answer of this handler had")
  end

  run.progress = progress or new_progress(request.run or run.effects:uuid())
  run.merge = {
    add = function(_, object)
      run.progress.listed, run.progress.new = run.progress.listed + 1, run.progress.new + 1
      map(run, object)
    end,
    pause = function() end,
    finish = function() return nil end,
  }
end

local function start(request, ask, effects)
  local run = {
    ask = ask,
    effects = effects,
    source = request.source,
    volume = request.volume ~= "" and request.volume or nil,
    letters = dead_letters.place(effects),
  }

  if request.checkpoint then kept_run(request, run) else passing_run(request, run) end

  run.place = ("%smanifests/%s/"):format(request.output_prefix, run.progress.run)
  run.writer = manifest.writer(effects, request.output_bucket, run.place, run.progress.manifest)
  return run
end

local function pause(run)
  run.merge:pause()
  run.writer:flush()
  if run.checkpoint then run.checkpoint:commit() end
end

local function must_stop(request, pages)
  if request.max_pages > 0 and pages >= request.max_pages then return true end
  local deadline = process.deadline()
  return deadline and process.time() > deadline - MARGIN_MS
end

-- → whether the listing came to its end
local function list(request, run)
  local pages = 0
  for page in listing.pages(run.effects, run.source, run.progress.last) do
    for _, object in ipairs(page) do run.merge:add(object) end
    run.progress.last = page.last or run.progress.last

    pages = pages + 1
    if page.is_end then return true end
    if must_stop(request, pages) then
      pause(run)
      return false
    end

    if pages % PAGES_PER_COMMIT == 0 then pause(run) end
  end

  return true
end

local COUNTS = { "listed", "new", "changed", "missing", "ignored", "dead_letters" }
local TOTALS = { "total_objects", "total_bytes", "largest_bytes" }

local function about(request, progress)
  local known = {
    bucket = request.source.bucket,
    prefix = request.source.prefix,
    suffixes = json.array(request.source.suffixes),
    everything = #request.source.suffixes == 0
      and progress.listed == progress.manifest.total_objects,
  }

  for _, name in ipairs(COUNTS) do known[name] = progress[name] end

  return known
end

local function finish(request, run)
  local segments = run.merge:finish()
  local answer, totals = about(request, run.progress), run.progress.manifest
  answer.manifest_key, answer.place = run.writer:finish(answer), run.place

  answer.done, answer.manifest_bucket, answer.parts = true, request.output_bucket, #totals.lines
  for _, name in ipairs(TOTALS) do answer[name] = totals[name] end
  if run.checkpoint then
    run.checkpoint:end_run(segments, { run = request.run, answer = answer })
  end

  return answer
end

-- Answers -------------------------------------------------------------------------------------

local function measure(effects, answer)
  effects:metric("ObjectsListed", answer.listed, "Count", {})
  effects:metric("ObjectsDiscovered", answer.total_objects, "Count", {})
  effects:metric("BytesDiscovered", answer.total_bytes, "Bytes", {})
end

local function shown(request, answer)
  if not request.compatible then return answer end
  return { manifest_key = answer.manifest_key or json.null, total_objects = answer.total_objects }
end

-- The last manifest to another execution than the one that took it.
local function hand_on_again(request, run)
  local state = run.checkpoint.state
  state.progress, state.execution, state.last.run = nil, request.execution, request.run
  state.last.answer.again = true
  run.checkpoint:commit()

  return state.last.answer
end

-- What is answered without a listing, or nil. A retry asks for the last run again: it gets the
-- answer of that run.
local function answered_before(request, run)
  local state = run.checkpoint and run.checkpoint.state
  if not state then return nil end

  local standing = hand_on.standing(run.effects, state, request.execution)
  if standing == "busy" then
    return { done = true, busy = true, execution = state.execution, parts = 0, total_objects = 0 }
  end

  local last = state.last
  if last and request.run and last.run == request.run then return last.answer end
  if standing == "open" and last and not run.is_under_way and last.answer.total_objects > 0 then
    return hand_on_again(request, run)
  end

  state.execution = request.execution or state.execution
end

local function unfinished(request, run)
  if request.compatible then
    try.fail("the listing takes longer than an invocation; give the function more time, or keep a "
      .. "checkpoint (CHECKPOINT=true) and call it again", "DeadlineExceeded")
  end

  return {
    done = false,
    progress = not run.checkpoint and run.progress or json.null,
    listed = run.progress.listed,
  }
end

-- For a batch job: { manifest_path = } of a list of its own kind, made of a manifest.
local function for_batch(event, effects)
  local bucket = events.required_text(event, "manifest_bucket")
  local key = events.required_text(event, "batch_manifest_of")
  return { manifest_path = require("weir.events.batch_manifest").write(effects, bucket, key) }
end

local function acts_on_listings(event, mode)
  if events.text(event, "execution") then return trigger_mode.polls(mode) end
  return trigger_mode.way(mode, "listing") ~= nil
end

local function discover(event, ask, effects)
  if events.is_object(event) and event.batch_manifest_of then return for_batch(event, effects) end
  if events.is_object(event) and event.outcome_of then
    return require("weir.events.outcome").of(event, effects)
  end

  local compatible = try(settings.flag(effects, "compatible_output"))
  events.object(event)
  local mode = trigger_mode.read(effects)
  if not acts_on_listings(event, mode) then
    return shown({ compatible = compatible }, { done = true, skipped = true, trigger_mode = mode,
      parts = 0, total_objects = 0 })
  end

  local request = discovery_request.read(event, effects, compatible)
  local run = start(request, ask, effects)
  local before = answered_before(request, run)
  if before then return shown(request, before) end
  if not list(request, run) then return unfinished(request, run) end

  local answer = finish(request, run)
  measure(effects, answer)
  return shown(request, answer)
end

return {
  name = "discovery",
  asks = "mapping",
  summary = "list a bucket or access point, and write what is new as a manifest",
  run = discover,
}
