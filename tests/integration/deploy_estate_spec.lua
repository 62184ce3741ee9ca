-- An estate of four accounts, deployed in one go: what one stack puts out and another takes, the
-- artifacts in S3, and the policy of the access point.
local cloud = require "support.aws"
local deployment = require "support.deployment"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local sha256 = require "weir.sha256"
local stacks = require "support.stacks"

local FIRST, SECOND = "111122223333", "222233334444"
local ACCESS_POINT = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"

local FOUR = [[
local function_package = "FOLDER/code.zip"
local access_point = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"

return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Boundary", "Batch", "TokenStore", "Polling", "Sink", "Alerts", "Alarms", "Link",
    "Policy" },
  artifacts = {
    bucket = "weir-artifacts-{account}-{region}",
    layer = "FOLDER/layer.zip",
    code = function_package,
  },
  parameters = {
    core = { AccessPointArn = access_point, RoutingThreshold = 20 },
    storage = { AccessPointArn = access_point },
  },
  accounts = {
    { id = "444455556666", kind = "storage",
      role = { arn = "arn:aws:iam::444455556666:role/deployer" } },
    { id = "777788889999", kind = "shared",
      role = { arn = "arn:aws:iam::777788889999:role/deployer" } },
    { id = "111122223333", kind = "workload", external_id = "of-the-first-account-1",
      stacks = { "boundary", "core", "link" } },
    { id = "222233334444", kind = "workload", external_id = "of-the-second-account-2",
      role = { arn = "arn:aws:iam::222233334444:role/deployer" },
      stacks = { "boundary", "core", "link" } },
  },
}
]]

