-- weir compare: what polling and events made of the same objects.
local compare = require "weir.compare"
local documents = require "weir.compare.documents"
local exit = require "weir.cli.exit"
local html = require "weir.cli.html"
local json = require "weir.json"
local latency = require "weir.events.latency"
local make_effects = require "weir.effects"
local messages = require "weir.cli.messages"
local policies = require "weir.cli.policies"
local process = require "weir.process"
local recordings = require "weir.cli.recordings"
local records = require "weir.compare.records"
local terminal = require "weir.cli.terminal"
local time = require "weir.aws.time"

local printable, thousands = terminal.printable, terminal.thousands

local STATUS = {
  same = exit.fine,
  different = exit.findings,
  pending = exit.inconclusive,
  nothing = exit.inconclusive,
}

-- Differences and missing objects that are printed one by one.
local SHOWN = 10

-- Asking --------------------------------------------------------------------------------------

-- An option, or the setting that the handlers have.
local function named(given, option, setting)
  local value = given[option] or make_effects.live():setting(setting)
  if value then return value end
  return nil, ("which %s is not known"):format(setting:gsub("_", " ")),
    ("give --%s, or set %s"):format(option, make_effects.variables(setting))
end

local function source_of(text)
  if not text then return nil end
  local bucket, prefix = require("weir.events").s3_place(text)
  if bucket then return { bucket = bucket, prefix = prefix } end

  return nil, ("--source '%s' is not an S3 URI"):format(text), "write --source s3://bucket/prefix/"
end

-- An option's time in epoch seconds.
local function time_of(given, option)
  local text = given[option]
  if not text then return nil end
  local ms = time.parse_iso8601(text)
  if ms then return ms // 1000 end

  return nil, ("--%s '%s' is not a time"):format(option, text),
    ("write --%s 2026-11-23T12:00:00Z"):format(option)
end

local function request_of(given)
  local request, mistake, hint = { suffix = given.suffix, ignored = {} }
  request.claims_table, mistake, hint = named(given, "claims", "claims_table")
  if mistake then return nil, mistake, hint end
  request.output_bucket, mistake, hint = named(given, "bucket", "output_bucket")
  if mistake then return nil, mistake, hint end
  request.source, mistake, hint = source_of(given.source)
  if mistake then return nil, mistake, hint end
  request.since, mistake, hint = time_of(given, "since")
  if mistake then return nil, mistake, hint end
  request.before, mistake, hint = time_of(given, "until")
  if mistake then return nil, mistake, hint end

  for _, name in ipairs(documents.MODEL_FIELDS) do request.ignored[name] = true end
  for _, name in ipairs(given.ignore or {}) do request.ignored[name] = true end
  return request
end

-- The pipeline for which the mapping policy makes work of an object, or nil. What it fails at, or
-- does not know, is not passed over.
local function work_of_source(set, bucket)
  return function(object)
    if not utf8.len(object.Key) then return "object" end
    local facts = json.encode {
      event = { source = "weir.listing", bucket = bucket, object = object },
      bucket = bucket,
    }

    local decision = facts and set:decide("mapping", facts)
    local fields = decision and json.decode(decision.decision) or { unknown = true }
    return fields.work or fields.unknown and "object" or nil
  end
end

-- The policy set is asked about the source alone: true, or nil and a function for the verb to
-- return.
local function add_policy(request, given, screen)
  if not request.source then return true end
  local set, ending = policies.load("compare", given, screen)
  if not set then return nil, ending end
  request.source.work_of = work_of_source(set, request.source.bucket)

  return true
end

-- Text ----------------------------------------------------------------------------------------

local function line(out, title, ...) out:print(out:paint("dim", ("%-12s"):format(title)), ...) end

