-- Lists whose elements must differ: `unique_by` of the field language, in every kind that has one.
local json = require("weir.json")
local policy_folder = require("support.policy_folder")

-- kind → a policy's decide, and facts that it accepts
local KINDS = {
  weights = {
    "return assign { because = 'x', variant = 'a', bucket = 0 }",
    { assignment_key = "k", variants = { { name = "a" }, { name = "b" }, { name = "c" } } },
  },
  promotion = {
    "return hold { because = 'x', needs = 'y' }",
    { now = 1, champion = "a", variants = { { name = "a" }, { name = "b" }, { name = "c" } } },
  },
}

local function load_kind(kind)
  return policy_folder.load({ [kind .. ".lua"] = ("return policy { kind = '%s',\ndecide = "
    .. "function() %s end }")
    :format(kind, KINDS[kind][1]) })
end

describe("elements of one name", function()
  teardown(policy_folder.remove_all)

  for kind, case in pairs(KINDS) do
    describe("in the facts of " .. kind, function()
      local set
      setup(function() set = load_kind(kind) end)

      local function asked(change)
        return set:decide(kind, (change or function(text) return text end)(json.encode(case[2])))
      end

      it("are looked for, and may differ in case alone", function()
        assert.is_string(asked().action)
        assert.is_string(asked(function(text) return (text:gsub('"c"', '"A"')) end).action)
      end)

      for name, expected in pairs({
        ["a"] = 'variants: elements 1 and 3 have the same name, "a"',
        ["b"] = 'variants: elements 2 and 3 have the same name, "b"',
        ["\\u0061"] = 'variants: elements 1 and 3 have the same name, "a"',
      }) do
        it("are refused: " .. name, function()
          local answer, message, code = asked(function(text)
            return (text:gsub('"c"', function() return '"' .. name .. '"' end))
          end)

          assert.is_nil(answer)
          assert.equal(expected, message)
          assert.equal("InvalidFacts", code)
        end)
      end

      it("are refused although their other fields differ", function()
        local _, message = asked(function(text)
          return (text:gsub('{"name":"c"}', '{"stage":"retired","name":"a"}'))
        end)

        assert.equal('variants: elements 1 and 3 have the same name, "a"', message)
      end)
    end)
  end

  it("fail an example", function()
    local found = policy_folder.refused({ ["weights.lua"] = "return policy { kind = 'weights',\n"
      .. "decide = function() return weights { because = 'x', weights = { a = 1 } } end,\n"
      .. "examples = { { given = { variants = { { name = 'a' }, { name = 'a' } } }, expect = "
      .. "'weights' } } }" })
    assert.equal('weights.lua:3: error[W007] example 1: variants: elements 1 and 2 have the same '
      .. 'name, "a"', found)
  end)
end)

describe("the values of a choice", function()
  teardown(policy_folder.remove_all)

  for values, expected in pairs({
    ["{ 'a', 'b', 'a' }"] = 'choice: values[1] and values[3] are both "a"',
    ["{ 'a', nil, 'b' }"] = "choice: values[2] is nil; what follows it would never be seen",
    ["{ 'a', b = 'c' }"] =
      "choice: values is a list, and 'b' is not a place in it; leave the key out",
    ["{ 'a', 5 }"] = "choice: values[2] must be a text",
    ["{}"] = "choice needs values = { \"…\", … }",
    ["'a'"] = "choice needs values = { \"…\", … }",
  }) do
    it("must be texts that differ: " .. values, function()
      local found = policy_folder.refused(policy_folder.routing("return batch { because = 'x' }",
        "local size = choice { 'a', values = " .. values .. " }"))
      assert.equal("routing.lua:1: error[W004] " .. expected, found)
    end)
  end
end)
