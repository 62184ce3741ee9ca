-- EC2, as far as what a stack leaves behind in a network: network interfaces, security groups and
-- their rules. Only the command-line program has it.
local client = require "weir.aws.client"

local function revocation()
  return { members = "GroupId* SecurityGroupRuleIds*", target = "GroupId", changes = true }
end

-- The tags of an interface are called otherwise than those of everything else.
local function name_tag_sets(output)
  for _, interface in ipairs(output.NetworkInterfaces or {}) do
    interface.TagSet, interface.Tags = interface.Tags, nil
  end
end

return client.service {
  name = "ec2",
  id = "EC2",
  host = "ec2",
  signing_name = "ec2",
  fips_hosts = { ["aws-us-gov"] = "ec2" },
  protocol = "ec2",
  version = "2016-11-15",
  types = {
    DeleteOnTermination = "boolean",
    DenyAllIgwTraffic = "boolean",
    DeviceIndex = "integer",
    EnaSrdEnabled = "boolean",
    EnaSrdUdpEnabled = "boolean",
    FromPort = "integer",
    Ipv6Native = "boolean",
    IsEgress = "boolean",
    IsPrimaryIpv6 = "boolean",
    NetworkCardIndex = "integer",
    Primary = "boolean",
    RequesterManaged = "boolean",
    Return = "boolean",
    SourceDestCheck = "boolean",
    TcpEstablishedTimeout = "integer",
    ToPort = "integer",
    UdpStreamTimeout = "integer",
    UdpTimeout = "integer",
  },
  names = { groupDescription = "Description" },
  input_names = {
    Filters = "Filter",
    GroupIds = "GroupId",
    SecurityGroupRuleIds = "SecurityGroupRuleId",
    Values = "Value",
  },
  lists = {
    groupSet = "Groups",
    groups = "UserIdGroupPairs",
    ipPermissions = "IpPermissions",
    ipPermissionsEgress = "IpPermissionsEgress",
    ipRanges = "IpRanges",
    ipv4PrefixSet = "Ipv4Prefixes",
    ipv6AddressesSet = "Ipv6Addresses",
    ipv6PrefixSet = "Ipv6Prefixes",
    ipv6Ranges = "Ipv6Ranges",
    networkInterfaceSet = "NetworkInterfaces",
    prefixListIds = "PrefixListIds",
    privateIpAddressesSet = "PrivateIpAddresses",
    securityGroupInfo = "SecurityGroups",
    securityGroupRuleSet = "SecurityGroupRules",
    tagSet = "Tags",
    unknownIpPermissionSet = "UnknownIpPermissions",
  },
  operations = {
    DescribeNetworkInterfaces = {
      members = "Filters* NextToken",
      after = name_tag_sets,
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
