-- Letters of events that no job could be made of: kept, walked through page by page, and dropped.
local dead_letters = require "weir.events.dead_letters"
local json = require "weir.json"
local memory_s3 = require "support.memory_s3"

local PLACE = { bucket = "letters", prefix = "dead/" }

local function account(page_size)
  local memory = memory_s3.new()
  return memory, memory:effects { page_size = page_size, settings = {} }
end

local function keep(effects, event)
  return assert(dead_letters.keep(effects, PLACE,
    { reason = "it broke", code = "Broken", event = event }))
end

local function walk(effects, after)
  local keys, letters = {}, {}
  for key, letter in dead_letters.each(effects, PLACE, after) do
    keys[#keys + 1], letters[key] = key, letter
  end

  return keys, letters
end

describe("dead letters", function()
  it("have a place where a bucket is set, below a prefix", function()
    local function place(settings)
      return dead_letters.place { setting = function(_, name, default)
        return settings[name] or default
      end }
    end

    assert.is_nil(place {})
    assert.same({ bucket = "b", prefix = "dead-letters/" }, place { dead_letter_bucket = "b" })
  end)

  it("hold the event, the reason, its code and the time", function()
    local memory, effects = account()
    local letter = json.decode(memory.buckets.letters[keep(effects, { a = 1 })].Body)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT", letter.time)
    letter.time = nil
    assert.same({ schema = "weir.dead_letter/1", reason = "it broke", code = "Broken",
      event = { a = 1 } }, letter)
  end)

  it("are one for the same event, whatever the order of its members", function()
    local _, effects = account()
    local first = keep(effects, json.decode '{"a":1,"b":[2,{"c":3,"d":4}]}')
    assert.equal(first, keep(effects, json.decode '{"b":[2,{"d":4,"c":3}],"a":1}'))
    assert.not_equal(first, keep(effects, json.decode '{"a":1,"b":[2,{"c":3,"d":5}]}'))
    assert.equal(1, select(2, first:gsub("^dead/%x+%.json$", "")))
  end)

  it("are walked through page by page, each once, also while they are dropped", function()
    local memory, effects = account(3)
    for i = 1, 10 do keep(effects, { i = i }) end
    assert.equal(10, #walk(effects))

    local seen = 0
    for key in dead_letters.each(effects, PLACE) do
      seen = seen + 1
      assert(dead_letters.drop(effects, PLACE, key))
    end

    assert.equal(10, seen)
    assert.is_nil(next(memory.buckets.letters)) -- any order: whether there is one
  end)

  it("go on behind a key", function()
    local _, effects = account(2)
    for i = 1, 5 do keep(effects, { i = i }) end
    local keys = walk(effects)
    local rest = walk(effects, keys[3])
    assert.same({ keys[4], keys[5] }, rest)
  end)

  it("are false where an object is something else", function()
    local memory, effects = account()
    for i, body in ipairs { "no JSON", "[]", '{"schema":"weir.dead_letter/9"}', "7" } do
      memory.buckets.letters["dead/" .. i] = { Body = body }
    end

    local _, letters = walk(effects)
    assert.same({ ["dead/1"] = false, ["dead/2"] = false, ["dead/3"] = false, ["dead/4"] = false },
      letters)
  end)
end)
