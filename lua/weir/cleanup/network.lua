-- Frees a security group that a stack could not delete: network interfaces that Lambda left behind,
-- and rules of other groups that name it.
--
--   network.free(row, group_id, note) → true | nil, message, code
--   network.move_functions(rows, note) → true | nil, message, code
--
-- Deleted are only interfaces in the group that are `available` and Lambda's own; revoked only
-- rules that name the group. Only a group whose tag weir:stack is the stack's name is touched.
-- Functions that would be deleted later get their network's default group first, so that Lambda
-- lets go of ours early.
local ownership = require "weir.deploy.ownership"
local patience = require "weir.deploy.patience"
local try = require "weir.try"

local network = {}

local LAMBDAS = "AWS Lambda VPC ENI"
local HOUR_MS = 60 * 60000

local function filter(name, value) return { Name = name, Values = { value } } end

-- Is there a group? It is the stack's, then.
local function exists(row, group_id)
  local groups = try(row.client "ec2":all("DescribeSecurityGroups", {
    Filters = { filter("group-id", group_id) },
  }))
  if not groups[1] then return false end
  if ownership.tag_of(groups[1].Tags) == row.name then return true end

  try.fail(("the security group %s does not carry the tag %s = %s, so it is left alone")
    :format(group_id, ownership.TAG, row.name), "NotOurs")
end

-- Rules -------------------------------------------------------------------------------------------

-- The rules of a group that name ours.
local function rules_that_name(row, owner_id, group_id)
  local rules = try(row.client "ec2":all("DescribeSecurityGroupRules", {
    Filters = { filter("group-id", owner_id) },
  }))

  local ids = { [true] = {}, [false] = {} }
  for _, rule in ipairs(rules) do
    local named = rule.ReferencedGroupInfo and rule.ReferencedGroupInfo.GroupId
    if named == group_id then
      local list = ids[rule.IsEgress == true]
      list[#list + 1] = rule.SecurityGroupRuleId
    end
  end

  return ids
end

local function revoke_in(row, owner_id, group_id, note)
  local client = row.client "ec2"
  local ids = rules_that_name(row, owner_id, group_id)
  for is_egress, list in pairs(ids) do -- any order: ingress and egress do not touch each other
    local revoke = is_egress and client.revoke_security_group_egress
      or client.revoke_security_group_ingress
    local done = #list > 0 and try.except("InvalidSecurityGroupRuleId.NotFound",
      revoke(client, { GroupId = owner_id, SecurityGroupRuleIds = list }))
    if done then
      note(("revoked %s of the security group %s, which named %s"):format(
        table.concat(list, ", "), owner_id, group_id))
    end
  end
end

local function revoke_references(row, group_id, note)
  local seen = {}
  for _, name in ipairs { "ip-permission.group-id", "egress.ip-permission.group-id" } do
    local groups = try(row.client "ec2":all("DescribeSecurityGroups", {
      Filters = { filter(name, group_id) },
    }))
    for _, group in ipairs(groups) do
      if group.GroupId ~= group_id and not seen[group.GroupId] then
        seen[group.GroupId] = true
        revoke_in(row, group.GroupId, group_id, note)
      end
    end
  end
end

-- Network interfaces ------------------------------------------------------------------------------

local function is_lambdas(interface)
  return (interface.Description or ""):sub(1, #LAMBDAS) == LAMBDAS
end

local function describe(interface)
  return ("%s (%s, '%s')"):format(interface.NetworkInterfaceId, interface.Status,
    interface.Description or "")
end

-- Deletes what may be deleted. → the first interface that is left, or nil
local function sweep(row, group_id, note)
  local client = row.client "ec2"
  local interfaces = try(client:all("DescribeNetworkInterfaces", {
    Filters = { filter("group-id", group_id) },
  }))

  local left
  for _, interface in ipairs(interfaces) do
    if interface.Status == "available" and is_lambdas(interface) then
      local id = interface.NetworkInterfaceId
      local done = try.except("InvalidNetworkInterfaceID.NotFound",
        client:delete_network_interface { NetworkInterfaceId = id })
      if done then note("deleted the network interface " .. id .. ", which Lambda left behind") end
    else
      left = left or interface
    end
  end

  return left
end

-- Somebody else's interface will not go by waiting.
local function refuse_foreign(group_id, interface)
  try.fail(("the network interface %s is in the security group %s and is not Lambda's; detach "
    .. "it from the group or delete it, then run the same command again")
    :format(describe(interface), group_id), "ForeignInterface")
end

local function release_interfaces(row, group_id, note)
  local last
  local function look()
    last = sweep(row, group_id, note)
    if last and not is_lambdas(last) then refuse_foreign(group_id, last) end
    return not last or nil
  end

  if patience.until_done(look, "late", HOUR_MS) then return end

  try.fail(("the network interface %s of the security group %s is in use after an hour; Lambda "
    .. "lets go of it by itself: run the same command again later")
    :format(describe(last), group_id), "NotYet")
end

network.free = try.catching(function(row, group_id, note)
  if not exists(row, group_id) then return true end
  revoke_references(row, group_id, note)
  release_interfaces(row, group_id, note)

  return true
end)

-- Functions ---------------------------------------------------------------------------------------

local function ids_of(rows, type)
  local list = {}
  for _, row in ipairs(rows) do
    for _, resource in ipairs(row.resources) do
      if resource.ResourceType == type and resource.PhysicalResourceId
        and not resource.ResourceStatus:find("^DELETE_COMPLETE") then
        list[#list + 1] = { row = row, id = resource.PhysicalResourceId }
      end
    end
  end

  return list
end

local function default_group(row, vpc_id)
  local groups = try(row.client "ec2":all("DescribeSecurityGroups", {
    Filters = { filter("vpc-id", vpc_id), filter("group-name", "default") },
  }))
  if groups[1] then return groups[1].GroupId end

  try.fail(("the network %s has no default group"):format(vpc_id), "NoGroup")
end

local function settle(client, name)
  try(patience.until_done(function()
    local found = try(client:get_function_configuration { FunctionName = name })
    return found.LastUpdateStatus ~= "InProgress" or nil
  end, ("the function %s is still being updated; run the same command again"):format(name)))
end

local function move(row, name, vpc, note)
  local client, group = row.client "lambda", default_group(row, vpc.VpcId)
  try(client:update_function_configuration {
    FunctionName = name,
    VpcConfig = { SubnetIds = vpc.SubnetIds, SecurityGroupIds = { group } },
  })

  settle(client, name)
  note(("gave the function %s the network's default group, so that Lambda lets go of ours")
    :format(name))
end

local function uses_any(vpc, groups)
  for _, id in ipairs(vpc and vpc.SecurityGroupIds or {}) do
    if groups[id] then return true end
  end

  return false
end

-- A function may be gone by now, or go meanwhile.
local function move_one(row, name, groups, note)
  local found = try(row.client "lambda":get_function_configuration { FunctionName = name })
  if uses_any(found.VpcConfig, groups) then move(row, name, found.VpcConfig, note) end

  return true
end

network.move_functions = try.catching(function(rows, note)
  local groups, ours = {}, ids_of(rows, "AWS::EC2::SecurityGroup")
  for _, each in ipairs(ours) do groups[each.id] = true end
  if #ours == 0 then return true end

  for _, each in ipairs(ids_of(rows, "AWS::Lambda::Function")) do
    try.except("ResourceNotFoundException",
      try.call(move_one, each.row, each.id, groups, note))
  end

  return true
end)

return network
