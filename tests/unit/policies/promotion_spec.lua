local promotion_trial = require("support.promotion_trial")
local shipped_policy = require("support.shipped_policy")

local promotion = shipped_policy.load("promotion")

local NOW, trial = promotion_trial.now, promotion_trial.facts

local function decide(change, params)
  local facts = trial()
  if change then change(facts, facts.variants[2], facts.evidence) end
  return promotion:decide(facts, params)
end

local DAY = 1440

-- At the last step, after its day.
local function at_the_end(change)
  return decide(function(facts, new, evidence)
    new.weight, facts.minutes_since_change = 0.5, DAY
    if change then change(facts, new, evidence) end
  end)
end

describe("the promotion policy", function()
  it("ramps in doubling steps up to the share at which it promotes", function()
    local steps = {
      { 0, 0.05 },
      { 0.01, 0.05 },
      { 0.05, 0.1 },
      { 0.1, 0.2 },
      { 0.2, 0.4 },
      { 0.4, 0.5 },
    }

    for _, step in ipairs(steps) do
      local decision = decide(function(_, new) new.weight = step[1] end)
      assert.same({ "ramp", "new", step[2] }, {
        decision.action,
        decision.variant,
        decision.weight,
      })
    end

    assert.equal("promote", at_the_end().action)
    assert.equal("promote", at_the_end(function(_, new) new.weight = 0.95 end).action)
  end)

  it("starts from nothing on approval alone", function()
    local function start(approval)
      return decide(function(facts, new)
        new.weight, new.window, new.recent, facts.evidence, new.approval = 0, nil, nil, nil,
          approval
      end)
    end

    assert.same({ "ramp", 0.05 }, { start("Approved").action, start("Approved").weight })
    assert.equal("hold", start("PendingManualApproval").action)
    assert.equal("hold", start(nil).action)
  end)

  it("starts with no more than the share at which it promotes", function()
    local function start(params)
      return pcall(decide, function(_, new) new.weight = 0 end, params)
    end

    local _, first = start { first_share = 0.99 }
    assert.same({ "ramp", 0.5 }, { first.action, first.weight })
    local ok, message = start { first_share = 1.0 }
    assert.is_false(ok)
    assert.matches("InvalidParams: first_share: expected a number from 0.001 to 0.99", message, 1,
      true)
  end)

  it("counts good looks up to what a decision may say", function()
    local decision = decide(function(facts, new)
      new.weight, facts.good_looks = 0.5, 1000000
    end)
    assert.same({ "hold", 1000000 }, { decision.action, decision.good_looks })
  end)

  it("says what is short and how long that takes", function()
    local decision = decide(function(_, new) new.window.requests, new.window.seconds = 588, 771 end)
    assert.equal("hold", decision.action)
    assert.equal(412, decision.requests)
    assert.equal("412 more requests, about 10 min at the current rate", decision.needs)
  end)

  it("needs the minimum number of requests of both variants, exactly", function()
    assert.equal("ramp", decide(function(_, new) new.window.requests = 1000 end).action)
    assert.equal("hold", decide(function(_, new) new.window.requests = 999 end).action)
    assert.equal("hold", decide(function(facts) facts.variants[1].window.requests = 999 end).action)
  end)

  it("watches each share for its minimum time", function()
    local function after(minutes)
      return decide(function(facts) facts.minutes_since_change = minutes end)
    end

    assert.equal("ramp", after(30).action)
    assert.same({ "hold", "1 min more of traffic" }, { after(29).action, after(29).needs })
    assert.equal("hold", after(nil).action)
  end)

  it("promotes only after a whole day at the last share", function()
    local decision = at_the_end(function(facts) facts.minutes_since_change = DAY - 1 end)
    assert.same({ "hold", "1 min more at this share", 2 },
      { decision.action, decision.needs, decision.good_looks })
    assert.equal("ramp", decide(function(facts) facts.minutes_since_change = 30 end).action)
  end)

  it("wants two good looks in a row", function()
    local function looks(count) return decide(function(facts) facts.good_looks = count end) end
    assert.same({ "hold", 1 }, { looks(0).action, looks(0).good_looks })
    assert.same({ "hold", 1 }, { looks(nil).action, looks(nil).good_looks })
    assert.equal("ramp", looks(1).action)
    assert.equal("hold", at_the_end(function(facts) facts.good_looks = 0 end).action)
  end)

  it("ends a trial that does not come to an end", function()
    local function after(minutes)
      return decide(function(facts, _, evidence)
        facts.minutes_since_start, evidence.error_rate.high = minutes, 0.1
      end)
    end

    assert.equal("hold", after(168 * 60).action)
    assert.same({ "rollback", "not shown to be no worse within 168 h" },
      { after(168 * 60 + 1).action, after(168 * 60 + 1).because })
  end)
end)

