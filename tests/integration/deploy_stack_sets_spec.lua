-- Stack sets of an estate: one template in several accounts, with values of each.
local cloud = require "support.aws"
local deployment = require "support.deployment"
local files = require "support.files"
local http = require "weir.http"
local json = require "weir.json"
local run = require "support.run"
local sha256 = require "weir.sha256"
local stacks = require "support.stacks"

local FIRST, SECOND = "111122223333", "222233334444"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Boundary", "TokenStore" },
  stacksets = {
    account = "777788889999",
    templates = { "boundary", "core" },
    administration_role = "arn:aws:iam::777788889999:role/AWSCloudFormationStackSetAdministrationRole",
  },
  parameters = { core = { RoutingThreshold = 20 } },
  accounts = {
    { id = "777788889999", kind = "shared", role = { arn = "arn:aws:iam::777788889999:role/deployer" },
      stacks = { "shared" } },
    { id = "111122223333", kind = "workload", external_id = "of-the-first-account-1",
      stacks = { "boundary", "core", "link" } },
    { id = "222233334444", kind = "workload", external_id = "of-the-second-account-2",
      role = { arn = "arn:aws:iam::222233334444:role/deployer" }, stacks = { "boundary", "core" },
      parameters = { core = { RoutingThreshold = 30 } } },
  },
}
]]

