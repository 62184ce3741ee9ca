-- weir deploy apply, one stack in every state, against the model-checked server.
local cloud = require "support.aws"
local deployment = require "support.deployment"
local files = require "support.files"
local json = require "weir.json"
local stacks = require "support.stacks"

local event, stack = stacks.event, stacks.stack

local ONE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Link" },
  parameters = {
    link = { SinkArn =
      "arn:aws:oam:eu-west-1:777788889999:sink/11111111-2222-4333-8444-555555555555" },
  },
  accounts = {
    { id = "111122223333", kind = "workload", stacks = { "link" } },
  },
}
]]

local TAGS = { { Key = "weir:stack", Value = "weir-link" } }

describe("weir deploy apply", function()
  before_each(stacks.reset)

  local function done(outcome)
    assert.is_true(outcome.done, outcome.message)
    assert.same({}, cloud.control("GET", "stacks").change_sets)
    return outcome
  end

  it("creates a stack and shows what happens, once each", function()
    local outcome = done(deployment.apply(ONE))
    assert.same({
      "weir-link: weir-link CREATE_IN_PROGRESS",
      "weir-link: Nothing CREATE_IN_PROGRESS", "weir-link: Nothing CREATE_COMPLETE",
      "weir-link: TheLink CREATE_IN_PROGRESS", "weir-link: TheLink CREATE_COMPLETE",
      "weir-link: weir-link CREATE_COMPLETE",
      "weir-link: created",
    }, outcome.log)
    assert.equal("weir-link CREATE_COMPLETE", stacks.left())
  end)

  it("changes nothing the second time", function()
    done(deployment.apply(ONE))
    local outcome = done(deployment.apply(ONE))
    assert.same({ "weir-link: no change" }, outcome.log)
    assert.equal(1, #stacks.requested "ExecuteChangeSet")
  end)

  for _, status in ipairs { "REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_COMPLETE",
    "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED" } do
    it("goes on from " .. status, function()
      stack { status = status, tags = status ~= "REVIEW_IN_PROGRESS" and TAGS or nil }
      done(deployment.apply(ONE))
      local ends = status == "REVIEW_IN_PROGRESS" and "CREATE_COMPLETE" or "UPDATE_COMPLETE"
      assert.equal("weir-link " .. ends, stacks.left())
    end)
  end

  for _, status in ipairs { "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED" } do
    it("deletes and creates a stack in " .. status, function()
      stack { status = status, tags = TAGS }
      done(deployment.apply(ONE))
      assert.equal("weir-link CREATE_COMPLETE", stacks.left())
      assert.equal(1, #stacks.requested "DeleteStack")
    end)

    it("leaves a stack in " .. status .. " that does not have our tag", function()
      stack { status = status }
      local outcome = deployment.apply(ONE)
      assert.equal("NotOurs", outcome.code)
      assert.matches("delete-stack --stack-name weir-link", outcome.next, 1, true)
      assert.same({}, stacks.requested "DeleteStack")
    end)
  end

  it("tells what keeps a stack from being deleted", function()
    stack { status = "ROLLBACK_FAILED", tags = TAGS,
      resources = { Group = { Type = "AWS::EC2::SecurityGroup" } },
      blocks = { Group = "resource sg-1 has a dependent object" } }
    local outcome = deployment.apply(ONE)
    assert.equal("DeletionFailed", outcome.code)
    assert.matches("Group DELETE_FAILED: resource sg-1 has a dependent object", outcome.message, 1,
      true)
    assert.matches("weir cleanup", outcome.next, 1, true)
  end)

  it("tells what is in the way of a stack in DELETE_FAILED", function()
    stack { status = "DELETE_FAILED", events = json.array {
      event("weir-link", "DELETE_IN_PROGRESS"),
      event("Bucket", "DELETE_FAILED", "The bucket you tried to delete is not empty"),
    } }
    local outcome = deployment.apply(ONE)
    assert.equal("DeletionFailed", outcome.code)
    assert.matches("Bucket DELETE_FAILED: The bucket you tried", outcome.message, 1, true)
    assert.matches("weir cleanup", outcome.next, 1, true)
  end)

  it("waits for the operation of somebody else, shows it, and goes on", function()
    stack { status = "CREATE_COMPLETE", tags = TAGS, pace = 1,
      resources = { A = { Type = "AWS::SNS::Topic" } } }
    assert(stacks.client():delete_stack { StackName = "weir-link" })
    local outcome = done(deployment.apply(ONE))
    assert.equal("weir-link: weir-link DELETE_IN_PROGRESS", outcome.log[1])
    assert.equal("weir-link: weir-link DELETE_COMPLETE", outcome.log[4])
    assert.equal("weir-link: created", outcome.log[#outcome.log])
  end)

  it("does not delete what failed while it waited: the plan did not say so", function()
    stack { operations = { { fails = "Nothing", reason = "no permission" } }, looks = 0, pace = 1 }
    local client = stacks.client()
    local made = assert(client:create_change_set {
      StackName = "weir-link",
      ChangeSetName = "theirs",
      ChangeSetType = "CREATE",
      TemplateBody = files.read "deploy/cloudformation/link.yaml",
      Tags = TAGS,
    })
    assert(client:execute_change_set { ChangeSetName = made.Id })
    local outcome = deployment.apply(ONE)
    assert.equal("wait", outcome.rows[1].step)
    assert.equal("CreationFailed", outcome.code)
    assert.matches("Nothing CREATE_FAILED: no permission", outcome.message, 1, true)
    assert.same({}, stacks.requested "DeleteStack")

    done(deployment.apply(ONE))
    assert.equal(1, #stacks.requested "DeleteStack")
  end)

  describe("where the roll-back of an update failed", function()
    local function stuck(more)
      stack { tags = TAGS, operations = { {}, { fails = "TheLink", reason = "throttled",
        rollback_fails = "Nothing", why = "the function is gone" }, table.unpack(more or {}) } }
      done(deployment.apply(ONE))
      local outcome = deployment.apply((ONE:gsub('"Link"', '"Link", "Logs"')))
      assert.equal("RollbackFailed", outcome.code)
      assert.matches("TheLink UPDATE_FAILED: throttled", outcome.message, 1, true)
      assert.matches("--skip RESOURCE", outcome.next, 1, true)
      assert.equal("weir-link UPDATE_ROLLBACK_FAILED", stacks.left())
    end

    it("continues it, then updates", function()
      stuck()
      done(deployment.apply((ONE:gsub('"Link"', '"Link", "Logs"'))))
      assert.equal("weir-link UPDATE_COMPLETE", stacks.left())
      assert.equal(1, #stacks.requested "ContinueUpdateRollback")
      assert.is_nil(stacks.requested "ContinueUpdateRollback"[1].ResourcesToSkip)
    end)

    it("names the resource that keeps it, and leaves it behind when told to", function()
      stuck { { rollback_fails = "Nothing", why = "the function is gone" } }
      local outcome = deployment.apply(ONE)
      assert.equal("RollbackFailed", outcome.code)
      assert.matches("Nothing UPDATE_FAILED: the function is gone", outcome.message, 1, true)

      done(deployment.apply(ONE, { skip = { Nothing = true, Stranger = true } }))
      local requested = stacks.requested "ContinueUpdateRollback"
      assert.same({ "Nothing" }, requested[#requested].ResourcesToSkip)
    end)
  end)

  it("rolls a half-finished update back where there is nothing new to change", function()
    stack { tags = TAGS, operations = { {}, { fails = "Nothing", keep = true } } }
    done(deployment.apply(ONE))
    assert.equal("OperationFailed",
      deployment.apply((ONE:gsub('"Link"', '"Link", "Logs"'))).code)
    assert.equal("weir-link UPDATE_FAILED", stacks.left())
    done(deployment.apply(ONE))
    assert.equal(1, #stacks.requested "RollbackStack")
    assert.equal("weir-link UPDATE_ROLLBACK_COMPLETE", stacks.left())
  end)

  it("tells the first cause of a failure, and deletes and creates the next time", function()
    stack { operations = { { fails = "TheLink", reason = "Sink does not exist" } } }
    local outcome = deployment.apply(ONE)
    assert.equal("OperationFailed", outcome.code)
    assert.equal(
      "stack weir-link of account 111122223333 in eu-west-1: the change failed and was rolled back "
      .. "(ROLLBACK_COMPLETE): TheLink CREATE_FAILED: Sink does not exist", outcome.message)
    assert.equal("weir-link ROLLBACK_COMPLETE", stacks.left())
    done(deployment.apply(ONE))
    assert.equal("weir-link CREATE_COMPLETE", stacks.left())
  end)

  it("touches nothing in a state that it does not know", function()
    stack { status = "SOMETHING_NEW" }
    local outcome = deployment.apply(ONE)
    assert.equal("UnknownState", outcome.code)
    assert.matches("SOMETHING_NEW", outcome.message, 1, true)
    assert.same({}, stacks.requested "CreateChangeSet")
  end)

  it("tells what CloudFormation's own checks found", function()
    stack { fails = "Validation failed", validations = { {
      LogicalResourceId = "Bucket",
      ValidationPath = "/Resources/Bucket/Properties/BucketName",
      ValidationStatusReason = "a bucket of this name exists",
    } } }
    local outcome = deployment.apply(ONE)
    assert.equal("ChangeSetFailed", outcome.code)
    assert.matches(
      "Validation failed; /Resources/Bucket/Properties/BucketName: a bucket of this name exists",
      outcome.message, 1, true)
  end)

  describe("with data that would be lost", function()
    before_each(function()
      stack { status = "CREATE_COMPLETE", tags = TAGS, changes = { {
        Action = "Modify",
        LogicalResourceId = "Table",
        ResourceType = "AWS::DynamoDB::Table",
        Replacement = "True",
        PolicyAction = "ReplaceAndDelete",
      } } }
    end)

    it("changes nothing, and leaves no change set", function()
      local outcome = deployment.apply(ONE)
      assert.equal("DataWouldBeLost", outcome.code)
      assert.matches("data would be lost: Table", outcome.message, 1, true)
      assert.same({}, stacks.requested "ExecuteChangeSet")
      assert.same({}, cloud.control("GET", "stacks").change_sets)
    end)

    it("does it with --replace", function()
      done(deployment.apply(ONE, { replace = true }))
      assert.equal(1, #stacks.requested "ExecuteChangeSet")
    end)
  end)

  describe("where a stack of the name does not have our tag", function()
    -- What would change it: an update, one that adds only, a roll-back that goes on.
    local THEIRS = {
      {
        status = "CREATE_COMPLETE",
        changes = json.array {
          { Action = "Remove", LogicalResourceId = "Theirs", ResourceType = "AWS::SNS::Topic" },
        },
      },
      {
        status = "UPDATE_COMPLETE",
        changes = json.array {
          { Action = "Add", LogicalResourceId = "Ours", ResourceType = "AWS::SNS::Topic" },
        },
      },
      { status = "UPDATE_ROLLBACK_FAILED", stuck = "Nothing" },
      { status = "UPDATE_FAILED", fails = "No updates are to be performed." },
    }

    local function changed()
      return #stacks.requested "ExecuteChangeSet" + #stacks.requested "ContinueUpdateRollback"
        + #stacks.requested "RollbackStack" + #stacks.requested "DeleteStack"
    end

    for _, given in ipairs(THEIRS) do
      it("leaves it as it is, in " .. given.status, function()
        stack(given)
        local outcome = deployment.apply(ONE)
        assert.equal("NotOurs", outcome.code)
        assert.matches("stack weir-link of account 111122223333 in eu-west-1: it does not carry "
          .. "the tag weir:stack = weir-link", outcome.message, 1, true)
        assert.matches("give the estate another name; or, if it is yours, give --adopt",
          outcome.next, 1, true)
        assert.equal(0, changed())
        assert.same({}, cloud.control("GET", "stacks").change_sets)
      end)
    end

    it("changes it with --adopt, and gives it the tag", function()
      stack { status = "CREATE_COMPLETE", template = stacks.template "link",
        parameters = { EnableLink = "false" } }
      done(deployment.apply(ONE, { adopt = true }))
      assert.same({ { Key = "weir:stack", Value = "weir-link" } },
        assert(stacks.client():describe_stacks { StackName = "weir-link" }).Stacks[1].Tags)
      done(deployment.apply(ONE))
    end)

    it("gives it the tag although nothing else is to be changed", function()
      done(deployment.apply(ONE))
      local parameters = cloud.control("GET", "stacks").stacks[1].parameters
      stacks.reset()
      stack { status = "CREATE_COMPLETE", template = stacks.template "link",
        parameters = parameters }
      assert.equal("NotOurs", deployment.apply(ONE).code)
      done(deployment.apply(ONE, { adopt = true }))
      assert.equal("weir-link UPDATE_COMPLETE", stacks.left())
    end)

    it("does not lose data for --adopt alone", function()
      stack { status = "CREATE_COMPLETE", changes = { {
        Action = "Remove",
        LogicalResourceId = "Files",
        ResourceType = "AWS::S3::Bucket",
        PolicyAction = "Delete",
      } } }
      assert.equal("DataWouldBeLost", deployment.apply(ONE, { adopt = true }).code)
      assert.equal(0, changed())
    end)
  end)

  it("says of an import whose roll-back failed that there is no way on", function()
    stack { status = "IMPORT_ROLLBACK_FAILED", events = json.array {
      event("weir-link", "IMPORT_IN_PROGRESS"),
      event("Link", "IMPORT_ROLLBACK_FAILED", "it is gone"),
    } }
    local outcome = deployment.apply(ONE)
    assert.equal("StackIsStuck", outcome.code)
    assert.matches("Link IMPORT_ROLLBACK_FAILED: it is gone", outcome.message, 1, true)
    assert.matches("repair the resource by hand, or delete the stack", outcome.next, 1, true)
    assert.same({}, stacks.requested "ContinueUpdateRollback")
  end)

  it("says that credentials ended in the middle, and goes on with new ones", function()
    local expired = { kind = "status", status = 403, headers = { ["Content-Type"] = "text/xml" },
      body = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included "
        .. "in the request is expired</Message></Error></ErrorResponse>" }
    local faults = {}
    for i = 1, 18 do faults[i] = { kind = "pass" } end
    faults[19] = expired
    cloud.faults(table.unpack(faults))
    local outcome = deployment.apply(ONE)
    assert.equal("ExpiredToken", outcome.code)
    assert.matches("sign in again and run the same command", outcome.next, 1, true)
    done(deployment.apply(ONE))
    assert.matches("^weir%-link [CU]%a+_COMPLETE$", stacks.left())
  end)

  it("comes through throttling in every call", function()
    local throttled = { kind = "status", status = 400, headers = { ["Content-Type"] = "text/xml" },
      body = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
        .. "</ErrorResponse>" }
    local faults = {}
    for i = 1, 80, 2 do faults[i], faults[i + 1] = throttled, { kind = "pass" } end
    cloud.faults(table.unpack(faults))
    done(deployment.apply(ONE))
    assert.equal("weir-link CREATE_COMPLETE", stacks.left())
  end)

  it("follows an operation whose beginning was answered to nobody", function()
    local closed = { kind = "close" }
    for position = 14, 17 do
      stacks.reset()
      local faults = {}
      for i = 1, position do faults[i] = { kind = "pass" } end
      faults[position + 1] = closed
      cloud.faults(table.unpack(faults))
      done(deployment.apply(ONE))
      assert.equal("weir-link CREATE_COMPLETE", stacks.left())
    end
  end)
end)
