-- What replay and diff share: running over recordings with progress, naming events, exit status.
local capsule_file = require "weir.cli.capsule_file"
local exit = require "weir.cli.exit"
local is_carried = require "weir.is_carried"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local redact = require "weir.redact"
local replay = require "weir.replay"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

local recordings = {}

-- "--jobs" as a number or nil for all cores; nil, message, hint for a mistake.
function recordings.jobs(text)
  if text == nil then return replay.cores() end
  local jobs = math.tointeger(tonumber(text))
  if not jobs or jobs < 1 then
    return nil, ("--jobs '%s' is not a number of threads"):format(text), "write --jobs 2"
  end
  return jobs
end

-- The actions of a difference, before and now.
function recordings.actions(event)
  local was = event.was and not event.was_failure and (event.was_action or "(no action)")
    or "failed"
  return was, event.is_action
end

-- A recorded reason's JSON text, for people.
function recordings.because(text)
  local because = text and json.decode(text)
  return type(because) == "string" and terminal.excerpt(because, 120) or "(no reason)"
end

function recordings.place(file, event)
  local place = ("%s:%d"):format(printable(file == "-" and "standard input" or file), event.line)
  return event.id and place .. "  " .. terminal.excerpt(event.id, 40) or place
end

function recordings.field(event) return terminal.excerpt(event.field, 80) end

-- "policies/routing.lua:36", where the decision of now was made.
function recordings.rule(event)
  if not event.policy_file or event.policy_line == 0 then return "" end
  return ("%s:%d"):format(printable(event.policy_file), event.policy_line)
end

