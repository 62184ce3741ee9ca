-- Change sets: what an update would do, asked of CloudFormation.
--
--   change_set.look(client, request) → { changes = list } | nil, message, code
--   request: { stack =, type = "CREATE" | "UPDATE", template =, parameters =, capabilities =,
--              made_by_us = is the stack to be deleted again if the change set made it }
--
-- The change set is deleted again, and with it the empty stack that one of type CREATE leaves
-- behind. A change is CloudFormation's ResourceChange. No change is an empty list.
local process = require "weir.process"
local try = require "weir.deploy.patience"

local change_set = {}

-- As CloudFormation words that there is nothing to do.
local NOTHING = {
  "The submitted information didn't contain changes",
  "No updates are to be performed",
}

local function is_nothing(reason)
  for _, text in ipairs(NOTHING) do
    if reason:find(text, 1, true) then return true end
  end

  return false
end

local function create(client, request)
  local id, message, code = process.new_id()
  if not id then return nil, message, code end
  return client:create_change_set {
    StackName = request.stack,
    ChangeSetName = "weir-plan-" .. id,
    ClientToken = "weir-plan-" .. id,
    ChangeSetType = request.type,
    TemplateBody = request.template,
    Parameters = request.parameters,
    Capabilities = request.capabilities,
    Tags = { { Key = "weir:stack", Value = request.stack } },
  }
end

-- A change set that was just made may not be found for a while.
local function settled(client, id)
  return try.until_done(function(elapsed_ms)
    local found, message, code = client:describe_change_set { ChangeSetName = id }
    if not found and code == "ChangeSetNotFound" and elapsed_ms < try.VISIBLE_MS then return nil end
    if not found then return false, message, code end
    if found.Status:find("_PENDING$") or found.Status:find("_IN_PROGRESS$") then return nil end

    return found
  end, "the change set is not ready yet; run the same command again")
end

local function changes_of(client, id)
  local items, message, code = client:all("DescribeChangeSet", { ChangeSetName = id })
  if not items then return nil, message, code end
  local changes = {}
  for i, item in ipairs(items) do changes[i] = item.ResourceChange end

  return changes
end

local function read(client, id)
  local found, message, code = settled(client, id)
  if not found then return nil, message, code end
  if found.Status ~= "FAILED" then
    local changes
    changes, message, code = changes_of(client, id)
    return changes, message, code
  end

  local reason = found.StatusReason or "CloudFormation gives no reason"
  if is_nothing(reason) then return {} end

  return nil, "the change set failed: " .. reason, "ChangeSetFailed"
end

-- Only a stack that has nothing in it, and that this change set made.
local function remove_empty(client, stack_id)
  local found, message, code = client:describe_stacks { StackName = stack_id }
  if not found then return nil, message, code end
  if found.Stacks[1].StackStatus ~= "REVIEW_IN_PROGRESS" then return true end

  return client:delete_stack { StackName = stack_id }
end

local function remove(client, request, made)
  local done, message, code = client:delete_change_set { ChangeSetName = made.Id }
  if not done then return nil, message, code end
  if not request.made_by_us then return true end

  return remove_empty(client, made.StackId)
end

function change_set.look(client, request)
  local made, message, code = create(client, request)
  if not made then return nil, message, code end

  local changes, why, failure = read(client, made.Id)
  local removed
  removed, message, code = remove(client, request, made)
  if not changes then return nil, why, failure end
  if not removed then
    return nil, ("the change set %s could not be deleted: %s"):format(made.Id, message), code
  end

  return { changes = changes }
end

return change_set
