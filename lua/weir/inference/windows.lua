-- What the variants of an endpoint did, window by window: from the A/B table, and from CloudWatch
-- what the table does not tell.
--
--   read(effects, given) → list of windows, notes | nil, message, code
--   given = { table = settings of weir.inference.ab_table, test_id =,
--             endpoint = name | nil: the table alone, names = of the variants, from =, to =,
--             seconds = }
--   window = { from =, to =, source = "table" | "cloudwatch" | nil: no data,
--     variants = { [name] = {
--     requests =, errors =,         those that were sent, and of them those that failed
--     buckets =,                    latencies of successes (weir.stats.sketch); from the table only
--     mean =, p50 =, p90 =, p99 =,  milliseconds, of this window alone
--   } } }
--   notes = { open =, unreadable =, cloudwatch = a problem | nil }
--
-- A window has one source: an item in the table, of whichever variant, makes it the table's. A
-- variant that the source has nothing of is absent. CloudWatch may fail: then the table is all
-- there is, and the notes say so.
local ab_table = require "weir.inference.ab_table"
local cloudwatch_windows = require "weir.inference.cloudwatch_windows"
local sorted_pairs = require "weir.sorted_pairs"

local windows = {}

local function from_table(counts)
  local latencies = counts.latencies
  local variant = {
    requests = counts.requests,
    errors = counts.errors,
    buckets = latencies.buckets,
  }

  if latencies.count > 0 then
    variant.mean = latencies.sum / latencies.count
    variant.p50 = counts.sketch:quantile(0.5)
    variant.p90 = counts.sketch:quantile(0.9)
    variant.p99 = counts.sketch:quantile(0.99)
  end

  return variant
end

local function from_cloudwatch(counts)
  local latency = counts.latency_ms
  return {
    requests = counts.requests,
    errors = counts.errors,
    mean = latency.mean,
    p50 = latency.p50,
    p90 = latency.p90,
    p99 = latency.p99,
  }
end

local function window_of(from, to, recorded, measured)
  local window = { from = from, to = to, variants = {} }
  for name, counts in sorted_pairs(recorded) do
    window.source, window.variants[name] = "table", from_table(counts)
  end

  if window.source then return window end

  for name, by_time in sorted_pairs(measured) do
    if by_time[from] then
      window.source, window.variants[name] = "cloudwatch", from_cloudwatch(by_time[from])
    end
  end

  return window
end

-- CloudWatch is not asked where the table has everything.
local function measure(effects, given, notes)
  if not given.endpoint then return {} end
  local measured, message = cloudwatch_windows.read(effects, given.endpoint, given.names,
    given.from, given.to, given.seconds)
  if measured then return measured end
  notes.cloudwatch = message

  return {}
end

function windows.read(effects, given)
  local list, notes = {}, { open = 0, unreadable = 0 }
  if given.from >= given.to then return list, notes end

  local measured = measure(effects, given, notes)
  for from = given.from, given.to - 1, given.seconds do
    local to = from + given.seconds
    local recorded, seen, code = ab_table.read(effects, given.table, given.test_id, from, to)
    if not recorded then return nil, seen, code end
    notes.open, notes.unreadable = notes.open + seen.open, notes.unreadable + seen.unreadable
    list[#list + 1] = window_of(from, to, recorded, measured)
  end

  return list, notes
end

return windows
