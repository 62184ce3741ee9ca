-- The command line: finds the verb, parses its arguments as the verb declares them, and turns
-- whatever happens into an exit status. Each verb is a file in weir/cli/.
--
-- Exit status: 0 fine or no difference · 1 differences or findings · 2 usage · 3 a policy does not
-- load · 4 a policy failed while deciding · 5 inconclusive · 6 I/O or AWS · 7 integrity.
local arguments = require "weir.cli.arguments"
local contains = require "weir.contains"
local exit = require "weir.cli.exit"
local is_carried = require "weir.is_carried"
local messages = require "weir.cli.messages"
local native = require "weir.terminal"
local process = require "weir.process"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"

local cli = {}

-- The screen of the verb that runs.
local opened

-- In the order of the help. Each name is a module weir.cli.NAME that returns a declaration (see
-- weir/cli/arguments.lua). The Lambda layer carries those that prove that it decides as the program
-- on the laptop does; the others belong to the command-line program.
local VERBS = {
  { name = "check", in_layer = true },
  { name = "decide", in_layer = true },
  { name = "explain" },
  { name = "explore" },
  { name = "run" },
  { name = "replay", in_layer = true },
  { name = "diff", in_layer = true },
  { name = "match" },
  { name = "report" },
  { name = "shadow" },
  { name = "capsule" },
  { name = "watch" },
  { name = "new" },
  { name = "stubs" },
  { name = "test" },
  { name = "example" },
  { name = "bench" },
  { name = "bundle" },
  { name = "emulate" },
  { name = "permissions" },
  { name = "compare" },
  { name = "registry" },
  { name = "simulate" },
  { name = "deploy" },
  { name = "cleanup" },
  { name = "doctor" },
  { name = "lua", in_layer = true }, -- in a layer there is no other way to look inside
  { name = "completion" },
  { name = "version", in_layer = true },
  { name = "help", in_layer = true },
}

-- Each verb's module, by its name.
local MODULES = {}
for _, verb in ipairs(VERBS) do MODULES[verb.name] = "weir.cli." .. verb.name end

-- The names of the verbs that this program has, and of those that only the other one has.
cli.verbs, cli.absent = {}, {}
for _, verb in ipairs(VERBS) do
  local list = (verb.in_layer or is_carried(MODULES[verb.name])) and cli.verbs or cli.absent
  list[#list + 1] = verb.name
end

-- Why there is no such verb here although there is one; nil for any other name.
function cli.elsewhere(name)
  if not contains(cli.absent, name) then return nil end
  return ("the verb '%s' belongs to the command-line program, not to the layer"):format(name)
end

function cli.verb(name)
  if contains(cli.verbs, name) then return require(MODULES[name]) end
end

local function usage_error(screen, verb, message, hint, next_command)
  return messages.failure(screen, verb, {
    message = message,
    hint = hint,
    code = "Usage",
    exit = exit.usage,
    next = next_command,
  })
end

-- Does the verb print JSON, as far as one can tell of words that may be wrong?
local function wants_json(verb, argv)
  local knows = false
  for _, option in ipairs(verb.options or {}) do knows = knows or option.long == "json" end
  if not knows then return false end
  for _, word in ipairs(argv) do
    if word == "--" then return false end
    if word == "--json" then return true end
  end

  return false
end

local function run_verb(verb, argv)
  local given, message, hint = arguments.parse(verb, argv)
  local screen = terminal.open {
    no_color = given and given.no_color,
    color = given and given.color,
    quiet = given and given.quiet,
    json = wants_json(verb, argv),
  }

  opened = screen
  if not given then
    return usage_error(screen, verb.name, message, hint, "weir help " .. verb.name)
  end

  if given.help then
    require("weir.cli.help").verb(verb, screen.out)
    return exit.fine
  end

  local status, mistake, advice = verb.run(given, screen)
  if not mistake then return status end
  return usage_error(screen, verb.name, mistake, advice, "weir help " .. verb.name)
end

local function dispatch(argv)
  local name = argv[1]
  local screen = terminal.open {}
  if name == nil then
    require("weir.cli.help").program(screen.err)
    return exit.usage
  elseif name == "--help" or name == "-h" then
    require("weir.cli.help").program(screen.out)
    return exit.fine
  elseif name == "--version" or name == "-V" then
    screen.out:printf("weir %s (Lua %s)", process.version,
      require("weir.build").describe().lua.version)
    return exit.fine
  end

  local verb = cli.verb(name)
  if verb then return run_verb(verb, table.move(argv, 2, #argv, 1, {})) end

  screen = terminal.open { json = contains(argv, "--json") }
  local elsewhere = cli.elsewhere(name)
  if elsewhere then return usage_error(screen, nil, elsewhere, nil, "weir help") end
  local close = suggest(name, cli.verbs)
  local what = name:sub(1, 1) == "-" and "option" or "verb"

  return usage_error(screen, nil, ("unknown %s '%s'"):format(what, name),
    close and ("did you mean '%s'?"):format(close), close and "weir help " .. close or "weir help")
end

-- A reader that went away, as head does, is not reported; a full disk is.
local function report_write_failure(failure)
  if not failure.message:find("Broken pipe", 1, true) then
    io.stderr:write("weir: cannot write the output: ", failure.message, "\n")
  end

  return exit.io
end

-- Lua's own message, and that of C code; no traceback is made, which would need memory.
local function is_out_of_memory(raised)
  return type(raised) == "string" and raised:find("not enough memory", -17, true) ~= nil
end

-- Allocates no memory: every text is a constant.
local function report_out_of_memory()
  io.stderr:write("weir: not enough memory\n")
  if opened and opened.json then
    io.stdout:write('{"code":"OutOfMemory","error":"not enough memory","exit":6}\n')
    io.stdout:flush()
  end

  return exit.io
end

local function with_traceback(raised)
  if getmetatable(raised) == terminal.WriteFailed or is_out_of_memory(raised) then return raised end
  return debug.traceback(tostring(raised), 2)
end

-- main(argv) → exit status. argv[1] is the verb. Never raises.
function cli.main(argv)
  local ok, status = xpcall(function()
    local status = dispatch(argv)
    local written, message = native.finish_output()
    if not written then error(terminal.WriteFailed(message), 0) end

    return status
  end, with_traceback)
  if ok then return status end

  if getmetatable(status) == terminal.WriteFailed then return report_write_failure(status) end
  if is_out_of_memory(status) then return report_out_of_memory() end
  io.stderr:write("weir: internal error, please report it: ", status, "\n")
  if opened and opened.json then
    opened.out:print(terminal.json { error = status, code = "InternalError", exit = exit.io })
  end

  return exit.io
end

return cli
