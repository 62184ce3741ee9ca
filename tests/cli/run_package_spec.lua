-- weir run FILE.METHOD: a handler of the function's own package, dry like weir's.
local json = require "weir.json"
local run = require "support.run"

local ORDERS = [[
local helper = require "helper"
local orders = {}

function orders.handle(event, ask, effects)
  local decision, message, code = ask("routing", { file_count = event.files })
  if not decision then return nil, message, code end
  local done, problem, kind = effects:call {
    service = "dynamodb", operation = "PutItem", target = "orders",
    input = { TableName = effects:setting("orders_table", "orders"), Item = { id = { S = "1" } } },
  }
  if not done then return nil, problem, kind end
  effects:metric("Orders", helper.count, "Count", { Action = decision.action })
  return { action = decision.action }
end

function orders.decides_nothing(event) return { token = event.task_token, files = event.files } end
function orders.raises(event) return event.missing.member end
function orders.raises_a_table() error({}) end
function orders.refuses() return nil, "the order is closed", "OrderClosed" end
function orders.gives_nothing() end
function orders.odd() return { f = print } end
function orders.streams() return function(write) write("one ") write("two") end end
function orders.breaks_the_stream() return function() error("the pipe is gone", 0) end end
orders.not_a_function = 5

return orders
]]

local POLICY = [[return policy { kind = "routing", decide = function(facts)
  if facts.file_count > 3 then error("too many", 0) end
  return batch { because = "%d files", facts.file_count } end }]]

describe("weir run FILE.METHOD", function()
  local directory
  setup(function()
    directory = run.directory {
      ["src/orders.lua"] = ORDERS,
      ["src/helper.lua"] = "return { count = 2 }",
      ["src/broken.lua"] = "return {",
      ["src/raising.lua"] = "error('at start', 0)",
      ["src/nothing.lua"] = "return 5",
      ["policies/routing.lua"] = POLICY,
    }
  end)
  teardown(function() run.remove(directory) end)

  local function start(name, event, ...)
    return run { "run", name, "--package", directory .. "/src", "-p", directory .. "/policies",
      "-e", "-", stdin = event or '{"files": 2}', ... }
  end

  it("plans: the decision, the calls, the metrics, the result", function()
    local result = start("orders.handle")
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
    assert.equal("orders.handle  standard input:1  (dry run)\n"
      .. 'facts     {"file_count":2}\n'
      .. "decision  batch  2 files  " .. directory .. "/policies/routing.lua:3\n"
      .. "plan      1. dynamodb PutItem  orders\n"
      .. '             {"Item":{"id":{"S":"1"}},"TableName":"orders"}\n'
      .. 'metrics   Orders 2 Count {"Action":"batch"}\n'
      .. 'result    {"action":"batch"}\n', result.stdout)
  end)

  it("takes its world and settings from the event, and prints JSON", function()
    local given = json.encode {
      files = 1,
      config = { orders_table = "others" },
      world = { ["dynamodb.PutItem"] = { orders = { failure = { code = "Throttled" } } } },
    }
    local result = start("orders.handle", given, "--json")
    local told = json.decode(result.stdout)
    assert.equal("Throttled", told.code)
    assert.equal("others", told.plan[1].input.TableName)
    assert.equal("orders.handle", told.handler)
    assert.equal(6, result.status)
  end)

  it("fails with the handler's code, with LuaError where it raises, and says where", function()
    for name, expected in pairs {
      refuses = "OrderClosed: the order is closed",
      raises = "LuaError: " .. directory .. "/src/orders.lua:17: attempt to index a nil value "
        .. "(field 'missing')",
      raises_a_table = "LuaError: an error value of type table was raised",
      gives_nothing = "Unknown: the handler gave no reason",
      odd = "LuaError: the result is not JSON: cannot encode a function at .f",
      breaks_the_stream = "LuaError: the pipe is gone",
    } do
      local result = start("orders." .. name)
      assert.equal("weir: run: standard input:1: " .. expected .. "\n", result.stderr)
      assert.not_equal(0, result.status)
    end

    local failed = start("orders.handle", '{"files": 4}')
    assert.equal(4, failed.status)
    assert.matches("PolicyError: too many", failed.stderr, 1, true)
  end)

  it("puts a streamed response together", function()
    assert.matches('\nresult    "one two"\n', start("orders.streams").stdout, 1, true)
  end)

  it("shows no secret", function()
    local result = start("orders.decides_nothing", '{"task_token": "AAAAKgAAAAsecret", "files": 1}')
    assert.matches('result    {"files":1,"token":"[redacted]"}', result.stdout, 1, true)
    assert.is_nil(result.stdout:find("secret", 1, true))
  end)

  it("needs no policy set where it asks none", function()
    local result = run { "run", "orders.decides_nothing", "--package", directory .. "/src", "-e",
      "-",
      stdin = '{"files": 1}' }
    assert.equal(0, result.status, result.stderr)
  end)

  it("says what is wrong with the name or the file, status 2", function()
    for name, expected in pairs {
      ["ordrs.handle"] = "cannot open " .. directory .. "/src/ordrs.lua",
      ["orders.handel"] = "weir: run: " .. directory .. "/src/orders.lua does not return a table "
        .. "with a function 'handel'",
      ["orders.not_a_function"] = "does not return a table with a function 'not_a_function'",
      ["broken.handle"] = directory .. "/src/broken.lua:1: ",
      ["raising.handle"] = directory .. "/src/raising.lua cannot be run: at start",
      ["nothing.handle"] = "does not return a table with a function 'handle'",
      ["../src/orders.handle"] = "there is no handler '../src/orders.handle'",
      ["orders"] = "unknown handler 'orders'",
    } do
      local result = start(name)
      assert.equal(2, result.status, name)
      assert.truthy(result.stderr:find(expected, 1, true), result.stderr)
    end
  end)

  it("is found in the current directory without --package", function()
    local pipe = io.popen(("cd %s/src && echo '{\"files\": 7}' "
      .. "| %s run orders.decides_nothing -e -"):format(directory, run.quote(run.program)))
    assert.matches('result    {"files":7}', pipe:read("a"), 1, true)
    pipe:close()
  end)
end)
