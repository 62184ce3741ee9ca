-- The accounts of an estate: whose the credentials are, whether the clock is right, whether roles
-- are taken with their External ID and only with it.
--
--   accounts.examine(examination) → account → boundary: whether its credentials are the account's
local clock = require "weir.aws.clock"
local json = require "weir.json"
local s3_text = require "weir.aws.s3_text"
local stacks = require "weir.deploy.stacks"
local trust = require "weir.doctor.trust"
local uuid = require "weir.uuid"

local accounts = {}

-- AWS refuses requests that are five minutes off.
local RIGHT_MS, REFUSED_MS = 60000, 300000

local function first_region(session, account)
  return (account.regions or session.estate.regions)[1]
end

-- Identity ----------------------------------------------------------------------------------------

local function examine_identity(self, place)
  local client = self.session:client("sts", place.account, place.region)
  local caller, message, code = client:get_caller_identity()
  if not caller then
    self:unanswered("identity", place, place.account.id, message, code)
    return false
  end

  if caller.Account ~= place.account.id then
    self:wrong("identity", place, caller.Arn,
      ("the credentials are of account %s"):format(caller.Account),
      "give the account a role in the estate file, or use other credentials")
    return false
  end

  self:ok("identity", place, caller.Arn, "the credentials are of this account")

  return true
end

-- Clock -------------------------------------------------------------------------------------------

local function examine_clock(self, place)
  local ahead, message = clock.ahead(self.session:client("sts", place.account, place.region))
  if not ahead then
    return self:unknown("clock", place, "STS", message, "run the same command again")
  end

  local off = math.abs(ahead) // 1000
  if math.abs(ahead) < RIGHT_MS then
    return self:ok("clock", place, "STS", ("this machine's clock is %d s off"):format(off))
  end

  self:wrong("clock", place, "STS", ("this machine's clock is %d s %s"):format(off,
    ahead > 0 and "slow" or "fast"), math.abs(ahead) < REFUSED_MS
      and "set the clock, before AWS refuses requests (at 300 s)"
    or "set the clock: AWS refuses what is more than 300 s off")
end

-- Roles -------------------------------------------------------------------------------------------

-- Does STS give keys of the role? → true | false: it refuses | nil, message, code
local function is_taken(sts, arn, external_id)
  local answer, message, code = sts:assume_role {
    RoleArn = arn,
    RoleSessionName = "weir-doctor",
    ExternalId = external_id,
    DurationSeconds = 900,
  }
  if answer then return true end
  if code == "AccessDenied" then return false end

  return nil, message, code
end

local function examine_without(self, place, sts, arn, external_id, how)
  local taken, message, code = is_taken(sts, arn, external_id)
  if taken == nil then return self:unanswered("role", place, arn, message, code) end

  if not taken then return self:ok("role", place, arn, "it is refused " .. how) end
  self:wrong("role", place, arn, "it is taken " .. how,
    "its trust policy must demand sts:ExternalId; anybody who is confused into it gets in")
end

-- Who may not take the role at all learns from no refusal: then its trust policy is read.
local function examine_trust(self, place, arn)
  local storage
  for _, stack in ipairs(self.session.list) do
    if stack.reader == place.account then storage = stack end
  end

  local client = self.session:client("iam", storage.account, storage.region)
  local found, message, code = client:get_role { RoleName = arn:match "[^/]+$" }
  if not found and code == "NoSuchEntity" then
    return self:wrong("role", place, arn, "the role is not there", "weir deploy apply makes it")
  end

  if not found then return self:unanswered("role", place, arn, message, code) end

  local document = json.decode(s3_text.decode(found.Role.AssumeRolePolicyDocument or ""))
  if type(document) ~= "table" then
    return self:unknown("role", place, arn, "its trust policy is not JSON", "look at it yourself")
  end

  local outcome, what = trust.judge(document, place.account.external_id)
  self:tell(outcome, "role", place, arn, what, outcome == "wrong"
    and "weir deploy apply sets it; without the External ID anybody who is confused gets in" or nil)
end

-- The role that the account's functions take, as whoever asks here.
local function examine_storage_role(self, place, arn)
  local sts = self.session:client("sts", place.account, place.region)
  local taken, message, code = is_taken(sts, arn, place.account.external_id)
  if taken == nil then return self:unanswered("role", place, arn, message, code) end

  if not taken then return examine_trust(self, place, arn) end

  self:ok("role", place, arn, "it is taken with its External ID")
  examine_without(self, place, sts, arn, nil, "without an External ID")
  examine_without(self, place, sts, arn, "weir-doctor-" .. uuid(), "with another External ID")
end

-- The role in which the account is deployed: it was taken with the External ID, or nothing else
-- would have been answered.
local function examine_own_role(self, place, plain)
  local role = place.account.role
  if not role then return end
  self:ok("role", place, role.arn, "it is taken"
    .. (role.external_id and " with its External ID" or ""))
  if role.external_id then
    examine_without(self, place, plain, role.arn, nil, "without an External ID")
  end
end

function accounts.examine(self)
  local reachable, clock_seen = {}, false
  for _, account in ipairs(self.session.estate.accounts) do
    local place = { account = account, region = first_region(self.session, account) }
    reachable[account] = examine_identity(self, place)
    if not clock_seen and reachable[account] then
      examine_clock(self, place)
      clock_seen = true
    end

    if reachable[account] then
      examine_own_role(self, place, self.session:client("sts", { id = "caller" }, place.region))
      local arn = account.kind == "workload" and stacks.storage_role(self.session.estate, place)
      if arn then examine_storage_role(self, place, arn) end
    end
  end

  return reachable
end

return accounts
