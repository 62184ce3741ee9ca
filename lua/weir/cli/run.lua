-- weir run HANDLER -e EVENT: a whole handler, weir's or the function's own, dry unless told
-- otherwise.
local events = require "weir.cli.events"
local declarations = require "weir.declarations"
local exit = require "weir.cli.exit"
local failure = require "weir.runtime.failure"
local handler_of = require "weir.runtime.handler"
local handlers = require "weir.handlers"
local json = require "weir.json"
local make_effects = require "weir.effects"
local messages = require "weir.cli.messages"
local policies = require "weir.cli.policies"
local process = require "weir.process"
local redact = require "weir.redact"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"

-- Whose fault a failed run is, by its code: the caller's, the policy's, or else the world's.
local STATUS = {
  InvalidEvent = exit.usage,
  InvalidFacts = exit.usage,
  InvalidParams = exit.usage,
  InvalidSetting = exit.usage,
  InvalidSuffix = exit.usage,
  NotConfigured = exit.usage,
  TokenDoesNotFit = exit.usage,
  Unknown = exit.usage,
  WrongBucket = exit.usage,
  BudgetSpent = exit.decide,
  InvariantBroken = exit.decide,
  PolicyError = exit.decide,
  UnknownKind = exit.decide,
  NoPolicySet = exit.load,
}

local function status_of(code) return STATUS[code] or exit.io end

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

-- What the handler's effects do: plan, or call AWS. Takes "world" and "config" off the event: they
-- are for the dry run, the handler never sees them. nil, message when they are not objects.
local function effects_for(event, given)
  if type(event) ~= "table" or json.is_array(event) then
    return given.live and make_effects.live() or make_effects.dry { live_reads = given.live_reads }
  end

  local world, message = object_member(event, "world")
  if not world then return nil, message end
  local config
  config, message = object_member(event, "config")
  if not config then return nil, message end

  event.world, event.config = nil, nil
  if given.live then return make_effects.live() end
  return make_effects.dry { world = world, config = config, live_reads = given.live_reads }
end

local function show_decision(out, decision)
  out:print(out:paint("dim", "facts     "), terminal.excerpt(safe(decision.facts), 400))
  out:print(out:paint("dim", "decision  "), out:paint("bold", terminal.printable(decision.action)),
    "  ",
    terminal.printable(decision.because), "  ",
    out:paint("dim", terminal.printable(("%s:%d"):format(decision.file, decision.line))))
end

local function show_plan(out, effects)
  local title = effects.dry and "plan      " or "calls     "
  if #effects.plan == 0 then out:print(out:paint("dim", title), "nothing to call") end
  for i, call in ipairs(effects.plan) do
    out:print(out:paint("dim", i == 1 and title or "          "), i, ". ", call.service, " ",
      out:paint("bold", call.operation), "  ", terminal.printable(call.target))
    out:print("             ", terminal.excerpt(safe(call.input), 400))
  end

  for _, unknown in ipairs(effects.unknown) do
    out:print(out:paint("warning", "unknown   "), terminal.printable(redact.text(unknown.what)),
      " (",
      terminal.printable(redact.text(unknown.remedy)), ")")
  end
end

local function show_metrics(out, effects)
  for i, metric in ipairs(effects.metrics) do
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

local function show_json(out, report, status)
  local effects = report.effects
  local decisions = json.array({})
  for i, decision in ipairs(report.decisions) do
    decisions[i] = {
      kind = decision.kind,
      facts = decision.facts,
      redacted = decision.redacted,
      decision = decision.fields,
      because = decision.because,
      file = decision.file,
      line = decision.line,
      params = json.decode(decision.params_json),
    }
  end

  out:print(safe {
    handler = report.handler,
    dry = effects.dry,
    decisions = decisions,
    plan = json.array(effects.plan),
    metrics = json.array(effects.metrics),
    unknown = json.array(effects.unknown),
    result = report.result,
    error = report.error,
    code = report.error and report.error.code,
    exit = report.error and status,
  })
