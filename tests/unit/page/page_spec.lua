local bytes = require "weir.bytes"
local json = require "weir.json"
local page = require "weir.page"
local sha256 = require "weir.sha256"

local HOSTILE = "</script><img src=x onerror=alert(1)>\"'\u{2028}\u{202e}]]>-->"

local function base64_digest(source)
  local hex = sha256.hex(source)
  return bytes.base64((hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)))
end

-- A page of everything, each text of it the same.
local function page_of(said)
  local p = page.new { title = said, kicker = said, sentence = said, tone = "warn" }
  p:facts { { said, said }, { said, said, code = true } }
  p:section(said, said)
  p:note(said)
  p:table {
    caption = said,
    columns = { { said }, { said, align = "right" } },
    rows = { { said, { said, tone = "bad", lines = { said } } }, { { said, code = true }, 3 } },
    foot = { said, said },
  }

  p:chart {
    title = said, note = said, x = { type = "time", label = said }, y = {
      label = said,
      unit = said,
    },
    series = { { said }, { said } }, rows = {
      { 0, 1, { 1, 2, 3 } },
      { 60, nil, { -math.huge, 2, math.huge } },
    },
    lines = { { 2, said } }, marks = { { 60, "R", said } },
  }

  p:strip { title = said, times = { 0, 60 },
    rows = { { name = said, checks = { { tone = "good", text = said },
      { tone = "bad", text = said } } } } }
  p:table {
    columns = { { said } },
    rows = { { p:stack { { 0.5, "good", said }, { 0.5, "bad", said } } } },
  }

  return p:html()
end

-- The data of the page's chart.
local function chart_data(html)
  return json.decode(html:match('<script type="application/json">(.-)</script>'))
end

