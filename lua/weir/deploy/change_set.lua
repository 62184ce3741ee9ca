-- Change sets: what an update would do, asked of CloudFormation, and done by weir.deploy.apply.
--
--   change_set.create(client, request) → made{ Id =, StackId = } | nil, message, code
--   change_set.read(client, made) → { changes = list, nothing = boolean } | nil, message, code
--   change_set.remove(client, request, made) → true | nil, message, code
--   change_set.look(client, request) → as read; the change set is deleted again
--
--   change_set.prefix(purpose, caller) → with what the names of such change sets begin
--       purpose: "plan" or "apply"; caller: the ARN of who makes them
--
--   request: { prefix =, stack =, type = "CREATE" | "UPDATE",
--              source = { TemplateBody = } or { TemplateURL = }, parameters =, capabilities =,
--              made_by_us = did the change set make the stack, is_ours = has the stack our tag }
--
-- A change is CloudFormation's ResourceChange. nothing: there is nothing to execute. A change set
-- of type CREATE leaves an empty stack behind, which goes with it, in one deletion: between two a
-- run may be killed. What such a run left behind, the next one of the same caller and purpose
-- recognises by its name, and removes.
local patience = require "weir.deploy.patience"
local process = require "weir.process"
local sha256 = require "weir.sha256"
local try = require "weir.try"

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

function change_set.prefix(purpose, caller)
  return ("weir-%s-%s-"):format(purpose, sha256.hex(caller):sub(1, 8))
end

-- Those that nobody executes: of the others CloudFormation keeps account.
local IDLE = { AVAILABLE = true, UNAVAILABLE = true, OBSOLETE = true }

-- Of another run that is at work just now.
local BUSY = { InvalidChangeSetStatus = true, ChangeSetNotFound = true }

-- Removes what is left behind of this prefix.
-- A stack in which then is nothing at all was made by such a change set, or has our tag: it goes
-- with this one.
local function tidy(client, request)
  local is_ours, others = request.is_ours, 0
  for _, each in ipairs(try(client:all("ListChangeSets", { StackName = request.stack }))) do
    local is_left = each.ChangeSetName:sub(1, #request.prefix) == request.prefix
      and IDLE[each.ExecutionStatus]
    local done, message, code
    if is_left then
      done, message, code = client:delete_change_set { ChangeSetName = each.ChangeSetId }
      if not done and not BUSY[code] then try.fail(message, code) end
    end

    is_ours, others = is_ours or done, others + (done and 0 or 1)
  end

  if request.type == "CREATE" and is_ours and others == 0 then request.made_by_us = true end
end

local function create(client, request)
  local name = request.prefix .. try(process.new_id())
  if not request.made_by_us then tidy(client, request) end

  return try(client:create_change_set {
    StackName = request.stack,
    ChangeSetName = name,
    ClientToken = name,
    ChangeSetType = request.type,
    TemplateBody = request.source.TemplateBody,
    TemplateURL = request.source.TemplateURL,
    Parameters = request.parameters,
    Capabilities = request.capabilities,
    Tags = { { Key = "weir:stack", Value = request.stack } },
  })
end

-- A change set that was just made may not be found for a while.
local function settled(client, id)
  return try(patience.until_done(function(elapsed_ms)
    local found, message, code = client:describe_change_set { ChangeSetName = id }
    local is_young = code == "ChangeSetNotFound" and elapsed_ms < patience.VISIBLE_MS
    if not found and is_young then return nil end
    if not found then return false, message, code end
    if found.Status:find("_PENDING$") or found.Status:find("_IN_PROGRESS$") then return nil end

    return found
  end, "the change set is not ready yet; run the same command again"))
end

local function changes_of(client, id)
  local changes = {}
  for i, item in ipairs(try(client:all("DescribeChangeSet", { ChangeSetName = id }))) do
    changes[i] = item.ResourceChange
  end

  return changes
end

-- What CloudFormation's own checks found, as "; Resources/Table/…: what", or "". Only an addition:
-- whoever may not ask for it is told the reason of the change set alone.
local function validations(client, id)
  local found = {}
  local input = { ChangeSetName = id, Filters = { FailedEvents = true } }
  for _, event in ipairs(client:all("DescribeEvents", input) or {}) do
    if event.ValidationStatusReason then
      found[#found + 1] = ("; %s: %s"):format(event.ValidationPath or event.LogicalResourceId
        or "the template", event.ValidationStatusReason)
    end
  end

  return table.concat(found)
end

local function read(client, made)
  local found = settled(client, made.Id)
  if found.Status ~= "FAILED" then
    return { changes = changes_of(client, made.Id), nothing = false }
  end

  local reason = found.StatusReason or "CloudFormation gives no reason"
  if is_nothing(reason) then return { changes = {}, nothing = true } end

  try.fail("the change set failed: " .. reason .. validations(client, made.Id), "ChangeSetFailed")
end

-- Has the stack nothing in it, and no change set but this one?
local function is_empty(client, made)
  local found = try(client:describe_stacks { StackName = made.StackId })
  if found.Stacks[1].StackStatus ~= "REVIEW_IN_PROGRESS" then return false end

  local all = try(client:all("ListChangeSets", { StackName = made.StackId }))
  return #all == 1 and all[1].ChangeSetId == made.Id
end

-- A stack takes its change sets along.
local function remove(client, request, made)
  if request.made_by_us and is_empty(client, made) then
    return try(client:delete_stack { StackName = made.StackId })
  end

  return try(client:delete_change_set { ChangeSetName = made.Id })
end

change_set.create = try.catching(create)
change_set.read = try.catching(read)

function change_set.remove(client, request, made)
  local done, message, code = try.call(remove, client, request, made)
  if done then return true end

  return nil, ("the change set %s could not be deleted: %s"):format(made.Id, message), code
end

-- The change set goes even where it cannot be read.
change_set.look = try.catching(function(client, request)
  local made = create(client, request)
  local looked, message, code = change_set.read(client, made)
  local removed, why, problem = change_set.remove(client, request, made)
  try(looked, message, code)
  try(removed, why, problem)

  return looked
end)

return change_set
