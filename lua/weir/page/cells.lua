-- What no library draws: tables with coloured cells. Each cell has a sign or a number as well, so that
-- nothing is said by colour alone.
local text = require "weir.page.text"

local cells = {}

local SIGNS = { good = "✓", bad = "✕", warn = "!", open = "·" }

-- Which of several looks a cell stands for: the gravest.
local GRAVITY = { good = 1, open = 2, warn = 3, bad = 4 }

-- Looks that one strip has columns for; more are put together.
cells.MOST = 60

-- A strip ----------------------------------------------------------------------------------------

local function gravest(checks, from, to)
  local worst
  for i = from, to do
    local check = checks[i]
    if check and (not worst or GRAVITY[check.tone] > GRAVITY[worst.tone]) then worst = check end
  end
  return worst
end

local function cell_html(row, given, from, to, first)
  local check = gravest(row.checks, from, to)
  local span = text.time(given.times[from])
  if to > from then span = ("%s to %s, %d looks"):format(span, text.time(given.times[to]):sub(12), to - from + 1) end
  local said = ("%s, %s: %s"):format(span, row.name, check and check.text or "not looked at")
  return ('<td class="%s" tabindex="%d">%s<span>%s</span></td>'):format(check and check.tone or "none",
    first and 0 or -1, check and (check.sign or SIGNS[check.tone]) or "", text.html(said))
end

-- The first column of each group: the first and last look of every column.
local function columns_of(count)
  local each = math.max(1, math.ceil(count / cells.MOST))
  local columns = {}
  for from = 1, count, each do columns[#columns + 1] = { from, math.min(from + each - 1, count) } end
  return columns, each
end

-- Times above about every eighth column, each over the columns up to the next.
local function head_html(given, columns)
  local parts, step = { "<th></th>" }, math.max(1, math.ceil(#columns / 8))
  for at = 1, #columns, step do
    local over = math.min(step, #columns - at + 1)
    local time = text.time(given.times[columns[at][1]])
    parts[#parts + 1] = ('<th colspan="%d" scope="colgroup">%s</th>'):format(over,
      over < math.min(step, 3) and "" or (at == 1 and time or time:sub(12)))
  end
  return "<thead><tr>" .. table.concat(parts) .. "</tr></thead>"
end

local STRIP = [[
<div class="strip"><div class="wide"><table aria-label="%s">
%s
<tbody>
%s
</tbody></table></div></div>
<p class="note">%s</p>]]

local LEGEND = "%s ✓ fine, · not decided yet, ! look at it, ✕ against the challenger. Point at a field, or reach "
  .. "it with Tab and the arrow keys, to read why."

-- strip{ title =, times = {epoch seconds of each look}, rows = { { name =, checks = { {tone =, text =,
-- sign =}, … by look } } } }
function cells.strip(given)
  local columns, each = columns_of(#given.times)
  local rows = {}
  for r, row in ipairs(given.rows) do
    local line = { ('<th scope="row">%s</th>'):format(text.html(row.name)) }
    for c, column in ipairs(columns) do
      line[#line + 1] = cell_html(row, given, column[1], column[2], r == 1 and c == 1)
    end
    rows[r] = "<tr>" .. table.concat(line) .. "</tr>"
  end
  local grouped = each > 1 and ("A field stands for %d looks, and shows the gravest."):format(each)
    or "A field is one look."
  return STRIP:format(text.html(given.title), head_html(given, columns), table.concat(rows, "\n"),
    LEGEND:format(grouped))
end

-- Shares of a whole --------------------------------------------------------------------------------

-- stack({ {share, tone, name}, … }, page): a cell for a table. Shares are 0 to 1; what is too narrow
-- for its number is told by the columns beside it.
function cells.stack(shares, page)
  local fields, said = {}, {}
  for _, share in ipairs(shares) do
    local part, tone, name = share[1], share[2], share[3]
    said[#said + 1] = name .. " " .. text.percent(part, 1)
    if part > 0 then
      local label = part >= 0.12 and ("%.0f %%"):format(part * 100) or ""
      fields[#fields + 1] = ('<td class="%s %s" title="%s">%s</td>'):format(tone, page:width(part),
        text.html(name), label)
    end
  end
  local html = ('<table class="stack" role="img" aria-label="%s"><tbody><tr>%s</tr></tbody></table>'):format(
    text.html(table.concat(said, ", ")), table.concat(fields))
  return { html = html, class = "holds-stack" }
end

return cells
