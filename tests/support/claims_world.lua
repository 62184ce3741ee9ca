-- The claims table in memory, below live effects: thousands of cases a second. Real parts are in
-- tests/integration.
--
--   local world = claims_world.new()
--   world.claims { way =, mode =, owner =, … }   → claims, as claims.new makes them
--   world.items    object → item
--   world.time     epoch seconds
--   world.fail     as support.calls_in_memory has it
local calls_in_memory = require "support.calls_in_memory"
local claims = require "weir.events.claims"
local effects = require "weir.effects"

local claims_world = {}

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[key] = copy(item) end

  return result
end

local operations = {}
claims_world.operations = operations

function operations.PutItem(world, input)
  local held = input.ConditionExpression and world.items[input.Item.object]
  local wanted = input.ExpressionAttributeValues and input.ExpressionAttributeValues[":seen"]
  if (held and held.revision) == wanted then
    world.items[input.Item.object] = copy(input.Item)
    return {}
  end

  return nil, "condition", "ConditionalCheckFailedException", {
    status = 400,
    fields = { Item = copy(held) },
  }
end

function operations.GetItem(world, input) return { Item = copy(world.items[input.Key.object]) } end

local World = calls_in_memory.executor(operations)

function claims_world.new()
  local world = setmetatable({ items = {}, calls = 0, time = 1000000 }, World)
  local live = effects.live { executor = world }
  function live.now() return world.time end

  function world.claims(given)
    local options = { table = "claims", way = "events", mode = "events_first", lease_seconds = 60,
      current = function(job) return job.etag end }
    for name, value in pairs(given or {}) do options[name] = value end
    return claims.new(live, options)
  end

  return world
end

return claims_world
