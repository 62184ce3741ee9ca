-- What CloudFormation tells of an operation on a stack, event by event.
--
--   stack_events.first_cause(client, id) → text | nil | nil, message, code
--       the first failure of the stack's last operation
--   stack_events.has_token(client, id, token)
--       → whether an operation with this ClientRequestToken was begun
--   stack_events.follow(client, { id =, token =?, shown = function(event) })
--       → { status =, cause =? } | nil, message, code
--       shows each event, the oldest first, until the operation has ended
--
-- client: weir.aws.cloudformation. id: the StackId, by which a deleted stack is found, too. token:
-- the ClientRequestToken of an operation that was just begun; without one it is the last operation.
-- An event is CloudFormation's StackEvent.
local patience = require "weir.deploy.patience"

local stack_events = {}

-- Longer than SageMaker takes for an endpoint, during which nothing is told.
local LONGEST_SILENCE_MS = 60 * 60000

local BEGINNINGS = {
  CREATE_IN_PROGRESS = true,
  UPDATE_IN_PROGRESS = true,
  DELETE_IN_PROGRESS = true,
  IMPORT_IN_PROGRESS = true,
  REVIEW_IN_PROGRESS = true,
}

local function is_of_stack(event)
  return event.PhysicalResourceId == event.StackId
end

-- The first event of an operation; a roll-back belongs to the operation that it undoes.
local function begins(event)
  return is_of_stack(event) and BEGINNINGS[event.ResourceStatus] or false
end

-- What the event says of a failure, or nil. What was cancelled because of another is not a cause.
local function failure_in(event)
  local reason = event.ResourceStatusReason or ""
  if not event.ResourceStatus:find("_FAILED$") or reason:lower():find("cancelled", 1, true) then
    return nil
  end

  return ("%s %s: %s"):format(event.LogicalResourceId, event.ResourceStatus,
    reason ~= "" and reason or "no reason is given")
end

-- visit(event) for the events of the stack, the newest first, until it gives false.
-- → true | nil, message, code
local function each_event(client, id, visit)
  for page, message, code in client:pages("DescribeStackEvents", { StackName = id }) do
    if not page then return nil, message, code end
    for _, event in ipairs(type(page.StackEvents) == "table" and page.StackEvents or {}) do
      if not visit(event) then return true end
    end
  end

  return true
end

function stack_events.first_cause(client, id)
  local cause
  local done, message, code = each_event(client, id, function(event)
    cause = failure_in(event) or cause
    return not begins(event)
  end)

  if not done then return nil, message, code end

  return cause
end

function stack_events.has_token(client, id, token)
  local found = false
  each_event(client, id, function(event)
    found = event.ClientRequestToken == token
    return not found and not begins(event)
  end)

  return found
end

-- Following ---------------------------------------------------------------------------------------

local Follower = {}
Follower.__index = Follower

-- The events that were not seen before, the oldest first | nil, message, code
function Follower:fresh()
  local newest_first = {}
  local done, message, code = each_event(self.client, self.id, function(event)
    if self.seen[event.EventId] then return false end
    if self.token and event.ClientRequestToken ~= self.token then return false end
    newest_first[#newest_first + 1] = event

    return self.token ~= nil or not begins(event)
  end)

  if not done then return nil, message, code end

  local oldest_first = {}
  for i, event in ipairs(newest_first) do oldest_first[#newest_first + 1 - i] = event end

  return oldest_first
end

function Follower:take(event)
  self.seen[event.EventId] = true
  self.cause = self.cause or failure_in(event)
  if is_of_stack(event) then self.status = event.ResourceStatus end
  self.shown(event)
end

-- One look, as patience wants it.
function Follower:look()
  local fresh, message, code = self:fresh()
  if not fresh then return false, message, code end

  for _, event in ipairs(fresh) do self:take(event) end
  if self.status and not self.status:find("_IN_PROGRESS$") then
    return { status = self.status, cause = self.cause }
  end

  return nil, #fresh > 0
end

function stack_events.follow(client, given)
  local follower = setmetatable({
    client = client,
    id = given.id,
    token = given.token,
    shown = given.shown,
    seen = {},
  }, Follower)

  return patience.until_done(function() return follower:look() end,
    "nothing was heard of the stack for an hour; run the same command again, it goes on watching",
    LONGEST_SILENCE_MS)
end

return stack_events
