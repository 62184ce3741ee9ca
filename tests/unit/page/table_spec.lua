-- Tables of a page: cells, columns, and what is left off.
local tables = require "weir.page.table"

local function html(rows, more)
  local given = { columns = { { "A" }, { "B" } }, rows = rows }
  for name, value in pairs(more or {}) do given[name] = value end
  return tables.html(given)
end

-- The one cell that is shown for this one.
local function cell(value, column)
  return (html({ { value } }, { columns = { column or { "A" } } }):match("<tbody>\n<tr>(.-)</tr>"))
end

describe("a cell of a table", function()
  it("is a text or a number, escaped and with thousands", function()
    assert.equal("<td>a &lt;b&gt;</td>", cell "a <b>")
    assert.equal("<td>1,234,567</td>", cell(1234567))
    assert.equal("<td>−5</td>", cell(-5))
    assert.equal("<td>1.5</td>", cell(1.5))
    assert.equal("<td>1,000</td>", cell { 1000 })
  end)

  it("is coloured, and nothing but a known tone", function()
    for _, tone in ipairs { "good", "bad", "warn", "open" } do
      assert.equal(('<td><span class="tag %s">x</span></td>'):format(tone),
        cell { "x", tone = tone })
    end

    assert.error_matches(function() cell { "x", tone = "red" } end,
      "expected a cell with a tone of good, bad, warn or open", 1, true)
  end)

  it("is code, has smaller lines below, or both in colour", function()
    assert.equal("<td><code>a&amp;b</code></td>", cell { "a&b", code = true })
    assert.equal('<td>x<br><span class="note">&lt;1&gt;</span><br><span class="note">2</span></td>',
      cell { "x", lines = { "<1>", "2" } })
    assert.equal('<td><code><span class="tag good">x</span></code><br><span class="note">n</span>'
      .. "</td>", cell { "x", tone = "good", code = true, lines = { "n" } })
  end)

  it("is what another part of the page made, as it is", function()
    assert.equal('<td class="holds-bar"><i></i></td>',
      cell { html = "<i></i>", class = "holds-bar" })
  end)

  it("has the classes of its column, and its own behind them", function()
    for expected, column in pairs {
      [""] = { "A", align = "left" },
      [' class="right"'] = { "A", align = "right" },
      [' class="keep"'] = { "A", keep = true },
      [' class="roomy"'] = { "A", roomy = true },
      [' class="right keep roomy"'] = { "A", align = "right", keep = true, roomy = true },
    } do
      assert.equal(("<td%s>x</td>"):format(expected), cell("x", column))
      assert.truthy(html({}, { columns = { column } }):find(
        ('<thead><tr><th scope="col"%s>A</th></tr></thead>'):format(expected), 1, true), expected)
    end

    assert.equal('<td class="right own">x</td>',
      cell({ "x", class = "own" }, { "A", align = "right" }))
  end)
end)

describe("a table", function()
  it("is whole", function()
    assert.equal([[
<div class="wide"><table>
<caption>C &amp; D</caption>
<thead><tr><th scope="col">A</th><th scope="col">B</th></tr></thead>
<tbody>
<tr><th scope="row">1</th><td>2</td></tr>
<tr class="goes-on"><th scope="row">3</th><td></td></tr>
</tbody>
<tfoot><tr><th scope="row">sum</th><td>6</td></tr></tfoot>
</table></div>]], html({ { 1, 2 }, { 3, goes_on = true } },
      { caption = "C & D", foot = { "sum", 6 }, row_heads = true }))
  end)

  it("goes without caption, foot and heads of rows where none are given", function()
    assert.equal([[
<div class="wide"><table>
<thead><tr><th scope="col">A</th><th scope="col">B</th></tr></thead>
<tbody>
<tr><td>1</td><td>2</td></tr>
</tbody>
</table></div>]], html { { 1, 2 } })
  end)

  it("shows 200 rows, or as many as are asked for, and says how many are left", function()
    local rows = {}
    for i = 1, 1201 do rows[i] = { i } end
    for limit, left in pairs { [0] = "1,201", [1] = "1,200", [1200] = "1", [1201] = false,
      [9999] = false, [false] = "1,001" } do
      local shown = html(rows, { limit = limit or nil })
      local _, count = shown:gsub("<tr>", "")
      assert.equal(math.min(limit or 200, 1201) + 1, count)
      local note = shown:match('</table></div>\n<p class="note">(.*)</p>$')
      assert.equal(left and ("… and %s more"):format(left) or nil, note)
    end
  end)

  it("counts rows that were not even given, and says what to do", function()
    local rows = { { 1 }, { 2 }, { 3 } }
    assert.truthy(html(rows, { limit = 1, left = 7, more = "weir <x>" }):find(
      '<p class="note">… and 7 more; weir &lt;x&gt;</p>', 1, true))
    assert.truthy(html(rows, { limit = 1, left = 1 }):find("… and 2 more</p>", 1, true))
    assert.truthy(html(rows, { left = 1 }):find("… and 1 more</p>", 1, true))
    assert.falsy(html(rows, { left = 0, more = "x" }):find("more", 1, true))
  end)

  it("that a reader opens says how many rows it has", function()
    local given = { columns = { { "A" } }, rows = { { 1 } } }
    assert.equal("<details><summary>Table: 1 row</summary>\n" .. tables.html(given)
      .. "\n</details>", tables.details(given))
    given.rows = {}
    assert.truthy(tables.details(given):find("<summary>Table: 0 rows</summary>", 1, true))
  end)
end)
