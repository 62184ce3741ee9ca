-- weir permissions: of weir's own handlers, of an operator's, and of whatever else is asked.
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"

local function asked(...) return run { "permissions", ... } end
local function policy(result)
  assert.equal(0, result.status, result.stderr)
  return assert(json.decode(result.stdout))
end

-- "action resource" of every statement, sorted.
local function grants(document)
  local list = {}
  for _, statement in ipairs(document.Statement) do
    assert.equal("Allow", statement.Effect)
    for _, action in ipairs(statement.Action) do
      for _, resource in ipairs(statement.Resource) do
        list[#list + 1] = action .. " " .. resource
      end
    end
  end

  table.sort(list)

  return list
end

local ORDERS = [[
local aws = require "weir.aws"
local store = require "lib.store"

local orders = {}

function orders.handle(event, _, effects)
  if event.old then aws.client("s3"):delete_object { Bucket = event.bucket, Key = event.key } end
  effects:call {
    service = "s3",
    operation = "PutObject",
    target = event.key,
    input = { Bucket = event.bucket, Key = event.key, Body = "" },
  }
  return store.put(effects, event.key)
end

return orders
]]
local ANY = [[
return {
  handle = function(event, _, effects)
    return effects:read { service = "dynamodb", operation = event.operation, target = "t",
      input = event.input }
  end,
}
]]
local ACROSS = [[
return {
  handle = function(event, _, effects)
    return effects:read {
      service = "s3",
      operation = "ListObjectsV2",
      target = event.bucket,
      input = { Bucket = event.bucket },
      role = { arn = event.role, external_id = "id-1" },
    }
  end,
}
]]
local STORE = [[
local TABLE = "orders"
return {
  put = function(effects, key)
    return effects:call {
      service = "dynamodb",
      operation = "DeleteItem",
      target = key,
      input = { TableName = TABLE, Key = { id = key } },
    }
  end,
}
]]

describe("weir permissions", function()
  local directory

  setup(function()
    directory = files.directory {
      ["orders.lua"] = ORDERS,
      ["any.lua"] = ANY,
      ["across.lua"] = ACROSS,
      ["lib/store.lua"] = STORE,
      ["plain.lua"] = "return { handle = function() return {} end }",
      ["broken.lua"] = "return {",
      ["other.lua"] = 'return { handle = function(_, _, effects)\n'
        .. '  return effects:read { service = "s3", operation = "PutObjekt", target = "", input = '
        .. '{} } end }',
    }
  end)

  teardown(files.remove_all)

  it("prints a whole policy of a handler of weir's own", function()
    local result = asked("routing", "--json", "--set", "endpoint_name=segmentation", "--region",
      "eu-west-1", "--account", "111122223333")
    assert.same({
      Version = "2012-10-17",
      Statement = {
        {
          Sid = "Sagemaker",
          Effect = "Allow",
          Action = { "sagemaker:DescribeEndpoint" },
          Resource = { "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/segmentation" },
        },
      },
    }, policy(result))
    assert.equal("", result.stderr)
  end)

  it("leaves placeholders for names that it is not told, and says so", function()
    local result = asked("sagemaker_callback", "--json")
    local list = grants(policy(result))
    assert.equal("dynamodb:DeleteItem arn:aws:dynamodb:*:*:table/${TokenTable}", list[1])
    assert.matches("not known: TokenTable; name them with %-%-set", result.stderr)
  end)

  it("takes the settings of the environment, and its region", function()
    local result = run {
      "permissions", "sagemaker_callback", "--json",
      env = { WEIR_TOKEN_TABLE = "tokens", AWS_REGION = "eu-west-3" },
    }

    assert.equal("dynamodb:DeleteItem arn:aws:dynamodb:eu-west-3:*:table/tokens",
      grants(policy(result))[1])
  end)

  it("prints YAML for a template", function()
    local result = asked("mapping")
    assert.equal(0, result.status)
    assert.equal([[
- Sid: States
  Effect: Allow
  Action:
    - states:StartExecution
  Resource:
    - !Sub '${StateMachine}'
]], result.stdout)
  end)

  it("asks for the storage account's role where one is set, and tells what that role needs",
    function()
    local role = "arn:aws:iam::111111111111:role/weir-storage-access-222222222222"
    local list = grants(policy(asked("realtime_inference", "--json", "--set", "storage_role_arn="
      .. role)))
    assert.same({
      "s3:GetObject arn:aws:s3:::${OutputBucket}/*", -- shares of a manifest are read there
      "s3:PutObject arn:aws:s3:::${OutputBucket}/*",
    }, { list[1], list[2] })
    assert.equal("sts:AssumeRole " .. role, list[#list])
    assert.same({ "s3:GetObject arn:aws:s3:::scans/*" },
      grants(policy(asked("realtime_inference", "--json",
      "--set", "storage_role_arn=" .. role, "--set", "bucket=scans", "--in-role", role))))
  end)

  it("reads the source of an operator's handler, and of what it requires", function()
    local result = asked("orders.handle", "--package", directory, "--json")
    assert.same({
      "dynamodb:DeleteItem arn:aws:dynamodb:*:*:table/orders",
      "s3:DeleteObject arn:aws:s3:::${Bucket}/*",
      "s3:PutObject arn:aws:s3:::${Bucket}/*",
    }, grants(policy(result)))
  end)

  it("runs an operator's handler dry, and takes the names from there", function()
    local result = run {
      "permissions", "orders.handle", "--package", directory, "-e", "-", "--json",
      stdin = '{"bucket": "out", "key": "a/b"}\n',
    }

    local list = grants(policy(result))
    assert.equal("s3:DeleteObject arn:aws:s3:::${Bucket}/*", list[2])
    assert.equal("s3:PutObject arn:aws:s3:::out/*", list[3])
  end)

  it("needs events where the source does not tell which operation is called", function()
    local result = asked("any.handle", "--package", directory, "--json")
    assert.equal(5, result.status)
    assert.matches(
      "any.lua:3: which operation is called is not written here as a text; give events",
      result.stderr)

    result = run {
      "permissions", "any.handle", "--package", directory, "-e", "-", "--json",
      stdin = '{"operation": "Query", "input": {"TableName": "t", "IndexName": "i"}}\n',
    }

    local text = table.concat(grants(policy(result)), "\n")
    assert.truthy(text:find("dynamodb:Query arn:aws:dynamodb:*:*:table/t/index/i", 1, true), text)
  end)

  it("says where an operator's handler ends with an error, and knows the calls before", function()
    files.write(directory .. "/raising.lua", [[
return { handle = function(event, _, effects)
  effects:read { service = "s3", operation = "GetObject", target = "k",
    input = { Bucket = "in", Key = "k" } }
  effects:call { service = "s3", operation = event.operation, input = {} }
end }
]])
    local result = run {
      "permissions", "raising.handle", "--package", directory, "-e", "-", "--json",
      stdin = '{"operation": "PutObject"}\n',
    }
    assert.equal(5, result.status)
    assert.matches("standard input:1: the handler ended with an error, and what it calls after "
      .. "that is not known: ", result.stderr, 1, true)
    assert.matches("target must be a string", result.stderr, 1, true)
    assert.is_nil(result.stderr:find("internal error", 1, true))
    assert.same({ "s3:GetObject arn:aws:s3:::in/*" }, grants(json.decode(result.stdout)))
  end)

  it("knows the calls that a run makes in another role", function()
    local role = "arn:aws:iam::111111111111:role/reader"
    local event = ('{"bucket": "scans", "role": "%s"}\n'):format(role)
    local given = {
      "permissions",
      "across.handle",
      "--package",
      directory,
      "-e",
      "-",
      "--json",
      stdin = event,
    }

    local text = table.concat(grants(policy(run(given))), "\n")
    assert.truthy(text:find("sts:AssumeRole " .. role, 1, true), text)
    assert.is_nil(text:find("ListBucket", 1, true))

    given[#given + 1], given[#given + 2] = "--in-role", role
    assert.same({ "s3:ListBucket arn:aws:s3:::scans" }, grants(policy(run(given))))
  end)

  it("prints nothing to allow for a handler that calls nothing", function()
    assert.same({ Version = "2012-10-17", Statement = json.array {} },
      policy(asked("plain.handle", "--package", directory, "--json")))
    assert.matches("calls no service", asked("plain.handle", "--package", directory).stdout)
  end)

  it("refuses what it cannot answer", function()
    local function refused(status, message, ...)
      local result = asked(...)
      assert.equal(status, result.status, result.stderr)
      assert.truthy(result.stderr:find(message, 1, true), result.stderr)
    end

    refused(2, "there is no handler 'routin'; did you mean 'routing'?", "routin")
    refused(2, "HANDLER is missing")
    refused(2, "--account '12' is not an account of 12 digits", "routing", "--account", "12")
    refused(2, "--region 'EU' is not a region", "routing", "--region", "EU")
    refused(2, "--set 'x' is not NAME=VALUE", "routing", "--set", "x")
    refused(2, "--set gives 'a' twice", "routing", "--set", "a=1", "--set", "a=2")
    refused(2, "broken.lua:1: ", "broken.handle", "--package", directory)
    refused(5, "other.lua:2: there is no operation PutObjekt of a service s3", "other.handle",
      "--package", directory)
    refused(6, "nothing-here", "routing", "-e", "nothing-here")
    refused(2, "absent.lua: No such file", "absent.handle", "--package", directory)
  end)

  it("names an event that the handler does not understand", function()
    local result = run {
      "permissions",
      "routing",
      "-e",
      "-",
      "--json",
      "-p",
      "policies",
      stdin = '{"objects": 3}\n',
    }

    assert.equal(2, result.status)
    assert.matches("standard input:1: objects must be a list", result.stderr)
  end)
end)
