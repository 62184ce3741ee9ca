-- Application Auto Scaling: what scales an endpoint's variants. Only the command-line program has
-- it.
local client = require "weir.aws.client"

return client.service {
  name = "autoscaling",
  id = "APPLICATION_AUTO_SCALING",
  host = "application-autoscaling",
  signing_name = "application-autoscaling",
  fips_hosts = { ["aws-us-gov"] = "application-autoscaling" },
  protocol = "json",
  json_version = "1.1",
  target_prefix = "AnyScaleFrontendService",
  operations = {
    -- The policies and schedules of the target are deleted with it.
    DeregisterScalableTarget = {
      members = "ServiceNamespace* ResourceId* ScalableDimension*",
      target = "ResourceId",
      changes = true,
    },
  },
}
