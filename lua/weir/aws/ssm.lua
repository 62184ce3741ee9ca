-- Systems Manager: parameters. The value of a SecureString comes as a secret.
local client = require "weir.aws.client"
local secret = require "weir.secret"

local function hide_secure_string(output)
  local parameter = output.Parameter
  if type(parameter) == "table" and parameter.Type == "SecureString"
    and type(parameter.Value) == "string" then
    parameter.Value = secret.wrap(parameter.Value)
  end
end

return client.service {
  name = "ssm",
  id = "SSM",
  host = "ssm",
  signing_name = "ssm",
  fips_hosts = { ["aws-us-gov"] = "ssm" },
  protocol = "json",
  json_version = "1.1",
  target_prefix = "AmazonSSM",
  operations = {
    GetParameter = {
      members = "Name* WithDecryption",
      target = "Name",
      after = hide_secure_string,
    },
  },
}