describe("the reasons of promotion", function()
  local function because(change) return decide(change).because end

  it("give the figures that were judged", function()
    assert.equal("no worse than old: errors at most +0.04 points, p99 at most +5%", because())
    assert.equal("60 of 300 requests failed; the limit is 5%", because(function(_, new)
      new.recent.errors = 60
    end))

    assert.equal("its error rate is higher by 0.30 to 0.45 points; 0.05 are tolerated",
      because(function(_, _, evidence) evidence.error_rate = { low = 0.003, high = 0.0045 } end))
    assert.equal(
      "since the last step its error rate is higher by at least 0.30 points; 0.05 are tolerated",
      because(function(_, _, evidence) evidence.step.error_rate_low = 0.003 end))
    assert.equal("its p99 is slower by at least 20%; 10% are tolerated",
      because(function(_, _, evidence) evidence.latency = { low = 0.2, high = 0.3 } end))
    assert.equal("since the last step its p99 is slower by at least 20%; 10% are tolerated",
      because(function(facts, _, evidence)
        facts.minutes_since_change, evidence.step.latency_low = 120, 0.2
      end))
    assert.equal("its error rate may be higher by 0.45 points; 0.12 are tolerated for this step",
      because(function(_, _, evidence) evidence.error_rate.high = 0.0045 end))
    assert.equal("its p99 may be slower by 30%; 25% are tolerated for this step",
      because(function(_, _, evidence) evidence.latency.high = 0.3 end))
    assert.equal("its p99 may be slower by 30%; 25% are tolerated for this step; latencies vary "
      .. "4.2 times as much as by chance",
      because(function(_, _, evidence)
        evidence.latency.high, evidence.latency.dispersion = 0.3, 4.2
      end))
    assert.equal("its p99 may be slower by 25.2%; 25.0% are tolerated for this step",
      because(function(_, _, evidence) evidence.latency.high = 0.2517 end))
    assert.equal("its p99 is slower by at least 10.03%; 10.00% are tolerated",
      because(function(_, _, evidence) evidence.latency = { low = 0.1003, high = 0.3 } end))
    assert.equal("since the last step its p99 is slower by at least 10.4%; 10.0% are tolerated",
      because(function(facts, _, evidence)
        facts.minutes_since_change, evidence.step.latency_low = 120, 0.104
      end))
    assert.equal("its error rate is higher by 0.051 to 0.450 points; 0.050 are tolerated",
      because(function(_, _, evidence)
        evidence.error_rate = { low = 0.000511, high = 0.0045 }
      end))
    assert.equal("since the last step its error rate is higher by at least 0.0504 points; 0.0500 "
      .. "are tolerated",
      because(function(_, _, evidence) evidence.step.error_rate_low = 0.000504 end))
    assert.equal("p99 is 10000.4 ms; the limit is 10000.0 ms", because(function(_, new)
      new.recent.latency_ms = { p99 = 10000.4 }
      new.recent.requests, new.recent.errors = 1000, 0
    end))
    assert.equal("its p99 has no upper end yet",
      because(function(_, _, evidence) evidence.latency.high = nil end))
    assert.equal("new has been watched for 10 of 30 min at this share",
      because(function(facts) facts.minutes_since_change = 10 end))
    assert.equal("new has answered 588 of 1000 requests",
      because(function(_, new) new.window.requests = 588 end))
    assert.equal("errors come in bursts: they vary 4.2 times as much as by chance",
      because(function(_, _, evidence) evidence.dispersion = 4.2 end))
  end)
end)

