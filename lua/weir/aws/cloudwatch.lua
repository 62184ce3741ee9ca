-- CloudWatch: metrics in its JSON form. Times are epoch seconds. Points come unordered, and empty
-- periods are absent.
local client = require "weir.aws.client"

return client.service {
  name = "cloudwatch",
  id = "CLOUDWATCH",
  host = "monitoring",
  signing_name = "monitoring",
  fips_hosts = { ["aws-us-gov"] = "monitoring" },
  fips_dual_stack_hosts = { ["aws-us-gov"] = "monitoring" },
  protocol = "json",
  json_version = "1.0",
  target_prefix = "GraniteServiceVersion20100801",
  query_mode = true, -- errors then carry the codes of the older protocol
  operations = {
    GetMetricStatistics = {
      members = "Namespace* MetricName* Dimensions StartTime* EndTime* Period* Statistics "
        .. "ExtendedStatistics Unit",
      target = "MetricName",
    },
    GetMetricData = {
      members = "MetricDataQueries* StartTime* EndTime* NextToken ScanBy MaxDatapoints "
        .. "LabelOptions",
      paging = { input = "NextToken", output = "NextToken", items = "MetricDataResults" },
    },
    PutMetricData = { members = "Namespace* MetricData*", target = "Namespace", changes = true },
  },
}
