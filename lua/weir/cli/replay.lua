-- weir replay RECORDING…: does this policy set decide as the recordings say?
local capsule_file = require "weir.cli.capsule_file"
local capsule_replay = require "weir.cli.capsule_replay"
local differences = require "weir.cli.differences"
local exit = require "weir.cli.exit"
local html = require "weir.cli.html"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local schemas = require "weir.schemas"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

local Run = {}
Run.__index = Run

-- One difference: where, what was recorded, what is decided now.
function Run:difference(file, event)
  local out = self.out
  local was, is = recordings.actions(event)
  local label = was == is and printable(is) or printable(was) .. " -> " .. printable(is)
  out:print("  ", recordings.place(file, event), "  ", out:paint("bold", event.kind), "  ",
    out:paint("yellow", label), "  first difference: ", recordings.field(event))
  out:print("      recorded  ", recordings.because(event.was_because))
  out:print("      replayed  ", recordings.because(event.is_because), "  ",
    out:paint("dim", recordings.rule(event)))
end

-- With --json at most `limit` of each type become objects.
function Run:event(file, event)
  if self.capsule and self.capsule:takes(event) then return end
  if self.page then self.page:event(file, event) end
  if event.type == "same" then return end
  if event.type == "difference" then
    self.differences = self.differences + 1
    if self.quiet or self.only_page or self.differences > self.limit then return end
    self.shown = self.shown + 1
    if self.json then
      self.out:print(recordings.event_json(file, event))
    else
      self:difference(file, event)
    end
  elseif self.json then
    local has_room = self.troubles:has_room(event)
    if has_room and not self.quiet then self.out:print(recordings.event_json(file, event)) end
  else
    self.troubles:add(file, event)
  end
end

