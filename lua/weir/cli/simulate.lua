-- weir simulate [POLICIES [NEW]]: what a promotion policy does in worlds that are known.
local exit = require "weir.cli.exit"
local html = require "weir.cli.html"
local messages = require "weir.cli.messages"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local scenario = require "weir.simulate.scenario"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

local RUNS, RULES_SHOWN = 1000, 3

-- Arguments --------------------------------------------------------------------------------------

local function whole(text, name, least, most, default)
  if text == nil then return default end
  local number = math.tointeger(tonumber(text))
  if number and number >= least and number <= most then return number end

  return nil, ("--%s must be a whole number from %d to %d, not '%s'"):format(name, least, most,
    text)
end

local function named(name)
  local names = {}
  for i, one in ipairs(scenario.built_in()) do
    if one.name == name then return { one } end
    names[i] = one.name
  end

  local close = suggest(name, names)

  return nil, ("there is no scenario '%s', and no file of that name"):format(name),
    close and ("did you mean '%s'?"):format(close) or "weir help simulate lists them"
end

local function scenarios_of(word)
  if word:find("[/.]") then return scenario.load(word) end
  return named(word)
end

-- All that --scenario and --effect name; the built-in ones when they name none.
local function chosen_scenarios(given)
  local list = {}
  for _, word in ipairs(given.scenario or {}) do
    local found, message, hint = scenarios_of(word)
    if not found then return nil, message, hint end
    table.move(found, 1, #found, #list + 1, list)
  end

  for _, text in ipairs(given.effect or {}) do
    local found, message, hint = scenario.effect(text)
    if not found then return nil, message, hint end
    list[#list + 1] = found
  end

  return #list > 0 and list or scenario.built_in()
end

local function number_of(text, name, least, most)
  local number = tonumber(text)
  if number and number >= least and number <= most then return number end
  return nil, ("--%s must be a number from %g to %g, not '%s'"):format(name, least, most, text)
end

local function set_everywhere(list, field, value)
  for _, one in ipairs(list) do one.settings[field] = value end
end

local function read(given)
  local asked, message, hint = { sets = {} }
  asked.jobs, message, hint = recordings.jobs(given.jobs)
  if not asked.jobs then return nil, message, hint end
  asked.jobs = math.min(64, asked.jobs)
  asked.runs, message = whole(given.runs, "runs", 1, 1000000, given.plan and 200 or RUNS)
  if not asked.runs then return nil, message end
  asked.seed, message = whole(given.seed, "seed", 0, math.maxinteger, 1)
  if not asked.seed then return nil, message end
  asked.scenarios, message, hint = chosen_scenarios(given)
  if not asked.scenarios then return nil, message, hint end

  for _, limit in ipairs { { "traffic", 1, 1e7 }, { "days", 0.01, 366 } } do
    local name, least, most = table.unpack(limit)
    if given[name] then
      local value
      value, message = number_of(given[name], name, least, most)
      if not value then return nil, message end
      set_everywhere(asked.scenarios, name, value + 0.0)
    end
  end

  return asked
end

local function load_sets(given, screen, asked)
  local directories = given.POLICIES or {}
  if #directories > 2 then
    return nil, "at most two policy sets can be compared", "weir simulate OLD NEW"
  end

  if #directories == 0 then directories = { false } end
  for i, directory in ipairs(directories) do
    local set, found = policies.load("simulate", {
      policies = directory or given.policies,
      set = given.set,
      params = given.params,
    }, screen)
    if not set then return nil, found end
    asked.sets[i] = { set = set, directory = found }
  end

  return true
end

-- Showing ----------------------------------------------------------------------------------------

local function percent(share) return ("%.1f%%"):format(share * 100) end

local function with_error(found)
  return ("%s (%.1f-%.1f)"):format(percent(found.share), found.low * 100, found.high * 100)
end

local function hours(value) return value and ("%.1f h"):format(value) or "-" end

local function count(value)
  if value >= 1e6 then return ("%.1f M"):format(value / 1e6) end
  return thousands(math.floor(value + 0.5))
end

local HEADS = { "scenario", "promote", "rollback", "hold", "median", "90 %", "exposed", "excess" }
local ALIGNS = { "left", "right", "right", "right", "right", "right", "right", "right" }

local function row_of(title, result)
  local outcomes = result.outcomes
  return {
    printable(title), with_error(outcomes.promote), with_error(outcomes.rollback),
    with_error(outcomes.hold), hours(result.hours.median), hours(result.hours.p90),
    count(result.exposed.median), count(result.excess.mean),
  }
end

-- Two shares differ when their intervals do not meet.
local function differ(a, b)
  for _, outcome in ipairs { "promote", "rollback", "hold" } do
    local one, other = a.outcomes[outcome], b.outcomes[outcome]
    if one.low > other.high or other.low > one.high then return true end
  end

  return false
end

local function show_rules(out, row, index)
  local result = row.results[index]
  for i = 1, math.min(RULES_SHOWN, #result.rules) do
    local rule = result.rules[i]
    out:print(("    %s  %s  "):format(thousands(rule.count), rule.action),
      out:paint("dim", ("%s:%d"):format(printable(rule.file), rule.line)), "  ",
      terminal.excerpt(rule.because, 120))
  end
end

local function show(out, found, asked)
  local first = asked.scenarios[1].settings
  for _, policy in ipairs(found.policies) do
    out:print(out:paint("bold", printable(policy.policies)), "  ", policy.set_digest)
  end

  out:print(
    ("%s runs each, seed %d; a window is one minute of data, and one decision is made every "
    .. "%d min"):format(thousands(found.runs), found.seed, first.look_minutes))
  out:print()

  local rows = { HEADS }
  for _, row in ipairs(found.scenarios) do
    for j, result in ipairs(row.results) do
      local title = row.title
      if j == 2 then title = differ(row.results[1], result) and "  ~ new" or "  = new" end
      rows[#rows + 1] = row_of(title, result)
    end
  end

  for _, line in ipairs(terminal.table(rows, ALIGNS)) do out:print(line) end

  out:print()
  out:print("Rules that ended the trials:")
  for _, row in ipairs(found.scenarios) do
    for j in ipairs(row.results) do
      out:print("  ", printable(row.title), #row.results > 1 and (j == 1 and ", old" or ", new")
        or "")
      show_rules(out, row, j)
    end
  end
end

local function show_plan(out, plans)
  for _, plan in ipairs(plans) do
    out:print(out:paint("bold", printable(plan.title)),
      (": until 80 %% of trials end in %s"):format(plan.right))
    local rows = { { "requests a minute", plan.right, "hours", "requests of the challenger" } }
    for _, row in ipairs(plan.rows) do
      rows[#rows + 1] = {
        thousands(math.floor(row.traffic)), with_error(row.right),
        row.reached and hours(row.reached.hours) or "not within the trial",
        row.reached and count(row.reached.requests) or "-",
      }
    end

    for _, line in ipairs(terminal.table(rows, { "right", "right", "right", "right" }, "  ")) do
      out:print(line)
    end
  end
end

-- Running ----------------------------------------------------------------------------------------

local function any_failed(found)
  for _, row in ipairs(found.scenarios) do
    for _, result in ipairs(row.results) do
      if result.outcomes.failed.count > 0 then return result.rules[1] end
    end
  end
end

-- Prints what was found, as text or JSON, and writes its page; an exit status.
local function finish(screen, given, found, print_text)
  if given.json then
    screen.out:print(terminal.json(found))
  elseif not html.takes_output(given) then
    print_text()
  end

  if not given.html then return exit.fine end
  local written, status = html.write("simulate", screen, given,
    require("weir.page.simulate").page(found))
  return written and exit.fine or status
end

local function plan(asked, screen, given, study)
  local plans = {}
  for i, one in ipairs(asked.scenarios) do
    if not one.right then
      return nil, ("%s does not say what is right"):format(one.name), 'add right = "rollback"'
    end

    local rows, message, code = study.plan(asked, one, asked.sets[1])
    if not rows then
      return messages.failure(screen, "simulate",
        { message = message, code = code, exit = exit.io })
    end

    plans[i] = { name = one.name, title = one.title, right = one.right, rows = rows }
  end

  local found = { plans = plans, runs = asked.runs, seed = asked.seed }

  return finish(screen, given, found, function() show_plan(screen.out, plans) end)
end

local function simulated(asked, screen, given, study)
  local err = screen.err
  asked.on_progress = function(one, chosen, done, total)
    err:progress(("%s, %s: %d of %d"):format(chosen.directory, one.title, done, total))
  end

  local found, message, code = study.run(asked)
  err:clear_progress()
  if not found then
    return messages.failure(screen, "simulate", { message = message, code = code, exit = exit.io })
  end

  local status = finish(screen, given, found, function() show(screen.out, found, asked) end)
  if status ~= exit.fine then return status end
  local failure = any_failed(found)
  if failure then
    err:print("weir: simulate: the policy failed: ", printable(failure.because))
    return exit.decide
  end

  return exit.fine
end

local function run(given, screen)
  local asked, message, hint = read(given)
  if not asked then return nil, message, hint end
  local ok
  ok, message, hint = html.check(given)
  if not ok then return nil, message, hint end
  ok, message, hint = load_sets(given, screen, asked)
  if not ok then
    if type(message) == "function" then return message() end
    return nil, message, hint
  end

  local study = require "weir.simulate.study"
  return (given.plan and plan or simulated)(asked, screen, given, study)
end

local function scenario_lines()
  local parts = {}
  for i, one in ipairs(scenario.built_in()) do
    parts[i] = ("%s (%s)"):format(one.name, one.title)
  end

  return "Scenarios by name: " .. table.concat(parts, ", ") .. "."
end

return {
  name = "simulate",
  summary = "what a promotion policy does in worlds that are known",
  description = {
    [[Draws trials of a challenger many times and asks the policy at every look, with the evidence
      code and the checks of production: how often does it promote, roll back or hold, how long
      does that take, how many requests does the challenger get, and how many of them fail that
      the champion would have answered? Intervals are Wilson's, of the Monte Carlo error, 95 %.]],
    [[With two policy sets the second is shown below the first, with ~ where their outcomes differ
      by more than chance.]],
    scenario_lines(),
    [[A file of your own holds one scenario or a list of them, as JSON or as a Lua file that
      returns data: return { name = "ours", error_rate = 0.02, p99_factor = 1.1, right =
      "rollback" }. docs/simulate.md lists the fields.]],
    [[The same seed gives the same numbers, with any number of threads.]],
  },
  positionals = {
    { name = "POLICIES", doc = "one policy set, or an old and a new one", optional = true,
      many = true,
      complete = "directory" },
  },
  options = {
    policies.options.directory,
    policies.options.set,
    policies.options.params,
    { long = "scenario", value = "NAME|FILE", many = true,
      doc = "a scenario by name, or a file of them; all built-in ones when left out" },
    { long = "effect", value = "EFFECT", many = true,
      doc = "a scenario in short: p99:+20%, errors:+0.5pp, errors:x2, lost:5%" },
    { long = "traffic", value = "N", doc = "requests a minute, in every scenario" },
    { long = "days", value = "N", doc = "how long a trial is followed, in every scenario" },
    { long = "plan", doc = "traffic, requests and hours until 80 % of trials end as they should" },
    { long = "runs", value = "N", doc = "of each scenario; 1000, with --plan 200" },
    { long = "seed", value = "N", doc = "of the random numbers; 1" },
    recordings.options.jobs,
    { long = "json", doc = "everything as one JSON object" },
    html.option,
  },
  exits = {
    { 0, "simulated" },
    { 2, "usage" },
    { 3, "a policy set does not load" },
    { 4, "a policy failed while deciding" },
    { 6, "a file cannot be written, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir simulate", "the policies in ./policies, in every built-in scenario" },
    { "weir simulate policies edited --scenario no-change --scenario errors-doubled",
      "before deploying the edited copy" },
    { "weir simulate --plan --effect errors:x2 --traffic 60", "how long would that take to see?" },
  },
  run = run,
}
