-- What a deployment of an estate would change, asked of AWS stack by stack. Nothing stays changed,
-- but that a template which is too large for a request is put into the artifacts' bucket.
--
--   plan.make{ session =, file =, shown = function(row) }
--       → { rows = } | { findings = } | nil, message, code
--   plan.change(ResourceChange) → a change
--
-- A row: { stack = as weir.deploy.stacks gives it, status =?, step = as weir.deploy.stack_status,
--          why =?, cause =?, taken =?, changes =?, differs =?, policy =?, price =?, set =?,
--          waits_for =?, error =?, code =? }
--   taken       it lacks our tag: it is changed with --adopt only (weir.deploy.ownership)
--   differs     something is to be executed, if only of outputs
--   policy      the policy that the access point is to get
--   price       what it costs a month (weir.deploy.prices), once it is as planned
--   set         of a stack set: what weir.deploy.stack_sets found
--   waits_for   stacks that have to be there first, because their outputs are parameters
-- A change: { action =, id =, type =, replacement =, loses_data = }
local access_point = require "weir.deploy.access_point"
local change_set = require "weir.deploy.change_set"
local plan_cost = require "weir.deploy.plan_cost"
local stack_events = require "weir.deploy.stack_events"
local finding_list = require "weir.deploy.finding_list"
local ownership = require "weir.deploy.ownership"
local request = require "weir.deploy.request"
local stack_sets = require "weir.deploy.stack_sets"
local stacks = require "weir.deploy.stacks"
local stack_status = require "weir.deploy.stack_status"

local plan = {}

-- Changes -----------------------------------------------------------------------------------------

-- Types that hold what cannot be made again.
local STATEFUL = {
  ["AWS::DynamoDB::Table"] = true,
  ["AWS::DynamoDB::GlobalTable"] = true,
  ["AWS::S3::Bucket"] = true,
  ["AWS::SQS::Queue"] = true,
  ["AWS::Logs::LogGroup"] = true,
  ["AWS::SageMaker::ModelPackageGroup"] = true,
  ["AWS::FSx::S3AccessPointAttachment"] = true,
}

local KEEPS = {
  Retain = true,
  Snapshot = true,
  ReplaceAndRetain = true,
  ReplaceAndSnapshot = true,
}

function plan.change(change)
  local replaced = change.Action == "Modify" and change.Replacement ~= "False"
    and change.Replacement
  local goes = change.Action == "Remove" or replaced
  return {
    action = change.Action,
    id = change.LogicalResourceId,
    type = change.ResourceType,
    replacement = replaced or nil,
    loses_data = goes and STATEFUL[change.ResourceType] and not KEEPS[change.PolicyAction] or nil,
  }
end

-- One stack ---------------------------------------------------------------------------------------

-- The stacks that are not there yet and whose outputs a refusal asks for, by the parameter's name.
local function awaited_stacks(session, pending, message)
  local awaited = {}
  for _, wire in ipairs(pending) do
    local is_asked_for = message:find(wire.parameter, 1, true)
    for _, source in ipairs(is_asked_for and wire.stacks or {}) do
      if session:described(source) == false then awaited[#awaited + 1] = source end
    end
  end

  return awaited
end

local function add_changes(row, session, found, change_type)
  local looked
  local asked, pending, code = request.of(session, row.stack, {
    purpose = "plan",
    type = change_type,
    found = found,
  })
  local message = pending
  if asked then
    looked, message, code = change_set.look(session:cloudformation(row.stack), asked)
  end

  if looked then
    row.changes, row.differs = {}, not looked.nothing
    for i, change in ipairs(looked.changes) do row.changes[i] = plan.change(change) end
    row.price, row.error, row.code = plan_cost.of(session, row, asked)
    return
  end

  local is_refusal = asked and code == "ValidationError"
  local awaited = is_refusal and awaited_stacks(session, pending, message) or {}
  if #awaited > 0 then
    row.waits_for = awaited
  else
    row.error, row.code = message, code
  end
end

local function add_policy(row, session)
  if not row.stack.is_policy or not row.status then return end

  local policy, message, code = access_point.differs(session, row.stack)
  if policy == nil then
    row.error, row.code = message, code
  else
    row.policy = policy or nil
  end
end

-- A stack set has no change sets: what it has is compared with what it is to have.
local function row_of_set(session, entry)
  local row = { stack = entry, step = "change" }
  local looked, message, code = stack_sets.look(session, entry)
  if not looked then
    row.error, row.code = message, code
    return row
  end

  row.status, row.set, row.differs = looked.status, looked, looked.differs
  row.taken = looked.taken or nil

  return row
end

local function row_of(session, stack)
  if stack.members then return row_of_set(session, stack) end

  local row = { stack = stack }
  local client = session:cloudformation(stack)
  local found, message, code = session:described(stack)
  if found == nil then
    row.error, row.code = message, code
    return row
  end

  row.status = found and found.StackStatus or nil
  local state = stack_status.of(row.status)
  row.step, row.why = state.step, state.why
  row.taken = ownership.is_taken(found, stack) or nil
  if state.step == "change" then
    add_changes(row, session, found, state.change)
    if not row.error then add_policy(row, session) end
  end

  if found and state.why and state.step ~= "wait" then
    row.cause, message, code = stack_events.first_cause(client, found.StackId)
    if message then row.error, row.code = message, code end
  end

  return row
end

-- The estate --------------------------------------------------------------------------------------

-- Parameters of every stack are checked before the first change set is made.
local function check(session, file)
  local used, findings = {}, finding_list.new(file)
  local function report(...) findings:add(...) end

  for _, stack in ipairs(session.all) do
    local summary, message, code = session:summary(stack)
    if not summary then
      return nil, ("account %s, stack %s: %s"):format(stack.account.id, stack.name, message), code
    end

    for _, parameter in ipairs(summary.Parameters) do
      local feature = parameter.ParameterKey:match("^Enable(.+)$")
      if feature then used[feature] = true end
    end

    stacks.parameters(session.estate, stack, summary, { where = session.where, report = report })
  end

  stacks.unused_features(session.estate, used, session.where, report)

  return findings:in_order() or {}
end

function plan.make(given)
  local session = given.session
  local fine, message, code = session:check_accounts()
  if not fine then return nil, message, code end

  local findings
  findings, message, code = check(session, given.file)
  if not findings then return nil, message, code end
  if #findings > 0 then return { findings = findings } end

  local rows = {}
  for i, stack in ipairs(session.list) do
    rows[i] = row_of(session, stack)
    given.shown(rows[i])
  end

  return { rows = rows }
end

return plan
