-- What no library draws: tables with coloured cells. Each cell has a sign or a number as well, so
-- that nothing is said by colour alone.
local text = require "weir.page.text"

local cells = {}

local SIGNS = { good = "✓", bad = "✕", warn = "!", open = "·" }

-- Which of several looks a cell stands for: the gravest.
local GRAVITY = { good = 1, open = 2, warn = 3, bad = 4 }

-- Looks that one strip has columns for; more are put together.
cells.MOST = 60

-- A strip ----------------------------------------------------------------------------------------

local function gravity(check) return check.gravity or GRAVITY[check.tone] end

local function gravest(checks, from, to)
  local worst
  for i = from, to do
    local check = checks[i]
    if check and (not worst or gravity(check) > gravity(worst)) then worst = check end
  end

  return worst
end

local function cell_html(row, given, from, to, first)
  local check = gravest(row.checks, from, to)
  local span = text.time(given.times[from])
  if to > from then
    span = ("%s to %s, %d looks"):format(span, text.time(given.times[to]):sub(12), to - from + 1)
  end

  local said = ("%s, %s: %s"):format(span, row.name, check and check.text or "not looked at")

  return ('<td class="%s" tabindex="%d">%s<span>%s</span></td>'):format(check and check.tone
    or "none",
    first and 0 or -1, check and (check.sign or SIGNS[check.tone]) or "", text.html(said))
end

-- The first column of each group: the first and last look of every column.
local function columns_of(count)
  local each = math.max(1, math.ceil(count / cells.MOST))
  local columns = {}
  for from = 1, count, each do
    columns[#columns + 1] = { from, math.min(from + each - 1, count) }
  end

  return columns, each
end

-- "08:05", or "11-20 08:05" in a strip of several days.
local function clock(given, look)
  local times = given.times
  local one_day = times[#times] - times[1] < 86400
  return text.time(times[look]):sub(one_day and 12 or 6)
end

-- Times above about every seventh part of the columns, each over the columns up to the next.
local function head_html(given, columns)
  local parts, step = { "<th></th>" }, math.max(1, math.ceil(#columns / 7))
  for at = 1, #columns, step do
    local over = math.min(step, #columns - at + 1)
    parts[#parts + 1] = ('<th colspan="%d" scope="colgroup">%s</th>'):format(over,
      over < math.min(step, 3) and "" or clock(given, columns[at][1]))
  end

  return "<thead><tr>" .. table.concat(parts) .. "</tr></thead>"
end

local STRIP = [[
<div class="strip"><div class="wide"><table role="grid" aria-label="%s">
%s
<tbody>
%s
</tbody></table></div>
<p class="note">%s</p></div>]]

local LEGEND = "%s ✓ fine, · not decided yet, ! look at it, ✕ against the challenger. Point at a "
  .. "field, or reach it with Tab and the arrow keys, to read why."

-- strip{ title =, times = {epoch seconds of each look}, rows = { { name =, checks = { {tone =, text
-- =, sign =, gravity =}, … by look } } } }; sign and gravity are else those of the tone
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

-- Shares of a whole ------------------------------------------------------------------------------

-- stack({ {share, tone, name}, … }, page): a cell for a table. Shares are 0 to 1; what is too
-- narrow for its number is told by the columns beside it.
function cells.stack(shares, page)
  local fields, said = {}, {}
  for _, share in ipairs(shares) do
    local part, tone, name = share[1], share[2], share[3]
    said[#said + 1] = name .. " " .. text.percent(part, 1)
    if part > 0 then
      local label = part >= 0.08 and ("%.0f %%"):format(part * 100) or ""
      if part >= 0.3 then label = text.html(name) .. " " .. label end
      fields[#fields + 1] = ('<td class="%s %s" title="%s">%s</td>'):format(tone, page:width(part),
        text.html(name), label)
    end
  end

  local html = ('<table class="stack" role="img" '
    .. 'aria-label="%s"><tbody><tr>%s</tr></tbody></table>'):format(
    text.html(table.concat(said, ", ")), table.concat(fields))
  return { html = html, class = "holds-stack" }
end

-- bar(share, page): a cell for a table, filled as far as the share of a whole goes, with the share
-- in words.
function cells.bar(share, page)
  return { html = ('%s<span class="bar %s"></span>'):format(text.percent(share, 1),
    page:width(math.min(1, share))), class = "holds-bar" }
end

return cells
