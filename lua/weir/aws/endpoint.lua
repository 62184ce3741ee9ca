-- Where a service is: a configured URL, or AWS's own host for the region.
--
-- The order is that of AWS's SDKs: the client's `endpoint`, AWS_ENDPOINT_URL_<SERVICE>,
-- AWS_ENDPOINT_URL, the service in the profile's `services` section, the profile's `endpoint_url`.
-- AWS_IGNORE_CONFIGURED_ENDPOINT_URLS (ignore_configured_endpoint_urls in a profile) skips all but
-- the first. FIPS and dual-stack endpoints are AWS's own, so they exclude a configured URL.
local partitions = require "weir.aws.partitions"

local endpoint = {}

local PROFILE_KEY = "endpoint_url"

-- Regions --------------------------------------------------------------------------------------

-- check_region(region) → true | nil, message, code. A region ends up in host names, so it is held
-- to their letters.
function endpoint.check_region(region)
  if type(region) ~= "string" or #region > 32
    or not region:find("^%l[%l%d]*%-[%l%d-]*[%l%d]$") then
    return nil, "the region is not one, such as eu-west-1; check AWS_REGION", "InvalidRegion"
  end

  if region:find("^fips%-") or region:find("%-fips$") then
    return nil, ("'%s' is not a region; name the region alone and set AWS_USE_FIPS_ENDPOINT=true")
      :format(region), "InvalidRegion"
  end

  if region:find("%-global$") then
    return nil, ("'%s' is not a region; name one, such as us-east-1"):format(region),
      "InvalidRegion"
  end

  return true
end

-- Configured URLs ------------------------------------------------------------------------------

local function check_url(url, origin)
  if url:find("^https?://[%w%.%-_%[%]:]+[%w%-%._~/]*$") then return (url:gsub("/+$", "")) end
  return nil, ("%s is not a URL of the form https://host[:port][/path]"):format(origin),
    "InvalidEndpoint"
end

-- The URL of the service in the [services NAME] section that the profile names.
local function url_of_services(service, configuration, name)
  local files, message, code = configuration:files()
  if not files then return nil, message, code end
  local services = files.services[name]
  if not services then
    return nil, ("the profile's services section '%s' is not in the config file"):format(name),
      "InvalidConfiguration"
  end

  if services.problem then return nil, services.problem, "InvalidConfiguration" end

  local values = services.values[service.id:lower()]
  local url = type(values) == "table" and values[PROFILE_KEY]
  if not url or url == "" then return nil end

  return check_url(url, ("%s of %s in the services section '%s'")
    :format(PROFILE_KEY, service.id:lower(), name))
end

local function url_of_profile(service, configuration)
  local name, message, code = configuration:value(nil, "services")
  if message then return nil, message, code end
  if name then
    local url
    url, message, code = url_of_services(service, configuration, name)
    if url or message then return url, message, code end
  end

  local url
  url, message, code = configuration:value(nil, PROFILE_KEY)
  if not url then return nil, message, code end

  return check_url(url, PROFILE_KEY .. " of the profile")
end

-- configured(service, configuration) → URL without a trailing slash | nil | nil, message, code
function endpoint.configured(service, configuration)
  local given = configuration.config.endpoint
  if given then return check_url(given, "endpoint") end

  local ignored, message, code = configuration:flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "ignore_configured_endpoint_urls")
  if ignored or message then return nil, message, code end

  for _, variable in ipairs { "AWS_ENDPOINT_URL_" .. service.id, "AWS_ENDPOINT_URL" } do
    local url = configuration.getenv(variable)
    if url then return check_url(url, variable) end
  end

  return url_of_profile(service, configuration)
end

-- AWS's own hosts ------------------------------------------------------------------------------

local function refuse(message, ...)
  return nil, message:format(...), "InvalidEndpoint"
end

-- variant(service, configuration, region, url) → { fips =, dual_stack =, partition = }
--   | nil, message, code. `url` is the configured one, or nil.
function endpoint.variant(service, configuration, region, url)
  local fips, message, code = configuration:flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
  if message then return nil, message, code end
  local dual_stack
  dual_stack, message, code = configuration:flag("AWS_USE_DUALSTACK_ENDPOINT",
    "use_dualstack_endpoint")
  if message then return nil, message, code end

  if url and (fips or dual_stack) then
    return refuse(
      "%s endpoints are AWS's own, and another endpoint is configured; unset one of them",
      fips and "FIPS" or "dual-stack")
  end

  local partition = partitions.of_region(region)
  if fips and service.without_fips == partition.name then
    return refuse("%s has no FIPS endpoints in the partition %s; unset AWS_USE_FIPS_ENDPOINT",
      service.name, partition.name)
  end

  return { fips = fips, dual_stack = dual_stack, partition = partition }
end

-- A service's fips_hosts = { [region or partition] = host } are the FIPS hosts that are not called
-- HOST-fips; fips_dual_stack_hosts are those for FIPS and dual-stack together.
local function host_of(service, region, variant)
  if not variant.fips then return service.host end
  local hosts = variant.dual_stack and service.fips_dual_stack_hosts or not variant.dual_stack
    and service.fips_hosts or {}
  return hosts[region] or hosts[variant.partition.name] or service.host .. "-fips"
end

-- AWS's own URL.
local function default_url(service, region, variant)
  local partition = variant.partition
  local suffix = variant.dual_stack and partition.dual_stack_suffix or partition.suffix

  return ("https://%s.%s.%s"):format(host_of(service, region, variant), region, suffix)
end

-- resolve(service, configuration, region) → URL | nil, message, code
function endpoint.resolve(service, configuration, region)
  local url, message, code = endpoint.configured(service, configuration)
  if message then return nil, message, code end
  local variant
  variant, message, code = endpoint.variant(service, configuration, region, url)
  if not variant then return nil, message, code end

  return url or default_url(service, region, variant)
end

return endpoint
