-- Bundles: a policy set as one file, and everything that is not one.
local json = require "weir.json"
local policy_folder = require "support.policy_folder"
local policy_set = require "weir.policy_set"
local property = require "support.property"

local GOOD =
  "return policy { kind = 'routing', decide = function() return batch { because = 'good' } end }"

local function load(text) return policy_set.load("b", { bundle = text }) end

describe("a policy bundle", function()
  local folder, set, text
  before_each(function()
    folder = policy_folder.with(GOOD)
    policy_folder.run("mkdir -p " .. folder .. "/lib/deep")
    policy_folder.write(folder, "lib/deep/words.lua", "return { word = 'é \\0 \"' }")
    set = assert(policy_set.load(folder))
    text = assert(set:bundle())
  end)

  teardown(policy_folder.remove_all)

  it("is the set of its directory, digest and all", function()
    local from = assert(load(text))
    assert.equal(set:digest(), from:digest())
    assert.equal(text, from:bundle())
    local answer = assert(from:decide("routing", '{"file_count": 1}'))
    assert.equal("good", answer.because)
    assert.equal("b/routing.lua", answer.file)
  end)

  it("is the same bytes, whenever and in whatever order the files were written", function()
    local other = policy_folder.new()
    policy_folder.run(("cp -r %s/lib %s && cp %s/routing.lua %s"):format(folder, other, folder,
      other))
    assert.equal(text, assert(policy_set.load(other)):bundle())
  end)

  it("has a manifest that names each file with its digest", function()
    local bundle = json.decode(text)
    assert.equal("weir.bundle/1", bundle.schema)
    assert.equal(set:digest(), bundle.digest)
    assert.same({ "lib/deep/words.lua", "routing.lua" }, {
      bundle.files[1].path,
      bundle.files[2].path,
    })

    assert.equal("sha256:" .. require("weir.sha256").hex(GOOD), bundle.files[2].digest)
  end)

  it("cannot hold what is not UTF-8", function()
    policy_folder.write(folder, "lib/bytes.lua", "return '\xff'")
    local bytes = assert(policy_set.load(folder))
    local nothing, message, code = bytes:bundle()
    assert.is_nil(nothing)
    assert.equal("InvalidText", code)
    assert.matches("lib/bytes.lua cannot be bundled", message, 1, true)
  end)

  it("is refused when any byte of it is another", function()
    property.check("a changed byte", property.int(1, #text), function(at)
      local changed = text:sub(1, at - 1) .. string.char(text:byte(at) ~ 1) .. text:sub(at + 1)
      local loaded, findings = load(changed)
      if loaded then return loaded:digest() == set:digest() end -- white space between members

      return findings[1].code == "W013"
    end, { cases = 1000 })
  end)

  it("is refused when it is cut short", function()
    property.check("a prefix", property.int(0, #text - 4), function(size)
      return load(text:sub(1, size)) == nil
    end,
      { cases = 300 })
  end)

  local function changed(change)
    local bundle = json.decode(text)
    change(bundle)
    local loaded, findings = load(json.encode(bundle))
    assert.is_nil(loaded)

    return findings[1].code .. " " .. findings[1].message
  end

  it("is refused with a reason", function()
    assert.matches("W013 it is not a whole policy bundle", changed(function(b)
      b.schema = "weir.bundle/2"
    end))

    assert.matches("W013 it is not a whole policy bundle", changed(function(b) b.more = 1 end))
    assert.matches("W013 its files are not what its digest says", changed(function(b)
      b.digest = "sha256:0"
    end))

    assert.matches("W013 it has no files", changed(function(b) b.files = json.array {} end))
    assert.matches("W013 its files are not a list", changed(function(b) b.files = {} end))
    assert.matches("'routing.lua' is not what its digest says", changed(function(b)
      b.files[2].text = "return 1"
    end))

    assert.matches("is not in order", changed(function(b)
      b.files[1], b.files[2] = b.files[2], b.files[1]
    end))

    assert.matches("is not in order", changed(function(b) b.files[1] = b.files[2] end))
    assert.matches("W013 a file of the bundle is not", changed(function(b) b.files[1].size = 3 end))
    for _, path in ipairs { "../routing.lua", "/routing.lua", "a//b.lua", ".hidden.lua",
      "a/./b.lua", "routing.txt", "",
      ".lua", "a\0.lua", "1/2/3/4/5/6/7/8/9/x.lua", ("x"):rep(600) .. ".lua" } do
      assert.matches("W013 a file of the bundle has no text, or its path",
        changed(function(b) b.files[1].path = path end))
    end
  end)

  it("may say which build verified it, with which limits, and says so once", function()
    local build = require("weir.build").describe().id
    local stamped = assert(set:bundle { stamp = true })
    local stamp = json.decode(stamped).stamp
    assert.same({ build, 200000, 4194304 }, { stamp.build, stamp.instructions, stamp.memory })
    assert.equal(#require("weir.policy_examples").read(set), stamp.examples)
    assert.equal("routing", json.decode(stamped).files[2].kind)
    assert.is_nil(json.decode(text).stamp)
    assert.is_nil(json.decode(text).files[2].kind)
    assert.equal(text, set:bundle { stamp = false })
    assert.equal(text, load(stamped):bundle())
    assert.is_false(assert(load(stamped)):is_verified())

    for _, wrong in ipairs { true, json.array {}, {}, { build = build } } do
      assert.matches("W013 its member 'stamp' is not one that weir bundle writes",
        changed(function(b) b.stamp = wrong end))
    end

    for _, wrong in ipairs { -1, 1.5, "7", json.null } do
      assert.matches("W013 its member 'stamp'", changed(function(b)
        b.stamp = json.decode(stamped).stamp
        b.stamp.examples = wrong
      end))
    end

    for _, wrong in ipairs { 7, "x\"y", ("k"):rep(32) } do
      assert.matches("W013 its file 'lib/deep/words.lua' has a kind", changed(function(b)
        b.files[1].kind = wrong
      end))
    end

    local twice = stamped:gsub('"stamp":', '"stamp":{},"stamp":')
    assert.is_nil((load(twice)))
    assert.error_matches(function()
      set:bundle { stamp = "yes" }
    end, "'stamp' must be a boolean")
    assert.error_matches(function() set:bundle { stmap = true } end, "unknown key 'stmap'")
  end)

  it("gives its files as they are", function()
    local sources = assert(load(text)):sources()
    assert.same({ path = "routing.lua", file = "b/routing.lua", text = GOOD }, sources[2])
    assert.equal("lib/deep/words.lua", sources[1].path)
  end)

  it("is held to the limits of a directory", function()
    local large = "--" .. ("x"):rep(256 * 1024)
    assert.matches("makes it larger than a policy set may be", changed(function(b)
      b.files[2].text = large
      b.files[2].digest = "sha256:" .. require("weir.sha256").hex(large)
    end))
  end)

  it("takes the place of a directory and of an older bundle, whole or not at all", function()
    local other = policy_folder.with((GOOD:gsub("good", "better")))
    local better = assert(assert(policy_set.load(other)):bundle())
    assert.equal("same", (set:refresh(text, "b")))
    assert.equal("swapped", (set:refresh(better, "b")))
    assert.equal("better", set:decide("routing", '{"file_count": 1}').because)
    local change, findings = set:refresh(text:sub(1, -20), "b")
    assert.equal("refused", change)
    assert.equal("W013", findings[1].code)
    assert.equal("better", set:decide("routing", '{"file_count": 1}').because)
  end)
end)
