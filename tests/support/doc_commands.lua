-- Runs the commands that a document shows, and compares what they print with what it shows:
--   weir lua tests/support/doc_commands.lua [--update] FILE…
--
-- Commands are the lines of fenced ```console blocks that begin with "$ "; "> " continues one.
-- What follows a command is its output, both streams as they come, and "[exit N]" when it fails.
-- In shown output … stands for anything up to the end of what follows it on that line: times,
-- sizes of a terminal. All commands of a file run one after the other in one scratch copy of the
-- repository, so an edit shown in a document is seen by its later commands and by nobody else.
-- --update writes the output into the document where it differs.
package.path = "tests/?.lua;" .. package.path -- as a script, it is not run by run_busted
local files = require("support.files")

local doc_commands = {}

local function read_lines(path)
  local lines = {}
  for line in assert(io.lines(path)) do lines[#lines + 1] = line end
  return lines
end

-- The document's commands: { line, command, first, last }, the shown output being the lines from
-- first to last, none when last < first.
function doc_commands.find(lines)
  local found, current, inside = {}, nil, false
  for number, line in ipairs(lines) do
    if line:find("^```") then
      inside, current = not inside and line:find("^```console%s*$") ~= nil, nil
    elseif inside and line:find("^%$ ") then
      current = { line = number, command = line:sub(3), first = number + 1, last = number }
      found[#found + 1] = current
    elseif inside and current and current.last < current.first and line:find("^> ") then
      current.command = current.command .. "\n" .. line:sub(3)
      current.first, current.last = number + 1, number
    elseif inside and current then
      current.last = number
    end
  end

  return found
end

local function capture(command)
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read("a")
  local _, how, code = pipe:close()

  return output, how == "exit" and code or 128 + code
end

-- A copy of the repository without what is built or fetched; returns its path.
local function scratch_copy()
  local directory = capture("mktemp -d"):gsub("\n", "")
  local copy =
    "tar --exclude=./build --exclude=./.git --exclude=node_modules -cf - . | tar -xf - -C "
  local _, code = capture(copy .. files.quote(directory))
  assert(code == 0, "cannot copy the repository")

  return directory
end

-- Where the running weir is: the parent of the shell that asks.
local function program_directory()
  return (capture("dirname \"$(readlink -f /proc/$PPID/exe)\""):gsub("\n", ""))
end

local function run(command, directory, programs)
  local settings = "PATH=" .. files.quote(programs)
    .. ":\"$PATH\" NO_COLOR=1 COLUMNS=100 TERM=dumb LC_ALL=C.UTF-8"
  local script = ("cd %s && unset WEIR_PARAMS && export %s && exec </dev/null 2>&1 && %s"):format(
    files.quote(directory), settings, command)
  local output, code = capture(script)
  local lines = {}
  for line in output:gmatch("([^\n]*)\n?") do lines[#lines + 1] = line end
  while lines[#lines] == "" do lines[#lines] = nil end
  if code ~= 0 then lines[#lines + 1] = ("[exit %d]"):format(code) end

  return lines
end

-- Whether a line of output is what the document shows, … being anything.
function doc_commands.same_line(shown, got)
  if not shown:find("…", 1, true) then return shown == got end
  local pattern = shown:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("…", ".-")
  return got:find("^" .. pattern .. "$") ~= nil
end

local function same(lines, command, output)
  if command.last - command.first + 1 ~= #output then return false end
  for i, got in ipairs(output) do
    if not doc_commands.same_line(lines[command.first + i - 1], got) then return false end
  end

  return true
end

-- Runs the document's commands. Returns those whose output differs, with their real `output`, and
-- the number of all.
function doc_commands.check(path)
  local lines = read_lines(path)
  local commands = doc_commands.find(lines)
  local directory, programs, wrong = scratch_copy(), program_directory(), {}

  for _, command in ipairs(commands) do
    command.output = run(command.command, directory, programs)
    if not same(lines, command, command.output) then wrong[#wrong + 1] = command end
  end

  capture("rm -rf " .. files.quote(directory))

  return wrong, #commands, lines
end

-- Writes the real output of the commands that differ into the document; lines with … that still
-- hold stay.
function doc_commands.update(path)
  local wrong, _, lines = doc_commands.check(path)
  for i = #wrong, 1, -1 do
    local command = wrong[i]
    for n, got in ipairs(command.output) do
      local shown = command.first + n - 1 <= command.last and lines[command.first + n - 1]
      if shown and doc_commands.same_line(shown, got) then command.output[n] = shown end
    end

    local rest = table.move(lines, command.last + 1, #lines, 1, {})
    for n = #lines, command.first, -1 do lines[n] = nil end
    table.move(command.output, 1, #command.output, #lines + 1, lines)
    table.move(rest, 1, #rest, #lines + 1, lines)
  end

  if #wrong > 0 then
    files.write(path, table.concat(lines, "\n") .. "\n")
  end

  return wrong
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

-- The lines that a document shows after a command that doc_commands does not run, such as a demo.
function doc_commands.shown(path, command)
  local lines, inside = {}, false
  for _, line in ipairs(read_lines(path)) do
    if inside and line:find "^```" then break end
    if inside then lines[#lines + 1] = line end
    inside = inside or line == "$ " .. command
  end

  return lines
end

-- Raises unless the shown lines are printed in this order; "…" alone stands for any lines.
function doc_commands.check_order(shown, output)
  local printed, at = lines_of(output), 1
  for _, wanted in ipairs(shown) do
    if wanted ~= "…" then
      repeat
        local fits = printed[at] and doc_commands.same_line(wanted, printed[at])
        at = at + 1
        assert(at <= #printed + 1, "not printed: " .. wanted)
      until fits
    end
  end
end

local function main(arguments)
  local update, status = arguments[1] == "--update", 0
  for i = update and 2 or 1, #arguments do
    local path = arguments[i]
    for _, command in ipairs(update and doc_commands.update(path) or doc_commands.check(path)) do
      local what = update and "updated" or "the output differs"
      print(("%s:%d: %s: $ %s"):format(path, command.line, what, command.command))
      if not update then
        print(table.concat(command.output, "\n"))
        status = 1
      end
    end
  end

  return status
end

if arg and (arg[0] or ""):find("doc_commands%.lua$") then os.exit(main(arg)) end

return doc_commands
