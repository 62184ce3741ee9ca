-- The operating characteristics of the shipped promotion policy, and the speed of simulating them:
--   build/dev/weir lua tests/bench/simulate_bench.lua [RUNS [SEED]]     200 runs of each scenario
-- A share is met when its Monte Carlo error (Wilson, 95 %) reaches what was aimed at; a figure that
-- is met by itself needs no such help. Aims are those of the rule as it was proposed, at 600 and
-- 6,000 requests a minute.
local policy_set = require("weir.policy_set")
local process = require("weir.process")
local scenario = require("weir.simulate.scenario")
local simulate = require("weir.simulate")
local stats = require("weir.stats")

local RUNS, SEED = math.tointeger(tonumber(arg[1] or 200)), math.tointeger(tonumber(arg[2] or 1))
local TARGET_WINDOWS, TARGET_US = 500000, 8

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

local function verdict(met) return met and "met" or "not met" end

local function reaches(count, aim)
  local _, high = stats.wilson(count, RUNS)
  return count / RUNS >= aim or high >= aim
end

local function stays_below(count, aim)
  local low = stats.wilson(count, RUNS)
  return count / RUNS <= aim or low <= aim
end

local function row(traffic, name, counts, median, aim, met)
  print(("%6d  %-30s  P %.3f  R %.3f  H %.3f  %7s  %-18s %s"):format(traffic, name,
    counts.promote / RUNS,
    counts.rollback / RUNS, counts.hold / RUNS, median and ("%.1f h"):format(median) or "-", aim,
      verdict(met)))
end

print(("the shipped promotion policy, %d runs of each scenario, seed %d"):format(RUNS, SEED))
for column, traffic in ipairs { 600, 6000 } do
  for _, one in ipairs(scenario.built_in()) do
    one.settings.traffic = traffic
    local aim = AIMS[one.name]
    local counts, median = run(one.settings)
    row(traffic, one.title, counts, median, ("%s %.3f"):format(aim[1], aim[column + 1]),
      reaches(counts[aim[1]], aim[column + 1]))
  end
end

for _, edge in ipairs(EDGES) do
  local one = assert(scenario.complete({ p99_factor = edge.p99_factor,
    errors_factor = edge.errors_factor,
    days = edge.days, traffic = 6000 }, edge.name))
  local counts, median = run(one.settings)
  local met, aims = true, {}
  for _, outcome in ipairs { "promote", "rollback" } do
    local most, least = (edge.most or {})[outcome], (edge.least or {})[outcome]
    if most then
      met, aims[#aims + 1] = met and stays_below(counts[outcome], most), outcome .. " <= " .. most
    end

    if least then
      met, aims[#aims + 1] = met and reaches(counts[outcome], least), outcome .. " " .. least
    end
  end

  row(6000, edge.name, counts, median, table.concat(aims, ", "), met)
end

-- Two threads may share a core with others: CPU time counts, as if both had one of their own.
local per_second = total.windows / total.cpu * 2
local us = total.decide_ns / total.decisions / 1000
print(("windows of a minute: %.0f a second of two cores' time, %.0f a second by the clock")
  :format(per_second, total.windows / total.seconds))
print(("target %d a second on two cores, one decision per five windows: %s"):format(TARGET_WINDOWS,
  verdict(per_second >= TARGET_WINDOWS)))
print(("a promotion decision: %.1f us of processor time, %d decisions; target %d us: %s"):format(us,
  total.decisions,
  TARGET_US, verdict(us < TARGET_US)))
