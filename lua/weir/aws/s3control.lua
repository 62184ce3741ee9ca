-- S3's control API: the policies of access points. Only the command-line program has it: no handler
-- deploys. CloudFormation has no type for the policy of an access point on FSx.
--
-- AccountId is in the host's name and in a header.
local client = require "weir.aws.client"
local endpoint = require "weir.aws.endpoint"

local NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
local PATH = "/v20180820/accesspoint/{Name}/policy"
local ACCOUNT = { AccountId = "x-amz-account-id" }

local function escape(text)
  return (text:gsub("[&<>\"'\r\n]", function(c) return ("&#%d;"):format(c:byte()) end))
end

local function policy_xml(input)
  return ('<PutAccessPointPolicyRequest '
    .. 'xmlns="%s"><Policy>%s</Policy></PutAccessPointPolicyRequest>')
    :format(NAMESPACE, escape(input.Policy))
end

-- AWS's own host begins with the account, and says dualstack as S3's do.
local function locate(self, _, input, region)
  if type(input.AccountId) ~= "string" or not input.AccountId:find("^%d+$") then
    return nil, "AccountId must be 12 digits", "InvalidAccount"
  end

  local url, message, code = endpoint.configured(self.service, self.configuration)
  if message then return nil, message, code end
  local variant
  variant, message, code = endpoint.variant(self.service, self.configuration, region, url)
  if not variant then return nil, message, code end

  url = url or ("https://%s.s3-control%s%s.%s.%s"):format(input.AccountId,
    variant.fips and "-fips" or "", variant.dual_stack and ".dualstack" or "", region,
    variant.partition.suffix)
  return { url = url, region = region, input = input }
end

return client.service {
  name = "s3control",
  id = "S3_CONTROL",
  host = "s3-control",
  signing_name = "s3",
  without_fips = "aws-cn",
  protocol = "rest_xml",
  content_sha256 = true,
  locate = locate,
  operations = {
    GetAccessPointPolicy = {
      method = "GET",
      path = PATH,
      xml_answer = true,
      members = "AccountId* Name*",
      headers = ACCOUNT,
      target = "Name",
    },
    PutAccessPointPolicy = {
      method = "PUT",
      path = PATH,
      xml = policy_xml,
      members = "AccountId* Name* Policy*",
      headers = ACCOUNT,
      target = "Name",
      changes = true,
    },
  },
}
