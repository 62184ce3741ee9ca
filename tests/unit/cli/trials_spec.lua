-- What weir report makes of promotion decisions: their trials, checks and sentences.
local checks = require "weir.cli.trial_checks"
local files = require "support.files"
local json = require "weir.json"
local trial_text = require "weir.cli.trial_text"
local trials = require "weir.cli.trials"

local NOW = 1795165200

-- The facts of a trial that goes well.
local function facts()
  return {
    now = NOW, endpoint = "e", champion = "old", challenger = "new", minutes_since_change = 60,
    variants = {
      { name = "old", weight = 0.9, window = { requests = 27000, errors = 30 },
        recent = { requests = 2250, errors = 2, share = 0.9, latency_ms = { p99 = 200 } } },
      { name = "new", weight = 0.1, window = { requests = 3000, errors = 3 },
        recent = { requests = 250, errors = 0, share = 0.1, latency_ms = { p99 = 190 } } },
    },
    evidence = {
      error_rate = { low = -0.002, high = 0.0004, estimate = -0.0001 }, latency = {
        low = -0.02,
        high = 0.04,
      },
      champion_requests = 27000, champion_errors = 30, sample_ratio_p = 0.4,
      sample_ratio_shift = 0.002,
    },
  }
end

-- The check of that name once the facts are changed.
local function check(name, change, params)
  local given = facts()
  if change then change(given, given.variants[2], given.variants[1], given.evidence) end
  local found = checks.of(given, params or {})[name]

  return found.tone .. ": " .. found.text
end

