-- Whole experiments on a simulated clock, through the real handler and the shipped policy: to a
-- promotion, to a rollback, one that an operator stops, and one whose data stop.
local experiment = require "support.experiment"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"

-- The shipped policy, in a hurry: a test cannot watch for a day.
local HURRY = { ["promotion.min_minutes"] = 10, ["promotion.soak_minutes"] = 30 }

local GOOD = { sigma = 0.25, error_rate = 0.005 }
local CRASHING = { sigma = 0.25, error_rate = 0.03 }
local SLOW = { sigma = 0.25, error_rate = 0.005, median_ms = 70 }

describe("an experiment", function()
  teardown(files.remove_all)

  local function new(challenger, more)
    local given = { params = HURRY, per_minute = 1200, variants = { old = GOOD, new = challenger } }
    for name, value in pairs(more or {}) do given[name] = value end
    return experiment.new(given)
  end

  local function shares_asked(trial)
    local list = {}
    for i, update in ipairs(trial.updates()) do list[i] = update.weights.new end
    return list
  end

  -- Every decision was told once, and decides the same again from its recording.
  local function is_consistent(trial)
    local events = trial.events()
    assert.equal(#trial.decisions, #events)
    for i, line in ipairs(trial.decisions) do
      local decision = assert(json.decode(line))
      assert.same({ decision.decision.action, decision.because }, {
        events[i].Detail.action,
        events[i].Detail.because,
      })
    end

    local path = files.write(files.directory() .. "/experiment.jsonl", trial:recording())
    local result = run { "replay", path, "-p", "policies", "--json" }
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.matches(('"identical":%d,'):format(#trial.decisions), result.stdout, 1, true)
  end

  it("of a challenger that is as good goes from 0 % to promotion, step by step", function()
    local trial = new(GOOD, { seed = 3 })
    local result = trial:play(60)
    assert.same({ "promote", "done" }, { result.action, result.outcome })
    assert.same({ 0.05, 0.1, 0.2, 0.4, 0.5, 1 }, shares_asked(trial))
    is_consistent(trial)

    trial:wait(300)
    assert.same({ old = 0, new = 1 }, trial:shares())
    assert.equal("hold", trial:step().result.action)
    assert.equal("new", json.decode(trial.decisions[#trial.decisions]).facts.champion)
  end)

  it("of one that fails more often is rolled back, soon and at a small share", function()
    local trial = new(CRASHING)
    local result = trial:play(40)
    assert.same({ "rollback", "done", "new" }, {
      result.action,
      result.outcome,
      result.shares and "new",
    })

    assert.is_true(math.max(table.unpack(shares_asked(trial))) <= 0.1)
    is_consistent(trial)

    trial:wait(300)
    assert.same({ old = 1, new = 0 }, trial:shares())
    -- It gets no more traffic, however often one looks.
    for _ = 1, 3 do assert.equal("hold", trial:step().result.action) end
  end)

  it("of one that is slower is rolled back", function()
    local trial = new(SLOW)
    local result = trial:play(40)
    assert.equal("rollback", result.action)
    assert.matches("slow", result.because, 1, true)
    is_consistent(trial)
  end)

  it("is stopped by an operator, and stays stopped", function()
    local trial = new(GOOD)
    for _ = 1, 6 do trial:step() end
    assert.same({ 0.05 }, shares_asked(trial))
    local result = trial:step({
      order = { action = "rollback", by = "ops", reason = "support calls" },
    }).result
    assert.same({ "rollback", "done" }, { result.action, result.outcome })
    for _ = 1, 4 do assert.equal("unchanged", trial:step().result.outcome) end
    assert.same({ 0.05, 0 }, shares_asked(trial))
    is_consistent(trial)
  end)

  it("whose data stop goes no further, and says that there are none", function()
    -- Until the first of two good looks.
    local trial, result = new(GOOD), nil
    for _ = 1, 20 do
      result = trial:step().result
      if result.because:find("good looks", 1, true) then break end
    end

    assert.matches("good looks", result.because, 1, true)

    trial.per_minute = 0
    for _ = 1, 6 do
      result = trial:step().result
      assert.equal("hold", result.action)
      assert.matches("there is no data on", result.because, 1, true)
    end

    assert.same({ 0.05 }, shares_asked(trial))

    -- Nor when only the records stop, and CloudWatch still has its counts.
    trial.per_minute, trial.records_lost = 1200, true
    for _ = 1, 3 do assert.equal("hold", trial:step().result.action) end
    assert.same({ 0.05 }, shares_asked(trial))
    is_consistent(trial)
  end)
end)
