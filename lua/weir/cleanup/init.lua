-- weir cleanup: everything of an estate deleted, in an order that stops the bill first and leaves
-- nothing behind but what is named, with its reason. Only what carries the estate's tag is touched.
--
--   cleanup.look(session, given) → found | nil, message, code      asks, changes nothing
--   cleanup.act(found, session, given) → outcome | nil, message, code
--
-- session: weir.deploy.session's.
-- given: { endpoint_only =?, logs =?, force =?, shown = function(event) }
-- found: weir.cleanup.inventory's, and `endpoints`: { row =, name = } of endpoints without a stack;
--   `jobs`: { place =, name =, stack = } of batch jobs that would be stopped; rows of stacks have
--   `running` besides, the executions that would be stopped.
-- outcome: { failed = boolean, waits = boolean }: whether something went wrong, or takes longer.
-- Shown are { row =, note = } while a stack is deleted, { row =, deleted = true } or
-- { row =, error =, code = } after it, and in the end
-- { place =, stays = { what =, type =, reason = } }.
--
-- Killed at any point, it goes on when it is run again: what it does, it finds out anew each time.
local endpoint = require "weir.cleanup.endpoint"
local executions = require "weir.cleanup.executions"
local inventory = require "weir.cleanup.inventory"
local jobs = require "weir.cleanup.jobs"
local network = require "weir.cleanup.network"
local remains = require "weir.cleanup.remains"
local sign_in = require "weir.deploy.sign_in"
local stack = require "weir.cleanup.stack"
local stack_set_changes = require "weir.deploy.stack_set_changes"
local try = require "weir.try"
local writers = require "weir.cleanup.writers"

local cleanup = {}

-- Looking -----------------------------------------------------------------------------------------

-- The row of an endpoint whose stack is gone, such as that of a deletion that kept it.
local function lost_row(place, name)
  return { name = name, account = place.account, region = place.region, client = place.client }
end

