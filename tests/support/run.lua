-- Runs the built program as an operator would, for the specs in tests/cli/.
--
--   local run = require "support.run"
--   local result = run { "match", "{}", stdin = "{}\n", env = { NO_COLOR = "1" } }
--   result.status, result.stdout, result.stderr
--
-- It runs run.program, or the given `program`.
-- Every run starts from the same environment: no colour variables, TERM=xterm, LANG=C.UTF-8.
-- With terminal = true the program runs on a pseudo terminal, without input, and stdout holds both
-- streams. A run that hangs is ended after `timeout` seconds, with status 124.
local files = require "support.files"
local process = require "weir.process"

local run = {}

-- The program under test: $WEIR, or the one these specs run in.
run.program = os.getenv("WEIR") or assert(process.executable())

-- Beside running: what the specs of programs need of support.files.
run.quote, run.read, run.write = files.quote, files.read, files.write
run.directory, run.remove = files.directory, files.remove

local CLEAN = "env -u NO_COLOR -u FORCE_COLOR -u CLICOLOR_FORCE -u COLUMNS -u WEIR_PARAMS -u "
  .. "WEIR_STATE_MACHINE"
  .. " TERM=xterm LANG=C.UTF-8"

local function command_line(given)
  -- What runs in the background is stopped when it reads from its terminal.
  local where = given.terminal and "--foreground " or ""
  local words = { CLEAN, ("timeout %s%d"):format(where, given.timeout or 600) }
  for name, value in pairs(given.env or {}) do
    table.insert(words, 2, run.quote(name .. "=" .. value))
  end

  words[#words + 1] = run.quote(given.program or run.program)
  for _, argument in ipairs(given) do words[#words + 1] = run.quote(argument) end

  return table.concat(words, " ")
end

-- `redirect` replaces where stdout goes, as in redirect = ">/dev/full".
local function execute(given)
  local out, err, input = os.tmpname(), os.tmpname(), os.tmpname()
  run.write(input, given.stdin or "")
  local command = command_line(given)
  if given.terminal then
    command = "script -qec " .. run.quote(command) .. " /dev/null"
    os.remove(input)
    input = "/dev/null"
  end

  command = ("cd %s && %s <%s %s 2>%s"):format(run.quote(given.directory or "."), command, input,
    given.redirect or ">" .. out, err)
  local _, how, status = os.execute(command)
  local result = {
    stdout = run.read(out),
    stderr = run.read(err),
    status = how == "exit" and status or 128 + status,
  }

  os.remove(out)
  os.remove(err)
  if not given.terminal then os.remove(input) end

  return result
end

-- Whether the program was built with AddressSanitizer, which needs terabytes of addresses.
function run.is_sanitized()
  local script = "ulimit -v 8388608; exec " .. run.quote(run.program) .. " --version"
  return not os.execute("bash -c " .. run.quote(script) .. " >/dev/null 2>&1")
end

return setmetatable(run, { __call = function(_, given) return execute(given) end })
