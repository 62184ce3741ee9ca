-- weir help handler NAME, and weir run HANDLER --example: what a handler takes and gives, from the
-- declaration that checks it.
local declarations = require "weir.declarations"
local handlers = require "weir.handlers"
local json = require "weir.json"
local run = require "support.run"

describe("weir help handler", function()
  it("lists the handlers with what they do", function()
    local text = run({ "help", "handler" }).stdout
    for _, name in ipairs(handlers.names) do
      assert.truthy(text:find("\n  " .. name, 1, true) or text:find("^  " .. name), name)
    end

    assert.matches("\nNext: weir help handler NAME\n$", text)
  end)

  it("shows event, settings, policy, calls, permissions and answer", function()
    local text = run({ "help", "handler", "routing", env = { COLUMNS = "100" } }).stdout
    for _, part in ipairs {
      "weir help handler routing: which branch of the state machine a batch of files takes\n",
      "\nEvent\n  objects           list: the files, each { key, size }; or ListObjectsV2's own "
        .. "(or Contents)\n",
      "  file_count        integer, at least 0 files, a fact: files in this batch; the policy "
        .. "needs it\n",
      "\nPolicy\n  routing  its facts and decisions: weir help routing\n",
      "\nCalls\n  sagemaker  DescribeEndpoint\n",
      "\nPermissions\n  sagemaker:DescribeEndpoint  arn:aws:sagemaker:*:*:endpoint/"
        .. "${EndpointName}\n",
      "\nAnswer\n    { action, because, file_count }: the branch of the state machine\n",
      "  weir run routing --example > event.json\n",
    } do
      assert.truthy(text:find(part, 1, true), part .. "\n" .. text)
    end

    text = run({ "help", "handler", "inference_comparison" }).stdout
    assert.truthy(text:find("WEIR_ENDPOINT_NAME", 1, true))
    assert.truthy(text:find("required", 1, true))
    assert.truthy(text:find("one of observe act", 1, true))
  end)

  it("shows every member and setting of every handler", function()
    for _, name in ipairs(handlers.names) do
      local text, declared = run({ "help", "handler", name }).stdout, declarations.find(name)
      for _, spec in ipairs(declared.event) do
        assert.truthy(text:find("\n  " .. spec.name, 1, true), name .. " " .. spec.name)
      end

      for _, key in ipairs(declared.settings) do
        assert.truthy(text:find("\n  WEIR_" .. key:upper(), 1, true), name .. " " .. key)
      end
    end
  end)

  it("is what weir help NAME shows, unless a kind has the name", function()
    for _, name in ipairs { "event_map", "discovery", "event_processor", "reconcile" } do
      local result = run { "help", name }
      assert.equal(0, result.status, result.stderr)
      assert.equal(run({ "help", "handler", name }).stdout, result.stdout)
    end

    assert.matches("^# Kind routing\n", run({ "help", "routing" }).stdout)
    assert.matches("^# Kind weights\n", run({ "help", "weights" }).stdout)
    assert.matches("did you mean 'event_map'?", run({ "help", "event_mpa" }).stderr, 1, true)
  end)

  it("names every trigger mode", function()
    local text = run({ "help", "handler", "reconcile" }).stdout:gsub("%s+", " ")
    local modes = "polling, parallel, events_first or events;"
    assert.truthy(text:find(modes, 1, true), text)
  end)

  it("reads a handler of the function's own", function()
    local directory = run.directory { ["orders.lua"] = [[return {
  handle = function(event, ask, effects)
    return effects:call { service = "dynamodb", operation = "PutItem", target = "orders",
      input = { TableName = "orders" } }
  end,
}]] }
    local result = run { "help", "handler", "orders.handle", "--package", directory }
    run.remove(directory)
    assert.equal(0, result.status, result.stderr)
    assert.truthy(result.stdout:find("\nCalls, by its source\n  dynamodb  PutItem\n", 1, true))
    assert.truthy(result.stdout:find("dynamodb:PutItem  arn:aws:dynamodb:*:*:table/orders", 1,
      true))
  end)

  it("refuses a name that no handler has, and a second word of another topic", function()
    local result = run { "help", "handler", "routng" }
    assert.equal(2, result.status)
    assert.truthy(result.stderr:find("there is no handler 'routng'; did you mean 'routing'?", 1,
      true))
    result = run { "help", "check", "routing" }
    assert.equal(2, result.status)
    assert.truthy(result.stderr:find("unexpected argument 'routing'", 1, true))
  end)
end)

describe("weir run HANDLER --example", function()
  it("prints an event of each handler, which runs as it is", function()
    for _, name in ipairs(handlers.names) do
      local example = run { "run", name, "--example" }
      assert.equal(0, example.status, name .. ": " .. example.stderr)
      assert.is_table(json.decode(example.stdout))
      local result = run { "run", name, "-e", "-", stdin = example.stdout }
      assert.equal(0, result.status, name .. ": " .. result.stderr)
      assert.matches("\nresult    ", result.stdout)
    end
  end)

  it("shows what a handler of events would call for the example", function()
    for name, first in pairs { -- any order: each is on its own
      event_map = "stepfunctions StartExecution",
      discovery = "s3 PutObject",
      event_processor = "dynamodb PutItem",
      reconcile = "dynamodb PutItem",
    } do
      local example = run({ "run", name, "--example" }).stdout
      assert.is_nil(example:find("{}", 1, true), example)
      local plan = run({ "run", name, "-e", "-", stdin = example }).stdout
      assert.truthy(plan:find("\nplan      1. " .. first, 1, true), plan)
    end
  end)

  it("prints that of a function's own handler, or says how to have one", function()
    local directory = run.directory { ["orders.lua"] = [[return {
  handle = function(event) return event end,
  handle_example = { id = 7 },
  other = function() return 1 end,
}]] }
    local result = run { "run", "orders.handle", "--package", directory, "--example" }
    local other = run { "run", "orders.other", "--package", directory, "--example" }
    run.remove(directory)
    assert.same({ id = 7 }, json.decode(result.stdout))
    assert.equal(2, other.status)
    assert.truthy(other.stderr:find("orders.other has no example of an event; let its file have "
      .. "other_example = { … }", 1, true), other.stderr)
  end)

  it("is told of where no event is given", function()
    local result = run { "run", "routing" }
    assert.equal(2, result.status)
    assert.truthy(result.stderr:find("--example prints one", 1, true), result.stderr)
  end)
end)
