-- weir run HANDLER -e EVENT: a whole handler, dry unless told otherwise.
local effects = require "weir.effects"
local events = require "weir.cli.events"
local exit = require "weir.cli.exit"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policies = require "weir.cli.policies"
local process = require "weir.process"
local redact = require "weir.redact"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"

-- Codes that mean the event was wrong or the log; what AWS refused the executor knows, and all others
-- are the policy's.
local STATUS = {
  InvalidEvent = exit.usage, InvalidFacts = exit.usage, NotConfigured = exit.usage, InvalidSetting = exit.usage,
  TokenDoesNotFit = exit.usage, LogFailed = exit.io, CorrelationIdTaken = exit.io, InvalidRecord = exit.io,
  JobNameTaken = exit.io, JobNotSettled = exit.io, TokenReplaced = exit.io, MalformedResponse = exit.io,
}

local function status_of(report)
  for _, failure in ipairs(report.effects.failures) do
    if failure.code == report.error.code then return exit.io end
  end
  return STATUS[report.error.code] or exit.decide
end

local function safe(value) return terminal.json(redact.value(value)) end

-- JSON null and a missing member are the same; anything but an object is a mistake.
local function object_member(event, name)
  local value = event[name]
  if value == nil or value == json.null then return {} end
  if type(value) ~= "table" or json.is_array(value) then
    return nil, ("%s must be a JSON object"):format(name)
  end
  return value
end

-- Takes "world" and "config" off the event: they are for the dry run, the handler never sees them.
local function executor_for(event, given)
  local live_reads = given.live_reads
  if type(event) ~= "table" or json.is_array(event) then
    return given.live and effects.live() or effects.dry { live_reads = live_reads }
  end
  local world, problem = object_member(event, "world")
  if not world then return nil, problem end
  local config
  config, problem = object_member(event, "config")
  if not config then return nil, problem end
  event.world, event.config = nil, nil
  return given.live and effects.live() or effects.dry { world = world, config = config, live_reads = live_reads }
end

local function show_decision(out, decision)
  out:print(out:paint("dim", "facts     "), terminal.excerpt(safe(decision.facts), 400))
  out:print(out:paint("dim", "decision  "), out:paint("bold", terminal.printable(decision.action)), "  ",
    terminal.printable(decision.because), "  ",
    out:paint("dim", terminal.printable(("%s:%d"):format(decision.file, decision.line))))
end

local function show_plan(out, executor)
  local title = executor.dry and "plan      " or "calls     "
  if #executor.plan == 0 then out:print(out:paint("dim", title), "nothing to call") end
  for i, call in ipairs(executor.plan) do
    out:print(out:paint("dim", i == 1 and title or "          "), i, ". ", call.service, " ",
      out:paint("bold", call.operation), "  ", terminal.printable(call.target))
    out:print("             ", terminal.excerpt(safe(call.input), 400))
  end
  for _, unknown in ipairs(executor.unknown) do
    out:print(out:paint("warning", "unknown   "), terminal.printable(redact.text(unknown.what)), " (",
      terminal.printable(redact.text(unknown.remedy)), ")")
  end
end

local function show_metrics(out, executor)
  for i, metric in ipairs(executor.metrics) do
    out:print(out:paint("dim", i == 1 and "metrics   " or "          "), metric.name, " ",
      terminal.thousands(metric.value),
      " ", metric.unit, " ", terminal.json(metric.dimensions))
  end
end

local function show(out, report)
  for _, decision in ipairs(report.decisions) do show_decision(out, decision) end
  if report.error then
    if report.error.facts then
      out:print(out:paint("dim", "facts     "), terminal.excerpt(safe(report.error.facts), 400))
    end
    return
  end
  show_plan(out, report.effects)
  show_metrics(out, report.effects)
  out:print(out:paint("dim", "result    "), terminal.excerpt(safe(report.result), 400))
end

local function show_json(out, report)
  local executor = report.effects
  local decisions = json.array({})
  for i, decision in ipairs(report.decisions) do
    decisions[i] = {
      kind = decision.kind, facts = decision.facts, redacted = decision.redacted, decision = decision.fields,
      because = decision.because,
      file = decision.file, line = decision.line, params = json.decode(decision.params_json),
    }
  end
  out:print(safe {
    handler = report.handler, dry = executor.dry, decisions = decisions, plan = json.array(executor.plan),
    metrics = json.array(executor.metrics), unknown = json.array(executor.unknown), result = report.result,
    error = report.error,
  })