local function kind_rows(summary)
  local rows = {}
  for _, kind in ipairs(schemas.order(summary.kinds)) do
    local counts = summary.kinds[kind]
    local parts = recordings.counts(counts and counts.is or {})
    if parts ~= "" then rows[#rows + 1] = { kind, parts } end
  end

  return rows
end

function Run:summary(set, directory, summary)
  local out = self.out
  local differing = summary.changed + summary.reworded
  if self.shown < differing and not self.quiet and not self.fleet then
    out:print("  … and ", terminal.count(differing - self.shown, "more difference"))
  end

  if self.shown > 0 then out:print() end
  out:print(out:paint("bold", printable(directory)), "  ", set:digest())
  for _, line in ipairs(terminal.table(kind_rows(summary), nil, "  ")) do out:print(line) end
  local rows = {}
  -- A line of the summary; those that may be absent come only when there is something to count.
  local function row(count, one, many, always)
    if count > 0 or always then
      rows[#rows + 1] = { thousands(count), count == 1 and one or many }
    end
  end

  row(summary.decisions, "decision", "decisions", true)
  row(summary.identical, "identical to what was recorded", "identical to what was recorded", true)
  row(summary.changed, "decides otherwise", "decide otherwise")
  row(summary.reworded, "decides the same for another reason", "decide the same for another reason")
  row(summary.failed, "failed", "failed")
  row(summary.bad_lines, "bad line, not decided", "bad lines, not decided")
  row(summary.unreproducible or 0, "used masked facts", "used masked facts")
  row(summary.other_lines, "log line that is not a decision", "log lines that are not decisions")
  for _, line in ipairs(terminal.table(rows, { "right" }, "  ")) do out:print(line) end
  recordings.print_digest(out, summary)
end

local function next_command(summary, given, directory)
  if summary.failed > 0 then return "weir check " .. directory end
  if summary.changed + summary.reworded > 0 then
    return ("weir diff OLD %s %s"):format(directory, given.RECORDING[1])
  end
end

-- A fleet tells groups, not each difference.
function Run:groups(summary)
  local changed, failed = differences.groups(), differences.groups()
  changed:take(summary.changes)
  failed:take(summary.failures)
  differences.print(self.out, changed, "yellow", "~ ")
  differences.print(self.out, failed, "red", "! ")
end

function Run:print(given, set, directory, summary)
  if given.json then
    self.out:print(recordings.summary_json(summary, {
      policies = directory,
      set_digest = set:digest(),
      capsule = self.capsule and self.capsule:json(summary),
    }))

    return
  end

  self.troubles:finish()
  if self.only_page then return end
  if given.fleet then self:groups(summary) end
  self:summary(set, directory, summary)
  if self.capsule then self.capsule:print({ out = self.out }, summary) end
  local command = next_command(summary, given, directory)
  if command then self.err:next(printable(command)) end
end

local function new_run(given, screen, limit)
  local troubles_shown = given.limit and limit or given.json and math.huge or recordings.TROUBLES
  return setmetatable({
    out = screen.out,
    err = screen.err,
    json = given.json,
    quiet = given.quiet,
    fleet = given.fleet,
    limit = limit,
    differences = 0,
    shown = 0,
    troubles = recordings.troubles(screen.err, troubles_shown),
    page = given.html and require("weir.page.replay").new(),
    only_page = html.takes_output(given),
  }, Run)
end

-- The capsule that is replayed with its own policies; nil for other recordings, and with -p. Or
-- nil, exit status.
local function open_capsule(given, screen)
  local path = given.RECORDING[1]
  if given.policies or #given.RECORDING > 1 or not capsule_file.is(path) then return nil end

  local opened, message, code = capsule_replay.open(path)
  if opened then return opened end
  return nil, recordings.refuse_capsule("replay", screen, message, code)
end

local function chosen_set(given, capsule)
  if not capsule then return given end
  return {
    policies = given.RECORDING[1],
    bundle = capsule.bundle,
    set = given.set,
    params = given.params,
  }
end

-- Here, or in a fleet: → summary | nil, exit status
local function decide_again(self, given, screen, set, jobs)
  if given.fleet then
    return require("weir.cli.fleet").run("replay", given, screen, { set = set })
  end

  return recordings.replay("replay", screen, {
    set = set,
    recordings = given.RECORDING,
    jobs = jobs,
    details = given.html ~= nil,
    on_event = function(file, event) self:event(file, event) end,
  })
end

local function run(given, screen)
  local jobs, mistake, hint = recordings.jobs(given.jobs)
  if not jobs then return nil, mistake, hint end
  local limit
  limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, mistake, hint end
  local ok
  ok, mistake, hint = recordings.check(given.RECORDING)
  if not ok then return nil, mistake, hint end
  ok, mistake, hint = html.check(given)
  if not ok then return nil, mistake, hint end
  ok, mistake, hint = recordings.check_fleet(given)
  if not ok then return nil, mistake, hint end

  local capsule, status = open_capsule(given, screen)
  if status then return status end
  local set, directory = policies.load("replay", chosen_set(given, capsule), screen)
  if not set then return directory() end

  local self = new_run(given, screen, limit)
  self.capsule = capsule
  local summary, failed = decide_again(self, given, screen, set, jobs)
  if not summary then return failed end

  if capsule then capsule:settle(summary) end
  self:print(given, set, directory, summary)
  if self.page then
    local page = self.page:page {
      summary = summary,
      directory = directory,
      set_digest = set:digest()
    }

    local written
    written, status = html.write("replay", screen, given, page)
    if not written then return status end
  end

  local is_lost = capsule and capsule.lost > 0
  if is_lost and summary.decisions == 0 then return exit.inconclusive end
  status = recordings.status("replay", screen, summary)
  return status == exit.fine and is_lost and exit.inconclusive or status
end

return {
  name = "replay",
  summary = "re-decide recorded decisions and compare",
  description = {
    [[Asks the policies again, with the facts of every recorded decision, and compares what they
      say with what was recorded. Recordings are decision logs: plain, gzip (.gz), standard input
      ('-'), or CloudWatch Logs in any form (docs/recordings.md).]],
    [[s3://bucket/prefix stands for every object there; --fleet replays them in AWS.]],
    [[A capsule (weir capsule) brings its policies; -p asks others. What it cannot decide again is
      said.]],
    [[Parameters are those in force when the decision was recorded, as far as they were not
      defaults; --set and WEIR_PARAMS override them. The digest is over everything decided, and
      equal on every machine; with --json the summary has one for each file, too
      (docs/replay-digest.md).]],
  },
  positionals = {
    { name = "RECORDING", doc = "recordings, or '-'", many = true, complete = "file" },
  },
  options = {
    policies.options.directory,
    policies.options.set,
    policies.options.params,
    recordings.options.fleet,
    recordings.options.results,
    recordings.options.jobs,
    { long = "limit", value = "N",
      doc = "show at most N differences, N failures and N bad lines; else all differences, and 20 "
        .. "of the others" },
    { long = "quiet", short = "q", doc = "no differences: the summary, and what is wrong" },
    {
      long = "json",
      doc = "one JSON object per difference, failure and bad line; the summary last",
    },
    html.option,
  },
  exits = {
    { 0, "every decision is the recorded one" },
    { 1, "some differ, or some lines are bad" },
    { 2, "usage" },
    { 3, "the policy set does not load" },
    { 4, "a policy failed while deciding" },
    { 5, "the recordings hold no decision, or a capsule some that used masked facts" },
    { 6, "a recording cannot be read, or memory is short" },
    { 7, "a bundle or a capsule is not what its digests say" },
  },
  examples = {
    { "weir replay yesterday.jsonl.gz", "the policies in ./policies" },
    {
      "weir replay yesterday.jsonl.gz --set threshold=20 --limit 5",
      "what another threshold would do",
    },
    { "weir replay s3://logs/2026-11/ --fleet", "a month, in as many functions as it takes" },
    { "aws logs tail /aws/lambda/route --since 1h | weir replay -", "from CloudWatch Logs" },
  },
  run = run,
}
