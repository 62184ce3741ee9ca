-- weir lua FILE [ARG…]: a script in the trusted state.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local native = require "weir.terminal"
local process = require "weir.process"

local SCRIPT_LIMIT = 64 * 1024 * 1024

-- As in the lua program: arg[0] is the script, arg[1]… its arguments, below 0 the program.
local function arg_table(file, rest)
  local arg = table.move(rest, 1, #rest, 1, {})
  arg[0], arg[-1], arg[-2] = file, "lua", "weir"
  return arg
end

-- A first line that starts with '#' is for the shell; its line break stays, so that lines count.
local function load_script(file)
  local text, message, code = files.read(file, SCRIPT_LIMIT)
  if not text then return nil, message, code end
  text = text:gsub("^\xef\xbb\xbf", ""):gsub("^#[^\n]*", "")
  local chunk, mistake = load(text, file == "-" and "=stdin" or "@" .. file, "t")
  if not chunk then return nil, mistake, "SyntaxError" end

  return chunk
end

-- The script's part of a traceback; what called it is ours and explains nothing.
local function traceback(message)
  local text = debug.traceback(message, 3)
  local ours = text:find("\n\t[C]: in function 'xpcall'\n\tlua/weir/cli/lua.lua", 1, true)
  return ours and text:sub(1, ours - 1) or text
end

local function with_traceback(raised)
  if type(raised) == "string" then return traceback(raised) end
  local metatable = getmetatable(raised)
  if type(metatable) == "table" and metatable.__tostring then return tostring(raised) end

  return traceback(("(error object is a %s value)"):format(type(raised)))
end

-- The library's os.exit does not report output that cannot be written; this one does.
local exit_process = os.exit

local function exit_written(status, close)
  local written, message = native.finish_output()
  if written then exit_process(status, close) end
  io.stderr:write("weir: cannot write the output: ", message, "\n")
  exit_process(exit.io, close)
end

local function run(given, screen)
  local chunk, message, code = load_script(given.FILE)
  if not chunk then
    screen.err:print("weir: ", message)
    return code == "SyntaxError" and exit.load or exit.io
  end

  process.end_by_broken_pipe()
  _G.arg = arg_table(given.FILE, given.ARG)
  os.exit = exit_written -- luacheck: ignore 122
  local ok, raised = xpcall(chunk, with_traceback, table.unpack(given.ARG))
  if ok then return exit.fine end
  if raised == "not enough memory" then error(raised, 0) end
  screen.err:print("weir: ", raised)

  return exit.findings
end

return {
  name = "lua",
  summary = "run a Lua script with every weir.* module",
  description = {
    [[Runs FILE in the trusted Lua state: all standard libraries and every weir.* module. What
      follows FILE is the script's own, in the table arg and as the arguments of the chunk, as in
      lua. os.exit gives the exit status.]],
    [[A first line that starts with '#' is skipped. Precompiled chunks are refused.]],
  },
  positionals = {
    { name = "FILE", doc = "the script; '-' is standard input", complete = "file" },
    { name = "ARG", doc = "passed on to the script", optional = true, many = true, raw = true,
      complete = "file" },
  },
  exits = {
    { 0, "the script ended" },
    { 1, "the script failed; the message and a traceback are on stderr" },
    { 2, "usage" },
    { 3, "the script does not compile" },
    { 6, "the script cannot be read, its output cannot be written, or memory is short" },
  },
  examples = {
    { "weir lua report.lua recordings/day.jsonl", "run a script with one argument" },
    { "echo 'print(require \"weir.json\".encode({1, 2}))' | weir lua -", "a one-liner" },
  },
  run = run,
}
