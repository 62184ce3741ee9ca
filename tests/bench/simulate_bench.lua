-- The operating characteristics of the shipped promotion policy, and the speed of simulating them:
--   ./dev bench simulate
-- A share is met when its Monte Carlo error (Wilson, 95 %) reaches what was aimed at; a figure that
-- is met by itself needs no such help. Aims are those of the rule as it was proposed, at 600 and
-- 6,000 requests a minute.
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local scenario = require "weir.simulate.scenario"
local simulate = require "weir.simulate"
local stats = require "weir.stats"

local RUNS, SEED = contest.count(200), 1

-- Which outcome, and how often at least (most, where the aim is below one half).
local AIMS = {
  ["no-change"] = { "promote", 1, 1 }, ["slower"] = { "rollback", 1, 1 },
  ["errors-half-point"] = { "rollback", 1, 1 }, ["errors-third-point"] = { "rollback", 1, 1 },
  ["errors-doubled"] = { "rollback", 1, 1 }, ["base-1"] = { "promote", 1, 1 },
  ["base-3"] = { "promote", 1, 1 }, ["traffic-falls"] = { "promote", 0.91, 1 },
  ["day-and-night"] = { "promote", 1, 1 }, ["cold-start"] = { "promote", 1, 1 },
  ["bad-host"] = { "rollback", 1, 0.66 }, ["late-defect"] = { "rollback", 1, 1 },
  ["incidents"] = { "promote", 1, 1 }, ["wandering"] = { "promote", 1, 0.995 },
  ["lost-requests"] = { "rollback", 1, 1 },
}

local EDGES = {
  {
    name = "p99 exactly +10 %",
    p99_factor = 1.1,
    days = 3,
    most = { promote = 0.05, rollback = 0.05 },
  },
  { name = "p99 +12 %", p99_factor = 1.12, days = 3, least = { rollback = 1 } },
  {
    name = "errors at tolerance",
    errors_factor = 1.5,
    days = 3,
    most = { promote = 0.05, rollback = 0.05 },
  },
}

local set = assert(policy_set.load("policies"))
local total = { windows = 0, decisions = 0, decide_ns = 0, seconds = 0, cpu = 0 }

local function run(settings)
  local wall, cpu = process.clock(), os.clock()
  local results = assert(simulate.run { set = set, scenario = settings, seed = SEED, runs = RUNS,
    jobs = 2 })
  total.seconds = total.seconds + (process.clock() - wall) / 1000
  total.cpu = total.cpu + os.clock() - cpu
  for _, name in ipairs { "windows", "decisions", "decide_ns" } do
    total[name] = total[name] + results[name]
  end

  local counts, hours = { promote = 0, rollback = 0, hold = 0, failed = 0 }, {}
  for _, one in ipairs(results.runs) do
    counts[one.outcome] = counts[one.outcome] + 1
    if one.outcome ~= "hold" then hours[#hours + 1] = one.minutes / 60 end
  end

  table.sort(hours)

  return counts, hours[(#hours + 1) // 2]
end

local function reaches(count, aim)
  local _, high = stats.wilson(count, RUNS)
  return count / RUNS >= aim or high >= aim
end

local function stays_below(count, aim)
  local low = stats.wilson(count, RUNS)
  return count / RUNS <= aim or low <= aim
end

-- The share of runs that end so, held to an aim: `least` or `most`.
local function row(traffic, name, outcome, counts, median, target)
  local met
  if target.least then
    met = reaches(counts[outcome], target.least)
  else
    met = stays_below(counts[outcome], target.most)
  end

  contest.print({
    name = ("%s, %d requests a minute: %s"):format(name, traffic, outcome),
    unit = "share of runs",
    equal_work = ("%d runs of the shipped promotion policy, seed %d"):format(RUNS, SEED),
    target = { of = "ours", least = target.least, most = target.most },
    met = met,
    note = ("promoted %d, rolled back %d, held %d%s"):format(counts.promote, counts.rollback,
      counts.hold, median and ("; half of the ends come within %.1f h"):format(median) or ""),
  }, { ours = { counts[outcome] / RUNS } })
end

for column, traffic in ipairs { 600, 6000 } do
  for _, one in ipairs(scenario.built_in()) do
    one.settings.traffic = traffic
    local aim = AIMS[one.name]
    local counts, median = run(one.settings)
    row(traffic, one.title, aim[1], counts, median, { least = aim[column + 1] })
  end
end

for _, edge in ipairs(EDGES) do
  local one = assert(scenario.complete({
    p99_factor = edge.p99_factor,
    errors_factor = edge.errors_factor,
    days = edge.days,
    traffic = 6000,
  }, edge.name))

  local counts, median = run(one.settings)
  for _, outcome in ipairs { "promote", "rollback" } do
    local least, most = (edge.least or {})[outcome], (edge.most or {})[outcome]
    if least or most then
      row(6000, edge.name, outcome, counts, median, { least = least, most = most })
    end
  end
end

-- Two threads may share a core with others: CPU time counts, as if both had one of their own.
contest.print({
  name = "windows of a minute",
  unit = "windows/s of two cores' processor time",
  equal_work = "all runs of all scenarios above, one decision per five windows",
  target = { of = "ours", least = 500000 },
  note = ("%.0f a second by the clock"):format(total.windows / total.seconds),
}, { ours = { total.windows / total.cpu * 2 } })

contest.print({
  name = "a promotion decision",
  unit = "us of processor time",
  equal_work = ("the mean of %d decisions of the shipped policy"):format(total.decisions),
  target = { of = "ours", most = 8 },
}, { ours = { total.decide_ns / total.decisions / 1000 } })
