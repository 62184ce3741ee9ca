-- Where a record of an A/B test lies in its table, so that no two ever have one key. A table's own
-- keys say which of three shapes it has, whatever its attributes are called:
--
--   "sharded"   a text, then a text: `test_id#shard` (16 shards, by chance) and `time#uuid`, such
--               as "e-1#7", "2026-11-22T03:04:05.678Z#6f0c…". deploy/ab-table.json has it.
--   "numbered"  a text, then a number: the Python handlers' table. `test_id`, and the time in epoch
--               seconds with 28 decimals: the microseconds, then 22 digits of chance. Python reads
--               it, and what Python wrote in whole seconds is read.
--   "single"    a text: `test_id#time#uuid`. Read with Scan, so for small tables only.
--
-- Sketches of a numbered table lie under `test_id#sketches`, where Python does not look.
--
--   of_table(description) → shape { name =, hash =, range =? } | nil, message, code
--   new(shape, test_id, at_us, uuid[, is_sketch]) → the attributes of the key
--   queries(shape, test_id, from, to) → list of { operation =, input = }, for whole epoch seconds,
--       from included, to excluded
--   belongs(shape, item, test_id, from, to) → is it a record or a sketch of this test and window?
--   kept(shape, test_id, what, at) → the key of something else that is kept about a test
local codec = require "weir.dynamodb"
local process = require "weir.process"

local keys = { SHARDS = 16 }

local NAMES = { SS = "sharded", SN = "numbered", S = "single" }

-- description: the member Table of DescribeTable's answer.
function keys.of_table(description)
  local shape, types = {}, {}
  for _, attribute in ipairs(description.AttributeDefinitions or {}) do
    types[attribute.AttributeName] = attribute.AttributeType
  end

  for _, key in ipairs(description.KeySchema or {}) do
    shape[key.KeyType == "HASH" and "hash" or "range"] = key.AttributeName
  end

  shape.name = NAMES[(types[shape.hash] or "?") .. (types[shape.range] or "")]
  if shape.name then return shape end
  return nil, ("the table %s cannot hold an A/B test: its key must be a text, alone or before a "
    .. "text or a number (deploy/ab-table.json)"):format(tostring(description.TableName)),
    "InvalidTable"
end

-- The shapes by name, with the attributes of deploy/ab-table.json and of the Python handlers.
keys.shapes = {
  sharded = { name = "sharded", hash = "test_shard", range = "time_id" },
  numbered = { name = "numbered", hash = "test_id", range = "timestamp" },
  single = { name = "single", hash = "test_id" },
}

-- Texts of times sort in the order of the times.
local function time_text(at_us) return process.timestamp(at_us // 1000) end

-- Eleven decimal digits, made of fifteen hexadecimal ones.
local function digits(hex) return ("%011d"):format(tonumber(hex, 16) % 100000000000) end

local function number_of(at_us, uuid)
  local hex = uuid:gsub("-", "")
  return assert(codec.number(("%d.%06d%s%s"):format(at_us // 1000000, at_us % 1000000,
    digits(hex:sub(1, 15)), digits(hex:sub(17, 31)))))
end

local function shard_of(uuid) return tonumber(uuid:match("^%x%x"), 16) % keys.SHARDS end

local function sketches_of(test_id) return test_id .. "#sketches" end

function keys.new(shape, test_id, at_us, uuid, is_sketch)
  if shape.name == "sharded" then
    return {
      [shape.hash] = ("%s#%d"):format(test_id, shard_of(uuid)),
      [shape.range] = ("%s#%s"):format(time_text(at_us), uuid),
    }
  elseif shape.name == "numbered" then
    return {
      [shape.hash] = is_sketch and sketches_of(test_id) or test_id,
      [shape.range] = number_of(at_us, uuid),
    }
  end

  return { [shape.hash] = ("%s#%s#%s"):format(test_id, time_text(at_us), uuid) }
end

local function range_query(shape, hash, low, high)
  return {
    operation = "Query",
    input = {
      KeyConditionExpression = "#hash = :hash AND #range BETWEEN :low AND :high",
      ExpressionAttributeNames = { ["#hash"] = shape.hash, ["#range"] = shape.range },
      ExpressionAttributeValues = { [":hash"] = hash, [":low"] = low, [":high"] = high },
      ConsistentRead = true,
    },
  }
end

-- BETWEEN includes both ends. None of our keys is a time alone; belongs() leaves out keys that are
-- not ours.
function keys.queries(shape, test_id, from, to)
  if shape.name == "single" then
    return { {
      operation = "Scan",
      input = {
        FilterExpression = "#hash = :test OR begins_with(#hash, :begin)",
        ExpressionAttributeNames = { ["#hash"] = shape.hash },
        ExpressionAttributeValues = { [":test"] = test_id, [":begin"] = test_id .. "#" },
        ConsistentRead = true,
      },
    } }
  elseif shape.name == "numbered" then
    return {
      range_query(shape, test_id, from, to),
      range_query(shape, sketches_of(test_id), from, to),
    }
  end

  local list, low, high = {}, time_text(from * 1000000), time_text(to * 1000000)
  for shard = 0, keys.SHARDS - 1 do
    list[#list + 1] = range_query(shape, ("%s#%d"):format(test_id, shard), low, high)
  end

  return list
end

-- The whole second of a number: its text is exact where a float would be rounded up.
local function whole_seconds(value)
  if math.type(value) == "integer" then return value end
  if math.type(value) == "float" then return math.floor(value) end
  return type(value) == "userdata" and math.tointeger(tonumber(tostring(value):match("^(%-?%d+)")))
end

local function belongs_to_single(shape, item, test_id, from, to)
  local time = item[shape.hash]:sub(#test_id + 2):match("^(%d+%-.-Z)#%x+%-[%x%-]+$")
  if time then return time >= time_text(from * 1000000) and time < time_text(to * 1000000) end

  local at = item[shape.hash] == test_id and whole_seconds(item.timestamp)
  return at and at >= from and at < to or false
end

function keys.belongs(shape, item, test_id, from, to)
  if shape.name == "sharded" then return true end
  if shape.name == "single" then return belongs_to_single(shape, item, test_id, from, to) end

  local at = whole_seconds(item[shape.range])
  if not at or at < from or at >= to then return false end
  return (item[shape.hash] == test_id) == (item.record_type ~= "sketch")
end

-- what: "aggregation", …; at: whole epoch seconds, or 0 for the only one.
function keys.kept(shape, test_id, what, at)
  local hash = ("%s-%s"):format(test_id, what)
  if shape.name == "single" then return { [shape.hash] = ("%s#%d"):format(hash, at) } end

  local range = shape.name == "numbered" and at or ("%d"):format(at)
  return { [shape.hash] = hash, [shape.range] = range }
end

return keys
