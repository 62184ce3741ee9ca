-- The stacks of an estate, in the order in which they are deployed, and the values of each one's
-- parameters.
--
--   stacks.list(estate) → list of
--       { account =, region =, template =, name =, reader =?, is_policy =?, members =? }
--   stacks.parameters(estate, stack, summary, { found =, where =, report = })
--       → list for CreateChangeSet
--
-- Of the storage account's stacks one is the access point's, one for each workload account (its
-- reader) is the role that this account takes, and one (is_policy) puts out the policy of the
-- access point, where the feature Policy asks for it.
--
-- A stack set is an entry of the account that administers it; its members are stacks of the
-- workload accounts, with set = the entry.
--
-- summary is GetTemplateSummary's answer: which parameters there are, and nothing else, is read
-- from it. report(code, token, message, hint) gets what does not fit. The later of these wins: what
-- the estate's accounts tell of each other, `found` (the artifacts, other stacks' outputs),
-- `features`, `parameters` of the estate, those of the account, and for the role of a workload
-- account in the storage account those of the workload account.
local estates = require "weir.deploy.estate"
local partitions = require "weir.aws.partitions"
local sorted_pairs = require "weir.sorted_pairs"
local suggest = require "weir.suggest"

local stacks = {}

local ORDER = { "storage", "shared", "workload" }

-- The stacks --------------------------------------------------------------------------------------

local function wanted(account)
  local chosen = {}
  for _, name in ipairs(account.stacks or estates.kinds[account.kind]) do chosen[name] = true end
  return chosen
end

