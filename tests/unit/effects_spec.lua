local effects = require "weir.effects"
local json = require "weir.json"
local redact = require "weir.redact"

local REQUEST = { service = "stepfunctions", operation = "StartExecution",
  target = "arn:aws:states:r:1:stateMachine:m", input = { name = "n" } }

describe("the dry executor", function()
  it("plans calls in order and answers plausibly", function()
    local dry = effects.dry {}
    assert.same({ executionArn = "arn:aws:states:r:1:execution:m:n", startDate = 0 }, dry:call(REQUEST))
    assert.same({}, dry:call { service = "s3", operation = "PutObject", target = "b", input = {} })
    assert.same({ "StartExecution", "PutObject" }, { dry.plan[1].operation, dry.plan[2].operation })
  end)

  it("reads the world, and notes what it does not know", function()
    local dry = effects.dry { world = { ["s.Get"] = { a = { x = 1 } } } }
    assert.same({ x = 1 }, dry:read { service = "s", operation = "Get", target = "a", input = {} })
    local answer, message, code = dry:read { service = "s", operation = "Get", target = "b", input = {} }
    assert.is_nil(answer)
    assert.equal("Unknown", code)
    assert.matches("s.Get of b is unknown in a dry run; give it in the event", message)
    assert.equal("s.Get of b", dry.unknown[1].what)
    assert.same({}, dry.plan)
  end)

  it("refuses a handler's mistakes, with the expected call", function()
    local dry = effects.dry {}
    for _, request in ipairs {
      false, {}, { service = "s", operation = "o", target = "t" },
      { service = "s", operation = "o", target = "t", input = {}, tarmget = "x" },
      { service = "s", operation = "o", target = 3, input = {} },
    } do
      assert.error_matches(function() dry:call(request) end, "expected effects:call{service=, operation=, "
        .. "target=, input=}", 1, true)
    end
    for _, value in ipairs { 0 / 0, math.huge, "3" } do
      assert.error_matches(function() dry:metric("m", value, "Count", {}) end, "finite number")
    end
  end)
end)

describe("the live executor", function()
  it("does nothing in this version", function()
    local live = effects.live()
    for _, method in ipairs { "call", "read" } do
      local answer, message, code = live[method](live, REQUEST)
      assert.is_nil(answer)
      assert.equal("stepfunctions StartExecution is not available in this version", message)
      assert.equal("NotAvailable", code)
    end
  end)
end)

describe("redact", function()
  it("knows secrets by their names", function()
    for _, name in ipairs { "token", "taskToken", "task_token", "X-Amz-Security-Token", "clientSecret",
      "Authorization",
      "password", "DB_PASSWORD", "aws_secret_access_key", "AccessKeyId", "cookie", "private_key" } do
      assert.is_true(redact.is_secret(name), name)
    end
    for _, name in ipairs { "key", "size", "author", "tokenizer", "max_tokens", "pass", 3 } do
      assert.is_false(redact.is_secret(name), name)
    end
  end)

  it("copies everything else, and leaves the original alone", function()
    local value = { list = json.array { { token = "t" } }, empty = json.array {}, nothing = json.null,
      token = json.null }
    assert.same({ list = json.array { { token = "[redacted]" } }, empty = json.array {}, nothing = json.null,
      token = json.null }, redact.value(value))
    assert.equal("t", value.list[1].token)
    assert.same({ key = "a?token=b", token = "[redacted]" }, redact.members { key = "a?token=b", token = "t" })
    assert.equal("https://h/?X-Amz-Signature=[redacted]&b=1", redact.value("https://h/?X-Amz-Signature=ab&b=1"))
  end)
end)
