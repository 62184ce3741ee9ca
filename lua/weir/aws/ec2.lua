-- EC2, as far as what a stack leaves behind in a network: network interfaces, security groups and
-- their rules. Only the command-line program has it.
local client = require "weir.aws.client"

local function revocation()
  return { members = "GroupId* SecurityGroupRuleIds*", target = "GroupId", changes = true }
end

return client.service {
  name = "ec2",
  id = "EC2",
  host = "ec2",
  signing_name = "ec2",
  fips_hosts = { ["aws-us-gov"] = "ec2" },
  protocol = "ec2",
  version = "2016-11-15",
  types = { IsEgress = "boolean", Return = "boolean" },
  input_names = {
    Filters = "Filter",
    GroupIds = "GroupId",
    SecurityGroupRuleIds = "SecurityGroupRuleId",
    Values = "Value",
  },
  lists = {
    groupSet = "Groups",
    networkInterfaceSet = "NetworkInterfaces",
    securityGroupInfo = "SecurityGroups",
    securityGroupRuleSet = "SecurityGroupRules",
    tagSet = "Tags",
  },
  operations = {
    DescribeNetworkInterfaces = {
      members = "Filters* NextToken",
      target = "Filters",
      paging = { input = "NextToken", output = "NextToken", items = "NetworkInterfaces" },
    },
    DeleteNetworkInterface = {
      members = "NetworkInterfaceId*",
      target = "NetworkInterfaceId",
      changes = true,
    },
    DescribeSecurityGroups = {
      members = "Filters* NextToken",
      target = "Filters",
      paging = { input = "NextToken", output = "NextToken", items = "SecurityGroups" },
    },
    DescribeSecurityGroupRules = {
      members = "Filters* NextToken",
      target = "Filters",
      paging = { input = "NextToken", output = "NextToken", items = "SecurityGroupRules" },
    },
    RevokeSecurityGroupIngress = revocation(),
    RevokeSecurityGroupEgress = revocation(),
  },
}
