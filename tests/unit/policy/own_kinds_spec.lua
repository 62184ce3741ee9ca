-- What a policy set declares in its folder kinds/: kinds of its own, and facts that it adds to
-- weir's.
local json = require "weir.json"
local policy_folder = require "support.policy_folder"
local policy_set = require "weir.policy_set"
local schemas = require "weir.schemas"

local ROUTING = policy_folder.routing('return batch { because = "%s", facts.file_count }')

local PRICING = [[
return {
  kind = "pricing",
  doc = "What a batch may cost.",
  facts = {
    { name = "customer", type = "text", min_size = 1, max_size = 64, required = true, doc = "who" },
    { name = "hours", type = "list", max_items = 3, of = { type = "integer", min = 0, max = 23 },
      doc = "when" },
  },
  decisions = {
    { action = "allow", doc = "Go on.", fields = {
      { name = "dollars", type = "number", min = 0, required = true, doc = "at most" },
    } },
    { action = "deny", doc = "Stop." },
  },
  invariants = function(facts, decision, action)
    if action == "allow" and decision.dollars > 100 then
      return "no customer may spend more than 100, and " .. facts.customer .. " would"
    end
  end,
}
]]

local PRICING_POLICY = [[
return policy {
  kind = "pricing",
  decide = function(facts)
    if facts.customer == "nobody" then return deny { because = "nobody pays" } end
    if facts.customer == "rich" then return allow { because = "rich", dollars = 101 } end
    return allow { because = "%s has %d hours", facts.customer, #(facts.hours or {}), dollars = 5 }
  end,
}
]]

local function with_pricing(changes)
  local files = { ["kinds/pricing.lua"] = PRICING, ["pricing.lua"] = PRICING_POLICY }
  for name, text in pairs(changes or {}) do files[name] = text end
  return files
end

local function adding(facts)
  return ('return { kind = "routing", facts = { %s } }'):format(facts)
end

describe("a kind of the set's own", function()
  teardown(policy_folder.remove_all)

  it("is decided, with its own words", function()
    local set = policy_folder.load(with_pricing())
    local answer = assert(set:decide("pricing", '{"customer":"a","hours":[1,2]}'))
    assert.equal('{"action":"allow","dollars":5}', answer.decision)
    assert.equal("a has 2 hours", answer.because)
    assert.equal("deny", set:decide("pricing", '{"customer":"nobody"}').action)
  end)

  it("refuses facts that it does not declare, or that do not fit", function()
    local set = policy_folder.load(with_pricing())
    for facts, message in pairs {
      ["{}"] = 'field "customer" is missing',
      ['{"customer":""}'] = 'customer: expected a text of 1 to 64 bytes, got ""',
      ['{"customer":"a","hours":[24]}'] = "hours[1]: expected an integer from 0 to 23, got 24",
      ['{"customer":"a","hours":[1,2,3,4]}'] = "hours: has 4 items; from 0 to 3 are allowed",
      ['{"customer":"a","file_count":1}'] = 'unknown field "file_count"',
    } do
      local answer, problem, code = set:decide("pricing", facts)
      assert.is_nil(answer, facts)
      assert.equal("InvalidFacts", code)
      assert.equal(message, problem)
    end
  end)

  it("names the record that a fact which does not fit is in", function()
    local kind = PRICING:gsub("facts = {", "facts = { { name = \"owner\", type = \"record\", "
      .. "doc = \"d\", fields = { { name = \"teams\", type = \"list\", max_items = 2, doc = \"d\", "
      .. "of = { type = \"record\", fields = { { name = \"size\", type = \"integer\", "
      .. "doc = \"d\" } } } } } },", 1)
    local set = policy_folder.load(with_pricing { ["kinds/pricing.lua"] = kind })
    local facts = '{"customer":"a","owner":{"teams":[{"size":1},{"size":"2"}]}}'
    local _, problem = set:decide("pricing", facts)
    assert.equal('owner: teams[2]: size: expected an integer, got "2"', problem)
  end)

  it("holds its invariants, whose mistakes are failures too", function()
    local set = policy_folder.load(with_pricing())
    local _, problem, code = set:decide("pricing", '{"customer":"rich"}')
    assert.equal("InvariantBroken", code)
    assert.equal("pricing.lua:5: allow: no customer may spend more than 100, and rich would",
      problem)

    set = policy_folder.load(with_pricing { ["kinds/pricing.lua"] =
      PRICING:gsub("invariants = .*", "invariants = function() return false end }") })
    _, problem = set:decide("pricing", '{"customer":"a"}')
    assert.equal("pricing.lua:6: allow: its invariants return a boolean, not nothing or a text",
      problem)

    for body, expected in pairs {
      ["return facts.customer + 1"] = "PolicyError",
      ["while true do end"] = "BudgetSpent",
      ["local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end"] = "BudgetSpent",
      ["return false"] = "InvariantBroken",
      ["return decision"] = "InvariantBroken",
    } do
      local kind = PRICING:gsub("invariants = .*", "invariants = function(facts, decision) " .. body
        .. " end }")
      set = policy_folder.load(with_pricing { ["kinds/pricing.lua"] = kind })
      _, problem, code = set:decide("pricing", '{"customer":"a"}')
      assert.equal(expected, code, problem)
    end
  end)

  it("has invariants that keep nothing between decisions", function()
    local kind = "local count = 0\n" .. PRICING:gsub("invariants = .*",
      "invariants = function() count = count + 1 end }")
    assert.equal("pricing.lua:16: error[W009] 'count' is changed by a function and would live on "
      .. "between decisions; keep it local to decide",
      (policy_folder.refused(with_pricing { ["kinds/pricing.lua"] = kind })))
  end)

  it("may require helpers, and be required by its policy", function()
    local set = policy_folder.load {
      ["lib/limits.lua"] = "return { most = 7 }",
      ["kinds/pricing.lua"] = 'local limits = require "lib.limits"\n'
        .. PRICING:gsub("min = 0, max = 23", "min = 0, max = limits.most"),
      ["pricing.lua"] = 'local kind = require "kinds.pricing"\n'
        .. PRICING_POLICY:gsub("nobody pays", '" .. kind.doc .. "'),
    }
    assert.equal("What a batch may cost.", set:decide("pricing", '{"customer":"nobody"}').because)
    assert.is_nil(set:decide("pricing", '{"customer":"a","hours":[8]}'))
    assert.is_truthy(set:decide("pricing", '{"customer":"a","hours":[7]}'))
  end)

  it("is part of the digests of the set and of its policies", function()
    local function digests(kind)
      local set = policy_folder.load(with_pricing { ["kinds/pricing.lua"] = kind })
      return set:digest(), set:policies()[1].digest
    end

    local set_digest, policy_digest = digests(PRICING)
    local other_set, other_policy = digests((PRICING:gsub("at most", "no more than")))
    assert.not_equal(set_digest, other_set)
    assert.not_equal(policy_digest, other_policy)
  end)

  it("may be what each of weir's kinds is", function()
    local count = 0
    for _, name in ipairs(require "weir.kinds") do
      -- Its actions are weir's words already, so each gets a name of its own.
      local source = io.open("lua/weir/kinds/" .. name .. ".lua"):read("a")
      local text = source:gsub('kind = "' .. name .. '"', 'kind = "my_' .. name .. '"')
        :gsub('action = "', 'action = "my_')
      local set = policy_folder.load {
        ["kinds/my_" .. name .. ".lua"] = text,
        ["routing.lua"] = ROUTING,
      }
      local mine = schemas.find(schemas.of(set:kinds()), "my_" .. name)
      local weirs = require("weir.kinds." .. name)
      assert.same(weirs.facts, mine.facts, name)
      assert.equal(#weirs.decisions, #mine.decisions)
      count = count + 1
    end

    assert.equal(5, count)
  end)
end)

describe("facts that a set adds to a kind of weir's", function()
  teardown(policy_folder.remove_all)

  local HOUR = '{ name = "hour", type = "integer", min = 0, max = 23, doc = "of the day" },'

  it("are checked and decided on beside weir's", function()
    local set = policy_folder.load {
      ["kinds/routing.lua"] = adding(HOUR),
      ["routing.lua"] = policy_folder.routing(
        'return batch { because = "%d at %d", facts.file_count, facts.hour or -1 }'),
    }
    assert.equal("3 at 22", set:decide("routing", '{"file_count":3,"hour":22}').because)
    assert.equal("3 at -1", set:decide("routing", '{"file_count":3}').because)
    local _, problem, code = set:decide("routing", '{"file_count":3,"hour":24}')
    assert.equal("InvalidFacts hour: expected an integer from 0 to 23, got 24",
      code .. " " .. problem)
  end)

  it("leave weir's invariants as they are", function()
    local set = policy_folder.load {
      ["kinds/routing.lua"] = adding(HOUR),
      ["routing.lua"] = policy_folder.routing('return realtime { because = "always" }'),
    }
    local _, _, code = set:decide("routing", '{"file_count":3,"hour":2,"inference_type":"none"}')
    assert.equal("InvariantBroken", code)
  end)

  it("are told with weir's, and without the policies", function()
    local folder = policy_folder.with {
      ["kinds/routing.lua"] = adding(HOUR),
      ["routing.lua"] = "this is not Lua",
    }
    local declared = assert(policy_set.kinds(folder))
    assert.same({ { kind = "routing", file = "kinds/routing.lua", facts = {
      { name = "hour", type = "integer", min = 0, max = 23, doc = "of the day" },
    } } }, declared)

    local schema = schemas.find(schemas.of(declared), "routing")
    local last = schema.facts[#schema.facts]
    assert.equal("hour", last.name)
    assert.is_true(last.own)
    assert.equal(#require("weir.kinds.routing").facts + 1, #schema.facts)
    assert.equal(require("weir.kinds.routing").invariants, schema.invariants)
  end)
end)

describe("a file in kinds/", function()
  teardown(policy_folder.remove_all)

  local function refusal(name, text)
    local files = { ["routing.lua"] = ROUTING, ["kinds/" .. name .. ".lua"] = text }
    return (policy_folder.refused(files))
  end

  local function own(facts, rest)
    return ('return { kind = "own", doc = "x", facts = { %s }, %s }'):format(facts,
      rest or 'decisions = { { action = "go", doc = "x" } }')
  end

  it("is refused when it breaks a promise of weir's, and so is the set", function()
    local KEPT = "routing is a kind of weir's: a policy set may add facts to it, and has no %s for "
      .. "it; declare a kind of another name instead"
    for text, message in pairs {
      [adding '{ name = "file_count", type = "text", doc = "x" }'] =
        "facts.file_count: routing has a fact of that name already; choose another",
      ['return { kind = "routing", facts = {}, invariants = function() end }'] =
        KEPT:format("invariants"),
      ['return { kind = "routing", facts = {}, decisions = {} }'] = KEPT:format("decisions"),
      ['return { kind = "routing", facts = {} }'] = "adds no fact to routing",
      ['return { kind = "weights", facts = {} }'] =
        'kind must be "routing", as the file is named',
    } do
      local told = refusal("routing", text)
      assert.equal("error[W015] " .. message, told:match("error%[W015%].*"), told)
    end
  end)

  it("is refused with the field that is wrong, and its line", function()
    for text, message in pairs {
      [own '{ name = "a", type = "intger", doc = "x" }'] = "facts.a: the type 'intger' is unknown; "
        .. "types are: any, choice, flag, integer, list, map, number, record, text",
      [own '{ name = "a", doc = "x" }'] = "facts.a: the type is missing; "
        .. "types are: any, choice, flag, integer, list, map, number, record, text",
      [own '{ name = "a", type = "integer" }'] = "facts.a needs doc = \"…\": say what it means",
      [own '{ name = "A", type = "integer", doc = "x" }'] =
        "facts[1] needs a name: small letters, digits and _, at most 64",
      [own '{ type = "integer", doc = "x" }'] =
        "facts[1] needs a name: small letters, digits and _, at most 64",
      [own '{ name = "a", type = "list", doc = "x", of = { type = "flag" } }'] =
        "facts.a: a list needs max_items",
      [own '{ name = "a", type = "map", doc = "x", of = { type = "flag" } }'] =
        "facts.a: a map needs max_items",
      [own '{ name = "a", type = "list", doc = "x", max_items = 3 }'] =
        "facts.a: a list needs of = { type = … }",
      [own '{ name = "a", type = "list", doc = "x", max_items = 3, of = { type = "x" } }'] =
        "facts.a.of: the type 'x' is unknown; "
        .. "types are: any, choice, flag, integer, list, map, number, record, text",
      [own('{ name = "a", type = "list", doc = "x", max_items = 3, '
        .. 'of = { type = "list", of = { type = "flag" } } }')] =
        "facts.a.of: a list needs max_items",
      [own '{ name = "a", type = "integer", min = 3, max = 2, doc = "x" }'] =
        "facts.a: min is above max",
      [own '{ name = "a", type = "integer", min = "3", doc = "x" }'] =
        "facts.a: min must be a number",
      [own '{ name = "a", type = "integer", min = 0/0, doc = "x" }'] =
        "facts.a: min must be a number",
      [own '{ name = "a", type = "text", max_size = -1, doc = "x" }'] =
        "facts.a: max_size must be a whole number of bytes",
      [own '{ name = "a", type = "flag", min = 1, doc = "x" }'] =
        "facts.a: a field of type flag has no 'min'; it has: doc, name, required, type, unit",
      [own '{ name = "a", type = "choice", doc = "x" }'] =
        "facts.a needs values = { \"…\", … }",
      [own '{ name = "a", type = "choice", doc = "x", values = { "b", "b" } }'] =
        "facts.a: values[1] and values[2] are both \"b\"",
      [own '{ name = "a", type = "flag", doc = "x" }, { name = "a", type = "flag", doc = "x" }'] =
        "facts.a is there twice",
      [own '{ name = "a", type = "flag", doc = "x", required = "yes" }'] =
        "facts.a: required must be true or false",
      [own('{ name = "a", type = "record", doc = "x", '
        .. 'fields = { { name = "b", type = "flag" } } }')] =
        "facts.a.fields.b needs doc = \"…\": say what it means",
      [own '{ name = "now", type = "text", doc = "x" }'] =
        "facts.now is the time in epoch seconds; give it the type integer",
      [own('', 'decisions = { { action = "batch", doc = "x" } }')] =
        "the action batch is a word of the policy language already; choose another",
      [own('', 'decisions = { { action = "pairs", doc = "x" } }')] =
        "the action pairs is a word of the policy language already; choose another",
      [own('', 'decisions = { { action = "return", doc = "x" } }')] =
        "the action return is a word of Lua's; no policy could write it, choose another",
      [own('', 'decisions = { { action = "go" } }')] =
        "the action go needs doc = \"…\": say what it does",
      [own('', 'decisions = {}')] = "decisions has 0 actions; a kind has 1 to 16",
      [own('', 'decisions = { { action = "go", doc = "x", fields = { '
        .. '{ name = "because", type = "text", doc = "x" } } } }')] =
        "go.because: every decision has action and because; choose another name",
      [own('', 'decisions = { { action = "go", doc = "x" } }, invariants = "none"')] =
        "invariants must be a function(facts, decision, action)",
      ['return { kind = "own", doc = "x" }'] = "facts must be a list",
      ['return { kind = "own", facts = {}, decisions = {} }'] =
        "needs doc = \"…\": say what it asks",
      ['return { kind = "own", doc = "x", facts = {}, decisions = {}, params = {} }'] =
        "a kind has no 'params'; it has: decisions, doc, facts, invariants, kind",
      ["return 1"] = "returns no kind; it ends in: return { kind = …, … }",
      ["local x = 1"] = "returns no kind; it ends in: return { kind = …, … }",
    } do
      local told = refusal("own", text)
      assert.equal("error[W015] " .. message, told:match("error%[W015%].*"), told)
    end

    assert.matches("^own.lua:3: ",
      refusal("own", own '\n\n{ name = "abc", type = "x", doc = "x" }'))
  end)

  it("is refused when it is too much", function()
    local facts = {}
    for i = 1, 65 do facts[i] = ('{ name = "f%d", type = "flag", doc = "x" }'):format(i) end
    assert.matches("facts has more than 64 fields", refusal("own", own(table.concat(facts, ","))))
    table.remove(facts)
    assert.matches("routing would have 72 facts; a kind has at most 64",
      refusal("routing", adding(table.concat(facts, ","))))

    local deep = '{ type = "flag" }'
    for _ = 1, 20 do deep = ('{ type = "list", max_items = 1, of = %s }'):format(deep) end
    assert.matches("field specs are nested more than 16 deep", refusal("own",
      own('{ name = "a", type = "list", max_items = 1, doc = "x", of = ' .. deep .. " }")))
    assert.matches("field specs are nested more than 16 deep", refusal("own",
      'local a = { type = "list", max_items = 1 } a.of = a '
      .. own '{ name = "a", type = "list", max_items = 1, doc = "x", of = a }'))

    local files = { ["routing.lua"] = ROUTING }
    for i = 1, 20 do
      local name = ("own%02d"):format(i)
      files["kinds/" .. name .. ".lua"] = own(""):gsub('"own"', '"' .. name .. '"')
        :gsub('"go"', '"go' .. i .. '"')
    end

    assert.equal("own20.lua:0: error[W015] is one kind too many; with weir's own there are at most "
      .. "24", (policy_folder.refused(files)))
  end)

  it("runs in the sandbox, within the budget of loading", function()
    assert.matches("W011", refusal("own", "while true do end"))
    assert.matches("policies have no files", refusal("own", 'io.open("/etc/passwd")'), 1, true)
    assert.matches("own.lua:1: error%[W003%]", refusal("own", "return {"))
    assert.matches("W012", refusal("own", 'require "os"'))
  end)

  it("has a name that is that of the kind", function()
    assert.matches("the name of a kind has small letters",
      refusal("Own", 'return { kind = "Own" }'))
    assert.matches("the name of a kind has small letters",
      refusal(("x"):rep(32), ('return { kind = "%s" }'):format(("x"):rep(32))))
  end)

  it("cannot change what was checked afterwards", function()
    local set = policy_folder.load(with_pricing {
      ["kinds/pricing.lua"] = PRICING:gsub("^return", "local kind ="):gsub("%s*$", "\n")
        .. "kind.again = nil\nreturn kind",
      ["pricing.lua"] = 'local kind = require "kinds.pricing"\nkind.facts[1].type = "integer"\n'
        .. "kind.invariants = nil\n" .. PRICING_POLICY,
    })
    assert.is_truthy(set:decide("pricing", '{"customer":"a"}'))
    assert.is_nil(set:decide("pricing", '{"customer":"rich"}'))
    assert.equal("text", set:kinds()[1].facts[1].type)
  end)
end)

describe("the schemas of a set", function()
  teardown(policy_folder.remove_all)

  it("are weir's in their order, then its own", function()
    local set = policy_folder.load(with_pricing())
    local names = schemas.names(schemas.of(set:kinds()))
    assert.equal("routing weights promotion mapping review pricing", table.concat(names, " "))
    assert.same(schemas.names(schemas.of()), require "weir.kinds")
    assert.same({ "weights", "mapping", "a", "pricing" },
      schemas.order { pricing = 1, mapping = 1, a = 1, weights = 1 })
  end)

  it("survive a bundle", function()
    local set = policy_folder.load(with_pricing())
    local again = assert(policy_set.load("copy", { bundle = assert(set:bundle()) }))
    assert.equal(json.encode(set:kinds()), json.encode(again:kinds()))
    assert.equal("deny", again:decide("pricing", '{"customer":"nobody"}').action)
  end)

  it("are not told of what is not a set", function()
    local declared, findings, code = policy_set.kinds("/nonexistent")
    assert.is_nil(declared)
    assert.equal("W001", findings[1].code)
    assert.equal("PolicySetRefused", code)
  end)
end)
