-- What lua/weir/permissions says that calls need: of every operation there is, in IAM's own words,
-- and of every handler exactly what it calls.
local aws = require "weir.aws"
local calls = require "weir.permissions.calls"
local files = require "support.files"
local handlers = require "weir.handlers"
local oracle = require "oracles.oracle"
local permissions = require "weir.permissions"
local permission_runs = require "support.permission_runs"
local sorted_pairs = require "weir.sorted_pairs"

local place = permissions.place(permission_runs.place)

local function each_operation(visit)
  for _, service in ipairs(aws.services) do
    for name, operation in sorted_pairs(aws.service(service).service.operations) do
      visit(service, name, operation)
    end
  end
end

-- The grants of these requests as a set of "action resource".
local function granted(requests)
  local set = {}
  for _, request in ipairs(requests) do
    for _, grant in ipairs(permissions.grants(request, place)) do
      set[grant.action .. " " .. grant.resource] = grant
    end
  end

  return set
end

local function keys(set)
  local list = {}
  for key in sorted_pairs(set) do list[#list + 1] = key end
  return list
end

-- IAM's verdict on each grant: what is wrong, by the grant.
local function problems(set)
  local names, questions, found = keys(set), {}, {}
  for i, name in ipairs(names) do
    questions[i] = { action = set[name].action, resource = set[name].resource }
  end

  for i, answer in ipairs(oracle.ask("iam_actions.mjs", questions)) do
    if answer ~= "ok" then found[#found + 1] = answer .. " (" .. names[i] .. ")" end
  end

  return found
end

describe("the actions of an operation", function()
  it("are IAM's, on resources that they act on, whether names are known or not", function()
    local requests = {}
    each_operation(function(service, name, operation)
      local whole = {}
      for member in pairs(operation.known) do
        whole[member] = member == "Tags" and {} or "name-1"
      end

      whole.RequestItems, whole.Entries, whole.Image = nil, nil, nil
      requests[#requests + 1] = { service = service, operation = name, input = {} }
      requests[#requests + 1] = { service = service, operation = name, input = whole }
    end)

    requests[#requests + 1] = {
      service = "rekognition",
      operation = "DetectLabels",
      input = { Image = { S3Object = { Bucket = "b", Name = "k" } } },
    }

    -- A whole ARN that is not known is any ARN.
    local set = granted(requests)
    for key, grant in pairs(set) do
      if grant.resource:find("^%$") or not grant.resource:find(":") and grant.resource ~= "*" then
        set[key] = nil
      end
    end

    assert.is_true(#keys(set) > 40)
    assert.same({}, problems(set))
  end)

  it("are found wrong by the oracle where they are", function()
    assert.equal(3, #problems {
      a = { action = "s3:ListObjectsV2", resource = "arn:aws:s3:::b" },
      b = { action = "dynamodb:PutItem", resource = "arn:aws:s3:::b" },
      c = { action = "states:StartExecution", resource = "*" },
      d = { action = "states:SendTaskSuccess", resource = "*" },
    })
  end)

  it("name access points by ARN, objects by pattern, jobs of weir by their prefix", function()
    local function of(service, operation, input)
      return keys(granted { { service = service, operation = operation, input = input } })
    end

    local point = "arn:aws:s3:eu-west-1:111122223333:accesspoint/scans"
    assert.same({ "s3:GetObject " .. point .. "/object/*" },
      of("s3", "GetObject", { Bucket = point, Key = "a/b" }))
    assert.same({ "s3:ListBucket " .. point }, of("s3", "ListObjectsV2", { Bucket = point }))
    assert.same({
      "s3:GetObject arn:aws:s3:ap-northeast-1:222222222222:accesspoint/${AccessPoint}/object/*" },
      of("s3", "GetObject", { Bucket = "scans-ab12-ext-s3alias", Key = "k" }))
    assert.same({ "s3:GetObjectVersion arn:aws:s3:::b/*" },
      of("s3", "GetObject", { Bucket = "b", Key = "k", VersionId = "1" }))
    assert.same({ "s3:GetObject " .. point .. "/object/*", "s3:PutObject arn:aws:s3:::b/*" },
      of("s3", "CopyObject", { Bucket = "b", Key = "k", CopySource = point .. "/object/a%20b" }))
    assert.same({ "s3:PutObject arn:aws:s3:::b/*", "s3:PutObjectTagging arn:aws:s3:::b/*" },
      of("s3", "PutObject", { Bucket = "b", Key = "k", Tagging = "a=b" }))
    local job = "arn:aws:sagemaker:ap-northeast-1:222222222222:transform-job/"
    assert.same({ "sagemaker:DescribeTransformJob " .. job .. "weir-*" },
      of("sagemaker", "DescribeTransformJob", { TransformJobName = "weir-a-1" }))
    assert.same({ "sagemaker:ListTags " .. job .. "*" },
      of("sagemaker", "ListTags", { ResourceArn = job .. "theirs-1" }))
    assert.same({
      "bedrock:InvokeModel arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0",
      "bedrock:InvokeModel arn:aws:bedrock:ap-northeast-1:222222222222:inference-profile/"
        .. "apac.amazon.nova-lite-v1:0",
    }, of("bedrock_runtime", "InvokeModel", { modelId = "apac.amazon.nova-lite-v1:0" }))
  end)

  it("of a call in a role are that the role may be taken", function()
    local role = { arn = "arn:aws:iam::111111111111:role/weir-storage-access-222222222222" }
    assert.same({ "sts:AssumeRole " .. role.arn }, keys(granted {
      { service = "s3", operation = "GetObject", input = { Bucket = "b", Key = "k" }, role = role },
    }))
  end)
end)

describe("the needs of every handler", function()
  for _, name in ipairs(handlers.names) do
    it(("(%s) are what it calls over all recorded events, and no more"):format(name), function()
      assert.is_true(files.exists(permission_runs.path(name)), "no recorded events of " .. name)
      local declared = assert(calls.declared(name, permission_runs.setting), "no needs of " .. name)
      assert.same(keys(granted(permission_runs.requests(name))), keys(granted(declared)))
    end)

    it(("(%s) are in IAM's words"):format(name), function()
      local set = granted(assert(calls.declared(name, permission_runs.setting)))
      assert.same({}, problems(set))
    end)
  end

  it("of mock mode are those of writing the mock result, and only with that setting", function()
    local seen = granted(permission_runs.requests("sagemaker_invoke",
      "tests/events/permissions/sagemaker_invoke_mock.jsonl"))
    assert.same({ "s3:PutObject arn:aws:s3:::weir-results/*", "states:SendTaskSuccess *" },
      keys(seen))

    local function needs(mock_mode)
      return granted(calls.declared("sagemaker_invoke", function(name)
        return name == "mock_mode" and mock_mode or permission_runs.names[name]
      end))
    end

    assert.is_nil(needs("false")["s3:PutObject arn:aws:s3:::weir-results/*"])
    assert.truthy(needs("true")["s3:PutObject arn:aws:s3:::weir-results/*"])
  end)

  it("of nothing else are declared", function()
    local declared = {}
    for name in sorted_pairs(require "weir.permissions.needs") do declared[#declared + 1] = name end
    local known = { table.unpack(handlers.names) }
    table.sort(known)
    assert.same(known, declared)
  end)
end)