describe("weir deploy apply of four accounts", function()
  local folder, estate

  setup(function()
    cloud.control("POST", "plain_buckets", json.array {
      "weir-artifacts-111122223333-eu-west-1", "weir-artifacts-222233334444-eu-west-1",
    })
  end)

  before_each(function()
    stacks.reset()
    folder = files.directory { ["layer.zip"] = "layer " .. os.tmpname(), ["code.zip"] = "code" }
    estate = FOUR:gsub("FOLDER", folder)
  end)

  after_each(function() files.remove(folder) end)

  -- stack → name → value, of what is deployed in an account
  local function parameters_of(account)
    local values = {}
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      if each.account == account then values[each.name] = each.parameters end
    end

    return values
  end

  local function done(outcome)
    assert.is_true(outcome.done, outcome.message)
    return outcome
  end

  -- What weir permissions deploy prints for an account, as the only policy of who deploys there.
  local function printed(account)
    local result = run { "permissions", "deploy", "--json", "--region", "eu-west-1", "--account",
      account }
    return assert(json.decode(result.stdout), result.stderr)
  end

  local function allow(action, resource)
    return { Version = "2012-10-17", Statement = json.array {
      { Effect = "Allow", Action = action, Resource = resource },
    } }
  end

  -- The caller, who may take the deployers' roles, and those roles; `change` sees each policy
  -- first.
  local function only_what_is_printed(change)
    local caller, roles = "arn:aws:iam::111122223333:user/deployer", json.array {}
    for i, account in ipairs { "444455556666", "777788889999", "222233334444" } do
      local trust = allow("sts:AssumeRole", nil)
      trust.Statement[1].Principal = { AWS = caller }
      roles[i] = {
        arn = ("arn:aws:iam::%s:role/deployer"):format(account),
        policies = json.array { change(printed(account)) },
        trust = trust,
      }
    end

    cloud.control("POST", "roles", {
      caller = { arn = caller, policies = json.array {
        change(printed "111122223333"),
        allow("sts:AssumeRole", "arn:aws:iam::*:role/deployer"),
      } },
      roles = roles,
      strict = true,
    })
  end

  -- Takes one action out of a policy.
  local function all_but(action)
    return function(policy)
      for _, statement in ipairs(policy.Statement) do
        for i = #statement.Action, 1, -1 do
          if statement.Action[i] == action then table.remove(statement.Action, i) end
        end
      end

      return policy
    end
  end

  it("needs no more than weir permissions deploy prints", function()
    only_what_is_printed(function(policy) return policy end)
    done(deployment.apply(estate))
    assert.same(json.array {}, cloud.control("GET", "refusals"))
  end)

  it("says what is refused to who may do less, and deploys nothing there", function()
    only_what_is_printed(all_but "cloudformation:CreateChangeSet")

    local outcome = deployment.apply(estate)
    assert.is_falsy(outcome.done)
    local refused = cloud.control("GET", "refusals")
    assert.equal("cloudformation:CreateChangeSet", refused[1].action)
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      assert.not_equal("CREATE_COMPLETE", each.status)
    end
  end)

  it("names the resource that CloudFormation may not make in the caller's name, and goes on later",
    function()
    only_what_is_printed(all_but "states:CreateStateMachine")

    local outcome = deployment.apply(estate)
    assert.equal("OperationFailed", outcome.code)
    assert.matches("stack weir-core of account 111122223333 in eu-west-1: the change failed and "
      .. "was rolled back (ROLLBACK_COMPLETE): Inference CREATE_FAILED: Resource handler returned "
      .. 'message: "User: arn:aws:iam::111122223333:user/deployer is not authorized to perform: '
      .. "states:CreateStateMachine on resource: arn:aws:states:eu-west-1:111122223333:"
      .. "stateMachine:Inference-1A2B3C", outcome.message, 1, true)

    only_what_is_printed(function(policy) return policy end)
    done(deployment.apply(estate))
  end)

  it("goes from the storage account to the workloads, and gives each stack what others put out",
    function()
    done(deployment.apply(estate))

    local names = {}
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      if each.status == "CREATE_COMPLETE" then names[#names + 1] = each.account .. " "
        .. each.name end
    end

    assert.same({
      "444455556666 weir-boundary", "444455556666 weir-storage",
      "444455556666 weir-access-111122223333", "444455556666 weir-access-222233334444",
      "444455556666 weir-policy", "777788889999 weir-boundary", "777788889999 weir-shared",
      "111122223333 weir-boundary", "111122223333 weir-core", "111122223333 weir-link",
      "222233334444 weir-boundary", "222233334444 weir-core", "222233334444 weir-link",
    }, names)

    local storage, first = parameters_of "444455556666", parameters_of(FIRST)
    assert.equal("arn:aws:iam::444455556666:policy/weir-boundary",
      storage["weir-access-" .. FIRST].BoundaryArn)
    assert.equal("arn:aws:iam::444455556666:role/weir-storage-access-111122223333,"
      .. "arn:aws:iam::444455556666:role/weir-storage-access-222233334444",
      storage["weir-policy"].AccessRoleArns)
    assert.equal("444455556666", first["weir-boundary"].StorageAccountId)
    assert.equal("arn:aws:iam::111122223333:policy/weir-boundary", first["weir-core"].BoundaryArn)
    assert.matches("^arn:aws:oam:eu%-west%-1:777788889999:sink/", first["weir-link"].SinkArn)
    assert.matches("^arn:aws:sns:eu%-west%-1:777788889999:", first["weir-core"].AlarmTopicArn)
    assert.equal("20", first["weir-core"].RoutingThreshold)
    assert.equal("111122223333,222233334444",
      parameters_of("777788889999")["weir-shared"].WorkloadAccountIds)
  end)

  it("trusts the roles that the workload's stacks make, by their names", function()
    done(deployment.apply(estate))
    local trusted = parameters_of("444455556666")["weir-access-" .. SECOND].WorkloadRoleArns
    local outputs = {}
    local client =
      stacks.client { role = { arn = "arn:aws:iam::222233334444:role/deployer", session_name =
      "look" } }
    for _, each in ipairs(client:describe_stacks { StackName = "weir-core" }.Stacks[1].Outputs) do
      outputs[each.OutputKey] = each.OutputValue
    end

    local seen = 0
    for arn in outputs.FileRoleArns:gmatch("[^,]+") do
      seen = seen + 1
      assert.matches(arn, trusted, 1, true)
    end

    assert.is_true(seen > 0)
  end)

  it("puts artifacts under the digests of their content, once, and only into buckets of the "
    .. "account", function()
    local outcome = done(deployment.apply(estate))
    local layer = "weir/" .. sha256.file(folder .. "/layer.zip") .. ".zip"
    local workflow = "weir/" .. sha256.file "deploy/state-machines/inference.asl.json" .. ".json"
    for _, account in ipairs { FIRST, SECOND } do
      local core = parameters_of(account)["weir-core"]
      assert.equal(layer, core.LayerKey)
      assert.equal(workflow, core.AslKey)
      assert.equal(("weir-artifacts-%s-eu-west-1"):format(account), core.ArtifactBucket)
      assert.matches(("s3://weir-artifacts-%s-eu-west-1/%s put"):format(account, layer),
        table.concat(outcome.log, "\n"), 1, true)
    end

    for _, request in ipairs(cloud.requests()) do
      if request.operation == "PutObject" then
        local owner = request.headers["x-amz-expected-bucket-owner"]
        assert.matches(("/weir-artifacts-%s-"):format(owner), request.url, 1, true)
        assert.equal("*", request.headers["if-none-match"])
      end
    end

    outcome = done(deployment.apply(estate))
    assert.is_nil(table.concat(outcome.log, "\n"):find(" put", 1, true))
  end)

  it("sets the policy of the access point, which keeps everybody else out, and sets it once",
    function()
    done(deployment.apply(estate))
    local policy = json.decode(cloud.control("GET", "access_points")["444455556666 files"])
    local deny = policy.Statement[2]
    assert.equal("Deny", deny.Effect)
    assert.equal("*", deny.Principal)
    assert.same({ ACCESS_POINT, ACCESS_POINT .. "/object/*" }, deny.Resource)
    assert.same({ "arn:aws:iam::444455556666:role/weir-storage-access-111122223333",
      "arn:aws:iam::444455556666:role/weir-storage-access-222233334444" },
      deny.Condition.StringNotEquals["aws:PrincipalArn"])
    for _, action in ipairs(deny.Action) do assert.not_equal("s3:*", action) end

    done(deployment.apply(estate))
    assert.equal(1, #stacks.requested "PutAccessPointPolicy")
  end)

  it("tells what it costs a month, of what is there and of what would come", function()
    local function alarms_of(outcome)
      for _, row in ipairs(outcome.rows) do
        if row.stack.name == "weir-core" then return row.price end
      end
    end

    local before = alarms_of(done(deployment.apply(estate)))
    local after = alarms_of(deployment.apply(estate))
    assert.is_true(before.monthly > 0)
    assert.same(before, after)
    assert.matches("× Alarm", before.parts[1], 1, true)
  end)

  it("has nothing left to do when it is planned again", function()
    done(deployment.apply(estate))
    local rows = deployment.apply(estate).rows
    assert.is_true(#rows > 0)
    for _, row in ipairs(rows) do
      assert.is_nil(row.error)
      assert.is_false(row.differs, row.stack.name)
      assert.is_nil(row.policy)
    end
  end)

  it("plans what has to wait for another stack", function()
    local outcome = deployment.apply(estate)
    local waiting = {}
    for _, row in ipairs(outcome.rows) do
      if row.waits_for then waiting[#waiting + 1] = row.stack.name .. " "
        .. row.waits_for[1].name end
    end

    assert.same({ "weir-policy weir-access-111122223333", "weir-link weir-shared",
      "weir-link weir-shared" }, waiting)
  end)

  it("names the bucket that is not there, before any stack is touched", function()
    local outcome = deployment.apply((estate:gsub("weir%-artifacts%-", "weir-nowhere-")))
    assert.equal("NoSuchBucket", outcome.code)
    assert.matches("aws s3 mb s3://weir-nowhere-111122223333-eu-west-1 --region eu-west-1",
      outcome.message, 1, true)
    assert.same({}, stacks.requested "ExecuteChangeSet")
  end)

  it("names the model that is not there, before any stack is touched", function()
    local outcome = deployment.apply([[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Endpoint" },
  parameters = { endpoint = {
    ImageUri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/model:1",
    ModelDataUrl = "s3://bucket/models/nothing.tar.gz",
  } },
  accounts = { { id = "111122223333", kind = "workload", stacks = { "endpoint" } } },
}]])
    assert.equal("NotFound", outcome.code)
    assert.matches(
      "ModelDataUrl of stack weir-endpoint, s3://bucket/models/nothing.tar.gz: it is not there; "
      .. "put it there first", outcome.message, 1, true)
    assert.same({}, stacks.requested "ExecuteChangeSet")
  end)

  it("sends a template that is too large for a request through S3", function()
    local link = files.read "deploy/cloudformation/link.yaml"
    local large = link .. ("# " .. ("x"):rep(98) .. "\n"):rep(500)
    assert.is_true(#large > 51200)
    local text = estate:gsub('"boundary", "core", "link"', '"core", "link"')
    local outcome = done(deployment.apply(text, { templates = { link = large } }))
    assert.is_table(outcome.rows)
    local urls = {}
    for _, input in ipairs(stacks.requested "CreateChangeSet") do
      if input.StackName == "weir-link" then
        assert.is_nil(input.TemplateBody)
        urls[input.TemplateURL] = true
      end
    end

    for _, account in ipairs { FIRST, SECOND } do
      assert.is_true(urls[("https://weir-artifacts-%s-eu-west-1.s3.eu-west-1.amazonaws.com/weir/"
        .. "%s.yaml"):format(account, sha256.hex(large))])
    end
  end)
end)
