local json = require "weir.json"
local text = require "weir.page.text"

describe("a text of a page", function()
  it("leaves no markup, no quote and no invisible character of what came from elsewhere", function()
    for given, expected in pairs {
      ["</script><script>alert(1)</script>"] =
        "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
      ["\"' onload=x"] = "&quot;&#39; onload=x",
      ["a & b"] = "a &amp; b",
      ["a\u{2028}b"] = "a\\u{2028}b",
      ["\u{202e}evil\u{202c}"] = "\\u{202e}evil\\u{202c}",
      ["a\0b\27[2J\n"] = "a\\x00b\\x1b[2J\\n",
      ["\xff\xfe"] = "\\xff\\xfe",
      ["größer 東京 😀"] = "größer 東京 😀",
    } do
      assert.equal(expected, text.html(given))
    end
  end)

  it("is JSON that cannot end a script, and decodes to the same value", function()
    local value = { "</script>", "<!--", "&amp;", "\u{2028}\u{2029}", "é" }
    local encoded = text.json(value)
    assert.is_nil(encoded:find("[<>&\x80-\xff]"))
    assert.same(value, json.decode(encoded))
  end)
end)

describe("a number of a page", function()
  it("has thousands, the asked digits and the sign of typography", function()
    for _, case in ipairs {
      {
        "1,234.5",
        1234.46,
        1,
      }, { "−3", -3 }, { "0", -0.2 }, { "0.0", -0.04, 1 }, { "−0.1", -0.06, 1 },
      { "–", nil }, { "–", 0 / 0 }, { "∞", math.huge }, { "−∞", -math.huge }, {
        "12,345,678",
        12345678,
      },
    } do
      assert.equal(case[1], text.number(case[2], case[3]))
    end
  end)

  it("shows a share that is not zero or one as neither", function()
    for _, case in ipairs {
      { "0.0 %", 0, 5 }, { "below 0.1 %", 1, 5000 }, { "0.1 %", 1, 1000 }, { "33.3 %", 1, 3 },
      { "above 99.9 %", 9999, 10000 }, { "100.0 %", 5, 5 }, { "–", 1, 0 }, { "–", nil, 3 },
    } do
      assert.equal(case[1], text.percent(case[2], case[3]))
    end
  end)

  it("has a sign where it is a change", function()
    assert.equal("+308", text.change(308))
    assert.equal("−308", text.change(-308))
    assert.equal("0.0", text.change(0.01, 1))
  end)
end)

describe("a time of a page", function()
  it("is the second of a time stamp, at every turn of the calendar", function()
    for _, stamp in ipairs {
      "1970-01-01T00:00:00", "1999-12-31T23:59:59", "2000-02-29T12:00:00", "2100-03-01T00:00:00",
      "2026-11-20T08:05:09", "2024-02-29T23:59:59", "2025-03-01T00:00:00",
    } do
      local seconds = text.seconds(stamp .. ".678Z")
      assert.equal(stamp, os.date("!%Y-%m-%dT%H:%M:%S", seconds))
    end
  end)

  it("is nothing for what is not a time stamp", function()
    for _, given in ipairs { "", "t", "2026-11-20", "2026-11-20T08:05:09+01:00", "12" } do
      assert.is_nil(text.seconds(given))
    end

    assert.is_nil(text.seconds(nil))
  end)
end)

describe("thinning", function()
  it("keeps short lists, and of long ones the first, the last and as many as asked, in order",
    function()
    local list = {}
    for i = 1, 10000 do list[i] = i end
    assert.equal(list, text.thin(list, 10000))
    local thinned = text.thin(list, 1000)
    assert.same({ 1, 10000, 1000 }, { thinned[1], thinned[1000], #thinned })
    for i = 2, 1000 do assert.is_true(thinned[i] > thinned[i - 1]) end
  end)
end)