describe("a check of a look", function()
  it("is in favour of a trial that goes well", function()
    for _, name in ipairs { "guard", "harm", "split", "minimum", "errors", "p99" } do
      assert.equal("good", checks.of(facts(), {})[name].tone, name)
    end
  end)

  it("takes the guard from the last window, by Wilson's lower end and beside the champion",
    function()
    assert.equal("good: 3 of 50 requests failed in the last window, p99 190 ms",
      check("guard", function(_, new) new.recent.requests, new.recent.errors = 50, 3 end))
    assert.equal("bad: 50 of 250 requests failed; the limit is 5 %",
      check("guard", function(_, new) new.recent.errors = 50 end))
    assert.equal("warn: both variants fail: 50 of 250 requests, and 400 of 2250 of the champion's",
      check("guard", function(_, new, old) new.recent.errors, old.recent.errors = 50, 400 end))
    assert.equal("open: no data in the last window", check("guard", function(_, new)
      new.recent = nil
    end))

    assert.equal("open: no data in the last window", check("guard", function(_, new)
      new.recent.errors = nil
    end))

    assert.equal("open: only 20 requests in the last window",
      check("guard", function(_, new) new.recent.requests = 20 end))
    assert.matches("^open: warming up", check("guard", function(_, new)
      new.recent.warming = true
    end))

    assert.equal("bad: p99 is 12000 ms; the limit is 10000 ms", check("guard", function(_, new)
      new.recent.requests, new.recent.latency_ms.p99 = 800, 12000
    end))
    assert.equal("bad: p99 is 10000.2 ms; the limit is 10000.0 ms", check("guard", function(_, new)
      new.recent.requests, new.recent.latency_ms.p99 = 800, 10000.2
    end))
    assert.equal("warn: both variants are slow: p99 is 12000 ms, and 11000 ms of the champion",
      check("guard", function(_, new, old)
        new.recent.requests, new.recent.latency_ms.p99 = 800, 12000
        old.recent.latency_ms = { p99 = 11000 }
      end))
    assert.equal("good: 0 of 800 requests failed in the last window, p99 10000 ms",
      check("guard", function(_, new)
        new.recent.requests, new.recent.latency_ms.p99 = 800, 10000 -- the limit itself
      end))
  end)

  it("finds harm over the trial or since the last step", function()
    assert.equal("bad: at least 0.30 points more errors; 0.06 points are tolerated",
      check("harm", function(_, _, _, evidence) evidence.error_rate.low = 0.003 end))
    assert.equal("bad: at least 0.30 points more errors; 0.06 points are tolerated",
      check("harm", function(_, _, _, evidence) evidence.step = { error_rate_low = 0.003 } end))
    assert.equal("bad: p99 is at least 11.0 % slower; 10.0 % are tolerated",
      check("harm", function(_, _, _, evidence) evidence.latency.low = 0.11 end))
    assert.equal("bad: p99 is at least 10.04 % slower; 10.00 % are tolerated",
      check("harm", function(_, _, _, evidence) evidence.latency.low = 0.1004 end))
    assert.equal("bad: at least 0.057 points more errors; 0.056 points are tolerated",
      check("harm", function(_, _, _, evidence) evidence.error_rate.low = 0.00057 end))
    assert.equal("open: nothing to compare yet", check("harm", function(given)
      given.evidence = nil
    end))
  end)

  it("takes the tolerance of errors from the parameter, or from the champion's own rate", function()
    local given = facts()
    assert.equal(0.002, checks.error_tolerance(given, { error_tolerance = 0.002 }))
    assert.equal(30 / 27000 * 0.5, checks.error_tolerance(given, {}))
    given.evidence.champion_errors = 2700
    assert.equal(0.005, checks.error_tolerance(given, {}))
    given.evidence.champion_errors = 0
    assert.equal(0.0005, checks.error_tolerance(given, {}))
    given.evidence.champion_requests = 0
    assert.is_nil(checks.error_tolerance(given, {}))
  end)

  it("does not trust a comparison whose requests are split otherwise than configured", function()
    assert.equal("warn: requests are not split as configured (p = 0.0002, −5.0 % requests): the "
      .. "comparison cannot be trusted", check("split", function(_, _, _, evidence)
        evidence.sample_ratio_p, evidence.sample_ratio_shift = 0.0002, -0.05
      end))
    assert.matches("^good: off by less than matters", check("split", function(_, _, _, evidence)
      evidence.sample_ratio_p, evidence.sample_ratio_shift = 0.0002, -0.005
    end))

    assert.equal("open: not known", check("split", function(_, _, _, evidence)
      evidence.sample_ratio_p = nil
    end))
  end)

  it("tells what is missing of the minimum", function()
    assert.equal("open: new has answered 588 of 1000 requests",
      check("minimum", function(_, new) new.window.requests = 588 end))
    assert.equal("open: no data on old", check("minimum", function(_, _, old) old.window = nil end))
    assert.equal("open: watched for 10 of 30 min at this share",
      check("minimum", function(given) given.minutes_since_change = 10 end))
  end)

  it("holds an interval against its tolerance", function()
    assert.equal("good: higher by at most 0.04 points; 0.06 points are tolerated", check("errors"))
    assert.equal("open: may be higher by 0.40 points; 0.06 points are tolerated",
      check("errors", function(_, _, _, evidence) evidence.error_rate.high = 0.004 end))
    assert.equal("bad: higher by at least 0.10 points; 0.06 points are tolerated",
      check("errors", function(_, _, _, evidence) evidence.error_rate = { low = 0.001,
        high = 0.004 } end))
    assert.equal("open: no upper end yet", check("p99", function(_, _, _, evidence)
      evidence.latency.high = nil
    end))

    assert.equal("open: no interval of p99 yet", check("p99", function(_, _, _, evidence)
      evidence.latency = nil
    end))
  end)
end)

-- A recording of looks: { minute, action, because, change of the facts }.
local function recorded(folder, looks)
  local lines = {}
  for i, look in ipairs(looks) do
    local given = facts()
    given.now = NOW + look[1] * 60
    if look[4] then look[4](given) end
    lines[i] = json.encode {
      schema = "weir.decision/1", id = "l" .. i, time = "2026-11-20T08:00:00.000Z",
      kind = "promotion",
      policy = { name = "promotion", digest = "sha256:" .. ("0"):rep(64) }, host = "0", params = {},
      overrides = json.array {}, facts = given,
      decision = { action = look[2], variant = "new", to = "old",
      weight = look[2] == "ramp" and 0.2 or nil, needs = look[2] == "hold" and "3 more requests"
        or nil },
      because = look[3], redacted = json.array {}, eval_us = 1,
    }
  end

  return files.write(folder .. "/looks.jsonl", table.concat(lines, "\n") .. "\n")
end

