-- What the last instructions of a decision do counts, too, though no instruction comes after them
-- that looks at the limit.
local policy_folder = require("support.policy_folder")

local FACTS = '{"file_count":1}'

-- Each ends with an instruction that takes many steps.
local HEAD = "local d, v = batch { because = 'x' }, ('x'):rep(20000) "
local BODIES = {
  join = HEAD .. "local s = v .. v return d",
  equal = HEAD .. "local p = ('x'):rep(20000) local s = v == p return d",
  less = HEAD .. "local p = ('x'):rep(20000) local s = v < p return d",
  key = HEAD .. "local t = { a = 1 } local s = t[v] return d",
}

describe("a decision over its limit", function()
  teardown(policy_folder.remove_all)

  for name, body in pairs(BODIES) do
    it("is none, also where the last instruction passed it: " .. name, function()
      local source = policy_folder.routing(body)
      local whole = policy_folder.load(source):decide("routing", FACTS).instructions
      local spent = 0

      for limit = 1, whole + 100, math.max(1, whole // 40) do
        local set = policy_folder.load(source, { instructions = limit })
        local answer, _, code = set:decide("routing", FACTS)
        if answer then
          -- Instructions are counted by the hundred.
          assert.is_true(answer.instructions <= limit + 100,
            ("%d of %d"):format(answer.instructions, limit))
        else
          assert.equal("BudgetSpent", code)
          spent = spent + 1
        end
      end

      assert.is_true(spent > 0)
    end)
  end
end)
