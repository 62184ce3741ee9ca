-- weir capsule RECORDING… -o FILE: one file of an incident, which `weir replay` decides again
-- anywhere.
local capsule_mask = require "weir.cli.capsule_mask"
local exit = require "weir.cli.exit"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local pack = require "weir.cli.capsule_pack"
local policies = require "weir.cli.policies"
local process = require "weir.process"
local recording = require "weir.recording"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"
local time = require "weir.aws.time"

local printable = terminal.printable

-- What is asked for -----------------------------------------------------------------------------

local function time_of(text, option)
  if text == nil then return nil end
  local ms = time.parse_iso8601(text)
  if ms then return ms end
  return nil, ("--%s '%s' is not a time"):format(option, text),
    ("write --%s 2026-11-23T12:00:00Z"):format(option)
end

local function masks_of(names)
  local masks = {}
  for i, name in ipairs(names or {}) do
    local place = capsule_mask.place(name)
    if not place then
      return nil, ("--mask '%s' names no fact"):format(name), "write --mask owner, or --mask /a/b"
    end

    masks[i] = { name = name, place = place }
  end

  return masks
end

local function span_of(given)
  local from, to, mistake, hint
  from, mistake, hint = time_of(given.from, "from")
  if mistake then return nil, mistake, hint end
  to, mistake, hint = time_of(given.to, "to")
  if mistake then return nil, mistake, hint end
  if from and to and from >= to then return nil, "--from is not before --to" end

  return { from = from, to = to }
end

-- Reading the span ------------------------------------------------------------------------------

local function new_collection(span, troubles)
  return {
    span = span,
    troubles = troubles,
    entries = {},
    seen = {},
    bad_lines = 0,
    undated = 0,
    repeated = 0,
  }
end

local function is_inside(span, time_ms)
  return (not span.from or time_ms >= span.from) and (not span.to or time_ms < span.to)
end

local function take(self, text)
  local record = json.decode(text)
  local time_ms = type(record.time) == "string" and time.parse_iso8601(record.time)
  if not time_ms and (self.span.from or self.span.to) then
    self.undated = self.undated + 1
    return
  end

  if time_ms and not is_inside(self.span, time_ms) then return end
  if self.seen[text] then
    self.repeated = self.repeated + 1
    return
  end

  self.seen[text] = true
  self.entries[#self.entries + 1] = {
    record = record,
    text = text,
    time_ms = time_ms or -1,
    id = type(record.id) == "string" and record.id or "",
  }
end

-- → true | nil, message, code
local function read(self, path)
  local source <close>, message, code = recording.open(path)
  if not source then return nil, message, code end

  while true do
    local found
    found, message, code = source:next_record("weir.decision/1")
    if not found then break end

    if found.message then
      self.bad_lines = self.bad_lines + 1
      self.troubles:add(path, { type = "bad line", line = found.line, column = found.column or 0,
        message = redact.text(found.message) })
    else
      take(self, found.text)
    end
  end

  if message then return nil, message, code end
  return true
end

-- In the order of their times, whatever recordings they came in.
local function sort(entries)
  table.sort(entries, function(a, b)
    if a.time_ms ~= b.time_ms then return a.time_ms < b.time_ms end
    if a.id ~= b.id then return a.id < b.id end
    return a.text < b.text
  end)
end

-- Telling ---------------------------------------------------------------------------------------

