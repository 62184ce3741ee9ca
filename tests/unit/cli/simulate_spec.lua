-- weir simulate: what it asks the study for, and how far it says it is.
local json = require "weir.json"
local screens = require "support.screen"
local study = require "weir.simulate.study"
local verb = require "weir.cli.simulate"

-- As short a trial as there is.
local function run(given, screen)
  given.policies = given.policies or "policies"
  given.scenario, given.runs = given.scenario or { "no-change" }, given.runs or "2"
  given.days, given.jobs = given.days or "0.02", given.jobs or "1"
  return verb.run(given, screen or screens.new())
end

describe("weir simulate", function()
  local real_run, real_plan = study.run, study.plan

  after_each(function() study.run, study.plan = real_run, real_plan end)

  -- What it asks the study for, of these arguments.
  local function asked(given)
    local found
    local function take(job)
      found = job
      return nil, "enough", "Enough"
    end

    study.run, study.plan = take, take
    local status = run(given)
    assert.equal(6, status)
    return found
  end

  it("shows on a terminal how far it is, and leaves nothing of that", function()
    local screen = screens.new { live = true }
    assert.equal(0, run({}, screen))
    assert.truthy(screen.text_err():find("\r\27[Kpolicies, no change: 1 of 2", 1, true),
      screen.text_err())
    assert.equal("\r\27[K", screen.text_err():sub(-4))
    assert.falsy(screen.text_out():find("1 of 2", 1, true))
  end)

  it("says nothing of that where nobody looks", function()
    local screen = screens.new()
    assert.equal(0, run({}, screen))
    assert.equal("", screen.text_err())
    assert.truthy(screen.text_out():find("2 runs each, seed 1;", 1, true), screen.text_out())
  end)

  it("makes 1000 runs with seed 1, and 200 to plan, where nothing is said", function()
    for _, case in ipairs { { false, 1000 }, { true, 200 } } do
      local found
      local function take(job)
        found = job
        return nil, "enough", "Enough"
      end

      study.run, study.plan = take, take
      verb.run({ policies = "policies", scenario = { "errors-doubled" }, plan = case[1] },
        screens.new())
      assert.same({ case[2], 1 }, { found.runs, found.seed })
    end
  end)

  it("takes numbers up to their ends", function()
    local found = asked { runs = "1000000", seed = "0", traffic = "1", days = "366" }
    assert.same({ 1000000, 0 }, { found.runs, found.seed })
    assert.same({ 1.0, 366.0 },
      { found.scenarios[1].settings.traffic, found.scenarios[1].settings.days })
    found = asked { runs = "1", seed = "9223372036854775807", traffic = "1e7", days = "0.01" }
    assert.same({ 1, math.maxinteger }, { found.runs, found.seed })
    assert.same({ 1e7, 0.01 },
      { found.scenarios[1].settings.traffic, found.scenarios[1].settings.days })
    assert.equal(64, asked({ jobs = "1000" }).jobs)
  end)

  it("refuses numbers beyond them", function()
    for _, case in ipairs {
      { "runs", "0", "a whole number from 1 to 1000000" },
      { "runs", "1000001", "a whole number from 1 to 1000000" },
      { "runs", "many", "a whole number from 1 to 1000000" },
      { "seed", "-1", "a whole number from 0 to 9223372036854775807" },
      { "seed", "1.5", "a whole number from 0 to 9223372036854775807" },
      { "traffic", "0.9", "a number from 1 to 1e+07" },
      { "traffic", "10000001", "a number from 1 to 1e+07" },
      { "days", "0.009", "a number from 0.01 to 366" },
      { "days", "367", "a number from 0.01 to 366" },
      { "days", "nan", "a number from 0.01 to 366" },
    } do
      local name, value, range = table.unpack(case)
      assert.same({ nil, ("--%s must be %s, not '%s'"):format(name, range, value) },
        { run { [name] = value } })
    end
  end)

  it("takes every scenario that is named, and every effect, in that order", function()
    local found = asked { scenario = { "errors-doubled", "no-change" }, effect = { "errors:x3" } }
    local names = {}
    for i, one in ipairs(found.scenarios) do names[i] = one.name end
    assert.same({ "errors-doubled", "no-change", found.scenarios[3].name }, names)
    assert.equal(3.0, found.scenarios[3].settings.errors_factor)
    assert.is_true(#asked({ scenario = {} }).scenarios > 3)
  end)

  it("says which scenario was meant", function()
    assert.same({ nil, "there is no scenario 'no-chnage', and no file of that name",
      "did you mean 'no-change'?" }, { run { scenario = { "no-chnage" } } })
    assert.same({ nil, "there is no scenario 'zzzzzzzzz', and no file of that name",
      "weir help simulate lists them" }, { run { scenario = { "zzzzzzzzz" } } })
  end)

  it("compares two sets at most", function()
    assert.equal(2, #asked({ POLICIES = { "policies", "policies" } }).sets)
    assert.same({ nil, "at most two policy sets can be compared", "weir simulate OLD NEW" },
      { run { POLICIES = { "policies", "policies", "policies" } } })
  end)

  describe("shows what was found:", function()
    local function share(percent, low, high)
      return { share = percent / 100, low = low / 100, high = high / 100, count = 0 }
    end

    local function result(promote, more)
      local made = {
        outcomes = { promote = promote, rollback = share(0, 0, 3.5), hold = share(1.25, 0.5, 6),
          failed = { count = 0 } },
        hours = { median = 12.34, p90 = 23.96 },
        exposed = { median = 1234.5 },
        excess = { mean = 0.4 },
        rules = {},
      }
      for name, value in pairs(more or {}) do made[name] = value end
      return made
    end

    local function rule(count, because)
      return { count = count, action = "promote", file = "policies/p.lua", line = 7,
        because = because }
    end

    -- What is printed of such results, and the exit status.
    local function shown(results, given)
      study.run = function(job)
        local found = { runs = 1000, seed = 7, policies = {}, scenarios = {
          { name = "no-change", title = "no change", results = results },
        } }
        for k, set in ipairs(job.sets) do
          found.policies[k] = { policies = set.directory, set_digest = "digest" .. k }
        end

        return found
      end

      local screen = screens.new()
      local status = run(given or {}, screen)
      return screen.text_out(), status, screen.text_err()
    end

    it("outcomes with their errors, times and requests, and the first three rules", function()
      local text, status = shown { result(share(98.76, 93.4, 99.94), { rules = {
        rule(1200, "better"), rule(20, ("x"):rep(121)), rule(3, "c"), rule(1, "d"),
      } }) }
      assert.equal(0, status)
      local expected = { "policies  digest1",
        "1,000 runs each, seed 7; a window is one minute of data, and one decision is made every "
          .. "5 min", "",
        "scenario   promote            rollback        hold            median   90 %     exposed  "
          .. "excess",
        "no change  98.8% (93.4-99.9)  0.0% (0.0-3.5)  1.2% (0.5-6.0)  12.3 h  24.0 h    1,235  "
          .. "     0", "",
        "Rules that ended the trials:", "  no change",
        "    1,200  promote  policies/p.lua:7  better",
        "    20  promote  policies/p.lua:7  " .. ("x"):rep(119) .. "…",
        "    3  promote  policies/p.lua:7  c", "" }
      -- How wide the columns are is the table's business.
      local function plain(line) return (line:gsub("  +", "  "):gsub("^ +", "  ")) end
      local lines = {}
      for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = plain(line) end
      lines[#lines + 1] = ""
      for k, line in ipairs(expected) do assert.equal(plain(line), lines[k]) end
      assert.equal(#expected, #lines)
    end)

    it("many requests in millions, and no time where no trial ended", function()
      local text = shown { result(share(0, 0, 3), { hours = {}, exposed = { median = 1e6 },
        excess = { mean = 999999.4 } }) }
      assert.truthy(text:find(" +- +- +1%.0 M +999,999\n"), text)
    end)

    it("whether the new set differs from the old one by more than chance", function()
      local two = { POLICIES = { "policies", "policies" } }
      local text = shown({ result(share(50, 40, 60)), result(share(65, 60, 70)) }, two)
      assert.truthy(text:find("\n  = new  ", 1, true), text)
      for _, other in ipairs { share(65, 60.1, 70), share(35, 30, 39.9) } do
        text = shown({ result(share(50, 40, 60), { rules = { rule(2, "was") } }),
          result(other, { rules = { rule(3, "is") } }) }, two)
        assert.truthy(text:find("\n  ~ new  ", 1, true), text)
        assert.truthy(text:find("\n  no change, old\n    2  promote  policies/p.lua:7  was\n"
          .. "  no change, new\n    3  promote  policies/p.lua:7  is\n", 1, true), text)
        assert.truthy(text:find("^policies  digest1\npolicies  digest2\n"), text)
      end
    end)

    it("that the policy failed, with the rule that did, and status 4", function()
      local failed = result(share(0, 0, 3), { rules = { rule(1, "it broke\27") } })
      failed.outcomes.failed.count = 1
      local _, status, err = shown { failed }
      assert.equal(4, status)
      assert.equal("weir: simulate: the policy failed: it broke\\x1b\n", err)
    end)

    it("as one JSON object where that is asked for", function()
      local text = shown({ result(share(50, 40, 60)) }, { json = true })
      local found = json.decode(text)
      assert.same({ 1000, 7, "no change" }, { found.runs, found.seed, found.scenarios[1].title })
    end)

    it("what a plan needs, and where the trial is too short", function()
      study.plan = function()
        return {
          { traffic = 60.9, right = share(81.04, 70, 90),
            reached = { hours = 3.04, requests = 2e6 } },
          { traffic = 6000, right = share(20, 10, 30) },
        }
      end

      local screen = screens.new()
      assert.equal(0, run({ plan = true }, screen))
      local text = screen.text_out():gsub("  +", "  ")
      assert.truthy(text:find("no change: until 80 % of trials end in ", 1, true), text)
      assert.truthy(text:find(" 60  81.0% (70.0-90.0)  3.0 h  2.0 M\n", 1, true), text)
      assert.truthy(text:find(" 6,000  20.0% (10.0-30.0)  not within the trial  -\n", 1, true),
        text)
    end)
  end)
end)
