-- The page of weir compare: what polling and events made of the same objects, and how long each
-- took.
--
--   require "weir.page.compare"(report, words, about) → page
--
-- report: of weir.compare; words: verdict → sentence; about: what was compared, as Page:facts takes
-- it
local compare = require "weir.compare"
local latency = require "weir.events.latency"
local page = require "weir.page"
local records = require "weir.compare.records"

local TONES = { same = "good", different = "bad", pending = "warn", nothing = "warn" }

local MORE = "weir compare --json lists a thousand"

local function missing_objects(p, complete)
  if #complete.missing == 0 then return end
  local rows = {}
  for i, missing in ipairs(complete.missing) do
    rows[i] = { { missing.object, code = true }, { missing.way, tone = "bad" } }
  end

  p:table {
    columns = { { "object" }, { "not processed by" } },
    rows = rows,
    left = complete.only_polling + complete.only_events - #rows,
    more = MORE,
  }
end

local function unclaimed_objects(p, source)
  if not source or #source.first == 0 then return end
  local rows = {}
  for i, key in ipairs(source.first) do rows[i] = { { key, code = true } } end
  p:table {
    columns = { { "claimed by nobody" } },
    rows = rows,
    left = source.unclaimed - #rows,
    more = MORE,
  }
end

local function completeness(p, report)
  local complete = report.completeness
  p:section("Completeness", "Which objects each way processed.")
  p:table {
    columns = { { "objects" }, { "number", align = "right" } },
    row_heads = true,
    rows = {
      { "of the claims table", complete.objects },
      { "processed by both ways", complete.both },
      { "processed by one way while it ran alone", complete.alone },
      { "processed by polling only", complete.only_polling },
      { "processed by events only", complete.only_events },
      { "still being processed", complete.pending },
      { "failed for good", complete.failed },
      { "gone before they were processed", complete.gone },
      report.source and { "of the source, claimed by nobody", report.source.unclaimed } or nil,
    },
  }

  missing_objects(p, complete)
  unclaimed_objects(p, report.source)
end

local function equality(p, report)
  local found = report.equality
  p:section("Equality", "Whether the documents say the same, apart from what a model wrote.")
  p:facts { { "Documents compared", found.compared }, { "Documents that differ", found.different } }
  if #found.differences == 0 then return end
  local rows = {}
  for i, difference in ipairs(found.differences) do
    rows[i] = { { difference.object, code = true }, difference.document, difference.field,
      { difference.polling, code = true }, { difference.events, code = true } }
  end

  p:table {
    columns = { { "object" }, { "document" }, { "field" }, { "polling" }, { "events" } },
    rows = rows,
    left = found.different - #found.differences,
    more = MORE,
  }
end

local function duplicates(p, report)
  local rows = {}
  for i, way in ipairs(records.WAYS) do
    local of = report.ways[way]
    rows[i] = { way, of.finished, of.duplicates_avoided, of.taken_over }
  end

  p:section("Duplicates", "Deliveries of what was done, answered from the claim.")
  p:table {
    columns = {
      { "way" },
      { "finished", align = "right" },
      { "duplicates avoided", align = "right" },
      { "taken over", align = "right" },
    },
    row_heads = true,
    rows = rows,
  }
end

local function number(value) return value and ("%.0f"):format(value) or "" end

local function latency_table(p, report)
  local rows = {}
  for _, way in ipairs(records.WAYS) do
    for i, stage in ipairs(latency.STAGES) do
      local found = report.ways[way].latency_ms[stage]
      if found then
        rows[#rows + 1] = { way, stage, found.count, number(found.p50), number(found.p90),
          number(found.p99), number(found.p100), goes_on = i > 1 }
      end
    end
  end

  local columns = { { "way" }, { "stage" } }
  for _, name in ipairs { "objects", "p50 (ms)", "p90 (ms)", "p99 (ms)", "most (ms)" } do
    columns[#columns + 1] = { name, align = "right" }
  end

  p:table { columns = columns, rows = rows }
end

-- How much of the objects was done within which time.
local function latency_chart(p, report)
  local rows, polling, events = {}, report.ways.polling.distribution_ms,
    report.ways.events.distribution_ms
  for i = 1, math.max(#polling, #events) do
    rows[i] = { (i - 1) * compare.DISTRIBUTION_STEP, polling[i], events[i] }
  end

  p:chart {
    title = "From written to processed",
    note = "across: percent of the objects; up: the milliseconds within which they were done",
    x = { type = "number", label = "objects", unit = "%" },
    y = { label = "time", unit = "ms" },
    series = { { "polling" }, { "events" } },
    rows = rows,
    points = true,
  }
end

local function is_empty(map) return next(map) == nil end -- any order: whether there is one

local function latencies(p, report)
  p:section("Latency", "How long each stage took. What was not measured is left out. "
    .. latency.RESOLUTION)
  local polling, events = report.ways.polling, report.ways.events
  local disagree = polling.clocks_disagree + events.clocks_disagree
  if disagree > 0 then
    p:note(("Clocks disagree about %d objects by polling and %d by events; what they measured is "
      .. "left out."):format(polling.clocks_disagree, events.clocks_disagree))
  end

  if is_empty(polling.latency_ms) and is_empty(events.latency_ms) then
    return p:text "Nothing was measured."
  end

  if #polling.distribution_ms + #events.distribution_ms > 0 then latency_chart(p, report) end
  latency_table(p, report)
end

return function(report, words, about)
  local verdict = compare.verdict(report)
  local p = page.new {
    kicker = "weir compare",
    title = "Polling and events",
    sentence = words[verdict],
    tone = TONES[verdict],
  }

  p:facts(about)
  completeness(p, report)
  equality(p, report)
  duplicates(p, report)
  latencies(p, report)

  return p
end
