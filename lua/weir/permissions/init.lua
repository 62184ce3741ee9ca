-- The IAM permissions that calls to AWS need.
--
--   permissions.place{ partition =?, region =?, account =?, access_points =? } → place
--   permissions.grants(request, place)  → list of { action =, resource =, condition =? }
--   permissions.statements(grants)      → the statements of a policy, in one order
--   permissions.compact(statements)     → the same in fewer characters
--
-- A request is what a handler gives to its effects: { service =, operation =, input =, role =? }.
-- Made in another role it needs only that this role may be taken; what the other role needs are the
-- grants of the same request without `role`.
--
-- A member that is not known stays a placeholder "${TableName}", which IAM takes for no name: a
-- policy that was not filled in grants nothing.
local actions = require "weir.permissions.actions"
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"

local permissions = {}

-- Places ------------------------------------------------------------------------------------------

local Place = {}
Place.__index = Place

-- access_points: alias → ARN, for policies name access points by their ARN.
function permissions.place(given)
  return setmetatable({
    partition = given.partition or "aws",
    region = given.region or "*",
    account = given.account or "*",
    access_points = given.access_points or {},
  }, Place)
end

function Place:access_point(alias)
  return self.access_points[alias]
    or ("arn:%s:s3:%s:%s:accesspoint/${AccessPoint}"):format(self.partition, self.region,
      self.account)
end

-- "table/x" of dynamodb → its ARN in this place
function Place:arn(service, path)
  return ("arn:%s:%s:%s:%s:%s"):format(self.partition, service, self.region, self.account, path)
end

-- Requests ----------------------------------------------------------------------------------------

-- "token_table" → "${TokenTable}"
function permissions.placeholder(name)
  local camel = ("_" .. name):gsub("_(%w)", string.upper)
  return "${" .. camel .. "}"
end

-- What a dry run puts where a setting is missing.
local function without_stand_ins(input)
  local copy = {}
  for member, value in pairs(input) do -- any order: copies one member at a time
    local name = type(value) == "string" and value:match("^%(([%w_]+) is not set%)$")
    copy[member] = name and permissions.placeholder(name) or value
  end

  return copy
end

-- {Member} in a pattern, which "${Member}" is not.
local function fill(pattern, input)
  return (pattern:gsub("(%$?){(%w+)}", function(dollar, member)
    if dollar == "$" then return nil end
    local value = input[member]
    return type(value) == "string" and value or "${" .. member .. "}"
  end))
end

-- "arn:aws:sagemaker:dry-run:000000000000:…" of a dry run is in this place.
local function settled(arn, place)
  local service, path = arn:match("^arn:aws:([^:]+):dry%-run:000000000000:(.+)$")
  return service and place:arn(service, path) or arn
end

local function resource_of(text, input, place)
  if text == "*" then return text end
  text = fill(text, input)
  if text:find("^arn:") then return settled(text, place) end
  local service, path = text:match("^([%w-]+):(.+)$")
  if not service then return text end -- a placeholder for a whole ARN

  return place:arn(service, path)
end

local function resources_of(wanted, input, place)
  if type(wanted) == "function" then wanted = wanted(input, place) end
  if type(wanted) == "string" then wanted = { wanted } end
  local list = {}
  for i, text in ipairs(wanted) do list[i] = resource_of(text, input, place) end

  return list
end

local function assumed_role(role)
  local first = #role > 0 and role[1] or role
  return { { action = "sts:AssumeRole", resource = first.arn } }
end

function permissions.grants(request, place)
  if request.role then return assumed_role(request.role) end

  local name = request.service .. "." .. request.operation
  local needed = actions[name]
  if not needed then error("no IAM actions are known of " .. name, 2) end

  local grants, input = {}, without_stand_ins(request.input)
  for _, each in ipairs(needed) do
    local action, wanted = each[1], each[2]
    if not each.when or each.when(input) then
      for _, resource in ipairs(resources_of(wanted, input, place)) do
        grants[#grants + 1] = {
          action = action,
          resource = resource,
          condition = each.condition and each.condition(input),
        }
      end
    end
  end

  return grants
end

-- Statements --------------------------------------------------------------------------------------

local function sorted_keys(set)
  local list = json.array {}
  for key in sorted_pairs(set) do list[#list + 1] = key end
  return list
end

-- Grants of one action with one condition, by what they act on.
local function by_action(grants)
  local groups = {}
  for _, grant in ipairs(grants) do
    local condition = grant.condition and json.encode(grant.condition, { sort = true }) or ""
    local key = grant.action .. "\0" .. condition
    groups[key] = groups[key]
      or { action = grant.action, condition = grant.condition, key = condition, resources = {} }
    groups[key].resources[grant.resource] = true
  end

  return groups
end

-- Sids: the service, and a number where it has several statements.
local function name_statements(list)
  local count = {}
  for _, statement in ipairs(list) do
    local service = statement.Action[1]:match("^[%w-]+"):gsub("^%l", string.upper):gsub("%-", "")
    count[service] = (count[service] or 0) + 1
    statement.Sid = service .. (count[service] > 1 and count[service] or "")
  end

  return list
end

-- Actions on the same resources share a statement; what is sorted is the same for the same grants.
function permissions.statements(grants)
  local list, by_resources = {}, {}
  for _, group in sorted_pairs(by_action(grants)) do
    local resources = sorted_keys(group.resources)
    local key = group.action:match("^[^:]+") .. "\0" .. table.concat(resources, "\0") .. "\0"
      .. group.key
    if not by_resources[key] then
      by_resources[key] = {
        Effect = "Allow",
        Action = json.array {},
        Resource = resources,
        Condition = group.condition,
      }

      list[#list + 1] = by_resources[key]
    end

    table.insert(by_resources[key].Action, group.action)
  end

  return name_statements(list)
end

-- Services whose actions act on one type of resource each (or, for tags, on all of them alike):
-- several statements are one, and what more that says means nothing.
local ONE_TYPE_EACH = { lambda = true, oam = true, sagemaker = true }

-- What the statement can be one with, or nil.
local function kind_of(statement)
  if #statement.Resource == 1 and statement.Resource[1] == "*" then
    return not statement.Condition and "*" or nil
  end

  local service = statement.Action[1]:match "^[%w-]+"
  return ONE_TYPE_EACH[service] and service
    .. (statement.Condition and json.encode(statement.Condition, { sort = true }) or "") or nil
end

local function add_new(list, more)
  local known = {}
  for _, each in ipairs(list) do known[each] = true end
  for _, each in ipairs(more) do
    if not known[each] then list[#list + 1] = each end
  end
end

-- The same in fewer characters, for IAM takes 10,240 of a role's own policies: without names.
function permissions.compact(statements)
  local list, by_kind = {}, {}
  for _, each in ipairs(statements) do
    local kind = kind_of(each)
    local known = kind and by_kind[kind]
    if known then
      add_new(known.Action, each.Action)
      add_new(known.Resource, each.Resource)
    else
      each.Sid = nil
      list[#list + 1] = each
      if kind then by_kind[kind] = each end
    end
  end

  for _, each in ipairs(list) do
    if #each.Resource == 1 then each.Resource = each.Resource[1] end
  end

  return list
end

return permissions
