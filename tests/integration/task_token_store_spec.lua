-- The store of task tokens, when calls fail and records are not what they should be.
local faults = require "support.faults"
local secret = require "weir.secret"
local store = require "weir.callback.task_token_store"
local workflow = require "support.workflow"

local cloud = workflow.cloud
local refusal = faults.refusal

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

describe("the store of task tokens", function()
  local UUID = "0a1b2c3d-0000-4000-8000-000000000000"

  before_each(function() workflow.reset() end)

  local function new(more) return store.new(workflow.effects(more), { table = workflow.TABLE }) end

  it("tells not found, expired and failed apart", function()
    local tokens = new()
    local record = assert(tokens:put(secret.wrap(TOKEN), "job"))
    assert.is_true(secret.equal(TOKEN, assert(tokens:get(record.correlation_id)).task_token))
    assert.equal("TokenNotFound", select(3, tokens:get("00000000")))
    assert.equal("TokenExpired", select(3,
      new({ now = function() return record.ttl end }):get(record.correlation_id)))
    cloud.faults(refusal("AccessDeniedException", "not you"))
    assert.equal("AccessDeniedException", select(3, tokens:get(record.correlation_id)))
  end)

  it("never overwrites: three ids that are taken are an error", function()
    local tokens = new({ uuid = function() return UUID end })
    local first = assert(tokens:put(secret.wrap(TOKEN), "job"))
    assert.equal("0a1b2c3d", first.correlation_id)
    local record, message, code = tokens:put(secret.wrap(SECOND), "job-2")
    assert.is_nil(record)
    assert.equal("CorrelationIdTaken", code)
    assert.matches("set CORRELATION_ID_LENGTH to 12 or 16", message)
    assert.is_true(secret.equal(TOKEN, assert(tokens:get("0a1b2c3d")).task_token))
  end)

  it("recognises its own record by the item that comes with the failure, too", function()
    local held
    local live = { now = function() return 1000 end, uuid = function() return UUID end,
      call = function(_, request)
        held = request.input.Item
        return nil, "lost", "ConditionalCheckFailedException", {
          status = 400,
          fields = { Item = held },
        }
      end }
    local record = assert(store.new(live, { table = "t" }):put(secret.wrap(TOKEN), "job"))
    assert.equal(held, record)
  end)

  it("removes what may have been written by a call that failed", function()
    local operations = {}
    local live = { now = function() return 1000 end, uuid = function() return UUID end,
      call = function(_, request)
        operations[#operations + 1] = request.operation
        if request.operation == "PutItem" then
          return nil, "no answer", "Timeout", { fields = {} }
        end

        return {}
      end }
    assert.equal("Timeout", select(3, store.new(live, { table = "t" }):put(secret.wrap(TOKEN),
      "job")))
    assert.same({ "PutItem", "DeleteItem" }, operations)
  end)

  it("refuses a record that is none of its own", function()
    assert(cloud.client("dynamodb"):put_item({ TableName = workflow.TABLE,
      Item = { correlation_id = "0a1b2c3d" } }))
    assert.equal("InvalidRecord", select(3, new():get("0a1b2c3d")))
  end)

  it("finds the records of a job", function()
    local tokens = new()
    local one, two = assert(tokens:put(secret.wrap(TOKEN), "job")),
      assert(tokens:put(secret.wrap(SECOND), "job"))
    assert(tokens:put(secret.wrap(SECOND), "other"))
    local ids = assert(tokens:ids_of("job"))
    table.sort(ids)
    local expected = { one.correlation_id, two.correlation_id }
    table.sort(expected)
    assert.same(expected, ids)
  end)
end)
