-- Does what the plan of an estate shows, stack by stack. Killed at any point, it goes on when it is
-- run again: what is done shows no change, what was begun is followed to its end.
--
--   apply.run{ session =, rows = the plan's, replace =, adopt =, skip = { resource = true },
--              shown = { event(stack, event), done(stack, what), object(bucket, key, was_there) } }
--       → true | nil, message, code, what to do next
--
--   replace   stateful resources may be replaced and removed
--   adopt     stacks of our names without our tag are ours (weir.deploy.ownership)
--   skip      resources that a roll-back may leave behind as they are; "used" where one was
--
-- It ends at the first failure: the stacks after it may need the one that failed.
local access_point = require "weir.deploy.access_point"
local change_set = require "weir.deploy.change_set"
local stack_events = require "weir.deploy.stack_events"
local losses = require "weir.deploy.losses"
local models = require "weir.deploy.models"
local ownership = require "weir.deploy.ownership"
local process = require "weir.process"
local request = require "weir.deploy.request"
local sign_in = require "weir.deploy.sign_in"
local stack_set_changes = require "weir.deploy.stack_set_changes"
local stack_status = require "weir.deploy.stack_status"
local try = require "weir.try"

local apply = {}

-- An operation of somebody else, a deletion, a roll-back and the change itself are four.
local MOST_ROUNDS = 8

local AGAIN = "mend what failed, then run the same command again; it goes on where it was"
local CLEAN_UP = "weir cleanup deletes what is in the way; then run the same command again"

local Apply = {}
Apply.__index = Apply

-- Operations --------------------------------------------------------------------------------------

-- begin(token) starts an operation. Its answer may have been lost: then the operation is there, and
-- to begin it again is refused. → { status =, cause =? }
function Apply:operate(stack, id, begin)
  local token = "weir-apply-" .. try(process.new_id())
  local done, message, code = begin(token)
  if not done and not stack_events.has_token(self:client(stack), id, token) then
    try.fail(message, code)
  end

  return self:follow(stack, id, token)
end

function Apply:follow(stack, id, token)
  return try(stack_events.follow(self:client(stack), {
    id = id,
    token = token,
    shown = function(event) self.shown.event(stack, event) end,
  }))
end

function Apply:client(stack) return self.session:cloudformation(stack) end

local function because(cause) return cause and ": " .. cause or "" end

-- Why the stack's last operation failed, in words behind what became of it.
function Apply:because(stack, found)
  local cause, message, code = stack_events.first_cause(self:client(stack), found.StackId)
  if message then try.fail(message, code) end

  return because(cause)
end

-- Steps -------------------------------------------------------------------------------------------
--
-- By weir.deploy.stack_status: step(self, stack, found, state)
--   → true: done | false: look at the stack again

local steps = {}

-- Fails with what the operation came to, and what to do next.
local function fail_of(ended)
  if ended.status == "UPDATE_ROLLBACK_FAILED" then
    try.fail("the roll-back failed" .. because(ended.cause), "RollbackFailed",
      "repair the resource and run the same command again, or leave it behind: --skip RESOURCE")
  end

  local what = ended.status:find("ROLLBACK") and " and was rolled back" or ""
  try.fail(("the change failed%s (%s)%s"):format(what, ended.status, because(ended.cause)),
    "OperationFailed", AGAIN)
end

function Apply:execute(stack, made)
  local ended = self:operate(stack, made.StackId, function(token)
    return self:client(stack):execute_change_set {
      ChangeSetName = made.Id,
      ClientRequestToken = token,
    }
  end)

  if ended.status ~= "CREATE_COMPLETE" and ended.status ~= "UPDATE_COMPLETE" then fail_of(ended) end
end

-- Rolls a failed update back; begin as in Apply:operate. → false: look at the stack again
function Apply:roll_back(stack, found, begin)
  local ended = self:operate(stack, found.StackId, begin)
  if ended.status ~= "UPDATE_ROLLBACK_COMPLETE" then fail_of(ended) end

  return false
end

-- There is nothing to execute, and yet an update that failed is not undone.
function Apply:nothing(stack, found)
  if not found or found.StackStatus ~= "UPDATE_FAILED" then
    self.shown.done(stack, "no change")
    return true
  end

  return self:roll_back(stack, found, function(token)
    return self:client(stack):rollback_stack {
      StackName = found.StackId,
      ClientRequestToken = token,
    }
  end)
end

function steps.change(self, stack, found, state)
  local asked = try(request.of(self.session, stack, {
    purpose = "apply",
    type = state.change,
    found = found,
  }))

  local made, message, code = change_set.create(self:client(stack), asked)
  local is_busy = code == "ValidationError" and message:find("_IN_PROGRESS state", 1, true)
  if is_busy then return false end

  return self:carry_out(stack, found, asked, try(made, message, code))
end

-- Executes a change set, unless there is nothing in it, or what it takes away is to stay.
function Apply:carry_out(stack, found, asked, made)
  local client = self:client(stack)
  local looked, message, code = change_set.read(client, made)
  local objection, kind, remedy
  if looked and not self.replace then
    objection, kind, remedy = losses.objection(looked.changes)
  end

  if not looked or looked.nothing or objection then
    local removed, why, problem = change_set.remove(client, asked, made)
    try(looked, message, code)
    try(removed, why, problem)
  end

  if looked.nothing then return self:nothing(stack, found) end
  if objection then try.fail(objection, kind, remedy) end

  self:execute(stack, made)
  self.shown.done(stack, found and "changed" or "created")

  return true
