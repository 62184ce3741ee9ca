-- Verbs that take long say on a terminal how far they are, and leave nothing of that behind.
local policy_folder = require "support.policy_folder"
local policy_set = require "weir.policy_set"
local screens = require "support.screen"

local GONE = "\r\27[K"

local POLICY = [[return policy {
  kind = "routing",
  decide = function(facts) return batch { because = "%d files", facts.file_count } end,
  examples = { { given = { file_count = 1 }, expect = "batch" } },
}
]]

describe("on a terminal", function()
  local folder, recording

  setup(function()
    folder = policy_folder.with(POLICY)
    local set = assert(policy_set.load(folder))
    local line = assert(set:record("routing", '{"file_count":1}', { id = "d1", eval_us = 1 }))
    recording = policy_folder.write(policy_folder.new(), "day.jsonl", line .. "\n")
  end)

  teardown(policy_folder.remove_all)

  -- What a verb says besides its output, with and without somebody who looks.
  local function said_by(name, given)
    local verb, said = require("weir.cli." .. name), {}
    for _, live in ipairs { true, false } do
      local words = {}
      for key, value in pairs(given) do words[key] = value end
      local screen = screens.new { live = live }
      assert.equal(0, (verb.run(words, screen)))
      assert.is_true(#screen.text_out() > 0)
      said[live] = screen.text_err()
    end

    return said[true], said[false]
  end

  -- The first is always shown; of those that follow at once, some.
  local function expect_progress(first, live, quiet)
    assert.equal(GONE .. first, live:sub(1, #GONE + #first))
    assert.equal(GONE, live:sub(-#GONE))
    assert.equal("", (live:gsub("\r\27%[K[^\r\n]*", "")))
    assert.equal("", quiet)
  end

  it("weir test says which of how many tests it runs", function()
    expect_progress("1 of 1 tests", said_by("test", { DIR = folder }))
  end)

  it("weir bench says how many decisions of which recording it measured", function()
    expect_progress(recording .. "  1 decisions",
      said_by("bench", { DIR = folder, RECORDING = { recording } }))
  end)

  it("weir explore says how many sets of facts of a kind it tried", function()
    local live, quiet = said_by("explore",
      { WHAT = { "routing" }, policies = folder, tries = "2000", jobs = "1", seed = "1" })
    assert.truthy(live:find("^\r\27%[Krouting: [%d,]+ of 2,000 fact sets\r\27%[K"), live)
    assert.equal(GONE, live:sub(-#GONE))
    assert.equal("", quiet)
  end)

  it("weir replay says how much of which recording it read, and how many it decided", function()
    local live, quiet = said_by("replay",
      { policies = folder, RECORDING = { recording }, jobs = "1" })
    assert.truthy(live:find(GONE .. "100 %  " .. recording .. "  1 decisions" .. GONE, 1, true),
      live)
    assert.equal("", quiet)
  end)
end)
