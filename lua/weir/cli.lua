-- The command line: finds the verb, parses its arguments as the verb declares them, and turns
-- whatever happens into an exit status. Each verb is a file in weir/cli/.
--
-- Exit status: 0 fine or no difference · 1 differences or findings · 2 usage · 3 a policy does not
-- load · 4 a policy failed while deciding · 5 inconclusive · 6 I/O or AWS · 7 integrity.
local arguments = require "weir.cli.arguments"
local exit = require "weir.cli.exit"
local process = require "weir.process"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"

local cli = {}

-- In the order of the help. Each name is a module weir.cli.NAME that returns a declaration
-- (see weir/cli/arguments.lua).
cli.verbs = { "check", "decide", "run", "replay", "diff", "match", "watch", "bundle", "emulate", "lua", "completion",
  "version", "help" }

function cli.verb(name)
  for _, known in ipairs(cli.verbs) do
    if known == name then return require("weir.cli." .. name) end
  end
end

-- Prints what is wrong, what may help and what to type next; answers the status of a usage error.
local function usage_error(screen, message, hint, next_command)
  local err = screen.err
  err:print("weir: ", terminal.printable(message), hint and "; " .. terminal.printable(hint) or "")
  err:print("Next: ", next_command)
  return exit.usage
end

local function run_verb(verb, argv)
  local given, message, hint = arguments.parse(verb, argv)
  local screen = terminal.open({ no_color = given and given.no_color })
  if not given then
    return usage_error(screen, ("%s: %s"):format(verb.name, message), hint, "weir help " .. verb.name)
  end
  if given.help then
    require("weir.cli.help").verb(verb, screen.out)
    return 0
  end
  local status, problem, advice = verb.run(given, screen)
  if problem then
    return usage_error(screen, ("%s: %s"):format(verb.name, problem), advice, "weir help " .. verb.name)
  end
  return status
end

local function dispatch(argv)
  local name = argv[1]
  local screen = terminal.open({})
  if name == nil then
    require("weir.cli.help").program(screen.err)
    return exit.usage
  elseif name == "--help" or name == "-h" then
    require("weir.cli.help").program(screen.out)
    return 0
  elseif name == "--version" or name == "-V" then
    screen.out:printf("weir %s (Lua %s)", process.version, require("weir.build").describe().lua.version)
    return 0
  end
  local verb = cli.verb(name)
  if verb then return run_verb(verb, table.move(argv, 2, #argv, 1, {})) end
  local close = suggest(name, cli.verbs)
  local what = name:sub(1, 1) == "-" and "option" or "verb"
  return usage_error(screen, ("unknown %s '%s'"):format(what, name),
    close and ("did you mean '%s'?"):format(close), close and "weir help " .. close or "weir help")
end

-- A reader that went away is no news for anybody; a full disk is.
local function report_write_failure(failure)
  if not failure.message:find("Broken pipe", 1, true) then
    io.stderr:write("weir: cannot write the output: ", failure.message, "\n")
  end
  return exit.io
end

local function with_traceback(problem)
  if getmetatable(problem) == terminal.WriteFailed then return problem end
  return debug.traceback(tostring(problem), 2)
end

-- main(argv) → exit status. argv[1] is the verb. Never raises.
function cli.main(argv)
  local ok, status = xpcall(function()
    local status = dispatch(argv)
    local flushed, message = io.stdout:flush()
    if not flushed then error(terminal.WriteFailed(message), 0) end
    return status
  end, with_traceback)
  if ok then return status end
  if getmetatable(status) == terminal.WriteFailed then return report_write_failure(status) end
  io.stderr:write("weir: internal error, please report it: ", status, "\n")
  return exit.io
end

return cli
