local listing = require("weir.events.listing")
local try = require("weir.try")

-- Effects whose listing answers these pages, each a list of keys, one after the other.
local function paged(pages)
  local asked, at = {}, 0
  return {
    asked = asked,
    read = function(_, request)
      at = at + 1
      asked[at] = request
      if not pages[at] then return nil, "no more", "Broken" end
      local page = {
        Contents = {},
        IsTruncated = at < #pages,
        NextContinuationToken = "token-" .. at,
      }

      for i, key in ipairs(pages[at]) do page.Contents[i] = { Key = key, Size = 1 } end

      return page
    end,
  }
end

local function source(more)
  local of = { bucket = "b", prefix = "", suffixes = {} }
  for name, value in pairs(more or {}) do of[name] = value end
  return of
end

local function keys_of(pages, of, after)
  local effects, keys = paged(pages), {}
  local ok, message, code = try.call(function()
    for page in listing.pages(effects, of or source(), after) do
      for _, object in ipairs(page) do keys[#keys + 1] = object.Key end
    end

    return true
  end)

  return table.concat(keys, " "), code, message, effects.asked, ok
end

describe("a list of suffixes", function()
  it("has those between commas and blanks; one with none in it is no wish for all", function()
    local suffixes = require("weir.events.listing").suffixes
    assert.same({ ".jpg", ".png" }, suffixes " .jpg,, .png ,")
    assert.same({}, suffixes "")
    for _, text in ipairs { ",", " ", ", ,", "\t\n" } do
      local list, message, code = try.call(suffixes, text)
      assert.same({ nil, "InvalidSuffix" }, { list, code }, message)
    end
  end)
end)

describe("a listing", function()
  it("asks for page after page, behind a key and in a role where there is one", function()
    local role = { arn = "arn:aws:iam::111122223333:role/r", external_id = "x" }
    local keys, _, _, asked = keys_of({ { "b", "c" }, { "d" } },
      source { prefix = "", role = role }, "a")
    assert.equal("b c d", keys)
    assert.same({ Bucket = "b", StartAfter = "a" }, asked[1].input)
    assert.same({ Bucket = "b", ContinuationToken = "token-1" }, asked[2].input)
    assert.equal(role, asked[2].role)
  end)

  it("wants prefix and suffix, both, and case counts", function()
    assert.equal("p/a.jpg p/b.png", (keys_of({ { "p/a.JPG", "p/a.jpg", "p/b.png", "p/c.gif",
      "q/a.jpg" } },
      source { prefix = "p/", suffixes = { ".jpg", ".png" } })))
    assert.equal("in", (keys_of({ { "in", "weir/x" } }, source { leave_out = "weir/" })))
  end)

  it("puts a page in order, byte by byte", function()
    assert.equal("a a-b a/b \u{e9} \u{FFFD} \u{1F680}",
      (keys_of { { "a/b", "a-b", "a", "\u{1F680}", "\u{e9}", "\u{FFFD}" } }))
  end)

  it("takes a key once that comes on two pages, or twice on one", function()
    assert.equal("a b c d", (keys_of { { "a", "b", "b", "c" }, { "b", "c", "d" } }))
  end)

  it("fails when it goes back: what is new could not be told", function()
    local keys, code, message = keys_of { { "b", "c" }, { "a", "d" } }
    assert.same({ "b c", "ListingOutOfOrder" }, { keys, code })
    assert.matches('"a" comes on a later page than "c"', message, 1, true)
  end)

  it("fails when a page does, and when a token does not move", function()
    assert.equal("Broken", select(2, keys_of {}))
    local stuck = {
      read = function()
        return { Contents = {}, IsTruncated = true, NextContinuationToken = "t" }
      end,
    }

    local _, _, code = try.call(function() for _ in listing.pages(stuck, source()) do end end)
    assert.equal("MalformedResponse", code)
  end)
end)
