-- PutItem or GetItem to dynalite, one at a time, with weir's client:
--   dynamodb_requests.lua URL OPERATION COUNT
-- Prints requests a second, then the last item, read back, as JSON.
local aws = require "weir.aws"
local json = require "weir.json"
local process = require "weir.process"

local url, operation, count = arg[1], arg[2], math.tointeger(arg[3])
local db = aws.client("dynamodb", {
  endpoint = url,
  region = "eu-west-1",
  credentials = { access_key_id = "A", secret_access_key = "s" },
})

-- Made by whoever comes first.
db:create_table({
  TableName = "bench",
  BillingMode = "PAY_PER_REQUEST",
  AttributeDefinitions = { { AttributeName = "pk", AttributeType = "S" } },
  KeySchema = { { AttributeName = "pk", KeyType = "HASH" } },
})

local function item(i)
  return {
    pk = "key-" .. i,
    variant = "a",
    score = 0.25,
    count = i,
    note = ("x"):rep(1000),
    tags = { "a", "b" },
  }
end

local function put(i) return db:put_item({ TableName = "bench", Item = item(i) }) end
local function get(i) return db:get_item({ TableName = "bench", Key = { pk = "key-" .. i } }) end

local send = operation == "PutItem" and put or get
for i = 1, count do -- GetItem finds them all
  if operation == "GetItem" or i <= count // 10 then assert(put(i)) end
end

for i = 1, count // 10 do assert(send(i)) end

local started = process.clock()
for i = 1, count do assert(send(i)) end
print(count * 1000 / (process.clock() - started))
print(json.encode(assert(get(count)).Item))
