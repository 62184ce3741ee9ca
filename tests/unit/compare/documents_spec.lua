-- Whether two documents say the same, and where they first differ.
local documents = require "weir.compare.documents"
local json = require "weir.json"

local IGNORED = { title = true }

local function difference(one, other) return documents.difference(one, other, IGNORED) end

local function assert_differ(field, polling, events, one, other)
  assert.same({ field = field, polling = polling, events = events },
    difference(json.encode(one), json.encode(other)))
end

describe("two documents", function()
  it("are the same when they say the same, in whatever order and with whatever spaces", function()
    assert.is_nil(difference('{"a":1,"b":[2.50]}', '{ "b": [2.5], "a": 1 }\n'))
    assert.is_nil(difference("no JSON", "no JSON"))
  end)

  it("are the same apart from what is ignored at their top, and there alone", function()
    assert.is_nil(difference('{"a":1,"title":"x"}', '{"a":1}'))
    assert_differ("a.title", '"x"', "(absent)", { a = { title = "x" } }, { a = {} })
  end)

  it("differ at the first field by name, in whatever depth", function()
    assert_differ("b", "2", "3", { a = 1, b = 2, c = 4 }, { a = 1, b = 3, c = 5 })
    assert_differ("labels[1].confidence", "71", "72",
      { labels = { { confidence = 98 }, { confidence = 71 } } },
      { labels = { { confidence = 98 }, { confidence = 72 } } })
    assert_differ("tags[1]", '"b"', "(absent)", { tags = { "a", "b" } }, { tags = { "a" } })
  end)

  it("differ in kind: null, an absent field, an empty list and an empty object are four", function()
    assert_differ("a", "null", "(absent)", { a = json.null }, {})
    assert_differ("a", "[]", "{}", { a = json.array {} }, { a = {} })
    assert_differ("a", "1", '"1"', { a = 1 }, { a = "1" })
    assert_differ("a", "false", "null", { a = false }, { a = json.null })
  end)

  it("are compared byte by byte where one is not a table of JSON", function()
    for _, pair in ipairs { { "{}", "{" }, { "7", "8" }, { "\x89PNG", "\x89PNG\r" } } do
      assert.same({
        field = "(bytes)",
        polling = #pair[1] .. " bytes",
        events = #pair[2] .. " bytes",
      }, difference(pair[1], pair[2]))
    end
  end)
end)
