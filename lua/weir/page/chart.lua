-- Line charts of a page: drawn by dygraphs, read out under pointer and keys (page.js), and repeated
-- as a table. A chart is
--
--   { title =, note =,                    what it shows, and how to read it
--     x = { type = "time" | "number" | "log",   time: epoch seconds, UTC
--           label =, unit =, digits =,
--           names = { [x] = "p99", … } },     of every row's x; else numbers
--     y = { label =, unit = "ms", digits = 1,
--           range = {low, high},                else all that is shown
--           log = true },
--     series = { { "p99", colour = 1 … 6, dash = 1 … 6, step = true }, … },  else by its place
--     rows = { {x, value | {low, value, high} | nil, …}, … },                nil: no data, a hole
--     lines = { {y, "tolerance"}, … },    across the chart
--     marks = { {x, "▼", "rolled back: …"}, … },                             x of a row
--     signs = { {"▼", "rolled back"}, … },    what the signs of marks mean
--     points = true }                     mark each value, for charts of few
--
-- Ends of a band may be infinite ("open"). Of more than MOST rows that many are drawn, evenly
-- spaced, and those with a mark and the holes, as far as there are not too many of these either.
local json = require "weir.json"
local tables = require "weir.page.table"
local text = require "weir.page.text"

local chart = {}

chart.MOST = 1000

local function low_of(cell) return type(cell) == "table" and cell[1] or cell end
local function value_of(cell)
  if type(cell) == "table" then return cell[2] end
  return cell
end
local function high_of(cell) return type(cell) == "table" and cell[3] or cell end

local function is_finite(value) return value ~= nil and value - value == 0 end

-- The lowest and highest of all values, ends of bands and lines.
local function extent(given)
  local low, high = math.huge, -math.huge
  local function take(value)
    if not is_finite(value) then return end
    low, high = math.min(low, value), math.max(high, value)
  end

  for _, row in ipairs(given.rows) do
    for i = 1, #given.series do
      local cell = row[i + 1]
      take(low_of(cell))
      take(value_of(cell))
      take(high_of(cell))
    end
  end

  for _, line in ipairs(given.lines or {}) do take(line[1]) end
  if low > high then return 0, 1 end

  return low, high
end

-- With air above and below; counts begin at zero.
local function range_of(given)
  if given.y.range then return given.y.range end
  local low, high = extent(given)
  if given.y.log then return { low * 0.9, high * 1.1 } end
  local air = (high - low) * 0.08
  if air == 0 then air = math.abs(high) * 0.1 + 0.5 end

  return { low >= 0 and low <= (high - low) and 0 or low - air, high + air }
end

-- A cell as page.js takes it; an open or distant end is drawn just outside of the chart.
local function cell_data(cell, range, is_log)
  local value = value_of(cell)
  if not is_finite(value) then return json.null end
  local low, high, least = low_of(cell), high_of(cell), 2 * range[1] - range[2]
  if is_log then least = range[1] * range[1] / range[2] end
  local function within(number)
    return math.max(least, math.min(2 * range[2] - range[1], number))
  end

  local data = { within(low), value, within(high) }
  if low == -math.huge or high == math.huge then
    data[4], data[5] = low == -math.huge and 1 or 0, high == math.huge and 1 or 0
  end

  return json.array(data)
end

local function data_of(given, rows)
  local range = range_of(given)
  local data = {
    x = given.x.type,
    xunit = given.x.unit,
    xdigits = given.x.digits or 0,
    unit = given.y.unit,
    digits = given.y.digits or 0,
    range = json.array(range),
    points = given.points or false,
    ylog = given.y.log or false,
    dashes = json.array {},
    names = json.array {},
    colours = json.array {},
    steps = json.array {},
    rows = json.array {},
    lines = json.array(given.lines or {}),
    marks = json.array {},
  }

  for i, series in ipairs(given.series) do
    data.names[i], data.colours[i] = text.printable(series[1]), series.colour or i
    data.steps[i], data.dashes[i] = series.step or false, series.dash or i
  end

  if given.x.names then
    data.xnames = json.array {}
    for i, row in ipairs(rows) do data.xnames[i] = given.x.names[row[1]] end
  end

  for i, row in ipairs(rows) do
    local cells = json.array { row[1] }
    for s = 1, #given.series do cells[s + 1] = cell_data(row[s + 1], range, given.y.log) end
    data.rows[i] = cells
  end

  for i, mark in ipairs(given.marks or {}) do
    data.marks[i] = json.array { mark[1], mark[2], text.printable(mark[3]) }
  end

  return data
end

-- The same values as a table -------------------------------------------------------------------

local function shown_x(given, x)
  if given.x.names then return given.x.names[x] end
  if given.x.type == "time" then return text.time(x) end
  return text.number(x, given.x.digits)
