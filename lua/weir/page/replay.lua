-- The page of weir replay: whether this policy set decides as the recordings say, what it decides
-- otherwise, and when.
--
--   local collected = replay_page.new()
--   collected:event(file, event)            every event of weir.replay with details
--   local page = collected:page { summary =, directory =, set_digest =, recordings = {path, …} }
local over_time = require "weir.page.over_time"
local recordings = require "weir.cli.recordings"
local page = require "weir.page"
local schemas = require "weir.schemas"
local terminal = require "weir.cli.terminal"
local text = require "weir.page.text"

local replay_page = {}

local Collected = {}
Collected.__index = Collected

-- What a page lists of each; the rest is counted.
local MOST = 50
local MOST_REWORDED = 10

function replay_page.new()
  return setmetatable({
    changed = {},
    reworded = {},
    failures = {},
    bad_lines = {},
    decided = over_time.new(),
    differing = over_time.new(),
  }, Collected)
end

local function keep(list, file, event, most)
  if #list < (most or MOST) then list[#list + 1] = { file = file, event = event } end
end

function Collected:event(file, event)
  if event.type == "bad line" then
    keep(self.bad_lines, file, event)
    return
  end

  self.decided:add(event.kind, event.time)
  if event.type == "difference" then
    local reworded = event.field == "because"
    self.differing:add(reworded and "another reason" or "decided otherwise", event.time)
    if reworded then
      keep(self.reworded, file, event, MOST_REWORDED)
    else
      keep(self.changed, file, event)
    end
  elseif event.type == "failure" then
    self.differing:add("failed", event.time)
    keep(self.failures, file, event)
  end
end

-- Sentences ---------------------------------------------------------------------------------------

