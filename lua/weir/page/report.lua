-- The page of weir report: how trials of challengers went. For each: what to know first, what each
-- check said at each look, both differences with their intervals over time, what was served, the
-- latencies of both, and every decision with its reason.
--
--   report_page.page(found, recordings)     found: weir.cli.trials
local checks = require "weir.cli.trial_checks"
local page = require "weir.page"
local quantile_charts = require "weir.page.quantile_charts"
local terminal = require "weir.cli.terminal"
local text = require "weir.page.text"
local trial_charts = require "weir.page.trial_charts"
local trial_text = require "weir.cli.trial_text"
local trials = require "weir.cli.trials"

local report_page = {}

-- Trials that a page shows, the latest; and rows of their decisions.
local MOST_TRIALS = 6
local MOST_STRETCHES = 60

local ACTION_TONES = { promote = "good", ramp = "good", rollback = "bad", hold = "open" }
local ACTION_SIGNS = { promote = "●", ramp = "▲", rollback = "▼", hold = "·" }

-- Where a field stands for several looks, it shows what changed something.
local ACTION_GRAVITY = { hold = 1, ramp = 2, promote = 3, rollback = 4 }

-- The strip ---------------------------------------------------------------------------------------

local function decision_text(look)
  local said = look.action .. ": " .. look.because
  return look.decision.needs and said .. "; needs " .. look.decision.needs or said
end

