-- An A/B table, an endpoint and EventBridge in memory, below live effects: a thousand experiments
-- in seconds. Real parts are in tests/integration.
--
--   local world = experiment_world.new { key = "numbered" | "sharded", policy = policy set }
--   world.now, world.arrives      the clock; from when on what is written now can be read
--   world:record(variant, at, is_error, latency_ms)
--   world:look()                  → report of inference_comparison
--   world.items                   what is in the table
local ab_table = require "weir.inference.ab_table"
local effects = require "weir.effects"
local handlers = require "weir.handlers"
local json = require "weir.json"

local experiment_world = {}

local World = {}
World.__index = World

local KEYS = { numbered = { "test_id", "timestamp" }, sharded = { "test_shard", "time_id" } }

-- Numbers that are more exact than a float come as userdata: their text is.
local function plain(value)
  if type(value) == "userdata" then return tonumber(tostring(value)) end
  return value
end

local function same_key(world, item, key)
  for _, name in ipairs(world.key) do
    if plain(item[name]) ~= plain(key[name]) then return false end
  end

  return true
end

local function find(world, key)
  for i, item in ipairs(world.items) do
    if same_key(world, item, key) then return i, item end
  end
end

local operations = {}

function operations.PutItem(world, input)
  local at, old = find(world, input.Item)
  local values = input.ExpressionAttributeValues
  if input.ConditionExpression and (old and old.edition) ~= (values and values[":seen"]) then
    return nil, "the condition failed", "ConditionalCheckFailedException", {
      status = 400,
      fields = {},
    }
  end

  input.Item.visible_from = world.arrives or world.now
  world.items[at or #world.items + 1] = input.Item

  return {}
end

function operations.GetItem(world, input) return { Item = select(2, find(world, input.Key)) } end

function operations.Query(world, input)
  local values, found = input.ExpressionAttributeValues, {}
  local hash, range = table.unpack(world.key)
  for _, item in ipairs(world.items) do
    local at = plain(item[range])
    if item[hash] == values[":hash"] and item.visible_from <= world.now
      and type(at) == type(plain(values[":low"])) and at >= plain(values[":low"])
        and at <= plain(values[":high"]) then
      found[#found + 1] = item
    end
  end

  return { Items = found }
end

function operations.DescribeEndpoint(world)
  return { EndpointName = "e", EndpointStatus = "InService", EndpointConfigName = "c",
    LastModifiedTime = 0,
    ProductionVariants = world.variants }
end

function operations.DescribeEndpointConfig() return { ProductionVariants = {} } end
function operations.GetMetricData() return { MetricDataResults = {} } end
function operations.PutEvents() return { Entries = { { EventId = "1" } } } end

function World:perform(request) return operations[request.operation](self, request.input) end

function World:record(variant, at, is_error, latency_ms)
  local now = self.now
  self.now = at
  assert(ab_table.record(self.effects, self.table, "e",
    { variant = variant, is_error = is_error, latency_ms = latency_ms }))
  self.now = now
end

function World:look()
  self.effects.metrics, self.effects.plan = {}, {}
  return handlers.run(handlers.find "inference_comparison", {}, self.policy, self.effects, {
    log = function(line)
      self.decisions[#self.decisions + 1] = line
      return true
    end,
  })
end

function experiment_world.new(given)
  ab_table.forget()
  local world = setmetatable({
    items = {},
    decisions = {},
    key = KEYS[given.key],
    policy = given.policy,
    variants = json.array {
      { VariantName = "old", CurrentWeight = 9, DesiredWeight = 9, CurrentInstanceCount = 1 },
      { VariantName = "new", CurrentWeight = 1, DesiredWeight = 1, CurrentInstanceCount = 1 },
    },
    now = 0,
  }, World)
  local settings = { endpoint_name = "e", ab_test_table_name = "t", ab_test_table_key = given.key,
    warm_up_seconds = "0" }
  local live = effects.live { executor = world }
  function live.setting(_, name, default) return settings[name] or default end
  function live.now() return world.now end
  world.effects, world.table = live, assert(ab_table.settings(live))

  return world
end

return experiment_world
