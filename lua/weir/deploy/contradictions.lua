-- What in an estate file contradicts itself, although each value is right by itself.
--
--   contradictions.find(check, value)
--
-- check: weir.deploy.estate's; check:finding(code, token, message, hint) takes what is found,
-- check:at(table, key) and check.places tell where something stands.
local contains = require "weir.contains"
local partitions = require "weir.aws.partitions"

local contradictions = {}

local function check_role(self, value, account)
  if not account.role then return end
  local partition, owner = account.role.arn:match(
    "^arn:([%w-]+):iam::(%d+):role/[%w+=,.@_/-]*[%w+=,.@_-]$")
  local region = (account.regions or value.regions)[1]
  if not owner then
    self:finding("W303", self:at(account.role, "arn"), "this is not the ARN of a role",
      ("it looks like arn:aws:iam::%s:role/deployer"):format(account.id))
  elseif owner ~= account.id then
    self:finding("W303", self:at(account.role, "arn"),
      ("a role of account %s, but this is account %s"):format(owner, account.id))
  elseif partition ~= partitions.of_region(region).name then
    self:finding("W303", self:at(account.role, "arn"),
      ("a role of the partition %s, but the region %s is in %s"):format(partition, region,
        partitions.of_region(region).name))
  end
end

-- What lets into the files of one account lets in nowhere else.
local function check_role_ids(self, accounts)
  local first = {}
  for i, account in ipairs(accounts) do
    for _, key in ipairs { "external_id", "next_external_id" } do
      if account[key] then first[account[key]] = i end
    end
  end

  for i, account in ipairs(accounts) do
    local other = account.role and first[account.role.external_id or false]
    if other then
      self:finding("W303", self:at(account.role, "external_id"),
        ("the role of account %d has the External ID by which account %d reads files"):format(i,
          other),
        "an External ID is of one role alone")
    end
  end
end

-- An account's regions are of one partition: credentials are.
local function check_partitions(self, regions)
  local first = partitions.of_region(regions[1]).name
  for i, region in ipairs(regions) do
    if partitions.of_region(region).name ~= first then
      self:finding("W303", self:at(regions, i),
        ("%s is in another partition than %s"):format(region, regions[1]),
        "an account is of one partition: write an estate file for each")
      return
    end
  end
end

-- Each value of a key is in one account only.
local function check_once(self, accounts, key, hint)
  local first = {}
  for i, account in ipairs(accounts) do
    local value = account[key]
    if value and first[value] then
      self:finding("W303", self:at(account, key),
        ("account %d has the %s of account %d"):format(i, key, first[value]), hint)
    elseif value then
      first[value] = i
    end
  end
end

-- The next External ID of an account is not the present one of any.
local function check_next_ids(self, accounts)
  local present = {}
  for i, account in ipairs(accounts) do present[account.external_id or false] = i end

  for i, account in ipairs(accounts) do
    local other = account.next_external_id and present[account.next_external_id]
    if other then
      self:finding("W303", self:at(account, "next_external_id"),
        ("account %d is to get the external_id of account %d"):format(i, other),
        "an External ID is of one account alone, and a new one is new")
    elseif account.next_external_id and not account.external_id then
      self:finding("W303", self:at(account, "next_external_id"),
        "next_external_id takes the place of an external_id, and there is none")
    end
  end
end

local function check_external_ids(self, accounts, has_storage)
  for _, account in ipairs(accounts) do
    if account.kind == "workload" and has_storage and not account.external_id then
      self:finding("W303", self.places[account].at,
        ("workload account %s has no external_id, and reads files of a storage account")
          :format(account.id),
        "write external_id = … with at least 16 characters, of this account alone")
    elseif account.kind ~= "workload" and account.external_id then
      self:finding("W303", self:at(account, "external_id"),
        "external_id belongs to the workload account that presents it")
    elseif account.kind ~= "workload" and account.next_external_id then
      self:finding("W303", self:at(account, "next_external_id"),
        "next_external_id belongs to the workload account that presents it")
    end
  end
end

