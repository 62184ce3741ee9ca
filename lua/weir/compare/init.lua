-- The two ways compared: what the claims table says of them, and the documents they wrote.
--
--   compare.run{ claims_table =, output_bucket =, ignored =, on_progress =, source =?, suffix =?,
--       since =?, before =? } → report | nil, message, code
--   compare.verdict(report)   → "same" | "different" | "pending" | "nothing"
--
-- on_progress(what, done[, of all]) is called now and then.
-- source: { bucket =, prefix =, work_of = function(object of the listing) → work | nil } of objects
-- that should have a claim where they are work; ignored: set of the fields that a model wrote. The
-- report is what weir compare prints as JSON.
local aws = require "weir.aws"
local claim_record = require "weir.events.claim_record"
local claims = require "weir.events.claims"
local documents = require "weir.compare.documents"
local flight = require "weir.aws.flight"
local json = require "weir.json"
local listing = require "weir.events.listing"
local process = require "weir.process"
local progress = require "weir.events.progress"
local records = require "weir.compare.records"
local seen = require "weir.events.seen"
local sorted_pairs = require "weir.sorted_pairs"
local stats = require "weir.stats"
local time = require "weir.aws.time"
local try = require "weir.try"

local compare = { DISTRIBUTION_STEP = 5 }

-- What is listed of each; the rest is counted.
local MOST_LISTED = 1000

-- Objects whose documents are read at a time.
local IN_FLIGHT = 32

local PERCENTILES = { "p50", "p90", "p99", "p100" }

-- A service says what is not there, and not its name.
local function fail_at(place, message, code) try.fail(("%s: %s"):format(place, message), code) end

-- visit(item) for every item of every page.
local function each_item(client, operation, input, items, place, visit)
  for page, message, code in client:pages(operation, input) do
    if not page then fail_at(place, message, code) end
    for _, item in ipairs(page[items] or {}) do visit(item) end
  end
end

-- Claims --------------------------------------------------------------------------------------

local function read_claims(given)
  local client = aws.client "dynamodb"
  local comparison = records.new {
    now = process.time() // 1000,
    since = given.since,
    before = given.before,
  }

  local known = {}
  local place = "the claims table " .. given.claims_table
  each_item(client, "Scan", { TableName = given.claims_table }, "Items", place, function(item)
    if progress.is_item(item) then return end
    local record = try(claim_record.check(item))
    known[record.object] = record.etag
    comparison:add(record)
    given.on_progress("claims read", comparison.objects)
  end)

  return comparison:summary(), known
end

-- Listings have ETags in quotes. The listing is made after the claims were read, so that where the
-- two differ, the state that is there is the newer one.
local function is_claimed(object, etag)
  if not etag then return false end
  return not object.ETag or object.ETag:gsub('"', "") == etag
end

local function is_young(object, before)
  local written = before and time.parse_iso8601(object.LastModified)
  return written and written // 1000 >= before
end

-- The source: objects whose state nobody has claimed, but for those that no job is made of.
local function read_source(given, known)
  local source = given.source
  local client, suffixes = aws.client "s3", listing.suffixes(given.suffix or "")
  local found = { objects = 0, ignored = 0, unclaimed = 0, first = json.array {} }
  local input = { Bucket = source.bucket, Prefix = source.prefix ~= "" and source.prefix or nil }

  local place = "the source s3://" .. source.bucket
  each_item(client, "ListObjectsV2", input, "Contents", place, function(object)
    if not listing.has_suffix(object.Key, suffixes) then return end
    if is_young(object, given.before) then return end
    found.objects = found.objects + 1
    given.on_progress("objects listed", found.objects)
    local work = source.work_of(object)
    local id = claims.id { bucket = source.bucket, key = object.Key, work = work }
    if is_claimed(object, known[id]) then return end

    if not work then
      found.ignored = found.ignored + 1
      return
    end

    found.unclaimed = found.unclaimed + 1
    if #found.first < MOST_LISTED then found.first[#found.first + 1] = seen.shown(object.Key) end
  end)

  return found
end

-- Documents -----------------------------------------------------------------------------------

local function text_of(client, bucket, key)
  local object, message, code = client:call("GetObject", { Bucket = bucket, Key = key })
  if object then return object.Body end
  if code ~= "NoSuchKey" then fail_at("the documents in " .. bucket, message, code) end
end

