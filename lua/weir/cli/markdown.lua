-- Pages that are Markdown, as a terminal shows them: at most 100 columns wide, tables in columns
-- that fit. What is understood is what our own pages use: headings, paragraphs, lists, tables, code
-- blocks, code in a line.
local terminal = require "weir.cli.terminal"

local markdown = {}

local WIDEST = 100

-- Code loses its backticks where colour tells it apart.
local function inline(out, text)
  if not out.colour then return text end
  return (text:gsub("`([^`]+)`", function(code)
    return (code:gsub("%S+", function(word) return out:paint("cyan", word) end))
  end))
end

local function wrap(out, text, indent, first)
  local lines = terminal.wrap(inline(out, text), math.min(out.columns, WIDEST), indent)
  if first and lines[1] then lines[1] = first .. lines[1]:sub(#indent + 1) end
  for _, line in ipairs(lines) do out:print(line) end
end

-- Tables -------------------------------------------------------------------------------------

local function cells_of(line)
  local cells = {}
  -- A bar that is meant is written \|.
  for cell in line:gsub("\\|", "\0"):gsub("^|", ""):gsub("|%s*$", "|"):gmatch("(.-)|") do
    cells[#cells + 1] = cell:gsub("%z", "|"):match("^%s*(.-)%s*$")
  end

  return cells
end

local function is_rule(line) return line:find("^|[%s:|-]+$") ~= nil end

local function fits(out, rows)
  local widths, all = {}, 0
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, terminal.width(cell)) end
  end

  for _, width in ipairs(widths) do all = all + width + 2 end
  return all <= math.min(out.columns, WIDEST)
end

-- What a row that does not fit says beside its first cell: a "yes" is the name of its column.
local function parts_of(row, head)
  local parts = {}
  for i = 2, #row - 1 do
    if row[i] ~= "" then parts[#parts + 1] = row[i] == "yes" and head[i] or row[i] end
  end

  return table.concat(parts, "; ")
end

local function definitions(out, head, rows)
  for _, row in ipairs(rows) do
    local parts = parts_of(row, head)
    wrap(out, row[1] .. (parts ~= "" and "  " .. parts or ""), "      ", "  ")
    wrap(out, row[#row], "      ")
  end
end

local function print_table(out, lines)
  local rows = {}
  for _, line in ipairs(lines) do
    if not is_rule(line) then rows[#rows + 1] = cells_of(line) end
  end

  if not fits(out, rows) then
    return definitions(out, table.remove(rows, 1), rows)
  end

  for i, row in ipairs(rows) do
    for c, cell in ipairs(row) do
      row[c] = i == 1 and out:paint("bold", cell) or inline(out, cell)
    end
  end

  for _, line in ipairs(terminal.table(rows)) do out:print(line) end
end

-- Pages --------------------------------------------------------------------------------------

-- The lines from `at` on that `belongs` holds: → the lines, the place behind them
local function take(lines, at, belongs)
  local taken = {}
  while lines[at] and belongs(lines[at]) do
    taken[#taken + 1] = lines[at]
    at = at + 1
  end

  return taken, at
end

local function is_plain(line)
  return line:find("%S") and not line:find("^[#|]") and not line:find("^%s*[%*-] ")
    and not line:find("^```") and not line:find("^    ")
end

local function print_code(out, lines, at)
  while lines[at] and not lines[at]:find("^```") do
    out:print("    ", lines[at])
    at = at + 1
  end

  return at + 1
end

local function print_item(out, lines, at)
  local mark, text = lines[at]:match("^(%s*[%*-] )(.*)$")
  local more, behind = take(lines, at + 1, function(line)
    return line:find("^%s+%S") and not line:find("^%s*[%*-] ")
  end)

  wrap(out, text .. " " .. table.concat(more, " "), (" "):rep(#mark), mark)

  return behind
end

local function print_block(out, lines, at)
  local line = lines[at]
  if line:find("^#") then
    out:print(out:paint("bold", (line:gsub("`", ""))))
  elseif line:find("^```") then
    return print_code(out, lines, at + 1)
  elseif line:find("^|") then
    local rows, behind = take(lines, at, function(each) return each:find("^|") end)
    print_table(out, rows)
    return behind
  elseif line:find("^%s*[%*-] ") then
    return print_item(out, lines, at)
  elseif is_plain(line) then
    local paragraph, behind = take(lines, at, is_plain)
    wrap(out, table.concat(paragraph, " "), "")
    return behind
  else
    out:print(line)
  end

  return at + 1
end

-- Prints the page on the writer. The text is one of our own, or has no control characters.
function markdown.print(out, page)
  local lines = {}
  for line in (page:gsub("\n*$", "\n")):gmatch("(.-)\n") do lines[#lines + 1] = line end
  local at = 1
  while lines[at] do at = print_block(out, lines, at) end
end

return markdown
