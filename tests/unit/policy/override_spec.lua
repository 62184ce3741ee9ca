-- set:override: parameters that are given to a set after it was loaded and verified, once.
local policies = require("weir.cli.policies")
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")

local FACTS = '{"file_count":1}'

local function text(version)
  return "return policy { kind = 'routing', params = { t = integer { 10, min = 1, max = 20 } },\n"
    .. "decide = function(_, params) return batch { because = '" .. version
      .. " %d', params.t } end }"
end

local function because(set) return set:decide("routing", FACTS).because end

describe("overriding the parameters of a set", function()
  teardown(policy_folder.remove_all)

  it("holds for every later decision, and for a new version", function()
    local folder = policy_folder.with(text("first"))
    local set = assert(policy_set.load(folder))
    assert.equal("first 10", because(set))
    assert.is_true(set:override({ t = "7" }))
    assert.equal("first 7", because(set))
    policy_folder.write(folder, "routing.lua", text("second"))
    assert.equal("swapped", (set:refresh()))
    assert.equal("second 7", because(set))
  end)

  for name, case in pairs({
    ["an unknown name"] = { { u = 1 }, 'no policy has a parameter "u"' },
    ["a value out of bounds"] = {
      { ["routing.t"] = 21 },
      "t: expected an integer from 1 to 20, got 21",
    },
    ["no value"] = { { t = "" }, 't: "" is not a value' },
  }) do
    it("refuses " .. name, function()
      local ok, message, code = policy_folder.load(text("x")):override(case[1])
      assert.is_nil(ok)
      assert.equal(case[2], message)
      assert.equal("InvalidParams", code)
    end)
  end

  it("refuses what is not a table", function()
    local set = policy_folder.load(text("x"))
    assert.error_matches(function() set:override("t=7") end, "must be a table, not a string")
  end)

  it("does not load and verify the set a second time", function()
    local folder, load, times = policy_folder.with(text("x")), policy_set.load, 0
    policy_set.load = function(...)
      times = times + 1
      return load(...)
    end

    local set = policies.load("decide", { policies = folder, set = { "t=7" } }, {})
    policy_set.load = load
    assert.equal("x 7", because(set))
    assert.equal(1, times)
  end)
end)
