-- Simulated trials: the same for any number of threads, made of the evidence of production, and the
-- shipped policy's operating characteristics, in short. The whole table is in
-- tests/bench/simulate_bench.lua.
local study = require "weir.simulate.study"
local json = require "weir.json"
local policy_folder = require "support.policy_folder"
local policy_set = require "weir.policy_set"
local scenario = require "weir.simulate.scenario"
local simulate = require "weir.simulate"
local trial = require "weir.inference.trial"

local shipped = assert(policy_set.load("policies"))

local function complete(given)
  given.name = given.name or "x"
  return assert(scenario.complete(given, "x"))
end

local function run(given, more)
  more = more or {}
  return assert(study.run {
    sets = more.sets or { { set = shipped, directory = "policies" } },
    scenarios = { complete(given) },
    runs = more.runs or 40,
    seed = more.seed or 1,
    jobs = more.jobs or 2,
  }).scenarios[1]
end

local function result(given, more) return run(given, more).results[1] end

describe("a simulation", function()
  it("is the same for any number of threads, and another for another seed", function()
    local function text(jobs, seed)
      return json.encode(run({ errors_factor = 3, incidents_a_day = 4, level_sd = 0.05 },
        { jobs = jobs, seed = seed, runs = 17 }))
    end

    local one = text(1, 1)
    assert.equal(one, text(3, 1))
    assert.equal(one, text(64, 1))
    assert.is_true(one ~= text(1, 2))
  end)

  it("knows the processor time of its decisions, from a sample of them", function()
    local found = simulate.run { set = shipped, scenario = complete({ days = 1 }).settings,
      seed = 1, runs = 8, jobs = 1 }
    assert.is_true(found.decisions > 100)
    local ns = found.decide_ns / found.decisions
    assert.is_true(ns > 100 and ns < 10000000, ns .. " ns a decision")
  end)

  it("does not change a run when more follow", function()
    local function runs(count)
      return simulate.run { set = shipped, scenario = complete({ days = 0.2 }).settings, seed = 1,
        runs = count,
        jobs = 1 }.runs
    end

    assert.same(runs(3)[3], runs(9)[3])
  end)

  it("counts whole, and says how sure it is", function()
    local found = result({ p99_factor = 1.3 }, { runs = 30 })
    local all = 0
    for _, outcome in pairs(found.outcomes) do all = all + outcome.count end -- any order: a sum
    assert.equal(30, all)
    assert.equal(30, found.outcomes.rollback.count)
    assert.near(0.8865, found.outcomes.rollback.low, 1e-4) -- Wilson, 30 of 30
    assert.equal(1, found.outcomes.rollback.high)
    assert.equal(found.outcomes.rollback.count, found.curve[#found.curve].rollback)
    assert.equal(0, found.curve[1].rollback)
    assert.is_true(found.hours.median <= found.hours.p90)
    assert.equal("rollback", found.rules[1].action)
    assert.equal("policies/promotion.lua", found.rules[1].file)
    assert.truthy(found.rules[1].because:find("its p99 is slower by at least", 1, true))
  end)

  it("tells of a policy that fails", function()
    local broken = policy_folder.load { ["promotion.lua"] = "return policy { kind = 'promotion',"
      .. " decide = function(facts) return hold { because = facts.evidence.nothing.x, needs = 'y' "
      .. "} end }" }
    local found = result({ days = 1 }, { runs = 3, sets = { { set = broken, directory = "d" } } })
    assert.equal(3, found.outcomes.failed.count)
    assert.truthy(found.rules[1].because:find("promotion.lua:1", 1, true), found.rules[1].because)
  end)

  it("starts from nothing when the scenario does", function()
    local found = result({ share = 0, errors_factor = 30, days = 1 }, { runs = 5 })
    assert.equal(5, found.outcomes.rollback.count)
  end)

  it("reports progress, and what that raises", function()
    local calls = 0
    local given = {
      set = shipped,
      scenario = complete({ days = 0.02 }).settings,
      seed = 1,
      runs = 5,
      jobs = 1,
    }

    given.on_progress = function(done, total)
      calls = calls + 1
      assert.is_true(done <= total and total == 5)
    end

    simulate.run(given)
    assert.equal(5, calls)
    given.on_progress = function() error("enough", 0) end
    assert.has_error(function() simulate.run(given) end, "enough")
  end)
end)

describe("a simulated look", function()
  -- A policy that says everything it is told of requests and errors.
  local TELLS = [[
    return policy { kind = "promotion", decide = function(f)
      local new, old, e = f.variants[2], f.variants[1], f.evidence or {}
      local rate = e.error_rate or { low = 0, high = 0, estimate = 0 }
      return hold { needs = "more", because = ("%d "):rep(6) .. ("%.9f "):rep(4)
          .. "%.6f %.6f %.9f %.9f %s",
        f.now, f.minutes_since_change, new.recent.requests, new.recent.errors, old.recent.requests,
        old.recent.errors, new.weight, rate.low, rate.high, rate.estimate, e.champion_requests or 0,
        e.champion_errors or 0, e.dispersion or 0, e.sample_ratio_p or 0,
        tostring(new.recent.warming) }
    end } ]]
  local tells = policy_folder.load { ["promotion.lua"] = TELLS }

  -- What the policy was told at the last of so many looks.
  local function told(looks)
    local settings = complete({ share = 0.2, error_rate = 0.02 }).settings
    settings.days = looks * 5 / 1440
    local runs = simulate.run({
      set = tells,
      scenario = settings,
      seed = 5,
      runs = 1,
      jobs = 1,
    }).runs
    local list = {}
    for word in json.decode(runs[1].because):gmatch("%S+") do
      list[#list + 1] = tonumber(word) or word
    end

    return list
  end

  it("has the evidence that a trial makes of its windows", function()
    local self = trial.new { champion = "old", challenger = "new" }
    local counted = 0
    for looks = 1, 20 do
      local seen = told(looks)
      local to = seen[1]
      self:add { from = to - 300, to = to, variants = {
        new = { share = seen[7], requests = seen[3], errors = seen[4] },
        old = { share = 1 - seen[7], requests = seen[5], errors = seen[6] },
      } }
      local facts = self:facts { now = to, variants = { { name = "old" }, { name = "new" } } }
      assert.equal(facts.minutes_since_change, seen[2])
      assert.equal(tostring(facts.variants[2].recent.warming or false), seen[15])
      local evidence = facts.evidence
      if evidence then
        counted = counted + 1
        local rate = evidence.error_rate
        -- Simulated ends are found to a thousandth of their distance.
        local width = rate.high - rate.low
        assert.near(rate.low, seen[8], width * 0.004)
        assert.near(rate.high, seen[9], width * 0.004)
        assert.near(rate.estimate, seen[10], 1e-8)
        assert.near(evidence.champion_requests, seen[11], 1e-5)
        assert.near(evidence.champion_errors, seen[12], 1e-5)
        assert.near(evidence.dispersion, seen[13], 1e-8)
        assert.near(evidence.sample_ratio_p, seen[14], 1e-8)
      end
    end

    assert.equal(18, counted)
  end)
end)

describe("a simulated day", function()
  -- A policy that says how far latencies wander at the last look.
  local wander = policy_folder.load { ["promotion.lua"] = [[
    return policy { kind = "promotion", decide = function(f)
      local found = f.evidence and f.evidence.latency.dispersion or 1
      return hold { needs = "more", because = "%.3f", found }
    end } ]] }

  local function dispersion(given)
    given.share = 0.3
    local settings = complete(given).settings
    local one = simulate.run { set = wander, scenario = settings, seed = 3, runs = 1, jobs = 1 }
    return tonumber((json.decode(one.runs[1].because)))
  end

  it("tells how far latencies wander", function()
    assert.equal(1, dispersion { days = 0.3, level_sd = 0.1 }) -- seven hours tell nothing
    assert.is_true(dispersion { days = 1, level_sd = 0.1 } > 3)
    assert.is_true(dispersion { days = 1 } < 3)
  end)
end)

describe("the shipped policy", function()
  -- At most this many of 40 runs: what 5 % allow with one chance in a thousand.
  local FEW = 7

  it("promotes equal variants, whatever their base rate", function()
    for _, rate in ipairs { 0.001, 0.01, 0.03 } do
      local found = result { error_rate = rate, traffic = 2000 }
      assert.is_true(found.outcomes.rollback.count <= FEW, rate)
      assert.is_true(found.outcomes.promote.count >= 40 - FEW, rate)
    end
  end)

  it("does not promote errors doubled from 0.1 %", function()
    local found = result { errors_factor = 2, traffic = 6000, days = 3 }
    assert.is_true(found.outcomes.promote.count <= FEW)
    assert.is_true(found.outcomes.rollback.count >= 40 - FEW)
  end)

  it("does not punish the challenger for incidents in both", function()
    local found = result { incidents_a_day = 4, incident_error_rate = 0.1, traffic = 2000 }
    assert.is_true(found.outcomes.rollback.count <= FEW)
  end)

  it("lets a cold start pass, and takes slow and lossy challengers out", function()
    local cold = result {
      cold_minutes = 10,
      cold_error_rate = 0.1,
      cold_p99_factor = 3,
      traffic = 2000,
    }

    assert.is_true(cold.outcomes.promote.count >= 40 - FEW)
    for _, given in ipairs { { p99_factor = 1.2 }, { lost = 0.05 },
      { p99_factor = 1.3, from_minutes = 360 } } do
      given.traffic = 6000
      assert.is_true(result(given).outcomes.rollback.count >= 40 - FEW)
    end
  end)
end)

describe("planning", function()
  it("ends with the first traffic at which four of five trials end right", function()
    local given = complete { errors_added = 0.02, traffic = 60, right = "rollback" }
    local rows = assert(study.plan({ runs = 20, seed = 1, jobs = 2 }, given,
      { set = shipped }))
    local last = rows[#rows]
    assert.is_true(last.traffic >= 60 and last.right.share >= 0.8)
    assert.is_true(last.reached.hours > 0 and last.reached.requests > 50)
    assert.equal(6, rows[1].traffic)

    -- Four of five: 16 of 20 had ended so by then, fewer before.
    given.settings.traffic = last.traffic
    local by_then, before = 0, 0
    for _, each in ipairs(simulate.run({ set = shipped, scenario = given.settings, seed = 1,
      runs = 20, jobs = 1 }).runs) do
      local is_right, hours = each.outcome == "rollback", each.minutes / 60
      if is_right and hours <= last.reached.hours then by_then = by_then + 1 end
      if is_right and hours < last.reached.hours then before = before + 1 end
    end

    assert.is_true(by_then >= 16 and before < 16, by_then .. " and " .. before)
  end)
end)
