-- reconcile on a whole account in memory: what it does when it is killed, and which objects it
-- looks at.
local files = require "support.files"
local policy_set = require "weir.policy_set"
local json = require "weir.json"
local processing_world = require "support.processing_world"
local starter = require "weir.starter.policies"

local OBJECTS = 1000

local function fill(world, count, suffix)
  for i = 1, count do world.put(("%05d%s"):format(i, suffix or ".png"), tostring(i)) end
end

-- Kills the process at such call: the 150th, the 300th, ….
local function killed_every(calls)
  local made = 0
  return function()
    made = made + 1
    return made % calls == 0 and "after" or nil
  end
end

-- Called again and again, as a schedule does: the answer of the one that lived, and the deaths.
local function reconcile_to_the_end(world, most)
  for deaths = 0, most do
    local report = world.deliver("reconcile", {})
    if report then
      assert.is_nil(report.error and report.error.message)
      return report.result, deaths
    end

    world.time = world.time + 61 -- the lease of the one who died
  end

  error(("not at the end after %d deaths"):format(most))
end

describe("reconcile that is killed again and again", function()
  it("goes on where it was, and comes to its end", function()
    local world = processing_world.new { die = killed_every(150) }
    fill(world, OBJECTS)
    local result, deaths = reconcile_to_the_end(world, 200)
    assert.is_true(deaths > 20, deaths .. " deaths")
    assert.truthy(result.after)
    assert.is_nil(result.next)
    assert.is_true(result.listed < 200, result.listed .. " listed by the last one")
  end)

  it("processes every object once, and begins with the first one after the end", function()
    local world = processing_world.new { die = killed_every(150) }
    fill(world, OBJECTS)
    reconcile_to_the_end(world, 200)
    world.die, world.time = nil, world.time + 61

    local second = world.deliver("reconcile", {}).result
    assert.same({ OBJECTS, OBJECTS, 0, 0 },
      { second.listed, second.finished + second.missed, second.busy, second.failed })
    assert.is_nil(second.after)
    local count = 0
    for name, times in pairs(world.finished) do
      assert.equal(1, times, name)
      count = count + 1
    end

    assert.equal(OBJECTS, count)
  end)

  it("keeps a place for each listing", function()
    local world = processing_world.new { die = killed_every(1500) }
    fill(world, 300)
    assert.is_nil(world.deliver("reconcile", {}))
    world.die = nil
    assert.equal(300, world.deliver("reconcile", { suffix = ".png" }).result.listed)
    assert.equal(300, world.deliver("reconcile", { prefix = "00" }).result.listed)
    local rest = world.deliver("reconcile", {}).result
    assert.is_true(rest.listed < 300 and rest.after ~= nil, rest.listed .. " listed")
  end)
end)

describe("reconcile", function()
  it("takes a list of suffixes, as discovery does", function()
    local world = processing_world.new()
    fill(world, 2, ".png")
    fill(world, 3, ".jpg")
    fill(world, 4, ".JPG")
    local result = world.deliver("reconcile", { suffix = ".jpg, .png" }).result
    assert.same({ 5, 5 }, { result.listed, result.processed })
  end)

  it("names a file whose name is not UTF-8, and goes on with the others", function()
    local world = processing_world.new()
    for _, key in ipairs { "a\xff.png", "b.png", "c\xe9/\x01.png" } do world.put(key, key) end
    local result = world.deliver("reconcile", {}).result
    assert.same({ 3, 1, 2 }, { result.listed, result.processed, result.failed })
    assert.same({ "a%FF.png", "InvalidEvent" }, { result.failures[1].key,
      result.failures[1].code })
    assert.is_string(json.encode(result))
  end)

  it("does not take a list with no suffix in it for a wish for all", function()
    local world = processing_world.new()
    fill(world, 1)
    for _, suffix in ipairs { ",", " , " } do
      assert.equal("InvalidSuffix", world.deliver("reconcile", { suffix = suffix }).error.code)
    end
  end)

  it("goes on behind the key that it is told, wherever the last one ended", function()
    local world = processing_world.new()
    fill(world, 5)
    local result = world.deliver("reconcile", { after = "00003.png" }).result
    assert.same({ 2, "00003.png" }, { result.listed, result.after })
  end)
end)

describe("reconcile whose policy knows no listings", function()
  teardown(files.remove_all)

  it("names each object that it cannot map, and ignores none", function()
    local folder = files.directory { ["mapping.lua"] = starter.mapping }
    local world = processing_world.new { set = assert(policy_set.load(folder)) }
    fill(world, 2)
    local result = world.deliver("reconcile", {}).result
    assert.same({ 2, 0, 2, 0 }, { result.listed, result.ignored, result.failed, result.processed })
    assert.same({ "00001.png", "UnknownEvent" },
      { result.failures[1].key, result.failures[1].code })
  end)
end)

describe("reconcile at an object that a pipeline breaks at", function()
  local catalogue = require "weir.processing.catalogue"
  local run = catalogue.run

  after_each(function() catalogue.run = run end)

  it("names it, and processes the others", function()
    function catalogue.run(object, ...)
      if object.key == "00002.png" then error "no luck" end
      return run(object, ...)
    end

    local world = processing_world.new()
    fill(world, 3)
    local result = world.deliver("reconcile", {}).result
    assert.same({ 3, 2, 1 }, { result.listed, result.processed, result.failed })
    assert.same({ "00002.png", "PipelineError" },
      { result.failures[1].key, result.failures[1].code })
    catalogue.run = run
    assert.equal(1, world.deliver("reconcile", {}).result.processed)
  end)
end)
