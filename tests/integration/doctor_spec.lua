-- weir doctor against the model-checked servers: what is well is ok, what is broken is wrong, what
-- nobody answered is neither; nothing is changed, and no more is asked than its permissions allow.
local cloud = require "support.aws"
local credentials = require "weir.aws.credentials"
local doctor_of = require "weir.doctor"
local estates = require "weir.deploy.estate"
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"
local sessions = require "weir.deploy.session"
local sha256 = require "weir.sha256"
local sorted_pairs = require "weir.sorted_pairs"
local bytes = require "weir.bytes"
local stacks = require "support.stacks"

local HOME, STORAGE = "111122223333", "444455556666"
local POINT = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"
local EXTERNAL_ID = "an-external-id-of-111122223333"
local ACCESS_ROLE = "arn:aws:iam::444455556666:role/weir-storage-access-111122223333"
local CALLER = "arn:aws:iam::111122223333:role/weir-eu-west-1-discovery"
local DEPLOYER = "arn:aws:iam::444455556666:role/deployer"
local LAYER = "arn:aws:lambda:eu-west-1:111122223333:layer:Layer1A2B:3"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Policy" },
  artifacts = { bucket = "weir-artifacts", layer = "%s/layer.zip" },
  parameters = { storage = { AccessPointArn = "]] .. POINT .. [[" } },
  accounts = {
    { id = "444455556666", kind = "storage", stacks = { "storage" },
      role = {
        arn = "arn:aws:iam::444455556666:role/deployer",
        external_id = "of-the-deployer-1",
      } },
    { id = "111122223333", kind = "workload", external_id = "]] .. EXTERNAL_ID .. [[",
      stacks = { "core" } },
  },
}
]]

-- Who may take the role: this account's functions, with this External ID.
local function trust(condition)
  return { Version = "2012-10-17", Statement = json.array { {
    Effect = "Allow",
    Principal = { AWS = "arn:aws:iam::111122223333:root" },
    Action = "sts:AssumeRole",
    Condition = condition or {
      StringEquals = { ["sts:ExternalId"] = EXTERNAL_ID },
      ArnEquals = { ["aws:PrincipalArn"] = CALLER },
    },
  } } }
end

local function policy(actions, resources)
  return { Version = "2012-10-17", Statement = json.array { {
    Effect = "Allow", Action = json.array(actions), Resource = json.array(resources) } } }
end

local POINT_POLICY = policy({ "s3:GetObject", "s3:ListBucket", "s3:GetBucketNotification" },
  { POINT, POINT .. "/object/*" })
POINT_POLICY.Statement[1].Principal = { AWS = ACCESS_ROLE }

local function binary(hex)
  return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function printed_permissions(account)
  local printed = run { "permissions", "doctor", "--json", "--region", "eu-west-1", "--account",
    account }
  return json.array { assert(json.decode(printed.stdout)) }
end

