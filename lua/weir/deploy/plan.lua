-- What a deployment of an estate would change, asked of AWS stack by stack. Nothing stays changed.
--
--   plan.make{ estate =, where =, file =, templates = name → text, shown = function(row) }
--       → { rows = } | { findings = } | nil, message, code
--
-- A row: { stack = as weir.deploy.stacks gives it, status =?, step = as weir.deploy.states,
--          why =?, cause =?, changes =?, error =?, code =? }
-- A change: { action =, id =, type =, replacement =, loses_data = }
local change_set = require "weir.deploy.change_set"
local cloudformation = require "weir.aws.cloudformation"
local events = require "weir.deploy.events"
local finding_list = require "weir.deploy.finding_list"
local stacks = require "weir.deploy.stacks"
local states = require "weir.deploy.states"
local sts = require "weir.aws.sts"

local plan = {}

local INLINE_LIMIT = 51200

local Plan = {}
Plan.__index = Plan

-- Accounts ----------------------------------------------------------------------------------------

local function role_of(account)
  if not account.role then return nil end
  return {
    arn = account.role.arn,
    external_id = account.role.external_id,
    session_name = "weir-deploy",
  }
end

-- Is it the account that the file names? Asked once for each.
function Plan:check_account(account, region)
  local known = self.accounts[account]
  if known then return known.fine, known.message, known.code end

  local client = sts.new { region = region, role = role_of(account) }
  local caller, message, code = client:get_caller_identity()
  known = { fine = caller and caller.Account == account.id, message = message, code = code }
  if caller and not known.fine then
    known.code = "WrongAccount"
    known.message = ("the credentials are of account %s, the estate names %s; give the account a role, "
      .. "or use other credentials"):format(caller.Account, account.id)
  end

  self.accounts[account] = known

  return known.fine, known.message, known.code
end

function Plan:client(stack)
  local key = stack.account.id .. " " .. stack.region
  self.clients[key] = self.clients[key]
    or cloudformation.new { region = stack.region, role = role_of(stack.account) }
  return self.clients[key]
end

-- A template's summary is the same everywhere.
function Plan:summary(client, template)
  if self.summaries[template] then return self.summaries[template] end
  local text = self.templates[template]
  if #text > INLINE_LIMIT then
    return nil, ("the template %s has %d bytes, CloudFormation takes %d"):format(template, #text,
      INLINE_LIMIT), "TemplateTooLarge"
  end

  local summary, message, code = client:get_template_summary { TemplateBody = text }
  if not summary then return nil, message, code end
  summary.Parameters = type(summary.Parameters) == "table" and summary.Parameters or {}
  summary.Capabilities = type(summary.Capabilities) == "table" and summary.Capabilities or nil
  self.summaries[template] = summary

  return summary
end

-- One stack ---------------------------------------------------------------------------------------

-- → stack | false where there is none | nil, message, code
local function described(client, name)
  local answer, message, code = client:describe_stacks { StackName = name }
  if answer then return answer.Stacks[1] end
  if code == "ValidationError" and message:find("does not exist", 1, true) then return false end

  return nil, message, code
end

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

local function change_of(change)
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

local function add_changes(row, client, request)
  local looked, message, code = change_set.look(client, request)
  if not looked then
    row.error, row.code = message, code
    return
  end

  row.changes = {}
  for i, change in ipairs(looked.changes) do row.changes[i] = change_of(change) end
end

function Plan:row(stack, client, summary, parameters)
  local row = { stack = stack }
  local found, message, code = described(client, stack.name)
  if found == nil then
    row.error, row.code = message, code
    return row
  end

  row.status = found and found.StackStatus or nil
  local state = states.of(row.status)
  row.step, row.why = state.step, state.why
  if state.step == "change" then
    add_changes(row, client, {
      purpose = "plan",
      stack = stack.name,
      type = state.change,
      source = { TemplateBody = self.templates[stack.template] },
      parameters = parameters,
      capabilities = summary.Capabilities,
      made_by_us = not found,
    })
  end

  if state.why and state.step ~= "wait" then
    row.cause, message, code = events.first_cause(client, found.StackId)
    if message then row.error, row.code = message, code end
  end

  return row
end

-- The estate --------------------------------------------------------------------------------------

-- Parameters of every stack are checked before the first change set is made.
function Plan:prepare(list)
  local prepared, used = {}, {}
  local function report(...) self.findings:add(...) end

  for i, stack in ipairs(list) do
    local fine, message, code = self:check_account(stack.account, stack.region)
    local summary
    if fine then summary, message, code = self:summary(self:client(stack), stack.template) end
    if not summary then
      return nil, ("account %s, stack %s: %s"):format(stack.account.id, stack.name, message), code
    end

    for _, parameter in ipairs(summary.Parameters) do
      local feature = parameter.ParameterKey:match("^Enable(.+)$")
      if feature then used[feature] = true end
    end

    prepared[i] = {
      summary = summary,
      parameters = stacks.parameters(self.estate, stack, summary, self.where, report),
    }
  end

  stacks.unused_features(self.estate, used, self.where, report)

  return prepared
end

function plan.make(given)
  local self = setmetatable({
    estate = given.estate,
    where = given.where,
    templates = given.templates,
    accounts = {},
    clients = {},
    summaries = {},
    findings = finding_list.new(given.file),
  }, Plan)

  local list = stacks.list(self.estate)
  local prepared, message, code = self:prepare(list)
  if not prepared then return nil, message, code end
  local findings = self.findings:in_order()
  if findings then return { findings = findings } end

  local rows = {}
  for i, stack in ipairs(list) do
    rows[i] = self:row(stack, self:client(stack), prepared[i].summary, prepared[i].parameters)
    given.shown(rows[i])
  end

  return { rows = rows }
end

return plan
