-- The page of weir report: what it says of each variant's requests, from recordings that lack some.
local files = require "support.files"
local page_text = require "support.page_text"
local report_page = require "weir.page.report"
local trial_recording = require "support.trial_recording"
local trials = require "weir.cli.trials"

local LOOKS = 3

-- The page of a trial whose last look is changed: change(entry, champion, challenger).
local function page_of(change)
  local path = trial_recording.write(files.directory {} .. "/trial.jsonl", LOOKS,
    function(entry, i)
      if i == LOOKS then change(entry, entry.facts.variants[1], entry.facts.variants[2]) end
    end)
  local found = trials.read { recordings = { path } }

  return page_text(report_page.page(found, { path }):html())
end

local function says(line, change)
  local text = page_of(change)
  assert.truthy(("\n" .. text .. "\n"):find("\n" .. line .. "\n", 1, true), line .. " in\n" .. text)
end

describe("the page of a trial", function()
  teardown(files.remove_all)

  it("counts the requests of both variants, and those that failed", function()
    says("Requests of vision-13: 4,000, 10 failed (0.2 %)", function(_, _, challenger)
      challenger.window = { requests = 4000, errors = 10 }
    end)
    says("Requests of vision-12: 1, 1 failed (100.0 %)", function(_, champion)
      champion.window = { requests = 1, errors = 1 }
    end)
  end)

  it("counts no failures where none are recorded", function()
    says("Requests of vision-13: 4,000", function(_, _, challenger)
      challenger.window = { requests = 4000 }
    end)
  end)

  it("tells requests that are not recorded from none", function()
    says("Requests of vision-13: no data", function(_, _, challenger)
      challenger.window = { errors = 3 }
    end)
    says("Requests of vision-12: no data", function(_, champion) champion.window = nil end)
    says("Requests of vision-12: no data", function(entry)
      table.remove(entry.facts.variants, 1)
    end)
    says("Requests of vision-13: 0, 0 failed (–)", function(_, _, challenger)
      challenger.window = { requests = 0, errors = 0 }
    end)
  end)

  it("says that errors come in bursts, or latencies wander, from half as much again on", function()
    local bursts = "Errors come in bursts: they vary 1.6 times as much as by chance"
    says(bursts, function(entry) entry.facts.evidence.dispersion = 1.6 end)
    local wanders = "Latencies wander: from hour to hour p99 varies 1.6 times as much as by "
      .. "chance; its interval is wide enough for that"
    says(wanders, function(entry) entry.facts.evidence.latency.dispersion = 1.6 end)

    local text = page_of(function(entry)
      entry.facts.evidence.dispersion, entry.facts.evidence.latency.dispersion = 1.5, 1.5
    end)
    assert.is_nil(text:find("come in bursts", 1, true))
    assert.is_nil(text:find("Latencies wander", 1, true))
  end)
end)
