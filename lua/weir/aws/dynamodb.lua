-- DynamoDB: items are Lua tables on this side (see weir.dynamodb), its tagged JSON on the other.
-- Attributes named like a task token come as secrets.
local body = require "weir.body"
local client = require "weir.aws.client"
local codec = require "weir.dynamodb"
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"

-- Members that are items.
local ITEMS = {
  Item = true,
  Key = true,
  ExpressionAttributeValues = true,
  ExclusiveStartKey = true,
}
local SECRETS = { secret = { "taskToken", "task_token", "TaskToken" } }
local MAX_WRITES = 25

local function encode_item(item)
  local text, message, code = codec.encode(item)
  if not text then return nil, message, code end
  return body.raw(text)
end

local function encode_write(write)
  local kind, member = "PutRequest", "Item"
  if write.DeleteRequest then kind, member = "DeleteRequest", "Key" end
  if type(write[kind]) ~= "table" or type(write[kind][member]) ~= "table" then
    error("a write is {PutRequest={Item=}} or {DeleteRequest={Key=}}", 0)
  end

  local item, message, code = encode_item(write[kind][member])
  if not item then return nil, message, code end

  return { [kind] = { [member] = item } }
end

-- table name → writes. Writes that the service gave back, to be sent again, are still JSON text.
local function encode_writes(tables)
  if type(tables) == "string" then return body.raw(tables) end
  local encoded = {}
  for name, writes in sorted_pairs(tables) do
    encoded[name] = json.array({})
    for i, write in ipairs(writes) do
      local one, message, code = encode_write(write)
      if not one then return nil, message, code end
      encoded[name][i] = one
    end
  end

  return encoded
end

local function encode(input)
  local encoded = {}
  for member, value in sorted_pairs(input) do
    local message, code
    if ITEMS[member] then
      encoded[member], message, code = encode_item(value)
    elseif member == "RequestItems" then
      encoded[member], message, code = encode_writes(value)
    else
      encoded[member] = value
    end

    if encoded[member] == nil then return nil, ("%s: %s"):format(member, message), code end
  end

  return body.json(encoded)
end

local function decode(text)
  return codec.decode_reply(text, SECRETS)
end

local CONDITION = " ConditionExpression ExpressionAttributeNames ExpressionAttributeValues "
  .. "ReturnValues ReturnValuesOnConditionCheckFailure ReturnConsumedCapacity "
  .. "ReturnItemCollectionMetrics"

local dynamodb = client.service {
  name = "dynamodb",
  id = "DYNAMODB",
  host = "dynamodb",
  signing_name = "dynamodb",
  fips_hosts = { ["aws-us-gov"] = "dynamodb" },
  protocol = "json",
  json_version = "1.0",
  target_prefix = "DynamoDB_20120810",
  max_attempts = 4,
  retry_base_ms = 25,
  check_crc = true,
  encode = encode,
  decode = decode,
  secret_replies = true,
  operations = {
    PutItem = { members = "TableName* Item*" .. CONDITION, target = "TableName", changes = true },
    GetItem = {
      members = "TableName* Key* ConsistentRead ProjectionExpression ExpressionAttributeNames "
        .. "ReturnConsumedCapacity",
      target = "TableName",
    },
    DeleteItem = { members = "TableName* Key*" .. CONDITION, target = "TableName", changes = true },
    UpdateItem = {
      members = "TableName* Key* UpdateExpression" .. CONDITION,
      target = "TableName",
      changes = true,
    },
    Query = {
      members = "TableName* KeyConditionExpression IndexName FilterExpression ProjectionExpression "
        .. "Limit Select ScanIndexForward ExclusiveStartKey ConsistentRead "
        .. "ExpressionAttributeNames ExpressionAttributeValues ReturnConsumedCapacity",
      target = "TableName",
      -- A page may be empty: only a missing key ends the listing.
      paging = { input = "ExclusiveStartKey", output = "LastEvaluatedKey", items = "Items" },
    },
    Scan = {
      members = "TableName* FilterExpression ProjectionExpression IndexName Limit Select Segment "
        .. "TotalSegments ExclusiveStartKey ConsistentRead ExpressionAttributeNames "
        .. "ExpressionAttributeValues ReturnConsumedCapacity",
      target = "TableName",
      paging = { input = "ExclusiveStartKey", output = "LastEvaluatedKey", items = "Items" },
    },
    BatchWriteItem = {
      members = "RequestItems* ReturnConsumedCapacity ReturnItemCollectionMetrics",
      changes = true,
    },
    DescribeTable = { members = "TableName*", target = "TableName" },
    CreateTable = {
      members = "TableName* AttributeDefinitions* KeySchema* BillingMode GlobalSecondaryIndexes "
        .. "LocalSecondaryIndexes ProvisionedThroughput StreamSpecification SSESpecification Tags "
        .. "TableClass DeletionProtectionEnabled",
      target = "TableName",
      changes = true,
    },
  },
}

local THROTTLED = { code = "ProvisionedThroughputExceededException" }

-- Sends one batch until nothing is left unprocessed, backing off as for throttling.
local function write_batch(self, writes, table_name, options)
  local pending, round = { [table_name] = writes }, 1
  while true do
    local output, message, code, details = self:call("BatchWriteItem", { RequestItems = pending },
      options)
    if not output then return nil, message, code, details end
    pending = output.UnprocessedItems
    if not pending or pending == "{}" then return true end
    local waited, why = self.retrier:wait(THROTTLED, round, self:deadline(options))
    if not waited then
      local problem = ("dynamodb BatchWriteItem: items of %s are left unprocessed; %s")
        :format(table_name, why)
      return nil, problem, THROTTLED.code, { attempts = round, fields = {} }
    end

    round = round + 1
  end
end

-- write_all(table, writes, options) → true | nil, message, code, details. Any number of writes, 25
-- at a time; each is { PutRequest = { Item = } } or { DeleteRequest = { Key = } }.
function dynamodb.methods:write_all(table_name, writes, options)
  for from = 1, #writes, MAX_WRITES do
    local batch = table.move(writes, from, math.min(from + MAX_WRITES - 1, #writes), 1, {})
    local done, message, code, details = write_batch(self, batch, table_name, options)
    if not done then return nil, message, code, details end
  end

  return true
end

return dynamodb
