-- Tables of a page. A cell is
--
--   "text" or a number                    as it is (a number is shown with thousands)
--   { "text", tone = "good" }             coloured; the text alone must say it, too
--   { "text", code = true }               in a fixed-width font
--   { "text", lines = {"…"} }             with smaller lines below
--   { html = "<…>" }                      what another part of the page made (stack, bar)
--
-- Tones: good, bad, warn, open. A row with goes_on = true belongs to the one above it.
local terminal = require "weir.cli.terminal"
local text = require "weir.page.text"

local tables = {}

-- The rows that a table shows when nothing else is said.
tables.MOST = 200

local TONES = { good = true, bad = true, warn = true, open = true }

local function content(cell)
  if type(cell) ~= "table" then
    if math.type(cell) == "integer" then return text.number(cell) end
    return text.html(cell)
  end

  if cell.html then return cell.html end

  local shown = content(cell[1])
  if cell.tone then
    assert(TONES[cell.tone], "expected a cell with a tone of good, bad, warn or open")
    shown = ('<span class="tag %s">%s</span>'):format(cell.tone, shown)
  end

  if cell.code then shown = "<code>" .. shown .. "</code>" end
  for _, line in ipairs(cell.lines or {}) do
    shown = shown .. '<br><span class="note">' .. text.html(line) .. "</span>"
  end

  return shown
end

local function classes(cell, column)
  local list = {}
  if column.align == "right" then list[#list + 1] = "right" end
  if column.keep then list[#list + 1] = "keep" end
  if column.roomy then list[#list + 1] = "roomy" end
  if type(cell) == "table" and cell.class then list[#list + 1] = cell.class end

  return #list > 0 and (' class="%s"'):format(table.concat(list, " ")) or ""
end

local function row_html(row, columns, heads)
  local cells = {}
  for i, column in ipairs(columns) do
    local cell = row[i]
    if cell == nil then cell = "" end
    local tag = i == 1 and heads and 'th scope="row"' or "td"
    cells[i] = ("<%s%s>%s</%s>"):format(tag, classes(cell, column), content(cell), tag:sub(1, 2))
  end

  return (row.goes_on and '<tr class="goes-on">' or "<tr>") .. table.concat(cells) .. "</tr>"
end

local function head_html(columns)
  local cells = {}
  for i, column in ipairs(columns) do
    cells[i] = ('<th scope="col"%s>%s</th>'):format(classes("", column), text.html(column[1]))
  end

  return "<thead><tr>" .. table.concat(cells) .. "</tr></thead>"
end

-- html{
--   columns = { {"Kind"}, {"Decisions", align = "right", keep = on one line, roomy = for
--               sentences} },
--   rows = { {…} }, caption =, foot = row,
--   row_heads = true for a first column that names its row,
--   limit = rows shown, left = rows that were not even given,
--   more = what to do to see the others }
function tables.html(given)
  local columns, rows = given.columns, given.rows
  local limit = given.limit or tables.MOST
  local parts = { '<div class="wide"><table>' }

  if given.caption then
    parts[#parts + 1] = "<caption>" .. text.html(given.caption) .. "</caption>"
  end

  parts[#parts + 1] = head_html(columns)
  parts[#parts + 1] = "<tbody>"
  for i = 1, math.min(#rows, limit) do
    parts[#parts + 1] = row_html(rows[i], columns, given.row_heads)
  end

  parts[#parts + 1] = "</tbody>"
  if given.foot then
    parts[#parts + 1] = "<tfoot>" .. row_html(given.foot, columns, given.row_heads) .. "</tfoot>"
  end

  parts[#parts + 1] = "</table></div>"

  local left = math.max(#rows - limit, given.left or 0)
  if left > 0 then
    parts[#parts + 1] = ('<p class="note">… and %s more%s</p>'):format(text.number(left),
      given.more and text.html("; " .. given.more) or "")
  end

  return table.concat(parts, "\n")
end

-- A table that a reader opens: what a chart shows, as numbers.
function tables.details(given)
  return ("<details><summary>Table: %s</summary>\n%s\n</details>"):format(
    terminal.count(#given.rows, "row"), tables.html(given))
end

return tables