local function strip(p, trial)
  local times, rows = {}, {}
  local decided = { name = "Decision", checks = {} }
  for r, check in ipairs(checks.LIST) do rows[r] = { name = check.title, checks = {} } end
  for i, look in ipairs(trial.looks) do
    times[i] = look.time
    for r, check in ipairs(checks.LIST) do
      local found = look.checks[check.name]
      rows[r].checks[i] = {
        tone = found.tone,
        text = ("%s. %s"):format(found.text, decision_text(look))
      }
    end

    decided.checks[i] = { tone = ACTION_TONES[look.action] or "open",
      sign = ACTION_SIGNS[look.action],
      text = decision_text(look), gravity = ACTION_GRAVITY[look.action] }
  end

  rows[#rows + 1] = decided
  p:strip {
    title = "What each check said at each look at " .. trial.challenger,
    times = times,
    rows = rows,
  }
end

-- Numbers -----------------------------------------------------------------------------------------

local function requests_of(variant)
  local window = variant and variant.window
  if not (window and window.requests) then return "no data" end
  local errors = window.errors and (", %s failed (%s)"):format(text.number(window.errors),
    text.percent(window.errors, window.requests)) or ""
  return text.number(window.requests) .. errors
end

local function summary(p, trial)
  local first, last = trial.looks[1], trial.looks[#trial.looks]
  local evidence = last.facts.evidence or {}
  local tolerance = checks.error_tolerance(last.facts, last.params)
  local list = {
    { "Watched", ("%s to %s, %s"):format(text.time(first.time), text.time(last.time),
      terminal.count(#trial.looks, "look")) },
    { "Requests of " .. trial.challenger, requests_of(last.new) },
    { "Requests of " .. trial.champion, requests_of(last.old) },
    { "Difference of error rates", trial_text.errors(evidence.error_rate)
      .. (tolerance and ("; up to %s are tolerated"):format(trial_text.points(tolerance)) or "") },
    { "Difference of p99",
      ("%s; up to %s are tolerated"):format(trial_text.latency(evidence.latency),
      trial_text.percent(checks.latency_tolerance(last.params))) },
  }

  if evidence.latency_p50 then
    list[#list + 1] = { "Difference of the median", trial_text.latency(evidence.latency_p50) }
  end

  if (evidence.dispersion or 1) > 1.5 then
    list[#list + 1] = { "Errors come in bursts",
      ("they vary %.1f times as much as by chance"):format(
      evidence.dispersion) }
  end

  local wandering = (evidence.latency or {}).dispersion or 1
  if wandering > 1.5 then
    list[#list + 1] = { "Latencies wander", ("from hour to hour p99 varies %.1f times as much as "
      .. "by chance; its interval is wide enough for that"):format(wandering) }
  end

  p:facts(list)
end

local function when(stretch)
  if stretch.count == 1 then return text.time(stretch.from) end
  return ("%s to %s"):format(text.time(stretch.from), os.date("!%H:%M", stretch.to))
end

local function decisions(p, trial)
  local rows = {}
  for i, stretch in ipairs(trials.stretches(trial)) do
    local look = stretch.look
    local tone = look.action ~= "hold" and ACTION_TONES[look.action] or nil
    rows[i] = { when(stretch), stretch.count, { look.action, tone = tone },
      { look.because, lines = look.decision.needs and { "needs " .. look.decision.needs } or nil } }
  end

  p:table {
    columns = {
      { "when", keep = true },
      { "looks", align = "right" },
      { "decision" },
      { "because", roomy = true },
    },
    rows = rows,
    limit = MOST_STRETCHES,
    more = "weir report --json lists every look",
  }
end

-- A trial that is alone is the page; one of several is a section of it.
local function show(p, trial, alone)
  local function part(title)
    if alone then p:section(title) else p:heading(title) end
  end

  if not alone then
    local said, tone = trial_text.sentence(trial)
    p:section(trial_text.name(trial))
    p:sentence_of(said, tone)
  end

  summary(p, trial)
  part("Check by check")
  strip(p, trial)
  part("Differences")
  trial_charts.differences(p, trial)
  part("What was served")
  trial_charts.served(p, trial)
  part("Latency")
  trial_charts.latency(p, trial)
  quantile_charts.show(p, trial)
  part("Decisions")
  decisions(p, trial)
end

-- The page ----------------------------------------------------------------------------------------

local function overview(p, list)
  local rows = {}
  for i, trial in ipairs(list) do
    local said, tone = trial_text.sentence(trial)
    rows[i] = { trial.endpoint or "", trial.challenger, trial.champion,
      text.time(trial.looks[1].time),
      #trial.looks, { said, tone = tone } }
  end

  p:section("Trials")
  p:table {
    columns = { { "endpoint" }, { "challenger" }, { "champion" }, { "from", keep = true },
      { "looks", align = "right" }, { "what to know", roomy = true } },
    rows = rows,
  }
end

local function title_and_sentence(found)
  local list = found.trials
  if #list == 0 then return "Trials", "There is no trial in these recordings.", "warn" end
  if #list == 1 then return trial_text.name(list[1]), trial_text.sentence(list[1]) end
  local counts = { promote = 0, rollback = 0, open = 0 }
  for _, trial in ipairs(list) do
    local ending = trial_text.ending(trial)
    local how = ending and ending.action or "open"
    counts[how] = counts[how] + 1
  end

  local parts = {}
  for _, part in ipairs { { "promote", "ended with a promotion" },
    { "rollback", "ended with a rollback" },
    { "open", "not ended yet" } } do
    if counts[part[1]] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[part[1]], part[2]) end
  end

  return "Trials of challengers", ("Of %d trials: %s."):format(#list, table.concat(parts, ", ")),
    "open"
end

local function sources(found, recordings)
  local list = {}
  for i, path in ipairs(recordings) do
    list[i] = { i == 1 and "Recordings" or "", path == "-" and "standard input" or path }
  end

  for _, unread in ipairs(found.unreadable) do
    list[#list + 1] = { "Not read to its end", unread.message }
  end

  list[#list + 1] = { "Promotion decisions", ("%s, %s of them without a challenger"):format(
    text.number(found.decisions), text.number(found.alone)) }
  if found.bad_lines > 0 then list[#list + 1] = { "Bad lines", text.number(found.bad_lines) } end

  return list
end

function report_page.page(found, recordings)
  local title, said, tone = title_and_sentence(found)
  local p = page.new { kicker = "weir report", title = title, sentence = said, tone = tone }
  local list = found.trials
  if #list > 1 then overview(p, list) end
  local from = math.max(1, #list - MOST_TRIALS + 1)
  if from > 1 then
    p:note(("The latest %d trials are shown below; weir report --challenger NAME shows another "
      .. "one."):format(
      MOST_TRIALS))
  end

  for i = from, #list do show(p, list[i], #list == 1) end
  p:section("Sources")
  p:facts(sources(found, recordings))

  return p
end

return report_page
