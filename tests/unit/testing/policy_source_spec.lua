local policy_source = require "weir.testing.policy_source"

local HEAD = 'return policy {\n  kind = "routing", -- why\n  decide = decide,\n'

describe("the examples in a policy's source", function()
  it("are found with their lines and docs", function()
    local found, line = policy_source.examples(HEAD .. [[
  examples = {
    -- a comment
    { given = {}, expect = "batch" },
    {
      doc = "two", given = {}, expect = "batch",
    },
  },
}
]])
    assert.same({ { line = 6 }, { line = 7, doc = "two" } }, found)
    assert.equal(4, line)
  end)

  it("are not found where they are made by code: then the word's line is given", function()
    local found, line = policy_source.examples(HEAD .. "  examples = made(),\n}\n")
    assert.same({}, found)
    assert.equal(4, line)
    assert.same({}, (policy_source.examples("return {}")))
    assert.same({}, (policy_source.examples("return policy {")))
  end)
end)

describe("adding an example", function()
  local NEW = { "{ NEW", "  MORE }," }

  -- Source before → source after.
  for name, case in pairs {
    ["to a list with a comma behind its last item keeps comments"] = {
      HEAD .. "  examples = { -- all\n    { a }, -- one\n    -- last\n  }, -- end\n}\n",
      HEAD .. "  examples = { -- all\n    { a }, -- one\n    -- last\n    { NEW\n      MORE },\n  "
        .. "}, -- end\n}\n",
    },
    ["to a list without one writes it"] = {
      HEAD .. "  examples = {\n    { a } -- one\n  }\n}\n",
      HEAD .. "  examples = {\n    { a }, -- one\n    { NEW\n      MORE },\n  }\n}\n",
    },
    ["to a list on one line puts the brace on the next"] = {
      HEAD .. "  examples = { { a } },\n}\n",
      HEAD .. "  examples = { { a },\n    { NEW\n      MORE },\n  },\n}\n",
    },
    ["to an empty list"] = {
      HEAD .. "  examples = {},\n}\n",
      HEAD .. "  examples = {\n    { NEW\n      MORE },\n  },\n}\n",
    },
    ["to a policy without examples makes the list"] = {
      HEAD:gsub(",\n$", "\n") .. "}\n",
      HEAD .. "  examples = {\n    { NEW\n      MORE },\n  },\n}\n",
    },
    ["keeps line ends of \\r\\n"] = {
      "return policy {\r\n  examples = {\r\n    { a },\r\n  },\r\n}\r\n",
      "return policy {\r\n  examples = {\r\n    { a },\r\n    { NEW\r\n      MORE },\r\n  },\r\n"
        .. "}\r\n",
    },
    ["does not take a brace or comma in a text or comment for one of the list"] = {
      "return policy {\n  examples = {\n    { a = '},' } --[[ }, ]]\n  },\n}\n",
      "return policy {\n  examples = {\n    { a = '},' }, --[[ }, ]]\n    { NEW\n      MORE },\n  "
        .. "},\n}\n",
    },
  } do
    it(name, function() assert.equal(case[2], policy_source.add(case[1], NEW)) end)
  end

  it("is refused where the list is made by code, and without a policy", function()
    local source, why = policy_source.add(HEAD .. "  examples = made(),\n}\n", NEW)
    assert.is_nil(source)
    assert.equal("its examples are not written out there as a list", why)
    assert.is_nil(policy_source.add("return {}", NEW))
  end)
end)
