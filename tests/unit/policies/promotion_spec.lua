local promotion_trial = require("support.promotion_trial")
local shipped_policy = require("support.shipped_policy")

local promotion = shipped_policy.load("promotion")

local NOW, trial = promotion_trial.now, promotion_trial.facts

local function decide(change, params)
  local facts = trial()
  if change then change(facts, facts.variants[2], facts.evidence) end
  return promotion:decide(facts, params)
end

describe("the promotion policy", function()
  it("ramps in doubling steps up to the share at which it promotes", function()
    local steps = { { 0.01, 0.05 }, { 0.05, 0.1 }, { 0.1, 0.2 }, { 0.2, 0.4 }, { 0.4, 0.5 } }
    for _, step in ipairs(steps) do
      local decision = decide(function(_, new) new.weight = step[1] end)
      assert.same({ "ramp", "new", step[2] }, { decision.action, decision.variant, decision.weight })
    end
    assert.equal("promote", decide(function(_, new) new.weight = 0.5 end).action)
    assert.equal("promote", decide(function(_, new) new.weight = 0.95 end).action)
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

  it("needs the minimum time", function()
    assert.equal("ramp", decide(function(_, new) new.window.seconds = 1800 end).action)
    local decision = decide(function(_, new) new.window.seconds = 1799 end)
    assert.same({ "hold", "1 min more of traffic" }, { decision.action, decision.needs })
    assert.equal("hold", decide(function(_, new) new.window.seconds = nil end).action)
  end)
end)

describe("the reasons of promotion", function()
  local function because(change) return decide(change).because end

  it("give the figures that were judged", function()
    assert.equal("no worse than old: errors at most +0.10 points, p99 at most +4%", because())
    assert.equal("300 of 3000 requests failed; the limit is 5%", because(function(_, new)
      new.window.errors = 300
    end))
    assert.equal("p99 is 10001 ms; the limit is 10000 ms", because(function(_, new)
      new.recent.latency_ms.p99 = 10001
    end))
    assert.equal("its error rate is higher by 0.30 to 0.45 points; 0.2 are tolerated",
      because(function(_, _, evidence) evidence.error_rate = { low = 0.003, high = 0.0045 } end))
    assert.equal("its p99 is slower by 20% to 30%; 10% are tolerated",
      because(function(_, _, evidence) evidence.latency = { low = 0.2, high = 0.3 } end))
    assert.equal("its error rate may be higher by 0.45 points; 0.2 are tolerated",
      because(function(_, _, evidence) evidence.error_rate.high = 0.0045 end))
    assert.equal("its p99 may be slower by 30%; 10% are tolerated",
      because(function(_, _, evidence) evidence.latency.high = 0.3 end))
    assert.equal("new has been watched for 10 of 30 min",
      because(function(_, new) new.window.seconds = 600 end))
    assert.equal("new has been watched for 0 of 30 min",
      because(function(_, new) new.window.seconds = nil end))
    assert.equal("new has answered 588 of 1000 requests",
      because(function(_, new) new.window.requests = 588 end))
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
      function(_, _, evidence) evidence.error_rate = nil end,
      function(_, _, evidence) evidence.latency = nil end,
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
  it("is not looked at twice unless it is always valid, at the confidence that is asked for", function()
    assert.equal("hold", decide(function(_, _, evidence) evidence.method = "fixed_horizon" end).action)
    assert.equal("hold", decide(function(_, _, evidence) evidence.confidence = 0.9499 end).action)
    assert.equal("ramp", decide(function(_, _, evidence) evidence.confidence = 0.95 end).action)
  end)

  it("is vetoed by an uneven split", function()
    local decision = decide(function(_, _, evidence)
      evidence.sample_ratio_p = 0.00099
      evidence.error_rate = { low = 0.01, high = 0.02 } -- a comparison that must not count
    end)
    assert.equal("hold", decision.action)
    assert.truthy(decision.because:find("not split as configured", 1, true))
    assert.equal("ramp", decide(function(_, _, evidence) evidence.sample_ratio_p = 0.001 end).action)
  end)

  it("must lie within the tolerance as a whole to promote, and beyond it as a whole to roll back", function()
    for name, tolerance in pairs { error_rate = 0.002, latency = 0.1 } do
      local cases = {
        { -0.01, tolerance, "ramp" }, { -0.01, tolerance * 1.01, "hold" },
        { tolerance, tolerance * 2, "hold" }, { tolerance * 1.01, tolerance * 2, "rollback" },
      }
      for _, case in ipairs(cases) do
        local decision = decide(function(_, _, evidence)
          evidence[name] = { low = case[1], high = case[2] }
        end)
        assert.equal(case[3], decision.action, name .. " " .. case[1] .. " to " .. case[2])
      end
    end
  end)

  it("tells how much more traffic an undecided comparison needs", function()
    local decision = decide(function(_, _, evidence) evidence.latency = { low = -0.125, high = 0.125 } end)
    assert.equal(1688, decision.requests) -- 3000 · ((0.125 / 0.1)² - 1), rounded up
    assert.equal("1688 more requests, about 34 min at the current rate", decision.needs)
  end)

  it("tells as much up to a thousand times the traffic", function()
    local function requests(low, high)
      return decide(function(_, _, evidence) evidence.latency = { low = low, high = high } end).requests
    end
    assert.equal(14648, requests(-0.21, 0.229)) -- 3000 · ((0.2195 / 0.0905)² - 1), rounded up
    assert.is_nil(requests(-2.9, 3.08)) -- (2.99 / 0.01)² is more than a thousand
    assert.is_nil(requests(0.05, 0.15)) -- the middle is at the tolerance: no width is small enough
  end)

  it("may be an interval without width", function()
    assert.equal("ramp", decide(function(_, _, evidence)
      evidence.latency = { low = 0.1, high = 0.1 }
    end).action)
  end)

  it("does not promise that traffic helps when it does not", function()
    local decision = decide(function(_, _, evidence) evidence.latency = { low = 0.05, high = 0.25 } end)
    assert.equal("hold", decision.action)
    assert.is_nil(decision.requests)
  end)
end)

describe("guardrails", function()
  it("roll back over the error rate, in the whole window or the recent one", function()
    assert.equal("ramp", decide(function(_, new) new.window.errors = 150 end).action) -- 5 % exactly
    assert.equal("rollback", decide(function(_, new) new.window.errors = 151 end).action)
    assert.equal("rollback", decide(function(_, new) new.recent.errors = 13 end).action)
  end)

  it("roll back over the latency limit", function()
    assert.equal("ramp", decide(function(_, new) new.recent.latency_ms.p99 = 10000 end).action)
    assert.equal("rollback", decide(function(_, new) new.recent.latency_ms.p99 = 10001 end).action)
  end)

  it("do not break on a handful of requests", function()
    local decision = decide(function(_, new)
      new.recent = { requests = 49, errors = 49 }
    end)
    assert.not_equal("rollback", decision.action)
    assert.equal("rollback", decide(function(_, new) new.recent = { requests = 50, errors = 3 } end).action)
  end)

  it("do not break by the comparison on a handful of requests, either", function()
    local function worse(requests)
      return decide(function(_, new, evidence)
        new.window.requests, new.window.errors, new.recent = requests, 1, nil
        evidence.error_rate = { low = 0.01, high = 0.02 }
      end).action
    end
    assert.equal("hold", worse(49))
    assert.equal("rollback", worse(50))
  end)

  it("break when every request fails", function()
    local decision = decide(function(_, new) new.recent = { requests = 80, errors = 80 } end)
    assert.equal("80 of 80 requests failed; the limit is 5%", decision.because)
  end)

  it("need no comparison", function()
    assert.equal("rollback", decide(function(facts, new)
      facts.evidence, facts.variants[1].window, new.window.errors = nil, nil, 1500
    end).action)
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
    assert.same({ "hold", "approval of new in the model registry" }, { decision.action, decision.needs })
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
