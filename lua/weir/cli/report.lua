-- weir report RECORDING…: how trials of challengers went, from the promotion decisions that were
-- recorded.
local checks = require "weir.cli.trial_checks"
local exit = require "weir.cli.exit"
local html = require "weir.cli.html"
local json = require "weir.json"
local recordings = require "weir.cli.recordings"
local terminal = require "weir.cli.terminal"
local trial_text = require "weir.cli.trial_text"
local trials = require "weir.cli.trials"

local printable = terminal.printable

-- Text ------------------------------------------------------------------------------------------

local function clock(seconds) return os.date("!%Y-%m-%d %H:%M", seconds) end

local function evidence_rows(trial)
  local last = trial.looks[#trial.looks]
  local evidence, rows = last.facts.evidence or {}, {}
  local tolerance = checks.error_tolerance(last.facts, last.params)
  rows[1] = { "errors", trial_text.errors(evidence.error_rate),
    tolerance and ("%s tolerated"):format(trial_text.points(tolerance)) or "" }
  rows[2] = { "p99", trial_text.latency(evidence.latency),
    ("%s tolerated"):format(trial_text.percent(checks.latency_tolerance(last.params))) }
  if evidence.latency_p50 then rows[3] = { "p50", trial_text.latency(evidence.latency_p50), "" } end
  rows[#rows + 1] = { "split", last.checks.split.text, "" }

  return rows
end

local function stretch_rows(trial)
  local rows = {}
  for _, stretch in ipairs(trials.stretches(trial)) do
    rows[#rows + 1] = {
      clock(stretch.from),
      stretch.to > stretch.from and "to " .. os.date("!%H:%M", stretch.to) or "",
      tostring(stretch.count),
      printable(stretch.look.action),
      terminal.excerpt(stretch.look.because, 100),
    }
  end

  return rows
end

local TONES = { good = "good", bad = "error", warn = "warning", open = "bold" }

local function print_trial(out, trial)
  local first, last = trial.looks[1], trial.looks[#trial.looks]
  local said, tone = trial_text.sentence(trial)
  out:print(out:paint("bold", printable(trial_text.name(trial))))
  out:print("  ", out:paint(TONES[tone], printable(said)))
  out:print("  ", clock(first.time), " to ", clock(last.time), ", ",
    terminal.count(#trial.looks, "look"))
  for _, line in ipairs(terminal.table(evidence_rows(trial), nil, "  ")) do out:print(line) end
  local aligns = { "left", "left", "right", "left", "left" }
  for _, line in ipairs(terminal.table(stretch_rows(trial), aligns, "    ")) do out:print(line) end
end

local function print_text(out, found, limit)
  for i, trial in ipairs(found.trials) do
    if i > limit then
      out:print()
      out:print(terminal.count(#found.trials - limit, "more trial"))
      break
    end

    if i > 1 then out:print() end
    print_trial(out, trial)
  end
end

-- JSON ------------------------------------------------------------------------------------------

local function trial_json(trial)
  local said, looks = trial_text.sentence(trial), json.array {}
  for i, look in ipairs(trial.looks) do
    looks[i] = {
      time = look.time,
      action = look.action,
      because = look.because,
      needs = look.decision.needs,
      share = look.shares.asked,
      share_seen = look.shares.seen,
      champion = look.old and look.old.recent,
      challenger = look.new and look.new.recent,
      evidence = look.facts.evidence,
      checks = look.checks,
    }
  end

  return {
    type = "trial",
    endpoint = trial.endpoint,
    champion = trial.champion,
    challenger = trial.challenger,
    from = trial.looks[1].time,
    to = trial.looks[#trial.looks].time,
    action = trial.looks[#trial.looks].action,
    sentence = said,
    looks = looks,
  }
end

local function print_json(out, found, limit)
  for i, trial in ipairs(found.trials) do
    if i > limit then break end
    out:print(terminal.json(trial_json(trial)))
  end

  out:print(terminal.json {
    type = "summary",
    trials = #found.trials,
    decisions = found.decisions,
    alone = found.alone,
    bad_lines = found.bad_lines,
    other_lines = found.other_lines,
    unreadable = json.array(found.unreadable),
  })
end

-- Running ----------------------------------------------------------------------------------------

local function status_of(screen, found)
  if #found.unreadable > 0 then return exit.io end
  if found.bad_lines > 0 then return exit.findings end
  if #found.trials > 0 then return exit.fine end
  screen.err:print("weir: report: there is no trial in these recordings (",
    terminal.count(found.decisions, "promotion decision"), ")")
  screen.err:next("give it the decision log of a function that decides promotions")

  return exit.inconclusive
end

local function run(given, screen)
  local ok, mistake, hint = recordings.check(given.RECORDING)
  if not ok then return nil, mistake, hint end
  ok, mistake, hint = html.check(given)
  if not ok then return nil, mistake, hint end
  local limit
  limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, mistake, hint end

  local found = trials.read {
    recordings = given.RECORDING,
    endpoint = given.endpoint,
    challenger = given.challenger,
    err = screen.err,
  }

  if given.json then
    print_json(screen.out, found, limit)
  elseif not html.takes_output(given) then
    print_text(screen.out, found, limit)
  end

  if given.html then
    local page = require("weir.page.report").page(found, given.RECORDING)
    local written, status = html.write("report", screen, given, page)
    if not written then return status end
  end

  return status_of(screen, found)
end

return {
  name = "report",
  summary = "how trials of challengers went, from recorded promotion decisions",
  description = {
    [[Reads the promotion decisions of recordings and shows, for each challenger that was tried
      against a champion: what is recommended, or how it ended; the differences of error rates and
      latencies with intervals that stay valid however often one looks; whether requests were
      split as configured; and every decision with its reason. Nothing is decided again.]],
    [[With --html the same is a page: both differences over time, the shares asked and seen, the
      latencies of both, and what each check said at each look.]],
  },
  positionals = {
    { name = "RECORDING", doc = "recordings, or '-'", many = true, complete = "file" },
  },
  options = {
    { long = "endpoint", value = "NAME", doc = "trials on this endpoint only" },
    { long = "challenger", value = "NAME", doc = "trials of this variant only" },
    recordings.limit_option "the first N trials; all when left out",
    { long = "json", doc = "one JSON object a trial, with all its looks; the summary last" },
    html.option,
  },
  exits = {
    { 0, "fine" },
    { 1, "some lines are bad" },
    { 2, "usage" },
    { 5, "the recordings hold no trial" },
    { 6, "a recording cannot be read, or the page cannot be written" },
  },
  examples = {
    { "weir report yesterday.jsonl.gz --html trial.html", "a page to send to a colleague" },
    { "weir report yesterday.jsonl.gz --challenger vision-13", "one trial, as text" },
  },
  run = run,
}