-- A mask that masks nothing is a mistake, probably of spelling: → mistake, hint
local function useless_mask(header, entries)
  for _, row in ipairs(header.masked) do
    if row.decisions == 0 then
      local names = {}
      for _, entry in ipairs(entries) do
        for name in sorted_pairs(entry.record.facts) do names[#names + 1] = name end
      end

      local close = suggest(row.fact, names)
      return ("no decision of the span has the fact '%s'"):format(row.fact),
        close and ("did you mean '%s'?"):format(close)
    end
  end
end

local function tell(screen, self, header, given, size)
  local err = screen.err
  err:print(printable(given.output or "capsule"), ": ",
    terminal.count(header.decisions, "decision"), ", ", terminal.bytes(size), ", ",
    header.policies)
  for _, row in ipairs(header.masked) do
    err:print("  ", printable(row.fact), " is masked in ",
      terminal.count(row.decisions, "decision"), row.used > 0
      and ("; %s it, and cannot be decided again"):format(terminal.count(row.used, "uses", "use"))
      or "")
  end

  for _, row in ipairs(header.others) do
    err:print("  ", terminal.count(row.decisions, "decision was", "decisions were"),
      " made by another policy of kind ", printable(row.kind), ", ", printable(row.digest or "?"))
  end

  if self.undated > 0 then
    err:print("  ", terminal.count(self.undated, "decision has", "decisions have"),
      " no time, and was left out")
  end

  if given.output then err:next("weir replay ", printable(given.output)) end
end

local function fail(screen, message, code, status)
  return messages.failure(screen, "capsule", { message = message, code = code, exit = status })
end

-- The verb ------------------------------------------------------------------------------------

local function read_all(given, span, screen)
  redact.forget()
  local self = new_collection(span, recordings.troubles(screen.err, recordings.TROUBLES))
  for _, path in ipairs(given.RECORDING) do
    local ok, message, code = read(self, path)
    if not ok then return nil, fail(screen, message, code, exit.io) end
  end

  self.troubles:finish()
  sort(self.entries)
  if #self.entries > 0 then return self end

  return nil, fail(screen, "there is no decision in this span", "NoDecision", exit.inconclusive)
end

local function write(given, screen, text)
  if not given.output then
    screen.out:write(text)
    return true
  end

  local ok, message = output_file.write(given.output, text)
  if ok then return true end
  return nil, fail(screen, message, "WriteFailed", exit.io)
end

local function iso(ms) return ms and process.timestamp(ms) end

local function run(given, screen)
  local ok, span, masks, mistake, hint
  ok, mistake, hint = recordings.check(given.RECORDING)
  if not ok then return nil, mistake, hint end
  span, mistake, hint = span_of(given)
  if not span then return nil, mistake, hint end
  masks, mistake, hint = masks_of(given.mask)
  if not masks then return nil, mistake, hint end
  if given.json and not given.output then
    return nil, "--json needs a file for the capsule", "write --output FILE"
  end

  local set, directory = policies.load("capsule", given, screen)
  if not set then return directory() end
  local self, status = read_all(given, span, screen)
  if not self then return status end

  local text, header, code = pack(set, self.entries,
    { from = iso(span.from), to = iso(span.to), mask = masks })
  if not text then
    return fail(screen, header, code, code == "InvalidText" and exit.load or exit.io)
  end

  mistake, hint = useless_mask(header, self.entries)
  if mistake then return nil, mistake, hint end

  ok, status = write(given, screen, text)
  if not ok then return status end
  if given.json then
    header.type, header.output, header.bytes = "capsule", given.output, #text
    header.bad_lines, header.undated, header.repeated = self.bad_lines, self.undated, self.repeated
    screen.out:print(terminal.json(header))
  end

  tell(screen, self, header, given, #text)
  return self.bad_lines > 0 and exit.findings or exit.fine
end

return {
  name = "capsule",
  summary = "pack the decisions of an incident into one file",
  description = {
    [[Takes the decisions of a span from recordings, masks facts, and writes them with the policy
      set, the parameters and the versions of weir that made them as one file, which weir replay
      decides again on any machine. The same decisions, policies and build give the same
      bytes.]],
    [[Secrets are masked always; --mask names further facts. What cannot be decided again then,
      because the policy used a masked fact, is said here and by weir replay.]],
  },
  positionals = {
    { name = "RECORDING", doc = "recordings, or '-'", many = true, complete = "file" },
  },
  options = {
    policies.options.directory,
    { long = "from", value = "TIME", doc = "only decisions at that time or after" },
    { long = "to", value = "TIME", doc = "only decisions before that time" },
    { long = "mask", value = "FACT", many = true,
      doc =
        "a fact that must not leave, by its name or as a JSON pointer with '*' for any member" },
    { long = "output", short = "o", value = "FILE", complete = "file",
      doc = "where to write it; else standard output" },
    { long = "json", doc = "with --output: what was packed as one JSON object" },
  },
  exits = {
    { 0, "written" },
    { 1, "written, without some lines that are bad" },
    { 2, "usage, or a fact to mask that no decision has" },
    { 3, "the policy set does not load" },
    { 5, "there is no decision in the span" },
    { 6, "a file cannot be read or written, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    {
      "weir capsule route.log.gz --from 2026-11-23T12:00:00Z --to 2026-11-23T12:30:00Z -o "
        .. "noon.capsule",
      "half an hour of decisions",
    },
    { "weir replay noon.capsule", "decide them again, elsewhere" },
  },
  run = run,
}
