-- weir doctor ESTATE: what a deployed estate needs, looked at live; nothing is changed.
local doctor = require "weir.doctor"
local estate_file = require "weir.cli.estate_file"
local exit = require "weir.cli.exit"
local messages = require "weir.cli.messages"
local process = require "weir.process"
local redact = require "weir.redact"
local sessions = require "weir.deploy.session"
local sha256 = require "weir.sha256"
local terminal = require "weir.cli.terminal"

local STYLES = { ok = "good", wrong = "error", ["cannot tell"] = "warning" }

local function printable(text) return terminal.printable(redact.text(text)) end

local function show(screen, finding)
  local out = screen.out
  out:print(out:paint(STYLES[finding.outcome], ("%-11s"):format(finding.outcome)), "  ",
    ("%-13s"):format(finding.check), "  ", finding.account, " ", finding.region, "  ",
    printable(finding.subject), ": ", printable(finding.message))
  if finding.remedy then out:print("             ", out:paint("dim", printable(finding.remedy))) end
  out:flush()
end

local function show_json(screen, finding)
  screen.out:print(terminal.json {
    check = finding.check,
    account = finding.account,
    region = finding.region,
    subject = redact.text(finding.subject),
    outcome = finding.outcome,
    message = redact.text(finding.message),
    remedy = finding.remedy,
  })
  screen.out:flush()
end

local function tell_count(screen, count)
  screen.err:print(("weir: doctor: %d ok, %d wrong, %d that could not be told"):format(count.ok,
    count.wrong, count["cannot tell"]))
end

-- The digest of the layer that the estate names, nil where it names none | nil, message, code
local function layer_of(estate)
  local path = (estate.artifacts or {}).layer
  if not path then return nil end
  return sha256.file(path)
end

local function run(given, screen)
  local estate, status = estate_file.read(screen, "doctor", given.ESTATE)
  if not estate then return status end

  local layer, message, code = layer_of(estate)
  if message then
    return messages.failure(screen, "doctor",
      { message = "the layer of the estate: " .. message, code = code, exit = exit.io })
  end

  local count = { ok = 0, wrong = 0, ["cannot tell"] = 0 }
  doctor.examine(sessions.new { estate = estate }, {
    version = process.version,
    layer = layer,
    shown = function(finding)
      count[finding.outcome] = count[finding.outcome] + 1
      if given.json then show_json(screen, finding) else show(screen, finding) end
    end,
  })
  tell_count(screen, count)

  if count.wrong > 0 then return exit.findings end

  return count["cannot tell"] > 0 and exit.inconclusive or exit.fine
end

return {
  name = "doctor",
  summary = "check live what a deployed estate needs",
  description = {
    [[ESTATE is the file that weir deploy takes. Looked at are the credentials of each account, the
      clock, the roles (which must not be taken without their External ID), the stacks with their
      tables, rules and schedules, the layer against this program's, the bundle of the policies, the
      access point, its policy, and whether it tells of new objects by itself yet.]],
    [[Nothing is changed. Each line says ok, wrong or cannot tell, and what to do.]],
  },
  positionals = { { name = "ESTATE", doc = "the estate file", complete = "file" } },
  options = { { long = "json", doc = "one JSON object for each check" } },
  exits = {
    { 0, "everything is as it should be" },
    { 1, "something is wrong" },
    { 2, "usage" },
    { 3, "the estate file is not right" },
    { 5, "nothing is wrong, and something could not be told" },
    { 6, "a file cannot be read" },
  },
  examples = {
    { "weir doctor estate.lua", "every account" },
    { "weir doctor estate.lua --json", "for a monitor" },
  },
  run = run,
}
