-- weir deploy plan with the templates of this repository, against the model-checked server.
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local HOME, STORAGE, SHARED = "111122223333", "444455556666", "777788889999"
local EXTERNAL_ID = "a-partner-of-ours-7"
local ACCESS_POINT = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"

local ONE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  accounts = {
    { id = "111122223333", kind = "workload", stacks = { "link" } },
  },
}
]]

local THREE = [[
local external_id = "a-partner-of-ours-7" -- of one account alone
local access_point = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"

return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Batch", "TokenStore" },
  parameters = {
    core = { LogRetentionDays = 30, SubnetIds = { "subnet-1", "subnet-2" },
      ArtifactBucket = "artifacts", LayerKey = "l", CodeKey = "c", AslKey = "a",
      AccessPointArn = access_point },
    storage = { AccessPointArn = access_point },
  },
  accounts = {
    {
      id = "444455556666",
      kind = "storage",
      role = { arn = "arn:aws:iam::444455556666:role/deployer" },
    },
    {
      id = "777788889999",
      kind = "shared",
      role = { arn = "arn:aws:iam::777788889999:role/deployer" },
    },
    {
      id = "111122223333",
      kind = "workload",
      external_id = external_id,
      stacks = { "core" },
      parameters = {
        core = { LogRetentionDays = 90 },
        storage = { WorkloadRoleArns = "arn:aws:iam::111122223333:role/reader" },
      },
    },
  },
}
]]

local TAGS = { { Key = "weir:stack", Value = "weir-link" } }

