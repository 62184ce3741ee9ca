-- weir shadow RECORDING…: would the shadow set have decided as the set in force did? The verdict
-- over the logs of a function's environments (WEIR_SHADOW_SOURCE, lua/weir/runtime/shadow.lua).
local differences = require "weir.cli.differences"
local exit = require "weir.cli.exit"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local recording = require "weir.recording"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

local WORDS = { "agreed", "reworded", "differed", "failed", "skipped" }

local METRICS = {
  agreed = "ShadowAgreed",
  reworded = "ShadowReworded",
  differed = "ShadowDiffered",
  failed = "ShadowFailed",
  skipped = "ShadowSkipped",
}

-- Reading -------------------------------------------------------------------------------------

-- What the recordings say so far: a row for each pair of sets, and the differing decisions in
-- groups.
local Tally = {}
Tally.__index = Tally

local function new_tally(digest)
  return setmetatable({
    digest = digest, -- only of this shadow set, or nil
    by_pair = {},
    seen = {},
    changed = differences.groups(),
    failed = differences.groups(),
    repeated = 0,
    bad_lines = 0,
  }, Tally)
end

local function is_text(value) return type(value) == "string" end

function Tally:row(active, shadow)
  local key = ("%s %s"):format(active or "?", shadow or "?")
  local row = self.by_pair[key]
  if row then return row end

  row = { active = active, shadow = shadow, counted = 0, recorded = { differed = 0, failed = 0 } }
  for _, word in ipairs(WORDS) do row[word] = 0 end
  self.by_pair[key] = row
  return row
end

-- Logs overlap: the same record counts once.
function Tally:is_new(id)
  if not is_text(id) then return true end
  if self.seen[id] then
    self.repeated = self.repeated + 1
    return false
  end

  self.seen[id] = true
  return true
end

