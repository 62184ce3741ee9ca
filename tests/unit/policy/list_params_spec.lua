-- Parameters that are lists and maps.
local json = require "weir.json"
local policy_folder = require "support.policy_folder"

local POLICY = [[
return policy {
  kind = "routing",
  params = {
    free = list { { "acme" }, of = { type = "text", min_size = 1, max_size = 8 }, max_items = 3,
      doc = "who pays nothing" },
    prices = map { { batch = 0.5, realtime = 2 }, of = { type = "number", min = 0 }, max_items = 4,
      doc = "by branch" },
    tiers = list { {}, max_items = 2, unique_by = "name", doc = "tiers", of = { type = "record",
      fields = { { name = "name", type = "text", required = true, doc = "name" },
        { name = "hours", type = "list", max_items = 2, of = { type = "integer" }, doc = "when" },
      } } },
  },
  decide = function(facts, params)
    %s
    local names = {}
    for name, price in pairs(params.prices) do names[#names + 1] = name .. "=" .. price end
    return batch { because = "%%s; %%s; %%d", table.concat(params.free, "+"),
      table.concat(names, "+"), #params.tiers }
  end,
}
]]

local function load(body, params)
  return policy_folder.load({ ["routing.lua"] = POLICY:format(body or "") }, { params = params })
end

local function because(set, ...)
  local answer, message = set:decide("routing", '{"file_count":1}', ...)
  return answer and answer.because or message
end

describe("parameters that are lists and maps", function()
  teardown(policy_folder.remove_all)

  it("have defaults, and are told with their elements", function()
    local set = load()
    assert.equal("acme; batch=0.5+realtime=2.0; 0", because(set))
    local told = set:policies()[1].params
    assert.equal("free list", told[1].name .. " " .. told[1].type)
    assert.same({ "acme" }, told[1].default)
    assert.is_true(json.is_array(told[3].default))
    assert.same({ batch = 0.5, realtime = 2 }, told[2].value)
  end)

  it("are overridden by values and by the texts of a command line", function()
    assert.equal("a+b; x=1.0; 0", because(load(nil, { free = { "a", "b" }, prices = { x = 1 } })))
    assert.equal("a\"b; x=1.0; 1", because(load(nil, { free = '["a\\"b"]', prices = '{"x":1}',
      tiers = '[{"name":"t","hours":[1]}]' })))
    local nothing = { free = json.decode("[]"), prices = json.decode("{}") }
    assert.equal("; ; 0", because(load(nil, nothing)))
    assert.equal("; ; 0", because(load(nil, { free = {}, prices = {} })))
  end)

  it("refuse what does not fit", function()
    for message, params in pairs {
      ["free: has 4 items; from 0 to 3 are allowed"] = { free = { "a", "b", "c", "d" } },
      ["free[2]: expected a text of 1 to 8 bytes, got \"\""] = { free = { "a", "" } },
      ["prices.x: expected a number of at least 0, got -1"] = { prices = { x = -1 } },
      ["prices: expected a map, got [1]"] = { prices = { 1 } },
      ["free: expected a list, got {\"a\":1}"] = { free = { a = 1 } },
      ["free: \"[\" is not a value"] = { free = "[" },
      ["free: expected a list, got 5"] = { free = 5 },
      ["tiers: elements 1 and 2 have the same name, \"a\""] =
        { tiers = { { name = "a" }, { name = "a" } } },
    } do
      local told = policy_folder.refused({ ["routing.lua"] = POLICY:format("") },
        { params = params })
      assert.equal(message, told:match("error%[W006%] (.*)"))
    end
  end)

  it("cannot be changed by a decision", function()
    assert.equal("routing.lua:14: params.free is read-only: '1' cannot be set",
      because(load('params.free[1] = "x"')))
    assert.equal("routing.lua:14: params.prices is read-only: 'batch' cannot be set",
      because(load("params.prices.batch = 1")))
    assert.equal("routing.lua:14: params.free is read-only: '2' cannot be set",
      because(load('params.free[#params.free + 1] = "x"')))
    assert.matches("read-only", because(load("table.remove(params.free)")), 1, true)
  end)

  it("decide as their recording does, in whatever order and spelling they were given", function()
    local set = policy_folder.load { ["routing.lua"] = [[
return policy {
  kind = "routing",
  params = {
    prices = map { {}, of = { type = "any" }, max_items = 99, doc = "x" },
    sizes = list { {}, of = { type = "number" }, max_items = 99, doc = "x" },
  },
  decide = function(_, params)
    local said = {}
    for name, price in pairs(params.prices) do
      said[#said + 1] = name .. "=" .. tostring(price) .. type(price)
    end
    for _, size in ipairs(params.sizes) do said[#said + 1] = tostring(1 / size) end
    return batch { because = "%s", table.concat(said, " ") }
  end,
}
]] }
    local function ask(given)
      local answer = assert(set:decide("routing", '{"file_count":1}', { params_json = given }))
      return answer, answer.because .. " " .. answer.instructions .. " " .. answer.bytes
    end

    local names, reversed = {}, {}
    for i = 1, 70 do
      names[i] = ('"k%d":%d.0'):format(i * 7919 % 1009, i)
      table.insert(reversed, 1, names[i])
    end

    for _, given in ipairs {
      '{"prices":{"a":1.0,"b":1e2,"c":-0.0,"d":[1.50,{"z":2.0}]},"sizes":[-0.0,0,2]}',
      '{"prices":{"b" : 1, "a":2 }}',
      '{"prices":{' .. table.concat(names, ",") .. "}}",
      '{"prices":{' .. table.concat(reversed, " , ") .. "}}",
    } do
      local answer, said = ask(given)
      local _, again = ask(answer.params)
      assert.equal(said, again)
    end

    assert.equal(select(2, ask('{"prices":{' .. table.concat(names, ",") .. "}}")),
      select(2, ask('{"prices":{' .. table.concat(reversed, ",") .. "}}")))
  end)

  it("are recorded in one order, whatever order they were given in", function()
    local set = load()
    local one = set:record("routing", '{"file_count":1}')
    assert.matches('"params":{"free":["acme"],"prices":{"batch":0.5,"realtime":2},"tiers":[]},'
      .. '"overrides":[]', one, 1, true)
    local same = assert(set:decide("routing", '{"file_count":1}', {
      params_json = '{"prices":{"realtime":2.0,"batch":5e-1},"free":["acme"],"tiers":[]}' }))
    assert.equal("[]", same.overrides)
    local other = assert(set:decide("routing", '{"file_count":1}', {
      params_json = '{"prices":{"z":2.0,"a":1}}' }))
    assert.equal('["prices"]', other.overrides)
    assert.equal('{"free":["acme"],"prices":{"a":1,"z":2},"tiers":[]}', other.params)
  end)

  it("say how long they may be, and what of", function()
    local function refusal(spec)
      local told = policy_folder.refused(([[return policy { kind = "routing", params = { x = %s },
        decide = function() return batch { because = "x" } end }]]):format(spec))
      return told:match("error%[W%d+%] (.*)")
    end

    for spec, message in pairs {
      ["list { {}, of = { type = 'flag' } }"] = "list: a list needs max_items",
      ["map { {}, of = { type = 'flag' } }"] = "map: a map needs max_items",
      ["list { {}, max_items = 1 }"] = "list: a list needs of = { type = … }",
      ["list { {}, max_items = 1, of = { type = 'txt' } }"] = "list.of: the type 'txt' is unknown; "
        .. "types are: any, choice, flag, integer, list, map, number, record, text",
      ["list { {}, max_items = 1, of = { type = 'list', of = { type = 'flag' } } }"] =
        "list.of: a list needs max_items",
      ["list { 5, max_items = 1, of = { type = 'flag' } }"] =
        "list: the default must be a list, and is a number",
      ["list { max_items = 1, of = { type = 'flag' } }"] =
        "list needs its default first: list { default, … }",
      ["map { {}, max_items = 1, min = 1, of = { type = 'flag' } }"] =
        "map has no 'min'; it has: 1, doc, max_items, min_items, of",
      ["list { { 1, 2 }, max_items = 1, of = { type = 'integer' } }"] =
        "the default of parameter x: expected a list, got one of another length",
      ["list { { 'a' }, max_items = 1, of = { type = 'integer' } }"] =
        "the default of parameter x: expected an integer, got string",
    } do
      assert.equal(message, refusal(spec))
    end
  end)
end)
