-- Handler `replay_reduce`: what the shards of a fleet's replay come to (docs/fleet-replay.md),
-- after the Distributed Map of deploy/state-machines/replay.asl.json.
--
-- The event:
--   bucket, prefix   of the files
--   started          when the listing began (ISO 8601); a file that is newer is not expected
--   results          { Bucket =, Key = } of the Map's manifest, ResultWriterDetails of its output
--
-- The answer is a summary of weir.fleet.total, without its list of files, and besides `summary`,
-- the place in S3 where the whole is. A file that no shard replayed is in `unreadable`, with why,
-- and then there is no digest.
local events = require "weir.events"
local json = require "weir.json"
local listing = require "weir.events.listing"
local map_results = require "weir.fleet.map_results"
local own_objects = require "weir.events.own_objects"
local sorted_pairs = require "weir.sorted_pairs"
local time = require "weir.aws.time"
local total = require "weir.fleet.total"
local try = require "weir.try"

-- In the answer, which Step Functions takes up to 256 KiB of; the summary in S3 has all.
local SHOWN_PROBLEMS, SHOWN_GROUPS = 20, 20

local function request_of(event)
  events.object(event)
  local results = events.member(event, "results")
  if not events.is_object(results) then events.invalid("results must be an object") end
  local started = time.parse_iso8601(events.required_text(event, "started"))
  if not started then events.invalid("started must be a time, as 2026-11-23T12:00:00Z") end

  return {
    source = { bucket = events.required_text(event, "bucket"), suffixes = {},
      prefix = event.prefix ~= "" and events.text(event, "prefix") or "" },
    started = started,
    results = { bucket = events.required_text(results, "Bucket"),
      key = events.required_text(results, "Key") },
  }
end

-- Shards ----------------------------------------------------------------------------------------

-- Shards that had another bundle decided something else: there is no total of them.
local function check_policies(state, answer)
  local key = ("%s %s"):format(answer.policies, answer.old or "")
  state.policies = state.policies or { key = key, now = answer.policies, old = answer.old }
  if state.policies.key == key then return end
  try.fail("the policies were changed while the shards ran; start again", "PoliciesChanged")
end

local function take(state, execution)
  local answer = map_results.output(execution)
  if not events.is_object(answer) or not events.is_list(answer.files) then
    try.fail("a shard has no list of files in its answer", "MalformedResults")
  end

  check_policies(state, answer)
  for _, entry in ipairs(answer.files) do state.total:add(entry) end
end

-- Files of a shard that failed; another shard may have replayed them.
local function lose(state, execution)
  local input = map_results.input(execution)
  local why = ("its shard failed: %s"):format(execution.Error or "unknown")
  for _, item in ipairs(input and input.Items or {}) do
    if type(item.Key) == "string" then state.failed[item.Key] = why end
  end
end

local function read_shards(request, effects)
  local state = { total = total.new(), failed = {} }
  map_results.each(effects, request.results, function(status, execution)
    if status == "SUCCEEDED" then take(state, execution) else lose(state, execution) end
  end)

  return state
end

-- Completeness ----------------------------------------------------------------------------------

local function is_expected(entry, request)
  local written = time.parse_iso8601(entry.LastModified or "")
  return not written or written <= request.started
end

local function find_lost(state, request, effects)
  for page in listing.pages(effects, request.source) do
    for _, entry in ipairs(page) do
      if is_expected(entry, request) and not state.total:has(entry.Key) then
        state.total:lose(entry.Key, state.failed[entry.Key] or "no shard replayed it")
      end
    end
  end

  for key, why in sorted_pairs(state.failed) do
    if not state.total:has(key) then state.total:lose(key, why) end
  end
end

-- The answer ------------------------------------------------------------------------------------

local function first(list, count)
  return json.array(table.move(list, 1, math.min(#list, count), 1, {}))
end

local function write(summary, request, effects)
  local place = request.results.key:match("^(.*/)[^/]*$") or ""
  local key = place .. "summary.json"
  own_objects.write(effects, request.results.bucket, key, json.encode(summary))
  return ("s3://%s/%s"):format(request.results.bucket, key)
end

local function run(event, _, effects)
  local request = request_of(event)
  local state = read_shards(request, effects)
  find_lost(state, request, effects)

  local summary = state.total:finish()
  local policies = state.policies or {}
  summary.policies, summary.old = policies.now, policies.old
  summary.summary = write(summary, request, effects)

  summary.file_count, summary.unreadable_count = #summary.files, #summary.unreadable
  summary.files = nil
  summary.unreadable = first(summary.unreadable, SHOWN_PROBLEMS)
  summary.changes = first(summary.changes, SHOWN_GROUPS)
  summary.failures = first(summary.failures, SHOWN_GROUPS)
  return summary
end

return {
  name = "replay_reduce",
  summary = "add up what the shards of a replay decided",
  run = run,
}
