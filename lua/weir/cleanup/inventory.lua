-- What there is to clean up: the stacks of an estate that exist and carry its tag, in the order in
-- which they are deleted.
--
--   inventory.take(session, wanted) → { stacks = rows, stay = rows } | nil, message, code
--
-- session: weir.deploy.session's. wanted(template) → boolean: which stacks are asked
-- for. Rows of `stacks`:
--   { name =, template =, account =, region =, client = function(service), id =, status =,
--     resources = list of CloudFormation's StackResourceSummary,
--     instance = of a stack that a set made, the set's member (weir.deploy.stacks) }
-- `places` are { account =, region =, names = stack → template, client = function(service) }.
-- Rows of `stay` are stacks that look like the estate's and are not touched, each with its reason:
--   { name =, account =, region =, status =, reason = }
--
-- A stack is the estate's when the estate file names it and its tag weir:stack is its name.
local ownership = require "weir.deploy.ownership"

local inventory = {}

-- What costs most first, then what writes; what the others stand on last.
local ORDER = {
  "endpoint", "core", "events", "replay", "tokens", "link", "access", "storage", "shared",
  "boundary",
}
local RANK = {}
for i, name in ipairs(ORDER) do RANK[name] = i end

-- rank(template) → its place in the order of deletion
function inventory.rank(template) return RANK[template] end

-- The places where the estate has stacks, and their names there.
local function places(session)
  local list, by_key = {}, {}
  for _, stack in ipairs(session.all) do
    local key = stack.account.id .. " " .. stack.region
    if not by_key[key] then
      local account, region = stack.account, stack.region
      by_key[key] = {
        account = account,
        region = region,
        names = {},
        client = function(service) return session:client(service, account, region) end,
      }
      list[#list + 1] = by_key[key]
    end

    by_key[key].names[stack.name] = stack.reader and "access" or stack.template
  end

  return list
end

-- Why a stack without the tag is left alone, or nil where it has it.
local function lacks_tag(stack, name)
  if ownership.tag_of(stack.Tags) == name then return nil end
  return ("it does not carry the tag %s = %s, so it may be somebody else's"):format(ownership.TAG,
    name)
end

-- Why a stack that looks like the estate's is left alone, or nil where it is the estate's.
local function reason_to_leave(stack, template)
  if template then return lacks_tag(stack, stack.StackName) end
  return "its tag says that weir made it, and the estate file does not name it"
end

local function row_of(place, stack)
  return {
    name = stack.StackName,
    template = place.names[stack.StackName],
    account = place.account,
    region = place.region,
    client = place.client,
    id = stack.StackId,
    status = stack.StackStatus,
  }
end

-- Is it one of the estate's, by name or by tag? Other estates' stacks are none of ours.
local function concerns(estate, place, stack)
  local tag = ownership.tag_of(stack.Tags)
  return place.names[stack.StackName] ~= nil
    or tag == stack.StackName and stack.StackName:sub(1, #estate.name + 1) == estate.name .. "-"
end

local function sort_in(found, estate, place, stack, wanted)
  if not concerns(estate, place, stack) then return end
  local row = row_of(place, stack)
  if row.template and not wanted(row.template) then return end

  row.reason = reason_to_leave(stack, row.template)
  local list = row.reason and found.stay or found.stacks
  list[#list + 1] = row
end

-- Which resources a stack has and how they are, a deleted stack's too, by its id.
function inventory.resources(row)
  return row.client "cloudformation":all("ListStackResources", { StackName = row.id })
end

local function add_resources(rows)
  for _, row in ipairs(rows) do
    local message, code
    row.resources, message, code = inventory.resources(row)
    if not row.resources then
      return nil, ("stack %s in account %s: %s"):format(row.name, row.account.id, message), code
    end
  end

  return true
end

local function instance_row(session, stack, described)
  return {
    name = stack.name,
    template = stack.template,
    account = stack.account,
    region = stack.region,
    client = function(service) return session:client(service, stack.account, stack.region) end,
    id = described.StackId,
    status = described.StackStatus,
    instance = stack,
    reason = lacks_tag(described, stack.name),
  }
end

-- The stacks that a set made (weir.deploy.stack_sets): by the set's name and tag.
local function add_instances(found, session, wanted)
  for _, stack in ipairs(session.all) do
    local described, message, code
    if stack.set and wanted(stack.template) then
      described, message, code = session:described(stack)
      if described == nil then return nil, message, code end
    end

    if described and described.StackStatus ~= "DELETE_COMPLETE" then
      local row = instance_row(session, stack, described)
      local list = row.reason and found.stay or found.stacks
      list[#list + 1] = row
    end
  end

  return true
end

local function put_in_order(rows)
  for i, row in ipairs(rows) do row.position = i end
  table.sort(rows, function(a, b)
    if RANK[a.template] ~= RANK[b.template] then return RANK[a.template] < RANK[b.template] end
    return a.position < b.position
  end)
end

function inventory.take(session, wanted)
  local found = { stacks = {}, stay = {}, places = places(session) }

  for _, place in ipairs(found.places) do
    local fine, message, code = session:check_account(place.account, place.region)
    local stacks
    if fine then stacks, message, code = place.client "cloudformation":all "DescribeStacks" end

    if not stacks then
      return nil, ("account %s, region %s: %s"):format(place.account.id, place.region, message),
        code
    end

    for _, stack in ipairs(stacks) do sort_in(found, session.estate, place, stack, wanted) end
  end

  local done, message, code = add_instances(found, session, wanted)
  if not done then return nil, message, code end

  put_in_order(found.stacks)
  done, message, code = add_resources(found.stacks)
  if not done then return nil, message, code end

  return found
end

return inventory
