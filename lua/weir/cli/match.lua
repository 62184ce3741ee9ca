-- weir match PATTERN [EVENT…]: does an EventBridge event pattern match, and if not, why.
local events = require "weir.cli.events"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local terminal = require "weir.cli.terminal"

-- Far above EventBridge's own limit of 4,096 characters.
local PATTERN_LIMIT = 1024 * 1024

-- The pattern's text: inline when it looks like JSON, else from a file. Of '[]' or '"x"' the
-- compiler says what is wrong; a file can be called so, too.
local function read_pattern(word)
  if word:find("^%s*{") or (word:find('^%s*[%["]') and not files.stat(word)) then return word end
  return files.read(word, PATTERN_LIMIT)
end

-- What the event has instead, without its secrets: values below the name of a secret, copies of
-- such values, and texts that look like a task token. A clean event has none to note.
local function without_secrets(misses, text, is_clean)
  redact.forget()
  if not is_clean then redact.note(json.decode(text, { secrets = true })) end
  for _, miss in ipairs(misses) do
    miss.found, miss.wanted = redact.text(miss.found), redact.text(miss.wanted)
    for name in miss.path:gmatch("[^.]+") do
      if redact.is_secret(name) and miss.found ~= "(missing)" then miss.found = redact.MARK end
    end
  end

  return misses
end

local function miss_line(out, miss)
  local found = miss.found == "(missing)" and "there is no such field" or "the event has "
    .. miss.found
  local hint = miss.hint ~= "" and " (" .. miss.hint .. ")" or ""
  return ("    %s: wanted %s; %s%s"):format(
    out:paint("bold", terminal.printable(miss.path)), terminal.excerpt(miss.wanted, 200),
    terminal.excerpt(found, 200), terminal.printable(hint))
end

local Run = {}
Run.__index = Run

local function result_object(place, matched, misses)
  return {
    match = matched,
    file = place.path,
    line = place.line,
    item = place.item,
    misses = misses,
  }
end

