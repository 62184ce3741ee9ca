-- weir help: what the program is, what a verb does, what a finding means, the man page.
local arguments = require "weir.cli.arguments"
local handlers = require "weir.handlers"
local is_carried = require "weir.is_carried"
local policies = require "weir.cli.policies"
local schemas = require "weir.schemas"
local terminal = require "weir.cli.terminal"

-- The layer goes without the pages of kinds, lists and handlers, and without what shows Markdown.
local TOPICS, MARKDOWN, HANDLERS = "weir.cli.topics", "weir.cli.markdown", "weir.cli.handler_page"

local help = {
  name = "help",
  summary = "explain a verb, a finding code, or everything",
  description = {
    [[Without a TOPIC: the list of verbs. A verb: its arguments, exit statuses and examples. A kind,
      weir's or the policy set's own: its facts and decisions. A finding code of weir check, such as
      W101: what it means and how to mend it. kinds, handlers, findings and exit: lists of them.
      policy: what a policy is.]],
    [[A handler: what it takes, asks, calls and gives. handler NAME: one that is called as a kind is,
      or FILE.METHOD of a function's package; without NAME, the handlers. kind NAME: a kind that is
      called as a verb or a list is.]],
  },
  positionals = {
    {
      name = "TOPIC",
      doc = "a verb, a kind, a handler, a finding code, kinds, kind, handlers, handler, findings, "
        .. "exit or policy",
      optional = true,
      complete = "topic",
    },
    {
      name = "NAME",
      doc = "after handler: one of weir's, or FILE.METHOD; after kind: a kind",
      words = handlers.names,
      optional = true,
    },
  },
  options = {
    policies.options.directory,
    {
      long = "package",
      value = "DIR",
      complete = "directory",
      doc = "the package of a function's own handler; else the current directory",
    },
    { long = "markdown", doc = "print a kind's, a finding's or a list's page as Markdown" },
    { long = "man", doc = "print the manual page in roff, as 'man -l' reads it" },
  },
  exits = {
    { 0, "fine" },
    { 2, "there is no such topic" },
    { 3, "the kinds of the policy set that -p names do not load" },
    { 6, "memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir help check", "the arguments of one verb" },
    { "weir help W101", "the page of a finding" },
    { "weir help routing -p policies/", "a kind's facts and decisions, the set's own facts too" },
    { "weir help handler routing", "event, settings, calls and permissions of a handler" },
    { "weir help --man | man -l -", "the manual page" },
  },
}

help.purpose = "Decide routing and events with Lua policies, and try them on recorded events first."

-- The program's own exit statuses, for the list of verbs and the man page.
help.exits = {
  { 0, "fine, or no difference" },
  { 1, "differences or findings" },
  { 2, "usage: an unknown verb, flag or value" },
  { 3, "a policy does not load" },
  { 4, "a policy failed while deciding" },
  { 5, "inconclusive" },
  { 6, "a file cannot be read or written, AWS failed, or memory is short" },
  { 7, "integrity: a bundle is not what its digests say" },
}

help.environment = {
  { "NO_COLOR", "never colour the output" },
  { "FORCE_COLOR, CLICOLOR_FORCE", "colour even when the output is not a terminal" },
  { "WEIR_PARAMS", "policy parameters as a JSON object; --params and --set win over it" },
}

local function section(out, title) out:print("\n", out:paint("bold", title)) end

