-- Makes a stack set what the estate says (weir.deploy.stack_sets): one account and region at a
-- time, and none after one that failed. What a killed run began is waited for.
--
--   stack_set_changes.apply(session, entry, { adopt =, shown = })
--       → true | nil, message, code, what to do next
--   stack_set_changes.delete_instance(session, stack) → true | nil, message, code
--   stack_set_changes.delete(session, entry)
--       → true | false: there is none, it has instances, or lacks our tag | nil, message, code
--
-- adopt: a set without our tag is ours. shown(stack, what) is told what was done.
local ownership = require "weir.deploy.ownership"
local patience = require "weir.deploy.patience"
local process = require "weir.process"
local sorted_pairs = require "weir.sorted_pairs"
local stack_sets = require "weir.deploy.stack_sets"
local try = require "weir.try"

local changes = {}

local PREFERENCES = {
  FailureToleranceCount = 0,
  MaxConcurrentCount = 1,
  RegionConcurrencyType = "SEQUENTIAL",
}

local OPERATION_LIMIT_MS = 2 * 60 * 60000

local function as_list(values)
  local list = {}
  for name, value in sorted_pairs(values) do
    list[#list + 1] = { ParameterKey = name, ParameterValue = value }
  end

  return list
end

-- Operations --------------------------------------------------------------------------------------

local RUNS = { RUNNING = true, QUEUED = true, STOPPING = true }

-- Waits for the end of an operation. → its status
local function follow(self, id)
  return try(patience.until_done(function(elapsed_ms)
    local answer, message, code = self.client:describe_stack_set_operation(
      self:input { OperationId = id })
    local is_young = code == "OperationNotFoundException" and elapsed_ms < patience.VISIBLE_MS
    if not answer and is_young then return nil end
    if not answer then return false, message, code end

    local status = answer.StackSetOperation.Status
    if RUNS[status] then return nil end

    return status
  end, "the operation runs for two hours already; run the same command again, it goes on watching",
    OPERATION_LIMIT_MS))
end

-- The first account of an operation that failed, and why.
local function cause_of(self, id)
  local all = try(self.client:all("ListStackSetOperationResults",
    self:input { OperationId = id }))
  for _, result in ipairs(all) do
    if result.Status == "FAILED" then
      return ("account %s in %s: %s"):format(result.Account, result.Region,
        result.StatusReason or "no reason is given")
    end
  end

  return "no account says why"
end

-- Somebody else's operations, and ours of a run that was killed.
local function wait_for_others(self)
  for _, operation in ipairs(try(self.client:all("ListStackSetOperations", self:input()))) do
    if RUNS[operation.Status] then follow(self, operation.OperationId) end
  end
end

-- Begins an operation under an id of ours, and waits for its end.
local function operate(self, name, more)
  local input = self:input(more)
  local id = "weir-apply-" .. try(process.new_id())
  input.OperationId, input.OperationPreferences = id, PREFERENCES
  try.except("OperationIdAlreadyExistsException", self.client:call(name, input))

  local status = follow(self, id)
  if status == "SUCCEEDED" then return end

  try.fail(("the operation on the stack set ended as %s: %s"):format(status, cause_of(self, id)),
    "OperationFailed", "mend what failed in that account, then run the same command again")
end

-- Acting ------------------------------------------------------------------------------------------

local function definition(self)
  local settings = self.settings
  local is_service_managed = settings.model == "SERVICE_MANAGED"
  return {
    TemplateBody = self.request.source.TemplateBody,
    TemplateURL = self.request.source.TemplateURL,
    Parameters = as_list(self.common),
    Capabilities = self.request.capabilities,
    Tags = { { Key = "weir:stack", Value = self.entry.name } },
    PermissionModel = settings.model or "SELF_MANAGED",
    AdministrationRoleARN = settings.administration_role,
    ExecutionRoleName = settings.execution_role,
    AutoDeployment = is_service_managed and { Enabled = false } or nil,
    ManagedExecution = { Active = true }, -- queues an operation instead of failing
  }
end

local function create(self)
  local input = self:input(definition(self))
  input.ClientRequestToken = "weir-apply-" .. try(process.new_id())
  try(self.client:create_stack_set(input))
end

local function target_of(self, stack)
  local units = self.settings.organizational_units
  if not units then return { Accounts = { stack.account.id }, Regions = { stack.region } } end

  return {
    DeploymentTargets = {
      OrganizationalUnitIds = units,
      Accounts = { stack.account.id },
      AccountFilterType = "INTERSECTION",
    },
    Regions = { stack.region },
  }
end

local function change_member(self, member)
  local input = target_of(self, member.stack)
  input.ParameterOverrides = as_list(member.overrides)
  local name = member.change == "create" and "CreateStackInstances" or "UpdateStackInstances"

  operate(self, name, input)
end

-- Has it a value of which nobody can tell whether it changed?
local function has_unmarked(member, unmarked)
  for name in sorted_pairs(member.overrides) do
    if unmarked[name] then return true end
  end

  return false
end

local function act(self, shown)
  if self.change == "create" then create(self) end
  if self.change == "update" then operate(self, "UpdateStackSet", definition(self)) end
  if self.change then shown(self.entry, "stack set " .. self.change .. "d") end

  for _, member in ipairs(self.members) do
    if member.change or has_unmarked(member, self.unmarked) then
      change_member(self, member)
      shown(member.stack, member.change == "create" and "created" or "changed")
    end
  end
end

changes.apply = try.catching(function(session, entry, given)
  local self = try(stack_sets.look(session, entry))
  if self.change ~= "create" then
    wait_for_others(self)
    self = try(stack_sets.look(session, entry))
  end

  if self.taken and not given.adopt then try.fail(ownership.objection(entry)) end
  act(self, given.shown)

  return true
end)

-- Deleting ----------------------------------------------------------------------------------------

changes.delete_instance = try.catching(function(session, stack)
  local self = stack_sets.of(session, stack.set)
  wait_for_others(self)

  local input = target_of(self, stack)
  input.RetainStacks = false
  operate(self, "DeleteStackInstances", input)

  return true
end)

local NOT_NOW = { StackSetNotFoundException = true, StackSetNotEmptyException = true }

function changes.delete(session, entry)
  local self = stack_sets.of(session, entry)
  local answer, message, code = self.client:describe_stack_set(self:input())
  if not answer then
    if NOT_NOW[code] then return false end
    return nil, message, code
  end

  if not ownership.is_ours(answer.StackSet, entry) then return false end

  answer, message, code = self.client:delete_stack_set(self:input())
  if answer then return true end
  if NOT_NOW[code] then return false end

  return nil, message, code
end

return changes