local function workloads(estate)
  local list = {}
  for _, account in ipairs(estate.accounts) do
    if account.kind == "workload" then list[#list + 1] = account end
  end

  return list
end

local function add(list, estate, account, region, template, more)
  local stack = {
    account = account,
    region = region,
    template = template,
    name = estate.name .. "-" .. template,
  }

  for key, value in sorted_pairs(more or {}) do stack[key] = value end
  list[#list + 1] = stack
end

local function has_feature(estate, account, name)
  for _, feature in ipairs(account.features or estate.features or {}) do
    if feature == name then return true end
  end

  return false
end

-- A role for each workload account, then the policy that lets nobody else in.
local function add_access(list, estate, account, region)
  local readers = workloads(estate)
  for _, reader in ipairs(readers) do
    add(list, estate, account, region, "storage", {
      name = ("%s-access-%s"):format(estate.name, reader.id),
      reader = reader,
    })
  end

  if #readers > 0 and has_feature(estate, account, "Policy") then
    add(list, estate, account, region, "storage", {
      name = estate.name .. "-policy",
      is_policy = true,
    })
  end
end

-- Roles are the same in every region, and so is the global table: they are deployed in the first.
local IN_THE_FIRST = { boundary = true, tokens = true }

local function add_template(list, estate, account, region, template)
  local first = region == (account.regions or estate.regions)[1]
  if IN_THE_FIRST[template] and not first then return end

  add(list, estate, account, region, template)
  if template == "storage" and first then add_access(list, estate, account, region) end
end

local function add_account(list, estate, account, templates)
  local chosen = wanted(account)
  for _, region in ipairs(account.regions or estate.regions) do
    for _, template in ipairs(templates) do
      if chosen[template] then add_template(list, estate, account, region, template) end
    end
  end
end

-- One entry for all workload accounts that want the template.
local function add_set(list, estate, template)
  local settings, members = estate.stacksets, {}
  for _, account in ipairs(workloads(estate)) do
    add_account(members, estate, account, { template })
  end

  if #members == 0 then return end

  for _, account in ipairs(estate.accounts) do
    if account.id == settings.account then
      add(list, estate, account, (account.regions or estate.regions)[1], template,
        { members = members })
    end
  end

  for _, member in ipairs(members) do member.set = list[#list] end
end

-- The templates of workload accounts that are not in a set.
local function add_sets(list, estate)
  local in_sets, rest = {}, {}
  for _, name in ipairs(estate.stacksets and estate.stacksets.templates or {}) do
    in_sets[name] = true
  end

  for _, template in ipairs(estates.kinds.workload) do
    if in_sets[template] then
      add_set(list, estate, template)
    else
      rest[#rest + 1] = template
    end
  end

  return rest
end

function stacks.list(estate)
  local list = {}
  for _, kind in ipairs(ORDER) do
    local templates = kind == "workload" and add_sets(list, estate) or estates.kinds[kind]
    for _, account in ipairs(estate.accounts) do
      if account.kind == kind then add_account(list, estate, account, templates) end
    end
  end

  return list
end

-- Parameters --------------------------------------------------------------------------------------

local function storage_account(estate)
  for _, account in ipairs(estate.accounts) do
    if account.kind == "storage" then return account end
  end
end

-- The role in the storage account that the workload's functions take (storage.yaml), or nil.
function stacks.storage_role(estate, stack)
  local account = storage_account(estate)
  if not account then return nil end

  return ("arn:%s:iam::%s:role/%s-storage-access-%s"):format(
    partitions.of_region(stack.region).name, account.id, estate.name, stack.account.id)
end

-- The roles that read files, by the names that core.yaml and events.yaml give them. They need not
-- exist yet.
local READING_ROLES = {
  "discovery", "event-processor", "polling", "realtime-inference", "reconcile",
}

local function reading_roles(estate, reader)
  local arns = {}
  for _, region in ipairs(reader.regions or estate.regions) do
    for _, name in ipairs(READING_ROLES) do
      arns[#arns + 1] = ("arn:%s:iam::%s:role/%s-%s-%s"):format(
        partitions.of_region(region).name, reader.id, estate.name, region, name)
    end
  end

  return table.concat(arns, ",")
end

local function workload_ids(estate)
  local ids = {}
  for i, account in ipairs(workloads(estate)) do ids[i] = account.id end
  return table.concat(ids, ",")
end

-- What follows from the accounts. Only parameters that the template has are given.
local function derived(estate, stack)
  local values = { Prefix = estate.name, WorkloadAccountIds = workload_ids(estate) }
  local storage = storage_account(estate)
  if stack.account.kind == "workload" then
    values.StorageAccountId = storage and storage.id
    values.ReplicaRegion = (stack.account.regions or estate.regions)[2]
  end

  if stack.account.kind == "workload" and stack.account.external_id then
    values.ExternalId = stack.account.external_id
    values.StorageRoleArn = stacks.storage_role(estate, stack)
  end

  if stack.reader then
    values.EnableAccess = "true"
    values.WorkloadAccountId = stack.reader.id
    values.WorkloadRoleArns = reading_roles(estate, stack.reader)
    values.ExternalId = stack.reader.external_id
    values.NextExternalId = stack.reader.next_external_id
  end

  values.EnablePolicy = stack.is_policy and "true" or nil

  return values
end

-- 30.0 is 30: CloudFormation compares texts.
local function plain_text(value)
  return tostring(math.type(value) == "float" and math.tointeger(value) or value)
end

local function text_of(value)
  if type(value) ~= "table" then return plain_text(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = plain_text(item) end

  return table.concat(parts, ",")
end

local function known_parameters(summary)
  local known, names = {}, {}
  for _, parameter in ipairs(summary.Parameters) do
    known[parameter.ParameterKey] = parameter
    names[#names + 1] = parameter.ParameterKey
  end

  return known, names
end

local function overlay(values, own, known, names, template, where, report)
  for name, value in sorted_pairs(own or {}) do
    if known[name] then
      values[name] = text_of(value)
    else
      local near = suggest(name, names)
      report("W304", where(own, name),
        ("the template %s has no parameter '%s'"):format(template, name),
        near and ("did you mean '%s'?"):format(near))
    end
  end
end

-- The features of the storage account's stack of its own; the others are what they are.
local function add_features(values, estate, stack, known)
  if stack.reader or stack.is_policy then return end
  for _, feature in ipairs(stack.account.features or estate.features or {}) do
    local name = "Enable" .. feature
    if known[name] and name ~= "EnablePolicy" then values[name] = "true" end
  end
end

function stacks.parameters(estate, stack, summary, given)
  local known, names = known_parameters(summary)
  local values = {}
  for _, more in ipairs { derived(estate, stack), given.found or {} } do
    for name, value in sorted_pairs(more) do
      if known[name] and value ~= "" then values[name] = value end
    end
  end

  add_features(values, estate, stack, known)
  for _, owner in ipairs { estate, stack.account, stack.reader } do
    local own = (owner.parameters or {})[stack.template]
    overlay(values, own, known, names, stack.template, given.where, given.report)
  end

  -- Of the storage account's stacks only its own makes the access point.
  if stack.reader or stack.is_policy then values.EnableAccessPoint = nil end

  local list = {}
  for name, value in sorted_pairs(values) do
    list[#list + 1] = { ParameterKey = name, ParameterValue = value }
  end

  return list
end

-- Features that no template of an account has; used[feature] = true for those that some has.
function stacks.unused_features(estate, used, where, report)
  local owners, known = { estate }, {}
  for name in sorted_pairs(used) do known[#known + 1] = name end
  table.move(estate.accounts, 1, #estate.accounts, 2, owners)
  for _, owner in ipairs(owners) do
    for i, feature in ipairs(owner.features or {}) do
      if not used[feature] then
        local near = suggest(feature, known)
        report("W304", where(owner.features, i),
          ("no template has Enable%s, of those that the accounts have"):format(feature),
          near and ("did you mean '%s'?"):format(near))
      end
    end
  end
end

return stacks