-- What is printed of one event: one JSON object, or lines for people.
function Run:told(place, matched, misses)
  local out = self.out
  if self.json then return terminal.json(result_object(place, matched, misses)) end

  local where = terminal.printable(events.place(place))
  if matched then return out:paint("good", "match") .. "  " .. where end
  local lines = { out:paint("error", "miss") .. "   " .. where }
  for _, miss in ipairs(misses) do lines[#lines + 1] = miss_line(out, miss) end
  return table.concat(lines, "\n")
end

function Run:report(place, matched, misses)
  self.shown = self.shown + 1
  if self.shown <= self.limit then self.out:print(self:told(place, matched, misses)) end
end

function Run:bad_event(place, message)
  self.bad = self.bad + 1
  local where = events.place(place)
  self.err:print(terminal.printable(where), ": ", self.err:paint("error", "bad event"), ": ",
    terminal.printable(message))
  if self.json then
    self.out:print(terminal.json {
      error = message,
      code = "InvalidEvent",
      file = place.path,
      line = place.line,
      item = place.item,
    })
  end
end

function Run:event(text, place, problem)
  if not text then return self:bad_event(place, problem) end
  local matched, message, code = self.matcher:match(text)
  if code == "OutOfMemory" then error(message, 0) end
  if matched == nil then return self:bad_event(place, message) end
  if matched then
    self.matched = self.matched + 1
    return self:report(place, true)
  end

  self.missed = self.missed + 1
  local misses, key = self.matcher:explain(text)
  misses = without_secrets(misses or {}, text, key ~= nil)
  self:report(place, false, misses)
  if key then self:keep_answer(key, place, misses) end
end

-- What stands before the number of a line, and behind it, in what is printed of it.
function Run:around_number(path, matched, misses)
  local told = self:told({ path = events.shown(path), line = 0 }, matched, misses)
  local before, after = told:match(self.json and '^(.*"line":)0(.*)$' or "^([^\n]*)0(.*)$")

  return before, after .. "\n"
end

-- Most misses of a file are alike: what is printed of one is kept for the next. A file whose misses
-- are all different would fill the memory.
local MOST_KEPT = 1000

function Run:keep_answer(key, place, misses)
  if not self.answers or self.kept == MOST_KEPT then return end
  self.kept = self.kept + 1
  self.answers[key] = { self:around_number(place.path, false, misses) }
end

-- Takes lines that match, or miss as one before, without making strings of them; events.each visits
-- the others.
function Run:taker(path)
  self.answers, self.kept = {}, 0
  local before, after = self:around_number(path, true)
  return function(text, at, number)
    local next_at, last, answers, missed = self.matcher:match_lines(text, at, number, before, after,
      self.answers)
    if last > number then self.out:write(answers) end
    self.missed = self.missed + missed
    self.matched = self.matched + last - number - missed

    return next_at, last
  end
end

function Run:summary()
  local total = self.matched + self.missed + self.bad
  if total == 1 and self.bad == 0 then return end
  local text = ("%s of %s matched"):format(terminal.thousands(self.matched),
    terminal.count(total, "event"))
  if self.bad > 0 then text = text .. ", " .. terminal.count(self.bad, "bad one") end
  self.err:print(text)
end

local function fail(screen, message, code, status, next_command)
  return messages.failure(screen, "match", {
    message = message,
    code = code,
    exit = status,
    next = next_command,
  })
end

-- The compiled pattern; else nil and an exit status.
local function compile(word, screen)
  local text, message, code = read_pattern(word)
  if not text then
    return nil, fail(screen, message, code, exit.io,
      "give the pattern inline, as '{\"source\": [\"aws.s3\"]}', or name its file")
  end

  local matcher, why, why_code = require("weir.pattern").compile(text)
  if matcher then return matcher end
  if why_code == "OutOfMemory" or why == "" or why:find("Reason: out of memory", 1, true) then
    return nil, fail(screen, "not enough memory", "OutOfMemory", exit.io)
  end

  -- EventBridge's message has two lines.
  screen.err:print("weir: match: ", (terminal.printable(why):gsub("\\n", "\n")))
  if screen.json then
    screen.out:print(terminal.json { error = why, code = why_code or "InvalidEventPattern",
      exit = exit.usage })
  end

  return nil, exit.usage
end

local function run(given, screen)
  local inputs = given.EVENT[1] and given.EVENT or { "-" }
  if given.PATTERN == "-" then
    for _, input in ipairs(inputs) do
      if input == "-" then
        return nil, "standard input cannot be both PATTERN and EVENT", "name the events' file"
      end
    end
  end

  local limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, mistake, hint end
  local matcher, failed = compile(given.PATTERN, screen)
  if not matcher then return failed end

  local self = setmetatable({
    out = screen.out,
    err = screen.err,
    json = given.json,
    matcher = matcher,
    matched = 0, missed = 0, bad = 0, shown = 0, limit = limit,
  }, Run)
  local status = exit.fine
  for _, input in ipairs(inputs) do
    local ok, why, code = events.each(input,
      function(...) self:event(...) end, function() screen.out:flush() end,
      not given.limit and self:taker(input) or nil)
    if not ok then status = fail(screen, why, code, exit.io) end
  end

  local total = self.matched + self.missed + self.bad
  if not given.json and total > 0 then self:summary() end
  if status ~= exit.fine then return status end
  if total == 0 then
    return fail(screen, "there is no event in " .. table.concat(inputs, ", "), "NoEvent",
      exit.findings)
  end

  return self.missed + self.bad == 0 and exit.fine or exit.findings
end

return {
  name = "match",
  summary = "test an EventBridge event pattern against events",
  description = {
    [[PATTERN is the pattern itself when it starts with '{', else the file that holds it. Events
      are read as JSON Lines, as one pretty-printed document, or as an array of events; without
      EVENT from standard input. For each event that does not match, every key that failed is
      named.]],
    [[With --json each event gives one line: {"match":true,"file":…,"line":…}, on a miss with
      "misses". A line that is not JSON gives {"error":…,"code":…} and counts as not matched.]],
  },
  positionals = {
    { name = "PATTERN", doc = "a pattern, its file, or '-'", complete = "file" },
    {
      name = "EVENT",
      doc = "files of events, or '-'",
      optional = true,
      many = true,
      complete = "file",
    },
  },
  options = {
    recordings.limit_option "results of the first N events; all when left out",
    { long = "json", doc = "one JSON object per event" },
  },
  exits = {
    { 0, "every event matched" },
    { 1, "some event did not match, or was not JSON, or there was none" },
    { 2, "the pattern is not valid, or usage" },
    { 6, "the pattern or an event file cannot be read" },
  },
  examples = {
    { "weir match '{\"source\": [\"aws.s3\"]}' event.json", "one pattern, one event" },
    { "zcat day.jsonl.gz | weir match rule.json --json | grep -c '\"match\":true'",
      "count what a rule would take" },
  },
  run = run,
}