describe("a page", function()
  it("holds no markup of a text, wherever the text stands", function()
    local html = page_of(HOSTILE)
    assert.is_nil(html:find("<img", 1, true))
    assert.is_nil(html:find("onerror=alert(1)>", 1, true))
    assert.is_nil(html:find("\u{2028}", 1, true))
    assert.is_nil(html:find("\u{202e}", 1, true))
    local _, scripts = html:gsub("</script>", "")
    assert.equal(3, scripts)
    local plain = page_of("plain"):gsub("plain", "")
    local tags = html:gsub("<script.-</script>", ""):gsub("[^<>]+", "")
    assert.equal((plain:gsub("<script.-</script>", ""):gsub("[^<>]+", "")), tags)
  end)

  it("gives the same bytes for the same calls", function()
    assert.equal(page_of("one"), page_of("one"))
  end)

  it("allows its own scripts and style by their digests, and nothing else", function()
    local html = page_of("x")
    local policy = html:match('Content%-Security%-Policy" content="([^"]+)"')
    local allowed = { "default-src 'none'; script-src" }

    for source in html:gmatch("<script>(.-)</script>") do
      allowed[#allowed + 1] = "'sha256-" .. base64_digest(source) .. "'"
    end

    assert.equal(3, #allowed)
    allowed[3] = allowed[3] .. "; style-src"
    local style = base64_digest(html:match("<style>(.-)</style>"))
    allowed[4] = "'sha256-" .. style .. "'; base-uri 'none'; form-action 'none'"
    assert.equal(table.concat(allowed, " "), policy)
    local text = html:gsub("<script>.-</script>", "")
    assert.is_nil(text:find("<[^>]+ style="))
    assert.is_nil(text:find("://", 1, true))
    assert.is_nil(text:find("url(", 1, true))
  end)

  it("carries no script without a chart", function()
    local p = page.new { title = "t", sentence = "s" }
    assert.is_nil(p:html():find("<script", 1, true))
    assert.truthy(p:html():find("script-src 'none'", 1, true))
  end)

  it("names the licence of dygraphs where it carries it", function()
    assert.truthy(page_of("x"):find("dygraphs 2", 1, true))
    assert.truthy(page_of("x"):find("Permission is hereby granted, free of charge", 1, true))
  end)

  it("refuses a tone that it does not know", function()
    assert.error_matches(function() page.new { title = "t", sentence = "s", tone = "pink" } end,
      "expected page.new{title=text")
  end)
end)

describe("a chart", function()
  local function chart(given)
    local p = page.new { title = "t", sentence = "s" }
    p:chart {
      title = "c", x = given.x or { type = "number" }, y = given.y or { digits = 1, unit = "ms" },
      series = given.series or { { "a" } }, rows = given.rows, lines = given.lines,
      marks = given.marks,
    }

    return p:html()
  end

  it("draws no data as a hole, and lists it as no number", function()
    local html = chart { rows = { { 1, 5 }, { 2 }, { 3, 0 } } }
    assert.same({ { 1, { 5, 5, 5 } }, { 2, json.null }, { 3, { 0, 0, 0 } } }, chart_data(html).rows)
    assert.truthy(html:find('<tr><th scope="row" class="keep">2</th><td class="right">–</td></tr>',
      1, true))
    assert.truthy(html:find(
      '<tr><th scope="row" class="keep">3</th><td class="right">0.0</td></tr>', 1, true))
  end)

  it("says of an open end that it is open", function()
    local html = chart { rows = { { 1, { -math.huge, 5, 7 } }, { 2, { 4, 5, 6 } } } }
    local data = chart_data(html)
    assert.same({ 5, 7, 1, 0 }, table.move(data.rows[1][2], 2, 5, 1, {}))
    assert.is_true(data.rows[1][2][1] < data.range[1])
    assert.truthy(html:find('<td class="right">−∞</td><td class="right">7.0</td>', 1, true))
  end)

  it("spans all that it shows, from zero where the values begin near it", function()
    assert.same({ 0, 10.8 }, chart_data(chart { rows = { { 1, 1 }, { 2, 10 } },
      lines = { { 0, "zero" } } }).range)
    local range = chart_data(chart { rows = { { 1, 100 }, { 2, 110 } } }).range
    assert.is_true(range[1] > 90 and range[2] < 120)
    local flat = chart_data(chart { rows = { { 1, 0 }, { 2, 0 } } }).range
    assert.is_true(flat[2] > flat[1])
  end)

  it("stays usable with 10,000 rows, and says what it left off", function()
    local rows = {}
    for i = 1, 10000 do rows[i] = { i, i } end
    local html = chart { rows = rows }
    assert.truthy(html:find("1,000 of 10,000 points are drawn and listed, evenly spaced.", 1, true))
    local data = chart_data(html).rows
    assert.same({ 1000, 1, 10000 }, { #data, data[1][1], data[1000][1] })
    local _, listed = html:gsub("<tr>", "")
    assert.equal(1001, listed)
  end)

  it("leaves no hole and no mark off", function()
    local rows = {}
    for i = 1, 10000 do rows[i] = { i, i ~= 5002 and i or nil } end
    local html = chart { rows = rows, marks = { { 7003, "R", "rolled back" } } }
    assert.truthy(html:find("1,002 of 10,000 points are drawn", 1, true))
    assert.truthy(html:find("[5002,null]", 1, true))
    assert.truthy(html:find('<td class="right">7,003.0</td><td>rolled back</td>', 1, true))
  end)

  it("says so when there is nothing to draw", function()
    assert.truthy(chart({ rows = {} }):find("c: there are no data.", 1, true))
  end)

  it("names decisions in the table beside their marks", function()
    local html = chart { rows = { { 1, 1 }, { 2, 2 } }, marks = { { 2, "R", "rolled back" } } }
    assert.same({ { 2, "R", "rolled back" } }, chart_data(html).marks)
    assert.truthy(html:find('<td class="right">2.0</td><td>rolled back</td>', 1, true))
  end)
end)

describe("a table", function()
  local function html_of(given)
    local p = page.new { title = "t", sentence = "s" }
    p:table(given)
    return p:html()
  end

  it("shows as many rows as it may, and counts the others", function()
    local rows = {}
    for i = 1, 10000 do rows[i] = { "row " .. i } end
    local html = html_of {
      columns = { { "name" } },
      rows = rows,
      more = "weir diff --json lists every one",
    }

    assert.truthy(html:find("<td>row 200</td>", 1, true))
    assert.is_nil(html:find("<td>row 201</td>", 1, true))
    assert.truthy(html:find("… and 9,800 more; weir diff --json lists every one", 1, true))
  end)

  it("shows whole numbers with thousands, and texts as they are", function()
    assert.truthy(html_of({ columns = { { "a" }, { "b" } }, rows = { { 1234, "1234" } } })
      :find("<td>1,234</td><td>1234</td>", 1, true))
  end)

  it("refuses a tone that it does not know", function()
    assert.error_matches(function()
      html_of { columns = { { "a" } }, rows = { { { "x", tone = "pink" } } } }
    end,
      "expected a cell with a tone of good, bad, warn or open")
  end)
end)

describe("a strip", function()
  local function html_of(given)
    local p = page.new { title = "t", sentence = "s" }
    p:strip(given)
    return p:html()
  end

  it("has a field a look with a sign and its reason, one of them in the order of Tab", function()
    local html = html_of { title = "checks", times = { 0, 300 }, rows = {
      {
        name = "guard",
        checks = { { tone = "good", text = "none fails" }, { tone = "bad", text = "all fail" } },
      },
      { name = "p99", checks = { nil, { tone = "open", text = "too few" } } },
    } }
    for _, field in ipairs {
      '<td class="good" tabindex="0">✓<span>1970-01-01 00:00, guard: none fails</span></td>',
      '<td class="bad" tabindex="-1">✕<span>1970-01-01 00:05, guard: all fail</span></td>',
      '<td class="none" tabindex="-1"><span>1970-01-01 00:00, p99: not looked at</span></td>',
    } do
      assert.truthy(html:find(field, 1, true), field)
    end

    local _, reached = html:gsub('tabindex="0"', "")
    assert.equal(1, reached)
  end)

  it("puts many looks together, and shows the gravest of each field", function()
    local times, checks = {}, {}
    for i = 1, 600 do times[i], checks[i] = i * 300, { tone = "good", text = "fine" } end
    checks[15] = { tone = "bad", text = "the fifteenth" }
    local html = html_of {
      title = "checks",
      times = times,
      rows = { { name = "guard", checks = checks } },
    }

    local _, fields = html:gsub("<td", "")
    assert.equal(60, fields)
    assert.truthy(html:find("A field stands for 10 looks, and shows the gravest.", 1, true))
    assert.truthy(html:find(
      '>✕<span>1970-01-01 00:55 to 01:40, 10 looks, guard: the fifteenth</span>', 1, true))
  end)

  it("shows of several looks what is graver than its tone", function()
    local times, checks = {}, {}
    for i = 1, 120 do times[i], checks[i] = i * 300, { tone = "open", text = "hold" } end
    checks[3] = { tone = "good", text = "ramp", sign = "▲", gravity = 5 }
    local html = html_of {
      title = "checks",
      times = times,
      rows = { { name = "decision", checks = checks } },
    }

    assert.truthy(html:find('<td class="good" tabindex="-1">▲<span>', 1, true))
  end)
end)

describe("shares of a whole", function()
  it("are as wide as they are large, and told in words", function()
    local p = page.new { title = "t", sentence = "s" }
    p:table { columns = { { "a" } }, rows = { { p:stack { { 0.731, "good", "promote" },
      { 0.269, "bad", "rollback" },
      { 0, "open", "hold" } } } } }
    local html = p:html()
    assert.truthy(html:find('aria-label="promote 73.1 %, rollback 26.9 %, hold 0.0 %"', 1, true))
    assert.truthy(html:find('<td class="good w731" title="promote">promote 73 %</td>', 1, true))
    assert.truthy(html:find(".w731{width:73.1%}", 1, true))
  end)

  it("say as much as there is room for", function()
    for share, label in pairs { [0.3] = "hold 30 %", [0.299] = "30 %", [0.08] = "8 %",
      [0.079] = "" } do
      local p = page.new { title = "t", sentence = "s" }
      local cell = p:stack { { share, "open", "hold" } }
      assert.truthy(cell.html:find('title="hold">' .. label .. "</td>", 1, true), cell.html)
    end
  end)
end)