describe("trials", function()
  local folder
  local err = { print = function() end, paint = function(_, _, text) return text end }

  setup(function() folder = files.directory() end)
  teardown(files.remove_all)

  local function read(looks, filter)
    filter = filter or {}
    return trials.read { recordings = { recorded(folder, looks) }, err = err,
      endpoint = filter.endpoint,
      challenger = filter.challenger }
  end

  it("are grouped by endpoint, champion and challenger, in the order of their time", function()
    local function other(given) given.challenger, given.variants[2].name = "newer", "newer" end
    local function alone(given) given.challenger, given.variants[2] = nil, nil end
    local found = read {
      { 10, "hold", "b" }, { 20, "hold", "x", other }, { 5, "hold", "a" }, {
        1,
        "hold",
        "alone",
        alone,
      },
    }

    assert.same({ 2, 4, 1 }, { #found.trials, found.decisions, found.alone })
    assert.equal("e: new against old", trial_text.name(found.trials[1]))
    assert.same({ "a", "b" }, {
      found.trials[1].looks[1].because,
      found.trials[1].looks[2].because,
    })

    assert.equal("newer", found.trials[2].challenger)
    assert.equal(1, #read({ { 1, "hold", "x", other }, { 2, "hold", "y" } },
      { challenger = "new" }).trials)
    assert.equal(0, #read({ { 1, "hold", "y" } }, { endpoint = "f" }).trials)
  end)

  it("know the share asked and seen, and no share where a count is missing", function()
    local function hole(given) given.variants[1].recent = nil end
    local looks = read({ { 1, "hold", "x" }, { 2, "hold", "x", hole } }).trials[1].looks
    assert.same({ asked = 0.1, seen = 0.1 }, looks[1].shares)
    assert.same({ asked = 0.1 }, looks[2].shares)
  end)

  it("see no new data in a window that was there at the look before", function()
    local function ending(at)
      return function(given) given.variants[2].recent.to = at end
    end

    local looks = read({
      { 0, "hold", "x", ending(100) }, { 5, "hold", "x", ending(100) }, {
        10,
        "hold",
        "x",
        ending(200)
      },
      { 15, "hold", "x" }, { 20, "hold", "x" },
    }).trials[1].looks
    local seen = {}
    for i, look in ipairs(looks) do
      seen[i] = look.is_repeated and "repeated" or look.shares.seen
    end

    assert.same({ 0.1, "repeated", 0.1, 0.1, 0.1 }, seen)
    assert.is_nil(looks[2].shares.seen)
  end)

  it("put looks together that hold for a reason that differs in its numbers only", function()
    local stretches = trials.stretches(read({
      { 0, "hold", "5 of 9 requests" }, { 5, "hold", "7 of 9 requests" },
      { 10, "ramp", "good" }, { 15, "ramp", "good" }, { 20, "hold", "the split" },
    }).trials[1])
    local counts = {}
    for i, stretch in ipairs(stretches) do counts[i] = stretch.count end
    assert.same({ 2, 1, 1, 1 }, counts)
    assert.equal("7 of 9 requests", stretches[1].look.because)
    assert.equal(300, stretches[1].to - stretches[1].from)
  end)

  it("begin with what is to be done, or with how they ended", function()
    local function sentence(looks)
      return table.concat({ trial_text.sentence(read(looks).trials[1]) }, "|")
    end

    assert.equal("Hold new: too few. It needs 3 more requests.|open",
      sentence { { 0, "hold", "too few" } })
    assert.equal("Give new 20.0 % of the traffic: good.|good",
      sentence { { 0, "hold", "x" }, { 5, "ramp", "good" } })
    assert.equal("Promote new: good.|good", sentence { { 0, "promote", "good" } })
    assert.equal("Roll back from new to old: bad.|bad", sentence { { 0, "rollback", "bad" } })
    assert.equal("new was rolled back at 09:00: bad.|bad",
      sentence { { 0, "rollback", "bad" }, { 5, "hold", "cooling down" } })
    assert.equal("Give new 20.0 % of the traffic: again.|good",
      sentence { { 0, "rollback", "bad" }, { 5, "hold", "cooling down" }, { 9, "ramp", "again" } })
  end)
end)
