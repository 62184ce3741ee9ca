-- The values of an estate file, each by itself: a name, an account, a list of regions. Those that
-- have to do with templates and accounts are in weir.deploy.estate.
--
--   shapes.NAME(check, owner, key)      a finding where owner[key] is not such a value
--   shapes.refuse(check, owner, key, expected)
--   shapes.list_of(is_fine, expected[, more]) → a shape: texts, each once
--       more: { is_needed = the list is not empty, hint = function(text) → what was meant | nil }
--
-- check: weir.deploy.estate's.
local partitions = require "weir.aws.partitions"
local prices = require "weir.deploy.prices"
local sorted_pairs = require "weir.sorted_pairs"
local suggest = require "weir.suggest"

local shapes = {}

local LEAST_EXTERNAL_ID, LONGEST_EXTERNAL_ID = 16, 1224

function shapes.is_list(value)
  local count = 0
  for _ in pairs(value) do -- any order: only counts them
    count = count + 1
  end

  return count == #value
end

function shapes.refuse(self, owner, key, expected)
  self:finding("W302", self:at(owner, key), ("%s must be %s"):format(key, expected))
end

function shapes.text(self, owner, key)
  local value = owner[key]
  if type(value) ~= "string" or value == "" then shapes.refuse(self, owner, key, "a text") end
end

function shapes.name(self, owner, key)
  local value = owner[key]
  local fine = type(value) == "string" and value:find("^%l[%l%d-]+$") and #value <= 16
  if not fine then
    shapes.refuse(self, owner, key, "up to 16 lower-case letters, digits and hyphens, two at least")
  end
end

function shapes.account_id(self, owner, key)
  local value = owner[key]
  if type(value) ~= "string" or not value:find("^%d+$") or #value ~= 12 then
    shapes.refuse(self, owner, key, 'an account of 12 digits in quotes, such as "111122223333"')
  end
end

local function is_external_id(value, least)
  return type(value) == "string" and value:find("^[%w+=,.@:/_-]+$") ~= nil
    and #value >= least and #value <= LONGEST_EXTERNAL_ID
end

function shapes.external_id(self, owner, key)
  if is_external_id(owner[key], LEAST_EXTERNAL_ID) then return end
  shapes.refuse(self, owner, key, "at least 16 letters, digits and +=,.@:/_-, at most 1224")
end

-- Of a role that others made, as IAM takes it.
function shapes.role_external_id(self, owner, key)
  if is_external_id(owner[key], 2) then return end
  shapes.refuse(self, owner, key, "2 to 1224 letters, digits and +=,.@:/_-")
end

function shapes.list_of(is_fine, expected, more)
  more = more or {}
  return function(self, owner, key)
    local list, seen = owner[key], {}
    if type(list) ~= "table" or not shapes.is_list(list) or more.is_needed and #list == 0 then
      return shapes.refuse(self, owner, key, "a list of " .. expected)
    end

    for i, item in ipairs(list) do
      if type(item) ~= "string" or not is_fine(item) then
        local hint = type(item) == "string" and more.hint and more.hint(item) or nil
        local text = ("%s: this is not one of the %s"):format(key, expected)
        self:finding("W302", self:at(list, i), text, hint)
      elseif seen[item] then
        self:finding("W302", self:at(list, i), ("%s: '%s' is in the list twice"):format(key, item))
      end

      seen[item] = true
    end
  end
end

-- For hints only: a region that AWS adds later is as good.
local REGIONS = {
  "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
  "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-central-2",
  "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
  "me-central-1", "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

local function near_region(text)
  local near = suggest(text, REGIONS)
  return near and ("did you mean '%s'?"):format(near)
end

shapes.regions = shapes.list_of(partitions.is_region, "regions",
  { is_needed = true, hint = near_region })

local function without_enable(text)
  local name = text:match "^Enable(%u%w+)$"
  return name and ("write '%s'"):format(name)
end

shapes.features = shapes.list_of(
  function(text) return text:find("^%u%w+$") and not without_enable(text) end,
  "features, such as TokenStore for EnableTokenStore", { hint = without_enable })

function shapes.boolean(self, owner, key)
  if type(owner[key]) ~= "boolean" then shapes.refuse(self, owner, key, "true or false") end
end

function shapes.model(self, owner, key)
  if owner[key] == "SELF_MANAGED" or owner[key] == "SERVICE_MANAGED" then return end
  shapes.refuse(self, owner, key, '"SELF_MANAGED" or "SERVICE_MANAGED"')
end

shapes.units = shapes.list_of(function(text) return text:find("^ou%-[%l%d]+%-[%l%d]+$") end,
  "organizational units, such as ou-abcd-12345678")

-- Dollars, an hour of an instance type or a month of a resource type; those of a region in a table
-- of its own.
function shapes.prices(self, owner, key, is_of_region)
  if type(owner[key]) ~= "table" then
    return shapes.refuse(self, owner, key, "a table of prices")
  end

  for name, price in sorted_pairs(owner[key]) do
    local is_region = type(name) == "string" and partitions.is_region(name) and not is_of_region
    if is_region and type(price) == "table" then
      shapes.prices(self, owner[key], name, true)
    elseif type(name) ~= "string" or not prices.is_name(name) then
      self:finding("W302", self.places[owner[key]].keys[name],
        ("nothing here has the price '%s'"):format(tostring(name)),
        "instance types, such as ml.m5.large, resource types of the table, and regions have one")
    elseif type(price) ~= "number" or not (price >= 0 and price < math.huge) then
      shapes.refuse(self, owner[key], name, "a price in dollars")
    end
  end
end

-- {account} and {region} stand for those of the stack.
function shapes.bucket(self, owner, key)
  local value = owner[key]
  local plain = type(value) == "string"
    and value:gsub("{account}", ("0"):rep(12)):gsub("{region}", "eu-west-1") or ""
  if not plain:find("^[%l%d][%l%d.-]+[%l%d]$") or #plain > 63 then
    shapes.refuse(self, owner, key, "a bucket's name, in which {account} and {region} may stand")
  end
end

return shapes
