-- What weir diff found, as Markdown for a comment on a pull request: some sixty lines at most, far
-- below the 65,536 characters that a comment may have.
--
-- Texts of recordings and policies are untrusted: they stand in code spans, in which Markdown has
-- no links, mentions or tags.
local differences = require "weir.cli.differences"
local prices = require "weir.pull_request.prices"
local recordings = require "weir.cli.recordings"
local sorted_pairs = require "weir.sorted_pairs"
local terminal = require "weir.cli.terminal"

local markdown = {}

local MOST_GROUPS = 10
local MOST_ROWS = 12
local LONGEST = 100

local thousands = terminal.thousands

-- A code span in a cell of a table: no backtick, bar or line break is left in it.
local function code(text)
  local safe = terminal.excerpt(text, LONGEST):gsub("`", "'"):gsub("|", "\u{00a6}")
  if safe == "" then return "" end
  return "`" .. safe .. "`"
end


local function percent(part, whole)
  if whole == 0 then return "0 %" end
  local share = part * 100 / whole
  return share > 0 and share < 0.1 and "< 0.1 %" or ("%.1f %%"):format(share)
end

local function signed(number, format)
  local text = (format or thousands)(math.abs(number))
  return number > 0 and "+" .. text or number < 0 and "−" .. text or text
end

local Page = {}
Page.__index = Page

