-- A difference that exploration found, written into the policy's examples.
local add = require "weir.explore.add"
local files = require "support.files"
local policy_folder = require "support.policy_folder"
local policy_set = require "weir.policy_set"

local POLICY = [[
return policy {
  kind = "routing",
  decide = function() return batch { because = "always" } end,
  examples = {
    { given = { file_count = 1 }, expect = "batch" },
  },
}
]]

-- The example of so many files, on one line.
local function example(files_of_job)
  return ('    { doc = "found by weir explore, seed 1", given = { file_count = %s }, '
    .. 'expect = "batch" },'):format(files_of_job)
end

describe("weir.explore.add", function()
  teardown(policy_folder.remove_all)

  -- The policy's text once a difference at so many files was added.
  local function added(files_of_job)
    local folder = policy_folder.with(POLICY)
    local found = add.differences(policy_set.load(folder), folder, {
      kind = "routing",
      seed = 1,
      findings = {
        {
          type = "difference",
          facts = ('{"file_count":%s}'):format(files_of_job),
          params = "{}",
        },
      },
    })

    assert.same({ folder .. "/routing.lua" }, found)
    return files.read(folder .. "/routing.lua")
  end

  it("fills a line to 100 columns, and splits a longer example", function()
    local number = ("1"):rep(100 - #example(""))
    assert.equal(100, #example(number))
    assert.matches("\n" .. example(number) .. "\n", added(number), 1, true)
    assert.matches('\n    {\n      doc = "found by weir explore, seed 1",\n',
      added(number .. "1"), 1, true)
  end)

  it("gives the parameters on which the decision turns, so that defaults may change", function()
    local folder = policy_folder.with([[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, min = 1, max = 100, doc = "d" },
    other = integer { 1, min = 1, max = 9, doc = "d" },
  },
  decide = function(facts, params)
    if facts.file_count < params.threshold then return realtime { because = "few" } end
    return batch { because = "many" }
  end,
  examples = {
    { given = { file_count = 100 }, expect = "batch" },
  },
}
]])
    assert(add.differences(policy_set.load(folder), folder, {
      kind = "routing",
      seed = 1,
      findings = { { type = "difference", facts = '{"file_count":10}', params = "{}" } },
    }))
    assert.matches("given = { file_count = 10 },\n      params = { threshold = 10 },\n"
      .. '      expect = "batch",\n', files.read(folder .. "/routing.lua"), 1, true)
  end)
end)
