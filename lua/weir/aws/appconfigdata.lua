-- AppConfigData: a session, then the configuration by token. An empty body means unchanged; a token
-- is good once, and for a day; after a BadRequestException start a new session.
local client = require "weir.aws.client"

return client.service {
  name = "appconfigdata",
  id = "APPCONFIGDATA",
  host = "appconfigdata",
  signing_name = "appconfig",
  fips_hosts = { ["aws-us-gov"] = "appconfigdata" },
  protocol = "rest_json",
  types = { NextPollIntervalInSeconds = "integer" },
  operations = {
    StartConfigurationSession = {
      method = "POST",
      path = "/configurationsessions",
      members = "ApplicationIdentifier* EnvironmentIdentifier* ConfigurationProfileIdentifier* "
        .. "RequiredMinimumPollIntervalInSeconds",
      target = "ConfigurationProfileIdentifier",
    },
    GetLatestConfiguration = {
      method = "GET",
      path = "/configuration",
      members = "ConfigurationToken*",
      query = { ConfigurationToken = "configuration_token" },
      output_payload = "Configuration",
      output_headers = {
        NextPollConfigurationToken = "Next-Poll-Configuration-Token",
        NextPollIntervalInSeconds = "Next-Poll-Interval-In-Seconds",
        VersionLabel = "Version-Label",
        ContentType = "Content-Type",
      },
    },
  },
}
