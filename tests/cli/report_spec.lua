local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local trial_recording = require "support.trial_recording"

local DAY = "tests/recordings/working-day.jsonl.gz"

describe("weir report", function()
  local folder

  setup(function() folder = files.directory() end)
  teardown(files.remove_all)

  it("tells how each trial went, and every decision with its reason", function()
    local result = run { "report", trial_recording.write(folder .. "/trial.jsonl", 30) }
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
    assert.equal([[
vision: vision-13 against vision-12
  Roll back from vision-13 to vision-12: 30 of 200 requests failed; the limit is 5%.
  2026-11-20 08:05 to 2026-11-20 10:30, 30 looks
  errors  +3.00 points (+1.00 to +5.00)             0.20 points tolerated
  p99     +0.3 % (−1.0 to +2.0)                     10.0 % tolerated
  split   as configured (p = 0.4, +1.0 % requests)
    2026-11-20 08:05  to 08:25   5  hold      vision-13 has answered 500 of 600 requests
    2026-11-20 08:30             1  ramp      no worse than vision-12
    2026-11-20 08:35  to 10:25  23  hold      its error rate may be higher
    2026-11-20 10:30             1  rollback  30 of 200 requests failed; the limit is 5%
]], result.stdout)
  end)

  it("gives one object a trial with all looks, and a summary", function()
    local result = run { "report", trial_recording.write(folder .. "/trial.jsonl", 30), "--json" }
    local list = {}
    for line in result.stdout:gmatch("[^\n]+") do list[#list + 1] = json.decode(line) end
    assert.equal(2, #list)
    local trial, summary = list[1], list[2]
    assert.same({ "trial", "vision", "vision-12", "vision-13", "rollback", 30 },
      { trial.type, trial.endpoint,
      trial.champion, trial.challenger, trial.action, #trial.looks })
    local last = trial.looks[30]
    assert.same({ "rollback", "bad", 0.2, 200, 30 },
      { last.action, last.checks.guard.tone, last.share,
      last.challenger.requests, last.challenger.errors })
    assert.same({ type = "summary", trials = 1, decisions = 30, alone = 0, bad_lines = 0,
      other_lines = 0,
      unreadable = json.array {} }, summary)
  end)

  it("finds the trials of the working day, and one of them by its name", function()
    local _, trials = run({ "report", DAY }).stdout:gsub("%f[^\n%z]%l+: %S+ against %S+\n", "")
    assert.is_true(trials >= 4)
    local one = run { "report", DAY, "--challenger", "vision-13", "--endpoint", "vision" }
    assert.matches("^vision: vision%-13 against vision%-12\n", one.stdout)
    assert.is_nil(one.stdout:find("vision-14 against", 1, true))
  end)

  it("says that a recording has no trial, and names what is wrong with others", function()
    local result = run { "report", "-", stdin = "START\n" }
    assert.equal(5, result.status)
    assert.equal("weir: report: there is no trial in these recordings (0 promotion decisions)\n"
      .. "Next: give it the decision log of a function that decides promotions\n", result.stderr)
    result = run { "report", "/nonexistent" }
    assert.equal(6, result.status)
    assert.equal("weir: /nonexistent: cannot be read: No such file or directory\n", result.stderr)
    local path = folder .. "/bad.jsonl"
    files.write(path, files.read(trial_recording.write(path, 30))
      .. '{"schema":"weir.decision/1"}\n')
    result = run { "report", path }
    assert.equal(1, result.status)
    assert.equal(path .. ":31: bad line: \"kind\" is missing\n", result.stderr)
  end)

  it("reads a log export, and standard input", function()
    local path = folder .. "/export.jsonl"
    files.shell(("gzip -dc %s | sed 's/^/2026-11-20T08:00:00 /' >%s"):format(DAY, path))
    local plain = run({ "report", DAY }).stdout
    assert.equal(plain, run({ "report", path }).stdout)
    assert.equal(plain, run({ "report", "-", stdin = files.read(path) }).stdout)
  end)

  it("shows no escape sequence and no task token of a recording", function()
    local token = ("QUJD"):rep(80)
    local path = folder .. "/hostile.jsonl"
    trial_recording.write(path, 1, function(entry) entry.because = "\27[2J" .. token end)
    local page = folder .. "/hostile.html"
    local result = run { "report", path, "--html", page }
    for _, text in ipairs { result.stdout, files.read(page) } do
      assert.is_nil(text:find(token, 1, true))
      assert.is_nil(text:find("\27[2J", 1, true))
      assert.truthy(text:find("\\x1b[[redacted]", 1, true))
    end
  end)
end)
