local json = require "weir.json"
local json_schema = require "support.json_schema"
local kinds = require "weir.kinds"
local run = require "support.run"

local STUBS = "/set/.weir/stubs.lua"

describe("weir stubs", function()
  local folder

  before_each(function()
    folder = run.directory {
      ["set/routing.lua"] = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files; at or above goes to batch" },
    mode = choice { "a", values = { "a", "b" }, doc = "how" },
  },
  decide = function(facts, params)
    return batch { because = "%d %s", facts.file_count + params.threshold, params.mode }
  end,
}
]],
    }
  end)
  after_each(function() run.remove(folder) end)

  local function stubs(...)
    local words = { "stubs", ... }
    words.directory = folder
    return run(words)
  end

  local function has(text)
    assert.truthy(run.read(folder .. STUBS):find(text, 1, true), text)
  end

  it("writes facts, parameters and decisions with types and meaning", function()
    local result = stubs("set")
    assert.equal(0, result.status)
    assert.equal("set/.weir/.gitignore\nset/.weir/stubs.lua\nset/.luarc.json\n", result.stdout)
    assert.matches("\n%*\n$", run.read(folder .. "/set/.weir/.gitignore"))
    has "---@meta\n"
    has "\n---@class routing.facts\n---@field file_count integer files in this batch (files)\n"
    has('\n---@field inference_type? "none"|"provisioned"|"serverless"|"components" '
      .. 'what is deployed')
    has "\n---@field threshold integer files; at or above goes to batch\n"
    has "\n---@field mode string how\n"
    has "\n---@param fields routing.batch\n---@return weir.decision\nfunction batch(fields) end\n"
    has '\n---@field kind "routing" which question it answers\n'
    has "\nfunction list(spec) end\n"
  end)

  it("begins with what every set has", function()
    stubs("set")
    has [[
---@meta
-- What policies of this set may say, for editors. Written by weir; after a change of kinds or
-- parameters: weir stubs DIR

-- What an action makes, and decide returns.
---@class weir.decision

-- What integer { … } and the others make.
---@class weir.parameter

---@class weir.example
---@field given table the facts
---@field params? table<string, any> parameters that are not at their defaults
---@field expect string|table an action, or what the decision must have
---@field doc? string

-- How a batch of files gets its predictions: through an endpoint now, or in a batch job.
---@class routing.facts
]]
    has [[

---@class weir.params
---@field mode string how
---@field threshold integer files; at or above goes to batch

---@alias weir.facts routing.facts

---@class weir.policy
---@field kind "routing" which question it answers
---@field decide fun(facts: weir.facts, params: weir.params): weir.decision
---@field params? table<string, weir.parameter>
---@field examples? weir.example[]
---@field name? string
---@field doc? string

---@param spec weir.policy
---@return weir.policy
function policy(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function integer(spec) end
]]
    assert.equal([[
{
  "runtime.version": "Lua 5.4",
  "runtime.builtin": {
    "coroutine": "disable",
    "debug": "disable",
    "io": "disable",
    "os": "disable"
  },
  "workspace.checkThirdParty": false,
  "workspace.library": [".weir"]
}
]], run.read(folder .. "/set/.luarc.json"))
  end)

  it("is Lua, and leaves the set as it was", function()
    local before = run({ "check", "set", directory = folder }).stdout
    stubs("set")
    assert(load(run.read(folder .. STUBS)))
    assert.equal(before, run({ "check", "set", directory = folder }).stdout)
  end)

  it("writes every fact and action of every kind", function()
    local words = { "new", "all", directory = folder }
    for _, kind in ipairs(kinds) do table.move({ "-k", kind }, 1, 2, #words + 1, words) end
    assert.equal(0, run(words).status)
    local text = run.read(folder .. "/all/.weir/stubs.lua")
    assert(load(text))
    for _, kind in ipairs(kinds) do
      local schema = require("weir.kinds." .. kind)
      local class = text:match("\n%-%-%-@class " .. kind .. "%.facts\n(.-)\n\n")
      for _, fact in ipairs(schema.facts) do
        local mark = fact.required and " " or "? "
        assert.truthy(class:find("---@field " .. fact.name .. mark, 1, true), fact.name)
      end

      for _, decision in ipairs(schema.decisions) do
        assert.truthy(text:find("\nfunction " .. decision.action .. "(fields) end\n", 1, true))
      end
    end

    assert.truthy(text:find("\n---@class promotion.facts.variants.window.latency_ms\n", 1, true))
    assert.truthy(text:find("\n---@field variants (promotion.facts.variants)[] ", 1, true))
  end)

  it("has what the set declares: kinds of its own, and facts", function()
    run.write(folder .. "/set/kinds/routing.lua", [[
return { kind = "routing", facts = {
  { name = "customer", type = "text", max_size = 64, doc = "who pays" },
} }
]])
    stubs("set")
    has "\n---@field customer? string who pays\n"
  end)

  it("writes its own file again, and leaves settings that are there", function()
    run.write(folder .. "/set/.luarc.json", "{}")
    run.write(folder .. STUBS, "old")
    local result = stubs("-p", "set")
    assert.equal("set/.weir/.gitignore\nset/.weir/stubs.lua\n", result.stdout)
    assert.equal("{}", run.read(folder .. "/set/.luarc.json"))
    has "---@meta"
  end)

  it("writes settings that are JSON and name the folder", function()
    stubs("set")
    local settings = json.decode(run.read(folder .. "/set/.luarc.json"))
    assert.same({ ".weir" }, settings["workspace.library"])
    assert.equal("Lua 5.4", settings["runtime.version"])
  end)

  it("refuses a set that does not load, a bundle, and two sets", function()
    assert.equal(3, stubs("none").status)
    assert.equal(0, run({ "bundle", "set", "-o", "set.bundle", directory = folder }).status)
    assert.equal(2, stubs("set.bundle").status)
    assert.equal(2, stubs("set", "-p", "set").status)
    run.write(folder .. "/set/routing.lua", "return policy {")
    assert.equal(3, stubs("set").status)
  end)

  it("prints one object with --json, which fits its schema", function()
    local result = stubs("set", "--json")
    assert.equal(3, #json.decode(result.stdout).files)
    assert(json_schema.check("docs/json/stubs.schema.json", result.stdout))
  end)
end)
