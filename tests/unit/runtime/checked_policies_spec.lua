-- Which policy sets the runtime reads for mistakes, and which it need not: reading takes many times
-- longer than a whole start. Whether weir.lint was loaded tells.
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

describe("the runtime reads the sources", function()
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

  it("not of the policies that were built with the program", function()
    local ok, was_read = load(nil, "policies")
    assert.is_true(ok)
    assert.is_false(was_read)
  end)

  it("of the same policies after any edit, with a file more, or with one less", function()
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

  it("not of a bundle that weir bundle of this version wrote", function()
    local path = folder .. "/written"
    run.write(folder .. "/routing.lua", FINE)
    assert.equal(0, run({ "bundle", folder, "-o", path }).status)
    local ok, was_read = load(fetching(run.read(path)))
    assert.is_true(ok)
    assert.is_false(was_read)
    assert.equal(process.version, json.decode(run.read(path)).checked)
  end)

  it("of any other bundle, at the start and later", function()
    local mine = bundle(FINE, { checked = true })
    local other = mine:gsub('"checked":"[^"]*"', '"checked":"0.0.9"')
    for _, text in ipairs { bundle(FINE), other, (mine:gsub('"checked":"', '"checked":"\\u0030')),
      (mine:gsub('"checked":"', '"checked":"' .. ("9"):rep(40))) } do
      local ok, was_read = load(fetching(text))
      assert.is_true(ok)
      assert.is_true(was_read, text)
    end

    local source = fetching(mine, bundle(MISSPELT),
      bundle(FINE:gsub("few", "a few"), { checked = true }))
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
end)
