-- The latencies of a trial by percentile: the curve of both over the whole trial, with the interval
-- of each that holds at every look; the intervals of their ratios; and beside them the percentiles
-- of the last window, which are to look at.
--
--   quantile_charts.show(p, trial)     trial: of weir.cli.trials
local checks = require "weir.cli.trial_checks"
local text = require "weir.page.text"
local trial_charts = require "weir.page.trial_charts"

local quantile_charts = {}

-- Names in windows, and those of the intervals of the ratios in the evidence.
local BY_PERCENTILE = {
  { 0.5, "p50", interval = "latency_p50" },
  { 0.9, "p90" },
  { 0.95, "p95" },
  { 0.99, "p99", interval = "latency" },
}

local function name_of(quantile) return ("p%.10g"):format(quantile * 100) end

-- The curve ---------------------------------------------------------------------------------------

-- Of so many requests one is slower: on a logarithmic scale p90, p99 and p99.9 are as far apart.
local function one_in(quantile) return tonumber(("%.9g"):format(1 / (1 - quantile))) end

-- Without an end or a middle there is nothing to draw.
local function band(ends)
  if not (ends.estimate and ends.estimate > 0) then return nil end
  return { ends.low, ends.estimate, ends.high or math.huge }
end

-- Open ends, and those far beyond what is known, may leave the chart.
local function range_of(quantiles)
  local low, high = math.huge, 0
  for _, each in ipairs(quantiles) do
    for _, ends in ipairs { each.champion_ms, each.challenger_ms } do
      if ends.estimate and ends.estimate > 0 then
        low = math.min(low, math.max(ends.low, ends.estimate / 2))
        high = math.max(high, math.min(ends.high or math.huge, ends.estimate * 2))
      end
    end
  end

  return { low * 0.9, high * 1.1 }
end

local function curve(p, trial, quantiles)
  local rows, names, last = {}, {}, trial.looks[#trial.looks]
  for i, each in ipairs(quantiles) do
    local x = one_in(each.quantile)
    rows[i] = { x, band(each.champion_ms), band(each.challenger_ms) }
    names[x] = name_of(each.quantile)
  end

  local requests = last.facts.evidence.successes
  p:chart {
    title = "Latency of both, by percentile",
    note = "over the whole trial, each with the interval that holds at every look",
    x = { type = "log", label = "percentile", names = names },
    y = { unit = "ms", digits = 1, log = true, range = range_of(quantiles) },
    series = { { trial.champion, colour = 1 }, { trial.challenger, colour = 2 } },
    rows = rows,
    points = true,
  }
  if requests then
    p:note(("Of %s these are %s successes; those of %s are weighted by the times of its requests.")
      :format(trial.challenger, text.number(requests), trial.champion))
  end
end

-- The ratios --------------------------------------------------------------------------------------

local function ratios(p, trial, evidence)
  local rows = {}
  for _, each in ipairs(BY_PERCENTILE) do
    local cell = each.interval and trial_charts.hundredths(evidence[each.interval])
    if cell then rows[#rows + 1] = { each[1] * 100, cell } end
  end

  if #rows < 2 then return end

  local last = trial.looks[#trial.looks]
  p:chart {
    title = ("Latency of %s relative to that of %s, by percentile"):format(trial.challenger,
      trial.champion),
    note = "over the whole trial, with the intervals that hold at every look",
    x = { type = "number", label = "percentile" },
    y = { unit = "%", digits = 1 },
    series = { { "relative difference" } },
    rows = rows,
    lines = {
      { 0, "no difference" },
      { checks.latency_tolerance(last.params) * 100, "tolerated at p99" },
    },
    points = true,
  }
end

-- The table ---------------------------------------------------------------------------------------

local function interval_text(ends)
  if not (ends and ends.low) then return "" end
  return ends.high and ("%+.1f to %+.1f %%"):format(ends.low * 100, ends.high * 100)
    or ("at least %+.1f %%"):format(ends.low * 100)
end

-- The last look with a window of both: what each percentile was then.
local function last_measured(trial)
  for i = #trial.looks, 1, -1 do
    local look = trial.looks[i]
    if trial_charts.recent(look, "old", "latency_ms")
      and trial_charts.recent(look, "new", "latency_ms") then
      return look
    end
  end
end

local function percentile_table(p, trial, look, evidence)
  local old = trial_charts.recent(look, "old", "latency_ms")
  local new = trial_charts.recent(look, "new", "latency_ms")
  local rows = {}
  for _, each in ipairs(BY_PERCENTILE) do
    local name = each[2]
    if old[name] or new[name] then
      rows[#rows + 1] = { name, text.number(old[name], 1), text.number(new[name], 1),
        interval_text(each.interval and evidence[each.interval]) }
    end
  end

  p:table {
    columns = {
      { "percentile" },
      { trial.champion .. ", ms in the last window", align = "right" },
      { trial.challenger .. ", ms in the last window", align = "right" },
      { "difference over the whole trial", align = "right" },
    },
    rows = rows,
    row_heads = true,
  }
end

function quantile_charts.show(p, trial)
  local evidence = trial.looks[#trial.looks].facts.evidence or {}
  local quantiles, look = evidence.quantiles or {}, last_measured(trial)
  if #quantiles > 0 then curve(p, trial, quantiles) end
  ratios(p, trial, evidence)
  if look then percentile_table(p, trial, look, evidence) end
end

return quantile_charts
