-- What the variants did in a window, written back into the A/B table and measured.
--
--   write(effects, place, window, closed) → true | nil, message, code
--       One item a window under `<test_id>-aggregation`, written again only when late records have
--       changed it. window: of weir.inference.windows; closed: of weir.inference.experiment, which
--       keeps the digest of what was written.
--   measure(effects, list of windows)
--       AvgLatency, P50Latency, P90Latency, P99Latency (milliseconds), ErrorRate (percent),
-- RequestCount
--       and ErrorCount by VariantName, over all of them; percentiles of the last one alone.
local ab_table = require "weir.inference.ab_table"
local json = require "weir.json"
local sha256 = require "weir.sha256"
local sorted_pairs = require "weir.sorted_pairs"

local aggregation = {}

local function rate(variant)
  if not variant.errors or variant.requests == 0 then return nil end
  return variant.errors / variant.requests
end

local function summary(variant)
  return {
    request_count = variant.requests,
    error_count = variant.errors,
    error_rate = rate(variant),
    avg_latency_ms = variant.mean,
    p50_latency_ms = variant.p50,
    p90_latency_ms = variant.p90,
    p99_latency_ms = variant.p99,
  }
end

function aggregation.write(effects, place, window, closed)
  if not window.source then return true end

  local variants = {}
  for name, variant in sorted_pairs(window.variants) do variants[name] = summary(variant) end
  local item = {
    test_id = place.test_id,
    window_start = window.from,
    window_end = window.to,
    source = window.source,
    variants = variants,
  }

  local digest = sha256.hex(json.encode(item, { sort = true }))
  if closed.digest == digest then return true end

  local written, message, code = ab_table.keep(effects, place.table, place.test_id, "aggregation",
    window.from, item)
  if not written then return nil, message, code end
  closed.digest = digest

  return true
end

local function add(totals, name, variant)
  local total = totals[name] or { requests = 0, errors = 0, answers = 0, sum = 0 }
  totals[name] = total
  total.requests = total.requests + variant.requests
  total.errors = total.errors and variant.errors and total.errors + variant.errors
  if variant.mean then
    local answers = variant.requests - (variant.errors or 0)
    total.answers, total.sum = total.answers + answers, total.sum + answers * variant.mean
  end

  total.last = variant
end

local PERCENTILES = { P50Latency = "p50", P90Latency = "p90", P99Latency = "p99" }

local function measure_variant(effects, name, total)
  local dimensions = { VariantName = name }
  effects:metric("RequestCount", total.requests, "Count", dimensions)
  if total.errors then
    effects:metric("ErrorCount", total.errors, "Count", dimensions)
    effects:metric("ErrorRate", 100 * total.errors / total.requests, "Percent", dimensions)
  end

  if total.answers > 0 then
    effects:metric("AvgLatency", total.sum / total.answers, "Milliseconds", dimensions)
  end

  for metric, member in sorted_pairs(PERCENTILES) do
    if total.last[member] then
      effects:metric(metric, total.last[member], "Milliseconds", dimensions)
    end
  end
end

function aggregation.measure(effects, list)
  local totals = {}
  for _, window in ipairs(list) do
    for name, variant in sorted_pairs(window.variants) do
      if variant.requests > 0 then add(totals, name, variant) end
    end
  end

  for name, total in sorted_pairs(totals) do measure_variant(effects, name, total) end
end

return aggregation
