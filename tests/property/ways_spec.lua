-- The same objects through `discovery` and through `event_map`: what is written is the same, byte
-- for byte, and the same objects are left out.
local json = require "weir.json"
local processing_world = require "support.processing_world"
local property = require "support.property"
local random = require "support.random"

local COUNT = math.max(20, property.cases(1000))

-- Keys that make trouble: characters with a meaning in URLs, both normal forms of a letter, empty
-- segments and those of one or two dots, long keys.
local PIECES = { "a", "B", "9", " ", "+", "%", "%20", "%2F", "&", "=", "?", "#", "é", "e\u{301}",
  "日本", "/", "//", "..",
  ".", "~", "-", "_", "'", '"', "\\", "<", "\t", "\u{1F600}" }

local function random_key(source, number)
  local parts = { source:integer(1, 20) == 1 and "/" or "in/" }
  for i = 1, source:integer(1, 12) do parts[i + 1] = source:choice(PIECES) end
  if source:integer(1, 25) == 1 then parts[#parts + 1] = ("k."):rep(source:integer(300, 450)) end

  return table.concat(parts) .. number .. ".png"
end

local function url_encoded(key)
  return (key:gsub("[^%w%-_.~/ ]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end):gsub(" ", "+"))
end

-- What S3 sends to EventBridge, or as a notification of its classic shape, or that in a batch of
-- Pipes.
local function announcement(world, key, shape)
  local event = world.event(key)
  if shape == 1 then return event end
  local object = event.detail.object
  local written = {
    key = url_encoded(key),
    size = object.size,
    eTag = object.etag,
    sequencer = object.sequencer,
  }

  local notification = { Records = json.array { { eventSource = "aws:s3",
    eventName = "ObjectCreated:Put",
    eventTime = event.time, s3 = { bucket = { name = "in" }, object = written } } } }
  return shape == 2 and notification or json.array { notification }
end

local function answer(report)
  assert.is_nil(report.error and report.error.message)
  return report.result
end

local function process_all(world, jobs)
  for _, job in ipairs(jobs) do
    local result = answer(world.deliver("event_processor", { job = job }))
    assert.is_nil(result.duplicate)
  end
end

local function by_events(world, source, keys)
  local jobs = {}
  for _, key in ipairs(keys) do
    local mapped = answer(world.deliver("event_map",
      announcement(world, key, source:integer(1, 3))))
    table.move(mapped.jobs, 1, #mapped.jobs, #jobs + 1, jobs)
  end

  process_all(world, jobs)

  return #jobs
end

local function by_discovery(world)
  local found, jobs = answer(world.deliver("discovery", { bucket = "in" })), {}
  assert.is_true(found.done)
  for part = 1, found.parts do
    local key = found.manifest_key:gsub("manifest%.json$", ("part-%06d.jsonl"):format(part))
    for line in world.objects.out[key].body:gmatch("[^\n]+") do
      jobs[#jobs + 1] = assert(json.decode(line))
    end
  end

  process_all(world, jobs)

  return #jobs
end

-- The documents of a way, by their place below it.
local function documents(world, way)
  local found, count = {}, 0
  local prefix = "results/" .. way .. "/"
  for key, object in pairs(world.objects.out) do
    if key:sub(1, #prefix) == prefix then
      found[key:sub(#prefix + 1)] = object.body
      count = count + 1
    end
  end

  return found, count
end

describe("discovery and event_map", function()
  it("lead to the same documents", function()
    local source, world = random.new(property.seed { seed = 5 }), processing_world.new()
    local keys = {}
    world.mode = "parallel"
    for i = 1, COUNT do
      keys[i] = random_key(source, i)
      world.put(keys[i], source:hex(source:integer(0, 40)))
    end

    local announced, discovered = by_events(world, source, keys), by_discovery(world)
    assert.equal(announced, discovered)
    assert.is_true(announced > COUNT // 2, announced)
    local events, count = documents(world, "events")
    assert.equal(2 * announced, count)
    assert.same(events, (documents(world, "polling")))
  end)
end)