-- One document of both ways: difference | nil: the same
local function compare_document(client, given, keys)
  local texts = {}
  for _, way in ipairs(records.WAYS) do
    texts[way] = text_of(client, given.output_bucket, keys[way])
  end

  if texts.polling and texts.events then
    return documents.difference(texts.polling, texts.events, given.ignored)
  end

  return {
    field = "(document)",
    polling = texts.polling and "there" or "gone",
    events = texts.events and "there" or "gone",
  }
end

-- The names of the documents that either way wrote, with both keys.
local function documents_of(pair)
  local names = {}
  for _, way in ipairs(records.WAYS) do
    for name, key in pairs(pair[way].documents or {}) do -- any order: collects by name
      names[name] = names[name] or {}
      names[name][way] = key
    end
  end

  return names
end

-- → the differences of one object, and how many documents were compared
local function compare_pair(client, given, pair)
  local found, compared = {}, 0
  local function note(document, difference)
    difference.object, difference.document = pair.object, document
    found[#found + 1] = difference
  end

  for _, field in ipairs { "status", "error" } do
    local polling, by_events = pair.polling[field], pair.events[field]
    if polling ~= by_events then
      note("result", { field = field, polling = polling or "none", events = by_events or "none" })
    end
  end

  for name, keys in sorted_pairs(documents_of(pair)) do
    compared = compared + 1
    local difference
    if keys.polling and keys.events then
      difference = compare_document(client, given, keys)
    else
      difference = {
        field = "(document)",
        polling = keys.polling and "there" or "not written",
        events = keys.events and "there" or "not written",
      }
    end

    if difference then note(name, difference) end
  end

  return found, compared
end

-- The answers of pairs come in any order; what was found is told in that of the objects.
local function sum_up(results)
  local equality = { compared = 0, different = 0, differences = json.array {} }
  local list = equality.differences
  for _, result in ipairs(results) do
    equality.compared = equality.compared + result.compared
    equality.different = equality.different + #result.found
    table.move(result.found, 1, math.min(#result.found, MOST_LISTED - #list), #list + 1, list)
  end

  return equality
end

local function compare_pairs(given, pairs_of_both)
  local client, results, started, ended, problem = aws.client "s3", {}, 0, 0, nil
  local function compare_one(number)
    local found, compared, code = try.call(compare_pair, client, given, pairs_of_both[number])
    if not found then problem = problem or { message = compared, code = code } end
    results[number], ended = { found = found, compared = compared }, ended + 1
    given.on_progress("documents compared", ended, #pairs_of_both)
  end

  flight.run(function()
    if problem or started == #pairs_of_both then return nil end
    started = started + 1
    local number = started
    return function() compare_one(number) end
  end, IN_FLIGHT)

  if problem then try.fail(problem.message, problem.code) end

  return sum_up(results)
end

-- The report ----------------------------------------------------------------------------------

local function latency_of(values)
  local latency = { count = #values }
  for _, name in ipairs(PERCENTILES) do latency[name] = stats.cloudwatch(values, name) end
  return latency
end

-- The time within which 0 %, 5 %, … 100 % of the objects were processed; empty where none was
-- measured.
local function distribution_of(values)
  local list = json.array {}
  if not values then return list end
  for share = 0, 100, compare.DISTRIBUTION_STEP do
    list[#list + 1] = stats.cloudwatch(values, "p" .. share)
  end

  return list
end

local function way_report(way)
  local latency = {}
  for stage, values in sorted_pairs(way.latency) do latency[stage] = latency_of(values) end
  return {
    finished = way.finished,
    duplicates_avoided = way.duplicates,
    taken_over = way.taken_over,
    clocks_disagree = way.clocks_disagree,
    latency_ms = latency,
    distribution_ms = distribution_of(way.latency.end_to_end),
  }
end

compare.run = try.catching(function(given)
  local summary, known = read_claims(given)
  local report = { schema = "weir.compare/1", ways = {} }
  for _, way in ipairs(records.WAYS) do report.ways[way] = way_report(summary.ways[way]) end
  report.completeness = {
    objects = summary.objects,
    both = summary.both,
    alone = summary.alone,
    only_polling = summary.only_polling,
    only_events = summary.only_events,
    pending = summary.pending,
    failed = summary.failed,
    gone = summary.gone,
    missing = summary.missing,
  }

  report.equality = compare_pairs(given, summary.pairs)
  report.source = given.source and read_source(given, known)

  return report
end)

function compare.verdict(report)
  local complete = report.completeness
  local unclaimed = report.source and report.source.unclaimed or 0
  if complete.only_polling + complete.only_events + report.equality.different + unclaimed > 0 then
    return "different"
  end

  if complete.pending > 0 then return "pending" end

  return complete.both == 0 and "nothing" or "same"
end

return compare