local function sentence(summary)
  local count = terminal.count(summary.decisions, "decision")
  if summary.decisions == 0 then return "There is no decision in these recordings.", "warn" end
  local parts = {}
  local function say(number, one, many)
    if number > 0 then
      parts[#parts + 1] = text.number(number) .. " " .. (number == 1 and one or many)
    end
  end

  say(summary.failed, "fails", "fail")
  say(summary.changed, "is decided otherwise", "are decided otherwise")
  say(summary.reworded, "has another reason", "have another reason")
  if #parts == 0 then return ("All %s are made as recorded."):format(count), "good" end

  return ("Of %s, %s."):format(count, table.concat(parts, ", ")), summary.failed > 0 and "bad"
    or "warn"
end

-- Sections ----------------------------------------------------------------------------------------

local function names_of(counts)
  local seen = {}
  for name in pairs(counts.was) do seen[name] = true end -- any order: collects a set
  for name in pairs(counts.is) do seen[name] = true end -- any order: collects a set
  local names = {}
  for name in pairs(seen) do names[#names + 1] = name end -- any order: sorted below
  table.sort(names, function(a, b)
    local more, less = counts.was[a] or 0, counts.was[b] or 0
    if more ~= less then return more > less end
    return a < b
  end)

  return names
end

-- How often each decision was made, and is: a row for each, also used by the page of weir diff.
function replay_page.totals(p, summary, was_title, is_title)
  local rows, changes = {}, false
  for _, kind in ipairs(schemas.order(summary.kinds)) do
    local counts = summary.kinds[kind]
    for i, name in ipairs(names_of(counts)) do
      local was, is = counts.was[name] or 0, counts.is[name] or 0
      changes = changes or was ~= is
      rows[#rows + 1] = { i == 1 and kind or "", name, was, is, was == is and ""
        or text.change(is - was),
        goes_on = i > 1 }
    end
  end

  p:table {
    columns = { { "kind" }, { "decision" }, { was_title, align = "right" },
      { is_title, align = "right" },
      changes and { "change", align = "right" } or nil },
    rows = rows,
  }
end

local function series_of(names)
  local series = {}
  for i, name in ipairs(names) do series[i] = { name } end
  return series
end

local SIGNS_OF_CHANGE = { { "decided otherwise", colour = 2 }, { "another reason", colour = 5 },
  { "failed", colour = 6 } }

function Collected:differing_over_time(p)
  local rows, width, series = self.differing:rows_of(SIGNS_OF_CHANGE)
  if #rows == 0 then return end
  p:chart {
    title = "Decisions that differ or fail",
    note = ("for every %s"):format(over_time.width(width)),
    x = { type = "time", label = "from" },
    y = { label = "decisions" },
    series = series,
    rows = rows,
    points = #rows < 40,
  }
end

function Collected:over_time(p)
  local seen = schemas.order(self.decided.by_name)
  local rows, width = self.decided:rows(seen)
  if #rows == 0 then return end
  p:section("Over time")
  p:chart {
    title = "Decisions by kind",
    note = ("for every %s"):format(over_time.width(width)),
    x = { type = "time", label = "from" },
    y = { label = "decisions" },
    series = series_of(seen),
    rows = rows,
  }

  self:differing_over_time(p)
  if self.decided.undated > 0 then
    p:note(terminal.count(self.decided.undated, "decision")
      .. " without a time are not in these charts.")
  end
end

local function place(entry)
  local file = entry.file == "-" and "standard input" or entry.file
  return ("%s:%d"):format(file, entry.event.line)
end

local function difference_row(entry)
  local event = entry.event
  local was, is = recordings.actions(event)
  local rule = recordings.rule(event)

  return {
    { place(entry), code = true, lines = { event.id } },
    event.kind,
    was == is and is or was .. " → " .. is,
    { event.field, code = true },
    { recordings.because(event.was_because), lines = {
      "now: " .. recordings.because(event.is_because) .. (rule ~= "" and ", by " .. rule or ""),
    } },
  }
end

function Collected:show_differences(p, summary)
  local function list(title, entries, count)
    if count == 0 then return end
    local rows = {}
    for i, entry in ipairs(entries) do rows[i] = difference_row(entry) end
    p:section(title)
    p:table {
      columns = {
        { "line" },
        { "kind" },
        { "decision" },
        { "first differing field" },
        { "reason", roomy = true },
      },
      rows = rows,
      left = count - #rows,
      more = "weir replay --json lists every one",
    }
  end

  list("Decided otherwise", self.changed, summary.changed)
  list("The same decision for another reason", self.reworded, summary.reworded)
end

function Collected:show_troubles(p, summary)
  local function list(title, entries, count)
    if count == 0 then return end
    local rows = {}
    for i, entry in ipairs(entries) do
      local event = entry.event
      rows[i] = { { place(entry), code = true, lines = { event.id } }, event.kind or "",
        { text.cut(event.message or "", 300), lines = { event.code } } }
    end

    p:section(title)
    p:table {
      columns = { { "line" }, { "kind" }, { "what is wrong", roomy = true } },
      rows = rows,
      left = count - #rows,
      more = "weir replay --json lists every one",
    }
  end

  list("Failures", self.failures, summary.failed)
  list("Bad lines", self.bad_lines, summary.bad_lines)
end

-- The recordings, and what they were decided with.
function replay_page.sources(list, summary)
  local facts = {}
  for i, file in ipairs(summary.files) do
    facts[#facts + 1] = { i == 1 and "Recordings" or "", file.recording == "-" and "standard input"
      or file.recording }
  end

  for _, fact in ipairs(list) do table.insert(facts, 1, fact) end
  for _, unreadable in ipairs(summary.unreadable) do
    facts[#facts + 1] = { "Not read to its end", unreadable.file .. ": " .. unreadable.message }
  end

  if summary.other_lines > 0 then
    facts[#facts + 1] = { "Log lines that are not decisions", text.number(summary.other_lines) }
  end

  facts[#facts + 1] = {
    "Digest",
    summary.digest or "none: a recording was not read to its end",
    code = true,
  }

  return facts
end

-- "working-day.jsonl.gz", or "3 recordings".
function replay_page.name(summary)
  if #summary.files > 1 then return terminal.count(#summary.files, "recording") end
  local path = summary.files[1].recording
  return path == "-" and "standard input" or path:match("[^/]+$") or path
end

function Collected:page(given)
  local summary = given.summary
  local said, tone = sentence(summary)
  local p = page.new {
    kicker = "weir replay",
    title = "Replay of " .. replay_page.name(summary),
    sentence = said,
    tone = #summary.unreadable > 0 and "warn" or tone,
  }

  p:facts(replay_page.sources({ { "Policies", given.directory .. "  " .. given.set_digest,
    code = true } },
    summary))
  p:section("Decisions", "How often each was recorded, and how often it is made now.")
  replay_page.totals(p, summary, "recorded", "now")
  self:over_time(p)
  self:show_differences(p, summary)
  self:show_troubles(p, summary)

  return p
end

return replay_page