function Page:line(format, ...)
  self[#self + 1] = select("#", ...) > 0 and format:format(...) or format
end

-- A table, after a blank line. aligns: "l" or "r" for each column.
function Page:table(heads, aligns, rows)
  local rule = {}
  for i = 1, #heads do rule[i] = aligns:sub(i, i) == "r" and "--:" or "---" end
  self:line("")
  self[#self + 1] = "| " .. table.concat(heads, " | ") .. " |"
  self[#self + 1] = "|" .. table.concat(rule, "|") .. "|"
  for i, row in ipairs(rows) do
    if i > MOST_ROWS then break end
    self[#self + 1] = "| " .. table.concat(row, " | ") .. " |"
  end
end

-- Sections ---------------------------------------------------------------------------------------

-- How many decisions failed with the old policies.
local function failed_before(summary)
  local count = 0
  for _, counts in sorted_pairs(summary.kinds) do count = count + (counts.was.failed or 0) end
  return count
end

local function headline(summary)
  local count = terminal.count(summary.decisions, "decision")
  if summary.decisions == 0 then return "there is no decision in the recordings" end
  local parts = {}
  if summary.failed > 0 then
    local before = failed_before(summary)
    parts[1] = ("**%s of %s fail**%s"):format(thousands(summary.failed), count,
      before > 0 and (" (%s before)"):format(thousands(before)) or "")
  end

  if summary.changed > 0 then
    parts[#parts + 1] = ("**%s of %s change (%s)**"):format(thousands(summary.changed), count,
      percent(summary.changed, summary.decisions))
  end

  return #parts > 0 and table.concat(parts, ", ") or ("none of %s changes"):format(count)
end

local function sign(summary)
  if summary.failed > 0 then return "❌" end
  return summary.changed > 0 and "⚠️" or "✅"
end

local function show_policies(page, sets)
  local rows = differences.policies(sets.old, sets.new)
  for i, row in ipairs(rows) do
    rows[i] = { code(row[1]), (code(row[2]):gsub(" %-> ", " → ")) }
  end

  if #rows == 0 then
    page:line("")
    page:line("The policies are the same.")
  else
    page:table({ "policy", "what changed" }, "ll", rows)
  end
end

local function reasons(event)
  local now = event.type == "failure" and event.message or recordings.because(event.is_because)
  local before = event.was_failure and event.was or recordings.because(event.was_because)
  return code(before), code(now)
end

-- One row a reason: how many, what becomes of what, by which line, with the first as an example.
local function show_groups(page, title, groups, decisions)
  local sorted, rows, left = groups:sorted(), {}, 0
  for i, entry in ipairs(sorted) do
    local group = entry.group
    if i <= MOST_GROUPS then
      local before, now = reasons(group.example)
      rows[i] = {
        thousands(group.count),
        percent(group.count, decisions),
        code(group.kind) .. " " .. (code(group.change):gsub(" %-> ", " → ")),
        code(group.rule),
        before .. " → " .. now,
      }
    else
      left = left + group.count
    end
  end

  if #rows == 0 then return end
  page:line("")
  page:line("### " .. title)
  page:table({ "decisions", "of all", "change", "line", "first example" }, "rrlll", rows)
  if left == 0 then return end

  page:line("")
  page:line("… and %s for %s.", terminal.count(left, "more decision"),
    terminal.count(#sorted - MOST_GROUPS, "other reason"))
end

-- Shares of the decisions by action, where a kind's differ.
local function share_rows(summary)
  local rows = {}
  for kind, counts in sorted_pairs(summary.kinds) do
    local all, names, differs = 0, {}, false
    for name, count in sorted_pairs(counts.was) do
      names[name], all = true, all + count
      differs = differs or counts.is[name] ~= count
    end

    for name, count in sorted_pairs(counts.is) do
      names[name] = true
      differs = differs or counts.was[name] ~= count
    end

    for name in sorted_pairs(differs and names or {}) do
      local was, is = counts.was[name] or 0, counts.is[name] or 0
      rows[#rows + 1] = {
        code(kind .. " " .. name),
        thousands(was),
        thousands(is),
        signed(is - was),
        percent(was, all) .. " → " .. percent(is, all),
      }
    end
  end

  return rows
end

local function show_shares(page, summary)
  local rows = share_rows(summary)
  if #rows == 0 then return end
  page:line("")
  page:line("### Share of the traffic")
  page:table({ "decision", "before", "after", "", "share" }, "lrrrl", rows)
end

local function money(number) return ("%.2f"):format(number) end

local function show_cost(page, summary, sets)
  local rows = {}
  for i, cost in ipairs(prices.of(sets.new, summary)) do
    local change = cost.is - cost.was
    local relative = cost.was > 0 and (" (%s)"):format(signed(change * 100 / cost.was,
      function(number) return ("%.1f %%"):format(number) end)) or ""
    rows[i] = {
      code(cost.kind),
      money(cost.was),
      money(cost.is),
      signed(change, money) .. relative,
      code("price_" .. table.concat(cost.priced, ", price_")),
    }

    if #cost.unpriced > 0 then
      rows[i][5] = rows[i][5] .. ", without " .. code(table.concat(cost.unpriced, ", "))
    end
  end

  if #rows == 0 then return end
  page:line("")
  page:line("### Cost of these decisions")
  page:table({ "kind", "before", "after", "", "by the parameters" }, "lrrrl", rows)
end

local function show_rest(page, summary, read)
  local notes = {}
  if summary.reworded > 0 then
    notes[#notes + 1] = terminal.count(summary.reworded, "decision keeps its action and gives",
      "decisions keep their action and give") .. " another reason."
  end

  if summary.bad_lines > 0 then
    notes[#notes + 1] = terminal.count(summary.bad_lines, "line is", "lines are")
      .. " bad, and was not decided."
  end

  for _, file in ipairs(summary.unreadable) do
    notes[#notes + 1] = ("%s could not be read."):format(code(file.file))
  end

  page:line("")
  page:line("<sub>")
  for _, note in ipairs(notes) do page:line(note) end
  local names = {}
  for i, name in ipairs(read) do
    if i <= 5 then names[i] = code(name) end
  end

  if #read > 5 then names[6] = ("%d more"):format(#read - 5) end
  page:line("Decided again: %s. %s", table.concat(names, ", "),
    summary.digest and "Digest " .. code(summary.digest) or "There is no digest.")
  page:line("</sub>")
end

-- render{summary =, sets =, changed =, failed =, recordings =} → the text. The groups are those of
-- weir.cli.differences, sets has old, new and their directories.
function markdown.render(found)
  local page = setmetatable({}, Page)
  local summary, sets = found.summary, found.sets
  page:line("## %s Policies: %s", sign(summary), headline(summary))
  page:line("")
  page:line("%s → %s", code(sets.old_directory), code(sets.new_directory))
  show_policies(page, sets)
  show_groups(page, "What fails", found.failed, summary.decisions)
  show_groups(page, "What changes, by reason", found.changed, summary.decisions)
  show_shares(page, summary)
  show_cost(page, summary, sets)
  show_rest(page, summary, found.recordings)

  return table.concat(page, "\n") .. "\n"
end

return markdown
