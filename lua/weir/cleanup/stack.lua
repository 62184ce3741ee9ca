-- Deletes one stack. What its deletion fails of is repaired, and it is deleted again, up to five
-- times; what cannot be deleted even then is kept, so that the stack itself goes.
--
--   stack.delete(row, { force =?, note = function(text) })
--       → { kept = resources } | nil, message, code
--
-- row: as weir.cleanup.inventory gives it. force: CloudFormation keeps by itself what it cannot
-- delete. A resource of `kept` has the reason in ResourceStatusReason.
local bucket = require "weir.cleanup.bucket"
local endpoint = require "weir.cleanup.endpoint"
local stack_events = require "weir.deploy.stack_events"
local inventory = require "weir.cleanup.inventory"
local network = require "weir.cleanup.network"
local process = require "weir.process"
local try = require "weir.try"

local stack = {}

local MOST_ROUNDS = 5
local FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 30000, 300000

-- What keeps a resource from being deleted, and can be put away, by its type:
-- repair(row, physical id, note) → true | nil, message, code
local REPAIRS = {
  ["AWS::S3::Bucket"] = bucket.empty,
  ["AWS::EC2::SecurityGroup"] = network.free,
  ["AWS::SageMaker::Endpoint"] = function(row, id, note)
    return endpoint.remove(row, id:match("[^/]+$"), note)
  end,
}

-- The same command, later or after somebody did something, goes on: nothing is kept for their sake.
local WAITS = { NotYet = true, BucketFills = true, ForeignInterface = true }

-- What failed, but for what is to be kept anyway.
local function failed_resources(row, kept)
  local resources = try(inventory.resources(row))
  local known, failed = {}, {}
  for _, resource in ipairs(kept) do known[resource.LogicalResourceId] = true end
  for _, resource in ipairs(resources) do
    if resource.ResourceStatus == "DELETE_FAILED" and not known[resource.LogicalResourceId] then
      failed[#failed + 1] = resource
    end
  end

  return failed
end

-- Fails with each problem, and the code of the one that will not go by waiting, if there is one.
local function fail_of(problems)
  local texts, code = {}, problems[1].code
  for i, problem in ipairs(problems) do
    texts[i] = problem.message
    if not WAITS[problem.code] then code = problem.code end
  end

  try.fail(table.concat(texts, "; "), code)
end

-- → whether something was repaired, the resources that cannot be
local function repair(row, failed, note)
  local repaired, hopeless, problems = false, {}, {}
  for _, resource in ipairs(failed) do
    local act = REPAIRS[resource.ResourceType]
    if act and resource.PhysicalResourceId then
      local done, message, code = act(row, resource.PhysicalResourceId, note)
      if done then
        repaired = true
      elseif code == "NotOurs" then
        resource.ResourceStatusReason = message
        hopeless[#hopeless + 1] = resource
      else
        problems[#problems + 1] = {
          message = ("%s: %s"):format(resource.LogicalResourceId, message),
          code = code,
        }
      end
    end
  end

  if #problems > 0 then fail_of(problems) end

  return repaired, hopeless
end

-- Asking ------------------------------------------------------------------------------------------

local function ids_of(resources)
  local ids = {}
  for i, resource in ipairs(resources) do ids[i] = resource.LogicalResourceId end
  return #ids > 0 and ids or nil
end

-- What a refusal means for somebody who wants the stack gone.
local function explained(row, message)
  if not message:find("TerminationProtection", 1, true) then return message end
  return ("%s; lift it: aws cloudformation update-termination-protection "
    .. "--no-enable-termination-protection --stack-name %s"):format(message, row.name)
end

-- Follows the operation that runs. → the status
local function watch(row, token, note)
  local ended = try(stack_events.follow(row.client "cloudformation", {
    id = row.id,
    token = token,
    shown = function(event)
      if event.ResourceStatus:find("_FAILED$") and event.PhysicalResourceId ~= row.id then
        note(("%s %s: %s"):format(event.LogicalResourceId, event.ResourceStatus,
          event.ResourceStatusReason or "no reason is given"))
      end
    end,
  }))

  return ended.status
end

-- Asks, and watches until it is over. → the status
local function delete_once(row, given, kept)
  local token = "weir-cleanup-" .. try(process.new_id())
  local done, message, code = row.client "cloudformation":delete_stack {
    StackName = row.id,
    ClientRequestToken = token,
    RetainResources = ids_of(kept),
    DeletionMode = given.force and "FORCE_DELETE_STACK" or nil,
  }
  if not done then try.fail(explained(row, message), code) end
  if row.status == "REVIEW_IN_PROGRESS" then return "DELETE_COMPLETE" end -- nothing is in it

  return watch(row, token, given.note)
end

-- The loop ----------------------------------------------------------------------------------------

local function add_all(list, more)
  table.move(more, 1, #more, #list + 1, list)
end

-- An operation that somebody else began ends first.
local function settle(row, given)
  if not row.status:find("_IN_PROGRESS$") or row.status == "REVIEW_IN_PROGRESS" then return end
  given.note(("waits: %s is %s"):format(row.name, row.status))
  row.status = watch(row, nil, given.note)
end

-- → whether something was put away; what cannot be goes to `kept`
local function put_away(row, given, kept)
  local repaired, hopeless = repair(row, failed_resources(row, kept), given.note)
  add_all(kept, hopeless)

  return repaired or #hopeless > 0
end

-- After a deletion that failed.
local function prepare_next(row, given, round, kept)
  if round == MOST_ROUNDS then -- nothing is left to try
    add_all(kept, failed_resources(row, kept))
    return
  end

  if put_away(row, given, kept) then return end

  local pause = math.min(FIRST_PAUSE_MS * 2 ^ (round - 1), LONGEST_PAUSE_MS)
  given.note(("tries again in %d s"):format(pause // 1000))
  process.sleep(math.floor(pause))
end

-- CloudFormation takes what is to be kept only of a stack whose deletion failed.
local function delete_again_and_again(row, given, kept)
  for round = 1, MOST_ROUNDS + 1 do
    row.status = delete_once(row, given, kept)
    if row.status == "DELETE_COMPLETE" then return { kept = kept } end
    if round <= MOST_ROUNDS then prepare_next(row, given, round, kept) end
  end

  try.fail(("the stack is %s after %d tries; look at its events"):format(row.status,
    MOST_ROUNDS + 1), "StackStays")
end

stack.delete = try.catching(function(row, given)
  settle(row, given)

  local kept = {}
  if row.status == "DELETE_COMPLETE" then return { kept = kept } end
  if row.status == "DELETE_FAILED" then put_away(row, given, kept) end

  return delete_again_and_again(row, given, kept)
end)

function stack.waits(code) return WAITS[code] or false end

return stack