local function show_completeness(out, report, limit)
  local complete = report.completeness
  local counts = { thousands(complete.objects) .. ": both ways " .. thousands(complete.both) }
  for i, count in ipairs {
    { "one way alone", complete.alone },
    { "only polling", complete.only_polling },
    { "only events", complete.only_events },
    { "pending", complete.pending },
    { "failed", complete.failed },
    { "gone", complete.gone },
  } do
    counts[i + 1] = count[1] .. " " .. thousands(count[2])
  end

  line(out, "objects", table.concat(counts, " · "))
  for i, missing in ipairs(complete.missing) do
    if i > limit then break end
    line(out, "", "~ ", printable(missing.object), "  not processed by ", missing.way)
  end

  local source = report.source
  if not source then return end
  line(out, "source", ("%s, %s that nobody claimed, %s that the policy ignores"):format(
    terminal.count(source.objects, "object"), thousands(source.unclaimed),
    thousands(source.ignored)))
  for i, key in ipairs(source.first) do
    if i > limit then break end
    line(out, "", "~ ", printable(key))
  end
end

local function show_equality(out, report, limit)
  local equality = report.equality
  line(out, "documents", ("%s compared, %s differ (%s left out)"):format(
    thousands(equality.compared), thousands(equality.different),
    table.concat(documents.MODEL_FIELDS, ", ")))
  for i, difference in ipairs(equality.differences) do
    if i > limit then break end
    line(out, "", "~ ", printable(("%s  %s  %s  %s → %s"):format(difference.object,
      difference.document, difference.field, difference.polling, difference.events)))
  end
end

local function show_duplicates(out, report)
  local parts = {}
  for i, way in ipairs(records.WAYS) do
    local of = report.ways[way]
    parts[i] = ("%s %s avoided, %s taken over"):format(way, thousands(of.duplicates_avoided),
      thousands(of.taken_over))
  end

  line(out, "duplicates", table.concat(parts, " · "))
end

-- Objects whose times two clocks told that disagree: they have no latency.
local function show_clocks(out, report)
  local polling, by_events = report.ways.polling.clocks_disagree, report.ways.events.clocks_disagree
  if polling + by_events == 0 then return end
  line(out, "clocks", ("disagree about %s by polling, %s by events; what they measured is left out")
    :format(terminal.count(polling, "object"), thousands(by_events)))
end

