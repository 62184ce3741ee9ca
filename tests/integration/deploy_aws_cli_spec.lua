-- AWS's own command line against the model-checked server: the client judges the server, and the
-- templates work without weir deploy.
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"
local stacks = require "support.stacks"

local AWS = "/usr/bin/aws"
local SINK = "arn:aws:oam:eu-west-1:777788889999:sink/11111111-2222-4333-8444-555555555555"

-- aws("deploy", …) → status, what it printed
local function aws(...)
  local words = { "env -i PATH=/usr/bin:/bin HOME=/nowhere AWS_PAGER= AWS_DEFAULT_REGION=eu-west-1",
    "AWS_MAX_ATTEMPTS=2",
    "AWS_ACCESS_KEY_ID=" .. cloud.front.key_id, "AWS_SECRET_ACCESS_KEY=" .. cloud.front.secret,
    "AWS_EC2_METADATA_DISABLED=true", AWS, "--endpoint-url", cloud.front.url, "--output json",
    "cloudformation" }
  for i = 1, select("#", ...) do words[#words + 1] = files.quote((select(i, ...))) end
  local pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1"))
  local printed = pipe:read("a")
  local _, _, status = pipe:close()

  return status, printed
end

-- It polls every 30 seconds: everything has happened at the first look.
local function at_once(more)
  local given = { name = "weir-link", looks = 0, pace = 1000 }
  for key, value in pairs(more or {}) do given[key] = value end -- any order: copies each by itself
  stacks.stack(given)
end

local function deploy(...)
  return aws("deploy", "--stack-name", "weir-link", "--template-file",
    "deploy/cloudformation/link.yaml", "--tags", "weir:stack=weir-link", ...)
end

local function fine(...)
  local status, printed = aws(...)
  assert.equal(0, status, printed)
  return printed
end

describe("aws cloudformation", function()
  before_each(stacks.reset)

  it("deploys a template, and finds no change the second time", function()
    at_once()
    local status, printed = deploy("--parameter-overrides", "EnableLink=true", "SinkArn=" .. SINK)
    assert.equal(0, status, printed)
    assert.matches("Successfully created/updated stack - weir-link", printed, 1, true)
    assert.equal("weir-link CREATE_COMPLETE", stacks.left())

    status, printed = deploy("--parameter-overrides", "EnableLink=true", "SinkArn=" .. SINK)
    assert.equal(0, status, printed)
    assert.matches("No changes to deploy", printed, 1, true)
  end)

  it("reads outputs, events and resources of what weir deploy would see, page by page", function()
    at_once()
    assert.equal(0, (deploy("--parameter-overrides", "EnableLink=true", "SinkArn=" .. SINK)))
    local stack = json.decode(fine("describe-stacks", "--stack-name", "weir-link")).Stacks[1]
    assert.equal("LinkArn", stack.Outputs[1].OutputKey)
    assert.same({ { Key = "weir:stack", Value = "weir-link" } }, stack.Tags)
    local told = json.decode(fine("describe-stack-events", "--stack-name", "weir-link"))
    local events = told.StackEvents
    assert.equal("CREATE_COMPLETE", events[1].ResourceStatus)
    assert.equal("CREATE_IN_PROGRESS", events[#events].ResourceStatus)
    assert.equal(6, #events)
    local resources = json.decode(fine("list-stack-resources", "--stack-name", "weir-link"))
    assert.equal(2, #resources.StackResourceSummaries)
    local summary = json.decode(fine("get-template-summary", "--template-body",
      "file://deploy/cloudformation/core.yaml"))
    assert.same({ "CAPABILITY_NAMED_IAM" }, summary.Capabilities)
  end)

  it("fails a deployment that failed", function()
    at_once { operations = { { fails = "TheLink", reason = "no permission" } } }
    local status, printed = deploy("--parameter-overrides", "EnableLink=true", "SinkArn=" .. SINK)
    assert.equal(255, status, printed)
    assert.matches("Failed to create/update the stack", printed, 1, true)
    assert.equal("weir-link ROLLBACK_COMPLETE", stacks.left())
  end)

  it("waits for a deletion, and is told what keeps it", function()
    at_once { status = "CREATE_COMPLETE",
      resources = { Group = { Type = "AWS::EC2::SecurityGroup" } },
      blocks = { Group = "resource sg-1 has a dependent object" } }
    fine("delete-stack", "--stack-name", "weir-link")
    local status, printed = aws("wait", "stack-delete-complete", "--stack-name", "weir-link")
    assert.equal(255, status)
    assert.matches('DELETE_FAILED" at least once', printed, 1, true)

    fine("delete-stack", "--stack-name", "weir-link", "--retain-resources", "Group")
    fine("wait", "stack-delete-complete", "--stack-name", "weir-link")
    assert.equal("", stacks.left())
  end)

  it("may retain resources only of a stack whose deletion failed", function()
    at_once { status = "CREATE_COMPLETE" }
    local status, printed = aws("delete-stack", "--stack-name", "weir-link",
      "--retain-resources", "A")
    assert.equal(254, status)
    assert.matches("only when the stack is in the DELETE_FAILED state", printed, 1, true)
  end)

  it("continues a roll-back without a resource", function()
    at_once { status = "UPDATE_ROLLBACK_FAILED", stuck = "Table" }
    local status, printed = aws("continue-update-rollback", "--stack-name", "weir-link",
      "--resources-to-skip", "Other")
    assert.equal(254, status)
    assert.matches("not in UPDATE_FAILED state: [Other]", printed, 1, true)
    fine("continue-update-rollback", "--stack-name", "weir-link", "--resources-to-skip", "Table")
    fine("wait", "stack-rollback-complete", "--stack-name", "weir-link")
    assert.equal("weir-link UPDATE_ROLLBACK_COMPLETE", stacks.left())
  end)

  it("reads why a stack is not there", function()
    local status, printed = aws("describe-stacks", "--stack-name", "nowhere")
    assert.equal(254, status)
    assert.matches("An error occurred (ValidationError) when calling the DescribeStacks operation: "
      .. "Stack with id nowhere does not exist", printed, 1, true)
  end)

  it("makes a stack set and an instance of it", function()
    cloud.control("POST", "stack_sets", { looks = 0 })
    fine("create-stack-set", "--stack-set-name", "weir-link", "--template-body",
      "file://deploy/cloudformation/link.yaml", "--permission-model", "SELF_MANAGED")
    local started = json.decode(fine("create-stack-instances", "--stack-set-name", "weir-link",
      "--accounts", "111122223333", "--regions", "eu-west-1", "--operation-id", "first",
      "--operation-preferences", "FailureToleranceCount=0,MaxConcurrentCount=1"))
    assert.equal("first", started.OperationId)
    local operation = json.decode(fine("describe-stack-set-operation", "--stack-set-name",
      "weir-link", "--operation-id", "first"))
    assert.equal("SUCCEEDED", operation.StackSetOperation.Status)
    local instances = json.decode(fine("list-stack-instances", "--stack-set-name", "weir-link"))
    assert.equal("CURRENT", instances.Summaries[1].Status)
  end)
end)
