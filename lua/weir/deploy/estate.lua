-- The estate file: the accounts, regions, features and parameters of one weir, as data.
--
--   estate.read(text, file) → estate, where | nil, findings
--   where(table of the estate, key) → the token of that key, which has line, column and size
--
--   return {
--     name = "weir",                          -- before the stacks' names: weir-core
--     regions = { "eu-west-1" },
--     features = { "TokenStore", "Batch" },   -- Enable… of every template that has them
--     artifacts = {                           -- files that apply puts into S3
--       bucket = "weir-{account}-{region}", layer =?, code =?, state_machines =? },
--     parameters = { core = { LogRetentionDays = 30 } },
--     accounts = {
--       { id = "111122223333", kind = "workload", external_id = "…", role = { arn = "…" },
--         regions =?, features =?, parameters =?, stacks =? },   -- what is other than above
--     },
--   }
--
local contains = require "weir.contains"
local contradictions = require "weir.deploy.contradictions"
local data_file = require "weir.deploy.data_file"
local finding_list = require "weir.deploy.finding_list"
local shapes = require "weir.deploy.shapes"
local sorted_pairs = require "weir.sorted_pairs"
local suggest = require "weir.suggest"

local estate = {}

-- The templates of each kind of account, in the order in which they depend on each other.
estate.kinds = {
  storage = { "boundary", "storage" },
  shared = { "boundary", "shared" },
  workload = { "boundary", "tokens", "core", "endpoint", "events", "replay", "link" },
}

local Check = {}
Check.__index = Check

function Check:finding(...) self.findings:add(...) end

function Check:at(owner, key)
  local place = self.places[owner]
  return place.values[key] or place.at
end

-- Values that have to do with templates and accounts ----------------------------------------------

local checks = setmetatable({}, { __index = shapes })
local list_of = shapes.list_of

function checks.kind(self, owner, key)
  if estate.kinds[owner[key]] then return end
  shapes.refuse(self, owner, key, '"storage", "shared" or "workload"')
end

local PLAIN = { string = true, number = true, boolean = true }

-- As a text a number has 14 digits; what has more would become another.
local function is_plain(value)
  if math.type(value) == "float" then return tonumber(tostring(value)) == value end
  return PLAIN[type(value)] or false
end

local function is_value(value)
  if type(value) ~= "table" then return is_plain(value) end
  for _, item in ipairs(shapes.is_list(value) and value or { value }) do
    if not is_plain(item) then return false end
  end

  return true
end

local function check_values(self, template, values)
  for name, value in sorted_pairs(values) do
    if type(name) ~= "string" then
      self:finding("W302", self:at(values, name), "a parameter has a name")
    elseif not is_value(value) then
      shapes.refuse(self, values, name, type(value) == "number"
        and "a number of at most 14 digits, or in quotes"
        or "a text, a number, true, false or a list of texts")
    elseif name == "Prefix" then
      self:finding("W303", self.places[values].keys[name],
        ("Prefix of %s is the estate's name; roles of other accounts are known by it")
          :format(template), "write it as name = … of the estate")
    elseif name:find("ExternalId$") then
      self:finding("W303", self.places[values].keys[name],
        ("%s of %s is not given here"):format(name, template),
        "write external_id = … in the workload account")
    end
  end
end

-- Has an account of this kind such a stack? The storage account has one for each workload account,
-- with the parameters of that account.
local function belongs(kind, template)
  local templates = estate.kinds[kind]
  return not templates or contains(templates, template)
    or kind == "workload" and template == "storage"
end

-- template → name → value
function checks.parameters(self, owner, key)
  local by_template = owner[key]
  if type(by_template) ~= "table" then
    return shapes.refuse(self, owner, key, "a table by template")
  end

  for template, list in sorted_pairs(by_template) do
    if not estate.templates[template] then
      local near = suggest(tostring(template), estate.template_names)
      self:finding("W302", self.places[by_template].keys[template],
        ("there is no template '%s'"):format(template),
        near and ("did you mean '%s'?"):format(near))
    elseif owner.kind and not belongs(owner.kind, template) then
      self:finding("W303", self.places[by_template].keys[template],
        ("a %s account has no stack of the template %s"):format(owner.kind, template),
        "write it into the account that has, or beside the accounts")
    elseif type(list) ~= "table" then
      shapes.refuse(self, by_template, template, "a table of parameters")
    else
      check_values(self, template, list)
    end
  end
end

local fields = {}

