-- The policy of the estate's access point, as the storage stack puts it out. CloudFormation could
-- set it only by making the access point anew.
--
--   access_point.differs(session, stack)
--       → the policy to be set | false: it is set | nil, message, code
--   access_point.set(session, stack, policy) → true | nil, message, code
--
-- stack: the one with is_policy. The policy denies everybody but the access roles, and never s3:*,
-- which would lock itself; tests/deploy/chain_spec.lua asks IAM. It acts after some seconds.
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"

local access_point = {}

-- A list of one is the same as its element, and AWS may write either.
local function plain(value)
  if type(value) ~= "table" then return value end
  if #value == 1 then return plain(value[1]) end

  local made = {}
  for key, item in sorted_pairs(value) do made[key] = plain(item) end

  return made
end

-- The texts of equal policies may differ.
local function canonical(text)
  local value = json.decode(text)
  return value and json.encode(plain(value)) or text
end

-- → account, name and region of the access point
local function place_of(policy)
  local decoded = json.decode(policy)
  local resource = decoded and decoded.Statement[1].Resource[1]
  local region, account, name =
    tostring(resource):match("^arn:[%w-]+:s3:([%w-]+):(%d+):accesspoint/(.+)$")

  return account, name, region
end

function access_point.differs(session, stack)
  local outputs, message, code = session:outputs(stack)
  if not outputs then return nil, message, code end

  local wanted = outputs.AccessPointPolicy
  if not wanted then return false end

  local account, name, region = place_of(wanted)
  if account ~= stack.account.id then
    return nil, ("the access point %s is of account %s, the storage account is %s; write its ARN "
      .. "into AccessPointArn"):format(name, account, stack.account.id), "WrongAccount"
  end

  local client = session:client("s3control", stack.account, region)
  local found
  found, message, code = client:get_access_point_policy { AccountId = account, Name = name }
  if not found and code ~= "NoSuchAccessPointPolicy" then return nil, message, code end

  local is_set = found and canonical(found.Policy) == canonical(wanted)
  return not is_set and wanted
end

function access_point.set(session, stack, policy)
  local account, name, region = place_of(policy)
  local client = session:client("s3control", stack.account, region)

  return client:put_access_point_policy { AccountId = account, Name = name, Policy = policy }
end

return access_point
