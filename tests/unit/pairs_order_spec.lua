-- The lint that keeps the order of `pairs` away from results.
local pairs_order = require("lint.pairs_order")

local function findings(text)
  local found = {}
  for i, finding in ipairs(pairs_order.check("f.lua", text)) do
    found[i] = finding:match("^f%.lua:(%d+:%d+): %S")
  end

  return found
end

describe("the lint of pairs' order", function()
  it("finds every use of pairs and next, aliases and globals' fields included", function()
    for text, place in pairs {
      ["for k in pairs(t) do f(k) end"] = "1:10",
      ["\n  for k in  pairs (t) do f(k) end -- a comment"] = "2:13",
      ["if next(t) then return end"] = "1:4",
      ["local each = pairs"] = "1:14",
      ["for k in next, t do f(k) end"] = "1:10",
      ["for k in _G.pairs(t) do f(k) end"] = "1:13",
      ["for k in _ENV.next, t do f(k) end"] = "1:15",
      ['local p = _G["pairs"]'] = "1:14",
      ["f { pairs(t) }"] = "1:5",
      ["f { [next] = 1 }"] = "1:6",
      ["f(pairs)"] = "1:3",
      ["local s = '-- any order: in a text' for k in pairs(t) do end"] = "1:46",
      ["for k in pairs(t) do end -- any order:"] = "1:10",
      ["for k in pairs(t) do end -- any order: yes"] = "1:10",
      ["for k in pairs(t) do -- any order"] = "1:10",
      ["local a = {} .. next(t)"] = "1:17",
    } do
      assert.same({ place }, findings(text), text)
    end
  end)

  it("takes a reason at the end of the line, and names that are not Lua's own", function()
    for _, text in ipairs {
      "for k in pairs(t) do n = n + 1 end -- any order: only counts",
      "for k in pairs(t) do -- any order: sorted below\n  f(k)\nend",
      "for k, v in ipairs(t) do f(k) end", "for k in sorted_pairs(t) do f(k) end",
      "page = page.next", "page:next()", "local page = { next = 1, pairs = 2; next = 3 }",
      "return page.next.next", "-- pairs(t)", "--[[ next(t) ]]", "local s = 'pairs'",
        "local s = [[next(t)]]",
      "local next_page, pairs_of = 1, 2",
    } do
      assert.same({}, findings(text), text)
    end
  end)

  it("finds a reason that has lost its line", function()
    assert.same({ "1:1" }, findings("f(k) -- any order: only counts"))
    assert.same({ "1:1" }, findings("-- any order: only counts"))
    assert.same({ "2:10",
      "1:1" }, findings("-- any order: only counts\nfor k in pairs(t) do n = n + 1 end"))
  end)

  it("fails when it looks at no file, and passes over the whole tree", function()
    assert.is_false(pairs_order.main {})
    assert.is_true(os.execute("bash tests/lint/pairs_order.sh"))
  end)
end)
