-- weir cleanup ESTATE: what a deployment of an estate left on AWS, shown, and deleted with --live.
local cleanup = require "weir.cleanup"
local confirm = require "weir.cli.confirm"
local estate_file = require "weir.cli.estate_file"
local exit = require "weir.cli.exit"
local messages = require "weir.cli.messages"
local redact = require "weir.redact"
local sessions = require "weir.deploy.session"
local sign_in = require "weir.deploy.sign_in"
local stack_columns = require "weir.cli.stack_columns"
local terminal = require "weir.cli.terminal"

local function fail(screen, message, code)
  return messages.failure(screen, "cleanup",
    { message = redact.text(message), code = code, exit = exit.io,
      next = sign_in.advice(code, "cleanup") })
end

local function printable(text) return terminal.printable(redact.text(text)) end

local function place_of(each) return each.account.id .. " " .. each.region end

-- Before anything is done -------------------------------------------------------------------------

-- The batch jobs that the stack of a row started.
local function jobs_of(found, row)
  local count = 0
  for _, job in ipairs(found.jobs) do
    local place = job.place
    local is_its_own = job.stack == row.name and place.account == row.account
      and place.region == row.region
    count = count + (is_its_own and 1 or 0)
  end

  return count
end

-- ", 2 executions and 1 batch job would be stopped"
local function stopped_of(found, row)
  local parts, jobs = {}, jobs_of(found, row)
  if #row.running > 0 then parts[1] = terminal.count(#row.running, "execution") end
  if jobs > 0 then parts[#parts + 1] = terminal.count(jobs, "batch job") end
  if #parts == 0 then return "" end

  return (", %s would be stopped"):format(table.concat(parts, " and "))
end

-- columns: weir.cli.stack_columns, of everything that is found.
local function line_of(out, columns, name, place)
  return columns:of(out, name, place.account.id, place.region)
end

local function show_stack(out, columns, row, stopped)
  out:print(line_of(out, columns, row.name, row), "  ", terminal.printable(row.status),
    "  would be deleted, ", terminal.count(#row.resources, "resource"), stopped)
end

-- Batch jobs whose stack is gone, as after a clean-up that was killed.
local function lost_jobs(found)
  local is_there, lost = {}, {}
  for _, row in ipairs(found.stacks) do is_there[place_of(row) .. " " .. row.name] = true end
  for _, job in ipairs(found.jobs) do
    if not is_there[place_of(job.place) .. " " .. job.stack] then lost[#lost + 1] = job end
  end

  return lost
end

local function has_any(found) return #found.stacks + #found.endpoints + #found.jobs > 0 end

local function columns_of(found)
  local list = {}
  for _, each in ipairs(found.endpoints) do
    list[#list + 1] = { name = each.name, region = each.row.region }
  end

  for _, job in ipairs(lost_jobs(found)) do
    list[#list + 1] = { name = job.name, region = job.place.region }
  end

  table.move(found.stacks, 1, #found.stacks, #list + 1, list)
  table.move(found.stay, 1, #found.stay, #list + 1, list)

  return stack_columns.new(list)
end

local function show_found(screen, columns, found)
  local out = screen.out
  for _, each in ipairs(found.endpoints) do
    out:print(line_of(out, columns, each.name, each.row),
      "  an endpoint whose stack is gone, would be deleted")
  end

  for _, row in ipairs(found.stacks) do
    show_stack(out, columns, row, stopped_of(found, row))
  end

  for _, row in ipairs(found.stay) do
    out:print(line_of(out, columns, row.name, row), "  ", terminal.printable(row.status),
      "  stays: ", terminal.printable(row.reason))
  end

  for _, job in ipairs(lost_jobs(found)) do
    out:print(line_of(out, columns, job.name, job.place),
      "  a batch job whose stack is gone, would be stopped")
  end

  if not has_any(found) then out:print("There is nothing to delete.") end
end

local function json_line(screen, values) screen.out:print(terminal.json(values)) end

local function found_json(screen, found)
  for _, each in ipairs(found.endpoints) do
    json_line(screen, { endpoint = each.name, account = each.row.account.id,
      region = each.row.region, outcome = "would be deleted" })
  end

  for _, row in ipairs(found.stacks) do
    json_line(screen, { stack = row.name, account = row.account.id, region = row.region,
      status = row.status,
      resources = #row.resources,
      executions = #row.running,
      jobs = jobs_of(found, row), outcome = "would be deleted" })
  end

  for _, job in ipairs(lost_jobs(found)) do
    json_line(screen, { resource = job.name, type = "batch job", account = job.place.account.id,
      region = job.place.region, outcome = "would be stopped" })
  end

  for _, row in ipairs(found.stay) do
    json_line(screen, { stack = row.name, account = row.account.id, region = row.region,
      status = row.status, outcome = "stays", reason = row.reason })
  end

  if not has_any(found) and #found.stay == 0 then
    json_line(screen, { outcome = "nothing to delete" })
  end
end

-- Meanwhile --------------------------------------------------------------------------------------

local function show_event(screen, columns, event)
  local out, row = screen.out, event.row
  if event.note then
    out:print("    ", out:paint("dim", printable(row.name .. ": " .. event.note)))
  elseif event.deleted then
    out:print(line_of(out, columns, row.name, row), "  ", out:paint("good", "deleted"))
  elseif event.error then
    out:print(line_of(out, columns, row.name, row), "  ", out:paint("error", "not deleted"), ": ",
      printable(event.error))
  else
    local left = event.stays
    out:print("stays  ", place_of(event.place), "  ", terminal.printable(left.what), "  (",
      terminal.printable(left.type), "): ", printable(left.reason))
  end

  out:flush()
end

local function event_json(screen, _, event)
  local row, left = event.row or event.place, event.stays or {}
  json_line(screen, {
    stack = event.row and row.name or nil,
    account = row.account.id,
    region = row.region,
    note = event.note and redact.text(event.note),
    outcome = event.deleted and "deleted" or event.error and "not deleted"
      or event.stays and "stays" or nil,
    error = event.error and redact.text(event.error),
    code = event.code,
    resource = left.what,
    type = left.type,
    reason = left.reason and redact.text(left.reason),
  })
  screen.out:flush()
end

-- The verb ----------------------------------------------------------------------------------------

-- "Delete 3 stacks and 1 endpoint of the estate weir?"
local function question_of(found, given, estate)
  local parts = {}
  local function add(count, what)
    if count > 0 then parts[#parts + 1] = terminal.count(count, what) end
  end

  add(#found.stacks, "stack")
  add(#found.endpoints, "endpoint")
  add(#lost_jobs(found), "batch job")
  if given.logs then parts[#parts + 1] = "the log groups" end

  return ("Delete %s of the estate %s?"):format(table.concat(parts, " and "), estate.name)
end

local function act(given, screen, found, session)
  local show, columns = given.json and event_json or show_event, columns_of(found)
  local question = question_of(found, given, session.estate)
  local agreed, message, hint = confirm.ask(screen, given, question)
  if agreed == nil then return nil, message, hint end
  if not agreed then
    screen.err:print("weir: cleanup: nothing was deleted")
    return exit.findings
  end

  local outcome = cleanup.act(found, session, {
    endpoint_only = given.endpoint_only,
    logs = given.logs,
    force = given.force,
    shown = function(event) show(screen, columns, event) end,
  })
  if outcome.failed then return exit.io end

  return outcome.waits and exit.inconclusive or exit.fine
end

-- The stacks may be gone while what they retained is still there: that is deleted, too.
local function has_work(found, given) return has_any(found) or given.logs end

local function run(given, screen)
  if given.yes and not given.live then return nil, "--yes answers the question of --live" end
  if given.force and not given.live then return nil, "--force is for --live" end

  local estate, status = estate_file.read(screen, "cleanup", given.ESTATE)
  if not estate then return status end

  local session = sessions.new { estate = estate }
  local found, message, code = cleanup.look(session, { endpoint_only = given.endpoint_only })
  if not found then return fail(screen, message, code) end

  if given.json then
    found_json(screen, found)
  else
    show_found(screen, columns_of(found), found)
  end
  screen.out:flush()
  if given.live and has_work(found, given) then
    return act(given, screen, found, session)
  end

  return has_any(found) and exit.findings or exit.fine
end

return {
  name = "cleanup",
  summary = "delete what a deployment of an estate left on AWS",
  description = {
    [[ESTATE is the file that weir deploy takes. Shown are the stacks that it names and that carry
      the tag weir:stack, in the order in which they are deleted: endpoints first, which cost most.
      With --live they are deleted, after a question.]],
    [[What keeps a stack from being deleted is put away: objects of its buckets with all versions,
      network interfaces that Lambda left behind, rules of other security groups that name its own.
      What stays is listed with the reason. A run that was interrupted goes on when it is run
      again.]],
  },
  positionals = { { name = "ESTATE", doc = "the estate file", complete = "file" } },
  options = {
    { long = "live", doc = "delete, after a question" },
    { long = "yes", doc = "answer the question of --live" },
    { long = "endpoint-only", doc = "only the endpoints, to stop what they cost" },
    { long = "logs", doc = "the log groups, too" },
    { long = "force", doc = "let CloudFormation keep what it cannot delete (FORCE_DELETE_STACK)" },
    { long = "json", doc = "one JSON object for each stack, step and resource that stays" },
  },
  exits = {
    { 0, "nothing is left to delete" },
    { 1, "something would be deleted; or the answer was no" },
    { 2, "usage, or nobody can be asked" },
    { 3, "the estate file is not right" },
    { 5, "something takes longer: run the same command again" },
    { 6, "a file cannot be read, AWS refuses, or something could not be deleted" },
  },
  examples = {
    { "weir cleanup estate.lua", "what would be deleted" },
    { "weir cleanup estate.lua --live --endpoint-only", "end the bill of the endpoints" },
    { "weir cleanup estate.lua --live --yes --logs", "everything, in a pipeline" },
  },
  run = run,
}
