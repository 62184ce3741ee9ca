-- Folds the outcomes of requests into one item for each interval, so that a busy endpoint writes
-- per interval and not per request. The item holds, for each variant, its requests, errors, and the
-- latencies of its successes in logarithmic buckets (weir.stats.sketch, 1 % relative error).
--
-- Lambda stops an environment between invocations and may end it without a word. So the item is
-- there from the interval's first request on, marked `open`, is written again whenever its requests
-- have doubled, and is closed by the first request after the interval. Each write replaces the item
-- under one key: one that is sent twice counts once. An environment that is killed loses what came
-- since its last write, less than half of the interval's requests. Its item stays open: whoever
-- reads the window is told so.
--
--   add(test_id, interval, now_us, outcome)   counts { variant =, is_error =, latency_ms =? }
--   due(now_us, interval) → list of folds that want to be written, and how many requests were given
--       up, because their fold waited for too long
--   written(fold)   it was
--   item(fold) → the attributes besides the key
--   read(item) → variant → { requests =, errors =, sum =, sketch = } | nil: it is not readable
--   forget()   everything, as in a new environment
--
-- State: the folds of this environment, in memory.
local sorted_pairs = require "weir.sorted_pairs"
local stats = require "weir.stats"
local uuid = require "weir.uuid"

local sketches = { ACCURACY = 0.01 }

-- Closed folds that could not be written yet; the oldest is given up beyond that.
local MOST_WAITING = 32
local BUCKET_MAX, COUNT_MAX = 100000, 1e12

local open, waiting = {}, {}

function sketches.forget() open, waiting = {}, {} end

-- A latency that a sketch can hold.
function sketches.is_latency(value)
  return type(value) == "number" and value > 0 and value < 1e12 -- NaN is not
end

function sketches.new_counts()
  return { requests = 0, errors = 0, sum = 0, sketch = stats.sketch(sketches.ACCURACY) }
end

-- An answer whose latency is missing or cannot be right still counts as an answer.
function sketches.count(counts, outcome)
  counts.requests = counts.requests + 1
  if outcome.is_error then
    counts.errors = counts.errors + 1
  elseif sketches.is_latency(outcome.latency_ms) then
    counts.sum = counts.sum + outcome.latency_ms
    counts.sketch:add(outcome.latency_ms)
  end
end

local function start_of(now_us, interval)
  local seconds = now_us // 1000000
  return seconds - seconds % interval
end

-- The clock may have been set back: any other interval closes the fold, and the next one has a key
-- of its own.
local function close_others(now_us, interval)
  local start = start_of(now_us, interval)
  for test_id, fold in sorted_pairs(open) do
    if fold.start ~= start or fold.interval ~= interval then
      open[test_id], fold.is_open = nil, false
      waiting[#waiting + 1] = fold
    end
  end
end

function sketches.add(test_id, interval, now_us, outcome)
  close_others(now_us, interval)
  local fold = open[test_id]
  if not fold then
    fold = { test_id = test_id, start = start_of(now_us, interval), interval = interval,
      id = uuid(), variants = {}, requests = 0, written = 0, is_open = true }
    open[test_id] = fold
  end

  local counts = fold.variants[outcome.variant] or sketches.new_counts()
  fold.variants[outcome.variant] = counts
  sketches.count(counts, outcome)
  fold.requests = fold.requests + 1
end

function sketches.due(now_us, interval)
  close_others(now_us, interval)
  local lost = 0
  while #waiting > MOST_WAITING do
    local oldest = table.remove(waiting, 1)
    lost = lost + oldest.requests - oldest.written
  end

  local list = table.move(waiting, 1, #waiting, 1, {})
  for _, fold in sorted_pairs(open) do
    if fold.requests >= 2 * fold.written then list[#list + 1] = fold end
  end

  return list, lost
end

function sketches.written(fold)
  fold.written = fold.requests
  for i, other in ipairs(waiting) do
    if other == fold then return table.remove(waiting, i) end
  end
end

function sketches.item(fold)
  local variants = {}
  for name, counts in sorted_pairs(fold.variants) do
    local buckets = {}
    for bucket, count in sorted_pairs(counts.sketch:buckets()) do
      buckets[tostring(bucket)] = count
    end

    variants[name] = {
      requests = counts.requests,
      errors = counts.errors,
      latency_sum_ms = counts.sum,
      buckets = buckets,
    }
  end

  return {
    record_type = "sketch",
    experiment = fold.test_id,
    open = fold.is_open,
    interval_seconds = fold.interval,
    accuracy = sketches.ACCURACY,
    variants = variants,
  }
end

-- Reading -----------------------------------------------------------------------------------------

local function is_count(value)
  return type(value) == "number" and value >= 0 and value <= COUNT_MAX and value % 1 == 0
end

local function read_buckets(given, counts)
  for text, count in sorted_pairs(given) do
    local bucket = math.tointeger(tonumber(text))
    if not bucket or math.abs(bucket) > BUCKET_MAX or not is_count(count) then return nil end
    counts.sketch:add_bucket(bucket, count)
  end

  return counts.sketch:count() <= counts.requests - counts.errors or nil
end

local function read_variant(given)
  if type(given) ~= "table" or type(given.buckets) ~= "table" then return nil end
  if not (is_count(given.requests) and is_count(given.errors)) then return nil end

  local counts = sketches.new_counts()
  counts.requests, counts.errors = given.requests, given.errors
  if type(given.latency_sum_ms) == "number" then counts.sum = given.latency_sum_ms end

  return read_buckets(given.buckets, counts) and counts
end

function sketches.read(item)
  if item.accuracy ~= sketches.ACCURACY or type(item.variants) ~= "table" then return nil end

  local variants = {}
  for name, given in sorted_pairs(item.variants) do
    variants[name] = read_variant(given)
    if type(name) ~= "string" or not variants[name] then return nil end
  end

  return variants
end

return sketches