end

-- The stack never came into being: it is deleted, if the plan said so, and created.
function steps.replace(self, stack, found, state)
  if self.planned[stack] ~= "replace" then
    try.fail(state.why .. self:because(stack, found), "CreationFailed",
      "mend what failed, then run the same command again; it deletes the stack and creates it anew")
  end

  if not ownership.is_ours(found, stack) then
    try.fail(state.why .. ", and it does not have our tag weir:stack", "NotOurs",
      ("look whether it may go, then: aws cloudformation delete-stack --stack-name %s --region %s")
        :format(stack.name, stack.region))
  end

  local ended = self:operate(stack, found.StackId, function(token)
    return self:client(stack):delete_stack {
      StackName = found.StackId,
      ClientRequestToken = token,
    }
  end)

  if ended.status == "DELETE_COMPLETE" then return false end

  try.fail("its deletion failed" .. because(ended.cause), "DeletionFailed", CLEAN_UP)
end

function steps.wait(self, stack, found)
  self:follow(stack, found.StackId)

  return false
end

function steps.clean(self, stack, found, state)
  try.fail(state.why .. self:because(stack, found), "DeletionFailed", CLEAN_UP)
end

-- The resources of --skip that are stuck in this stack.
function Apply:skipped(stack, found)
  local all = try(self:client(stack):all("ListStackResources", { StackName = found.StackId }))
  local names = {}
  for _, resource in ipairs(all) do
    local stuck = resource.ResourceStatus == "UPDATE_FAILED"
    if stuck and self.skip[resource.LogicalResourceId] then
      names[#names + 1] = resource.LogicalResourceId
      self.skip[resource.LogicalResourceId] = "used"
    end
  end

  return names
end

function steps.go_back(self, stack, found)
  local skipped = self:skipped(stack, found)
  return self:roll_back(stack, found, function(token)
    return self:client(stack):continue_update_rollback {
      StackName = found.StackId,
      ResourcesToSkip = #skipped > 0 and skipped or nil,
      ClientRequestToken = token,
    }
  end)
end

function steps.stuck(self, stack, found, state)
  try.fail(state.why .. self:because(stack, found), "StackIsStuck",
    "CloudFormation does not go on from there: repair the resource by hand, or delete the stack; "
      .. "then run the same command again")
end

function steps.unknown(_, _, found, state)
  try.fail(("%s: %s"):format(state.why, found.StackStatus), "UnknownState",
    "look at the stack in the console, and for a newer version of this program")
end

-- One stack ---------------------------------------------------------------------------------------

-- The steps that change what is there.
local CHANGES = { change = true, go_back = true }

function Apply:step(stack, found)
  local state = stack_status.of(found and found.StackStatus or nil)
  if CHANGES[state.step] and not self.adopt and ownership.is_taken(found, stack) then
    try.fail(ownership.objection(stack))
  end

  return steps[state.step](self, stack, found, state)
end

function Apply:rounds(stack)
  for _ = 1, MOST_ROUNDS do
    if self:step(stack, try(self.session:described(stack))) then return true end
  end

  try.fail("it is changed again and again by somebody else", "NotYet", AGAIN)
end

function Apply:set_policy(stack)
  local policy = stack.is_policy and try(access_point.differs(self.session, stack))
  if not policy then return end

  try(access_point.set(self.session, stack, policy))
  self.shown.done(stack, "the access point's policy is set; it acts within some seconds")
end

function Apply:change(stack)
  if not stack.members then return self:rounds(stack) end

  return stack_set_changes.apply(self.session, stack, {
    adopt = self.adopt,
    shown = self.shown.done,
  })
end

function Apply:stack(stack)
  local done, message, code, next_step = try.call(self.change, self, stack)

  -- What it puts out may be other than the plan saw, whoever changed it.
  for _, each in ipairs(stack.members or { stack }) do self.session:forget(each) end

  try(done, message, code, next_step)
  self:set_policy(stack)

  return true
end

-- The estate --------------------------------------------------------------------------------------

local function advice(code, given)
  return given or sign_in.advice(code, "deploy") or AGAIN
end

function Apply:prepare()
  local store = self.session.store
  try(models.check(self.session))
  if store then try(store:put_all(self.session, self.shown.object)) end

  return true
end

function apply.run(given)
  local self = setmetatable({
    session = given.session,
    replace = given.replace,
    adopt = given.adopt,
    skip = given.skip or {},
    shown = given.shown,
    planned = {},
  }, Apply)
  for _, row in ipairs(given.rows) do self.planned[row.stack] = row.step end

  local fine, message, code = try.call(self.prepare, self)
  if not fine then return nil, message, code, advice(code) end

  for _, stack in ipairs(self.session.list) do
    local done, why, kind, next_step = try.call(self.stack, self, stack)
    if not done then
      return nil, ("stack %s of account %s in %s: %s"):format(stack.name, stack.account.id,
        stack.region, why), kind, advice(kind, next_step)
    end
  end

  return true
end

return apply
