-- IAM, as far as who may take a role. Only the command-line program has it.
--
-- IAM has one host in a partition, and its requests are signed in one region of it.
local client = require "weir.aws.client"
local endpoint = require "weir.aws.endpoint"
local partitions = require "weir.aws.partitions"

-- partition → where requests are signed. The hosts are: plain, for FIPS, for dual-stack, for both.
local PLACES = {
  aws = {
    region = "us-east-1",
    "iam.amazonaws.com",
    "iam-fips.amazonaws.com",
    "iam.global.api.aws",
    "iam-fips.global.api.aws",
  },
  ["aws-cn"] = {
    region = "cn-north-1",
    "iam.cn-north-1.amazonaws.com.cn",
    nil,
    "iam.global.api.amazonwebservices.com.cn",
  },
  ["aws-us-gov"] = {
    region = "us-gov-west-1",
    "iam.us-gov.amazonaws.com",
    "iam.us-gov.amazonaws.com",
    "iam.us-gov.api.aws",
    "iam.us-gov.api.aws",
  },
  ["aws-eusc"] = {
    region = "eusc-de-east-1",
    "iam.eusc-de-east-1.amazonaws.eu",
    "iam-fips.amazonaws.eu",
    "iam.api.amazonwebservices.eu",
    "iam-fips.api.amazonwebservices.eu",
  },
  ["aws-iso"] = {
    region = "us-iso-east-1",
    "iam.us-iso-east-1.c2s.ic.gov",
    "iam-fips.us-iso-east-1.c2s.ic.gov",
    "iam.api.aws.ic.gov",
    "iam-fips.api.aws.ic.gov",
  },
  ["aws-iso-b"] = {
    region = "us-isob-east-1",
    "iam.us-isob-east-1.sc2s.sgov.gov",
    "iam-fips.us-isob-east-1.sc2s.sgov.gov",
    "iam.api.aws.scloud",
    "iam-fips.api.aws.scloud",
  },
  ["aws-iso-e"] = {
    region = "eu-isoe-west-1",
    "iam.eu-isoe-west-1.cloud.adc-e.uk",
    "iam-fips.cloud.adc-e.uk",
    "iam.api.cloud-aws.adc-e.uk",
    "iam-fips.api.cloud-aws.adc-e.uk",
  },
  ["aws-iso-f"] = {
    region = "us-isof-south-1",
    "iam.us-isof-south-1.csp.hci.ic.gov",
    "iam-fips.csp.hci.ic.gov",
    "iam.api.aws.hci.ic.gov",
    "iam-fips.api.aws.hci.ic.gov",
  },
}

local function locate(self, _, input, region)
  local configured, message, code = endpoint.configured(self.service, self.configuration)
  if message then return nil, message, code end
  local variant
  variant, message, code = endpoint.variant(self.service, self.configuration, region, configured)
  if not variant then return nil, message, code end

  local place = PLACES[partitions.of_region(region).name]
  local host = place[1 + (variant.fips and 1 or 0) + (variant.dual_stack and 2 or 0)]

  return { url = configured or "https://" .. host, region = place.region, input = input }
end

return client.service {
  name = "iam",
  id = "IAM",
  host = "iam",
  signing_name = "iam",
  protocol = "query",
  version = "2010-05-08",
  without_fips = "aws-cn",
  locate = locate,
  types = { MaxSessionDuration = "integer", Tags = "structure" },
  operations = {
    -- The trust policy comes percent-encoded.
    GetRole = { members = "RoleName*", target = "RoleName" },
  },
}
