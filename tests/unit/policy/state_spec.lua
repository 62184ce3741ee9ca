-- A policy keeps nothing between decisions, and what was checked when it was loaded cannot be
-- changed afterwards.
local policy_folder = require("support.policy_folder")

local routing = policy_folder.routing
local FACTS = '{"file_count":1}'

-- The same answer, or the same error, however often it is asked.
local function assert_constant(set, expected, rounds)
  for _ = 1, rounds or 3 do
    local answer, message, code = set:decide("routing", FACTS)
    local got = answer and answer.because or code .. ": " .. message:gsub("^.*/", "")
    assert.equal(expected, got)
  end
end

describe("a policy that tries to keep something", function()
  teardown(policy_folder.remove_all)

  local function refused(head, body, expected)
    local found = policy_folder.refused(routing(body, head))
    assert.matches("error%[W009%]", found)
    assert.matches(expected, found, 1, true)
    assert.matches("^routing.lua:%d+:", found)
  end

  it("is refused for a counter", function()
    refused("local n = 0", "n = n + 1 return batch { because = '%d', n }", "'n' is changed")
  end)

  it("is refused for a counter made by a factory", function()
    refused("local function counter() local n = 0 return function() n = n + 1 return n end end\n"
      .. "local next_number = counter()", "return batch { because = '%d', next_number() }",
        "'n' is changed")
  end)

  it("is refused for an iterator that goes on", function()
    refused("local words = ('a b c'):gmatch('%a')", "return batch { because = words() }",
      "'words' holds an iterator")
  end)

  it("cannot write to a table it made while loading", function()
    local set = policy_folder.load(routing(
      "cache.n = (cache.n or 0) + 1 return batch { because = '%d', cache.n }",
      "local cache = {}"))
    assert_constant(set, "PolicyError: routing.lua:5: cache is read-only: 'n' cannot be set")
  end)

  it("cannot write to a table of a module", function()
    local set = policy_folder.load({
      ["routing.lua"] = routing("memo.seen = 1 return batch { because = 'x' }",
        "local memo = require 'lib.memo'"),
      ["lib/memo.lua"] = "return {}",
    })

    assert_constant(set, "PolicyError: routing.lua:5: memo is read-only: 'seen' cannot be set")
  end)

  it("cannot hide a counter behind a required function", function()
    local found = policy_folder.refused({
      ["routing.lua"] = routing("return batch { because = '%d', count() }",
        "local count = require 'lib.count'"),
      ["lib/count.lua"] = "local n = 0\nreturn function() n = n + 1 return n end",
    })

    assert.matches("^count.lua:2: error%[W009%] 'n' is changed", found)
  end)

  it("cannot require a module while deciding", function()
    local set = policy_folder.load({
      ["routing.lua"] = routing(
        "local c = require 'lib.c' c.n = (c.n or 0) + 1 return batch { because = '%d', c.n }"),
      ["lib/c.lua"] = "return {}",
    })

    assert_constant(set,
      "PolicyError: routing.lua:5: require: call it at the top of the file, not while deciding")
  end)

  it("cannot fill the vocabulary's memory", function()
    for _, word in ipairs({ "integer { 1 }", "number { 1 }", "flag { true }", "text { 'x' }",
      "policy {}" }) do
      local name = word:match("%a+")
      local set = policy_folder.load(routing(word .. " return batch { because = 'x' }"))
      assert_constant(set, "PolicyError: routing.lua:5: " .. name
        .. " describes a policy; use it outside of decide")
    end
  end)

  it("cannot make a decision before it is asked for one", function()
    local found = policy_folder.refused(routing("last[1] = last[1] + 1 return last",
      "local last = batch { because = '%d', 0 }"))
    assert.equal("routing.lua:1: error[W004] batch: decisions are made inside decide", found)
  end)
end)

describe("a decision changed after it was made", function()
  teardown(policy_folder.remove_all)

  for change, expected in pairs({
    ["d.because = nil"] = 'batch needs because = "…": say why in a text',
    ["d.because = {}"] = 'batch needs because = "…": say why in a text',
    ['d.because = ""'] = "because is empty: say why in a text",
    ["d.because = 5"] = 'batch needs because = "…": say why in a text',
    ["d.wieght = 5"] = "batch has no field 'wieght'",
    ["d[{}] = 5"] = "batch: fields have names, not table keys",
    ["d[true] = 5"] = "batch: fields have names, not boolean keys",
    ["d = batch(d)"] = "batch: this table is a decision already",
    ["d = realtime(d)"] = "realtime: this table is a decision already",
  }) do
    it("is checked when it is returned: " .. change, function()
      local set = policy_folder.load(routing("local d = batch { because = 'x' } " .. change
        .. " return d"))
      assert_constant(set, "PolicyError: routing.lua:5: " .. expected)
    end)
  end
end)

