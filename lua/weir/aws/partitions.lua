-- AWS's partitions: which regions are whose, and under which domain their hosts are.
--
-- The table is compared with AWS's own data by tests/integration/endpoints_spec.lua.
local partitions = {}

-- A region belongs to a partition when one of the partition's patterns, followed by a place and a
-- number, is its name: "^us%-gov%-" stands for us-gov-west-1. Regions that AWS adds later fit too.
local TABLE = {
  {
    name = "aws",
    suffix = "amazonaws.com",
    dual_stack_suffix = "api.aws",
    patterns = { "^us%-", "^eu%-", "^ap%-", "^sa%-", "^ca%-", "^me%-", "^af%-", "^il%-", "^mx%-" },
  },
  {
    name = "aws-cn",
    suffix = "amazonaws.com.cn",
    dual_stack_suffix = "api.amazonwebservices.com.cn",
    patterns = { "^cn%-" },
  },
  {
    name = "aws-eusc",
    suffix = "amazonaws.eu",
    dual_stack_suffix = "api.amazonwebservices.eu",
    patterns = { "^eusc%-de%-" },
  },
  {
    name = "aws-iso",
    suffix = "c2s.ic.gov",
    dual_stack_suffix = "api.aws.ic.gov",
    patterns = { "^us%-iso%-" },
  },
  {
    name = "aws-iso-b",
    suffix = "sc2s.sgov.gov",
    dual_stack_suffix = "api.aws.scloud",
    patterns = { "^us%-isob%-" },
  },
  {
    name = "aws-iso-e",
    suffix = "cloud.adc-e.uk",
    dual_stack_suffix = "api.cloud-aws.adc-e.uk",
    patterns = { "^eu%-isoe%-" },
  },
  {
    name = "aws-iso-f",
    suffix = "csp.hci.ic.gov",
    dual_stack_suffix = "api.aws.hci.ic.gov",
    patterns = { "^us%-isof%-" },
  },
  {
    name = "aws-us-gov",
    suffix = "amazonaws.com",
    dual_stack_suffix = "api.aws",
    patterns = { "^us%-gov%-" },
  },
}

local AWS = TABLE[1]

local function has(partition, region)
  for _, pattern in ipairs(partition.patterns) do
    if region:find(pattern .. "[%w_]+%-%d+$") then return true end
  end

  return false
end

-- of_region(region) → { name =, suffix =, dual_stack_suffix = }. A region that fits nowhere counts
-- as one of "aws", as in AWS's own SDKs.
function partitions.of_region(region)
  for _, partition in ipairs(TABLE) do
    if has(partition, region) then return partition end
  end

  return AWS
end

-- is_region(region) → whether it is shaped as regions are: of a known place, a direction, a number.
local DIRECTIONS = {
  north = true,
  south = true,
  east = true,
  west = true,
  central = true,
  northeast = true,
  northwest = true,
  southeast = true,
  southwest = true,
}

function partitions.is_region(region)
  if not DIRECTIONS[region:match "%-(%l+)%-[1-9]%d?$" or ""] then return false end
  for _, partition in ipairs(TABLE) do
    if has(partition, region) then return true end
  end

  return false
end

return partitions
