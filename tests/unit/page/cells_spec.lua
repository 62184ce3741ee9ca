-- Strips, stacks and bars of a page: what each cell says.
local cells = require "weir.page.cells"

local BEGIN = 1795163700 -- 2026-11-20 08:35 UTC

local function check(tone, more)
  local made = { tone = tone, text = tone .. " <text>" }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

-- A strip of looks `apart` seconds, with one row of these checks (by look).
local function strip(count, checks, apart)
  local times = {}
  for i = 1, count do times[i] = BEGIN + (i - 1) * (apart or 300) end
  return cells.strip { title = "T & U", times = times,
    rows = { { name = "<guard>", checks = checks or {} } } }
end

-- "class sign what is said" of each cell.
local function fields(html)
  local list = {}
  for class, sign, said in html:gmatch('<td class="(%w+)" tabindex="%-?%d">(.-)<span>(.-)</span>')
  do
    list[#list + 1] = ("%s %s %s"):format(class, sign, said)
  end

  return list
end

-- "COLUMNS time" of each head above them.
local function heads(html)
  local list = {}
  for over, time in html:gmatch('<th colspan="(%d+)" scope="colgroup">(.-)</th>') do
    list[#list + 1] = over .. " " .. time
  end

  return list
end

describe("a strip", function()
  it("has a cell for each look, with a sign, and the time and the reason in words", function()
    local html = strip(5, { check "good", check "bad", check "warn", check "open" })
    assert.same({
      "good ✓ 2026-11-20 08:35, &lt;guard&gt;: good &lt;text&gt;",
      "bad ✕ 2026-11-20 08:40, &lt;guard&gt;: bad &lt;text&gt;",
      "warn ! 2026-11-20 08:45, &lt;guard&gt;: warn &lt;text&gt;",
      "open · 2026-11-20 08:50, &lt;guard&gt;: open &lt;text&gt;",
      "none  2026-11-20 08:55, &lt;guard&gt;: not looked at",
    }, fields(html))
    assert.truthy(html:find('<th scope="row">&lt;guard&gt;</th>', 1, true))
    assert.truthy(html:find('aria-label="T &amp; U"', 1, true))
    assert.truthy(html:find('<p class="note">A field is one look. ✓ fine', 1, true))
  end)

  it("has a sign of its own where the check gives one", function()
    assert.equal("good ▲", fields(strip(1, { check("good", { sign = "▲" }) }))[1]:match("^%S+ %S+"))
  end)

  it("is reached with Tab at its first cell alone", function()
    local html = cells.strip { title = "T", times = { BEGIN, BEGIN + 60 }, rows = {
      { name = "a", checks = {} }, { name = "b", checks = {} } } }
    local list = {}
    for index in html:gmatch('tabindex="(%-?%d)"') do list[#list + 1] = index end
    assert.same({ "0", "-1", "-1", "-1" }, list)
  end)

  it("of up to 60 looks has a column for each, of more for as few of them as fit", function()
    for count, case in pairs {
      [1] = { 1, 1 }, [60] = { 60, 1 }, [61] = { 31, 2 }, [120] = { 60, 2 }, [121] = { 41, 3 },
      [600] = { 60, 10 },
    } do
      local columns, each = table.unpack(case)
      local html = strip(count)
      assert.equal(columns, #fields(html))
      assert.truthy(html:find(each == 1 and "A field is one look."
        or ("A field stands for %d looks, and shows the gravest."):format(each), 1, true), count)
    end
  end)

  it("shows the gravest of a column: bad, warn, open, good; the first of equals", function()
    local function gravest(...)
      local checks = { ... }
      return fields(strip(61 * #checks, checks))[1]:match("^(%S+) .*: (%S+) ")
    end

    local order = { "good", "open", "warn", "bad" }
    for i = 1, 3 do
      assert.equal(order[i + 1], (gravest(check(order[i]), check(order[i + 1]))))
      assert.equal(order[i + 1], (gravest(check(order[i + 1]), check(order[i]))))
    end

    assert.same({ "good", "one" }, { gravest(check("good", { text = "one x" }),
      check("good", { text = "two x" })) })
    assert.equal("good", (gravest(check("good", { gravity = 9 }), check "bad")))
  end)

  it("says from when to when the looks of a column were, and how many", function()
    local list = fields(strip(61, { [61] = check "good" }))
    assert.equal("none  2026-11-20 08:35 to 08:40, 2 looks, &lt;guard&gt;: not looked at", list[1])
    assert.equal("good ✓ 2026-11-20 13:35, &lt;guard&gt;: good &lt;text&gt;", list[31])
  end)

  it("has times above about seven parts of it, but not above a narrow rest", function()
    assert.same({ "1 08:35" }, heads(strip(1)))
    assert.same({ "1 08:35", "1 08:40", "1 08:45" }, heads(strip(3)))
    assert.equal(7, #heads(strip(7)))
    assert.same({ "2 08:35", "2 08:45", "2 08:55", "2 09:05" }, heads(strip(8)))
    assert.same({ "2 08:35", "2 08:45", "2 08:55", "2 09:05", "1 " }, heads(strip(9)))
    assert.equal(7, #heads(strip(14)))
    local wide = heads(strip(59))
    assert.same({ "9 08:35", "5 13:05" }, { wide[1], wide[7] })
    assert.equal("3 10:35", heads(strip(27))[7]) -- 6 × 4 and 3
    assert.equal("2 ", heads(strip(50))[7]) -- 6 × 8 and 2
    assert.equal("5 08:35", heads(strip(61))[1]) -- from the first look of the first column
  end)

  it("of a day or more has the day with the times", function()
    assert.equal("1 08:35", heads(strip(2, {}, 86399))[1])
    assert.same({ "1 11-20 08:35", "1 11-21 08:35" }, heads(strip(2, {}, 86400)))
    assert.same({ "1 11-20 08:35", "1 11-20 20:35", "1 11-21 08:35" },
      heads(strip(3, {}, 43200)))
  end)
end)

describe("shares of a whole", function()
  local page = { width = function(_, share) return ("w%.4g"):format(share) end }

  local function stacked(...) return cells.stack({ ... }, page) end

  it("are labelled where there is room: with a name from 30 %, a number from 8 %", function()
    local cell = stacked({ 0.3, "good", "pro<mote" }, { 0.29, "bad", "b" }, { 0.08, "warn", "c" },
      { 0.0799, "open", "d" })
    assert.equal("holds-stack", cell.class)
    local list = {}
    for attributes, label in cell.html:gmatch("<td (.-)>(.-)</td>") do
      list[#list + 1] = attributes .. " | " .. label
    end

    assert.same({
      'class="good w0.3" title="pro&lt;mote" | pro&lt;mote 30 %',
      'class="bad w0.29" title="b" | 29 %',
      'class="warn w0.08" title="c" | 8 %',
      'class="open w0.0799" title="d" | ',
    }, list)
  end)

  it("are rounded to a percent", function()
    assert.truthy(stacked({ 0.573, "good", "a" }).html:find(">a 57 %</td>", 1, true))
  end)

  it("are all said in words, those of nothing too, which have no field", function()
    local cell = stacked({ 1, "good", "a" }, { 0, "bad", "b" })
    assert.truthy(cell.html:find('aria-label="a 100.0 %, b 0.0 %"', 1, true), cell.html)
    assert.equal(1, select(2, cell.html:gsub("<td", "")))
  end)

  it("alone are a bar, which is full from the whole on", function()
    assert.same({ html = '25.0 %<span class="bar w0.25"></span>', class = "holds-bar" },
      cells.bar(0.25, page))
    assert.equal('150.0 %<span class="bar w1"></span>', cells.bar(1.5, page).html)
    assert.equal('0.0 %<span class="bar w0"></span>', cells.bar(0, page).html)
  end)
end)
