-- Facts that a set declares itself reach its policies from the event, the settings and the clock.
local effects = require "weir.effects"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policy_folder = require "support.policy_folder"

local FACTS = [[return { kind = "routing", facts = {
  { name = "customer", type = "text", max_size = 64, doc = "who", from = { event = "detail.who" } },
  { name = "price", type = "number", min = 0, doc = "of an hour",
    from = { event = "price", setting = "dollars" } },
  { name = "hours", type = "list", max_items = 3, of = { type = "integer" }, doc = "when" },
  { name = "urgent", type = "flag", doc = "whether" },
  { name = "api_key", type = "text", doc = "a secret by its name" },
  { name = "now", type = "integer", min = 0, doc = "when" },
} }]]

local function load(facts)
  return policy_folder.load {
    ["kinds/routing.lua"] = facts or FACTS,
    ["routing.lua"] = policy_folder.routing('return batch { because = "always" }'),
  }
end

-- The facts that were decided on, without now; else nil and the failure.
local function facts_of(set, event, config)
  config = config or {}
  config.now = config.now or 1000
  local report = handlers.run(handlers.find("routing"), event, set, effects.dry { config = config })
  if report.error then return nil, report.error end
  local facts = report.decisions[1].facts

  return facts, report.decisions[1]
end

describe("facts of the set's own", function()
  teardown(policy_folder.remove_all)

  it("come from the event, by their own name or from a path", function()
    local facts = facts_of(load(), { file_count = 1, detail = { who = "acme" }, urgent = true,
      hours = json.array { 1, 2 }, price = 2.5 })
    assert.same({ file_count = 1, customer = "acme", urgent = true, hours = { 1, 2 }, price = 2.5,
      now = 1000 }, facts)
  end)

  it("come from settings, as texts of their type", function()
    local config = {
      fact_urgent = "true", fact_hours = "[7]", fact_dollars = "0.25", fact_price = "9",
      fact_customer = "not asked for",
    }
    assert.same({ file_count = 1, urgent = true, hours = { 7 }, price = 0.25, now = 1000 },
      (facts_of(load(), { file_count = 1 }, config)))
    -- The event says more than a setting does.
    assert.equal(3, facts_of(load(), { file_count = 1, price = 3 }, config).price)
  end)

  it("are absent where nothing gives them, and null is nothing", function()
    for _, event in ipairs {
      { file_count = 1 },
      { file_count = 1, detail = json.null, urgent = json.null },
      { file_count = 1, detail = "who" },
      { file_count = 1, detail = json.array { "who" } },
    } do
      assert.same({ file_count = 1, now = 1000 }, (facts_of(load(), event)))
    end
  end)

  it("are refused where they do not fit, never left out", function()
    for message, given in pairs {
      ['urgent: expected true or false, got "perhaps"'] = { {}, { fact_urgent = "perhaps" } },
      ['price: expected a number of at least 0, got "cheap"'] = { {}, { fact_dollars = "cheap" } },
      ['price: expected a number of at least 0, got "1e400"'] = { {}, { fact_dollars = "1e400" } },
      ["price: expected a number of at least 0, got -1"] = { { price = -1 } },
      ['hours: expected a list, got "1"'] = { { hours = "1" } },
      ["hours: has 4 items; from 0 to 3 are allowed"] = { { hours = json.array { 1, 2, 3, 4 } } },
    } do
      given[1].file_count = 1
      local facts, failure = facts_of(load(), given[1], given[2])
      assert.is_nil(facts)
      assert.equal("InvalidFacts", failure.code)
      assert.equal(message, failure.message)
    end
  end)

  it("are refused when they must be there and are not", function()
    local set = load('return { kind = "routing", facts = { { name = "tenant", type = "text", '
      .. 'required = true, doc = "whose" } } }')
    local _, failure = facts_of(set, { file_count = 1 })
    assert.equal('InvalidFacts field "tenant" is missing; give it as tenant in the event, or as '
      .. "the setting WEIR_FACT_TENANT", failure.code .. " " .. failure.message)
    _, failure = facts_of(load('return { kind = "routing", facts = { { name = "tenant", '
      .. 'type = "text", required = true, doc = "whose", from = { event = "detail.who" } } } }'),
      { file_count = 1 })
    assert.equal('field "tenant" is missing; give it as detail.who in the event', failure.message)
    assert.equal("a", facts_of(set, { file_count = 1, tenant = "a" }).tenant)
  end)

  it("hold no secrets", function()
    local event = json.decode('{"file_count":1,"api_key":"very secret value"}', { secrets = true })
    local facts, decision = facts_of(load(), event)
    assert.equal("[redacted]", facts.api_key)
    assert.same({ "/api_key" }, decision.redacted)
  end)

  it("leave alone what the handler gives", function()
    local report = handlers.run({ name = "x", from_package = true, run = function(_, ask)
      local decision = assert(ask("routing", { file_count = 5, customer = "mine", now = 3 }))
      return decision.facts
    end }, { detail = { who = "acme" }, urgent = false }, load(), effects.dry {})
    assert.same({ file_count = 5, customer = "mine", now = 3, urgent = false }, report.result)
  end)

  it("of one event of a batch come from that event", function()
    local set = policy_folder.load {
      ["kinds/mapping.lua"] = [[return { kind = "mapping", facts = {
        { name = "tenant", type = "text", doc = "whose", from = { event = "detail.tenant" } } } }]],
      ["mapping.lua"] = [[return policy { kind = "mapping", decide = function(facts)
        return ignore { because = "%s", facts.tenant or "nobody" } end }]],
    }
    local report = handlers.run(handlers.find("mapping"), { Records = json.array {
      { body = '{"detail":{"tenant":"a"}}', messageId = "1", eventSource = "aws:sqs" },
      { body = '{"detail":{}}', messageId = "2", eventSource = "aws:sqs" },
    } }, set, effects.dry {})
    assert.is_nil(report.error and report.error.message)
    assert.equal("a", report.decisions[1].because)
    assert.equal("nobody", report.decisions[2].because)
  end)

  it("follow a set that is swapped", function()
    local set = load()
    assert.equal("acme", facts_of(set, { file_count = 1, detail = { who = "acme" } }).customer)
    policy_folder.write(set:directory(), "kinds/routing.lua", (FACTS:gsub("detail.who", "who")))
    assert.equal("swapped", set:refresh())
    assert.equal("b", facts_of(set, { file_count = 1, who = "b" }).customer)
  end)

  it("have the time of the clock", function()
    local before = os.time()
    local report = handlers.run(handlers.find("routing"), { file_count = 1 }, load(),
      effects.dry {})
    local now = report.decisions[1].facts.now
    assert.is_true(before <= now and now <= os.time())
  end)

  it("are declared with a place that can be one", function()
    local PATH = 'facts.a: from.event must be a path of names, such as "detail.price"'
    for from, message in pairs {
      ['{ event = "a..b" }'] = PATH,
      ['{ event = "" }'] = PATH,
      ['{ setting = "a-b" }'] = "facts.a: from.setting must be a name of letters, digits and _",
      ["{ setting = 5 }"] = "facts.a: from.setting must be a name of letters, digits and _",
      ["{}"] = 'facts.a: from needs event = "…" or setting = "…"',
      ["5"] = "facts.a: from must be a table",
      ['{ env = "HOME" }'] = "facts.a: from has no 'env'; it has: event, setting",
    } do
      local told = policy_folder.refused {
        ["kinds/routing.lua"] = ('return { kind = "routing", facts = { { name = "a", '
          .. 'type = "text", doc = "x", from = %s } } }'):format(from),
        ["routing.lua"] = policy_folder.routing('return batch { because = "x" }'),
      }
      assert.equal(message, told:match("%[W015%] (.*)"))
    end
  end)
end)
