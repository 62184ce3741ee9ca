-- Stack sets: one template in several accounts, with values of each. The estate's key `stacksets`
-- says which templates are deployed so, and from which account.
--
--   stack_sets.look(session, entry) → set | nil, message, code
--   stack_sets.of(session, entry) → the same with client and settings only; nothing is asked
--
-- entry: of weir.deploy.stacks, with members. A set:
--   { status =?, change = "create" | "update" | nil, why =?, members = list, strangers = list,
--     taken =, differs =, common = name → value, secrets = name → true, unmarked = name → true,
--     request =, client =, settings = }
-- A member: { stack = as in the entry, change = "create" | "update" | nil, why =?,
--             overrides = name → value }
-- why: the parameters that differ, or what became of the instance.
-- taken: it lacks our tag (weir.deploy.ownership).
-- strangers: "account region" of instances that the estate does not name; they stay. What differs
-- is changed by weir.deploy.stack_set_changes.
--
-- What all members have in common is in the set's parameters, the rest in one entry for each
-- account and region. A value that is never echoed cannot be compared. Its mark can, which is set
-- beside it where the template has the parameter NAMEMark: eight digits of a salted hash, enough to
-- see that the value changed and too few to find it. A value without a mark (`unmarked`) is set
-- again whenever something is done.
local ownership = require "weir.deploy.ownership"
local request = require "weir.deploy.request"
local sha256 = require "weir.sha256"
local sorted_pairs = require "weir.sorted_pairs"
local try = require "weir.try"

local stack_sets = {}

local Set = {}
Set.__index = Set

-- What is wanted ----------------------------------------------------------------------------------

local function by_name(parameters)
  local values = {}
  for _, each in ipairs(parameters) do values[each.ParameterKey] = each.ParameterValue end
  return values
end

-- The names of parameters that are never echoed.
local function secrets_of(summary)
  local names = {}
  for _, parameter in ipairs(summary.Parameters) do
    if parameter.NoEcho then names[parameter.ParameterKey] = true end
  end

  return names
end

-- The parameters that are marks: name → the secret's name.
local function marks_of(summary, secrets)
  local marks = {}
  for _, parameter in ipairs(summary.Parameters) do
    local secret = parameter.ParameterKey:match "^(.+)Mark$"
    if secrets[secret] then marks[parameter.ParameterKey] = secret end
  end

  return marks
end

local function add_marks(member, marks)
  for name, secret in sorted_pairs(marks) do
    local value = member.values[secret]
    member.values[name] = value and sha256.hex(table.concat({
      "weir", member.stack.account.id, secret, value,
    }, "\n")):sub(1, 8)
  end
end

-- What every member has with one value, but for what is secret.
local function common_values(members, secrets)
  local common = {}
  for name, value in sorted_pairs(members[1].values) do
    local is_common = not secrets[name]
    for _, member in ipairs(members) do is_common = is_common and member.values[name] == value end
    common[name] = is_common and value or nil
  end

  return common
end

function Set:mark(summary)
  self.secrets = secrets_of(summary)
  self.marks = marks_of(summary, self.secrets)
  self.unmarked = secrets_of(summary)
  for _, secret in sorted_pairs(self.marks) do self.unmarked[secret] = nil end
  for _, member in ipairs(self.members) do add_marks(member, self.marks) end
end

function Set:want()
  self.members = {}
  for i, stack in ipairs(self.entry.members) do
    local asked = try(request.of(self.session, stack, { purpose = "apply" }))
    self.members[i] = { stack = stack, values = by_name(asked.parameters) }
    self.request = asked
  end

  self:mark(self.session:summary(self.entry))
  self.common = common_values(self.members, self.secrets)
  for _, member in ipairs(self.members) do
    member.overrides = {}
    for name, value in sorted_pairs(member.values) do
      if self.common[name] == nil then member.overrides[name] = value end
    end
  end
end

-- What is there -----------------------------------------------------------------------------------

-- The input of an operation on this set.
function Set:input(more)
  local input = {
    StackSetName = self.entry.name,
    CallAs = self.settings.delegated and "DELEGATED_ADMIN" or nil,
  }
  for name, value in sorted_pairs(more or {}) do input[name] = value end

  return input
end

-- The names of the parameters that differ, "RoutingThreshold, ExternalId" | nil
function Set:differences(wanted, found)
  local names = {}
  local function add(name) names[#names + 1] = self.marks[name] or name end

  for name, value in sorted_pairs(wanted) do
    local is_hidden = self.secrets[name] and found[name]
    if found[name] ~= value and not is_hidden then add(name) end
  end

  for name in sorted_pairs(found) do
    if wanted[name] == nil then add(name) end
  end

  return names[1] and table.concat(names, ", ")
end

local function list_of(value) return type(value) == "table" and value or {} end

-- Sets what has to be done with the set.
function Set:look_at_set()
  local answer = try.except("StackSetNotFoundException",
    self.client:describe_stack_set(self:input()))
  if not answer then
    self.change = "create"
    return
  end

  local found = answer.StackSet
  self.status = found.Status
  self.taken = ownership.is_taken(found, self.entry)
  local same_template = found.TemplateBody == self.session.templates[self.entry.template]
  local differences = self:differences(self.common, by_name(list_of(found.Parameters)))
  if not same_template or differences or self.taken then
    self.change = "update"
    self.why = not same_template and "another template" or differences or ownership.TAG
  end
end

function Set:look_at_member(member, known)
  if not known then
    member.change = "create"
    return
  end

  local answer = try(self.client:describe_stack_instance(self:input {
    StackInstanceAccount = member.stack.account.id,
    StackInstanceRegion = member.stack.region,
  }))

  local instance = answer.StackInstance
  local differences =
    self:differences(member.overrides, by_name(list_of(instance.ParameterOverrides)))
  if instance.Status ~= "CURRENT" then
    member.change, member.why = "update", instance.StatusReason or instance.Status
  elseif differences then
    member.change, member.why = "update", differences
  end
end

local function place(account, region) return account .. " " .. region end

function Set:look_at_members()
  local known, named = {}, {}
  if self.change ~= "create" then
    local all = try(self.client:all("ListStackInstances", self:input()))
    for _, each in ipairs(all) do known[place(each.Account, each.Region)] = true end
  end

  for _, member in ipairs(self.members) do
    local at = place(member.stack.account.id, member.stack.region)
    named[at] = true
    self:look_at_member(member, known[at])
  end

  self.strangers = {}
  for at in sorted_pairs(known) do
    if not named[at] then self.strangers[#self.strangers + 1] = at end
  end
end

function stack_sets.of(session, entry)
  return setmetatable({
    session = session,
    entry = entry,
    settings = session.estate.stacksets,
    client = session:cloudformation(entry),
  }, Set)
end

stack_sets.look = try.catching(function(session, entry)
  local self = stack_sets.of(session, entry)
  self:want()
  self:look_at_set()
  self:look_at_members()

  self.differs = self.change ~= nil
  for _, member in ipairs(self.members) do self.differs = self.differs or member.change ~= nil end

  return self
end)

return stack_sets
