-- weir cleanup of what stack sets made, against the model-checked servers.
local cleaning = require "weir.cleanup"
local cloud = require "support.aws"
local deployment = require "support.deployment"
local json = require "weir.json"
local stacks = require "support.stacks"

local SETS = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Boundary", "TokenStore" },
  stacksets = { account = "777788889999", templates = { "boundary", "core" } },
  accounts = {
    { id = "777788889999", kind = "shared", role = { arn = "arn:aws:iam::777788889999:role/deployer" },
      stacks = { "boundary" } },
    { id = "111122223333", kind = "workload", external_id = "of-the-first-account-1",
      stacks = { "boundary", "core" } },
    { id = "222233334444", kind = "workload", external_id = "of-the-second-account-2",
      role = { arn = "arn:aws:iam::222233334444:role/deployer" }, stacks = { "boundary", "core" } },
  },
}
]]

describe("weir cleanup of stack sets", function()
  before_each(function()
    stacks.reset()
    local outcome = deployment.apply(SETS)
    assert.is_true(outcome.done, outcome.message)
  end)

  local function clean()
    local told = {}
    local outcome = stacks.without_waiting(function()
      local session = deployment.session(SETS, {})
      local found = assert(cleaning.look(session, {}))
      return assert(cleaning.act(found, session, {
        shown = function(event)
          local row = event.row
          if event.deleted then told[#told + 1] = row.account.id .. " " .. row.name end
          if event.error then told[#told + 1] = row.name .. ": " .. event.error end
        end,
      }))
    end)

    return outcome, told
  end

  it("deletes the instances, what stands on others first, then the sets", function()
    local outcome, told = clean()
    assert.same({ failed = false, waits = false }, outcome, table.concat(told, "\n"))
    assert.same({
      "111122223333 weir-core", "222233334444 weir-core", "777788889999 weir-boundary",
      "111122223333 weir-boundary", "222233334444 weir-boundary", "777788889999 weir-boundary",
      "777788889999 weir-core",
    }, told)
    assert.same({}, cloud.control("GET", "stack_sets"))
    assert.equal("", stacks.left())
    for _, input in ipairs(stacks.requested "DeleteStackInstances") do
      assert.equal("false", input.RetainStacks)
      assert.equal(1, #input.Accounts)
    end
  end)

  it("finds nothing the second time", function()
    clean()
    local outcome, told = clean()
    assert.same({ failed = false, waits = false }, outcome, table.concat(told, "\n"))
    assert.same({}, told)
  end)

  it("leaves a stack of a set alone that lost the tag, and the set with it", function()
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      if each.name:find "^StackSet%-weir%-core" and each.account == "111122223333" then
        stacks.change { name = each.name, tags = json.array {} }
      end
    end

    clean()
    assert.matches("^StackSet%-weir%-core[%w%-]* CREATE_COMPLETE$", stacks.left())
    assert.equal("weir-core", cloud.control("GET", "stack_sets")[1].name)
  end)

  it("keeps a set with instances of accounts that the file does not name", function()
    local role = { arn = "arn:aws:iam::777788889999:role/deployer", session_name = "t" }
    assert(stacks.client { role = role }
      :create_stack_instances {
        StackSetName = "weir-core",
        Accounts = { "333344445555" },
        Regions = { "eu-west-1" },
        OperationPreferences = { FailureToleranceCount = 0, MaxConcurrentCount = 1 },
        OperationId = "theirs",
      })
    clean()
    local left = cloud.control("GET", "stack_sets")
    assert.equal(1, #left)
    assert.equal("weir-core", left[1].name)
    assert.equal("333344445555", left[1].instances[1].account)
    assert.equal(1, #left[1].instances)
  end)
end)
