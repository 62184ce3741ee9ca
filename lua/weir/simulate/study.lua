-- Runs scenarios with policies, and reduces what came out to the table that `weir simulate --json`
-- prints and its page shows.
--
--   study.run{ sets = {{directory=, set=}, …}, scenarios =, runs =, seed =, jobs =,
--                   on_progress = function(scenario, set, done, total)? }
--     → { runs=, seed=, policies = {{policies=, set_digest=}, …},
--         scenarios = {{ name=, title=, right=?, settings=, results = {result, …} }, …} }
--       | nil, message, code
--
-- A result, one for each set:
--   outcomes   promote, rollback, hold, failed → { count=, share=, low=, high= }, with Wilson's
--              interval of the Monte Carlo error, 95 %
--   right      the same of runs that ended as they should, where the scenario says how
--   hours      { median=, p90= } of the runs that were decided
--   exposed    { median=, p90=, mean= }: the challenger's requests
--   excess     the same: those of them that failed beyond what the champion would have failed
--   rules      { {action=, file=, line=, count=, because=}, … }, most frequent first
--   curve      { {hours=, promote=, rollback=}, … }: how many runs were decided by then
local json = require "weir.json"
local simulate = require "weir.simulate"
local sorted_pairs = require "weir.sorted_pairs"
local stats = require "weir.stats"

local study = {}

local CURVE_POINTS = 48
local OUTCOMES = { "promote", "rollback", "hold", "failed" }

local function share_of(count, runs)
  local low, high = stats.wilson(count, runs)
  return { count = count, share = count / runs, low = low, high = high }
end

-- Of an ascending list.
local function quantile(sorted, q)
  if #sorted == 0 then return nil end
  return sorted[math.max(1, math.ceil(q * #sorted))]
end

local function column(runs, name)
  local values, sum = {}, 0
  for i, run in ipairs(runs) do
    values[i] = run[name]
    sum = sum + run[name] -- in the order of the runs: the same for any number of jobs
  end

  table.sort(values)

  return { median = quantile(values, 0.5), p90 = quantile(values, 0.9), mean = sum / #runs }
end

local function hours_of(runs)
  local minutes = {}
  for _, run in ipairs(runs) do
    if run.outcome == "promote" or run.outcome == "rollback" then
      minutes[#minutes + 1] = run.minutes
    end
  end

  table.sort(minutes)
  if #minutes == 0 then return {} end

  return { median = quantile(minutes, 0.5) / 60, p90 = quantile(minutes, 0.9) / 60 }
end

local function because_of(run)
  return run.outcome ~= "failed" and json.decode(run.because) or run.because
end

-- The places where runs ended, with the words of the first of them.
local function rules_of(runs)
  local by_place, rules = {}, {}
  for _, run in ipairs(runs) do
    local place = ("%s %s:%d"):format(run.outcome, run.file, run.line)
    local rule = by_place[place]
    if not rule then
      rule = {
        action = run.outcome,
        file = run.file,
        line = run.line,
        count = 0,
        because = because_of(run),
      }

      by_place[place], rules[#rules + 1] = rule, rule
    end

    rule.count = rule.count + 1
  end

  table.sort(rules, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    if a.file ~= b.file then return a.file < b.file end
    if a.line ~= b.line then return a.line < b.line end

    return a.action < b.action
  end)

  return rules
end

local function curve_of(runs, settings)
  local longest = 0
  for _, run in ipairs(runs) do
    if run.outcome == "promote" or run.outcome == "rollback" then
      longest = math.max(longest, run.minutes)
    end
  end

  if longest == 0 then longest = settings.days * 1440 end

  local curve = {}
  for i = 0, CURVE_POINTS do
    local point = { hours = longest / 60 * i / CURVE_POINTS, promote = 0, rollback = 0 }
    for _, run in ipairs(runs) do
      if point[run.outcome] and run.minutes <= longest * i / CURVE_POINTS then
        point[run.outcome] = point[run.outcome] + 1
      end
    end

    curve[i + 1] = point
  end

  return curve
end

-- The result of all runs of one scenario with one set.
local function reduce(runs, scenario)
  local counts, outcomes = {}, {}
  for _, outcome in ipairs(OUTCOMES) do counts[outcome] = 0 end
  for _, run in ipairs(runs) do counts[run.outcome] = counts[run.outcome] + 1 end
  for _, outcome in ipairs(OUTCOMES) do outcomes[outcome] = share_of(counts[outcome], #runs) end

  return {
    outcomes = outcomes,
    right = scenario.right and outcomes[scenario.right] or nil,
    hours = hours_of(runs),
    exposed = column(runs, "exposed"),
    excess = column(runs, "excess"),
    rules = rules_of(runs),
    curve = curve_of(runs, scenario.settings),
  }
end

local function run_one(given, scenario, chosen)
  local progress = given.on_progress
  return simulate.run {
    set = chosen.set,
    scenario = scenario.settings,
    seed = given.seed,
    runs = given.runs,
    jobs = given.jobs,
    on_progress = progress and function(done, total)
      progress(scenario, chosen, done, total)
    end or nil,
  }
end

function study.run(given)
  local found = { runs = given.runs, seed = given.seed, policies = {}, scenarios = {} }
  for i, chosen in ipairs(given.sets) do
    found.policies[i] = { policies = chosen.directory, set_digest = chosen.set:digest() }
  end

  for i, scenario in ipairs(given.scenarios) do
    local settings = {}
    for name, value in sorted_pairs(scenario.settings) do settings[name] = value end
    local row = {
      name = scenario.name,
      title = scenario.title,
      right = scenario.right,
      settings = settings,
      results = {},
    }

    for j, chosen in ipairs(given.sets) do
      local results, message, code = run_one(given, scenario, chosen)
      if not results then return nil, message, code end
      row.results[j] = reduce(results.runs, scenario)
    end

    found.scenarios[i] = row
  end

  return found
end

-- Planning ---------------------------------------------------------------------------------------

local LADDER = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100 }
local POWER = 0.8

-- When a share of all runs had ended as they should: hours, and requests of the challenger; nil
-- when fewer did.
local function reached(runs, right, share)
  local list = {}
  for _, run in ipairs(runs) do
    if run.outcome == right then list[#list + 1] = run end
  end

  table.sort(list, function(a, b)
    if a.minutes ~= b.minutes then return a.minutes < b.minutes end
    return a.exposed < b.exposed
  end)

  local last = list[math.ceil(share * #runs)]
  if not last then return nil end

  return { hours = last.minutes / 60, requests = last.exposed }
end

-- plan(given, scenario, chosen) → { {traffic=, right=, reached = {hours=, requests=}?}, … }, up to
-- the first traffic where four of five runs end as they should, and for the traffic of the scenario
function study.plan(given, scenario, chosen)
  local rows, base = {}, scenario.settings.traffic
  for _, times in ipairs(LADDER) do
    local settings = {}
    for name, value in sorted_pairs(scenario.settings) do settings[name] = value end
    settings.traffic = base * times
    local results, message, code = run_one(given, { settings = settings }, chosen)
    if not results then return nil, message, code end

    local reduced = reduce(results.runs, { right = scenario.right, settings = settings })
    local met = reached(results.runs, scenario.right, POWER)
    rows[#rows + 1] = { traffic = settings.traffic, right = reduced.right, reached = met }
    if met and times >= 1 then break end
  end

  return rows
end

return study