end

local function unit_of(axis) return axis.unit and " (" .. axis.unit .. ")" or "" end

local function has_band(given, series)
  for _, row in ipairs(given.rows) do
    if type(row[series + 1]) == "table" then return true end
  end

  return false
end

local function table_of(given, rows)
  local columns = { { (given.x.label or "time") .. unit_of(given.x), keep = true } }
  local banded = {}
  for i, series in ipairs(given.series) do
    banded[i] = has_band(given, i)
    columns[#columns + 1] = { series[1] .. unit_of(given.y), align = "right" }
    if banded[i] then
      columns[#columns + 1] = { "low", align = "right" }
      columns[#columns + 1] = { "high", align = "right" }
    end
  end

  local marks = {}
  for _, mark in ipairs(given.marks or {}) do marks[mark[1]] = mark[3] end
  if given.marks then columns[#columns + 1] = { "decision" } end

  local shown = {}
  for i, row in ipairs(rows) do
    local cells = { shown_x(given, row[1]) }
    for s = 1, #given.series do
      local cell = row[s + 1]
      cells[#cells + 1] = text.number(value_of(cell), given.y.digits)
      if banded[s] then
        cells[#cells + 1] = text.number(low_of(cell), given.y.digits)
        cells[#cells + 1] = text.number(high_of(cell), given.y.digits)
      end
    end

    if given.marks then cells[#cells + 1] = marks[row[1]] or "" end
    shown[i] = cells
  end

  return tables.details { columns = columns, rows = shown, limit = #shown, row_heads = true }
end

-- HTML ------------------------------------------------------------------------------------------

local function legend(given)
  local items = {}
  for i, series in ipairs(given.series) do
    items[i] = ('<li><i class="swatch p%d c%d"></i><span>%s</span></li>'):format(series.dash or i,
      series.colour or i, text.html(series[1]))
  end

  for _, line in ipairs(given.lines or {}) do
    if line[1] ~= 0 then
      items[#items + 1] =
        ('<li><i class="swatch line"></i><span>%s</span></li>'):format(text.html(line[2]))
    end
  end

  local used = {}
  for _, mark in ipairs(given.marks or {}) do used[mark[2]] = true end
  for _, sign in ipairs(given.signs or {}) do
    if used[sign[1]] then
      items[#items + 1] = ("<li><span>%s %s</span></li>"):format(text.html(sign[1]),
        text.html(sign[2]))
    end
  end

  if #items < 2 then return "" end

  return '<ul class="legend">' .. table.concat(items) .. "</ul>"
end

local function is_hole(given, row)
  for i = 1, #given.series do
    if row[i + 1] ~= nil then return false end
  end

  return true
end

-- The rows that are drawn and listed.
local function chosen_rows(given)
  local rows = given.rows
  if #rows <= chart.MOST then return rows end
  local marked, special = {}, {}
  for _, mark in ipairs(given.marks or {}) do marked[mark[1]] = true end
  for i, row in ipairs(rows) do
    if marked[row[1]] or is_hole(given, row) then special[#special + 1] = i end
  end

  local numbers, is_chosen, chosen = {}, {}, {}
  for i = 1, #rows do numbers[i] = i end
  for _, list in ipairs { text.thin(numbers, chart.MOST), text.thin(special, chart.MOST) } do
    for _, i in ipairs(list) do is_chosen[i] = true end
  end

  for i, row in ipairs(rows) do
    if is_chosen[i] then chosen[#chosen + 1] = row end
  end

  return chosen
end

local function left_off(given, rows)
  if #rows == #given.rows then return "" end
  return ('<p class="note">%s of %s points are drawn and listed, evenly spaced.</p>'):format(
    text.number(#rows), text.number(#given.rows))
end

local FIGURE = [[
<figure class="chart">
<figcaption id="c%d"><b>%s</b>%s</figcaption>
%s
<div class="plot" tabindex="0" role="application" aria-roledescription="chart"
 aria-labelledby="c%d" aria-describedby="c%ds"></div>
<p class="say" id="c%ds" aria-live="polite">%s</p>
%s%s
<script type="application/json">%s</script>
</figure>]]

local HELP = "Point at the chart, or focus it and use the arrow keys, to read its values."

-- html(given, number): the figure; `number` makes its ids unlike those of others.
function chart.html(given, number)
  local rows = chosen_rows(given)
  if #rows == 0 then
    return ('<p class="note">%s: there are no data.</p>'):format(text.html(given.title))
  end

  local note = given.note and " " .. '<span class="note">' .. text.html(given.note) .. "</span>"
    or ""
  return FIGURE:format(number, text.html(given.title), note, legend(given), number, number, number,
    HELP, left_off(given, rows), table_of(given, rows), text.json(data_of(given, rows)))
end

return chart
