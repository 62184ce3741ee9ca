-- What CloudWatch has of an endpoint's variants, window by window, in one GetMetricData (and its
-- pages).
--
--   read(effects, endpoint_name, variant_names, from, to, seconds)
--       → { [variant] = { [window's first second] = counts } } | nil, message, code
--       Windows are `seconds` long, a multiple of 60; from and to are multiples of it.
--       counts = { requests =, errors =, client_errors =, server_errors =,
--                  latency_ms = { mean =, p50 =, p90 =, p99 = } }
--
-- Points come in any order and late; a window without a point of Invocations is absent: no data is
-- not zero. Where there were invocations, a series of errors that has no point for them says that
-- nothing failed, as long as CloudWatch calls the series complete; otherwise `errors` is absent. So
-- it is while more errors than invocations have come.
-- Latencies are those of the window alone. They are shown, and guard; they are not evidence of a
-- comparison, because the percentile of few requests is too low.
local sorted_pairs = require "weir.sorted_pairs"

local cloudwatch_windows = {}

-- Each becomes a query for every variant. ModelLatency is in microseconds.
local SERIES = {
  { id = "requests", metric = "Invocations", statistic = "Sum" },
  { id = "client_errors", metric = "Invocation4XXErrors", statistic = "Sum" },
  { id = "server_errors", metric = "Invocation5XXErrors", statistic = "Sum" },
  { id = "mean", metric = "ModelLatency", statistic = "Average", scale = 0.001 },
  { id = "p50", metric = "ModelLatency", statistic = "p50", scale = 0.001 },
  { id = "p90", metric = "ModelLatency", statistic = "p90", scale = 0.001 },
  { id = "p99", metric = "ModelLatency", statistic = "p99", scale = 0.001 },
}

local function query(series, endpoint_name, variant, i, seconds)
  return {
    Id = ("v%d_%s"):format(i, series.id),
    MetricStat = {
      Metric = {
        Namespace = "AWS/SageMaker",
        MetricName = series.metric,
        Dimensions = {
          { Name = "EndpointName", Value = endpoint_name },
          { Name = "VariantName", Value = variant },
        },
      },
      Period = seconds,
      Stat = series.statistic,
    },
  }
end

local function all_queries(endpoint_name, variant_names, seconds)
  local list = {}
  for i, variant in ipairs(variant_names) do
    for _, series in ipairs(SERIES) do
      list[#list + 1] = query(series, endpoint_name, variant, i, seconds)
    end
  end

  return list
end

-- The points of every series, and its status: a series may go on on the next page, and the last one
-- tells whether it is complete.
local function series_of(pages)
  local points, status = {}, {}
  for _, page in ipairs(pages) do
    for _, result in ipairs(page.MetricDataResults or {}) do
      local id = result.Id
      points[id], status[id] = points[id] or {}, result.StatusCode
      for i, at in ipairs(result.Timestamps or {}) do
        points[id][math.floor(at)] = result.Values[i]
      end
    end
  end

  return points, status
end

local function errors_of(points, status, id, at)
  local count = points[id] and points[id][at]
  if count then return count end
  return status[id] == "Complete" and 0 or nil
end

local function counts_of(points, status, prefix, at, requests)
  local counts = {
    requests = math.floor(requests + 0.5),
    client_errors = errors_of(points, status, prefix .. "client_errors", at),
    server_errors = errors_of(points, status, prefix .. "server_errors", at),
    latency_ms = {},
  }

  if counts.client_errors and counts.server_errors then
    local errors = math.floor(counts.client_errors + counts.server_errors + 0.5)
    if errors <= counts.requests then counts.errors = errors end
  end

  for _, series in ipairs(SERIES) do
    local value = series.scale and points[prefix .. series.id] and points[prefix .. series.id][at]
    if value then counts.latency_ms[series.id] = value * series.scale end
  end

  return counts
end

local function windows_of(points, status, i)
  local prefix, windows = ("v%d_"):format(i), {}
  for at, requests in sorted_pairs(points[prefix .. "requests"] or {}) do
    windows[at] = counts_of(points, status, prefix, at, requests)
  end

  return windows
end

function cloudwatch_windows.read(effects, endpoint_name, variant_names, from, to, seconds)
  local pages, message, code = effects:pages {
    service = "cloudwatch",
    operation = "GetMetricData",
    target = endpoint_name,
    input = {
      MetricDataQueries = all_queries(endpoint_name, variant_names, seconds),
      StartTime = from,
      EndTime = to,
      ScanBy = "TimestampAscending",
    },
  }

  if not pages then return nil, message, code end

  local points, status = series_of(pages)
  local variants = {}
  for i, variant in ipairs(variant_names) do variants[variant] = windows_of(points, status, i) end

  return variants
end

return cloudwatch_windows
