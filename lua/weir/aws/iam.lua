-- IAM, as far as who may take a role. Only the command-line program has it.
--
-- IAM has one host in a partition, and its requests are signed in one region of it.
local client = require "weir.aws.client"
local endpoint = require "weir.aws.endpoint"
local partitions = require "weir.aws.partitions"

local PLACES = {
  aws = { url = "https://iam.amazonaws.com", region = "us-east-1" },
  ["aws-cn"] = { url = "https://iam.cn-north-1.amazonaws.com.cn", region = "cn-north-1" },
  ["aws-us-gov"] = { url = "https://iam.us-gov.amazonaws.com", region = "us-gov-west-1" },
}

local function locate(self, _, input, region)
  local configured, message, code = endpoint.configured(self.service, self.configuration)
  if message then return nil, message, code end

  local place = PLACES[partitions.of_region(region).name]
  if not place then
    place = { url = endpoint.default(self.service, region), region = region }
  end

  return { url = configured or place.url, region = place.region, input = input }
end

return client.service {
  name = "iam",
  id = "IAM",
  host = "iam",
  signing_name = "iam",
  protocol = "query",
  version = "2010-05-08",
  locate = locate,
  operations = {
    -- The trust policy comes percent-encoded.
    GetRole = { members = "RoleName*", target = "RoleName" },
  },
}
