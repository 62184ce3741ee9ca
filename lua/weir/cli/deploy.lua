-- weir deploy plan ESTATE: what a deployment would change, account by account and stack by stack.
local estates = require "weir.deploy.estate"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local plan = require "weir.deploy.plan"
local process = require "weir.process"
local redact = require "weir.redact"
local report = require "weir.cli.report"
local stacks = require "weir.deploy.stacks"
local terminal = require "weir.cli.terminal"

local ESTATE_LIMIT, TEMPLATE_LIMIT = 1024 * 1024, 1024 * 1024

local function fail(screen, message, code)
  return report.failure(screen, "deploy",
    { message = redact.text(message), code = code, exit = exit.io })
end

local function refuse(screen, file, findings)
  if screen.json then
    report.findings_json(screen.out, findings)
  else
    report.findings(screen.err, findings)
  end

  return report.failure(screen, "deploy", {
    message = ("the estate file %s is not right; nothing was asked for"):format(file),
    code = "EstateRefused",
    exit = exit.load,
  })
end

-- The texts of those templates that the estate's stacks are made of.
local function read_templates(estate, folder)
  local texts = {}
  for _, stack in ipairs(stacks.list(estate)) do
    local name = stack.template
    if not texts[name] then
      local text, message, code = files.read(("%s/%s.yaml"):format(folder, name), TEMPLATE_LIMIT)
      if not text then return nil, message, code end
      texts[name] = text
    end
  end

  return texts
end

-- Output ------------------------------------------------------------------------------------------

-- What has to be done before a stack can be changed.
local NEXT = {
  replace = "it has to be deleted and created anew",
  clean = "its deletion has to be finished first",
  wait = "wait until it has ended, then plan again",
  go_back = "continue the roll-back first: aws cloudformation continue-update-rollback",
}

local SIGNS = { Add = "+", Remove = "-", Modify = "~", Import = "+", Dynamic = "?" }

local REPLACEMENTS = { True = "  REPLACED", Conditional = "  may be REPLACED" }

local function show_change(out, change)
  local sign = SIGNS[change.action] or "?"
  out:print("    ", sign, " ", terminal.printable(change.id), "  ",
    out:paint("dim", terminal.printable(change.type)),
    out:paint("warning", REPLACEMENTS[change.replacement] or ""),
    change.loses_data and out:paint("error", "  its DATA IS LOST") or "")
end

local function headline(row)
  if row.error then return "cannot be planned: " .. row.error end
  if not row.changes then return NEXT[row.step] end
  if #row.changes == 0 then return "no change" end
  local what = row.status and row.status ~= "REVIEW_IN_PROGRESS" and "updated" or "created"

  return ("would be %s, %s"):format(what, terminal.count(#row.changes, "change"))
end

local function show_row(screen, row)
  local out = screen.out
  out:print(out:paint("bold", row.stack.name), "  ", row.stack.account.id, " ", row.stack.region,
    "  ", terminal.printable(row.status or "absent"), "  ",
    terminal.printable(redact.text(headline(row))))
  if row.why then out:print("    ", out:paint("dim", row.why)) end
  if row.cause then
    out:print("    first cause: ", terminal.printable(redact.text(row.cause)))
  end

  for _, change in ipairs(row.changes or {}) do show_change(out, change) end
end

local function show_json(screen, row)
  screen.out:print(terminal.json {
    stack = row.stack.name,
    account = row.stack.account.id,
    region = row.stack.region,
    template = row.stack.template,
    status = row.status or json.null,
    step = row.step,
    why = row.why,
    cause = row.cause and redact.text(row.cause),
    changes = row.changes and json.array(row.changes),
    error = row.error and redact.text(row.error),
    code = row.code,
  })
end

local function status_of(rows)
  local status = exit.fine
  for _, row in ipairs(rows) do
    if row.error then
      status = exit.io
    elseif not row.changes then
      status = math.max(status, exit.inconclusive)
    elseif #row.changes > 0 then
      status = math.max(status, exit.findings)
    end
  end

  return status
end

-- The verb ----------------------------------------------------------------------------------------

local function make_plan(given, screen)
  process.keep_secrets() -- External IDs are in memory
  local text, message, code = files.read(given.ESTATE, ESTATE_LIMIT)
  if not text then return fail(screen, message, code) end
  local estate, where = estates.read(text, given.ESTATE)
  if not estate then return refuse(screen, given.ESTATE, where) end

  local templates
  templates, message, code = read_templates(estate, given.templates or "deploy/cloudformation")
  if not templates then
    return fail(screen, message .. "; name their folder with --templates", code)
  end

  local made
  made, message, code = plan.make {
    estate = estate,
    where = where,
    file = given.ESTATE,
    templates = templates,
    shown = function(row) (given.json and show_json or show_row)(screen, row) end,
  }

  if not made then return fail(screen, message, code) end
  if made.findings then return refuse(screen, given.ESTATE, made.findings) end

  return status_of(made.rows)
end

local ACTIONS = { plan = make_plan }

local function run(given, screen)
  local action = ACTIONS[given.ACTION]
  if not action then
    return nil, ("unknown action '%s'"):format(given.ACTION), "the action is plan"
  end

  return action(given, screen)
end

return {
  name = "deploy",
  summary = "show what a deployment of an estate would change",
  description = {
    [[ESTATE is a file of Lua data that names the accounts, their roles, regions, features and
      parameters (deploy/README.md). It is checked first; then CloudFormation is asked, stack by stack,
      what would change. The change sets are deleted again: nothing stays changed.]],
    [[A resource that would be replaced, and one whose data would be lost, is marked. A stack that cannot
      be changed as it is says why, and which failure came first.]],
  },
  positionals = {
    { name = "ACTION", doc = "plan", words = { "plan" } },
    { name = "ESTATE", doc = "the estate file", complete = "file" },
  },
  options = {
    { long = "templates", value = "DIR", complete = "directory",
      doc = "the folder of the templates; else deploy/cloudformation" },
    { long = "json", doc = "one JSON object for each stack" },
  },
  exits = {
    { 0, "nothing would change" },
    { 1, "something would change" },
    { 2, "usage" },
    { 3, "the estate file is not right" },
    { 5, "a stack cannot be planned before something else is done" },
    { 6, "a file cannot be read, or AWS refuses" },
  },
  examples = {
    { "weir deploy plan estate.lua", "every account and stack" },
    { "weir deploy plan estate.lua --json", "for a pipeline" },
  },
  run = run,
}
