-- The stacks of an estate, in the order in which they are deployed, and the values of each one's
-- parameters.
--
--   stacks.list(estate) → list of { account =, region =, template =, name =, external_id =? }
--   stacks.parameters(estate, stack, summary, where, report) → list for CreateChangeSet
--
-- summary is GetTemplateSummary's answer: which parameters there are, and nothing else, is read
-- from it. report(code, token, message, hint) gets what does not fit. The later of these wins: what
-- the estate's accounts tell of each other, `features`, `parameters` of the estate, those of the
-- account, and for the role of a workload account in the storage account those of the workload
-- account.
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

-- The storage account has a role for each workload account beside its access point. Roles are the
-- same in every region: they and the boundary are deployed in the first.
local function add_template(list, estate, account, region, template)
  local first = region == (account.regions or estate.regions)[1]
  if template == "boundary" and not first then return end
  add(list, estate, account, region, template)
  if template ~= "storage" or not first then return end
  for _, reader in ipairs(workloads(estate)) do
    add(list, estate, account, region, template, {
      name = ("%s-access-%s"):format(estate.name, reader.id),
      reader = reader,
    })
  end
end

function stacks.list(estate)
  local list = {}
  for _, kind in ipairs(ORDER) do
    for _, account in ipairs(estate.accounts) do
      local chosen = account.kind == kind and wanted(account) or {}
      for _, region in ipairs(account.regions or estate.regions) do
        for _, template in ipairs(estates.kinds[kind]) do
          if chosen[template] then add_template(list, estate, account, region, template) end
        end
      end
    end
  end

  return list
end

-- Parameters --------------------------------------------------------------------------------------

-- The role in the storage account that the workload's functions take (storage.yaml), or nil.
local function storage_role(estate, stack)
  for _, account in ipairs(estate.accounts) do
    if account.kind == "storage" then
      return ("arn:%s:iam::%s:role/%s-storage-access-%s"):format(
        partitions.of_region(stack.region).name, account.id, estate.name, stack.account.id)
    end
  end
end

-- What follows from the accounts. Only parameters that the template has are given.
local function derived(estate, stack)
  local values = { Prefix = estate.name }
  if stack.account.kind == "workload" and stack.account.external_id then
    values.ExternalId = stack.account.external_id
    values.StorageRoleArn = storage_role(estate, stack)
  end

  if stack.reader then
    values.EnableAccess = "true"
    values.WorkloadAccountId = stack.reader.id
    values.ExternalId = stack.reader.external_id
  end

  return values
end

local function text_of(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = tostring(item) end

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

function stacks.parameters(estate, stack, summary, where, report)
  local known, names = known_parameters(summary)
  local values = {}
  for name, value in sorted_pairs(derived(estate, stack)) do
    if known[name] then values[name] = value end
  end

  for _, feature in ipairs(stack.account.features or estate.features or {}) do
    if known["Enable" .. feature] and not stack.reader then values["Enable" .. feature] = "true" end
  end

  for _, owner in ipairs { estate, stack.account, stack.reader } do
    local own = (owner.parameters or {})[stack.template]
    overlay(values, own, known, names, stack.template, where, report)
  end

  -- Of the storage account's stacks only its own makes the access point.
  if stack.reader then values.EnableAccessPoint = nil end

  local list = {}
  for name, value in sorted_pairs(values) do
    list[#list + 1] = { ParameterKey = name, ParameterValue = value }
  end

  return list
end

-- Features that no template of an account has; used[feature] = true for those that some has.
function stacks.unused_features(estate, used, where, report)
  local owners = { estate }
  table.move(estate.accounts, 1, #estate.accounts, 2, owners)
  for _, owner in ipairs(owners) do
    for i, feature in ipairs(owner.features or {}) do
      if not used[feature] then
        report("W304", where(owner.features, i), ("no template has Enable%s"):format(feature))
      end
    end
  end
end

return stacks
