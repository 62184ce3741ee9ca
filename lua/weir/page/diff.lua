-- The page of weir diff: what changes when one policy set replaces another, why, and how often.
--
--   local collected = diff_page.new()
--   collected:event(event)                  every event of weir.replay with details
--   local page = collected:page {
--     summary =, sets = { old =, new =, old_directory =, new_directory = },
--     changed = groups, failed = groups }                          (weir.cli.differences)
local differences = require "weir.cli.differences"
local json = require "weir.json"
local over_time = require "weir.page.over_time"
local page = require "weir.page"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local replay_page = require "weir.page.replay"
local schemas = require "weir.schemas"
local terminal = require "weir.cli.terminal"
local text = require "weir.page.text"

local diff_page = {}

local Collected = {}
Collected.__index = Collected

-- Groups of changes that are shown; the others are counted.
local MOST_GROUPS = 40
local MOST_EXAMPLES = 12

function diff_page.new()
  return setmetatable({ changing = over_time.new(), moves = {} }, Collected)
end

-- How often a decision of one action becomes one of another.
function Collected:move(kind, was, is)
  self.moves[kind] = self.moves[kind] or {}
  local from = self.moves[kind]
  from[was] = from[was] or {}
  from[was][is] = (from[was][is] or 0) + 1
end

function Collected:event(event)
  if event.type == "bad line" then return end
  if event.type == "same" then
    self:move(event.kind, event.is_action, event.is_action)
  elseif event.type == "failure" then
    self:move(event.kind, event.was and json.decode(event.was).action or "failed", "failed")
    self.changing:add("fails with NEW", event.time)
  else
    local was, is = recordings.actions(event)
    self:move(event.kind, was, is)
    self.changing:add(event.field == "because" and "another reason" or "decided otherwise",
      event.time)
  end
end

-- Sections ----------------------------------------------------------------------------------------

local function sentence(summary)
  if summary.decisions == 0 then return "There is no decision in these recordings.", "warn" end
  local parts = {}
  local count = terminal.count(summary.decisions, "decision")
  if summary.failed > 0 then
    parts[1] = ("%s of %s %s with NEW."):format(text.number(summary.failed), count,
      summary.failed == 1 and "fails" or "fail")
  end

  if summary.changed > 0 then
    parts[#parts + 1] = ("%s of %s %s (%s)."):format(text.number(summary.changed), count,
      summary.changed == 1 and "changes" or "change",
        text.percent(summary.changed, summary.decisions))
  end

  if #parts == 0 then parts[1] = ("None of %s changes."):format(count) end
  if summary.reworded > 0 then
    parts[#parts + 1] = ("%s the same and %s another reason."):format(
      terminal.count(summary.reworded, "decision is", "decisions are"),
      summary.reworded == 1 and "gets" or "get")
  end

  local tone = summary.failed > 0 and "bad" or summary.changed > 0 and "warn" or "good"

  return table.concat(parts, " "), tone
end

