local sorted_pairs = require("weir.sorted_pairs")

local function keys_of(map)
  local keys = {}
  for key, value in sorted_pairs(map) do
    assert.equal(map[key], value)
    keys[#keys + 1] = key
  end

  return keys
end

describe("weir.sorted_pairs", function()
  it("goes by number, then by text, then by boolean", function()
    assert.same({ -1.5, 1, 2, 10, "", "B", "a", "a\0b", "b", "\xc3\xa4", false, true }, keys_of {
      [10] = 0, [2] = 0, [1] = 0, [-1.5] = 0, b = 0, a = 0, B = 0, [""] = 0, ["a\0b"] = 0,
      ["\xc3\xa4"] = 0, [true] = 0, [false] = 0,
    })

    assert.same({}, keys_of {})
  end)

  it("lets the loop's body change and remove what the map holds", function()
    local map = { a = 1, b = 2 }
    for key in sorted_pairs(map) do map[key] = nil end
    assert.same({}, map)
  end)

  it("refuses keys that have no order", function()
    for _, key in ipairs { {}, print, io.stdout } do
      local ok, message = pcall(sorted_pairs, { [key] = 1 })
      assert.is_false(ok)
      assert.matches("a key is a %a+, which has no order; expected sorted_pairs%(table", message)
    end
  end)
end)
