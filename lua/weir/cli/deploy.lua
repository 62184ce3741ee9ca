-- weir deploy plan ESTATE: what a deployment would change, account by account and stack by stack.
-- weir deploy apply ESTATE: does it, after a question.
local apply = require "weir.deploy.apply"
local artifacts = require "weir.deploy.artifacts"
local confirm = require "weir.cli.confirm"
local estate_file = require "weir.cli.estate_file"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local messages = require "weir.cli.messages"
local ownership = require "weir.deploy.ownership"
local plan = require "weir.deploy.plan"
local redact = require "weir.redact"
local rows = require "weir.cli.deploy_rows"
local sessions = require "weir.deploy.session"
local sign_in = require "weir.deploy.sign_in"
local stack_columns = require "weir.cli.stack_columns"
local stacks = require "weir.deploy.stacks"
local terminal = require "weir.cli.terminal"

local TEMPLATE_LIMIT = 1024 * 1024

local function fail(screen, message, code, next_step)
  return messages.failure(screen, "deploy", {
    message = redact.text(message),
    code = code,
    exit = exit.io,
    next = next_step or sign_in.advice(code, "deploy"),
  })
end

-- The estate --------------------------------------------------------------------------------------

-- The texts of those templates that the estate's stacks are made of.
local function read_templates(estate, folder)
  local texts = {}
  for _, stack in ipairs(stacks.list(estate)) do
    local name = stack.template
    if not texts[name] then
      local text, message, code = files.read(("%s/%s.yaml"):format(folder, name), TEMPLATE_LIMIT)
      if not text then return nil, message .. "; name their folder with --templates", code end
      texts[name] = text
    end
  end

  return texts
end

-- → session | nil, the exit status
local function open(given, screen)
  local estate, where = estate_file.read(screen, "deploy", given.ESTATE)
  if not estate then return nil, where end

  local folder = given.templates or "deploy/cloudformation"
  local templates, message, code = read_templates(estate, folder)
  if not templates then return nil, fail(screen, message, code) end
  local store
  store, message, code = artifacts.open(estate)
  if message then return nil, fail(screen, message, code) end

  return sessions.new { estate = estate, where = where, templates = templates, store = store }
end

