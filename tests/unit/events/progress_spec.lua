local claims_world = require "support.claims_world"
local effects = require "weir.effects"
local progress = require "weir.events.progress"
local try = require "weir.try"

local world, live

local function of(prefix, suffixes)
  return progress.of(live, "claims",
    { bucket = "b", prefix = prefix or "in/", suffixes = suffixes or {} })
end

describe("how far a walk came", function()
  before_each(function()
    world = claims_world.new()
    live = effects.live { executor = world }
  end)

  it("is kept until the walk came to its end", function()
    local walk = of()
    assert.is_nil(walk.after)
    walk:keep "in/k"
    assert.equal("in/k", of().after)
    walk:keep "in/l"
    assert.equal("in/l", of().after)
    of():clear()
    assert.is_nil(of().after)
    assert.same({ object = "progress:b/in/*" }, world.items["progress:b/in/*"])
  end)

  it("costs one read where there is nothing to note", function()
    of():clear()
    assert.equal(1, world.calls)
    assert.same({}, world.items)
  end)

  it("is that of the same bucket, prefix and suffixes", function()
    of("in/", { ".png" }):keep "in/k"
    assert.equal("in/k", of("in/", { ".png" }).after)
    for _, other in ipairs { of "in/", of("", { ".png" }), of("in/", { ".png", ".jpg" }) } do
      assert.is_nil(other.after)
    end
  end)

  it("may be at any key, and of a prefix of any length", function()
    for _, key in ipairs { "a\1\127b", "\xff\xfe", "100%", "%41", "in/\u{e9}", ("k"):rep(1024) } do
      local prefix = ("\1"):rep(1000) .. key
      of(prefix):keep(key)
      assert.equal(key, of(prefix).after)
    end

    for id in pairs(world.items) do assert.is_true(#id <= 2048 and utf8.len(id) ~= nil, id) end
  end)

  it("is not known where the item is something else", function()
    for _, after in ipairs { 5, true, { "in/k" } } do
      world.items["progress:b/in/*"] = { object = "progress:b/in/*", after = after }
      assert.is_nil(of().after)
    end
  end)

  it("is told from claims by its item", function()
    assert.is_true(progress.is_item { object = "progress:b/in/*" })
    for _, object in ipairs { "b/in/progress:", "sha256:00", 5 } do
      assert.is_false(progress.is_item { object = object })
    end
  end)

  it("is unknown to a dry run, and a failure where the table cannot be read", function()
    live = effects.dry { world = {} }
    assert.is_nil(of().after)

    live = effects.dry { world = { ["dynamodb.GetItem"] = { ["progress:b/in/*"] = {
      failure = { code = "ResourceNotFoundException", message = "no table" },
    } } } }
    assert.equal("ResourceNotFoundException", select(3, try.call(of)))

    live = effects.live { executor = { perform = function() return nil, "no", "Unknown" end } }
    assert.equal("Unknown", select(3, try.call(of)))
  end)
end)
