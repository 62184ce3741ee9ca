-- weir diff OLD NEW RECORDING…: what changes when NEW replaces OLD, on recorded facts.
local json = require "weir.json"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

-- Groups of changed decisions ---------------------------------------------------------------

local Groups = {}
Groups.__index = Groups

-- What changes, and by which rule of NEW: the key that decisions are grouped by.
local function describe(event)
  if event.type == "failure" then return ("failed[%s]"):format(event.code) end
  local was, is = recordings.actions(event)
  if was ~= is then return was .. " -> " .. is end
  return ("%s, %s"):format(is, (event.field:gsub("^decision%.", "")))
end

function Groups:add(file, event)
  local change, rule = describe(event), recordings.rule(event)
  local key = table.concat({ event.kind or "", change, rule }, "\0")
  local group = self.by_key[key]
  if not group then
    group = { kind = event.kind or "?", change = change, rule = rule, count = 0, file = file, example = event }
    self.by_key[key] = group
    self[#self + 1] = group
  end
  group.count = group.count + 1
end

-- The largest first; order of first appearance among equals.
function Groups:sorted()
  local list = {}
  for i, group in ipairs(self) do list[i] = { group = group, at = i } end
  table.sort(list, function(a, b)
    if a.group.count ~= b.group.count then return a.group.count > b.group.count end
    return a.at < b.at
  end)
  return list
end

local function new_groups() return setmetatable({ by_key = {} }, Groups) end

-- What changed in the sets themselves --------------------------------------------------------

local function by_kind(set)
  local map = {}
  for _, policy in ipairs(set:policies()) do map[policy.kind] = policy end
  return map
end

local function values(policy)
  local map = {}
  for _, param in ipairs(policy and policy.params or {}) do map[param.name] = param.default end
  return map
end

-- "threshold 10 -> 20" for every default that differs.
local function changed_defaults(old, new)
  local before, after, texts = values(old), values(new), {}
  for _, param in ipairs(new.params) do
    local was = before[param.name]
    if was ~= nil and was ~= param.default then
      texts[#texts + 1] = ("%s %s -> %s"):format(param.name, tostring(was), tostring(param.default))
    elseif was == nil then
      texts[#texts + 1] = ("%s is new: %s"):format(param.name, tostring(param.default))
    end
  end
  for _, param in ipairs(old.params) do
    if after[param.name] == nil then texts[#texts + 1] = param.name .. " is gone" end
  end
  return texts
end

-- One line for each policy that is not the same in both sets.
local function changed_policies(old_set, new_set)
  local old, new, rows = by_kind(old_set), by_kind(new_set), {}
  for _, kind in ipairs(require "weir.kinds") do
    local a, b = old[kind], new[kind]
    if a and not b then
      rows[#rows + 1] = { kind, "is gone" }
    elseif b and not a then
      rows[#rows + 1] = { kind, "is new" }
    elseif a and a.digest ~= b.digest then
      local defaults = changed_defaults(a, b)
      rows[#rows + 1] = { kind, #defaults > 0 and table.concat(defaults, ", ") or "its code changed" }
    end
  end
  return rows
end

-- Printing -----------------------------------------------------------------------------------

local function percent(part, whole)
  if whole == 0 then return "0 %" end
  local share = part * 100 / whole
  return share > 0 and share < 0.1 and "less than 0.1 %" or ("%.1f %%"):format(share)
end

local function print_groups(out, groups, style, sign)
  local rows, examples = {}, {}
  for _, entry in ipairs(groups:sorted()) do
    local group = entry.group
    rows[#rows + 1] = { sign .. thousands(group.count), printable(group.kind), printable(group.change), group.rule }
    local event = group.example
    local now = event.type == "failure" and terminal.excerpt(event.message, 160) or recordings.because(event.is_because)
    local before = event.was_failure and terminal.excerpt(event.was, 160) or recordings.because(event.was_because)
    examples[#examples + 1] = { recordings.place(group.file, event), before, now }
  end
  for i, line in ipairs(terminal.table(rows, { "right" }, "  ")) do
    out:print(out:paint(style, line))
    out:print("        e.g. ", out:paint("dim", examples[i][1]))
    out:print("          was  ", examples[i][2])
    out:print("          is   ", examples[i][3])
  end
end

local function signed(number) return (number > 0 and "+" or "") .. thousands(number) end

-- How often each decision is made, before and after; only kinds where that changes.
local function print_totals(out, summary)
  local rows = {}
  for _, kind in ipairs(require "weir.kinds") do
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
  out:print(out:paint("bold", printable(sets.old_directory)), " -> ", out:paint("bold", printable(sets.new_directory)))
  local policy_rows = changed_policies(sets.old, sets.new)
  for _, line in ipairs(terminal.table(policy_rows, nil, "  ")) do out:print(printable(line)) end
  if #policy_rows == 0 then out:print("  the policies are the same") end
  out:print()
  out:print(out:paint(summary.changed > 0 and "warning" or "good",
    ("%s of %s change (%s)"):format(thousands(summary.changed), terminal.count(summary.decisions, "decision"),
      percent(summary.changed, summary.decisions))))
  print_groups(out, changed, "yellow", "~ ")
  print_totals(out, summary)
  if summary.reworded > 0 then
    out:print(terminal.count(summary.reworded, "decision keeps its action and gives",
      "decisions keep their action and give"), " another reason")
  end
  if summary.failed > 0 then
    out:print(out:paint("error", terminal.count(summary.failed, "decision fails", "decisions fail") .. " with NEW"))
    print_groups(out, failed, "red", "! ")
  end
  recordings.print_digest(out, summary)
end

local function groups_json(groups)
  local list = json.array({})
  for _, entry in ipairs(groups:sorted()) do
    local group = entry.group
    list[#list + 1] = { kind = group.kind, change = group.change, count = group.count,
      rule = group.rule ~= "" and group.rule or nil,
      example = json.decode(recordings.event_json(group.file, group.example)) }
  end
  return list
end

-- Running ------------------------------------------------------------------------------------

local function load_both(given, screen)
  local sets = {}
  for _, side in ipairs { "OLD", "NEW" } do
    local chosen = { policies = given[side], set = given.set }
    local set, directory = policies.load("diff", chosen, screen)
    if not set then return nil, directory end
    sets[side:lower()], sets[side:lower() .. "_directory"] = set, directory
  end
  return sets
end

local function run(given, screen)
  local jobs, mistake, hint = recordings.jobs(given.jobs)
  if not jobs then return nil, mistake, hint end
  local ok
  ok, mistake, hint = recordings.check(given.RECORDING)
  if not ok then return nil, mistake, hint end
  local sets, refuse = load_both(given, screen)
  if not sets then return refuse() end

  local changed, failed = new_groups(), new_groups()
  local troubles = recordings.troubles(screen.err, recordings.TROUBLES)
  local function on_event(file, event)
    if given.all and given.json then screen.out:print(recordings.event_json(file, event)) end
    if event.type == "bad line" then
      troubles:add(file, event)
    elseif event.type == "failure" then
      failed:add(file, event)
    elseif event.field ~= "because" then
      changed:add(file, event)
    end
  end
  local summary, ended = recordings.replay("diff", screen, {
    set = sets.new,
    old = sets.old,
    recordings = given.RECORDING,
    jobs = jobs,
    on_event = on_event,
  })
  if not summary then return ended end

  troubles:finish()
  if given.json then
    screen.out:print(recordings.summary_json(summary, {
      old = sets.old_directory,
      new = sets.new_directory,
      old_digest = sets.old:digest(),
      new_digest = sets.new:digest(),
      changes = groups_json(changed),
      failures = groups_json(failed),
    }))
  else
    print_summary(screen.out, sets, summary, changed, failed)
    if summary.changed + summary.failed > 0 then
      screen.err:print("Next: ", printable(("weir diff %s %s %s --json --all"):format(
        sets.old_directory, sets.new_directory, given.RECORDING[1])), "   lists every one")
    end
  end
  return recordings.status("diff", screen, summary)
end

return {
  name = "diff",
  summary = "what changes when one policy set replaces another",
  description = {
    [[Asks both policy sets with the facts of every recorded decision. Changed decisions are grouped by what
      changes and by the line of NEW that decides now; each group shows its first example.]],
    [[A recorded parameter counts as an override of both sets only if it is not OLD's default, so an edited
      default in NEW takes effect.]],
  },
  positionals = {
    { name = "OLD", doc = "the policy set that decides today", complete = "directory" },
    { name = "NEW", doc = "the one that would replace it", complete = "directory" },
    { name = "RECORDING", doc = "recordings, or '-'", many = true, complete = "file" },
  },
  options = {
    policies.options.set,
    { long = "jobs", short = "j", value = "N", doc = "threads; as many as there are cores when left out" },
    { long = "json", doc = "the summary as one JSON object" },
    { long = "all", doc = "with --json: one object for every changed decision first" },
  },
  exits = {
    { 0, "nothing changes" },
    { 1, "some decisions change, or some lines are bad" },
    { 2, "usage" },
    { 3, "a policy set does not load" },
    { 4, "a policy of NEW failed while deciding" },
    { 5, "the recordings hold no decision" },
    { 6, "a recording cannot be read, or memory is short" },
    { 7, "a policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir diff policies edited yesterday.jsonl.gz", "before deploying the edited copy" },
  },
  run = run,
}