-- Endpoints with the tag of an endpoint stack that does not exist any more.
local function lost_endpoints(place, found)
  local list = {}
  for _, row in ipairs(found.stacks) do list[row.account.id .. row.region .. row.name] = true end

  local lost = {}
  for name, template in pairs(place.names) do -- any order: a place has one endpoint stack
    if template == "endpoint" and not list[place.account.id .. place.region .. name] then
      local row = lost_row(place, name)
      for _, each in ipairs(try(endpoint.orphans(row))) do
        lost[#lost + 1] = { row = row, name = each }
      end
    end
  end

  return lost
end

local function add_executions(found)
  for _, row in ipairs(found.stacks) do
    local message, code
    row.running, message, code = executions.running(row)
    if not row.running then
      try.fail(("stack %s in account %s: %s"):format(row.name, row.account.id, message), code)
    end
  end
end

-- The names of the stacks of a place that are left alone.
local function left_alone(found, place)
  local names = {}
  for _, row in ipairs(found.stay) do
    local is_here = row.account == place.account and row.region == place.region
    if is_here then names[row.name] = true end
  end

  return names
end

local function add_jobs(found)
  for _, place in ipairs(found.places) do
    local list, message, code = jobs.ours(place, left_alone(found, place))
    if not list then
      try.fail(("batch jobs of account %s: %s"):format(place.account.id, message), code)
    end

    for _, job in ipairs(list) do
      found.jobs[#found.jobs + 1] = { place = place, name = job.name, stack = job.stack }
    end
  end
end

cleanup.look = try.catching(function(session, given)
  local function wanted(template) return not given.endpoint_only or template == "endpoint" end
  local found = try(inventory.take(session, wanted))
  add_executions(found)

  found.jobs = {}
  if not given.endpoint_only then add_jobs(found) end

  found.endpoints = {}
  for _, place in ipairs(found.places) do
    local lost = lost_endpoints(place, found)
    table.move(lost, 1, #lost, #found.endpoints + 1, found.endpoints)
  end

  return found
end)

-- Acting ------------------------------------------------------------------------------------------

local Run = {}
Run.__index = Run

function Run:noting(row)
  return function(text) self.shown { row = row, note = text } end
end

function Run:fail(row, message, code)
  local waits = stack.waits(code)
  self.outcome.failed = self.outcome.failed or not waits
  self.outcome.waits = self.outcome.waits or waits
  local advice = sign_in.advice(code, "cleanup")
  self.shown { row = row, error = advice and message .. "; " .. advice or message, code = code }
end

-- Log groups that are deleted in the end do not stay.
function Run:stays(place, list)
  for _, each in ipairs(list) do
    local key = place.account.id .. " " .. place.region
    self.known[key] = self.known[key] or {}
    table.insert(self.known[key], each)
    self.outcome.failed = self.outcome.failed or each.failed or false
    if not (self.logs and each.type == "AWS::Logs::LogGroup") then
      self.shown { place = place, stays = each }
    end
  end
end

function Run:stop_writers(rows)
  for _, row in ipairs(rows) do
    local done, message, code = writers.stop(row, self:noting(row))
    if not done then self:fail(row, "its rules and schedules: " .. message, code) end
  end

  for _, row in ipairs(rows) do -- nothing starts a new one any more
    local done, message, code = executions.stop(row, self:noting(row))
    if not done then self:fail(row, "its executions: " .. message, code) end
  end
end

-- After the executions, whose retries would start others.
function Run:stop_jobs(found)
  for _, place in ipairs(found.places) do
    local row = lost_row(place, self.session.estate.name)
    local done, message, code = jobs.stop(place, left_alone(found, place), self:noting(row))
    if not done then self:fail(row, message, code) end
  end
end

-- Whatever became of its stack, an endpoint that is still there costs money.
function Run:delete_endpoints(row)
  local names, message, code = endpoint.orphans(row)
  if not names then return self:fail(row, "its endpoints: " .. message, code) end
  for _, name in ipairs(names) do self:delete_endpoint { row = row, name = name } end
end

-- What roles stand on stays as long as they do.
function Run:is_needed(row)
  local left = row.template == "boundary" and self.left[row.account]
  if not left then return false end
  self:fail(row, ("left, because %s of this account is not gone"):format(left), "Needed")

  return true
end

-- A stack that a set made is deleted by the set. What keeps it is put away as with any other; then
-- the set finds nothing left to delete.
function Run:delete_stack(row)
  local given = { force = self.force, note = self:noting(row) }
  if not row.instance then return stack.delete(row, given) end

  local done, message, code = stack_set_changes.delete_instance(self.session, row.instance)
  if done then return { kept = {} } end
  if code ~= "OperationFailed" then return nil, message, code end

  local result
  result, message, code = stack.delete(row, given)
  if not result then return nil, message, code end
  done, message, code = stack_set_changes.delete_instance(self.session, row.instance)

  return done and result, message, code
end

-- Sets without instances.
function Run:delete_sets()
  for _, entry in ipairs(self.session.list) do
    if entry.members then
      local row = { name = entry.name, account = entry.account, region = entry.region }
      local done, message, code = stack_set_changes.delete(self.session, entry)
      if done then self.shown { row = row, deleted = true } end
      if done == nil then self:fail(row, "its stack set: " .. message, code) end
    end
  end
end

function Run:delete(row)
  if self:is_needed(row) then return end
  local result, message, code = self:delete_stack(row)
  if not result then
    self.left[row.account] = row.name
    self:fail(row, message, code)
  else
    self.shown { row = row, deleted = true }
  end

  if row.template == "endpoint" then self:delete_endpoints(row) end
  if not result then return end

  local left
  left, message, code = remains.of_stack(row, result.kept)
  if not left then return self:fail(row, "what stays of it: " .. message, code) end
  self:stays(row, left)
end

function Run:delete_endpoint(lost)
  local done, message, code = endpoint.remove(lost.row, lost.name, self:noting(lost.row))
  if not done then self:fail(lost.row, message, code) end
end

function Run:finish(place, estate)
  local row = lost_row(place, estate.name)
  if self.logs then
    local done, message, code = remains.delete_logs(place, estate.name .. "-", self:noting(row))
    if not done then self:fail(row, "its log groups: " .. message, code) end
  end

  local known = self.known[place.account.id .. " " .. place.region] or {}
  for _, list in ipairs { "tagged", "jobs" } do
    local left, message, code = remains[list](place, known)
    if not left then return self:fail(row, "what stays: " .. message, code) end
    self:stays(place, left)
  end
end

-- Functions leave our security groups before the first stack goes.
function Run:move_functions(rows)
  local done, message, code = network.move_functions(rows, self:noting(rows[1]))
  if not done then self:fail(rows[1], "its functions' network: " .. message, code) end
end

function cleanup.act(found, session, given)
  local self = setmetatable({
    session = session,
    shown = given.shown,
    force = given.force,
    logs = given.logs,
    known = {}, -- account and region → what was said to stay there
    left = {}, -- account → a stack that could not be deleted
    outcome = { failed = false, waits = false },
  }, Run)

  for _, lost in ipairs(found.endpoints) do self:delete_endpoint(lost) end
  if #found.stacks > 0 and not given.endpoint_only then
    self:stop_writers(found.stacks)
    self:move_functions(found.stacks)
  end

  if not given.endpoint_only then self:stop_jobs(found) end

  for _, row in ipairs(found.stacks) do self:delete(row) end
  if not given.endpoint_only then
    self:delete_sets()
    for _, place in ipairs(found.places) do self:finish(place, session.estate) end
  end

  return self.outcome
end

return cleanup