-- Two columns: labels, then their text wrapped beside them.
local function definitions(out, entries)
  local widest = 0
  for _, entry in ipairs(entries) do
    widest = math.max(widest, terminal.width(tostring(entry[1])))
  end

  local indent = (" "):rep(widest + 4)
  for _, entry in ipairs(entries) do
    local label = tostring(entry[1])
    local lines = terminal.wrap(entry[2], math.min(out.columns, 100), indent)
    lines[1] = "  " .. label .. (lines[1] or indent):sub(#label + 3)
    for _, line in ipairs(lines) do out:print(line) end
  end
end

function help.program(out)
  local cli = require "weir.cli"
  out:print("weir: ", help.purpose)
  out:print("\nUsage: weir VERB [ARGUMENT…]")
  section(out, "Verbs")
  local entries = {}
  for _, name in ipairs(cli.verbs) do entries[#entries + 1] = { name, cli.verb(name).summary } end
  definitions(out, entries)
  section(out, "Exit status")
  definitions(out, help.exits)
  out:print("\nNext: weir help VERB")
end

function help.verb(verb, out)
  local width = math.min(out.columns, 100)
  local title = ("weir %s: %s"):format(verb.name, verb.summary)
  for _, line in ipairs(terminal.wrap(title, width, "")) do out:print(line) end
  out:print()
  for i, line in ipairs(terminal.wrap("Usage: " .. arguments.usage(verb), width - 4, "")) do
    out:print(i > 1 and "    " or "", line)
  end

  for _, paragraph in ipairs(verb.description or {}) do
    out:print()
    for _, line in ipairs(terminal.wrap(paragraph, math.min(out.columns, 100), "  ")) do
      out:print(line)
    end
  end

  local entries = {}
  for _, positional in ipairs(verb.positionals or {}) do
    entries[#entries + 1] = { positional.name, positional.doc }
  end

  if entries[1] then
    section(out, "Arguments")
    definitions(out, entries)
  end

  entries = {}
  for _, option in ipairs(arguments.options(verb)) do
    entries[#entries + 1] = { arguments.option_label(option), option.doc }
  end

  section(out, "Options")
  definitions(out, entries)
  section(out, "Exit status")
  definitions(out, verb.exits)
  section(out, "Examples")
  for _, example in ipairs(verb.examples) do
    out:print("  ", out:paint("cyan", example[1]))
    out:print("      ", example[2])
  end
end

-- The schemas of all kinds, with those of the policy set that is meant. Where none is named, one
-- that is not there or does not load adds nothing. nil, and the exit status, when the named one
-- fails.
local function known_schemas(given, screen)
  local directory = policies.directory(given.policies)
  if not directory then return schemas.of() end
  local declared, findings, code = require("weir.policy_set").kinds(directory)
  if declared or not given.policies then return schemas.of(declared) end

  return nil, require("weir.cli.messages").refusal(screen, "help", directory, findings, code)
end

-- A kind's page, with its facts and decisions; one that lists things; or a finding's.
local function page_of(topic, known)
  local page = is_carried(TOPICS) and require(TOPICS).page(topic, known)
  return page or require("weir.findings").page(topic:upper())
end

-- What a policy set says of its kinds is not obeyed by the terminal.
local function print_page(out, page, as_markdown)
  page = page:gsub("[^\n]+", terminal.printable)
  if as_markdown or not is_carried(MARKDOWN) then
    out:write(page)
  else
    require(MARKDOWN).print(out, page)
  end
end

-- The handlers that no kind of weir's hides.
local function handler_topics()
  local names, kinds = {}, {}
  for _, kind in ipairs(schemas.names(schemas.of())) do kinds[kind] = true end
  for _, name in ipairs(handlers.names) do
    if not kinds[name] then names[#names + 1] = name end
  end

  return names
end

-- Topics for "did you mean": verbs, lists, kinds, handlers and finding codes. known: schemas, if
-- not weir's own.
function help.topics(known)
  local names = table.move(require("weir.cli").verbs, 1, #require("weir.cli").verbs, 1, {})
  for _, name in ipairs(is_carried(TOPICS) and require(TOPICS).names or {}) do
    names[#names + 1] = name
  end

  for _, kind in ipairs(schemas.names(known or schemas.of())) do names[#names + 1] = kind end
  for _, name in ipairs(is_carried(HANDLERS) and handler_topics() or {}) do
    names[#names + 1] = name
  end

  for _, code in ipairs(require("weir.findings").codes()) do names[#names + 1] = code end

  return names
end

-- Loaded only when it is needed: the layer does not have it.
local function show_handler(name, package, screen)
  if not is_carried(HANDLERS) then
    return nil, "the pages of handlers belong to the command-line program, not to the layer"
  end

  local out, pages = screen.out, require(HANDLERS)
  if not name then
    definitions(out, pages.list())
    out:print("\nNext: weir help handler NAME")
    return 0
  end

  local page, message = pages.of(name, package or ".")
  if not page then return nil, message end
  local title = terminal.printable("weir help handler " .. page.title)
  for _, line in ipairs(terminal.wrap(title, math.min(out.columns, 100), "")) do out:print(line) end
  for _, part in ipairs(page.sections) do
    if #part[2] > 0 then
      section(out, part[1])
      definitions(out, part[2])
    end
  end

  section(out, "Examples")
  for _, example in ipairs(page.examples) do
    out:print("  ", out:paint("cyan", example[1]))
    out:print("      ", example[2])
  end

  return 0
end

-- What any topic would hide that has the name of the kind.
local function show_kind(given, screen)
  local known, status = known_schemas(given, screen)
  if not known then return status end
  if not is_carried(TOPICS) then
    return nil, "the pages of kinds belong to the command-line program, not to the layer"
  end

  local page = require(TOPICS).kind(given.NAME, known)
  if not page then
    return nil, ("there is no kind '%s'"):format(given.NAME),
      ("kinds are: %s; -p DIR names a policy set with kinds of its own"):format(
        table.concat(schemas.names(known), ", "))
  end

  print_page(screen.out, page, given.markdown)

  return 0
end

function help.run(given, screen)
  if given.man then
    screen.out:write(require("weir.cli.man").page())
    return 0
  end

  local topic = given.TOPIC
  if not topic then
    help.program(screen.out)
    return 0
  end

  if topic == "handler" then return show_handler(given.NAME, given.package, screen) end
  if topic == "kind" and given.NAME then return show_kind(given, screen) end
  if given.NAME then return nil, ("unexpected argument '%s'"):format(given.NAME) end
  local verb = require("weir.cli").verb(topic)
  if verb then
    help.verb(verb, screen.out)
    return 0
  end

  local known, status = known_schemas(given, screen)
  if not known then return status end
  local page = page_of(topic, known)
  if page then
    print_page(screen.out, page, given.markdown)
    return 0
  end

  local elsewhere = require("weir.cli").elsewhere(topic)
  if elsewhere then return nil, elsewhere end
  if not is_carried(TOPICS) then
    return nil, ("no help on '%s' in the layer"):format(topic),
      "the command-line program has the pages of kinds, handlers and lists"
  end

  if handlers.find(topic) then return show_handler(topic, nil, screen) end
  local close = require "weir.suggest"(topic, help.topics(known))

  return nil, ("no help on '%s'"):format(topic), close and ("did you mean '%s'?"):format(close)
    or "weir help lists the verbs; a kind of a policy set's own is shown with -p DIR"
end

return help