local function show_policies(p, sets)
  local rows = differences.policies(sets.old, sets.new)
  for _, row in ipairs(rows) do row[2] = row[2]:gsub(" %-> ", " → ") end
  p:section("The policies", #rows == 0 and "They are the same." or nil)
  if #rows == 0 then return end
  p:table { columns = { { "kind" }, { "what changed" } }, rows = rows, row_heads = true }
end

local function reasons(event)
  local now = event.type == "failure" and text.cut(event.message, 160)
    or recordings.because(event.is_because)
  local before = event.was_failure and text.cut(event.was, 160)
    or recordings.because(event.was_because)
  return before, now
end

-- One row a group: how many, of what kind, what becomes of what, by which line of NEW.
local function show_groups(p, title, sentence_below, groups, decisions)
  local sorted, rows, left = groups:sorted(), {}, 0
  if #sorted == 0 then return end
  for i, entry in ipairs(sorted) do
    local group = entry.group
    if i > MOST_GROUPS then
      left = left + 1
    else
      local before, now = reasons(group.example)
      rows[i] = { group.count, p:bar(group.count / decisions), group.kind,
        (group.change:gsub(" %-> ", " → ")),
        { before, lines = { "now: " .. now } }, { group.rule, code = true } }
    end
  end

  p:section(title, sentence_below)
  p:table {
    columns = { { "decisions", align = "right" }, { "of all" }, { "kind" }, { "change" },
      { "reason, of the first", roomy = true }, { "line of NEW" } },
    rows = rows,
    left = left,
    more = "weir diff --json lists every group",
  }
end

local function sorted_names(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end -- any order: sorted below
  table.sort(names)

  return names
end

-- A table for a kind: rows what was decided, columns what is decided now.
local function show_moves_of(p, kind, moves)
  local columns_set = {}
  for _, targets in pairs(moves) do -- any order: collects a set
    for name in pairs(targets) do columns_set[name] = true end -- any order: collects a set
  end

  local names = sorted_names(columns_set)
  local columns, rows = { { "was" } }, {}
  for _, name in ipairs(names) do columns[#columns + 1] = { "now " .. name, align = "right" } end
  for i, was in ipairs(sorted_names(moves)) do
    local row = { was }
    for c, name in ipairs(names) do
      local count = moves[was][name]
      row[c + 1] = count and was ~= name and {
        count,
        tone = name == "failed" and "bad" or "warn",
      } or count or ""
    end

    rows[i] = row
  end

  p:table { caption = kind, columns = columns, rows = rows, row_heads = true }
end

local function has_moves(moves)
  for was, targets in pairs(moves) do -- any order: looks for one
    for is in pairs(targets) do -- any order: looks for one
      if was ~= is then return true end
    end
  end

  return false
end

function Collected:show_moves(p)
  local shown = false
  for _, kind in ipairs(schemas.order(self.moves)) do
    local moves = self.moves[kind]
    if has_moves(moves) then
      if not shown then
        p:section("What becomes of what",
          "Decisions by what they were and what they are now; those that "
          .. "change are coloured.")
      end

      shown = true
      show_moves_of(p, kind, moves)
    end
  end
end

local SERIES = { { "decided otherwise", colour = 2 }, { "another reason", colour = 5 },
  { "fails with NEW", colour = 6 } }

function Collected:over_time(p)
  local rows, width, series = self.changing:rows_of(SERIES)
  if #rows == 0 then return end
  p:section("Over time")
  p:chart {
    title = "Decisions that change",
    note = ("for every %s"):format(over_time.width(width)),
    x = { type = "time", label = "from" },
    y = { label = "decisions" },
    series = series,
    rows = rows,
    points = #rows < 40,
  }
end

local function show_example(p, group)
  local event = group.example
  local before, now = reasons(event)
  p:heading(("%s: %s"):format(group.kind, (group.change:gsub(" %-> ", " → "))))
  p:facts {
    { "Where", recordings.place(group.file, event), code = true },
    { "Was", before },
    { "Is now", now },
    { "Decided by", group.rule, code = true },
  }

  if event.facts then p:code("The facts", redact.value(json.decode(event.facts))) end
end

local function show_examples(p, changed, failed)
  local shown = 0
  for _, groups in ipairs { failed, changed } do
    for _, entry in ipairs(groups:sorted()) do
      if shown == MOST_EXAMPLES then
        p:note(("The first decision of each of the %d largest groups is shown.")
          :format(MOST_EXAMPLES))
        return
      end

      if shown == 0 then
        p:section("Examples", "The first decision of each group, with its facts.")
      end

      shown = shown + 1
      show_example(p, entry.group)
    end
  end
end

function Collected:page(given)
  local summary, sets = given.summary, given.sets
  local said, tone = sentence(summary)
  local p = page.new {
    kicker = "weir diff",
    title = ("%s → %s"):format(sets.old_directory, sets.new_directory),
    sentence = said,
    tone = #summary.unreadable > 0 and "warn" or tone,
  }

  p:facts(replay_page.sources({
    { "NEW", sets.new_directory .. "  " .. sets.new:digest(), code = true },
    { "OLD", sets.old_directory .. "  " .. sets.old:digest(), code = true },
  }, summary))
  show_policies(p, sets)
  show_groups(p, "Failures with NEW", nil, given.failed, summary.decisions)
  show_groups(p, "What changes, and why",
    "Grouped by what changes and by the line of NEW that decides now.",
    given.changed, summary.decisions)
  self:show_moves(p)
  self:over_time(p)
  p:section("Decisions", "How often each was made with OLD, and how often with NEW.")
  replay_page.totals(p, summary, "OLD", "NEW")
  show_examples(p, given.changed, given.failed)
  if summary.bad_lines > 0 then
    p:note(terminal.count(summary.bad_lines, "bad line") .. " could not be decided.")
  end

  return p
end

return diff_page
