-- weir diff OLD NEW RECORDING…: what changes when NEW replaces OLD, on recorded facts.
local differences = require "weir.cli.differences"
local html = require "weir.cli.html"
local is_carried = require "weir.is_carried"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local schemas = require "weir.schemas"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

-- Printing -----------------------------------------------------------------------------------

local function percent(part, whole)
  if whole == 0 then return "0 %" end
  local share = part * 100 / whole
  return share > 0 and share < 0.1 and "less than 0.1 %" or ("%.1f %%"):format(share)
end

local function signed(number) return (number > 0 and "+" or "") .. thousands(number) end

-- How often each decision is made, before and after; only kinds where that changes.
local function print_totals(out, summary)
  local rows = {}
  for _, kind in ipairs(schemas.order(summary.kinds)) do
    local counts = summary.kinds[kind] or { was = {}, is = {} }
    local names = {}
    for name in pairs(counts.was) do names[name] = true end -- any order: collects a set
    for name in pairs(counts.is) do names[name] = true end -- any order: collects a set
    local sorted = {}
    for name in pairs(names) do sorted[#sorted + 1] = name end -- any order: sorted below
    table.sort(sorted)
    for _, name in ipairs(sorted) do
      local was, is = counts.was[name] or 0, counts.is[name] or 0
      if was ~= is then
        rows[#rows + 1] = { kind, name, thousands(was), "->", thousands(is), signed(is - was) }
      end
    end
  end

  local aligns = { "left", "left", "right", "left", "right", "right" }
  for _, line in ipairs(terminal.table(rows, aligns, "  ")) do out:print(line) end
end

local function print_summary(out, sets, summary, changed, failed)
  out:print(out:paint("bold", printable(sets.old_directory)), " -> ",
    out:paint("bold", printable(sets.new_directory)))
  local policy_rows = differences.policies(sets.old, sets.new)
  for _, line in ipairs(terminal.table(policy_rows, nil, "  ")) do out:print(printable(line)) end
  if #policy_rows == 0 then out:print("  the policies are the same") end
  out:print()
  out:print(out:paint(summary.changed > 0 and "warning" or "good",
    ("%s of %s change (%s)"):format(thousands(summary.changed),
      terminal.count(summary.decisions, "decision"),
      percent(summary.changed, summary.decisions))))
  differences.print(out, changed, "yellow", "~ ", sets.limit)
  print_totals(out, summary)
  if summary.reworded > 0 then
    out:print(terminal.count(summary.reworded, "decision keeps its action and gives",
      "decisions keep their action and give"), " another reason")
  end

  if summary.failed > 0 then
    out:print(out:paint("error", terminal.count(summary.failed, "decision fails", "decisions fail")
      .. " with NEW"))
    differences.print(out, failed, "red", "! ", sets.limit)
  end

  recordings.print_digest(out, summary)
end

-- Running ------------------------------------------------------------------------------------

local function load_both(given, screen)
  local sets = {}
  for _, side in ipairs { "OLD", "NEW" } do
    local chosen = {
      policies = given[side],
      set = given.set,
      params = given.params,
      RECORDING = given.RECORDING,
    }
    local set, directory = policies.load("diff", chosen, screen)
    if not set then return nil, directory end
    sets[side:lower()], sets[side:lower() .. "_directory"] = set, directory
  end

  return sets
end

local Run = {}
Run.__index = Run

local function new_run(given, screen)
  return setmetatable({
    given = given,
    screen = screen,
    changed = differences.groups(),
    failed = differences.groups(),
    troubles = recordings.troubles(screen.err, recordings.TROUBLES),
    page = given.html and require("weir.page.diff").new(),
  }, Run)
end

function Run:event(file, event)
  if self.page then self.page:event(event) end
  if event.type == "same" then return end
  if self.given.all and self.given.json then
    self.screen.out:print(recordings.event_json(file, event))
  end

  if event.type == "bad line" then
    self.troubles:add(file, event)
  elseif event.type == "failure" then
    self.failed:add(file, event)
  elseif event.field ~= "because" then
    self.changed:add(file, event)
  end
end

function Run:print(sets, summary)
  local out = self.screen.out
  if self.given.json then
    out:print(recordings.summary_json(summary, {
      old = sets.old_directory,
      new = sets.new_directory,
      old_digest = sets.old:digest(),
      new_digest = sets.new:digest(),
      changes = differences.json(self.changed, sets.limit),
      failures = differences.json(self.failed, sets.limit),
    }))

    return
  end

  if html.takes_output(self.given) then return end
  if self.given.markdown then
    out:write(require("weir.pull_request.markdown").render {
      summary = summary,
      sets = sets,
      changed = self.changed,
      failed = self.failed,
      recordings = self.given.RECORDING,
    })

    return
  end

  print_summary(out, sets, summary, self.changed, self.failed)
  if summary.changed + summary.failed > 0 then
    self.screen.err:next(printable(("weir diff %s %s %s --json --all"):format(
      sets.old_directory, sets.new_directory, self.given.RECORDING[1])), "   lists every one")
  end
end

-- → true, or nil and an exit status
function Run:write_page(sets, summary)
  if not self.page then return true end
  local page = self.page:page {
    summary = summary,
    sets = sets,
    changed = self.changed,
    failed = self.failed,
  }

  return html.write("diff", self.screen, self.given, page)
end

-- Pages and comments belong to the command-line program; the layer compares the same without them.
-- → true, or nil, message, hint for a mistake
local function check_markdown(given)
  if not given.markdown then return true end
  if not is_carried("weir.pull_request.markdown") then
    return nil, "--markdown belongs to the command-line program, not to the layer", "write --json"
  end

  if given.json or html.takes_output(given) then
    return nil, "--markdown and " .. (given.json and "--json" or "--html -")
      .. " both write to standard output", "give one of them"
  end

  return true
end

local function check_arguments(given)
  local ok, mistake, hint = recordings.check(given.RECORDING)
  if not ok then return nil, mistake, hint end
  ok, mistake, hint = html.check(given)
  if not ok then return nil, mistake, hint end

  ok, mistake, hint = recordings.check_fleet(given)
  if not ok then return nil, mistake, hint end

  return check_markdown(given)
end

-- Here, or in a fleet: → summary | nil, exit status
local function compare(self, sets, jobs)
  local given, screen = self.given, self.screen
  if given.fleet then
    local chosen = { set = sets.new, old = sets.old }
    local summary, ended = require("weir.cli.fleet").run("diff", given, screen, chosen)
    if not summary then return nil, ended end

    self.changed:take(summary.changes)
    self.failed:take(summary.failures)
    return summary
  end

  return recordings.replay("diff", screen, {
    set = sets.new,
    old = sets.old,
    recordings = given.RECORDING,
    jobs = jobs,
    details = given.html ~= nil,
    on_event = function(file, event) self:event(file, event) end,
  })
end

local function run(given, screen)
  local jobs, mistake, hint = recordings.jobs(given.jobs)
  if not jobs then return nil, mistake, hint end
  local ok, limit
  ok, mistake, hint = check_arguments(given)
  if not ok then return nil, mistake, hint end
  limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, mistake, hint end
  local sets, refuse = load_both(given, screen)
  if not sets then return refuse() end
  sets.limit = limit

  local self = new_run(given, screen)
  local summary, ended = compare(self, sets, jobs)
  if not summary then return ended end

  self.troubles:finish()
  self:print(sets, summary)
  local written, status = self:write_page(sets, summary)
  if not written then return status end

  return recordings.status("diff", screen, summary)
end

return {
  name = "diff",
  summary = "what changes when one policy set replaces another",
  description = {
    [[Asks both policy sets with the facts of every recorded decision. Changed decisions are
      grouped by what changes and by the line of NEW that decides now; each group shows its first
      example.]],
    [[A recorded parameter counts as an override of both sets only if it is not OLD's default, so
      an edited default in NEW takes effect.]],
  },
  positionals = {
    { name = "OLD", doc = "the policy set that decides today", complete = "directory" },
    { name = "NEW", doc = "the one that would replace it", complete = "directory" },
    { name = "RECORDING", doc = "recordings, or '-'", many = true, complete = "file" },
  },
  options = {
    policies.options.set,
    policies.options.params,
    recordings.options.fleet,
    recordings.options.results,
    recordings.options.jobs,
    recordings.limit_option "the N largest groups of changes and of failures; all when left out",
    { long = "json", doc = "the summary as one JSON object" },
    { long = "markdown", doc = "a comment for a pull request, in Markdown" },
    { long = "all", doc = "with --json: one object for every changed decision first" },
    html.option,
  },
  exits = {
    { 0, "nothing changes" },
    { 1, "some decisions change, or some lines are bad" },
    { 2, "usage" },
    { 3, "a policy set does not load" },
    { 4, "a policy of NEW failed while deciding" },
    { 5, "the recordings hold no decision" },
    { 6, "a recording cannot be read, or memory is short" },
    { 7, "a bundle or a capsule is not what its digests say" },
  },
  examples = {
    { "weir diff policies edited yesterday.jsonl.gz", "before deploying the edited copy" },
  },
  run = run,
}
