-- Objects through event_processor on real parts: buckets of s3rver, the claims table in dynalite,
-- models at the model-checked server, the handler in this process, live.
--
--   local pictures = require "support.pictures"
--   pictures.reset(settings)              an empty claims table, no output; settings of the handler
--   pictures.put(key, tail) → etag        a PNG with these bytes behind its head
--   pictures.job(key, more) → job         of the object as it is now
--   pictures.process(event, more) → report
--   pictures.outputs(prefix) → { key → text }
--   pictures.written(way) → the keys of the objects whose tags the way wrote
--   pictures.claims() → { object → item }
local cloud = require "support.aws"
local files = require "support.files"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local trigger_mode = require "weir.events.trigger_mode"
local codec = require "weir.dynamodb"

local pictures = { cloud = cloud, PNG = "\137PNG\r\n\26\n", JPEG = "\255\216\255\224" }

pictures.definition = assert(json.decode(files.read("deploy/claims-table.json")))
pictures.TABLE = pictures.definition.TableName

local db, s3 = cloud.client "dynamodb", cloud.client "s3"
pictures.s3 = s3

pictures.control = cloud.control

function pictures.create_table() cloud.create_table(pictures.definition) end

local function items()
  return pictures.control("POST", "scan", { TableName = pictures.TABLE })
end

function pictures.claims()
  local claims = {}
  for _, item in ipairs(items()) do
    local decoded = assert(codec.decode(json.encode(item)))
    if decoded.ways then claims[decoded.object] = decoded end
  end

  return claims
end

local function empty_table()
  local deletes = {}
  for i, item in ipairs(items()) do
    deletes[i] = { DeleteRequest = { Key = { object = item.object.S } } }
  end

  assert(db:write_all(pictures.TABLE, deletes))
end

-- Every key of the bucket, sorted.
function pictures.keys(prefix, bucket)
  local keys = {}
  for _, entry in ipairs(assert(s3:all("ListObjectsV2",
    { Bucket = bucket or "bucket", Prefix = prefix }))) do
    keys[#keys + 1] = entry.Key
  end

  table.sort(keys)

  return keys
end

function pictures.outputs(prefix)
  local outputs = {}
  for _, key in ipairs(pictures.keys(prefix)) do
    outputs[key] = assert(s3:get_object { Bucket = "bucket", Key = key }).Body
  end

  return outputs
end

function pictures.written(way)
  local keys = {}
  for _, key in ipairs(pictures.keys("results/" .. way .. "/tags/")) do
    keys[#keys + 1] = key:match("tags/(.*)/[^/]*$")
  end

  return keys
end

function pictures.reset(settings)
  cloud.reset()
  pictures.create_table()
  empty_table()
  for _, key in ipairs(pictures.keys "") do
    assert(s3:delete_object { Bucket = "bucket", Key = key })
  end

  cloud.reset()
  trigger_mode.forget()
  pictures.settings = {
    claims_table = pictures.TABLE,
    output_bucket = "bucket",
    source_bucket = "bucket",
  }

  for name, value in pairs(settings or {}) do pictures.settings[name] = value end
end

local function etag_of(answer) return (answer.ETag:gsub('"', "")) end

function pictures.put(key, tail, head)
  local body = (head or pictures.PNG) .. (tail or key)
  return etag_of(assert(s3:put_object { Bucket = "bucket", Key = key, Body = body }))
end

function pictures.job(key, more)
  local head = assert(s3:head_object { Bucket = "bucket", Key = key })
  local job = { work = "object", bucket = "bucket", key = key, etag = etag_of(head),
    size = head.ContentLength,
    source = "eventbridge" }
  for name, value in pairs(more or {}) do job[name] = value end

  return job
end

-- Live effects with this spec's settings.
function pictures.effects(more)
  return cloud.effects(function() return pictures.settings end, more)
end

local set, shared

function pictures.run(name, event, more)
  set = set or assert(policy_set.load "policies")
  shared = shared or pictures.effects()
  local live = more and pictures.effects(more) or shared
  live.plan, live.metrics, live.failures = {}, {}, {}

  return handlers.run(handlers.find(name), event, set, live)
end

function pictures.process(event, more) return pictures.run("event_processor", event, more) end

-- Operations that were asked for since the last reset, in order.
function pictures.operations()
  local names = {}
  for i, request in ipairs(cloud.requests()) do names[i] = request.operation end
  return names
end

return pictures
