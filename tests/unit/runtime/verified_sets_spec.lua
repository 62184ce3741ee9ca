-- Which policy sets the runtime verifies, and which it need not: reading sources and deciding
-- examples take many times longer than a whole start. Whether weir.lint was loaded tells; and the
-- examples are there to fail.
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local policy_source = require "weir.runtime.policy_source"
local process = require "weir.process"
local run = require "support.run"

-- Loads, but no fact has that name.
local MISSPELT = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count > 1000 and facts.fil_count then return batch { because = "many" } end
    return realtime { because = "few" }
  end,
  examples = { { given = { file_count = 3 }, expect = "realtime" } },
}
]]
local FINE = MISSPELT:gsub("fil_count", "file_count")

describe("the runtime verifies", function()
  local folder
  before_each(function() folder = run.directory() end)
  after_each(function() run.remove(folder) end)

  -- Loads the source: → whether it was taken, whether weir.lint was loaded, and the message.
  local function load(source, directory)
    package.loaded["weir.lint"] = nil
    if directory then
      source = assert(policy_source.open { getenv = function(name)
        return name == "WEIR_POLICY_SOURCE" and directory or nil
      end })
    end

    local ok, message = source:load(process.time() + 1000)

    return ok == true, package.loaded["weir.lint"] ~= nil, message
  end

  -- A source over bundles that are fetched one after the other.
  local function fetching(...)
    local texts, fetched = { ... }, 0
    local source = assert(policy_source.open { getenv = function() end })
    source.remote = {
      name = "s3://bucket/key",
      forget = function() end,
      fetch = function()
        fetched = fetched + 1
        return texts[fetched], "v" .. fetched
      end,
    }

    return source
  end

  local function bundle(text, options)
    run.write(folder .. "/routing.lua", text)
    return assert(assert(policy_set.load(folder)):bundle(options))
  end

  it("not the policies that were built with the program", function()
    local ok, was_read = load(nil, "policies")
    assert.is_true(ok)
    assert.is_false(was_read)
  end)

  it("the same policies after any edit, with a file more, or with one less", function()
    local copy = folder .. "/policies"
    for _, edit in ipairs { "echo '--' >>routing.lua", "sed -i s/below/under/ routing.lua",
      "rm mapping.lua",
      "echo 'return {}' >more.lua", "mv weights.lua shares.lua" } do
      os.execute(("rm -rf %s && cp -r policies %s && cd %s && %s"):format(copy, copy, copy, edit))
      local ok, was_read = load(nil, copy)
      assert.is_true(ok, edit)
      assert.is_true(was_read, edit)
    end

    run.write(copy .. "/routing.lua", MISSPELT)
    local ok, _, message = load(nil, copy)
    assert.is_false(ok)
    assert.matches("error[W101]", message, 1, true)
  end)

  it("not a bundle that weir bundle of this build wrote", function()
    local path = folder .. "/written"
    run.write(folder .. "/routing.lua", FINE)
    assert.equal(0, run({ "bundle", folder, "-o", path }).status)
    local ok, was_read = load(fetching(run.read(path)))
    assert.is_true(ok)
    assert.is_false(was_read)
    assert.equal(require("weir.build").describe().id, json.decode(run.read(path)).stamp.build)
  end)

  it("any other bundle, at the start and later", function()
    local mine = bundle(FINE, { stamp = true })
    for what, text in pairs { -- any order: each case is on its own
      ["without a stamp"] = bundle(FINE),
      ["of another build"] = mine:gsub('"build":"sha256:%x%x', '"build":"sha256:zz'),
      ["of a build without a name"] = mine:gsub('"build":"[^"]*"', '"build":""'),
      ["with more instructions"] = mine:gsub('"instructions":200000', '"instructions":200001'),
      ["with less memory"] = mine:gsub('"memory":4194304', '"memory":4194303'),
      ["that loaded with more"] = mine:gsub('"load_memory":8388608', '"load_memory":8388609'),
      ["of an older form"] = bundle(FINE):gsub('"files"', '"checked":"0.1.0","files"'),
    } do
      local ok, was_read = load(fetching(text))
      assert.is_true(ok, what)
      assert.is_true(was_read, what)
    end

    local source = fetching(mine, bundle(MISSPELT),
      bundle(FINE:gsub("few", "a few"), { stamp = true }))
    assert(source:load(process.time() + 1000))
    local event = source:check()
    assert.same({ "refused", "v2" }, { event.change, event.version })
    assert.matches("error[W101]", event.message, 1, true)
    package.loaded["weir.lint"] = nil
    assert.equal("swapped", source:check().change)
    assert.is_nil(package.loaded["weir.lint"])
  end)

  it("also where what is in force is not UTF-8, and could not be put back", function()
    run.write(folder .. "/routing.lua", FINE .. "-- \xff\n")
    local source = assert(policy_source.open { getenv = function(name)
      return name == "WEIR_POLICY_SOURCE" and folder or nil
    end })
    assert(source:load(process.time() + 1000))
    local digest = source.set:digest()
    run.write(folder .. "/routing.lua", MISSPELT)
    assert.equal("refused", source:check().change)
    assert.equal(digest, source.set:digest())
    run.write(folder .. "/routing.lua", (FINE:gsub("few", "a few")))
    assert.equal("swapped", source:check().change)
  end)

  it("examples, unless a stamp of this build says that they passed", function()
    local failing = FINE:gsub('expect = "realtime"', 'expect = "batch"')
    local stamp = json.encode(json.decode(bundle(FINE, { stamp = true })).stamp)
    run.write(folder .. "/routing.lua", failing)
    local unstamped = assert(policy_set.load(folder, { verify = false })):bundle()
    local ok, _, message = load(fetching(unstamped))
    assert.is_false(ok)
    assert.matches("W007", message, 1, true)
    -- Who can write the bundle can write the stamp.
    local forged = unstamped:gsub('"files"', '"stamp":' .. stamp .. ',"files"', 1)
    ok = load(fetching(forged))
    assert.is_true(ok)
    -- Whoever does not say that it trusts stamps, as no verb does, verifies all the same.
    local set, findings = policy_set.load("forged", { bundle = forged })
    assert.is_nil(set)
    assert.equal("W007", findings[1].code)
  end)

  it("a stamped bundle's every byte, so that no stamp fits other files", function()
    local mine = bundle(FINE, { stamp = true })
    local ok, _, message = load(fetching((mine:gsub("1000", "2000", 1))))
    assert.is_false(ok)
    assert.matches("W013", message, 1, true)
  end)

  -- Both require lib.figures: neither is loaded without the other.
  local SHARING = { promotion = true, review = true }

  it("no policy that is not asked, where it need not", function()
    local shipped = assert(policy_set.load("policies"))
    local text = assert(shipped:bundle { stamp = true })
    local digests = {}
    for _, policy in ipairs(shipped:policies()) do digests[policy.kind] = policy.digest end

    for _, policy in ipairs(shipped:policies()) do
      for _, origin in ipairs { { "policies" }, { "b", text } } do
        local set = assert(policy_set.load(origin[1],
          { bundle = origin[2], trust = true, kind = policy.kind }))
        assert.is_true(set:is_verified())
        local loaded = {}
        for _, each in ipairs(set:policies()) do loaded[each.kind] = each.digest end
        assert.equal(digests[policy.kind], loaded[policy.kind])
        assert.equal(SHARING[policy.kind] and 2 or 1, #set:policies())
        assert.is_true(not SHARING[policy.kind] or loaded.promotion and loaded.review and true)
        assert.equal(shipped:digest(), set:digest())
        if origin[2] then assert.is_true(text == set:bundle { stamp = true }) end
      end
    end

    -- A kind that is not there: all is loaded, so that it can be told what is.
    local other = bundle(FINE, { stamp = true })
    local set = assert(policy_set.load("b", { bundle = other, trust = true, kind = "mapping" }))
    assert.equal("routing", set:policies()[1].kind)
    local ok, message, code = fetching(other):load(process.time() + 1000)
    assert.same({ true, nil, nil }, { ok, message, code })
  end)

  it("what a handler asks besides its own kind, once it does", function()
    local set = assert(policy_set.load("policies", { trust = true, kind = "weights" }))
    assert.equal(1, #set:policies())
    local event = json.encode { event = { source = "aws.scheduler" } }
    assert.equal("ignore", assert(set:decide("mapping", event)).action)
    assert.equal(5, #set:policies())
    assert.equal("review", set:policies()[5].kind)
    assert.equal("UnknownKind", select(3, set:decide("tea", event)))
  end)

  it("what the parameters of other policies are, where some are set", function()
    local facts = json.encode { file_count = 15 }
    for _, given in ipairs { { threshold = 20 }, { threshold = 20, prefix = "in/" } } do
      local set = assert(policy_set.load("policies",
        { trust = true, kind = "routing", params = given }))
      assert.equal("realtime", assert(set:decide("routing", facts)).action)
    end

    local set = assert(policy_set.load("policies", { trust = true, kind = "routing" }))
    assert(set:override { threshold = 20, prefix = "in/" })
    assert.equal("realtime", assert(set:decide("routing", facts)).action)
    local refused, findings = policy_set.load("policies",
      { trust = true, kind = "routing", params = { thresold = 20 } })
    assert.is_nil(refused)
    assert.equal("W006", findings[1].code)
  end)

  it("nothing that would change a decision, its reason or what it costs", function()
    local whole, trusted = assert(policy_set.load("policies")), {}
    local kinds, compared = {}, 0
    for line in io.lines("tests/recordings/lunch-hour.jsonl") do
      local recorded = json.decode(line)
      local kind = recorded.kind
      kinds[kind] = true
      trusted[kind] = trusted[kind]
        or assert(policy_set.load("policies", { trust = true, kind = kind }))
      local facts = json.encode(recorded.facts)
      local expected, message = whole:decide(kind, facts)
      local answer, other = trusted[kind]:decide(kind, facts)
      if expected then expected.eval_us, answer.eval_us = nil, nil end
      assert.same({ expected, message }, { answer, other })
      compared = compared + 1
    end

    assert.is_true(compared > 100)
    assert.is_true(kinds.routing and kinds.promotion)
  end)
end)