end

local Session = {}
Session.__index = Session

function Session:worse(status) self.status = math.max(self.status, status) end

function Session:fail(place, code, message, status)
  self.screen.err:print("weir: run: ", terminal.printable(events.place(place)), ": ",
    self.screen.err:paint("error", code), ": ", terminal.printable(message))
  self:worse(status)
end

function Session:event(text, place, problem)
  self.count = self.count + 1
  if not text then return self:fail(place, "InvalidEvent", problem, exit.usage) end
  local event = json.decode(text, { secrets = true })
  local executor, wrong = executor_for(event, self.given)
  if not executor then return self:fail(place, "InvalidEvent", wrong, exit.usage) end
  local report = handlers.run(handlers.find(self.given.HANDLER), event, self.set, executor,
    { log = self.given.log and handlers.log_to(self.given.log) })
  if self.given.json then show_json(self.screen.out, report)
  else
    self.screen.out:print(self.screen.out:paint("bold", self.given.HANDLER), "  ",
      terminal.printable(events.place(place)), executor.dry and "  (dry run)" or "")
    show(self.screen.out, report)
  end
  if report.error then
    self:fail(place, report.error.code, report.error.message, status_of(report))
  end
end

local function run(given, screen)
  if not handlers.find(given.HANDLER) then
    local close = suggest(given.HANDLER, handlers.names)
    return nil, ("unknown handler '%s'"):format(given.HANDLER),
      close and ("did you mean '%s'?"):format(close) or "handlers are: " .. table.concat(handlers.names, ", ")
  end
  if not given.event then
    return nil, "no event is given", "name a file with -e FILE, or -e - for standard input"
  end
  process.keep_secrets() -- where the system refuses, what is kept out of every output is still kept
  local set
  if handlers.find(given.HANDLER).asks or given.set or given.policies then
    local directory
    set, directory = policies.load("run", given, screen)
    if not set then return directory() end
  end
  local session = setmetatable({ given = given, screen = screen, set = set, status = exit.fine, count = 0 },
    Session)
  for _, path in ipairs(given.event) do
    local ok, message = events.each(path, function(...) session:event(...) end)
    if not ok then
      screen.err:print("weir: run: ", terminal.printable(message))
      session:worse(exit.io)
    end
  end
  if session.count == 0 and session.status == exit.fine then
    screen.err:print("weir: run: there is no event in ", terminal.printable(table.concat(given.event, ", ")))
    return exit.usage
  end
  return session.status
end

return {
  name = "run",
  summary = "run a handler on an event, without changing anything",
  description = {
    [[Runs HANDLER on every event of FILE as the host would: the facts it gathers, the decision, the calls
      to AWS it would make, its metrics and its result. Nothing is changed: a dry run takes what it would
      look up from the event's member "world" ({"service.Operation": {target: answer}}) and settings from
      "config"; with --live-reads it asks AWS for the rest, otherwise what is in neither is listed as
      unknown. --live carries the decisions out; nothing is called when the policy set does not verify.]],
    [[Secrets are never printed, logged or decided on: values whose names say that they are secrets, their
      copies elsewhere in the event, and whatever looks like a task token. "redacted" names their places.]],
  },
  positionals = { { name = "HANDLER", doc = table.concat(handlers.names, ", "), words = handlers.names } },
  options = {
    { long = "event", short = "e", value = "FILE", many = true, required = true, complete = "file",
      doc = "events; '-' is standard input" },
    policies.options.directory,
    policies.options.set,
    { long = "log", value = "FILE", complete = "file",
      doc = "append each decision to this decision log, before anything is called" },
    { long = "live", doc = "carry the decision out: call AWS" },
    { long = "live-reads", doc = "in a dry run, look up in AWS what the event's world does not tell" },
    { long = "json", doc = "one JSON object per event" },
  },
  exits = {
    { 0, "every event was handled" },
    { 2, "usage, or an event the handler does not understand" },
    { 3, "the policy set does not load" },
    { 4, "a policy failed while deciding; nothing was carried out for that event" },
    { 6, "an event cannot be read, or a call failed" },
  },
  examples = {
    { "weir run routing -e discovery.json", "which branch, and what would be measured" },
    { "weir run mapping -e events.jsonl --json", "one object for each event" },
    { "weir run mapping -e event.json --live", "start the executions" },
  },
  run = run,
}