local function show_latency(out, report)
  local rows = { { "latency (ms)", "stage", "objects", "p50", "p90", "p99", "most" } }
  for _, way in ipairs(records.WAYS) do
    for _, stage in ipairs(latency.STAGES) do
      local found = report.ways[way].latency_ms[stage]
      if found then
        rows[#rows + 1] = { way, stage, thousands(found.count) }
        for _, name in ipairs { "p50", "p90", "p99", "p100" } do
          table.insert(rows[#rows], ("%.0f"):format(found[name]))
        end
      end
    end
  end

  if #rows == 1 then return line(out, "latency", "nothing was measured") end
  local right = "right"
  local lines = terminal.table(rows, { "left", "left", right, right, right, right, right })
  for _, text in ipairs(lines) do out:print(text) end
  for _, text in ipairs(terminal.wrap(latency.RESOLUTION, math.min(out.columns, 100), "  ")) do
    out:print(out:paint("dim", text))
  end
end

local WORDS = {
  same = "Both ways made the same of every object that both processed.",
  different = "The two ways differ.",
  pending = "Some objects are still being processed; compare again later.",
  nothing = "There is nothing to compare: no object was processed by both ways.",
}

local function show(out, report, limit)
  show_completeness(out, report, limit)
  show_equality(out, report, limit)
  show_duplicates(out, report)
  show_latency(out, report)
  show_clocks(out, report)
  out:print(out:paint("bold", WORDS[compare.verdict(report)]))
end

-- Whether a list was longer than what was shown of it.
local function has_more(report, limit)
  local source = report.source
  return math.max(#report.completeness.missing, #report.equality.differences,
    source and #source.first or 0) > limit
end

-- What was compared, for those who get the page.
local function about(request, given)
  local facts = {
    { "Compared at", process.timestamp() },
    { "Claims table", request.claims_table, code = true },
    { "Documents in", request.output_bucket, code = true },
  }

  if given.source then facts[#facts + 1] = { "Source", given.source, code = true } end
  if given.suffix then facts[#facts + 1] = { "Keys that end in", given.suffix, code = true } end
  if given.since then facts[#facts + 1] = { "Since", given.since } end
  if given["until"] then facts[#facts + 1] = { "Until", given["until"] } end

  return facts
end

local function progress_on(err)
  return function(what, done, all)
    local count = all and ("%s of %s"):format(thousands(done), thousands(all)) or thousands(done)
    err:progress(("%s %s"):format(count, what))
  end
end

-- The verb ------------------------------------------------------------------------------------

local function run(given, screen)
  local ok, mistake, hint = html.check(given)
  if not ok then return nil, mistake, hint end
  local request, limit
  limit, mistake, hint = recordings.limit(given.limit, SHOWN)
  if not limit then return nil, mistake, hint end
  request, mistake, hint = request_of(given)
  if not request then return nil, mistake, hint end
  local ending
  ok, ending = add_policy(request, given, screen)
  if not ok then return ending() end

  request.on_progress = progress_on(screen.err)
  local report, message, code = compare.run(request)
  screen.err:clear_progress()
  if not report then
    return messages.failure(screen, "compare", { message = message, code = code, exit = exit.io })
  end

  if given.json then
    screen.out:print(json.encode(report))
  elseif not html.takes_output(given) then
    show(screen.out, report, limit)
  end

  if given.html then
    local page = require("weir.page.compare")(report, WORDS, about(request, given))
    local written, status = html.write("compare", screen, given, page)
    if not written then return status end
  end

  if not given.json and has_more(report, limit) then
    screen.err:next "weir compare --json   lists them all, up to a thousand of each"
  end

  return STATUS[compare.verdict(report)]
end

return {
  name = "compare",
  summary = "compare what polling and events made of the same objects",
  description = {
    "Reads the claims table and the documents of both ways: which objects each way processed, "
      .. "whether the documents say the same apart from what a model wrote, how many duplicates "
      .. "the claims avoided, and how long each stage took.",
    "The table, the bucket and credentials are those of the handlers, from the environment.",
  },
  positionals = {},
  options = {
    { long = "claims", value = "TABLE", doc = "the claims table (CLAIMS_TABLE)" },
    { long = "bucket", value = "BUCKET", doc = "where the documents are (OUTPUT_BUCKET)" },
    { long = "source", value = "S3-URI",
      doc = "also list the objects there that nobody claimed, and that the mapping policy does not "
        .. "ignore" },
    { long = "suffix", value = "TEXT",
      doc = "of the source, only keys that end so; a list with commas" },
    policies.options.directory,
    policies.options.set,
    policies.options.params,
    {
      long = "since",
      value = "TIME",
      doc = "no objects that were finished before that time",
    },
    {
      long = "until",
      value = "TIME",
      doc = "no objects that nobody had finished by that time, nor of the source those that were "
        .. "written later: polling may not have listed them yet",
    },
    { long = "ignore", value = "FIELD", many = true,
      doc = "leave out this top-level field as well, of documents of your own pipelines" },
    recordings.limit_option "name N missing objects and N differences (10); --json has them all",
    { long = "json", doc = "print one JSON object" },
    html.option,
  },
  exits = {
    { 0, "both ways made the same" },
    { 1, "objects are missing, or documents differ" },
    { 2, "usage" },
    { 3, "the policy set of --source does not load" },
    { 5, "there is nothing to compare, or objects are still being processed" },
    { 6, "AWS or a file failed" },
  },
  examples = {
    { "weir compare --claims weir-claims --bucket weir-results", "before going from A to B" },
    { "weir compare --until 2026-11-23T12:00:00Z", "while files arrive: without the last ones" },
    { "weir compare --html compare.html", "the same, as a page with a chart" },
  },
  run = run,
}
