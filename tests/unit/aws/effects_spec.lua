local codec = require "weir.dynamodb"
local effects = require "weir.effects"
local json = require "weir.json"
local redact = require "weir.redact"
local secret = require "weir.secret"

local MACHINE = "arn:aws:states:r:1:stateMachine:m"
local REQUEST = { service = "stepfunctions", operation = "StartExecution", target = MACHINE,
  input = { stateMachineArn = MACHINE, name = "n" } }

local events = require "weir.events"

describe("weir.events.s3_place", function()
  it("tells a bucket from a key, an access point's ARN included", function()
    local arn = "arn:aws:s3:us-east-1:111122223333:accesspoint/my-ap"
    for uri, wanted in pairs {
      ["s3://bucket"] = { "bucket", "" },
      ["s3://bucket/a/b"] = { "bucket", "a/b" },
      ["s3://" .. arn] = { arn, "" },
      ["s3://" .. arn .. "/out/a"] = { arn, "out/a" },
      ["bucket/a"] = {},
    } do
      assert.same(wanted, { events.s3_place(uri) }, uri)
    end
  end)
end)

describe("the dry executor", function()
  it("plans calls in order and answers plausibly", function()
    local dry = effects.dry {}
    assert.same({ executionArn = "arn:aws:states:r:1:execution:m:n", startDate = 0 },
      dry:call(REQUEST))
    assert.same({ ETag = '"dry-run"' }, dry:call { service = "s3", operation = "PutObject",
      target = "b",
      input = { Bucket = "b", Key = "k" } })
    assert.same({ "StartExecution", "PutObject" }, { dry.plan[1].operation, dry.plan[2].operation })
  end)

  it("reads the world, and notes what it does not know", function()
    local dry = effects.dry { world = { ["ssm.GetParameter"] = { a = { x = 1 } } } }
    local function read(name)
      return dry:read {
        service = "ssm",
        operation = "GetParameter",
        target = name,
        input = { Name = name },
      }
    end

    assert.same({ x = 1 }, read("a"))
    local answer, message, code = read("b")
    assert.is_nil(answer)
    assert.equal("Unknown", code)
    assert.matches("ssm.GetParameter of b is unknown in a dry run; give it in the "
      .. "event.*%-%-live%-reads", message)
    assert.equal("ssm.GetParameter of b", dry.unknown[1].what)
    assert.same({}, dry.plan)
  end)

  it("fails as the world says, of calls and of reads, and answers a list in its order", function()
    local dry = effects.dry { world = {
      ["stepfunctions.StartExecution"] = { [MACHINE] = { { executionArn = "a" },
        { failure = { code = "ExecutionLimitExceeded", message = "too many" } } } },
      ["ssm.GetParameter"] = { a = { failure = { code = "ParameterNotFound" } } },
    } }
    assert.same({ executionArn = "a" }, dry:call(REQUEST))
    for _ = 1, 2 do
      assert.same({ nil, "too many", "ExecutionLimitExceeded", {} }, { dry:call(REQUEST) })
    end

    assert.equal(3, #dry.plan)
    assert.same({ nil, "the event's world says so", "ParameterNotFound" },
      { dry:read { service = "ssm",
      operation = "GetParameter", target = "a", input = { Name = "a" } } })
    assert.same({}, dry.unknown)
  end)

  it("refuses a handler's mistakes, with the expected call", function()
    local dry = effects.dry {}
    for _, request in ipairs {
      false, {}, { service = "s", operation = "o", target = "t" },
      { service = "s", operation = "o", target = "t", input = {}, tarmget = "x" },
      { service = "s", operation = "o", target = 3, input = {} },
      { service = "s", operation = "o", target = "t", input = {}, attempts = 0 },
      { service = "s", operation = "o", target = "t", input = {}, within_ms = 1.5 },
    } do
      assert.error_matches(function()
        dry:call(request)
      end, "expected effects:call{service=, operation=, "
        .. "target=, input=, role=?, attempts=?, within_ms=?, region=?}", 1, true)
    end

    local measured = { { name = "m", unit = "Count", dimensions = {} } }
    for _, value in ipairs { 0 / 0, math.huge, "3" } do
      assert.error_matches(function() dry:metric("m", value, "Count", {}) end, "finite number")
      assert.error_matches(function() dry:measure(measured, value) end, "finite number")
    end
  end)
end)

describe("both executors", function()
  local function refuses(method, request, reason)
    for _, executor in ipairs { effects.dry {}, effects.live {} } do
      assert.error_matches(function() executor[method](executor, request) end, reason)
      assert.same({}, executor.plan)
    end
  end

  it("refuse what the clients would refuse", function()
    refuses("call", { service = "s4", operation = "Put", target = "t", input = {} },
      "no AWS service 's4'")
    refuses("call", { service = "s3", operation = "Put", target = "t", input = {} },
      "s3 has no operation 'Put'")
    refuses("call", { service = "ssm", operation = "GetParameter", target = "t",
      input = { Nam = "x" } },
      "unknown member 'Nam'")
    refuses("read", { service = "ssm", operation = "GetParameter", target = "t", input = {} },
      "Name is missing")
  end)

  it("refuse a role that clients would refuse", function()
    for _, role in ipairs { "arn:aws:iam::1:role/r", false, {}, { external_id = "e" }, { arn = 5 },
      { { arn = "a" }, {} }, { { arn = "a" }, "arn:b" }, { "arn:a" }, { { arn = "a" }, false },
      { arn = "a", session = "s" } } do
      for _, executor in ipairs { effects.dry {}, effects.live() } do
        local request = { service = REQUEST.service, operation = REQUEST.operation,
          target = REQUEST.target,
          input = REQUEST.input, role = role }
        local ok, message = pcall(executor.call, executor, request)
        assert.is_false(ok)
        assert.matches("expected role={arn=", message)
        assert.same({}, executor.plan)
      end
    end
  end)

  it("plan the last of a list of roles", function()
    local dry = effects.dry {}
    dry:call { service = REQUEST.service, operation = REQUEST.operation, target = REQUEST.target,
      input = REQUEST.input, role = { { arn = "a" }, { arn = "b", external_id = "e" } } }
    assert.equal("b", dry.plan[1].role)
  end)

  it("keep changes and reads apart", function()
    refuses("read", REQUEST, "StartExecution changes something; ask for it with effects:call")
    refuses("call", { service = "ssm", operation = "GetParameter", target = "t",
      input = { Name = "n" } },
      "GetParameter changes nothing; ask for it with effects:read")
  end)

  it("plan without a secret, by type or by name", function()
    local dry = effects.dry {}
    dry:call { service = "stepfunctions", operation = "SendTaskSuccess", target = "job",
      input = { taskToken = secret.wrap("hush"), output = "{}" } }
    dry:call { service = "dynamodb", operation = "PutItem", target = "jobs",
      role = { arn = "arn:role" },
      input = { TableName = "jobs", Item = { pk = "a", note = secret.wrap("hush"),
        n = codec.number("1e100") } } }
    assert.same({ service = "stepfunctions", operation = "SendTaskSuccess", target = "job",
      input = { taskToken = "[redacted]", output = "{}" } }, dry.plan[1])
    assert.equal("[redacted]", dry.plan[2].input.Item.note)
    assert.equal("arn:role", dry.plan[2].role)
    assert.not_matches("hush", json.encode(dry.plan))
  end)

  it("answer a planned call from the world first", function()
    local dry = effects.dry {
      world = { ["stepfunctions.StartExecution"] = { [REQUEST.target] = { x = 1 } } },
    }

    assert.same({ x = 1 }, dry:call(REQUEST))
  end)
end)

describe("redact", function()
  it("knows secrets by their names", function()
    for _, name in ipairs { "token", "taskToken", "task_token", "X-Amz-Security-Token",
      "clientSecret",
      "Authorization",
      "password", "DB_PASSWORD", "aws_secret_access_key", "AccessKeyId", "cookie",
      "private_key" } do
      assert.is_true(redact.is_secret(name), name)
    end

    for _, name in ipairs { "key", "size", "author", "tokenizer", "max_tokens", "pass", 3 } do
      assert.is_false(redact.is_secret(name), name)
    end
  end)

  it("copies everything else, and leaves the original alone", function()
    local value = { list = json.array { { token = "t" } }, empty = json.array {},
      nothing = json.null,
      token = json.null }
    assert.same({ list = json.array { { token = "[redacted]" } }, empty = json.array {},
      nothing = json.null,
      token = json.null }, redact.value(value))
    assert.equal("t", value.list[1].token)
    assert.same({ link = "a?token=[redacted]", token = "[redacted]" },
      (redact.facts { link = "a?token=b", token = "t" }))
    assert.equal("https://h/?X-Amz-Signature=[redacted]&b=1",
      redact.value("https://h/?X-Amz-Signature=ab&b=1"))
  end)
end)
