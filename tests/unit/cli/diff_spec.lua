-- weir diff of recordings in S3 that a fleet replayed: what it shows of the fleet's summary.
local diff = require "weir.cli.diff"
local fleet = require "weir.cli.fleet"
local json = require "weir.json"
local screens = require "support.screen"

local function group(change, count, more)
  local made = {
    kind = "routing",
    change = change,
    count = count,
    rule = "policies/routing.lua:7",
    example = { type = "difference", recording = "s3://logs/a.log", line = 3, id = "d1",
      kind = "routing", field = "decision.action", was = { action = "batch" },
      was_because = "as it was", is = { action = "realtime" }, is_because = "as it is" },
  }
  for name, value in pairs(more or {}) do made[name] = value end

  return made
end

local FAILED = {
  kind = "routing", change = "failed[PolicyFailed]", count = 2,
  example = { type = "failure", recording = "s3://logs/b.log", line = 9, kind = "routing",
    code = "PolicyFailed", message = "it broke", was = { action = "batch" },
    was_because = "as it was" },
}

describe("weir diff --fleet", function()
  local real = fleet.run

  after_each(function() fleet.run = real end)

  -- Of a fleet that gives this of its summary: → exit status, screen, what the fleet was asked
  local function run(given, more)
    local asked
    fleet.run = function(verb, _, _, sets)
      asked = { verb = verb, set = sets.set:digest(), old = sets.old:digest() }
      if more == false then return nil, 6 end
      local summary = { lines = 10, decisions = 10, identical = 10, changed = 0, reworded = 0,
        failed = 0, bad_lines = 0, other_lines = 0, kinds = {}, files = {}, unreadable = {},
        changes = {}, failures = {}, digest = "sha256:0" }
      for name, value in pairs(more or {}) do summary[name] = value end
      return summary
    end

    given.OLD, given.NEW, given.RECORDING = "policies", "policies", { "s3://logs/" }
    given.fleet = true
    local screen = screens.new()
    return diff.run(given, screen), screen, asked
  end

  local CHANGED = { identical = 5, changed = 3, failed = 2, failures = { FAILED },
    changes = { group("realtime -> batch", 1), group("batch -> realtime", 2) } }

  it("asks the fleet with both sets", function()
    local status, _, asked = run({}, {})
    assert.equal(0, status)
    assert.equal("diff", asked.verb)
    assert.equal(asked.set, asked.old)
  end)

  it("shows the groups of changes and of failures, the largest first", function()
    local status, screen = run({}, CHANGED)
    assert.equal(4, status)
    local text = screen.text_out()
    local at = 0
    for _, part in ipairs {
      "3 of 10 decisions change (30.0 %)\n",
      "~ 2  routing  batch -> realtime  policies/routing.lua:7\n"
        .. "        e.g. s3://logs/a.log:3  d1\n",
      "~ 1  routing  realtime -> batch",
      "2 decisions fail with NEW\n",
      "! 2  routing  failed[PolicyFailed]",
      "        e.g. s3://logs/b.log:9\n          was  as it was\n          is   it broke\n",
      "digest sha256:0\n",
    } do
      local found = text:find(part, at + 1, true)
      assert.truthy(found, part .. " in " .. text)
      at = found
    end
  end)

  it("gives the groups of both as JSON, as many as --limit says", function()
    for limit, counts in pairs { [0] = { 0, 0 }, [1] = { 1, 1 }, [2] = { 2, 1 } } do
      local _, screen = run({ json = true, limit = tostring(limit) }, CHANGED)
      local found = json.decode(screen.text_out())
      assert.same(counts, { #found.changes, #found.failures })
      if limit > 0 then
        assert.equal("batch -> realtime", found.changes[1].change)
        assert.same({ "failed[PolicyFailed]", 2, "it broke" }, { found.failures[1].change,
          found.failures[1].count, found.failures[1].example.message })
      end
    end
  end)

  it("has status 1 for what changes, 4 for what fails, and 6 for what was not read", function()
    for status, more in pairs {
      [0] = { reworded = 0 },
      [1] = { reworded = 1 },
      [4] = { failed = 1 },
      [5] = { decisions = 0 },
      [6] = { unreadable = { { file = "a", message = "gone" } } },
    } do
      assert.equal(status, (run({}, more)))
    end

    assert.equal(1, (run({}, { bad_lines = 1 })))
    assert.equal(6, (run({}, false)))
  end)

  it("says less than a tenth of a percent in words", function()
    for text, counts in pairs {
      ["0 of 0 decisions change (0 %)"] = { 0, 0 },
      ["0 of 10 decisions change (0.0 %)"] = { 0, 10 },
      ["1 of 1,001 decisions change (less than 0.1 %)"] = { 1, 1001 },
      ["1 of 1,000 decisions change (0.1 %)"] = { 1, 1000 },
      ["1 of 1 decision change (100.0 %)"] = { 1, 1 },
    } do
      local _, screen = run({}, { changed = counts[1], decisions = counts[2] })
      assert.truthy(screen.text_out():find(text, 1, true), screen.text_out())
    end
  end)

  it("tells how often each decision is made where that changes, kind by kind", function()
    local _, screen = run({}, { changed = 2, kinds = {
      weights = { was = { weights = 4 }, is = { weights = 4 } },
      routing = { was = { batch = 1500, realtime = 3 }, is = { batch = 3, serverless = 1500,
        realtime = 3 } },
    } })
    local text = screen.text_out():gsub("  +", "  ")
    assert.truthy(text:find("\n  routing  batch  1,500  ->  3  -1,497\n"
      .. "  routing  serverless  0  ->  1,500  +1,500\n", 1, true), text)
    assert.falsy(text:find("weights", 1, true))
    assert.falsy(text:find("  realtime  3", 1, true))
  end)

  it("says which decisions only have another reason", function()
    for count, text in pairs {
      [1] = "1 decision keeps its action and gives another reason\n",
      [2] = "2 decisions keep their action and give another reason\n",
    } do
      local _, screen = run({}, { reworded = count })
      assert.truthy(screen.text_out():find(text, 1, true), screen.text_out())
    end
  end)

  it("has no digest where a recording was not read to the end", function()
    local _, screen = run({}, { digest = false, unreadable = { { file = "a", message = "gone" } } })
    assert.truthy(screen.text_out():find("no digest: 1 recording was not read to the end\n", 1,
      true), screen.text_out())
  end)
end)