-- "realtime 3,900 · batch 701": largest first.
function recordings.counts(counts)
  local names = {}
  for name in pairs(counts) do names[#names + 1] = name end -- any order: sorted below
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for i, name in ipairs(names) do names[i] = name .. " " .. thousands(counts[name]) end
  return table.concat(names, " · ")
end

-- The option of a verb that lists something.
function recordings.limit_option(doc) return { long = "limit", value = "N", doc = doc } end

-- "--limit" as a number, or the default; nil, message, hint for a mistake.
function recordings.limit(text, default)
  if text == nil then return default end
  local limit = math.tointeger(tonumber(text))
  if not limit or limit < 0 then
    return nil, ("--limit '%s' is not a count"):format(text), "write --limit 20"
  end
  return limit
end

-- A fleet -------------------------------------------------------------------------------------

-- --jobs, and the options of the verbs that a fleet can do (weir.cli.fleet).
recordings.options = {
  jobs = {
    long = "jobs",
    short = "j",
    value = "N",
    doc = "threads; as many as there are cores when left out",
  },
  fleet = {
    long = "fleet",
    doc = "of s3://bucket/prefix, in the state machine WEIR_REPLAY_STATE_MACHINE "
      .. "(docs/fleet-replay.md)",
  },
  results = {
    long = "results",
    value = "S3-URI",
    doc = "with --fleet: where bundles and results go (WEIR_REPLAY_RESULTS)",
  },
}

-- → true | nil, message, hint
function recordings.check_fleet(given)
  if not given.fleet then
    if not given.results then return true end
    return nil, "--results is where a fleet's results go", "add --fleet"
  end

  if not is_carried("weir.cli.fleet") then
    return nil, "--fleet belongs to the command-line program, not to the layer", "leave it out"
  end

  return require("weir.cli.fleet").check(given)
end

-- Failures and bad lines, on stderr whatever else is printed: at most `limit` of each.
local Troubles = {}
Troubles.__index = Troubles

recordings.TROUBLES = 20

function recordings.troubles(err, limit)
  return setmetatable({ err = err, limit = limit, seen = { failure = 0, ["bad line"] = 0 } },
    Troubles)
end

-- Counts the event; true while there is room for one more of its type.
function Troubles:has_room(event)
  self.seen[event.type] = self.seen[event.type] + 1
  return self.seen[event.type] <= self.limit
end

function Troubles:print(file, event)
  local err = self.err
  local place = ("%s:%d"):format(printable(file == "-" and "standard input" or file), event.line)
  if event.type == "bad line" then
    if event.column > 0 then place = place .. ":" .. event.column end
    err:print(place, ": ", err:paint("error", "bad line"), ": ",
      terminal.excerpt(event.message, 300))
  else
    err:print(place, ": ", err:paint("error", "failed"), "[", event.code, "] ",
      printable(event.kind or "?"), ": ", terminal.excerpt(event.message, 300))
  end
end

function Troubles:add(file, event)
  if self:has_room(event) then self:print(file, event) end
end

-- Says how many were not shown.
function Troubles:finish()
  for _, type in ipairs { "failure", "bad line" } do
    local left = self.seen[type] - self.limit
    if left > 0 then self.err:print("… and ", terminal.count(left, "more " .. type)) end
  end
end

local function parsed(text)
  if text == nil then return nil end
  local value = json.decode(text)
  return value
end

-- One event as a JSON line.
function recordings.event_json(file, event)
  local is_difference = event.type == "difference"
  return terminal.json {
    type = event.type,
    recording = file,
    line = event.line,
    column = event.type == "bad line" and event.column or nil,
    id = event.id,
    kind = event.kind,
    field = event.field,
    message = event.message,
    code = event.code,
    was = not event.was_failure and redact.value(parsed(event.was)) or nil,
    was_error = event.was_failure and event.was or nil,
    was_because = parsed(event.was_because),
    is = is_difference and redact.value(parsed(event.is)) or nil,
    is_because = parsed(event.is_because),
    policy_file = event.policy_file,
    policy_line = event.policy_line ~= 0 and event.policy_line or nil,
  }
end

function recordings.summary_json(summary, more)
  local line = { type = "summary" }
  for name, value in pairs(summary) do line[name] = value end -- any order: copies one key at a time
  for name, value in pairs(more) do line[name] = value end -- any order: copies one key at a time
  line.unreadable = json.array(summary.unreadable)
  return terminal.json(line)
end

-- The last line of a summary. There is no digest of a part, because it would look like one of the
-- whole.
function recordings.print_digest(out, summary)
  if summary.digest then
    out:print("digest ", summary.digest)
  else
    out:print("no digest: ", terminal.count(#summary.unreadable, "recording was",
      "recordings were"),
      " not read to the end")
  end
end

local function show_progress(err, file, done, total, decisions)
  local share = total > 0 and ("%3d %%"):format(done * 100 // total) or terminal.bytes(done)
  err:progress(("%s  %s  %s decisions"):format(share, printable(file), thousands(decisions)))
end

-- What an event tells of a recording and of its decisions.
local TEXTS = {
  "id", "kind", "field", "message", "was", "was_action", "was_because", "is", "is_action",
  "is_because", "time", "facts",
}

-- A recording that something else wrote may hold secrets: none is shown, neither what the facts
-- name as one nor what looks like one. One look at all texts tells that most events hold none.
local function without_secrets(event)
  redact.forget()
  if event.facts then redact.note_json(event.facts) end

  local texts = {}
  for _, name in ipairs(TEXTS) do texts[#texts + 1] = event[name] end
  local all = table.concat(texts, "\n")
  if redact.text(all) == all then return event end

  for _, name in ipairs(TEXTS) do
    if event[name] then event[name] = redact.text(event[name]) end
  end
  return event
end

-- Why a capsule is not opened: → the exit status.
function recordings.refuse_capsule(verb, screen, message, code)
  local is_read = code == "DigestMismatch" or code == "InvalidCapsule"
  return messages.failure(screen, verb,
    { message = message, code = code, exit = is_read and exit.integrity or exit.io })
end

-- A damaged capsule is not replayed: → true | nil, exit status
local function check_capsules(verb, screen, list)
  for _, path in ipairs(list) do
    if capsule_file.is(path) then
      local capsule, message, code = capsule_file.read(path)
      if not capsule then return nil, recordings.refuse_capsule(verb, screen, message, code) end
    end
  end

  return true
end

-- weir.replay with progress and with unreadable recordings reported. The summary; else nil and an
-- exit status.
function recordings.replay(verb, screen, job)
  local err, on_event = screen.err, job.on_event
  local whole, status = check_capsules(verb, screen, job.recordings)
  if not whole then return nil, status end

  redact.forget()
  job.on_event = function(file, event)
    on_event(file, event.type == "same" and event or without_secrets(event))
  end
  if err.live then
    job.on_progress = function(...) show_progress(err, ...) end
  end
  local run = recordings.are_in_s3(job.recordings) and require("weir.cli.s3_recordings").run
    or replay.run
  local summary, message, code = run(job)
  err:clear_progress()
  if not summary then
    return nil, messages.failure(screen, verb, {
      message = message,
      code = code,
      exit = exit.io,
      next = job.jobs > 1 and ("weir %s --jobs 1 needs less memory"):format(verb) or nil,
    })
  end

  for _, unreadable in ipairs(summary.unreadable) do
    local file = unreadable.file == "-" and "standard input" or unreadable.file
    err:print("weir: ", printable(file), ": ", err:paint("error", printable(unreadable.message)))
  end
  return summary
end

-- The exit status; says so when nothing was decided.
function recordings.status(verb, screen, summary)
  if #summary.unreadable > 0 then return exit.io end
  if summary.failed > 0 then return exit.decide end
  if summary.bad_lines + summary.changed + summary.reworded > 0 then return exit.findings end
  if summary.decisions == 0 then
    screen.err:print("weir: ", verb, ": there is no decision in these recordings")
    screen.err:next("give it a decision log, one weir.decision/1 object a line")
    return exit.inconclusive
  end
  return exit.fine
end

local function is_in_s3(name) return name:find("^s3://") ~= nil end

function recordings.are_in_s3(list) return list[1] ~= nil and is_in_s3(list[1]) end

-- Standard input can be read once only, and a replay is of files or of S3: nil, message, hint
-- otherwise.
function recordings.check(list)
  local seen = false
  for _, name in ipairs(list) do
    if is_in_s3(name) ~= is_in_s3(list[1]) then
      return nil, "some recordings are in S3 and some are not", "replay them apart"
    end

    if name == "-" and seen then
      return nil, "standard input is given twice", "write '-' once"
    end
    seen = seen or name == "-"
  end
  return true
end

return recordings