describe("weir deploy plan", function()
  local folder

  before_each(function()
    cloud.reset()
    cloud.control("POST", "stacks", json.array {})
    folder = files.directory {}
  end)

  after_each(function() files.remove(folder) end)

  local function plan(estate, ...)
    local path = folder .. "/estate.lua"
    files.write(path, estate)
    local words = { "deploy", "plan", path, ... }
    words.env = { AWS_ENDPOINT_URL = cloud.front.url, AWS_REGION = "eu-west-1", HOME = "/nowhere",
      AWS_ACCESS_KEY_ID = cloud.front.key_id, AWS_SECRET_ACCESS_KEY = cloud.front.secret }
    return run(words)
  end

  local function stack(given)
    given.name = given.name or "weir-link"
    cloud.control("POST", "stacks", json.array { given })
  end

  local function requested(operation)
    local found = {}
    for _, request in ipairs(cloud.requests()) do
      if request.operation == operation then found[#found + 1] = request.input end
    end

    return found
  end

  -- No change set is left, and no stack that was not there before.
  local function left()
    local state = cloud.control("GET", "stacks")
    assert.same({}, state.change_sets)
    local names = {}
    for _, each in ipairs(state.stacks) do
      if each.status ~= "DELETE_COMPLETE" then
        names[#names + 1] = each.name .. " " .. each.status
      end
    end

    return table.concat(names, ", ")
  end

  local function event(id, status, reason)
    return { LogicalResourceId = id, ResourceStatus = status, ResourceStatusReason = reason }
  end

  describe("of a stack", function()
    it("that is not there asks for its creation, and leaves nothing behind", function()
      local result = plan(ONE)
      assert.equal(1, result.status, result.stderr)
      assert.matches("weir-link  111122223333 eu-west-1  absent  would be created, ", result.stdout,
        1, true)
      assert.equal("CREATE", requested "CreateChangeSet"[1].ChangeSetType)
      assert.same({ { Key = "weir:stack", Value = "weir-link" } },
        requested "CreateChangeSet"[1].Tags)
      assert.equal("", left())
    end)

    it("in REVIEW_IN_PROGRESS asks for its creation, and leaves it", function()
      stack { status = "REVIEW_IN_PROGRESS" }
      local result = plan(ONE)
      assert.equal(1, result.status, result.stderr)
      assert.equal("CREATE", requested "CreateChangeSet"[1].ChangeSetType)
      assert.equal("weir-link REVIEW_IN_PROGRESS", left())
    end)

    for _, status in ipairs { "CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE",
      "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED" } do
      it("in " .. status .. " asks for an update, page by page", function()
        local changes = json.array {}
        for i = 1, 7 do
          changes[i] = {
            Action = "Add",
            LogicalResourceId = "R" .. i,
            ResourceType = "AWS::SNS::Topic",
          }
        end

        stack { status = status, tags = TAGS, changes = changes, looks = 2 }
        local result = plan(ONE)
        assert.equal(1, result.status, result.stderr)
        assert.matches(status .. "  would be updated, 7 changes", result.stdout, 1, true)
        assert.matches("+ R7  AWS::SNS::Topic", result.stdout, 1, true)
        assert.equal("UPDATE", requested "CreateChangeSet"[1].ChangeSetType)
        assert.equal("weir-link " .. status, left())
      end)
    end

    it("that is as it should be has no change, and status 0", function()
      stack { status = "CREATE_COMPLETE", tags = TAGS, fails = "No updates are to be performed." }
      local result = plan(ONE)
      assert.equal(0, result.status, result.stderr)
      assert.equal("weir-link  111122223333 eu-west-1  CREATE_COMPLETE  no change\n", result.stdout)
      assert.equal("weir-link CREATE_COMPLETE", left())
    end)

    it("that has the template and the parameters already has no change either", function()
      local sink = "arn:aws:oam:eu-west-1:777788889999:sink/11111111-2222-4333-8444-555555555555"
      local switches =
        ('features = { "Link" }, parameters = { link = { SinkArn = "%s" } },'):format(sink)
      local estate = ONE:gsub("accounts =", switches .. " accounts =")
      local template = files.read("deploy/cloudformation/link.yaml")
      stack { status = "UPDATE_COMPLETE", tags = TAGS, template = template,
        parameters = { EnableLink = "true", SinkArn = sink } }
      local result = plan(estate)
      assert.equal(0, result.status, result.stdout .. result.stderr)

      stack { status = "UPDATE_COMPLETE", template = template,
        parameters = { EnableLink = "false" },
        region = "eu-west-2" }
      assert.equal(1, plan((estate:gsub('{ "eu%-west%-1" }', '{ "eu-west-2" }'))).status)
    end)

    for _, status in ipairs { "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED" } do
      it("in " .. status .. " shows the first failure and what comes next", function()
        stack { status = status, events = json.array {
          event("weir-link", "CREATE_IN_PROGRESS"),
          event("Other", "CREATE_FAILED", "Resource creation cancelled"),
          event("Link", "CREATE_FAILED", "Sink arn:x does not exist"),
          event("Later", "CREATE_FAILED", "Resource creation cancelled"),
          event("weir-link", "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: [Link]."),
          event("weir-link", status),
        } }
        local result = plan(ONE)
        assert.equal(5, result.status, result.stderr)
        assert.matches("it has to be deleted and created anew", result.stdout, 1, true)
        assert.matches("first cause: Link CREATE_FAILED: Sink arn:x does not exist\n",
          result.stdout, 1, true)
        assert.same({}, requested "CreateChangeSet")
        assert.equal("weir-link " .. status, left())
      end)
    end

    it("in DELETE_FAILED says what kept it", function()
      stack { status = "DELETE_FAILED", events = json.array {
        event("Old", "CREATE_FAILED", "of an operation before"),
        event("weir-link", "DELETE_IN_PROGRESS"),
        event("Bucket", "DELETE_FAILED", "The bucket you tried to delete is not empty"),
        event("weir-link", "DELETE_FAILED",
          "The following resource(s) failed to delete: [Bucket]."),
      } }
      local result = plan(ONE)
      assert.equal(5, result.status, result.stderr)
      assert.matches("its deletion has to be finished first", result.stdout, 1, true)
      assert.matches("first cause: Bucket DELETE_FAILED: The bucket you tried", result.stdout, 1,
        true)
    end)

    for _, status in ipairs { "CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
      "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS" } do
      it("in " .. status .. " waits", function()
        stack { status = status }
        local result = plan(ONE)
        assert.equal(5, result.status, result.stderr)
        assert.matches("wait until it has ended, then plan again", result.stdout, 1, true)
        assert.same({}, requested "CreateChangeSet")
      end)
    end

    it("in UPDATE_ROLLBACK_FAILED names the way back", function()
      stack { status = "UPDATE_ROLLBACK_FAILED", events = json.array {
        event("weir-link", "UPDATE_IN_PROGRESS"),
        event("Link", "UPDATE_FAILED", "no permission"),
      } }
      local result = plan(ONE)
      assert.equal(5, result.status, result.stderr)
      assert.matches("continue the roll-back first", result.stdout, 1, true)
      assert.matches("first cause: Link UPDATE_FAILED: no permission", result.stdout, 1, true)
    end)
  end)

  it("marks what is replaced and whose data would be lost", function()
    local function change(id, kind, action, replacement, policy)
      return { Action = action, LogicalResourceId = id, ResourceType = kind,
        Replacement = replacement,
        PolicyAction = policy }
    end

    stack { status = "CREATE_COMPLETE", tags = TAGS, changes = json.array {
      change("Lost", "AWS::DynamoDB::Table", "Modify", "True", "ReplaceAndDelete"),
      change("Kept", "AWS::DynamoDB::Table", "Modify", "True", "ReplaceAndRetain"),
      change("Same", "AWS::DynamoDB::Table", "Modify", "False"),
      change("Gone", "AWS::S3::Bucket", "Remove", nil, "Delete"),
      change("Perhaps", "AWS::SQS::Queue", "Modify", "Conditional"),
      change("Topic", "AWS::SNS::Topic", "Remove"),
    } }
    local result = plan(ONE)
    assert.equal(1, result.status, result.stderr)
    assert.equal([[
weir-link  111122223333 eu-west-1  CREATE_COMPLETE  would be updated, 6 changes
    ~ Lost  AWS::DynamoDB::Table  REPLACED  its DATA IS LOST
    ~ Kept  AWS::DynamoDB::Table  REPLACED
    ~ Same  AWS::DynamoDB::Table
    - Gone  AWS::S3::Bucket  its DATA IS LOST
    ~ Perhaps  AWS::SQS::Queue  may be REPLACED  its DATA IS LOST
    - Topic  AWS::SNS::Topic
]], result.stdout)
  end)

  it("tells the reason of a change set that failed, and removes it", function()
    stack { fails = "Transform AWS::LanguageExtensions failed" }
    local result = plan(ONE)
    assert.equal(6, result.status)
    assert.matches(
      "cannot be planned: the change set failed: Transform AWS::LanguageExtensions failed",
      result.stdout, 1, true)
    assert.equal("", left())
  end)

  it("goes to every account in its role, in order, with the parameters of each", function()
    local result = plan(THREE, "--json")
    assert.equal(1, result.status, result.stderr .. result.stdout)
    local order = {}
    assert.is_true(json_schema.check("docs/json/deploy.schema.json", result.stdout,
      { lines = true }))
    for line in result.stdout:gmatch("[^\n]+") do
      local row = json.decode(line)
      order[#order + 1] = row.account .. " " .. row.stack
    end

    assert.same({
      STORAGE .. " weir-boundary", STORAGE .. " weir-storage", STORAGE .. " weir-access-" .. HOME,
      SHARED .. " weir-boundary", SHARED .. " weir-shared", HOME .. " weir-core",
    }, order)
    assert.equal("", left())

    local values = {}
    for _, input in ipairs(requested "CreateChangeSet") do
      local of_stack = {}
      for _, each in ipairs(type(input.Parameters) == "table" and input.Parameters or {}) do
        of_stack[each.ParameterKey] = each.ParameterValue
      end

      values[input.StackName] = of_stack
    end

    assert.same({ AccessPointArn = ACCESS_POINT, ArtifactBucket = "artifacts", AslKey = "a",
      CodeKey = "c",
      EnableBatch = "true", EnableTokenStore = "true", ExternalId = EXTERNAL_ID, LayerKey = "l",
      LogRetentionDays = "90", Prefix = "weir",
      StorageRoleArn = "arn:aws:iam::444455556666:role/weir-storage-access-111122223333",
      SubnetIds = "subnet-1,subnet-2" }, values["weir-core"])
    assert.same({ AccessPointArn = ACCESS_POINT, EnableAccess = "true", ExternalId = EXTERNAL_ID,
      Prefix = "weir",
      WorkloadAccountId = HOME, WorkloadRoleArns = "arn:aws:iam::111122223333:role/reader" },
      values["weir-access-" .. HOME])
    assert.same({ AccessPointArn = ACCESS_POINT, Prefix = "weir" }, values["weir-storage"])
    assert.is_nil((result.stdout .. result.stderr):find(EXTERNAL_ID, 1, true))
  end)

  it("asks for nothing in an account that the file does not name", function()
    local result = plan((ONE:gsub(HOME, "999988887777")))
    assert.equal(6, result.status)
    assert.matches("the credentials are of account 111122223333, the estate names 999988887777",
      result.stderr, 1, true)
    assert.same({}, requested "CreateChangeSet")
    assert.same({}, requested "GetTemplateSummary")
  end)

  it("refuses parameters and features that no template has, before any change set", function()
    local result = plan((THREE:gsub("LogRetentionDays = 30", "LogRetentionDay = 30")
      :gsub('"TokenStore"', '"TokenStores"')))
    assert.equal(3, result.status)
    assert.matches(
      "estate.lua:9:14: error[W304] the template core has no parameter 'LogRetentionDay'",
      result.stderr, 1, true)
    assert.matches("did you mean 'LogRetentionDays'?", result.stderr, 1, true)
    assert.matches("estate.lua:7:25: error[W304] no template has EnableTokenStores", result.stderr,
      1, true)
    assert.same({}, requested "CreateChangeSet")
  end)

  it("comes through throttling in every call, and says when it does not", function()
    local throttled = { kind = "status", status = 400, headers = { ["Content-Type"] = "text/xml" },
      body = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate "
        .. "exceeded</Message></Error></ErrorResponse>" }
    cloud.faults(throttled, { kind = "pass" }, throttled, { kind = "pass" }, throttled,
      { kind = "pass" },
      throttled, { kind = "pass" }, throttled, { kind = "pass" })
    local result = plan(ONE)
    assert.equal(1, result.status, result.stderr)
    assert.equal("", left())
  end)

  it("says what to do where credentials end or are not enough, at any call", function()
    local function refusal(code)
      return { kind = "status", status = 403, headers = { ["Content-Type"] = "text/xml" },
        body = ("<ErrorResponse><Error><Code>%s</Code><Message>as AWS says</Message></Error>"
          .. "</ErrorResponse>"):format(code) }
    end

    plan(ONE)
    local count = #cloud.requests()
    assert.is_true(count >= 8)
    for code, advice in pairs { -- any order: each by itself
      ExpiredToken = "sign in again and run the same command",
      AccessDenied = "weir permissions deploy prints what is needed",
    } do
      for position = 0, count - 1 do
        local faults = {}
        for i = 1, position do faults[i] = { kind = "pass" } end
        faults[position + 1] = refusal(code)
        cloud.reset()
        cloud.control("POST", "stacks", json.array {})
        cloud.faults(table.unpack(faults))
        local result = plan(ONE)
        local said = result.stdout .. result.stderr
        assert.equal(6, result.status, position .. ": " .. said)
        assert.matches(advice, said, 1, true)
        assert.matches("111122223333", said, 1, true)
      end
    end
  end)

  it("says which Rule of a template an estate breaks, of that stack alone", function()
    local without, count = THREE:gsub('AslKey = "a",', "")
    assert.equal(1, count)
    local result = plan(without)
    assert.equal(6, result.status)
    assert.matches("\nweir%-core +111122223333 eu%-west%-1  absent  cannot be planned: ",
      result.stdout)
    assert.matches("the workflow needs AslKey, the key of its definition", result.stdout, 1, true)
    assert.matches("\nweir%-shared +777788889999 eu%-west%-1  absent  would be created",
      result.stdout)
    assert.equal("", left())
  end)

  it("finds what a changed parameter does to what is deployed", function()
    local tokens = ONE:gsub('"link"', '"tokens"'):gsub("accounts =",
      'features = { "GlobalTokens" }, parameters = { tokens = { ReplicaRegion = "eu-west-3" } }, '
        .. 'accounts =')
    stack { name = "weir-tokens", status = "CREATE_COMPLETE",
      template = files.read("deploy/cloudformation/tokens.yaml"),
      parameters = { EnableGlobalTokens = "true", Prefix = "old", ReplicaRegion = "eu-west-3" } }
    local result = plan(tokens)
    assert.equal(1, result.status, result.stdout .. result.stderr)
    assert.matches("~ %w+  AWS::DynamoDB::GlobalTable  REPLACED\n", result.stdout)
  end)

  it("says of a file that is nested too deeply just that", function()
    local result = plan("return " .. ("{"):rep(300) .. ("}"):rep(300))
    assert.equal(3, result.status)
    assert.matches(":1: error[W301] this is nested too deeply\n", result.stderr, 1, true)
    assert.is_nil(result.stderr:find("traceback", 1, true))
  end)

  it("needs the file and the templates", function()
    local result = run { "deploy", "plan", "/nowhere/estate.lua" }
    assert.equal(6, result.status)
    assert.matches("/nowhere/estate.lua", result.stderr, 1, true)
    result = plan(ONE, "--templates", "/nowhere")
    assert.equal(6, result.status)
    assert.matches("name their folder with --templates", result.stderr, 1, true)
    result = run { "deploy", "destroy", "estate.lua" }
    assert.equal(2, result.status)
    assert.matches("unknown action 'destroy'; the actions are plan and apply", result.stderr, 1,
      true)
  end)
end)
