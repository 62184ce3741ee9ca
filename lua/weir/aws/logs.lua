-- CloudWatch Logs: log groups and their tags. Only the command-line program has it.
local client = require "weir.aws.client"

return client.service {
  name = "logs",
  id = "CLOUDWATCH_LOGS",
  host = "logs",
  signing_name = "logs",
  fips_hosts = { ["aws-us-gov"] = "logs" },
  protocol = "json",
  json_version = "1.1",
  target_prefix = "Logs_20140328",
  operations = {
    DescribeLogGroups = {
      members = "logGroupNamePrefix nextToken limit",
      target = "logGroupNamePrefix",
      paging = { input = "nextToken", output = "nextToken", items = "logGroups" },
    },
    ListTagsForResource = { members = "resourceArn*", target = "resourceArn" },
    DeleteLogGroup = { members = "logGroupName*", target = "logGroupName", changes = true },
  },
}
