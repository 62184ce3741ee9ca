-- What weir check does for a pull request: findings as SARIF or as annotations, and findings that
-- are known already (--baseline, --write-baseline).
--
-- open(given, screen, limit) → a session: :accept(result) takes known findings out of a result of
-- weir.cli.check, :show(result, target) prints it, :finish(status) ends the output; or nil and a
-- function that gives what the verb has to return.
local annotations = require "weir.pull_request.annotations"
local baseline = require "weir.pull_request.baseline"
local exit = require "weir.cli.exit"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local sarif = require "weir.pull_request.sarif"
local terminal = require "weir.cli.terminal"

local formats = {}

local Session = {}
Session.__index = Session

local function fail(screen, message, code, status)
  return messages.failure(screen, "check", { message = message, code = code, exit = status })
end

local function mistake(message, hint)
  return nil, function() return nil, message, hint end
end

-- The pairs of options of which only one can be given.
local EITHER = {
  { "json", "sarif" }, { "json", "github" }, { "sarif", "github" },
  { "limit", "sarif" }, { "limit", "github" }, -- both take every finding
  { "baseline", "write_baseline" },
}

function formats.open(given, screen, limit)
  for _, pair in ipairs(EITHER) do
    if given[pair[1]] and given[pair[2]] then
      return mistake(("--%s and --%s do not go together"):format(pair[1],
        (pair[2]:gsub("_", "-"))), "give one of them")
    end
  end

  local known
  if given.baseline then
    local message, code
    known, message, code = baseline.read(given.baseline)
    if not known then
      local status = code == "InvalidBaseline" and exit.usage or exit.io
      status = fail(screen, message, code, status)
      return nil, function() return status end
    end
  end

  return setmetatable({
    given = given,
    screen = screen,
    known = known,
    limit = limit,
    written = given.write_baseline and {},
    sarif = given.sarif and sarif.new(),
  }, Session)
end

-- Accepting --------------------------------------------------------------------------------------

-- Moves findings that this file accepts to the result's accepted ones.
function Session:accept(result)
  local accepted = {}
  if self.known then accepted = self.known:accept(result.directory, result.findings) end
  if self.written then
    accepted = baseline.acceptable(result.findings)
    for _, finding in ipairs(accepted) do
      table.insert(self.written, { directory = result.directory, finding = finding })
    end
  end

  table.move(accepted, 1, #accepted, #result.accepted + 1, result.accepted)
end

function Session:write()
  local text, count = baseline.text(self.written)
  local ok, message = output_file.write(self.given.write_baseline, text)
  if not ok then return fail(self.screen, message, "WriteFailed", exit.io) end
  self.screen.err:print(terminal.printable(self.given.write_baseline), ": ",
    terminal.count(count, "finding"), " accepted")

  return exit.fine
end

-- Showing ----------------------------------------------------------------------------------------

function Session:show(result, target)
  local out = self.screen.out
  if self.sarif then
    for _, finding in ipairs(result.findings) do self.sarif:add(finding) end
    for _, finding in ipairs(result.accepted) do
      self.sarif:add(finding, finding.reason and "inSource" or "external")
    end
  elseif self.given.github then
    for _, finding in ipairs(result.findings) do out:print(annotations.line(finding)) end
  elseif self.given.json then
    require("weir.cli.check").show_json(out, result, target, self.limit)
  else
    require("weir.cli.check").show(out, result, target, self.limit)
  end
end

-- → the exit status
function Session:finish(status)
  if self.sarif then self.screen.out:print(self.sarif:render(status)) end
  local gone = self.known and self.known:gone() or 0
  if gone > 0 then
    self.screen.err:print(terminal.printable(self.given.baseline), ": ",
      terminal.count(gone, "finding is", "findings are"), " not there any more")
    self.screen.err:next("weir check … --write-baseline ",
      terminal.printable(self.given.baseline))
  end

  return self.written and math.max(status, self:write()) or status
end

return formats