-- Each key is known and right, and those with a star are there.
local function check_fields(self, owner, what)
  local names = {}
  for name in sorted_pairs(fields[what]) do names[#names + 1] = name end

  for key in sorted_pairs(owner) do
    local rule = fields[what][key]
    if rule then
      checks[rule.shape](self, owner, key)
    else
      local near = suggest(tostring(key), names)
      self:finding("W302", self.places[owner].keys[key],
        ("unknown key '%s' in %s"):format(key, what),
        near and ("did you mean '%s'?"):format(near) or "keys are " .. table.concat(names, ", "))
    end
  end

  for _, name in ipairs(names) do
    if fields[what][name].required and owner[name] == nil then
      self:finding("W302", self.places[owner].at, ("%s is missing in %s"):format(name, what))
    end
  end
end

function checks.role(self, owner, key)
  if type(owner[key]) ~= "table" then
    return shapes.refuse(self, owner, key, "{ arn = …, external_id = … }")
  end

  check_fields(self, owner[key], "role")
end

function checks.artifacts(self, owner, key)
  if type(owner[key]) ~= "table" then
    return shapes.refuse(self, owner, key, "{ bucket = …, layer = …, code = … }")
  end

  check_fields(self, owner[key], "artifacts")
end

function checks.stacksets(self, owner, key)
  if type(owner[key]) ~= "table" then
    return shapes.refuse(self, owner, key, "{ account = …, templates = { … } }")
  end

  check_fields(self, owner[key], "stacksets")
end

checks.set_templates = list_of(function(name) return contains(estate.kinds.workload, name) end,
  "templates of workload accounts: " .. table.concat(estate.kinds.workload, ", "))

function checks.stacks(self, owner, key)
  local names, known = estate.kinds[owner.kind] or {}, {}
  for _, name in ipairs(names) do known[name] = true end
  local check = list_of(function(name) return known[name] end,
    "templates of this kind of account: " .. table.concat(names, ", "))
  check(self, owner, key)
end

function checks.accounts(self, owner, key)
  local list = owner[key]
  if type(list) ~= "table" or not shapes.is_list(list) or #list == 0 then
    return shapes.refuse(self, owner, key, "a list of accounts")
  end

  for i, account in ipairs(list) do
    if type(account) == "table" then
      check_fields(self, account, "account")
    else
      self:finding("W302", self:at(list, i), "an account is a table")
    end
  end
end

fields.estate = {
  artifacts = { shape = "artifacts" },
  prices = { shape = "prices" },
  stacksets = { shape = "stacksets" },
  name = { shape = "name", required = true },
  regions = { shape = "regions", required = true },
  features = { shape = "features" },
  parameters = { shape = "parameters" },
  accounts = { shape = "accounts", required = true },
}
fields.account = {
  id = { shape = "account_id", required = true },
  kind = { shape = "kind", required = true },
  role = { shape = "role" },
  external_id = { shape = "external_id" },
  next_external_id = { shape = "external_id" },
  regions = { shape = "regions" },
  features = { shape = "features" },
  parameters = { shape = "parameters" },
  stacks = { shape = "stacks" },
}
fields.stacksets = {
  account = { shape = "account_id", required = true },
  templates = { shape = "set_templates", required = true },
  model = { shape = "model" },
  administration_role = { shape = "text" },
  execution_role = { shape = "text" },
  organizational_units = { shape = "units" },
  delegated = { shape = "boolean" },
}
fields.artifacts = {
  bucket = { shape = "bucket", required = true },
  layer = { shape = "text" },
  code = { shape = "text" },
  state_machines = { shape = "text" },
}
fields.role = {
  arn = { shape = "text", required = true },
  external_id = { shape = "role_external_id" },
}

-- Names of templates, from the kinds.
estate.templates, estate.template_names = {}, {}
for _, list in sorted_pairs(estate.kinds) do
  for _, name in ipairs(list) do
    if not estate.templates[name] then estate.template_names[#estate.template_names + 1] = name end
    estate.templates[name] = true
  end
end

function estate.read(text, file)
  local value, places = data_file.read(text, file)
  if not value then return nil, places end

  local self = setmetatable({ places = places, findings = finding_list.new(file) }, Check)
  check_fields(self, value, "estate")
  if not self.findings:in_order() then contradictions.find(self, value) end
  local findings = self.findings:in_order()
  if findings then return nil, findings end

  return value, function(owner, key)
    local place = places[owner]
    return place.keys[key] or place.at
  end
end

return estate
