-- What CloudFormation tells of an operation, followed against the model-checked server.
local cloud = require "support.aws"
local stack_events = require "weir.deploy.stack_events"
local json = require "weir.json"
local stacks = require "support.stacks"

local event = stacks.event

describe("weir.deploy.stack_events", function()
  before_each(stacks.reset)

  local function id_of(name)
    return assert(stacks.client():describe_stacks { StackName = name }).Stacks[1].StackId
  end

  local function follow(given)
    local shown = {}
    given.shown = function(each)
      shown[#shown + 1] = each.LogicalResourceId .. " " .. each.ResourceStatus
    end

    local ended, message, code = stacks.without_waiting(function()
      return stack_events.follow(stacks.client(), given)
    end)

    return ended, shown, message, code
  end

  it("finds the first failure of the last operation only", function()
    stacks.stack { status = "UPDATE_ROLLBACK_COMPLETE", events = json.array {
      event("weir-link", "CREATE_IN_PROGRESS"),
      event("Old", "CREATE_FAILED", "of an operation before"),
      event("weir-link", "UPDATE_IN_PROGRESS"),
      event("Cancelled", "UPDATE_FAILED", "Resource update cancelled"),
      event("Link", "UPDATE_FAILED", "no permission"),
      event("Later", "UPDATE_FAILED", "another one"),
      event("weir-link", "UPDATE_ROLLBACK_IN_PROGRESS"),
      event("weir-link", "UPDATE_ROLLBACK_COMPLETE"),
    } }
    assert.equal("Link UPDATE_FAILED: no permission",
      stack_events.first_cause(stacks.client(), id_of "weir-link"))
  end)

  it("finds none where nothing failed", function()
    stacks.stack { status = "CREATE_COMPLETE", events = json.array {
      event("weir-link", "CREATE_IN_PROGRESS"),
      event("weir-link", "CREATE_COMPLETE"),
    } }
    local cause, message = stack_events.first_cause(stacks.client(), id_of "weir-link")
    assert.is_nil(cause)
    assert.is_nil(message)
  end)

  it("shows a deletion of our token to its end, each event once, although the stack is gone then",
    function()
    stacks.stack { status = "CREATE_COMPLETE", pace = 1, events = json.array {
      event("weir-link", "CREATE_IN_PROGRESS"),
      event("weir-link", "CREATE_COMPLETE"),
    }, resources = { A = { Type = "AWS::SNS::Topic" }, B = { Type = "AWS::SQS::Queue" } } }
    local id = id_of "weir-link"
    assert(stacks.client():delete_stack { StackName = id, ClientRequestToken = "ours" })
    local ended, shown = follow { id = id, token = "ours" }
    assert.same({ status = "DELETE_COMPLETE" }, ended)
    assert.same({ "weir-link DELETE_IN_PROGRESS", "B DELETE_IN_PROGRESS", "B DELETE_COMPLETE",
      "A DELETE_IN_PROGRESS", "A DELETE_COMPLETE", "weir-link DELETE_COMPLETE" }, shown)
  end)

  it("tells the first cause of what failed", function()
    stacks.stack { status = "CREATE_COMPLETE",
      resources = { Bucket = { Type = "AWS::S3::Bucket" } },
      blocks = { Bucket = "The bucket you tried to delete is not empty" } }
    local id = id_of "weir-link"
    assert(stacks.client():delete_stack { StackName = id, ClientRequestToken = "ours" })
    local ended = follow { id = id, token = "ours" }
    assert.same({ status = "DELETE_FAILED",
      cause = "Bucket DELETE_FAILED: The bucket you tried to delete is not empty" }, ended)
  end)

  it("follows what somebody else began, from its first event on", function()
    stacks.stack { status = "CREATE_COMPLETE", pace = 1, events = json.array {
      event("weir-link", "CREATE_IN_PROGRESS"),
      event("Failed", "CREATE_FAILED", "of an operation before"),
      event("weir-link", "CREATE_COMPLETE"),
    }, resources = { A = { Type = "AWS::SNS::Topic" } } }
    local id = id_of "weir-link"
    assert(stacks.client():delete_stack { StackName = id })
    local ended, shown = follow { id = id }
    assert.same({ status = "DELETE_COMPLETE" }, ended)
    assert.equal("weir-link DELETE_IN_PROGRESS", shown[1])
    assert.equal(4, #shown)
  end)

  it("gives what the service refuses", function()
    local ended, _, message, code = follow { id = "arn:aws:cloudformation:eu-west-1:1:stack/x/1" }
    assert.is_nil(ended)
    assert.equal("ValidationError", code)
    assert.matches("does not exist", message, 1, true)
  end)

  it("comes through throttling", function()
    stacks.stack { status = "CREATE_COMPLETE" }
    local id = id_of "weir-link"
    assert(stacks.client():delete_stack { StackName = id, ClientRequestToken = "ours" })
    local throttled = { kind = "status", status = 400, headers = { ["Content-Type"] = "text/xml" },
      body = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate "
        .. "exceeded</Message></Error></ErrorResponse>" }
    cloud.faults(throttled, throttled)
    assert.same({ status = "DELETE_COMPLETE" }, (follow { id = id, token = "ours" }))
  end)
end)
