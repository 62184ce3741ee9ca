-- Remote places that a policy bundle is fetched from: an object in S3, a configuration in
-- AppConfig.
--
--   open(source, client configuration) → place | nil, message
--   place:fetch(deadline_ms) → text, version        a version that was not fetched before
--                            | false                nothing new
--                            | nil, message, code   the fetch failed
--   place:forget()   what was fetched last could not be tried: the next fetch gives it again
--
-- place.name is the source as it is set; place.trace, when it is set, gets each call to AWS;
-- place.interval_ms is how long the service asks to wait between two fetches, if it does.
local policy_fetch = {}

-- A page of a proxy is not a version: it is a failed fetch, and what was refused stays refused.
local function not_the_service(what)
  return nil, ("the answer has no %s, so it is not the service's"):format(what), "MalformedResponse"
end

local function call(self, service, operation, perform)
  if not self.trace then return perform() end
  return self.trace:call({ service = service, operation = operation, input = {} }, perform)
end

local S3 = {}
S3.__index = S3

function S3:fetch(deadline_ms)
  local output, message, code = call(self, "s3", "GetObject", function()
    return self.client:get_object(
      { Bucket = self.bucket, Key = self.key, IfNoneMatch = self.etag },
      { deadline_ms = deadline_ms })
  end)

  if not output then return nil, message, code end

  if output.status == 304 then return false end
  if not output.ETag then return not_the_service("ETag") end
  self.etag = output.ETag
  return output.Body, output.ETag
end

function S3:forget() self.etag = nil end

local function open_s3(source, config)
  local bucket, key = source:match("^s3://(arn:[^/]*:accesspoint/[^/]+)/(.+)$")
  if not bucket then bucket, key = source:match("^s3://([^/]+)/(.+)$") end
  if not bucket then return nil, "is not of the form s3://bucket/key" end

  return setmetatable({
    name = source,
    bucket = bucket,
    key = key,
    client = require("weir.aws").client("s3", config),
  }, S3)
end

local AppConfig = {}
AppConfig.__index = AppConfig

function AppConfig:start_session(options)
  local session, message, code = call(self, "appconfigdata", "StartConfigurationSession", function()
    return self.client:start_configuration_session({
      ApplicationIdentifier = self.application,
      EnvironmentIdentifier = self.environment,
      ConfigurationProfileIdentifier = self.profile,
    }, options)
  end)

  if not session then return nil, message, code end

  return session.InitialConfigurationToken
end

-- A token is good for one answer: after a failure it is tried again. One that a lost answer used
-- up, or that is older than a day, is refused, and a new session begins, which gives the whole
-- configuration.
function AppConfig:fetch(deadline_ms)
  local options, fresh = { deadline_ms = deadline_ms }, false
  local message, code
  while true do
    if not self.token then
      self.token, message, code = self:start_session(options)
      if not self.token then return nil, message, code end
      fresh = true
    end

    local output
    output, message, code = call(self, "appconfigdata", "GetLatestConfiguration", function()
      return self.client:get_latest_configuration({ ConfigurationToken = self.token }, options)
    end)

    if output and not output.NextPollConfigurationToken then
      self.token = nil
      return not_the_service("Next-Poll-Configuration-Token")
    end

    if output then
      self.token = output.NextPollConfigurationToken
      self.interval_ms = (output.NextPollIntervalInSeconds or 0) * 1000
      if output.Configuration == "" then return false end

      return output.Configuration, output.VersionLabel or "unlabelled"
    end

    if code == "BadRequestException" then self.token = nil end
    if fresh or self.token then return nil, message, code end
  end
end

function AppConfig:forget() self.token = nil end

local function open_appconfig(source, config)
  local application, environment, profile = source:match("^appconfig:([^/]+)/([^/]+)/([^/]+)$")
  if not application then
    return nil, "is not of the form appconfig:application/environment/profile"
  end

  return setmetatable({
    name = source,
    application = application,
    environment = environment,
    profile = profile,
    client = require("weir.aws").client("appconfigdata", config),
  }, AppConfig)
end

function policy_fetch.open(source, config)
  if source:find("^s3:") then return open_s3(source, config) end
  if source:find("^appconfig:") then return open_appconfig(source, config) end
  return nil, "has an unknown form; it is a directory, s3://bucket/key or "
    .. "appconfig:application/environment/profile"
end

return policy_fetch