describe("weir deploy with stack sets", function()
  before_each(stacks.reset)

  local function done(outcome)
    assert.is_true(outcome.done, outcome.message)
    return outcome
  end

  -- As deploy/README.md says: eight digits of a hash, salted with the account.
  local function mark_of(account, external_id)
    return sha256.hex(("weir\n%s\nExternalId\n%s"):format(account, external_id)):sub(1, 8)
  end

  local function sets()
    local by_name = {}
    for _, set in ipairs(cloud.control("GET", "stack_sets")) do by_name[set.name] = set end
    return by_name
  end

  it("makes one set a template, with one entry for each account", function()
    local outcome = done(deployment.apply(ESTATE))
    assert.same({
      "weir-shared: Nothing CREATE_IN_PROGRESS", -- the others of weir-shared are left out
      "weir-boundary: stack set created", "weir-boundary: created", "weir-boundary: created",
      "weir-core: stack set created", "weir-core: created", "weir-core: created",
      "weir-link: created",
    }, (function()
      local told = {}
      for _, line in ipairs(outcome.log) do
        local is_short = line:find("set created", 1, true) or line:find(": created", 1, true)
          or line:find("weir-shared: Nothing CREATE_IN", 1, true)
        if is_short and line ~= "weir-shared: created" then told[#told + 1] = line end
      end

      return told
    end)())

    local core = sets()["weir-core"]
    assert.same({ EnableTokenStore = "true", Prefix = "weir" }, core.parameters)
    local overrides = {}
    for _, each in ipairs(core.instances) do overrides[each.account] = each.overrides end
    assert.same({
      [FIRST] = {
        BoundaryArn = "arn:aws:iam::111122223333:policy/weir-boundary",
        ExternalId = "of-the-first-account-1",
        ExternalIdMark = mark_of(FIRST, "of-the-first-account-1"),
        RoutingThreshold = "20",
      },
      [SECOND] = {
        BoundaryArn = "arn:aws:iam::222233334444:policy/weir-boundary",
        ExternalId = "of-the-second-account-2",
        ExternalIdMark = mark_of(SECOND, "of-the-second-account-2"),
        RoutingThreshold = "30",
      },
    }, overrides)
  end)

  it("shows what would be created, account by account", function()
    local folder = files.directory { ["estate.lua"] = ESTATE }
    local result = run { "deploy", "plan", folder .. "/estate.lua", env = stacks.environment() }
    assert.equal(1, result.status, result.stderr)
    assert.matches([[
weir-core      777788889999 eu-west-1  absent  stack set, would be created, in 2 accounts
    + 111122223333 eu-west-1
    + 222233334444 eu-west-1
]], result.stdout, 1, true)
    result = run { "deploy", "plan", folder .. "/estate.lua", "--json", env = stacks.environment() }
    assert.matches('"accounts":[{"account":"111122223333","change":"create","region":"eu-west-1"}',
      result.stdout, 1, true)
    files.remove(folder)
  end)

  it("changes one account at a time, and none after one that failed", function()
    done(deployment.apply(ESTATE))
    for _, operation in ipairs { "CreateStackInstances", "UpdateStackSet" } do
      for _, input in ipairs(stacks.requested(operation)) do
        assert.same({ FailureToleranceCount = "0", MaxConcurrentCount = "1",
          RegionConcurrencyType = "SEQUENTIAL" }, input.OperationPreferences)
      end
    end

    assert.equal(4, #stacks.requested "CreateStackInstances")
    for _, input in ipairs(stacks.requested "CreateStackInstances") do
      assert.equal(1, #input.Accounts)
    end
  end)

  it("shows no change when everything is as the file says", function()
    done(deployment.apply(ESTATE))
    local rows = deployment.apply(ESTATE).rows
    assert.is_true(#rows > 0)
    for _, row in ipairs(rows) do
      assert.is_nil(row.error)
      assert.is_false(row.differs, row.stack.name)
    end
  end)

  it("sees that an External ID changed, of that account alone, and sets it", function()
    done(deployment.apply(ESTATE))
    local folder = files.directory {
      ["estate.lua"] = (ESTATE:gsub("of%-the%-second%-account%-2", "of-the-second-account-3")),
    }
    local before = #stacks.requested "UpdateStackInstances"
    local result = run { "deploy", "plan", folder .. "/estate.lua", env = stacks.environment() }
    assert.equal(1, result.status, result.stderr)
    assert.matches([[
weir-core      777788889999 eu-west-1  ACTIVE  stack set, would be updated, in 1 account
    ~ 222233334444 eu-west-1  ExternalId
]], result.stdout, 1, true)
    assert.is_nil(result.stdout:find("of-the-second", 1, true))

    result = run { "deploy", "apply", folder .. "/estate.lua", "--yes",
      env = stacks.environment() }
    assert.equal(0, result.status, result.stderr)
    assert.equal(before + 1, #stacks.requested "UpdateStackInstances")
    assert.equal("of-the-second-account-3", sets()["weir-core"].instances[2].overrides.ExternalId)

    result = run { "deploy", "plan", folder .. "/estate.lua", env = stacks.environment() }
    assert.equal(0, result.status, result.stdout)
    files.remove(folder)
  end)

  it("changes the account whose value changed, and the set where all change", function()
    done(deployment.apply(ESTATE))
    local outcome = done(deployment.apply((ESTATE:gsub("RoutingThreshold = 30",
      "RoutingThreshold = 40"))))
    local row
    for _, each in ipairs(outcome.rows) do
      if each.stack.name == "weir-core" then row = each end
    end

    assert.is_nil(row.set.change)
    assert.is_nil(row.set.members[1].change)
    assert.equal("update", row.set.members[2].change)
    assert.equal("40", sets()["weir-core"].instances[2].overrides.RoutingThreshold)

    done(deployment.apply((ESTATE:gsub('"TokenStore"', '"TokenStore", "ModelRegistry"'))))
    assert.equal(1, #stacks.requested "UpdateStackSet")
    assert.equal("true", sets()["weir-core"].parameters.EnableModelRegistry)
  end)

  it("names the account that failed and why, and goes on when it is run again", function()
    cloud.control("POST", "stack_sets", {
      fails = { ["111122223333 eu-west-1"] = "no execution role" },
    })
    local outcome = deployment.apply(ESTATE)
    assert.equal("OperationFailed", outcome.code)
    assert.matches("stack weir-boundary of account 777788889999 in eu-west-1: the operation on "
      .. "the stack set ended as FAILED: account 111122223333 in eu-west-1: no execution role",
      outcome.message, 1, true)
    assert.matches("mend what failed in that account", outcome.next, 1, true)
    assert.equal(1, #stacks.requested "CreateStackInstances")

    cloud.control("POST", "stack_sets", { fails = {} })
    done(deployment.apply(ESTATE))
    for _, instance in ipairs(sets()["weir-core"].instances) do
      assert.equal("CURRENT", instance.status)
    end
  end)

  it("leaves a set of the name that lacks our tag, and takes it over with --adopt", function()
    local client = stacks.client {
      role = { arn = "arn:aws:iam::777788889999:role/deployer", session_name = "somebody" },
    }
    assert(client:create_stack_set {
      StackSetName = "weir-boundary",
      TemplateBody = stacks.template "boundary",
    })

    local outcome = deployment.apply(ESTATE)
    assert.equal("NotOurs", outcome.code)
    assert.matches("stack weir-boundary of account 777788889999 in eu-west-1: it does not carry",
      outcome.message, 1, true)
    assert.is_true(outcome.rows[2].taken)
    assert.same({}, stacks.requested "UpdateStackSet")
    assert.same({}, stacks.requested "CreateStackInstances")

    done(deployment.apply(ESTATE, { adopt = true }))
    done(deployment.apply(ESTATE))
  end)

  it("leaves an account alone that the file does not name any longer, and says so", function()
    done(deployment.apply(ESTATE))
    local one = ESTATE:gsub('    { id = "222233334444".-},\n  },\n}', "  },\n}")
    assert.is_nil(one:find(SECOND, 1, true))
    local outcome = done(deployment.apply(one))
    local strangers
    for _, row in ipairs(outcome.rows) do
      if row.stack.name == "weir-core" then strangers = row.set.strangers end
    end

    assert.same({ "222233334444 eu-west-1" }, strangers)
    assert.equal(2, #sets()["weir-core"].instances)
  end)

  it("is looked at by weir doctor, account by account", function()
    done(deployment.apply(ESTATE))
    local folder = files.directory { ["estate.lua"] = ESTATE }
    local result = run { "doctor", folder .. "/estate.lua", env = stacks.environment() }
    files.remove(folder)
    assert.is_nil(result.stdout:find("it is not deployed", 1, true), result.stdout)
    local _, count = result.stdout:gsub("weir%-core[^\n]*CREATE_COMPLETE", "")
    assert.equal(2, count, result.stdout)
  end)

  it("takes the accounts of units, and only those, where Organizations has the roles", function()
    local managed = ESTATE:gsub("administration_role = [^\n]+",
      'model = "SERVICE_MANAGED", organizational_units = { "ou-abcd-12345678" }, delegated = true,')
    done(deployment.apply(managed))
    local input = stacks.requested "CreateStackInstances"[1]
    assert.same({ AccountFilterType = "INTERSECTION", Accounts = { FIRST },
      OrganizationalUnitIds = { "ou-abcd-12345678" } }, input.DeploymentTargets)
    assert.is_nil(input.Accounts)
    assert.equal("DELEGATED_ADMIN", input.CallAs)
    local set = stacks.requested "CreateStackSet"[1]
    assert.equal("SERVICE_MANAGED", set.PermissionModel)
    assert.same({ Enabled = "false" }, set.AutoDeployment)
    assert.same({ Active = "true" }, set.ManagedExecution)
  end)

  it("is finished by running it again wherever it was killed", function()
    cloud.control("POST", "stack_sets", { looks = 2 })
    done(deployment.apply(ESTATE))
    local expected = json.encode(cloud.control("GET", "stack_sets"))
    local count = #cloud.requests()
    local request = http.request
    local seen = 0
    for kill = count // 4, count - 1, 7 do
      stacks.reset()
      cloud.control("POST", "stack_sets", { looks = 2 })
      seen = 0
      http.request = function(given)
        local response, message, code = request(given)
        seen = seen + 1
        if seen == kill then error("killed", 0) end
        return response, message, code
      end

      assert.is_false((pcall(deployment.apply, ESTATE)))
      http.request = request
      done(deployment.apply(ESTATE))
      assert.equal(expected, json.encode(cloud.control("GET", "stack_sets")), "killed at " .. kill)
    end

    assert.is_true(seen > 0)
  end)
end)
