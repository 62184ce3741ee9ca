-- The page of weir compare, from reports as weir.compare gives them.
local compare_page = require "weir.page.compare"

local WORDS = {
  same = "Both ways are the same.",
  different = "They differ.",
  pending = "Some are still being processed.",
  nothing = "There is nothing to compare.",
}

local function way(latency, distribution)
  return {
    finished = 3,
    duplicates_avoided = 2,
    taken_over = 1,
    clocks_disagree = 0,
    latency_ms = latency,
    distribution_ms = distribution,
  }
end

local function report(changes)
  local found = {
    completeness = { objects = 9, both = 3, alone = 1, only_polling = 2, only_events = 1,
      pending = 0, failed = 2, gone = 4, missing = {} },
    equality = { compared = 6, different = 0, differences = {} },
    ways = {
      polling = way({ start = { count = 3, p50 = 1234.4, p90 = 2000, p99 = 2500.6 } }, { 10, 20 }),
      events = way({}, {}),
    },
  }
  for key, value in pairs(changes or {}) do found[key] = value end -- any order: sets keys

  return found
end

local ABOUT = { { "Claims table", "claims-<of mine>", code = true } }

local function html(changes) return compare_page(report(changes), WORDS, ABOUT):html() end

local function has(text, page) assert.truthy(page:find(text, 1, true), text) end

-- The cells of the row that begins with `first`, and `second` where it is given, without tags.
local function cells(page, first, second)
  for row in page:gmatch("<tr.->(.-)</tr>") do
    local found = {}
    for cell in row:gmatch("<t[hd].->(.-)</t[hd]>") do
      found[#found + 1] = cell:gsub("<.->", "")
    end

    if found[1] == first and found[2] == (second or found[2]) then return found end
  end

  error("no row begins with " .. first)
end

describe("the page of a comparison", function()
  it("counts the objects by what became of them", function()
    local page = html()
    for head, count in pairs { -- any order: each is looked for
      ["of the claims table"] = "9",
      ["processed by both ways"] = "3",
      ["processed by one way while it ran alone"] = "1",
      ["processed by polling only"] = "2",
      ["processed by events only"] = "1",
      ["still being processed"] = "0",
      ["failed for good"] = "2",
      ["gone before they were processed"] = "4",
    } do
      assert.same({ head, count }, cells(page, head))
    end

    assert.is_nil(page:find("claimed by nobody", 1, true))
  end)

  it("counts objects of the source that nobody claimed, where the source was read", function()
    local page = html { source = { unclaimed = 4, first = { "in/<a>", "in/b" } } }
    assert.same({ "of the source, claimed by nobody", "4" },
      cells(page, "of the source, claimed by nobody"))
    assert.same({ "in/&lt;a&gt;" }, cells(page, "in/&lt;a&gt;"))
    has("2 more", page)
  end)

  it("says what was compared, and that S3 tells whole seconds", function()
    has("<dt>Claims table</dt><dd><code>claims-&lt;of mine&gt;</code></dd>", html())
    has("S3 tells when an object was written in whole seconds", html())
  end)

  it("gives milliseconds without a fraction, and leaves empty what was not measured", function()
    assert.same({ "polling", "start", "3", "1234", "2000", "2501", "" },
      cells(html(), "polling", "start"))
  end)

  it("says so where nothing was measured", function()
    has("Nothing was measured.", html { ways = { polling = way({}, {}), events = way({}, {}) } })
  end)

  it("has the stages that were measured where none was measured from end to end", function()
    local decision = { decision = { count = 3, p50 = 1234.4, p90 = 2000, p99 = 2500.6 } }
    local text = html { ways = { polling = way(decision, {}), events = way({}, {}) } }
    assert.equal("1234", cells(text, "polling", "decision")[4])
    assert.is_nil(text:find("From written to processed", 1, true))
  end)

  it("lists what a way lacks, and how many differences are left out", function()
    local complete = report().completeness
    complete.missing, complete.only_polling = { { object = "bucket/<a>", way = "events" } }, 3
    local page = html {
      completeness = complete,
      equality = { compared = 6, different = 8, differences = { { object = "bucket/b",
        document = "tags", field = "/labels/0", polling = "cat", events = "dog" } } },
    }
    assert.same({ "bucket/&lt;a&gt;", "events" }, cells(page, "bucket/&lt;a&gt;"))
    assert.same({ "bucket/b", "tags", "/labels/0", "cat", "dog" }, cells(page, "bucket/b"))
    has("3 more", page)
    has("7 more", page)
    has("They differ.", page)
  end)
end)