describe("weir doctor", function()
  local folder, here, there

  setup(function()
    here, there = printed_permissions(HOME), printed_permissions(STORAGE)
    here[2] = policy({ "sts:AssumeRole" }, { DEPLOYER }) -- a role of the estate file
  end)

  local function roles(more)
    local given = {
      caller = { arn = CALLER, policies = here },
      roles = json.array {
        { arn = DEPLOYER, policies = there, trust = { Version = "2012-10-17", Statement =
          json.array { { Effect = "Allow", Action = "sts:AssumeRole",
            Principal = { AWS = CALLER },
            Condition = { StringEquals = { ["sts:ExternalId"] = "of-the-deployer-1" } } } } } },
        { arn = ACCESS_ROLE, trust = trust(), policies = json.array {
          policy({ "s3:GetObject", "s3:ListBucket", "s3:GetBucketNotification" },
            { POINT, POINT .. "/object/*" }) } },
      },
    }
    for key, value in pairs(more or {}) do given[key] = value end
    cloud.control("POST", "roles", given)
  end

  -- The estate as it should be.
  before_each(function()
    stacks.reset()
    folder = files.directory { ["layer.zip"] = "a layer" }
    files.write(folder .. "/estate.lua", ESTATE:format(folder))
    roles()
    cloud.control("POST", "access_points", json.array {
      { arn = POINT, bucket = "bucket", policy = POINT_POLICY } })
    for _, name in ipairs { "weir-storage", "weir-access-" .. HOME } do
      stacks.stack { name = name, account = STORAGE, status = "CREATE_COMPLETE" }
    end

    stacks.stack { name = "weir-policy", account = STORAGE, status = "CREATE_COMPLETE",
      outputs = { AccessPointPolicy = json.encode(POINT_POLICY) } }
    stacks.stack { name = "weir-core", status = "UPDATE_COMPLETE",
      parameters = { PolicySource = "" }, resources = {
        Layer = { Type = "AWS::Lambda::LayerVersion", physical = LAYER },
        Rule = { Type = "AWS::Events::Rule", physical = "weir-core-Rule" },
        Schedule = { Type = "AWS::Scheduler::Schedule", physical = "weir-core-Schedule" },
      } }
    cloud.control("POST", "starters", { rules = { ["weir-core-Rule"] = "ENABLED" },
      schedules = { ["weir-core-Schedule"] = {} } })
    cloud.control("POST", "functions", { layers = { Layer1A2B = json.array { 3 } },
      digests = { [LAYER] = bytes.base64(binary(sha256.hex "a layer")) } })
  end)

  after_each(function() files.remove(folder) end)

  local function doctor(...)
    local words = { "doctor", folder .. "/estate.lua", ... }
    words.env = stacks.environment()
    return run(words)
  end

  -- "check outcome: message" of all that is not ok
  local function complaints()
    local result, list = doctor "--json", {}
    assert.is_true(json_schema.check("docs/json/doctor.schema.json", result.stdout,
      { lines = true }))
    for line in result.stdout:gmatch "[^\n]+" do
      local each = assert(json.decode(line))
      if each.outcome ~= "ok" then
        assert.is_string(each.remedy)
        list[#list + 1] = ("%s %s: %s"):format(each.check, each.outcome, each.message)
      end
    end

    return list, result.status, result
  end

  it("names the layer of the estate that cannot be read", function()
    os.remove(folder .. "/layer.zip")
    local result = doctor "--json"
    local failure = json.decode(result.stdout)
    assert.same({ 6, 6, "FileFailed" }, { result.status, failure.exit, failure.code })
    assert.matches("the layer of the estate: .*layer%.zip: No such file", failure.error)
    assert.is_true(json_schema.check("docs/json/doctor.schema.json", result.stdout))
  end)

  it("finds everything as it should be, asks no more than it may, and changes nothing", function()
    local result = doctor()
    assert.equal("weir: doctor: 19 ok, 0 wrong, 0 that could not be told\n", result.stderr,
      result.stdout)
    assert.equal(0, result.status)
    assert.matches("ok           notifications  111122223333 eu-west-1  " .. POINT
      .. ": there are none yet; reconcile finds what is new\n", result.stdout, 1, true)
    assert.is_nil((result.stdout .. result.stderr):find(EXTERNAL_ID, 1, true))

    -- What was refused are the roles without their External IDs, and nothing else.
    local refused = {}
    for i, each in ipairs(cloud.control("GET", "refusals")) do
      refused[i] = each.action .. " " .. each.resource:match "[^/]+$"
    end

    assert.same({ "sts:AssumeRole deployer", "sts:AssumeRole weir-storage-access-111122223333",
      "sts:AssumeRole weir-storage-access-111122223333" }, refused)
    for _, request in ipairs(cloud.requests()) do
      local name = request.operation
      assert.is_truthy(name:find "^Get" or name:find "^List" or name:find "^Describe"
        or name == "AssumeRole", name)
    end
  end)

  it("finds a role that is taken without its External ID", function()
    roles { roles = json.array { { arn = ACCESS_ROLE, trust = trust {
      ArnEquals = { ["aws:PrincipalArn"] = CALLER } } } } }
    local list, status = complaints()
    assert.equal(1, status)
    assert.same({ "role wrong: it is taken without an External ID",
      "role wrong: it is taken with another External ID" }, list)
  end)

  describe("of a role that refuses this caller", function()
    local OTHERS = { ["aws:PrincipalArn"] = CALLER .. "-other" }

    it("reads the trust policy, and does not tell of what is behind the role", function()
      roles { roles = json.array { { arn = ACCESS_ROLE, trust = trust {
        StringEquals = { ["sts:ExternalId"] = json.array { EXTERNAL_ID, "the-next-one-12" } },
        ArnEquals = OTHERS } } } }
      local list, status, result = complaints()
      assert.equal(5, status)
      assert.equal(2, #list)
      assert.matches("access point cannot tell: it refuses this caller", list[1], 1, true)
      assert.matches("notifications cannot tell: ", list[2], 1, true)
      assert.matches("its trust policy demands the External ID", result.stdout, 1, true)
    end)

    it("takes no refusal for proof: it finds a policy that demands nothing, or another", function()
      local without = "its trust policy lets in without an External ID"
      local not_ours = "its trust policy does not let in with the External ID of the estate"
      for _, case in ipairs {
        { without, { ArnEquals = OTHERS } },
        { without, { StringLike = { ["sts:ExternalId"] = "*" }, ArnEquals = OTHERS } },
        { not_ours, { StringEquals = { ["sts:ExternalId"] = "another-one-123" },
          ArnEquals = OTHERS } },
      } do
        roles { roles = json.array { { arn = ACCESS_ROLE, trust = trust(case[2]) } } }
        local list, status = complaints()
        assert.equal(1, status)
        assert.equal("role wrong: " .. case[1], list[1])
      end
    end)
  end)

  it("finds what is switched off or gone", function()
    cloud.control("POST", "starters", { rules = { ["weir-core-Rule"] = "DISABLED" } })
    stacks.change { name = "weir-core", resources = {
      Rule = { Type = "AWS::Events::Rule", physical = "weir-core-Rule" },
      Schedule = { Type = "AWS::Scheduler::Schedule", physical = "weir-core-Gone" },
      Table = { Type = "AWS::DynamoDB::Table", physical = "weir-core-Tokens" },
      Layer = { Type = "AWS::Lambda::LayerVersion", physical = LAYER:gsub("3$", "4") },
    }, parameters = { PolicySource = "s3://bucket/not/there.lua" } }
    local list, status = complaints()
    assert.equal(1, status)
    table.sort(list)
    assert.same({
      "layer wrong: the layer of this version is not there any more",
      "policies cannot tell: s3 HeadObject: Forbidden",
      "rule wrong: it is switched off",
      "schedule wrong: it is not there",
      "table wrong: the table is not there",
    }, { list[1], list[2]:sub(1, 46), list[3], list[4], list[5] })
  end)

  it("finds another layer than this program's", function()
    files.write(folder .. "/layer.zip", "another layer")
    local list, status = complaints()
    assert.equal(1, status)
    assert.equal(1, #list)
    assert.matches("layer wrong: another layer than this program's, ", list[1], 1, true)
  end)

  it("tells how the stacks are", function()
    stacks.change { name = "weir-core", status = "UPDATE_ROLLBACK_COMPLETE" }
    stacks.change { name = "weir-policy", account = STORAGE, status = "DELETE_COMPLETE" }
    stacks.change { name = "weir-storage", account = STORAGE, status = "UPDATE_IN_PROGRESS" }
    local list, status = complaints()
    assert.equal(1, status)
    assert.same({
      "stack cannot tell: it is changed just now: UPDATE_IN_PROGRESS",
      "stack wrong: it is not deployed",
      "stack wrong: its last update failed and was rolled back",
    }, list)
  end)

  it("finds another policy on the access point", function()
    stacks.change { name = "weir-policy", account = STORAGE,
      outputs = { AccessPointPolicy = json.encode(policy({ "s3:GetObject" }, { POINT })) } }
    local list, status = complaints()
    assert.equal(1, status)
    assert.same({ "access policy wrong: the access point has another policy, or none" }, list)
  end)

  it("finds a clock that is wrong, and works nevertheless", function()
    cloud.clock(-200)
    local list, status = complaints()
    assert.equal(1, status)
    assert.equal(1, #list)
    assert.matches("^clock wrong: this machine's clock is %d+ s fast$", list[1])
  end)

  it("asks no further in an account that is another one", function()
    files.write(folder .. "/estate.lua", (ESTATE:format(folder):gsub('id = "111122223333"',
      'id = "999988887777"')))
    local list, status = complaints()
    assert.equal(1, status)
    assert.equal("identity wrong: the credentials are of account 111122223333", list[1])
    for _, request in ipairs(stacks.requested "DescribeStacks") do
      assert.not_equal("weir-core", request.StackName)
    end
  end)

  it("says what it is not allowed to ask, and where that is printed", function()
    roles { caller = { arn = CALLER, policies = json.array {} } }
    local _, status, result = complaints()
    assert.equal(5, status)
    assert.matches("weir permissions doctor prints what is needed", result.stdout, 1, true)
  end)

  -- What doctor finds in this process, where nothing sleeps: "check subject" → { outcome, … }
  local function examined()
    local found, order = {}, {}
    credentials.reset()
    local estate = assert(estates.read(files.read(folder .. "/estate.lua"), "estate.lua"))
    stacks.in_no_time(function()
      doctor_of.examine(sessions.new {
        estate = estate,
        config = { credentials = cloud.credentials, getenv = cloud.environment() },
      }, {
        version = "1",
        layer = sha256.hex "a layer",
        shown = function(each)
          local key = ("%s %s %s"):format(each.check, each.account, each.subject)
          found[key] = found[key] or {}
          table.insert(found[key], each)
          order[#order + 1] = each
        end,
      })
    end)

    return found, order
  end

  local function fault(status, code, more)
    local body = ("<ErrorResponse><Error><Code>%s</Code><Message>as AWS says</Message></Error>"
      .. "</ErrorResponse>"):format(code)
    local made = { kind = "status", status = status, body = body,
      headers = { ["Content-Type"] = "text/xml", ["x-amzn-errortype"] = code } }
    for key, value in pairs(more or {}) do made[key] = value end -- any order: copies each by itself

    return made
  end

  local FAULTS = {
    throttled = fault(400, "Throttling"),
    expired = fault(400, "ExpiredToken"), -- with the status that S3 gives it
    refused = fault(403, "AccessDenied"),
  }

  for name, what in sorted_pairs(FAULTS) do
    it("takes no answer that did not come for fine, nor for wrong: " .. name, function()
      local good, all = examined()
      assert.equal(19, #all)
      local count = #cloud.requests()
      assert.is_true(count > 25)

      for position = 0, count - 1 do
        local faults = {}
        for i = 1, position do faults[i] = { kind = "pass" } end
        faults[position + 1] = what
        cloud.faults(table.unpack(faults))
        local _, order = examined()
        for _, each in ipairs(order) do
          local place = ("%d: %s %s: %s"):format(position, each.check, each.outcome, each.message)
          -- The clock is looked at with the first account that answers.
          local before = each.check == "clock"
            or good[("%s %s %s"):format(each.check, each.account, each.subject)]
          assert.not_equal("wrong", each.outcome, place)
          assert.is_true(before ~= nil or each.outcome == "cannot tell", place)
          if each.outcome == "cannot tell" then assert.is_string(each.remedy, place) end
          if each.message:find("ExpiredToken", 1, true) then
            assert.matches("sign in again", each.remedy, 1, true)
          end
        end

        if name == "throttled" then assert.equal(19, #order) end
      end
    end)
  end

  it("reports the first answer of notifications that is not NotImplemented", function()
    cloud.control("POST", "access_points", json.array {
      { arn = POINT, bucket = "bucket", policy = POINT_POLICY, notifies = true } })
    local list, status = complaints()
    assert.equal(1, status)
    assert.same({ "notifications wrong: the answer is not NotImplemented any more: a "
      .. "configuration" }, list)
  end)
end)
