-- What lua/weir/permissions/verbs.lua says that verbs need: IAM's own words, on resources that the
-- actions act on.
local oracle = require "oracles.oracle"
local permissions = require "weir.permissions"
local run = require "support.run"
local verbs = require "weir.permissions.verbs"

local place = permissions.place { region = "eu-west-1", account = "111122223333" }

describe("the permissions of a verb", function()
  for _, verb in ipairs(verbs.names) do
    it("are IAM's: " .. verb, function()
      local grants, wrong = verbs.grants(verb, "weir", place), {}
      assert.is_true(#grants > 5)
      for _, answer in ipairs(oracle.ask("iam_actions.mjs", grants)) do
        if answer ~= "ok" then wrong[#wrong + 1] = answer end
      end

      assert.same({}, wrong)
    end)

    it("are printed by weir permissions " .. verb .. ", for the estate of that name", function()
      local result = run { "permissions", verb, "--json", "--set", "name=other" }
      assert.equal(0, result.status, result.stderr)
      assert.matches("stack/other-*/*", result.stdout, 1, true)
      assert.is_nil(result.stdout:find("weir-", 1, true))

      result = run { "permissions", verb }
      assert.equal(0, result.status, result.stderr)
      assert.matches("!Sub 'arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:"
        .. "stack/weir-*/*'", result.stdout, 1, true)
    end)
  end

  it("are no handler's: events are not theirs", function()
    local result = run { "permissions", "cleanup", "-e", "-" }
    assert.equal(2, result.status)
    assert.matches("cleanup is a verb, which takes no events", result.stderr, 1, true)
  end)
end)
