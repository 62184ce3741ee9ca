-- Across accounts: who may take the storage account's role, and what that role then may do; what
-- else the templates let in from outside. IAM's own decision on each, by the resolved templates.
local json = require "weir.json"
local templates = require "support.templates"

local W, S, SHARED = templates.WORKLOAD, templates.STORAGE, templates.SHARED
local POINT = templates.values.storage.AccessPointArn
local ROLE = templates.FILE_ROLE
local SESSION = ("arn:aws:sts::%s:assumed-role/weir-%s-realtime-inference/fn"):format(W,
  templates.REGION)
local STORAGE_ROLE = templates.values.core.StorageRoleArn
local STORAGE_SESSION = ("arn:aws:sts::%s:assumed-role/weir-storage-access-%s/s"):format(S, W)

local EVERYTHING = {
  Version = "2012-10-17",
  Statement = { { Effect = "Allow", Action = "*", Resource = "*" } },
}
local YES, NO, NEVER = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"

-- The resolved templates of the estate, once.
local estate = {}

local function resolve(name, account, more)
  return {
    check = "resolve",
    file = templates.path(name),
    parameters = templates.given(name, more),
    place = templates.place(account, "weir-" .. name),
  }
end

local function document_of(role)
  return role.Properties.Policies[1].PolicyDocument
end

setup(function()
  local answers = templates.ask {
    resolve("core", W),
    resolve("storage", S, { NextExternalId = false }),
    resolve("boundary", W),
    resolve("boundary", S, { StorageAccountId = false }),
    resolve("shared", SHARED),
    resolve("storage", S),
    resolve("boundary", W, { StorageAccountId = "999999999999" }),
    resolve("shared", SHARED, { OrganizationId = false }),
  }

  for i, name in ipairs { "core", "storage", "boundary", "storage_boundary", "shared", "rotating",
    "other_boundary", "accounts" } do
    assert.same(json.array {}, answers[i].problems, name)
    estate[name] = answers[i]
  end
end)

local function boundary_of(name)
  return estate[name].resources.BoundaryPolicy.Properties.PolicyDocument
end

