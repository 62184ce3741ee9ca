-- A whole account in memory, below live effects: buckets, the claims table, models whose answers
-- follow from the bytes. Ten thousand events take seconds, and a process can die between any two
-- calls.
--
--   local world = processing_world.new { die = function(operation) → "before" | "after" | nil,
--       set = a policy set other than the shipped one }
--   world.put(key, bytes) → etag, sequencer      writes an object; its event is world.event(key)
--   world.deliver(name, event) → report, or nil: the process was killed
--   world.settings                               name → value, before those of every test
--   world.time, world.mode                       epoch seconds; the trigger mode
--   world.finished                               "way object etag" → how often a claim was finished
--   world.objects["bucket"]                      key → { body =, etag =, … }
local claims_world = require "support.claims_world"
local effects = require "weir.effects"
local handlers = require "weir.handlers"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local sha256 = require "weir.sha256"

local processing_world = { PNG = "\137PNG\r\n\26\n" }

local KILLED = {}

local operations = {}

local function refuse(code, status) return nil, code, code, { status = status, fields = {} } end

local function http_date(seconds) return os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds) end

local function header_of(object)
  return {
    ETag = '"' .. object.etag .. '"',
    ContentLength = #object.body,
    LastModified = http_date(object.at)
  }
end

function operations.HeadObject(world, input)
  local object = world.objects[input.Bucket][input.Key]
  if not object then return refuse("NotFound", 404) end
  return header_of(object)
end

function operations.GetObject(world, input)
  local object = world.objects[input.Bucket][input.Key]
  if not object then return refuse("NoSuchKey", 404) end
  local answer = header_of(object)
  answer.Body = object.body

  return answer
end

function operations.PutObject(world, input)
  world.puts[input.Key] = (world.puts[input.Key] or 0) + 1
  local etag = sha256.hex(input.Body):sub(1, 32)
  world.objects[input.Bucket][input.Key] = { body = input.Body, etag = etag, at = world.time }

  return {}
end

function operations.DeleteObject(world, input)
  world.objects[input.Bucket][input.Key] = nil
  return {}
end

-- A hundred a page, in the order of the keys.
function operations.ListObjectsV2(world, input)
  local objects, keys, contents = world.objects[input.Bucket], {}, {}
  for key in pairs(objects) do
    if key > (input.StartAfter or input.ContinuationToken or "")
      and key:sub(1, #(input.Prefix or "")) == (input.Prefix or "") then keys[#keys + 1] = key end
  end

  table.sort(keys)
  for i = 1, math.min(100, #keys) do
    local object = objects[keys[i]]
    contents[i] = { Key = keys[i], Size = #object.body, ETag = '"' .. object.etag .. '"',
      LastModified = os.date("!%Y-%m-%dT%H:%M:%SZ", object.at) }
  end

  local more = #keys > #contents

  return {
    Contents = contents,
    IsTruncated = more,
    NextContinuationToken = more and contents[#contents].Key or nil,
  }
end

function operations.DetectLabels(_, input)
  local digest = sha256.hex(input.Image.Bytes)
  local labels = {}
  for i = 1, 3 do
    labels[i] = {
      Name = "Label" .. digest:sub(i, i),
      Confidence = 40 + tonumber(digest:sub(4 + i, 5 + i), 16) / 4.5,
    }
  end

  return { Labels = labels }
end

function operations.Converse(_, input)
  local text = '{"title":"T","description":"D of %s","category":"C","tags":["a"]}'
  text = text:format(sha256.hex(input.messages[1].content[1].text):sub(1, 8))
  return { output = { message = { content = { { text = text } } } } }
end

operations.GetItem = claims_world.operations.GetItem

-- Counts the writes with which a claim becomes finished.
function operations.PutItem(world, input)
  local before = world.items[input.Item.object]
  local answer, message, code, details = claims_world.operations.PutItem(world, input)
  if not answer then return nil, message, code, details end
  for way, part in pairs(input.Item.ways or {}) do
    local old = before and before.etag == input.Item.etag and before.ways[way]
    if part.status == "finished" and (not old or old.status ~= "finished") then
      local name = ("%s %s %s"):format(way, input.Item.object, input.Item.etag)
      world.finished[name] = (world.finished[name] or 0) + 1
    end
  end

  return answer
end

local World = {}
World.__index = World

-- Who is dead calls nothing any more, whatever catches the error.
local function kill(self)
  self.is_dead = true
  error(KILLED, 0)
end

function World:perform(request)
  if self.is_dead then kill(self) end
  local how = self.die and self.die(request.operation)
  if how == "before" then kill(self) end
  local answer = table.pack(operations[request.operation](self, request.input))
  if how == "after" then kill(self) end

  return table.unpack(answer, 1, answer.n)
end

local set

-- The names and values of an invocation's settings.
local function setting_of(world)
  return function(_, name, default)
    local settings = { claims_table = "claims", claim_lease_seconds = "60", output_bucket = "out",
      source_bucket = "in",
      trigger_mode = world.mode, reconcile_grace_seconds = "0", bucket = name == "bucket" and "in"
        or nil }
    local value = world.settings[name] or settings[name] or default
    if value then return value end

    return nil, name .. " is missing", "NotConfigured"
  end
end

function processing_world.new(given)
  set = set or assert(policy_set.load "policies")
  local world = setmetatable({
    items = {},
    objects = { ["in"] = {}, out = {} },
    puts = {},
    settings = {},
    finished = {},
    time = process.time() // 1000,
    mode = "events_first",
    die = given and given.die,
    set = given and given.set or set,
    sequence = 0,
  }, World)

  function world.put(key, bytes)
    world.sequence = world.sequence + 1
    local body = processing_world.PNG .. bytes
    local object = { body = body, etag = sha256.hex(body):sub(1, 32), at = world.time,
      sequencer = ("%016X"):format(world.sequence) }
    world.objects["in"][key] = object

    return object
  end

  -- The event of an object's present state.
  function world.event(key)
    local object = world.objects["in"][key]
    return { source = "aws.s3", ["detail-type"] = "Object Created",
      time = os.date("!%Y-%m-%dT%H:%M:%SZ", object.at),
      detail = { bucket = { name = "in" }, reason = "PutObject",
        object = { key = key, size = #object.body, etag = object.etag,
          sequencer = object.sequencer } } }
  end

  function world.deliver(name, event)
    world.is_dead = false
    local live = effects.live { executor = world }
    live.setting = setting_of(world)
    function live.now() return world.time end
    local ok, report = pcall(handlers.run, handlers.find(name), event, world.set, live)
    if ok then return report end
    if not tostring(report):find("an error value of type table was raised", 1, true) then
      error(report, 0)
    end
  end

  return world
end

return processing_world
