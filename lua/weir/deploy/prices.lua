-- The list of prices, and what counted resources cost a month by it, used or not.
--
--   prices.of(types, values, own, region) → { monthly =, most =?, elsewhere = boolean,
--       parts = { "2 × ml.m5.large", … }, unknown = { "ml.p5.48xlarge", … } }
--       types: resource type → how many; values: the stack's parameters by name; own: the estate's
--       `prices`, name → price and region → name → price, which go over those here
--   prices.list: { name, dollars, "hour" or "month", source } of each
--   prices.dated, prices.region: of the list
--   elsewhere: prices of the list were taken for another region than the list's
--
-- Amounts are US dollars. monthly: at the least number of instances; most: at the most, where
-- scaling is on. What is paid by use (requests, storage, logs, functions) is not in it. What has no
-- price here is named, and not taken for free.
local sorted_pairs = require "weir.sorted_pairs"

local prices = { dated = "2026-06", region = "us-east-1" }

local HOURS = 730 -- a month, as AWS counts

-- Where each line is from, as of prices.dated; the product after it is AWS's name of what is paid.
local SAGEMAKER = "aws.amazon.com/sagemaker/ai/pricing, on-demand, Real-Time Inference"
local ALARMS = "aws.amazon.com/cloudwatch/pricing, Alarms, standard resolution"
local DASHBOARDS = "aws.amazon.com/cloudwatch/pricing, Dashboards, beyond the free three"

-- An instance type by the hour, a resource type by the month.
prices.list = {
  { "ml.c5.large", 0.102, "hour", SAGEMAKER },
  { "ml.c5.xlarge", 0.204, "hour", SAGEMAKER },
  { "ml.c5.2xlarge", 0.408, "hour", SAGEMAKER },
  { "ml.g4dn.xlarge", 0.736, "hour", SAGEMAKER },
  { "ml.g4dn.2xlarge", 0.94, "hour", SAGEMAKER },
  { "ml.g5.xlarge", 1.408, "hour", SAGEMAKER },
  { "ml.g5.2xlarge", 1.515, "hour", SAGEMAKER },
  { "ml.m5.large", 0.115, "hour", SAGEMAKER },
  { "ml.m5.xlarge", 0.23, "hour", SAGEMAKER },
  { "ml.m5.2xlarge", 0.461, "hour", SAGEMAKER },
  { "ml.m5.4xlarge", 0.922, "hour", SAGEMAKER },
  { "ml.t2.medium", 0.056, "hour", SAGEMAKER },
  { "AWS::ApplicationAutoScaling::ScalingPolicy", 0.20, "month", ALARMS .. ": it makes two" },
  { "AWS::CloudWatch::Alarm", 0.10, "month", ALARMS },
  { "AWS::CloudWatch::Dashboard", 3.00, "month", DASHBOARDS },
}

local LISTED, MONTHLY = {}, {}
for _, line in ipairs(prices.list) do
  LISTED[line[1]] = line[2]
  if line[3] == "month" then MONTHLY[line[1]] = true end
end

-- The names that an estate may give prices for are those of the table; instances of any type, too.
function prices.is_name(name)
  return MONTHLY[name] ~= nil or name:find("^ml%.[%w-]+%.%w+$") ~= nil
end

local function is_on(value) return value == "true" end

local function variants_of(values)
  local count = 1
  for _, name in ipairs { "Variant2Name", "Variant3Name" } do
    if values[name] and values[name] ~= "" then count = count + 1 end
  end

  return count
end

local Sum = {}
Sum.__index = Sum

-- The price of a name: the estate's for the region, the estate's, the list's.
function Sum:price_of(name)
  local of_region = self.own[self.region]
  local own = type(of_region) == "table" and of_region[name] or self.own[name]
  if own then return own end

  local listed = LISTED[name]
  if listed and self.region ~= prices.region then self.elsewhere = true end

  return listed
end

function Sum:add(part, price, least, most)
  if not price then
    self.unknown[#self.unknown + 1] = part
    return
  end

  self.monthly = self.monthly + price * least
  self.most = self.most + price * most
  local count = least == most and tostring(least) or ("%d to %d"):format(least, most)
  self.parts[#self.parts + 1] = ("%s × %s"):format(count, part)
end

local function add_endpoints(sum, values)
  if is_on(values.EnableEndpoint) then
    local kind, variants = values.InstanceType, variants_of(values)
    local hourly = sum:price_of(kind)
    local least = tonumber(values.MinCapacity) or 1
    local most = is_on(values.EnableScaling) and tonumber(values.MaxCapacity) or least
    sum:add(kind, hourly and hourly * HOURS, variants * least, variants * math.max(least, most))
  end

  local provisioned = tonumber(values.ServerlessProvisionedConcurrency) or 0
  if is_on(values.EnableServerless) and provisioned > 0 then
    sum:add("provisioned concurrency of the serverless endpoint", nil)
  end
end

function prices.of(types, values, own, region)
  local sum = setmetatable({
    monthly = 0,
    most = 0,
    parts = {},
    unknown = {},
    own = own or {},
    region = region,
    elsewhere = false,
  }, Sum)

  add_endpoints(sum, values)
  for name in sorted_pairs(MONTHLY) do
    local count = types[name] or 0
    if count > 0 then sum:add(name:match("%w+$"), sum:price_of(name), count, count) end
  end

  return {
    monthly = sum.monthly,
    most = sum.most > sum.monthly and sum.most or nil,
    elsewhere = sum.elsewhere,
    parts = sum.parts,
    unknown = sum.unknown,
  }
end

return prices
