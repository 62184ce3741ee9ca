local json = require "weir.json"
local literal = require "weir.testing.literal"

-- What Lua reads where the lines stand in a list.
local function read(lines)
  return load("return { " .. table.concat(lines, "\n") .. " }")()[1]
end

describe("an example as Lua source", function()
  it("is one line where that fits", function()
    assert.same(
      { '{ given = { file_count = 9 }, params = { threshold = 10 }, expect = "batch" },' },
      literal.example({
        given = { file_count = 9 },
        params = { threshold = 10 },
        expect = "batch",
      }, 4))
  end)

  it("is one member a line where it does not, and never wider than 100 columns", function()
    local variants = json.array {}
    for i = 1, 6 do variants[i] = { name = "variant-" .. i, weight = 0.5 } end
    local lines =
      literal.example({ given = { variants = variants }, expect = { action = "weights" } }, 4)
    assert.equal("{", lines[1])
    assert.equal("  given = {", lines[2])
    assert.equal("    variants = {", lines[3])
    assert.equal('      { name = "variant-1", weight = 0.5 },', lines[4])
    assert.equal("},", lines[#lines])
    assert.same({ variants = variants }, read(lines).given)
  end)

  it("reads back as what it was made of", function()
    local given = {
      ["end"] = 1, ["a-b"] = 2, empty = json.array {}, text = 'a "b" \\ c\n\0\u{202e}ü%',
      numbers = json.array { 0.1, 1e300, -5, 9007199254740993, math.mininteger, math.maxinteger },
      deep = { deeper = { flag = true } },
    }
    local lines = assert(literal.example({ given = given, expect = "batch" }, 4))
    assert.same(given, read(lines).given)
    for i, number in ipairs(read(lines).given.numbers) do
      assert.equal(math.type(given.numbers[i]), math.type(number))
    end
  end)

  it("cannot hold a null", function()
    local lines, why = literal.example({ given = { a = { json.null } }, expect = "job" }, 4)
    assert.is_nil(lines)
    assert.equal("a fact is null, which a Lua table cannot hold", why)
  end)
end)
