-- What a deployment asks of AWS about the estate's accounts, templates and stacks, each once.
--
--   session.new{ estate =, where =, templates = name → text, store =?, config =? } → session
--   session.list                              the stacks and stack sets, in order
--   session.all                               the stacks, with those of the sets in their place
--   session:check_accounts()                  true | nil, message, code
--   session:caller(account)                   whose the credentials are: an ARN, without session
--   session:client(service, account, region)  a client in the account's role
--   session:cloudformation(stack)             the same for CloudFormation
--   session:source(stack)                     the template, as CreateChangeSet takes it | nil, …
--   session:summary(stack)                    GetTemplateSummary's answer | nil, message, code
--   session:described(stack)                  the stack | false: there is none | nil, message, code
--   session:outputs(stack)                    name → value, {} where there are none | nil, …
--   session:forget(stack)                     its outputs may have changed
--
-- store: weir.deploy.artifacts', for templates that are too large to be sent. config: of every
-- client (weir.aws.client), besides region and role.
local sorted_pairs = require "weir.sorted_pairs"
local stacks = require "weir.deploy.stacks"
local try = require "weir.try"

local session = {}

local INLINE_LIMIT = 51200

local NOT_THERE = {
  StackSetNotFoundException = true,
  StackInstanceNotFoundException = true,
}

-- More than other clients have: a deployment is long, and its accounts are throttled together.
local MOST_ATTEMPTS = 8

local Session = {}
Session.__index = Session

local function flat(list)
  local all = {}
  for _, entry in ipairs(list) do
    for _, stack in ipairs(entry.members or { entry }) do all[#all + 1] = stack end
  end

  return all
end

function session.new(given)
  local list = stacks.list(given.estate)
  return setmetatable({
    estate = given.estate,
    where = given.where,
    templates = given.templates,
    store = given.store,
    config = given.config or {},
    list = list,
    all = flat(list),
    accounts = {},
    clients = {},
    summaries = {},
    known_outputs = {},
  }, Session)
end

-- Accounts ----------------------------------------------------------------------------------------

local function role_of(account)
  if not account.role then return nil end
  return {
    arn = account.role.arn,
    external_id = account.role.external_id,
    session_name = "weir-deploy",
  }
end

function Session:client(service, account, region)
  local key = table.concat({ service, account.id, region }, " ")
  if not self.clients[key] then
    local config = { region = region, role = role_of(account), max_attempts = MOST_ATTEMPTS }
    for name, value in sorted_pairs(self.config) do config[name] = value end
    self.clients[key] = require("weir.aws." .. service).new(config)
  end

  return self.clients[key]
end

function Session:cloudformation(stack)
  return self:client("cloudformation", stack.account, stack.region)
end

-- Is it the account that the file names?
function Session:check_account(account, region)
  if self.accounts[account] then return true end

  local caller = try(self:client("sts", account, region):get_caller_identity())
  if caller.Account ~= account.id then
    try.fail(("the credentials are of account %s, the estate names %s; give the account a role, "
      .. "or use other credentials"):format(caller.Account, account.id), "WrongAccount")
  end

  self.accounts[account] = caller.Arn:gsub("^(.*:assumed%-role/[^/]+)/.*$", "%1")

  return true
end

function Session:caller(account) return self.accounts[account] end

function Session:check_accounts()
  for _, list in ipairs { self.list, self.all } do
    for _, stack in ipairs(list) do
      local fine, message, code = try.call(self.check_account, self, stack.account, stack.region)
      if not fine then
        return nil, ("account %s: %s"):format(stack.account.id, message), code
      end
    end
  end

  return true
end

-- Templates ---------------------------------------------------------------------------------------

local function source_of(self, stack)
  local text = self.templates[stack.template]
  if #text <= INLINE_LIMIT then return { TemplateBody = text } end
  if not self.store then
    try.fail(("the template %s has %d bytes, CloudFormation takes %d from a request; name "
      .. "artifacts.bucket in the estate file, from where it takes more"):format(stack.template,
      #text, INLINE_LIMIT), "TemplateTooLarge")
  end

  return { TemplateURL = try(self.store:put_template(self, stack, text)) }
end

Session.source = try.catching(source_of)

-- A template's summary is the same everywhere.
Session.summary = try.catching(function(self, stack)
  if self.summaries[stack.template] then return self.summaries[stack.template] end

  local source = source_of(self, stack)
  local summary = try(self:cloudformation(stack):get_template_summary(source))
  summary.Parameters = type(summary.Parameters) == "table" and summary.Parameters or {}
  summary.Capabilities = type(summary.Capabilities) == "table" and summary.Capabilities or nil
  self.summaries[stack.template] = summary

  return summary
end)

-- Stacks ------------------------------------------------------------------------------------------

-- The id of the stack that a set made in an account | false: there is none | nil, message, code
function Session:instance_id(stack)
  local settings = self.estate.stacksets
  local answer, message, code = self:cloudformation(stack.set):describe_stack_instance {
    StackSetName = stack.set.name,
    StackInstanceAccount = stack.account.id,
    StackInstanceRegion = stack.region,
    CallAs = settings.delegated and "DELEGATED_ADMIN" or nil,
  }

  if answer then return answer.StackInstance.StackId or false end
  if NOT_THERE[code] then return false end

  return nil, message, code
end

function Session:described(stack)
  local name, message, code = stack.name, nil, nil
  if stack.set then name, message, code = self:instance_id(stack) end
  if not name then return name, message, code end

  local answer
  answer, message, code = self:cloudformation(stack):describe_stacks { StackName = name }
  if answer then return answer.Stacks[1] end
  if code == "ValidationError" and message:find("does not exist", 1, true) then return false end

  return nil, message, code
end

function Session:outputs(stack)
  if self.known_outputs[stack] then return self.known_outputs[stack] end

  local found, message, code = self:described(stack)
  if found == nil then return nil, message, code end

  local values = {}
  local outputs = found and found.Outputs
  for _, output in ipairs(type(outputs) == "table" and outputs or {}) do
    values[output.OutputKey] = output.OutputValue
  end

  self.known_outputs[stack] = values

  return values
end

function Session:forget(stack) self.known_outputs[stack] = nil end

return session