-- { verdict, what it is about, question } … , all of them in one go
local function judge(cases)
  local questions = {}
  for i, case in ipairs(cases) do
    questions[i] = case[3]
    case[3].check = "decide"
  end

  local wrong = {}
  for i, answer in ipairs(templates.ask(questions)) do
    if answer.verdict ~= cases[i][1] then
      wrong[#wrong + 1] = ("%s: %s, not %s"):format(cases[i][2], answer.verdict, cases[i][1])
    end
  end

  assert.same({}, wrong)
end

local function replaced(given, more)
  local copy = {}
  for key, value in pairs(given) do copy[key] = value end
  for key, value in pairs(more or {}) do
    copy[key] = value
    if value == json.null then copy[key] = nil end
  end

  return copy
end

describe("the storage account's role", function()
  -- Taking it, as the workload's function does.
  local function take(more)
    return replaced({
      principal = SESSION,
      action = "sts:AssumeRole",
      resource = STORAGE_ROLE,
      account = S,
      context = { ["sts:ExternalId"] = templates.EXTERNAL_ID, ["aws:PrincipalArn"] = ROLE },
      policies = { document_of(estate.core.resources.RealtimeRole) },
      boundary = boundary_of "boundary",
      resourcePolicy = estate.storage.resources.AccessRole.Properties.AssumeRolePolicyDocument,
    }, more)
  end

  local function presenting(id, arn)
    return { ["sts:ExternalId"] = id, ["aws:PrincipalArn"] = arn or ROLE }
  end

  it("is taken with the right External ID, by the right role of the right account", function()
    local rotating = estate.rotating.resources.AccessRole.Properties.AssumeRolePolicyDocument
    local other = "arn:aws:iam::" .. W .. ":role/other"
    local stranger = ROLE:gsub(W, "444444444444")
    local denied = { {
      name = "scp",
      policies = { { name = "scp", policy = { Version = "2012-10-17", Statement = {
        { Effect = "Allow", Action = "*", Resource = "*" },
        { Effect = "Deny", Action = "sts:AssumeRole", Resource = "*" },
      } } } },
      orgIdentifier = "ou-1",
    } }
    judge {
      { YES, "as it is", take() },
      { YES, "by the role itself", take { principal = ROLE } },
      {
        NO,
        "with another External ID",
        take { context = presenting "an-external-id-of-444444444444" },
      },
      {
        NO,
        "with part of the External ID",
        take { context = presenting(templates.EXTERNAL_ID:sub(1, -2)) },
      },
      { NO, "without one", take { context = { ["aws:PrincipalArn"] = ROLE } } },
      {
        NO,
        "with the next one, before the rotation",
        take { context = presenting "the-next-id-of-222222222222" },
      },
      { YES, "with the next one, in the rotation",
        take { context = presenting "the-next-id-of-222222222222",
        resourcePolicy = rotating } },
      { YES, "with the old one, in the rotation", take { resourcePolicy = rotating } },
      { NO, "by another role of the account that may do everything", take { principal = other,
        context = presenting(templates.EXTERNAL_ID, other), policies = { EVERYTHING },
        boundary = json.null } },
      { NO, "by a role of the same name in another account", take { principal = stranger,
        context = presenting(templates.EXTERNAL_ID, stranger), policies = { EVERYTHING },
        boundary = json.null } },
      { NO, "without a grant of its own", take { policies = {
        document_of(estate.core.resources.RoutingRole) } } },
      {
        NO,
        "under a boundary for another storage account",
        take { boundary = boundary_of "other_boundary" },
      },
      { NEVER, "under a service control policy that denies it", take { scps = denied } },
      { NO, "another role of the storage account",
        take { resource = "arn:aws:iam::" .. S .. ":role/admin",
        resourcePolicy = json.null } },
    }
  end)

  -- In it, through the access point.
  local function ask(action, resource, more)
    return replaced({
      principal = STORAGE_SESSION,
      action = action,
      resource = resource,
      account = S,
      context = { ["aws:PrincipalArn"] = STORAGE_ROLE },
      policies = { document_of(estate.storage.resources.AccessRole) },
      boundary = boundary_of "storage_boundary",
      resourcePolicy = assert(json.decode(estate.storage.outputs.AccessPointPolicy)),
    }, more)
  end

  it("reads, writes and lists through the access point, and nothing else", function()
    local object = POINT .. "/object/in/a.tif"
    local elsewhere = POINT:gsub("scans", "payroll")
    local admin = { principal = "arn:aws:iam::" .. S .. ":role/admin", policies = { EVERYTHING },
      boundary = json.null,
      context = { ["aws:PrincipalArn"] = "arn:aws:iam::" .. S .. ":role/admin" } }
    local reader = { Version = "2012-10-17",
      Statement = { { Effect = "Allow", Action = "s3:GetObject",
      Resource = "*" } } }
    judge {
      { YES, "an object is read", ask("s3:GetObject", object) },
      { YES, "an object is written", ask("s3:PutObject", object) },
      { YES, "the files are listed", ask("s3:ListBucket", POINT) },
      { NO, "nothing is deleted", ask("s3:DeleteObject", object) },
      { NO, "the policy is not changed", ask("s3:PutAccessPointPolicy", POINT) },
      {
        NO,
        "another access point",
        ask("s3:GetObject", elsewhere .. "/object/a", { resourcePolicy = json.null })
      },
      { NO, "the alias as a bucket's ARN",
        ask("s3:GetObject", "arn:aws:s3:::scans-ab12-ext-s3alias/a",
        { resourcePolicy = json.null }) },
      {
        YES,
        "reading, in a session that may only read",
        ask("s3:GetObject", object, { sessionPolicy = reader })
      },
      {
        NO,
        "writing, in a session that may only read",
        ask("s3:PutObject", object, { sessionPolicy = reader })
      },
      {
        NEVER,
        "an administrator of the storage account reads",
        ask("s3:GetObject", object, admin)
      },
      {
        NEVER,
        "an administrator of the storage account deletes",
        ask("s3:DeleteObject", object, admin)
      },
      { YES, "an administrator changes the policy: nobody is locked out",
        ask("s3:PutAccessPointPolicy", POINT, admin) },
    }
  end)

  it("is named by nobody else: the access point's Deny names the very roles", function()
    local policy = assert(json.decode(estate.storage.outputs.AccessPointPolicy))
    assert.equal(STORAGE_ROLE, policy.Statement[2].Condition.StringNotEquals["aws:PrincipalArn"][1])
    assert.equal("*", policy.Statement[2].Principal)
    -- What the access point's service refuses, naming none.
    for _, statement in ipairs(policy.Statement) do
      assert.is_nil(statement.NotPrincipal)
      for _, action in ipairs(statement.Action) do
        assert.truthy(({ ["s3:GetObject"] = true, ["s3:PutObject"] = true,
          ["s3:DeleteObject"] = true,
          ["s3:ListBucket"] = true })[action], action)
      end
    end
  end)
end)

describe("what is let in from outside", function()
  local function resource_policy(resource, part)
    return estate.shared.resources[resource].Properties[part]
  end

  it("are alarms of the listed accounts, and nobody else's", function()
    local topic = estate.shared.outputs.AlarmTopicArn
    local function publish(account)
      return {
        principal = "cloudwatch.amazonaws.com",
        action = "sns:Publish",
        resource = topic,
        account = SHARED,
        context = { ["aws:SourceAccount"] = account },
        resourcePolicy = resource_policy("AlertTopicPolicy", "PolicyDocument"),
      }
    end

    judge {
      { YES, "of a workload account", publish(W) },
      { NO, "of another account", publish "999999999999" },
      { NO, "of another service", replaced(publish(W), { principal = "s3.amazonaws.com" }) },
    }
  end)

  it("are links of the organisation, or of the listed accounts, with three kinds of data",
    function()
    local function link(more)
      return replaced({
        principal = "arn:aws:iam::" .. W .. ":role/deploy",
        action = "oam:CreateLink",
        resource = templates.values.link.SinkArn,
        account = SHARED,
        policies = { EVERYTHING },
        context = {
          ["aws:PrincipalOrgID"] = "o-abcdefghij",
          ["oam:ResourceTypes"] = { "AWS::CloudWatch::Metric" },
        },
        resourcePolicy = resource_policy("TheSink", "Policy"),
      }, more)
    end

    local accounts = estate.accounts.resources.TheSink.Properties.Policy
    local stranger = "arn:aws:iam::999999999999:role/deploy"
    judge {
      { YES, "of the organisation", link() },
      { NO, "of another one", link { context = { ["aws:PrincipalOrgID"] = "o-zzzzzzzzzz",
        ["oam:ResourceTypes"] = { "AWS::CloudWatch::Metric" } } } },
      { NO, "with other data", link { context = { ["aws:PrincipalOrgID"] = "o-abcdefghij",
        ["oam:ResourceTypes"] = { "AWS::ApplicationInsights::Application" } } } },
      { YES, "of a listed account", link { resourcePolicy = accounts } },
      {
        NO,
        "of an account that is not listed",
        link { resourcePolicy = accounts, principal = stranger },
      },
    }
  end)

  it("are dead letters of our rule alone, and Lambda in the functions' roles", function()
    local core = estate.core
    local queue = core.outputs.DeadLettersArn
    local function send(rule)
      return {
        principal = "events.amazonaws.com",
        action = "sqs:SendMessage",
        resource = queue,
        account = W,
        context = { ["aws:SourceArn"] = rule },
        resourcePolicy = core.resources.DeadLettersPolicy.Properties.PolicyDocument,
      }
    end

    local rule = core.resources.TransformJobsPermission.Properties.SourceArn
    local function assume(service)
      return {
        principal = service,
        action = "sts:AssumeRole",
        resource = "arn:aws:iam::" .. W .. ":role/x",
        account = W,
        resourcePolicy = core.resources.RoutingRole.Properties.AssumeRolePolicyDocument,
      }
    end

    judge {
      { YES, "of our rule", send(rule) },
      { NO, "of another rule", send(rule .. "-2") },
      { YES, "Lambda takes a function's role", assume "lambda.amazonaws.com" },
      { NO, "another service does not", assume "ec2.amazonaws.com" },
    }
  end)
end)

describe("a deployer", function()
  it("makes roles under the boundary, and cannot lift it", function()
    local boundary_arn = estate.boundary.outputs.BoundaryArn
    local deployer = estate.boundary.resources.DeployerPolicy.Properties.PolicyDocument
    local function ask(action, resource, context)
      return {
        principal = "arn:aws:iam::" .. W .. ":role/deploy",
        action = action,
        resource = resource or "arn:aws:iam::" .. W .. ":role/weir-core-x",
        account = W,
        context = context or {},
        policies = { deployer },
      }
    end

    local under = { ["iam:PermissionsBoundary"] = boundary_arn }
    judge {
      { YES, "a role under the boundary", ask("iam:CreateRole", nil, under) },
      { YES, "a policy of a role under it", ask("iam:PutRolePolicy", nil, under) },
      { NO, "a role without", ask("iam:CreateRole") },
      { NO, "a role under another one", ask("iam:CreateRole", nil, {
        ["iam:PermissionsBoundary"] = "arn:aws:iam::aws:policy/AdministratorAccess" }) },
      {
        NO,
        "somebody else's role",
        ask("iam:PutRolePolicy", "arn:aws:iam::" .. W .. ":role/admin", under)
      },
      { NEVER, "taking it off", ask("iam:DeleteRolePermissionsBoundary", nil, under) },
      { NEVER, "widening it", ask("iam:CreatePolicyVersion", boundary_arn) },
      {
        YES,
        "a role for Lambda",
        ask("iam:PassRole", nil, { ["iam:PassedToService"] = "lambda.amazonaws.com" })
      },
      {
        NO,
        "a role for EC2",
        ask("iam:PassRole", nil, { ["iam:PassedToService"] = "ec2.amazonaws.com" })
      },
    }
  end)

  it("gives no role more than the boundary, whatever its policy says", function()
    local function ask(action, resource, context)
      return {
        principal = ROLE,
        action = action,
        resource = resource,
        account = W,
        context = context or {},
        policies = { EVERYTHING },
        boundary = boundary_of "boundary",
        -- A key's own policy has to open it to the account.
        resourcePolicy = action:find("^kms:")
          and { Version = "2012-10-17", Statement = { { Effect = "Allow",
          Principal = { AWS = ("arn:aws:iam::%s:root"):format(W) }, Action = "kms:*",
          Resource = "*" } } } or nil,
      }
    end

    local key =
      ("arn:aws:kms:%s:%s:key/11111111-2222-3333-4444-555555555555"):format(templates.REGION, W)
    local cases = {
      { NO, "iam:CreateRole", "arn:aws:iam::" .. W .. ":role/weir-evil" },
      { NO, "iam:PutRolePolicy", ROLE },
      { NO, "iam:PassRole", "arn:aws:iam::" .. W .. ":role/admin" },
      { NO, "organizations:LeaveOrganization", "*" },
      {
        NO,
        "dynamodb:GetItem",
        ("arn:aws:dynamodb:%s:%s:table/payroll"):format(templates.REGION, W)
      },
      { NO, "s3:GetObject", "arn:aws:s3:::payroll/2026" },
      { NO, "s3:PutBucketPolicy", "arn:aws:s3:::weir-files" },
      {
        NO,
        "states:GetExecutionHistory",
        ("arn:aws:states:%s:%s:execution:m:x"):format(templates.REGION, W)
      },
      {
        NO,
        "lambda:UpdateFunctionCode",
        ("arn:aws:lambda:%s:%s:function:weir-x"):format(templates.REGION, W)
      },
      { NO, "sts:AssumeRole", "arn:aws:iam::" .. W .. ":role/admin" },
      { NO, "kms:Decrypt", key },
      { YES, "kms:Decrypt", key, { ["kms:ViaService"] = "dynamodb.ap-northeast-1.amazonaws.com" } },
      {
        YES,
        "dynamodb:GetItem",
        ("arn:aws:dynamodb:%s:%s:table/weir-tokens"):format(templates.REGION, W)
      },
    }

    local asked = {}
    for i, case in ipairs(cases) do
      asked[i] = { case[1], case[2] .. " " .. case[3], ask(case[2], case[3], case[4]) }
    end

    judge(asked)
  end)
end)
