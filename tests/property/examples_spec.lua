-- Recorded decisions written into policy files: what Lua reads there is what was recorded, wherever
-- the list of examples stands and whatever is in it.
local json = require "weir.json"
local lexer = require "weir.lint.lexer"
local literal = require "weir.testing.literal"
local policy_source = require "weir.testing.policy_source"
local property = require "support.property"
local terminal = require "weir.cli.terminal"

local TEXTS = property.string {
  alphabet = { "a", " ", '"', "\\", "\n", "\0", "\27", "]]", "--", "{", "}", ",", "%", "ü",
    "\u{202e}", "\u{1f600}" },
  max = 12,
}
local LEAVES = property.one_of {
  TEXTS, property.int64(), property.float(), property.boolean(),
  property.element { 0.1, -0.0, 1e300, 5e-324, math.mininteger, math.maxinteger },
}
-- No empty tables: whether one is a list cannot be told in Lua, and weir example looks again.
local VALUES = property.nested(3, LEAVES, function(values)
  return property.one_of {
    property.map(property.array(values, { min = 1, max = 4 }),
      function(list) return json.array(list) end),
    property.map(property.array(property.tuple { TEXTS, values }, { min = 1, max = 4 }),
      function(pairs_of)
      local object = {}
      for _, pair in ipairs(pairs_of) do object[pair[1]] = pair[2] end
      return object
    end),
  }
end)

local function is_finite(value)
  if type(value) == "table" then
    for _, member in pairs(value) do
      if not is_finite(member) then return false end
    end
  end

  return not (math.type(value) == "float" and (value ~= value or math.abs(value) == math.huge))
end

-- As JSON shows it: a float that is whole, such as -0.0, is a whole number there.
local function as_json(value) return json.encode((json.decode(json.encode(value)))) end

describe("an example in a policy file", function()
  it("is read by Lua as what was recorded, no table wider than 100 columns", function()
    property.check("literal", property.tuple { VALUES, property.int(0, 30) }, function(case)
      local value, depth = case[1], case[2]
      if not is_finite(value) then return true end

      local lines = assert(literal.example({ given = { fact = value }, expect = "batch" }, depth))
      local read = load("return { " .. table.concat(lines, "\n") .. " }")()
      assert.equal(as_json(value), as_json(read[1].given.fact))
      for _, line in ipairs(lines) do
        local is_table = line:find("},?$") ~= nil -- which could have been split
        assert.is_true(terminal.width(line) + depth <= 100 or not is_table, line)
      end
    end, { cases = 400 })
  end)

  local ITEMS = property.array(property.element {
    "{ a = 1 }", "{ 'x' } -- one", "{ '},' } --[[ { ]]", "-- a comment\n    { [1] = { } }",
      "{\n    b = '\\'{',\n  }",
  }, { max = 5 })
  local SEPARATORS = property.element { ",", ";", " ,", ",\n", ",\n\n    -- between\n" }
  local ENDS = property.element { "", ",", ";", "\n  ", ",\n  ", ", -- last\n  ", "\n  -- all\n  " }

  it("stands behind the others, and everything else stays", function()
    property.check("added", property.tuple { ITEMS, SEPARATORS, ENDS }, function(case)
      local items, separator, last = table.unpack(case)
      for i, item in ipairs(items) do
        if item:find("%-%- one$") then items[i] = item .. "\n" end
      end

      if #items == 0 and last:find("^[,;]") then return true end
      local source = "return policy { -- it\n  examples = {" .. table.concat(items, separator)
        .. last
        .. "},\n}\n"
      assert(load(source), source)

      local added = assert(policy_source.add(source, { "{ NEW = 1 }," }))
      assert(load(added), added)
      assert.equal(#items + 1, #policy_source.examples(added), added)

      local function words(text)
        local list, count = {}, 0
        local tokens, comments = lexer.tokens(text)
        for _, token in ipairs(tokens) do
          if token.value ~= "," and token.value ~= ";" then list[#list + 1] =
            tostring(token.value) end
        end

        for _, comment in ipairs(comments) do
          count = count + 1
          list[#list + 1] = comment.text
        end

        return table.concat(list, " "), count
      end

      local before, comments = words(source)
      local after, kept = words(added)
      assert.equal(comments, kept)
      assert.equal(before, (after:gsub("{ NEW = 1 } ", "", 1)))
    end, { cases = 400 })
  end)
end)
