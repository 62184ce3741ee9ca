-- The charts of a trial. Their rows are its looks; where looks are missing, or had no data, there
-- is a hole.
local checks = require "weir.cli.trial_checks"
local text = require "weir.page.text"

local trial_charts = {}

local TIME = { type = "time", label = "look" }

-- Rows -------------------------------------------------------------------------------------------

-- The usual time between two looks.
local function interval_of(looks)
  local gaps = {}
  for i = 2, #looks do gaps[#gaps + 1] = looks[i].time - looks[i - 1].time end
  table.sort(gaps)

  return gaps[#gaps // 2 + 1] or 0
end

-- One row a look; an empty one where at least one look is missing.
local function rows_of(trial, values)
  local rows, usual = {}, interval_of(trial.looks)
  for i, look in ipairs(trial.looks) do
    local before = trial.looks[i - 1]
    if before and usual > 0 and look.time - before.time > usual * 1.9 then
      rows[#rows + 1] = { before.time + usual }
    end

    local row = values(look)
    table.insert(row, 1, look.time)
    rows[#rows + 1] = row
  end

  return rows
end

local SIGNS = { promote = "●", ramp = "▲", rollback = "▼" }

-- Every decision that changed something.
local function marks_of(trial)
  local marks = {}
  for _, look in ipairs(trial.looks) do
    if SIGNS[look.action] then
      marks[#marks + 1] = { look.time, SIGNS[look.action], look.action .. ": " .. look.because }
    end
  end

  return marks
end

local SIGN_NAMES = { { "▲", "more traffic" }, { "●", "promoted" }, { "▼", "rolled back" } }

-- Differences ------------------------------------------------------------------------------------

local function quantile(values, q)
  table.sort(values)
  return values[math.max(1, math.ceil(q * #values))]
end

-- What a chart of intervals spans. The first intervals are far wider than the question: they may
-- leave the chart, the last ones may not.
local function range_of(rows, lines)
  local lows, highs, low, high = {}, {}, math.huge, -math.huge
  local function take(value)
    if value and value - value == 0 then low, high = math.min(low, value), math.max(high, value) end
  end

  for _, row in ipairs(rows) do
    local cell = row[2]
    if cell then
      lows[#lows + 1] = cell[1]
      if cell[3] < math.huge then highs[#highs + 1] = cell[3] end
    end
  end

  local last = rows[#rows][2]
  if last then
    take(last[1])
    take(last[2])
    take(last[3])
  end

  take(quantile(lows, 0.25))
  take(quantile(highs, 0.75))
  for _, line in ipairs(lines) do take(line[1]) end
  if low > high then return { -1, 1 } end
  local air = math.max((high - low) * 0.15, 0.01)

  return { low - air, high + air }
end

-- {low, estimate, high} in hundredths; without an estimate the middle. nil where it is not known.
function trial_charts.hundredths(ends)
  if not (ends and ends.low) then return nil end
  local high = ends.high or math.huge
  local estimate = ends.estimate or (ends.high and (ends.low + ends.high) / 2)
  if not estimate then return nil end

  return { ends.low * 100, estimate * 100, high * 100 }
end

local function difference(p, trial, given)
  local rows = rows_of(trial, function(look)
    local evidence = look.facts.evidence
    return { trial_charts.hundredths(evidence and evidence[given.name]) }
  end)

  local lines = { { 0, "no difference" } }
  if given.tolerance then lines[2] = { given.tolerance * 100, "tolerated" } end
  p:chart {
    title = given.title,
    note = "with the interval that holds at every look",
    x = TIME,
    y = { unit = given.unit, digits = 2, range = range_of(rows, lines) },
    series = { { given.series } },
    rows = rows,
    lines = lines,
    marks = marks_of(trial),
    signs = SIGN_NAMES,
    points = #rows < 60,
  }
end

function trial_charts.differences(p, trial)
  local last = trial.looks[#trial.looks]
  difference(p, trial, {
    name = "error_rate",
    title = ("Error rate of %s minus that of %s"):format(trial.challenger, trial.champion),
    unit = "points",
    series = "difference of error rates",
    tolerance = checks.error_tolerance(last.facts, last.params),
  })

  difference(p, trial, {
    name = "latency",
    title = ("p99 of %s relative to that of %s"):format(trial.challenger, trial.champion),
    unit = "%",
    series = "relative difference of p99",
    tolerance = checks.latency_tolerance(last.params),
  })
end

-- What was served --------------------------------------------------------------------------------

-- A figure of the last window of "old" or "new"; none where that window was seen before.
local function recent(look, who, name)
  local variant = look[who]
  return not look.is_repeated and variant and variant.recent and variant.recent[name] or nil
end

function trial_charts.served(p, trial)
  local last = trial.looks[#trial.looks]
  local split = last.checks.split
  p:text(("The split: %s."):format(split.text))
  p:chart {
    title = "Share of the traffic of " .. trial.challenger,
    note = "asked for, and seen in each window",
    x = TIME,
    y = { unit = "%", digits = 1 },
    series = { { "asked", colour = 5, step = true }, { "seen", colour = 2, dash = 1 } },
    rows = rows_of(trial, function(look)
      return {
        look.shares.asked and look.shares.asked * 100,
        look.shares.seen and look.shares.seen * 100,
      }
    end),
    lines = { { 0, "" } },
    points = #trial.looks < 60,
  }

  p:chart {
    title = "Requests in each window",
    note = "a hole is a window without data, which is not the same as no requests",
    x = TIME,
    y = {},
    series = { { trial.champion, colour = 1 }, { trial.challenger, colour = 2 } },
    rows = rows_of(trial, function(look)
      return { recent(look, "old", "requests"), recent(look, "new", "requests") }
    end),
    lines = { { 0, "" } },
  }
end

-- Latency ----------------------------------------------------------------------------------------

local QUANTILES = {
  { "p50", dash = 1 },
  { "p90", dash = 4 },
  { "p95", dash = 2 },
  { "p99", dash = 3 },
}

trial_charts.recent = recent

local function latency_of(look, who, name)
  local latency = recent(look, who, "latency_ms")
  return latency and latency[name]
end

-- Those that any window has.
local function quantiles_of(trial)
  local list = {}
  for _, quantile_of in ipairs(QUANTILES) do
    local name, found = quantile_of[1], false
    for _, look in ipairs(trial.looks) do
      found = found or latency_of(look, "new", name) or latency_of(look, "old", name)
    end

    if found then list[#list + 1] = quantile_of end
  end

  return list
end

-- How much lies beyond the p99 that is compared: what it rests on.
local function beyond(trial)
  local last = trial.looks[#trial.looks]
  local evidence = last.facts.evidence
  local successes = evidence and evidence.successes
    or last.new and last.new.window and last.new.window.requests and last.new.window.errors
      and last.new.window.requests - last.new.window.errors
  if not successes then return nil end

  return ("About %s answers of %s lie beyond its p99: that is what its comparison rests on. "
    .. "Percentiles of single windows are to look at; they are not evidence."):format(
      text.number(successes * 0.01),
      trial.challenger)
end

function trial_charts.latency(p, trial)
  local series, quantiles = {}, quantiles_of(trial)
  for _, each in ipairs(quantiles) do
    series[#series + 1] = { each[1] .. " of " .. trial.champion, colour = 1, dash = each.dash }
    series[#series + 1] = { each[1] .. " of " .. trial.challenger, colour = 2, dash = each.dash }
  end

  if #series == 0 then
    p:note("There are no latencies of single windows in these recordings.")
    return
  end

  local note = beyond(trial)
  if note then p:text(note) end
  p:chart {
    title = "Latency of both in each window",
    note = "on a logarithmic scale",
    x = TIME,
    y = { unit = "ms", digits = 0, log = true },
    series = series,
    rows = rows_of(trial, function(look)
      local row = {}
      for i, each in ipairs(quantiles) do
        row[2 * i - 1], row[2 * i] = latency_of(look, "old", each[1]),
          latency_of(look, "new", each[1])
      end

      return row
    end),
  }
end

return trial_charts