describe("missing data", function()
  it("is told apart from zero errors", function()
    assert.equal("ramp", decide(function(_, new) new.window.errors = 0 end).action)
    local decision = decide(function(_, new) new.window.errors = nil end)
    assert.equal("hold", decision.action)
    assert.truthy(decision.because:find("not the same as no errors", 1, true))
  end)

  it("holds, whichever part is missing", function()
    local holes = {
      function(_, new) new.window = nil end,
      function(_, new) new.window.requests = nil end,
      function(_, new) new.window.requests = 0 end,
      function(_, new) new.window.requests, new.window.errors = 0, 0 end,
      function(_, new) new.window.errors = new.window.requests + 1 end,
      function(_, new) new.weight = nil end,
      function(_, new) new.approval = nil end,
      function(facts) facts.variants[1].window = nil end,
      function(facts) facts.variants[1].window.errors = nil end,
      function(facts) facts.evidence = nil end,
      function(facts) facts.minutes_since_change = nil end,
      function(_, _, evidence) evidence.error_rate = nil end,
      function(_, _, evidence) evidence.latency = nil end,
      function(_, _, evidence) evidence.latency.high = nil end,
      function(_, _, evidence) evidence.sample_ratio_p = nil end,
      function(_, _, evidence) evidence.method = nil end,
      function(_, _, evidence) evidence.confidence = nil end,
      function(_, _, evidence) evidence.latency = { low = 0.05, high = -0.05 } end,
      function(facts) facts.challenger = nil end,
      function(facts) facts.challenger = "unknown" end,
      function(facts) facts.challenger = "old" end,
      function(facts) facts.champion = "unknown" end,
      function(facts) facts.variants[1].name = "other" end,
    }

    for i, hole in ipairs(holes) do
      local decision = decide(hole)
      assert.equal("hold", decision.action, "hole " .. i)
      assert.is_true(#decision.needs > 0)
    end
  end)
end)

describe("evidence", function()
  it("is not looked at twice unless it is always valid, at the confidence that is asked for",
    function()
    assert.equal("hold", decide(function(_, _, evidence)
      evidence.method = "fixed_horizon"
    end).action)
    assert.equal("hold", decide(function(_, _, evidence) evidence.confidence = 0.9499 end).action)
    assert.equal("ramp", decide(function(_, _, evidence) evidence.confidence = 0.95 end).action)
  end)

  it("must lie within the tolerance as a whole to promote, and beyond it as a whole to roll back",
    function()
    for _, case in ipairs {
      { "error_rate", -0.01, 0.0005, "promote" }, { "error_rate", -0.01, 0.00051, "hold" },
      { "error_rate", 0.0005, 0.002, "hold" }, { "error_rate", 0.00051, 0.002, "rollback" },
      { "latency", -0.3, 0.1, "promote" }, { "latency", -0.3, 0.101, "hold" },
      { "latency", 0.1, 0.3, "hold" }, { "latency", 0.101, 0.3, "rollback" },
    } do
      local decision = at_the_end(function(_, _, evidence)
        evidence[case[1]] = { low = case[2], high = case[3] }
      end)

      assert.equal(case[4], decision.action, table.concat(case, " "))
    end
  end)

  it("is judged by a tolerance relative to the champion's rate", function()
    local function low(rise, champion_errors)
      return decide(function(_, _, evidence)
        evidence.champion_errors = champion_errors
        evidence.error_rate = { low = rise, high = 0.1 }
      end).action
    end

    -- The champion fails in 0.1 %, 0.6 % and 5 %: 0.05, 0.3 and, at most, 0.5 points are tolerated.
    assert.same({ "hold", "rollback" }, { low(0.0005, 90), low(0.00051, 90) })
    assert.same({ "hold", "rollback" }, { low(0.003, 540), low(0.00301, 540) })
    assert.same({ "hold", "rollback" }, { low(0.005, 4500), low(0.00501, 4500) })
    assert.same({ "hold", "rollback" }, { low(0.0005, 0), low(0.00051, 0) })
  end)

  it("leaves the more open, the smaller the share that is asked for", function()
    local function high(weight, rise)
      return decide(function(_, new, evidence)
        new.weight, evidence.error_rate.high = weight, rise
      end).action
    end

    -- To 10, 20, 40 and 50 %: 5, 2.5, 1.25 and 1 times the tolerance of 0.05 points.
    assert.same({ "ramp", "hold" }, { high(0.05, 0.0025), high(0.05, 0.00251) })
    assert.same({ "ramp", "hold" }, { high(0.1, 0.00125), high(0.1, 0.00126) })
    assert.same({ "ramp", "hold" }, { high(0.2, 0.000625), high(0.2, 0.00063) })
    assert.same({ "ramp", "hold" }, { high(0.4, 0.0005), high(0.4, 0.00051) })
    -- To 5 %: 8 times, not 10.
    assert.same({ "ramp", "hold" }, { high(0.01, 0.004), high(0.01, 0.0041) })
  end)

  it("rolls back on harm before it looks at the split", function()
    assert.equal("rollback", decide(function(_, _, evidence)
      evidence.sample_ratio_p, evidence.sample_ratio_shift = 0, -0.5
      evidence.error_rate = { low = 0.01, high = 0.02 }
    end).action)
  end)

  it("takes p99 since the last step only after two hours of it", function()
    local function after(minutes)
      return decide(function(facts, _, evidence)
        facts.minutes_since_change, evidence.step.latency_low = minutes, 0.2
      end).action
    end

    assert.same({ "ramp", "rollback" }, { after(119), after(120) })
  end)

  it("does not roll back on fewer requests than the guard asks for", function()
    assert.equal("hold", decide(function(_, new, evidence)
      new.window.requests, new.window.errors = 49, 49
      evidence.error_rate = { low = 0.5, high = 1 }
    end).action)
  end)
end)

describe("an uneven split", function()
  local function split(p, shift, minutes)
    return decide(function(_, _, evidence)
      evidence.sample_ratio_p, evidence.sample_ratio_shift = p, shift
      evidence.sample_ratio_minutes = minutes
    end)
  end

  it("holds, and takes the challenger out after two hours", function()
    assert.equal("hold", split(0.00099, -0.05, 119).action)
    assert.equal("ramp", split(0.001, -0.05, 119).action)
    assert.equal("rollback", split(0.00099, -0.05, 120).action)
    assert.equal("requests are not split as configured (p = 0.00099, -5.0%) for 120 min",
      split(0.00099, -0.05, 120).because)
  end)

  it("does not matter below one percent", function()
    assert.equal("ramp", split(0, 0.0099, 500).action)
    assert.equal("hold", split(0, 0.01).action)
    assert.equal("hold", split(0, nil).action)
  end)
end)

describe("what is needed", function()
  -- The counts that stats-facts compares: what the error interval itself says, by trying.
  local stats = require "weir.stats"

  local function really_needed(x1, n1, x0, n0, rise)
    local low, high = 1, 1000
    for _ = 1, 60 do
      local middle = (low + high) / 2
      local _, upper = stats.error_interval {
        x1 = x1 * middle, n1 = n1 * middle, x0 = x0 * middle, n0 = n0 * middle,
      }

      if upper > rise then low = middle else high = middle end
    end

    return n1 * (high - 1)
  end

  it("is what the interval asks for when the counts grow", function()
    for _, row in ipairs {
      { 3, 3000, 30, 27000, 0.002 }, { 3, 1500, 14, 13500, 0.002 }, {
        20,
        10000,
        200,
        90000,
        0.00125,
      },
      { 0, 2000, 5, 18000, 0.002 }, { 50, 2000, 450, 18000, 0.0125 },
    } do
      local x1, n1, x0, n0, rise = table.unpack(row)
      local decision = decide(function(_, new, evidence)
        new.window.requests, new.window.errors = n1, x1
        evidence.requests, evidence.errors = n1, x1
        evidence.champion_requests, evidence.champion_errors = n0, x0
        evidence.error_rate = { low = -0.1, high = 0.2 }
        -- The room of this step is 2.5, so that rise / 2.5 is the tolerance.
        evidence.dispersion = 1
      end, { error_tolerance_relative = 0, error_tolerance_min = rise / 2.5 })
      local wanted = really_needed(x1, n1, x0, n0, rise)
      assert.is_true(math.abs((n1 + decision.requests) / (n1 + wanted) - 1) < 0.05,
        ("%s of %s: %s for %.0f"):format(x1, n1, decision.requests, wanted))
    end
  end)

  it("is a better challenger when the estimate lies beyond the tolerance", function()
    local decision = decide(function(_, _, evidence)
      evidence.errors = 30
      evidence.error_rate = { low = 0.0001, high = 0.009, estimate = 0.002 }
    end)

    assert.same({ "hold", "a better challenger: more traffic is unlikely to clear this one" },
      { decision.action, decision.needs })
    assert.is_nil(decision.requests)
  end)

  it("is told of p99, too", function()
    local decision = decide(function(_, _, evidence)
      evidence.latency = { low = -0.4, high = 0.5, estimate = 0.02 }
    end)

    -- About (ln(1.5/1.02) / ln(1.25/1.02))² times as much, less what is there.
    assert.is_true(decision.requests > 25000 and decision.requests < 32000, decision.requests)
  end)
end)

describe("guardrails", function()
  it("look at the last minutes, beyond chance", function()
    local function failed(errors, requests)
      return decide(function(_, new)
        new.recent.errors, new.recent.requests = errors, requests
      end).action
    end

    assert.equal("ramp", failed(3, 50))
    assert.equal("rollback", failed(12, 50))
    assert.equal("ramp", failed(49, 49))
    assert.equal("ramp", failed(20, 300)) -- 6.7 %, which 5 % may well be
    assert.equal("rollback", failed(40, 300))
  end)

  it("hold while both variants fail", function()
    local decision = decide(function(facts, new)
      new.recent.errors = 60
      facts.variants[1].recent.errors = 300
    end)

    assert.same({ "hold",
      "both variants fail: 60 of 300 requests, and 300 of 2700 of the champion's" },
      { decision.action, decision.because })
    assert.equal("rollback", decide(function(facts, new)
      new.recent.errors, facts.variants[1].recent.errors = 60, 269
    end).action)
  end)

  it("need no comparison", function()
    assert.equal("rollback", decide(function(facts, new)
      facts.evidence, facts.variants[1].window, new.recent.errors = nil, nil, 150
    end).action)
  end)

  it("take p99 from enough requests, and against the champion's", function()
    local function slow(p99, requests, of_champion)
      return decide(function(facts, new)
        new.recent.latency_ms.p99, new.recent.requests = p99, requests
        facts.variants[1].recent.latency_ms.p99 = of_champion
      end).action
    end

    assert.equal("rollback", slow(10001, 760, 200))
    assert.equal("ramp", slow(10000, 760, 200))
    assert.equal("ramp", slow(10001, 759, 200))
    assert.equal("hold", slow(10001, 760, 10001))
  end)

  it("leave the minutes of a warm-up out", function()
    local decision = decide(function(_, new)
      new.recent.errors, new.recent.warming = 300, true
    end)

    assert.same({ "hold", "the end of the warm-up" }, { decision.action, decision.needs })
  end)
end)

describe("the state of a model", function()
  it("takes failed, retired and rejected variants out of the traffic", function()
    assert.equal("rollback", decide(function(_, new) new.stage = "failed" end).action)
    assert.equal("rollback", decide(function(_, new) new.stage = "retired" end).action)
    assert.equal("rollback", decide(function(_, new) new.approval = "Rejected" end).action)
    assert.equal("hold", decide(function(_, new) new.stage, new.weight = "retired", 0 end).action)
  end)

  it("holds for approval", function()
    local decision = decide(function(_, new) new.approval = "PendingManualApproval" end)
    assert.same({ "hold", "approval of new in the model registry" }, {
      decision.action,
      decision.needs,
    })
  end)

  it("cools down after a rollback", function()
    local function rolled_back(seconds_ago, name)
      return decide(function(facts)
        facts.history = { { at = NOW - seconds_ago, action = "rollback", variant = name } }
      end)
    end

    assert.equal("hold", rolled_back(86399, "new").action)
    assert.equal("1 min of cooling down", rolled_back(86399, "new").needs)
    assert.equal("ramp", rolled_back(86400, "new").action)
    assert.equal("ramp", rolled_back(60, "another").action)
  end)
end)

describe("an operator's order", function()
  it("rolls back in every state", function()
    local states = {
      function() end,
      function(facts) facts.evidence = nil end,
      function(_, new) new.window = nil end,
      function(_, new) new.stage, new.weight = "retired", 0 end,
      function(_, new) new.approval = "PendingManualApproval" end,
      function(_, _, evidence) evidence.sample_ratio_p = 0 end,
    }

    for i, state in ipairs(states) do
      local decision = decide(function(facts, new, evidence)
        state(facts, new, evidence)
        facts.order = { action = "rollback", by = "night shift" }
      end)

      assert.same({ "rollback", "new", "old", "ordered by night shift" },
        { decision.action, decision.variant, decision.to, decision.because }, "state " .. i)
    end
  end)

  it("rolls back after a promotion, too", function()
    local decision = decide(function(facts)
      facts.champion, facts.challenger = "new", nil
      facts.order = { action = "rollback", to = "old" }
    end)

    assert.same({ "rollback", "new", "old" }, { decision.action, decision.variant, decision.to })
  end)

  it("asks back when there is nowhere to go", function()
    for _, to in ipairs { "new", "unknown" } do
      local decision = decide(function(facts) facts.order = { action = "rollback", to = to } end)
      assert.equal("hold", decision.action)
    end

    assert.equal("hold", decide(function(facts)
      facts.challenger, facts.order = nil, { action = "rollback" }
    end).action)
  end)

  it("freezes a trial that would be promoted", function()
    assert.equal("hold", decide(function(facts, new)
      new.weight, facts.order = 0.5, { action = "hold" }
    end).action)
  end)
end)
