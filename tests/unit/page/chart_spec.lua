-- A chart of a page: what its script is given, the table beside it, and its legend.
local chart = require "weir.page.chart"
local json = require "weir.json"

local function given(more)
  local made = {
    title = "T & U",
    x = { type = "number" },
    y = {},
    series = { { "p99" } },
    rows = { { 1, 10 }, { 2, 20 } },
  }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

-- What page.js is given of such a chart, and the whole figure.
local function data_of(more)
  local html = chart.html(given(more), 7)
  return json.decode(html:match('<script type="application/json">(.-)</script>')), html
end

-- The rows of the table beside it, cells joined by "|"; the first is the head.
local function table_of(more)
  local _, html = data_of(more)
  local lines = {}
  for row in html:gmatch("<tr.->(.-)</tr>") do
    local cells = {}
    for cell in row:gmatch("<t[hd].->(.-)</t[hd]>") do cells[#cells + 1] = cell end
    lines[#lines + 1] = table.concat(cells, "|")
  end

  return lines
end

local function legend_of(more)
  local _, html = data_of(more)
  local items = {}
  for item in (html:match '<ul class="legend">(.-)</ul>' or ""):gmatch("<li>(.-)</li>") do
    items[#items + 1] = (item:gsub('<i class="swatch (.-)"></i>', "%1 "):gsub("<.->", ""))
  end

  return items
end

local function near(expected, found)
  assert.equal(#expected, #found)
  for i, value in ipairs(expected) do
    assert.is_true(math.abs(value - found[i]) < 1e-9, ("%s: %s"):format(i, found[i]))
  end
end

describe("the range of a chart", function()
  local function range(values, more)
    more = more or {}
    more.rows = {}
    for i, value in ipairs(values) do more.rows[i] = { i, value } end
    return data_of(more).range
  end

  it("has air of 8 % at both ends, but counts from zero where that is near", function()
    near({ 100 - 0.8, 110 + 0.8 }, range { 100, 110 })
    near({ 0, 110 + 8 }, range { 10, 110 })
    near({ 0, 20 + 0.8 }, range { 10, 20 }) -- as far from zero as it is high
    near({ 11 - 0.72, 20.72 }, range { 11, 20 })
    near({ -10 - 1.6, 10 + 1.6 }, range { -10, 10 })
    near({ 0, 1.08 }, range { 0, 1 })
  end)

  it("of one value has air as well", function()
    near({ 10 - 1.5, 10 + 1.5 }, range { 10 })
    near({ 0, 0.5 }, range { 0 })
    near({ -10 - 1.5, -10 + 1.5 }, range { -10 })
  end)

  it("holds bands and lines, but nothing infinite or without a value", function()
    near({ 96 - 0.8, 106 + 0.8 }, range { { 96, 100, 106 } })
    near({ 96 - 0.8, 106 + 0.8 }, range({ 100 }, { lines = { { 96, "a" }, { 106, "b" } } }))
    near({ 100 - 10.5, 100 + 10.5 }, range { { -math.huge, 100, math.huge }, 0 / 0 })
    near({ 0, 1.08 }, range { 0 / 0 })
  end)

  it("is the one that is given, and wider by a tenth on a logarithmic axis", function()
    near({ 3, 4 }, range({ 100 }, { y = { range = json.array { 3, 4 } } }))
    near({ 9, 110 }, range({ 10, 100 }, { y = { log = true } }))
  end)
end)

describe("a cell of a chart", function()
  local function cell(value, y)
    return data_of({ rows = { { 1, value } }, y = y or { range = json.array { 10, 20 } } })
      .rows[1][2]
  end

  it("is its value with the ends of its band", function()
    near({ 15, 15, 15 }, cell(15))
    near({ 12, 15, 18 }, cell { 12, 15, 18 })
  end)

  it("is a hole where there is no value", function()
    for _, none in ipairs { 0 / 0, math.huge, { 1, 0 / 0, 2 } } do
      assert.equal(json.null, cell(none))
    end
  end)

  it("has distant ends just outside of the chart", function()
    near({ 0, 15, 30 }, cell { -500, 15, 500 })
    near({ 1, 15, 29 }, cell { 1, 15, 29 })
    near({ 1, 50, 190 }, cell({ 0.5, 50, 500 },
      { range = json.array { 10, 100 }, log = true }))
  end)

  it("says which of its ends are open", function()
    near({ 0, 15, 18, 1, 0 }, cell { -math.huge, 15, 18 })
    near({ 12, 15, 30, 0, 1 }, cell { 12, 15, math.huge })
    near({ 0, 15, 30, 1, 1 }, cell { -math.huge, 15, math.huge })
  end)
end)

describe("what the script of a chart is given", function()
  it("is plain where nothing else is said", function()
    local data = data_of()
    assert.same({ x = "number", xdigits = 0, digits = 0, points = false, ylog = false,
      dashes = { 1 }, names = { "p99" }, colours = { 1 }, steps = { false }, lines = {},
      marks = {}, rows = { { 1, { 10, 10, 10 } }, { 2, { 20, 20, 20 } } }, range = data.range },
      data)
  end)

  it("is all that the chart says", function()
    local data = data_of {
      x = { type = "log", unit = "ms", digits = 2 },
      y = { unit = "req", digits = 1, log = true },
      series = { { "a" }, { "b\27", colour = 5, dash = 3, step = true }, { "c" } },
      points = true,
      lines = { json.array { 15, "limit" } },
      marks = { { 2, "▼", "rolled\27 back" } },
    }
    assert.same({ "log", "ms", 2, "req", 1, true, true }, { data.x, data.xunit, data.xdigits,
      data.unit, data.digits, data.ylog, data.points })
    assert.same({ { "a", "b\\x1b", "c" }, { 1, 5, 3 }, { 1, 3, 3 }, { false, true, false } },
      { data.names, data.colours, data.dashes, data.steps })
    assert.same({ { 15, "limit" } }, data.lines)
    assert.same({ { 2, "▼", "rolled\\x1b back" } }, data.marks)
  end)

  it("has the names of its rows where they have some", function()
    local data = data_of { x = { type = "number", names = { [1] = "p50", [2] = "p99" } } }
    assert.same({ "p50", "p99" }, data.xnames)
  end)
end)

describe("the table beside a chart", function()
  it("has a column for each series, with units", function()
    assert.same({ "time|p99", "1|10", "2|20" }, table_of())
    assert.same({ "minutes (min)|p99 (ms)", "1.0|10.00", "2.0|20.00" },
      table_of { x = { type = "number", label = "minutes", unit = "min", digits = 1 },
        y = { unit = "ms", digits = 2 } })
  end)

  it("has both ends of a series that has a band anywhere", function()
    assert.same({ "time|a|low|high|b", "1|10|10|10|7", "2|20|−∞|25|–" }, table_of {
      series = { { "a" }, { "b" } },
      rows = { { 1, 10, 7 }, { 2, { -math.huge, 20, 25 } } },
    })
  end)

  it("has the decision of each row that has a mark", function()
    assert.same({ "time|p99|decision", "1|10|", "2|20|rolled back" },
      table_of { marks = { { 2, "▼", "rolled back" } } })
  end)

  it("has times, and names where rows have them", function()
    assert.same({ "time|p99", "2026-11-20 08:35|5" },
      table_of { x = { type = "time" }, rows = { { 1795163700, 5 } } })
    assert.same({ "time|p99", "median|10", "tail|20" },
      table_of { x = { type = "number", names = { [1] = "median", [2] = "tail" } } })
  end)
end)

describe("the legend of a chart", function()
  it("is there from two things on: series, lines, and signs that are used", function()
    assert.same({}, legend_of())
    assert.same({ "p1 c1 a", "p4 c6 b &lt;" },
      legend_of { series = { { "a" }, { "b <", dash = 4, colour = 6 } } })
    assert.same({ "p1 c1 p99", "line tolerance" }, legend_of { lines = { { 5, "tolerance" } } })
    assert.same({}, legend_of { lines = { { 0, "zero" } } })
    assert.same({ "p1 c1 p99", "▼ rolled &amp; back" }, legend_of {
      marks = { { 1, "▼", "x" } },
      signs = { { "▼", "rolled & back" }, { "▲", "promoted" } },
    })
  end)
end)

describe("a chart", function()
  local function rows(count, holes)
    local list = {}
    for i = 1, count do list[i] = { i, not (holes and holes[i]) and i or nil } end
    return list
  end

  it("without data says so", function()
    assert.equal('<p class="note">T &amp; U: there are no data.</p>',
      chart.html(given { rows = {} }, 1))
  end)

  it("has its number in every id, its title and its note", function()
    local _, html = data_of { note = "n < m" }
    assert.truthy(html:find('<figcaption id="c7"><b>T &amp; U</b> <span class="note">n &lt; m'
      .. "</span></figcaption>", 1, true), html)
    assert.truthy(html:find(' aria-labelledby="c7" aria-describedby="c7s"', 1, true))
    assert.truthy(html:find('<p class="say" id="c7s" aria-live="polite">', 1, true))
    local _, plain = data_of()
    assert.truthy(plain:find("<b>T &amp; U</b></figcaption>", 1, true))
  end)

  it("of up to a thousand rows has all of them", function()
    local data, html = data_of { rows = rows(1000) }
    assert.equal(1000, #data.rows)
    assert.falsy(html:find("evenly spaced", 1, true))
  end)

  it("of more has a thousand, the ends among them, and says so", function()
    local data, html = data_of { rows = rows(2500) }
    assert.same({ 1000, 1, 2500 }, { #data.rows, data.rows[1][1], data.rows[1000][1] })
    assert.truthy(html:find("1,000 of 2,500 points are drawn and listed, evenly spaced.", 1, true))
    assert.truthy(html:find("Table: 1,000 rows", 1, true))
  end)

  it("of more has every row with a mark, and every hole", function()
    -- Of three rows in a row two at most are drawn anyway.
    local data = data_of { rows = rows(2501, { [7] = true, [1003] = true, [1004] = true,
      [1005] = true }), marks = { { 2003, "▼", "x" }, { 2004, "▲", "y" }, { 2005, "▲", "z" } } }
    local seen = {}
    for _, row in ipairs(data.rows) do seen[row[1]] = row[2] or json.null end
    for _, x in ipairs { 7, 1003, 1004, 1005 } do assert.equal(json.null, seen[x], x) end
    for x = 2003, 2005 do assert.same({ x, x, x }, seen[x]) end
    assert.is_true(#data.rows > 1000 and #data.rows <= 1007, #data.rows)
    for i = 2, #data.rows do assert.is_true(data.rows[i - 1][1] < data.rows[i][1]) end
  end)
end)