function Tally:is_wanted(shadow)
  return not self.digest or (is_text(shadow) and shadow:sub(1, #self.digest) == self.digest)
end

function Tally:counts(record)
  local shadow = record.shadow_digest
  if not self:is_wanted(shadow) or not self:is_new(record.id) then return end

  local row = self:row(record.policy_digest, shadow)
  row.counted = row.counted + 1
  for _, word in ipairs(WORDS) do
    row[word] = row[word] + (math.tointeger(record[METRICS[word]]) or 0)
  end
end

-- The first member that differs: "decision.weights".
local function differing(was, is)
  local names = {}
  for name in sorted_pairs(was) do names[name] = true end
  for name in sorted_pairs(is) do names[name] = true end
  for name in sorted_pairs(names) do
    if json.encode(was[name]) ~= json.encode(is[name]) then return "decision." .. name end
  end

  return "because"
end

-- A differing decision as weir.replay tells of one.
local function event_of(record, line)
  local shadow = record.shadow
  local event = {
    line = line,
    id = record.id,
    kind = record.kind,
    was = json.encode(record.decision),
    was_action = record.decision.action,
    was_because = json.encode(record.because),
    policy_file = shadow.file,
    policy_line = shadow.line or 0,
  }

  if shadow.code then
    event.type, event.code, event.message = "failure", shadow.code, shadow.message or ""
  else
    event.type, event.field = "difference", differing(record.decision, shadow.decision)
    event.is, event.is_action = json.encode(shadow.decision), shadow.decision.action
    event.is_because = json.encode(shadow.because)
  end

  return event
end

local function is_whole(record)
  local shadow = record.shadow
  return type(record.decision) == "table" and type(shadow) == "table"
    and (type(shadow.decision) == "table" or is_text(shadow.code))
end

function Tally:record(file, record, line)
  if not is_whole(record) then
    return { type = "bad line", line = line, column = 0, message = "a shadow record without its "
      .. "decisions" }
  end

  local shadow = record.shadow
  if not self:is_wanted(shadow.digest) or not self:is_new(record.id) then return end

  local word = shadow.code and "failed" or "differed"
  local recorded = self:row(shadow.active, shadow.digest).recorded
  recorded[word] = recorded[word] + 1
  self[shadow.code and "failed" or "changed"]:add(file, event_of(record, line))
end

-- → nil, or the bad line that it is
function Tally:take(file, found)
  if found.message then
    return { type = "bad line", line = found.line, column = found.column or 0,
      message = redact.text(found.message) }
  end

  local record = redact.value(json.decode(found.text))
  if record.schema == "weir.shadow-counts/1" then return self:counts(record) end
  if record.schema == "weir.shadow/1" then return self:record(file, record, found.line) end
end

-- → true | nil, message, code
local function read(path, tally, troubles)
  local source <close>, message, code = recording.open(path)
  if not source then return nil, message, code end

  while true do
    local found
    found, message, code = source:next_record("weir.shadow")
    if not found then break end

    local bad = tally:take(path, found)
    if bad then
      tally.bad_lines = tally.bad_lines + 1
      troubles:add(path, bad)
    end
  end

  if message then return nil, message, code end
  return true
end

-- Judging -------------------------------------------------------------------------------------

-- A record counts also where the count of its invocation is not among the recordings.
local function sum_of(tally)
  local sum, rows = { recorded = 0, counted = 0 }, {}
  for _, word in ipairs(WORDS) do sum[word] = 0 end
  for _, row in sorted_pairs(tally.by_pair) do
    row.differed = math.max(row.differed, row.recorded.differed)
    row.failed = math.max(row.failed, row.recorded.failed)
    for _, word in ipairs(WORDS) do sum[word] = sum[word] + row[word] end
    sum.recorded = sum.recorded + row.recorded.differed + row.recorded.failed
    sum.counted = sum.counted + row.counted
    rows[#rows + 1] = row
  end

  sum.compared = sum.agreed + sum.reworded + sum.differed + sum.failed
  return sum, rows
end

local STATUS = {
  same = exit.fine,
  different = exit.findings,
  inconclusive = exit.inconclusive,
}

local function verdict_of(sum, tally, least)
  if sum.differed + sum.failed + tally.bad_lines > 0 then return "different" end
  return sum.compared < least and "inconclusive" or "same"
end

-- Printing ------------------------------------------------------------------------------------

local MEANING = {
  agreed = "agreed",
  reworded = "agreed, for another reason",
  differed = "differed",
  failed = "failed in the shadow set",
  skipped = "were skipped: no time, no room, or no shadow set",
}

local function print_row(out, row)
  out:print(out:paint("bold", printable(row.active or "(no set)")), " in force, ",
    out:paint("bold", printable(row.shadow or "(no set)")), " beside it")
  local lines = {}
  for _, word in ipairs(WORDS) do
    if row[word] > 0 or (word == "agreed" and row.counted > 0) then
      lines[#lines + 1] = { thousands(row[word]), MEANING[word] }
    end
  end

  for _, line in ipairs(terminal.table(lines, { "right" }, "  ")) do out:print(line) end
  if row.counted == 0 then
    out:print("  how many agreed is not in these recordings: they have no counts")
  end
end

local SENTENCE = {
  same = "The shadow set decides as the set in force does.",
  different = "The shadow set does not decide as the set in force does.",
  inconclusive = "Too few decisions were compared.",
}

local function print_verdict(screen, sum, rows, tally, verdict, limit)
  local out = screen.out
  for _, row in ipairs(rows) do print_row(out, row) end
  differences.print(out, tally.changed, "yellow", "~ ", limit)
  differences.print(out, tally.failed, "red", "! ", limit)
  local missing = sum.differed + sum.failed - sum.recorded
  if missing > 0 then
    out:print(terminal.count(missing, "of these decisions has", "of these decisions have"),
      " no record here")
  end

  out:print(out:paint("bold", SENTENCE[verdict]))
end

local NEXT = {
  same = "point WEIR_POLICY_SOURCE at the shadow set",
  different = "weir diff OLD NEW RECORDING, with the recordings of the shadow",
  inconclusive = "give it the logs of a function that WEIR_SHADOW_SOURCE is set for",
}

local function verdict_json(sum, rows, tally, verdict, limit)
  local sets = json.array {}
  for i, row in ipairs(rows) do
    sets[i] = { active = row.active, shadow = row.shadow }
    for _, word in ipairs(WORDS) do sets[i][word] = row[word] end
  end

  local object = {
    type = "summary",
    verdict = verdict,
    compared = sum.compared,
    recorded = sum.recorded,
    counted = sum.counted,
    repeated = tally.repeated,
    bad_lines = tally.bad_lines,
    sets = sets,
    changes = differences.json(tally.changed, limit),
    failures = differences.json(tally.failed, limit),
  }

  for _, word in ipairs(WORDS) do object[word] = sum[word] end
  return terminal.json(object)
end

-- The verb ------------------------------------------------------------------------------------

local function digest_of(text)
  if text == nil then return nil end
  local digits = text:gsub("^sha256:", "")
  if digits:find("^%x+$") and #digits <= 64 then return "sha256:" .. digits:lower() end
  return nil, ("--digest '%s' is not the beginning of a digest"):format(text),
    "write --digest sha256:5be1"
end

local function least_of(text)
  if text == nil then return 1 end
  local least = math.tointeger(tonumber(text))
  if least and least >= 1 then return least end
  return nil, ("--least '%s' is not a number of decisions"):format(text), "write --least 1000"
end

local function run(given, screen)
  local ok, mistake, hint = recordings.check(given.RECORDING)
  if not ok then return nil, mistake, hint end
  local least, digest, limit
  limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, mistake, hint end
  least, mistake, hint = least_of(given.least)
  if not least then return nil, mistake, hint end
  digest, mistake, hint = digest_of(given.digest)
  if mistake then return nil, mistake, hint end

  redact.forget()
  local tally = new_tally(digest)
  local troubles = recordings.troubles(screen.err, recordings.TROUBLES)
  for _, path in ipairs(given.RECORDING) do
    local code
    ok, mistake, code = read(path, tally, troubles)
    if not ok then
      return messages.failure(screen, "shadow", { message = mistake, code = code, exit = exit.io })
    end
  end

  troubles:finish()
  local sum, rows = sum_of(tally)
  local verdict = verdict_of(sum, tally, least)
  if given.json then
    screen.out:print(verdict_json(sum, rows, tally, verdict, limit))
  else
    print_verdict(screen, sum, rows, tally, verdict, limit)
    screen.err:next(NEXT[verdict])
  end

  return STATUS[verdict]
end

return {
  name = "shadow",
  summary = "the verdict over the logs of a shadow set",
  description = {
    [[A function with WEIR_SHADOW_SOURCE asks a second policy set, after each answer, and logs
      where it decides otherwise. This adds up what the logs of all its environments say: how many
      decisions agreed, which differed, by the rule of the shadow set, which failed and how many
      were skipped.]],
    [[Recordings are logs in any form (docs/recordings.md). A record that stands in several of
      them counts once.]],
  },
  positionals = {
    { name = "RECORDING", doc = "logs of the function, or '-'", many = true, complete = "file" },
  },
  options = {
    { long = "digest", value = "DIGEST", doc = "only of the shadow set whose digest begins so" },
    { long = "least", value = "N", doc = "so many decisions must have been compared; else 1" },
    recordings.limit_option "the N largest groups of differences and of failures",
    { long = "json", doc = "the verdict as one JSON object" },
  },
  exits = {
    { 0, "the shadow set decided the same" },
    { 1, "some decisions differ or failed, or some lines are bad" },
    { 2, "usage" },
    { 5, "too few decisions were compared" },
    { 6, "a recording cannot be read, or memory is short" },
  },
  examples = {
    { "aws logs tail /aws/lambda/route --since 1d | weir shadow -", "a day of shadowing" },
    { "weir shadow --least 10000 logs/*.gz", "in a script, before the shadow set is put in force" },
  },
  run = run,
}
