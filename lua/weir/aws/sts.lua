-- STS: assumes roles. Asked at its regional host.
local client = require "weir.aws.client"

return client.service {
  name = "sts",
  id = "STS",
  host = "sts",
  signing_name = "sts",
  fips_hosts = { ["aws-us-gov"] = "sts" },
  protocol = "query",
  version = "2011-06-15",
  types = { PackedPolicySize = "integer" },
  operations = {
    AssumeRole = {
      members = "RoleArn* RoleSessionName* ExternalId DurationSeconds Policy PolicyArns Tags "
        .. "TransitiveTagKeys SourceIdentity",
      target = "RoleArn",
    },
    AssumeRoleWithWebIdentity = {
      members = "RoleArn* RoleSessionName* WebIdentityToken* DurationSeconds Policy PolicyArns",
      target = "RoleArn",
      unsigned = true,
    },
    GetCallerIdentity = { members = "" },
  },
}
