-- How failures and findings are shown. A finding is `file:line:column: severity[code] message`, the
-- line of source with a caret under the place, and what to do.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local terminal = require "weir.cli.terminal"

local messages = {}

local SOURCE_LIMIT = 16 * 1024 * 1024
local LONGEST_LINE = 160

-- Lines of files that findings point into, read once.
local Sources = {}
Sources.__index = Sources

function Sources:read(file)
  if not self[file] then
    local text = files.read(file, SOURCE_LIMIT)
    local lines = { text = text or "" }
    for line in (text and text:gsub("\r\n?", "\n") .. "\n" or ""):gmatch("([^\n]*)\n") do
      lines[#lines + 1] = line
    end

    self[file] = lines
  end

  return self[file]
end

function Sources:line(file, number) return self:read(file)[number] end

-- What the source adds to findings of loading.
local EXPLAINED = { W003 = true, W014 = true }

local function explain(finding, sources)
  if not EXPLAINED[finding.code] then return end
  require("weir.lint").explain(sources:read(finding.file).text, finding)
end

local function with_spaces(text) return (text:gsub("\t", " ")) end

-- The source line and a marker line under it; a line too long to read is left out.
local function excerpt(out, finding, sources)
  local line = finding.line > 0 and sources:line(finding.file, finding.line)
  if not line or #line > LONGEST_LINE then return false end
  local number = ("%5d"):format(finding.line)
  out:print(out:paint("dim", number .. " |"), " ", terminal.printable(with_spaces(line)))
  if not finding.column or finding.column == 0 then return false end
  local before = terminal.printable(with_spaces(line:sub(1, finding.column - 1)))
  local marked = terminal.printable(with_spaces(line:sub(finding.column,
    finding.column + (finding.size or 1) - 1)))
  out:print(out:paint("dim", "      |"), " ", (" "):rep(terminal.width(before)),
    out:paint(finding.severity, ("^"):rep(math.max(1, terminal.width(marked)))),
    finding.hint and " " .. terminal.printable(finding.hint) or "")
  return true
end

local function place(finding)
  local parts = { terminal.printable(finding.file) }
  if finding.line > 0 then
    parts[#parts + 1] = finding.line
    if finding.column and finding.column > 0 then parts[#parts + 1] = finding.column end
  end

  return table.concat(parts, ":")
end

-- Prints findings for people.
function messages.findings(out, findings)
  local sources = setmetatable({}, Sources)
  for _, finding in ipairs(findings) do
    explain(finding, sources)
    out:print(out:paint("bold", place(finding)), ": ",
      out:paint(finding.severity, ("%s[%s]"):format(finding.severity, finding.code)), " ",
      terminal.printable(finding.message))
    if not excerpt(out, finding, sources) and finding.hint then
      out:print("      = ", terminal.printable(finding.hint))
    end
  end
end

-- Reports why a verb ends, and returns its exit status:
--
--   return messages.failure(screen, "decide", {
--     message = "…",          -- what happened
--     hint = "did you mean …?", next = "weir help decide",   -- what to do, both optional
--     code = "NotFound", exit = exit.io,
--   })
--
-- On stderr for people; with --json also as {"error":…,"code":…,"exit":…} on stdout. `more` has
-- further members of that object.
function messages.failure(screen, verb, failure)
  local err = screen.err
  local hint = failure.hint and "; " .. terminal.printable(failure.hint) or ""
  err:print("weir: ", verb and verb .. ": " or "", terminal.printable(failure.message), hint)
  if failure.next then err:next(terminal.printable(failure.next)) end

  if screen.json then
    local object = { error = failure.message, hint = failure.hint, code = failure.code,
      exit = failure.exit }
    for name, value in pairs(failure.more or {}) do -- any order: copies one key at a time
      object[name] = value
    end

    screen.out:print(terminal.json(object))
  end

  return failure.exit
end

-- The exit status of a set that does not load, by the code that loading gave.
local LOAD_STATUS = { OutOfMemory = exit.io, DigestMismatch = exit.integrity }

function messages.load_status(code) return LOAD_STATUS[code] or exit.load end

-- Reports that there was no memory for a set. Findings made until then are not shown: they may be
-- wrong.
function messages.shortage(screen, verb, directory)
  return messages.failure(screen, verb, {
    message = "not enough memory to load the policy set " .. directory,
    code = "OutOfMemory",
    exit = exit.io,
  })
end

-- Findings as the screen wants them: objects on standard output, or texts on standard error.
function messages.show_findings(screen, findings)
  if screen.json then
    messages.findings_json(screen.out, findings)
  else
    messages.findings(screen.err, findings)
  end
end

-- Findings and then why the set cannot be used: what a verb does whose policy set does not load.
function messages.refusal(screen, verb, directory, findings, code)
  if code == "OutOfMemory" then return messages.shortage(screen, verb, directory) end
  messages.show_findings(screen, findings)
  return messages.failure(screen, verb, {
    message = ("the policy set %s does not load"):format(directory),
    code = code or "PolicySetRefused",
    exit = messages.load_status(code),
    next = "weir check " .. directory,
  })
end

-- One JSON object per finding.
function messages.findings_json(out, findings)
  local sources = setmetatable({}, Sources)
  for _, finding in ipairs(findings) do
    explain(finding, sources)
    out:print(terminal.json {
      file = finding.file,
      line = finding.line > 0 and finding.line or nil,
      column = finding.column ~= 0 and finding.column or nil,
      severity = finding.severity,
      code = finding.code,
      message = finding.message,
      hint = finding.hint,
    })
  end
end

return messages
