-- Tables of A/B tests in dynalite, of every shape, and effects to write and read them with.
--
--   ab_tables.create("sharded" | "numbered" | "single")   → the table's name, the table being empty
--   ab_tables.items(name)                                 → its items, in DynamoDB's JSON
--   ab_tables.effects(config[, more])   live effects with these settings and a clock that stands at
--                                       effects.at
local files = require("support.files")
local json = require("weir.json")
local cloud = require("support.aws")

local ab_tables = {}

local db = cloud.client("dynamodb")
local shipped = assert(json.decode(files.read("deploy/ab-table.json")))

local function definition(hash, range, range_type)
  return {
    BillingMode = "PAY_PER_REQUEST",
    AttributeDefinitions = { { AttributeName = hash, AttributeType = "S" },
      range and { AttributeName = range, AttributeType = range_type } },
    KeySchema = {
      { AttributeName = hash, KeyType = "HASH" },
      range and { AttributeName = range, KeyType = "RANGE" },
    },
  }
end

local DEFINITIONS = {
  sharded = shipped,
  numbered = definition("test_id", "timestamp", "N"),
  single = definition("test_id"),
  number_hash = { BillingMode = "PAY_PER_REQUEST",
    AttributeDefinitions = { { AttributeName = "id", AttributeType = "N" } },
    KeySchema = { { AttributeName = "id", KeyType = "HASH" } } },
}

local created = 0

-- A new name each time: creating a table in dynalite is faster than emptying one.
function ab_tables.create(shape)
  created = created + 1
  local name = ("ab-%s-%d"):format(shape:gsub("_", "-"), created)
  local input = { TableName = name }
  for key, value in pairs(DEFINITIONS[shape]) do
    if key ~= "TableName" then input[key] = value end
  end

  assert(db:create_table(input))
  repeat until assert(db:describe_table({ TableName = name })).Table.TableStatus == "ACTIVE"

  return name
end

function ab_tables.items(name) return cloud.control("POST", "scan", { TableName = name }) end

function ab_tables.effects(config, more)
  local live = cloud.effects(function() return config end)
  live.at = 1795435200
  function live.now() return live.at end
  for name, value in pairs(more or {}) do live[name] = value end

  return live
end

return ab_tables