describe("a policy that changes itself after the check", function()
  teardown(policy_folder.remove_all)

  local function load_changed(change)
    return policy_folder.load("local t = integer { 7, min = 1 }\n"
      .. "local p = policy { kind = 'routing', params = { t = t },\n"
      .. "  decide = function(_, params) return batch { because = '%d', params.t } end }\n"
        .. change .. "\nreturn p")
  end

  for _, change in ipairs({
    "p.kind = nil", "p.kind = 'weights'", "p.kind = 'nonsense'", "p.kind = 5", "p.params = 5",
    "p.params = { x = {} }",
    "p.decide = nil", "p.examples = 5", "p.name = {}", "t.type = 'any'", "t.type = 'record'",
    "t.default = {}",
    "t.min = 'x'", "p.params.t = nil", "p.params.u = { type = 'any' }",
  }) do
    it("is the policy that was checked: " .. change, function()
      assert_constant(load_changed(change), "7")
    end)
  end

  it("has its examples run even when another policy froze them", function()
    local found = policy_folder.refused({
      ["a.lua"] = routing("return batch { because = '%d', #examples }",
        "local examples = require 'lib.examples'"),
      ["b.lua"] = "return policy { kind = 'weights', examples = require 'lib.examples',\n"
        .. "  decide = function() return assign { because = 'x', variant = 'a', bucket = 0 } end }",
      ["lib/examples.lua"] =
        "return { { given = { variants = { { name = 'a' } } }, expect = 'weights' } }",
    })

    assert.matches("error%[W00[78]%] example 1", found)
  end)

  it("can try a module that fails twice, and gets the same error", function()
    local found = policy_folder.refused({
      ["routing.lua"] =
        "local _, a = pcall(require, 'lib.c')\nlocal _, b = pcall(require, 'lib.c')\n"
        .. "error(a == b and 'the same' or b)",
      ["lib/c.lua"] = "error('boom')",
    })

    assert.equal("routing.lua:3: error[W004] the same", found)
  end)
end)

describe("a policy that changes its facts", function()
  teardown(policy_folder.remove_all)

  local PROMOTION = '{"now":1,"champion":"a","challenger":"b","variants":[{"name":"a"},%s]}'
  local GOOD = '{"name":"b","approval":"Approved","window":{"requests":900,"errors":0}}'

  local function promoting(change)
    return policy_folder.load({ ["promotion.lua"] =
      "return policy { kind = 'promotion', decide = function(facts)\n"
      .. change .. "\nreturn promote { because = 'x', variant = 'b' } end }" })
  end

  it("does not deceive the invariants", function()
    for _, change in ipairs({
      "for _, v in ipairs(facts.variants) do v.approval, v.window = 'Approved', { requests = 9, "
        .. "errors = 0 } end",
      "facts.variants[2] = { name = 'b', approval = 'Approved', window = { requests = 9, errors = "
        .. "0 } }",
      "pcall(function() facts.champion = 'z' end) table.insert(facts.variants, 2, "
        .. "{ name = 'b', approval = 'Approved', window = { requests = 9, errors = 0 } })",
    }) do
      local set = promoting(change)
      local answer, message, code = set:decide("promotion", PROMOTION:format('{"name":"b"}'))
      assert.is_nil(answer)
      assert.equal("InvariantBroken", code)
      assert.matches("b is not an Approved model package", message)
      assert.equal("promote", set:decide("promotion", PROMOTION:format(GOOD)).action)
    end
  end)

  it("cannot set or add a field", function()
    for _, change in ipairs({ "facts.now = 5", "facts.nonsense = 1", "facts.champion = nil" }) do
      local _, message, code = promoting(change):decide("promotion", PROMOTION:format(GOOD))
      assert.equal("PolicyError", code)
      assert.matches("promotion.lua:2: facts are read%-only", message)
    end
  end)
end)