end

-- A handler of the function's own ----------------------------------------------------------------

-- What a streamed response comes to: the parts in one text.
local function streamed(result)
  if type(result) ~= "function" then return result end
  local parts = {}
  result(function(text) parts[#parts + 1] = text end)

  return table.concat(parts)
end

-- As the runtime has it: what is raised, and a result that is not JSON, fails with LuaError.
local function answer_of(run, ...)
  local result, message, code = run(...)
  if result == nil then return nil, message or "the handler gave no reason", code or "Unknown" end
  result = streamed(result)
  local fine, problem = pcall(json.encode, result)
  if not fine then error("the result is not JSON: " .. problem:match("encode: (.*)"), 0) end

  return result
end

local function caught(run, ...)
  local returned = table.pack(xpcall(answer_of, failure.from_raised, run, ...))
  if returned[1] then return table.unpack(returned, 2, returned.n) end
  return nil, returned[2].message, returned[2].type
end

-- The handler | nil, message, hint
local function find_handler(given)
  local own = handlers.find(given.HANDLER)
  if own then return own end
  if not given.HANDLER:find(".", 1, true) then
    local close = suggest(given.HANDLER, handlers.names)
    return nil, ("unknown handler '%s'"):format(given.HANDLER),
      close and ("did you mean '%s'?"):format(close) or "handlers are: "
        .. table.concat(handlers.names, ", ") .. ", or FILE.METHOD of a function's package"
  end

  local located, message = handler_of.locate(given.HANDLER, given.package or ".")
  if not located then return nil, message end
  local ok, found, problem = pcall(handler_of.find, given.HANDLER, given.package or ".")
  if ok and found then return found end

  if ok then return nil, problem:match("^_HANDLER is '.-', and (.*)") or problem end
  return nil, ("%s cannot be run: %s"):format(located.path, tostring(found))
end

-- Of a handler of weir's its declaration has one; a function's own file has it as METHOD_example.
local function show_example(handler, screen)
  local example = handler.example
  if not handler.from_package then example = declarations.find(handler.name).example end
  if example == nil then
    return nil, ("%s has no example of an event"):format(handler.name),
      ("let its file have %s_example = { … }"):format(handler.name:match("[%w_]*$"))
  end

  screen.out:print(json.encode(example, { indent = 2 }))
  return exit.fine
end

local Session = {}
Session.__index = Session

function Session:worse(status) self.status = math.max(self.status, status) end

function Session:fail(place, code, message, status)
  self.screen.err:print("weir: run: ", terminal.printable(events.place(place)), ": ",
    self.screen.err:paint("error", code), ": ", terminal.printable(message))
  self:worse(status)
end

-- An event that no handler is given.
function Session:bad_event(place, message)
  self:fail(place, "InvalidEvent", message, exit.usage)
  if not self.given.json then return end
  self.screen.out:print(safe {
    handler = self.given.HANDLER,
    error = { message = message, code = "InvalidEvent" },
    code = "InvalidEvent",
    exit = exit.usage,
    file = place.path,
    line = place.line,
    item = place.item,
  })
end

function Session:event(text, place, message)
  self.count = self.count + 1
  if not text then return self:bad_event(place, message) end
  local event, problem = json.decode(text, { secrets = true })
  if event == nil then return self:bad_event(place, "not valid JSON: " .. problem) end
  local effects, wrong = effects_for(event, self.given)
  if not effects then return self:bad_event(place, wrong) end

  local report = handlers.run(self.handler, event, self.set, effects, {
    log = self.given.log and handlers.log_to(self.given.log),
    caught = caught,
  })

  local status = report.error and status_of(report.error.code) or exit.fine
  local out = self.screen.out
  if self.given.json then
    show_json(out, report, status)
  else
    out:print(out:paint("bold", self.given.HANDLER), "  ", terminal.printable(events.place(place)),
      effects.dry and "  (dry run)" or "")
    show(out, report)
  end

  if report.error then self:fail(place, report.error.code, report.error.message, status) end
end

local function run(given, screen)
  local handler, unknown, advice = find_handler(given)
  if not handler then return nil, unknown, advice end
  if given.example then return show_example(handler, screen) end
  if not given.event then
    return nil, "no event is given",
      "name a file with -e FILE, or -e - for standard input; --example prints one"
  end

  process.keep_secrets() -- best effort: outputs are kept free of secrets in any case
  local set
  local may_ask = (handler.may_ask or handler.from_package) and policies.directory(given.policies)

  if handler.asks or may_ask or given.set or given.params or given.policies then
    local directory
    set, directory = policies.load("run", given, screen)
    if not set then return directory() end
  end

  local session = setmetatable({
    given = given,
    screen = screen,
    handler = handler,
    set = set,
    status = exit.fine,
    count = 0,
  }, Session)
  for _, path in ipairs(given.event) do
    local ok, message, code = events.each(path, function(...) session:event(...) end)
    if not ok then
      session:worse(messages.failure(screen, "run",
        { message = message, code = code, exit = exit.io }))
    end
  end

  if session.count == 0 and session.status == exit.fine then
    return messages.failure(screen, "run", {
      message = "there is no event in " .. table.concat(given.event, ", "),
      code = "NoEvent",
      exit = exit.usage,
    })
  end

  return session.status
end

return {
  name = "run",
  summary = "run a handler on an event, without changing anything",
  description = {
    [[Runs HANDLER on every event of FILE as the host would: the facts it gathers, the decision,
      the calls to AWS it would make, its metrics and its result. Nothing is changed: a dry run
      takes what it would look up from the event's member "world" ({"service.Operation": {target:
      answer}}; an answer may be a list, for one call after the other, or {"failure": {"code":
      …}}) and settings from "config"; with --live-reads it asks AWS for the rest, otherwise what
      is in neither is listed as unknown. --live carries the decisions out; nothing is called when
      the policy set does not verify.]],
    [[A handler of a function's own package is FILE.METHOD, as Lambda names it: FILE.lua is looked
      for in --package. It runs as it does in the runtime, with the effects of a dry run.]],
    [[Secrets are never printed, logged or decided on: values whose names say that they are
      secrets, their copies elsewhere in the event, and whatever looks like a task token.
      "redacted" names their places.]],
  },
  positionals = {
    {
      name = "HANDLER",
      doc = table.concat(handlers.names, ", ") .. "; or FILE.METHOD of a function's package",
      words = handlers.names,
    },
  },
  options = {
    { long = "event", short = "e", value = "FILE", many = true, complete = "file",
      doc = "events; '-' is standard input" },
    {
      long = "package",
      value = "DIR",
      complete = "directory",
      doc = "the package of a function's own handler; else the current directory",
    },
    policies.options.directory,
    policies.options.set,
    policies.options.params,
    { long = "log", value = "FILE", complete = "file",
      doc = "append each decision to this decision log, before anything is called" },
    { long = "example", doc = "print an event of HANDLER to start from, and run nothing" },
    { long = "live", doc = "carry the decision out: call AWS" },
    {
      long = "live-reads",
      doc = "in a dry run, look up in AWS what the event's world does not tell",
    },
    { long = "json", doc = "one JSON object per event" },
  },
  exits = {
    { 0, "every event was handled" },
    { 2, "usage, or an event that the handler does not understand or that lacks what it needs" },
    { 3, "the policy set does not load" },
    { 4, "a policy failed while deciding; nothing was carried out for that event" },
    { 6, "an event cannot be read, a call to AWS or the function's own handler failed, or memory "
      .. "is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir run routing -e discovery.json", "which branch, and what would be measured" },
    { "weir run mapping --example > event.json", "an event to start from" },
    { "weir run mapping -e events.jsonl --json", "one object for each event" },
    { "weir run mapping -e event.json --live", "start the executions" },
    { "weir run orders.handle --package src/ -e event.json", "a handler of your own" },
  },
  run = run,
}
