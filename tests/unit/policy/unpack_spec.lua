-- Room for many results is asked for before there is any. Asking is charged, too.
local policy_folder = require "support.policy_folder"

describe("asking for many results in a protected call", function()
  teardown(policy_folder.remove_all)

  it("spends the budget", function()
    local set = policy_folder.load({ ["routing.lua"] = [[
return policy { kind = "routing", decide = function(facts)
  local s = ("x"):rep(900000)
  for i = 1, 100000 do pcall(table.unpack, s) end
  return realtime { because = "x" }
end }
]] })
    local answer, message, code = set:decide("routing", '{"file_count":1}')
    assert.is_nil(answer)
    assert.equal("BudgetSpent", code)
    assert.matches("instruction budget of 200000 spent", message, 1, true)
  end)
end)