-- Of the stack sets, and of the stacks in their place.
local function columns_of(session)
  local list = table.move(session.list, 1, #session.list, 1, {})
  table.move(session.all, 1, #session.all, #list + 1, list)

  return stack_columns.new(list)
end

-- → rows of the plan | nil, the exit status
local function make_plan(given, screen, session)
  local columns = columns_of(session)
  local made, message, code = plan.make {
    session = session,
    file = given.ESTATE,
    shown = function(row) rows.plan(screen, columns, row) end,
  }

  if not made then return nil, fail(screen, message, code) end
  if made.findings then
    return nil, estate_file.refuse(screen, "deploy", given.ESTATE, made.findings)
  end

  rows.total(screen, made.rows)

  return made.rows
end

-- weir deploy plan --------------------------------------------------------------------------------

local function would_change(row)
  return row.differs or row.policy or row.waits_for or row.taken
end

local function status_of(list)
  local status = exit.fine
  for _, row in ipairs(list) do
    if row.error then
      status = exit.io
    elseif not (row.changes or row.set or row.waits_for) then
      status = math.max(status, exit.inconclusive)
    elseif would_change(row) then
      status = math.max(status, exit.findings)
    end
  end

  return status
end

local function run_plan(given, screen)
  if given.yes or given.replace or given.adopt or given.skip then
    return nil, "--yes, --replace, --adopt and --skip belong to apply", "a plan changes nothing"
  end

  local session, status = open(given, screen)
  if not session then return status end
  local list
  list, status = make_plan(given, screen, session)
  if not list then return status end

  return status_of(list)
end

-- weir deploy apply -------------------------------------------------------------------------------

local function taken(stack)
  local message, code, next_step = ownership.objection(stack)
  return ("stack %s of account %s in %s: %s; nothing was changed"):format(stack.name,
    stack.account.id, stack.region, message), code, next_step
end

-- What in the plan keeps a deployment from starting → message, code, what to do next | nil
local function objection(given, list)
  for _, row in ipairs(list) do
    if row.error then
      return "a stack cannot be planned", row.code, sign_in.advice(row.code, "deploy")
        or "mend what is said above; nothing was changed"
    end

    if row.taken and row.step == "change" and not given.adopt then return taken(row.stack) end

    for _, change in ipairs(not given.replace and row.changes or {}) do
      if change.loses_data then
        return ("the data of %s in the stack %s would be lost"):format(change.id, row.stack.name),
          "DataWouldBeLost", "copy what is in there, then give --replace; nothing was changed"
      end
    end
  end
end

local function something_to_do(list)
  for _, row in ipairs(list) do
    if would_change(row) or row.step ~= "change" then return true end
  end

  return false
end

local function act(given, screen, session, list)
  local skip, columns = {}, columns_of(session)
  for _, name in ipairs(given.skip or {}) do skip[name] = true end

  local done, message, code, next_step = apply.run {
    session = session,
    rows = list,
    replace = given.replace,
    adopt = given.adopt,
    skip = skip,
    shown = {
      event = function(...) rows.event(screen, ...) end,
      done = function(...) rows.done(screen, columns, ...) end,
      object = function(...) rows.object(screen, ...) end,
    },
  }

  for _, name in ipairs(given.skip or {}) do
    if skip[name] ~= "used" then
      screen.err:print("weir: deploy: --skip ", terminal.printable(name),
        ": no roll-back was held up by it")
    end
  end

  if not done then return fail(screen, message, code, next_step) end

  return exit.fine
end

local function run_apply(given, screen)
  local session, status = open(given, screen)
  if not session then return status end
  local list
  list, status = make_plan(given, screen, session)
  if not list then return status end

  local message, code, next_step = objection(given, list)
  if message then return fail(screen, message, code, next_step) end
  if not something_to_do(list) then
    screen.err:print("weir: deploy: everything is as the estate file says")
    return exit.fine
  end

  local question = ("Change %s as shown?"):format(terminal.count(#list, "stack"))
  local agreed, mistake, hint = confirm.ask(screen, given, question)
  if agreed == nil then return nil, mistake, hint end
  if not agreed then
    screen.err:print("weir: deploy: nothing was changed")
    return exit.findings
  end

  return act(given, screen, session, list)
end

-- The verb ----------------------------------------------------------------------------------------

local ACTIONS = { plan = run_plan, apply = run_apply }

local function run(given, screen)
  local action = ACTIONS[given.ACTION]
  if not action then
    return nil, ("unknown action '%s'"):format(given.ACTION), "the actions are plan and apply"
  end

  return action(given, screen)
end

return {
  name = "deploy",
  summary = "show what a deployment of an estate would change, and do it",
  description = {
    [[ESTATE is a file of Lua data that names the accounts, their roles, regions, features and
      parameters (deploy/README.md). It is checked first; then CloudFormation is asked, stack by
      stack, what would change. With plan the change sets are deleted again: nothing stays
      changed.]],
    [[A resource that would be replaced, and one whose data would be lost, is marked. A stack that
      cannot be changed as it is says why, and which failure came first.]],
    [[apply shows the plan, asks, and then does it: artifacts under the digests of their content, one
      stack after the other, with CloudFormation's events as they come. It ends at the first failure
      and tells its first cause. Run again, it goes on where it was, also when it was killed.]],
  },
  positionals = {
    { name = "ACTION", doc = "plan or apply", words = { "plan", "apply" } },
    { name = "ESTATE", doc = "the estate file", complete = "file" },
  },
  options = {
    { long = "templates", value = "DIR", complete = "directory",
      doc = "the folder of the templates; else deploy/cloudformation" },
    { long = "yes", doc = "apply: answer the question, as a pipeline must" },
    { long = "replace", doc = "apply: replace and remove resources although their data is lost" },
    { long = "adopt", doc = "apply: take over stacks of the estate's names that lack our tag" },
    { long = "skip", value = "RESOURCE", many = true,
      doc = "apply: leave a resource behind that keeps a roll-back from ending" },
    { long = "json", doc = "one JSON object for each stack and event" },
  },
  exits = {
    { 0, "nothing would change; or everything is done" },
    { 1, "something would change; or the answer was no" },
    { 2, "usage" },
    { 3, "the estate file is not right" },
    { 5, "a stack cannot be planned before something else is done" },
    { 6, "a file cannot be read, AWS refuses, or an operation failed" },
  },
  examples = {
    { "weir deploy plan estate.lua", "every account and stack" },
    { "weir deploy apply estate.lua", "the same, then a question, then the change" },
    { "weir deploy apply estate.lua --yes --json", "for a pipeline" },
  },
  run = run,
}
