-- PutItem and GetItem to dynalite, one at a time: weir's client. Run by ./dev bench with the URL of
-- dynalite and the number of requests; prints requests a second.
local aws = require("weir.aws")
local process = require("weir.process")

local url, count = arg[1], math.tointeger(arg[2])
local db = aws.client("dynamodb", { endpoint = url, region = "eu-west-1",
  credentials = { access_key_id = "A", secret_access_key = "s" } })

db:create_table({ TableName = "bench", BillingMode = "PAY_PER_REQUEST",
  AttributeDefinitions = { { AttributeName = "pk", AttributeType = "S" } },
  KeySchema = { { AttributeName = "pk", KeyType = "HASH" } } })

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

local function measure(name, send)
  for i = 1, 100 do send(i) end
  local started = process.clock()
  for i = 1, count do assert(send(i)) end
  local elapsed = process.clock() - started
  print(("%s %.0f"):format(name, count * 1000 / elapsed))
end

measure("PutItem", function(i) return db:put_item({ TableName = "bench", Item = item(i) }) end)
measure("GetItem", function(i)
  return db:get_item({ TableName = "bench", Key = { pk = "key-" .. i } })
end)