-- A bucket is of one account and one region, and so is what Lambda reads from it.
local function check_bucket(self, value)
  local accounts, regions, count = {}, {}, 0
  for _, account in ipairs(value.accounts) do
    local is_workload = account.kind == "workload"
    if is_workload then accounts[#accounts + 1] = account.id end
    for _, region in ipairs(is_workload and (account.regions or value.regions) or {}) do
      count, regions[region] = count + (regions[region] and 0 or 1), true
    end
  end

  local bucket = value.artifacts.bucket
  local function must_have(name)
    self:finding("W303", self:at(value.artifacts, "bucket"),
      ("the estate has several %ss, and a bucket is of one"):format(name),
      ("write {%s} into its name"):format(name))
  end

  if #accounts > 1 and not bucket:find("{account}", 1, true) then must_have "account" end
  if count > 1 and not bucket:find("{region}", 1, true) then
    must_have "region"
  end
end

-- Which templates take what others put out (weir.deploy.wires): sets are deployed first.
local AFTER = {
  core = { "boundary" },
  endpoint = { "boundary", "core" },
  events = { "boundary", "core" },
  replay = { "boundary", "core" },
}

-- Does a workload account have the stack `tokens`, and its table switched on?
local function makes_tokens(value, account)
  local own = account.parameters and account.parameters.tokens
  local common = value.parameters and value.parameters.tokens
  local switch = own and own.EnableGlobalTokens
  if switch == nil then switch = common and common.EnableGlobalTokens end
  if switch == nil then
    switch = contains(account.features or value.features or {}, "GlobalTokens")
  end

  return account.kind == "workload" and tostring(switch) == "true"
    and (not account.stacks or contains(account.stacks, "tokens"))
end

-- core takes the name of the global table, where there is one.
local function check_tokens(self, value, in_sets)
  if not in_sets.core or in_sets.tokens then return end
  for _, account in ipairs(value.accounts) do
    if makes_tokens(value, account) then
      return self:finding("W303", self:at(value.stacksets, "templates"),
        ("core takes the table that tokens makes in account %s, and sets are deployed first")
          :format(account.id),
        "put tokens into a set as well")
    end
  end
end

local function check_sets(self, value)
  local settings, in_sets = value.stacksets, {}
  local is_known = false
  for _, account in ipairs(value.accounts) do
    is_known = is_known or account.id == settings.account
  end

  if not is_known then
    self:finding("W303", self:at(settings, "account"),
      "stacksets.account is not one of the accounts of this file",
      "write the account that administers")
  end

  for _, name in ipairs(settings.templates) do in_sets[name] = true end
  for i, name in ipairs(settings.templates) do
    for _, before in ipairs(AFTER[name] or {}) do
      if not in_sets[before] then
        self:finding("W303", self:at(settings.templates, i),
          ("%s takes what %s puts out, and sets are deployed first"):format(name, before),
          ("put %s into a set as well"):format(before))
      end
    end
  end

  check_tokens(self, value, in_sets)

  local is_managed = settings.model == "SERVICE_MANAGED"
  if is_managed and not settings.organizational_units then
    self:finding("W303", self.places[settings].at, "SERVICE_MANAGED needs organizational_units")
  elseif settings.organizational_units and not is_managed then
    self:finding("W303", self:at(settings, "organizational_units"),
      "organizational_units are of the model SERVICE_MANAGED", 'write model = "SERVICE_MANAGED"')
  end
end

function contradictions.find(self, value)
  local count = {}
  check_partitions(self, value.regions)
  for i, account in ipairs(value.accounts) do
    count[account.kind] = (count[account.kind] or 0) + 1
    check_role(self, value, account)
    if account.regions then check_partitions(self, account.regions) end
    if account.kind ~= "workload" and count[account.kind] > 1 then
      self:finding("W303", self:at(account, "kind"),
        ("account %d is a second %s account"):format(i, account.kind), "an estate has one")
    end
  end

  if value.stacksets then check_sets(self, value) end
  if value.artifacts then check_bucket(self, value) end
  check_once(self, value.accounts, "id", "write everything of an account in one place")
  check_once(self, value.accounts, "external_id", "an External ID is of one account alone")
  check_once(self, value.accounts, "next_external_id", "an External ID is of one account alone")
  check_next_ids(self, value.accounts)
  check_role_ids(self, value.accounts)
  check_external_ids(self, value.accounts, count.storage)
end

return contradictions
