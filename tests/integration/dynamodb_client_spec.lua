-- The DynamoDB client against dynalite, through the signing front.
local process = require "weir.process"
local cloud = require("support.aws")
local codec = require("weir.dynamodb")
local secret = require("weir.secret")

describe("DynamoDB client:", function()
  local db = cloud.client("dynamodb")
  local TABLE = "jobs"

  setup(function()
    cloud.reset()
    local created = assert(db:create_table({ TableName = TABLE, BillingMode = "PAY_PER_REQUEST",
      AttributeDefinitions = { { AttributeName = "pk", AttributeType = "S" },
        { AttributeName = "sk", AttributeType = "N" } },
      KeySchema = { { AttributeName = "pk", KeyType = "HASH" },
        { AttributeName = "sk", KeyType = "RANGE" } } }))
    assert.equal(TABLE, created.TableDescription.TableName)
    local status
    repeat
      status = assert(db:describe_table({ TableName = TABLE })).Table.TableStatus
    until status == "ACTIVE"
  end)

  before_each(cloud.reset)

  local function put(item, more)
    local input = { TableName = TABLE, Item = item }
    for key, value in pairs(more or {}) do input[key] = value end
    return db:put_item(input)
  end

  it("CreateTable says when the table is there already", function()
    local output, _, code = db:create_table({ TableName = TABLE,
      AttributeDefinitions = { { AttributeName = "pk", AttributeType = "S" } },
      KeySchema = { { AttributeName = "pk", KeyType = "HASH" } }, BillingMode = "PAY_PER_REQUEST" })
    assert.is_nil(output)
    assert.equal("ResourceInUseException", code)
    assert.equal("ResourceNotFoundException", select(3, db:describe_table({ TableName = "none" })))
  end)

  it("PutItem and GetItem keep every kind of value", function()
    local item = { pk = "kinds", sk = 1, text = "é\0", empty = "", yes = true, nothing = codec.null,
      float = 0.1, big = assert(codec.number("12345678901234567890123456789012345678")),
      map = { a = { b = 1 } }, list = codec.list({ 1, "two" }), bytes = codec.binary("\0\255"),
      set = assert(codec.set({ "a", "b" })) }
    assert.same({}, assert(put(item)))
    local read = assert(db:get_item({ TableName = TABLE, Key = { pk = "kinds", sk = 1 },
      ConsistentRead = true })).Item
    for _, name in ipairs({ "text", "empty", "yes", "float" }) do
      assert.equal(item[name], read[name])
    end

    assert.equal(codec.null, read.nothing)
    assert.equal("12345678901234567890123456789012345678", tostring(read.big))
    assert.same({ a = { b = 1 } }, read.map)
    assert.equal("two", read.list[2])
    assert.is_nil(assert(db:get_item({ TableName = TABLE, Key = { pk = "absent", sk = 1 } })).Item)
  end)

  it("keeps task tokens secret from the moment they are read", function()
    assert(put({ pk = "token", sk = 1, task_token = secret.wrap("hush") }))
    local read = assert(db:get_item({ TableName = TABLE, Key = { pk = "token", sk = 1 } })).Item
    assert.is_true(secret.is(read.task_token))
    assert.is_true(secret.equal(read.task_token, "hush"))
  end)

  it("a failed condition comes with the item that stands in the way", function()
    assert(put({ pk = "once", sk = 1, owner = "first" }))
    local output, message, code, details = put({ pk = "once", sk = 1, owner = "second" }, {
      ConditionExpression = "attribute_not_exists(pk)",
        ReturnValuesOnConditionCheckFailure = "ALL_OLD" })
    assert.is_nil(output)
    assert.equal("ConditionalCheckFailedException", code)
    assert.matches("^dynamodb PutItem: ConditionalCheckFailedException: .*status 400", message)
    assert.equal(1, details.attempts)
    assert.is_table(details.fields)
  end)

  it("reads the item in an error's body", function()
    cloud.faults({ kind = "status", status = 400, headers = { ["x-amzn-RequestId"] = "r-1" }, body =
      '{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m",'
      .. '"Item":{"pk":{"S":"once"},"n":{"N":"7"}}}' })
    local _, _, code, details = put({ pk = "x", sk = 1 })
    assert.equal("ConditionalCheckFailedException", code)
    assert.same({ pk = "once", n = 7 }, details.fields.Item)
    assert.equal("r-1", details.request_id)
  end)

  it("UpdateItem and DeleteItem give old and new values", function()
    assert(put({ pk = "count", sk = 1, n = 1 }))
    local updated = assert(db:update_item({ TableName = TABLE, Key = { pk = "count", sk = 1 },
      UpdateExpression = "SET #n = #n + :one", ExpressionAttributeNames = { ["#n"] = "n" },
      ExpressionAttributeValues = { [":one"] = 1 }, ReturnValues = "ALL_NEW" }))
    assert.equal(2, updated.Attributes.n)
    local deleted = assert(db:delete_item({ TableName = TABLE, Key = { pk = "count", sk = 1 },
      ReturnValues = "ALL_OLD" }))
    assert.same({ pk = "count", sk = 1, n = 2 }, deleted.Attributes)
  end)

  it("Query goes on until there is no last key", function()
    local writes = {}
    for i = 1, 60 do
      writes[i] = { PutRequest = { Item = { pk = "many", sk = i, odd = i % 2 == 1 } } }
    end

    assert(db:write_all(TABLE, writes))
    local input = { TableName = TABLE, KeyConditionExpression = "pk = :pk AND sk BETWEEN :a AND :b",
      Limit = 7,
      ExpressionAttributeValues = { [":pk"] = "many", [":a"] = 1, [":b"] = 50 } }
    local items = assert(db:all("Query", input))
    assert.equal(50, #items)
    assert.equal(50, items[50].sk)
    local next_page = db:pages("Query", input)
    next_page()
    next_page()
    assert.is_nil(input.ExclusiveStartKey) -- the caller's table is left alone
    input.FilterExpression, input.Limit = "odd = :none", 5
    input.ExpressionAttributeValues[":none"] = "x"
    local pages = 0
    for page in db:pages("Query", input) do
      pages = pages + 1
      assert.equal(0, #page.Items)
    end

    assert.is_true(pages >= 10)
  end)

  it("BatchWriteItem deletes as well, and counts of 25", function()
    local output = assert(db:batch_write_item({ RequestItems = { [TABLE] = {
      { PutRequest = { Item = { pk = "batch", sk = 1 } } },
      { DeleteRequest = { Key = { pk = "many", sk = 1 } } } } } }))
    assert.is_true(output.UnprocessedItems == nil or output.UnprocessedItems == "{}")
    assert.is_nil(assert(db:get_item({ TableName = TABLE, Key = { pk = "many", sk = 1 } })).Item)
  end)

  local UNPROCESSED =
    '{"UnprocessedItems":{"jobs":[{"PutRequest":{"Item":{"pk":{"S":"left"},"sk":{"N":"1"}}}}]}}'

  it("sends unprocessed items again, after a delay", function()
    local slept = {}
    local slow = cloud.client("dynamodb", { retrier = require("weir.aws.retry").new {
      max_attempts = 4,
      sleep = function(ms) slept[#slept + 1] = ms end,
      random = function() return 1 end,
    } })
    local left_over = { kind = "status", status = 200, headers = {}, body = UNPROCESSED }
    cloud.faults(left_over, left_over)
    assert(slow:write_all(TABLE, { { PutRequest = { Item = { pk = "left", sk = 1 } } } }))
    assert.same({ 1000, 2000 }, slept)
    assert.equal(500 - 5 + 1 - 5 + 1, slow.retrier.tokens) -- each request was answered
    assert.is_table(assert(db:get_item({ TableName = TABLE, Key = { pk = "left", sk = 1 } })).Item)
  end)

  it("does not wait past any deadline to send unprocessed items again", function()
    local function left_over()
      cloud.faults({ kind = "status", status = 200, headers = {}, body = UNPROCESSED })
    end

    local now = require("weir.process").time
    local writes = { { PutRequest = { Item = { pk = "left", sk = 1 } } } }
    local function refuses(config, options)
      left_over()
      config.retrier = require("weir.aws.retry").new({ max_attempts = 4, random = function()
        return 1
      end,
        sleep = function() error("slept past the deadline") end })
      local done, message, code = cloud.client("dynamodb", config):write_all(TABLE, writes, options)
      assert.is_nil(done)
      assert.equal("ProvisionedThroughputExceededException", code)
      assert.matches("the deadline comes before the next attempt", message)
    end

    refuses({}, { deadline_ms = now() + 900 })
    refuses({ deadline_ms = now() + 900 })
    local handlers_own = process.deadline
    finally(function() process.deadline = handlers_own end)
    process.deadline = function() return now() + 900 end
    refuses({})
  end)

  it("says before sending that an item cannot be stored", function()
    local function fails(item)
      local output, message, code = put(item)
      assert.is_nil(output)
      assert.matches("Item", message)

      return code
    end

    assert.is_string(fails({ pk = "x", sk = 0 / 0 }))
    assert.is_string(fails({ pk = "x", sk = math.huge }))
    assert.is_string(fails({ pk = "x", sk = 1, big = ("x"):rep(500000) }))

    for _, write in ipairs {
      { PutRequest = { Item = { pk = "x", sk = 0 / 0 } } },
      { DeleteRequest = { Key = { pk = "x", sk = math.huge } } },
    } do
      local done, message, code = db:write_all(TABLE, { write })
      assert.is_nil(done)
      assert.matches("RequestItems: cannot encode the item at .sk", message, 1, true)
      assert.is_string(code)
    end

    assert.equal(0, #cloud.requests())
  end)

  it("checks the checksum of every answer", function()
    cloud.faults({ kind = "bad_crc" })
    assert(db:get_item({ TableName = TABLE, Key = { pk = "once", sk = 1 } }))
    assert.equal(2, #cloud.requests())
  end)
end)
