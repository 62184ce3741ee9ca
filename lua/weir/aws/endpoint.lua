-- Where a service is: AWS's own hosts, or elsewhere by configuration, as in AWS's own SDKs:
-- the client's `endpoint`, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, then the default.
local endpoint = {}

function endpoint.suffix(region)
  return region:find("^cn%-") and "amazonaws.com.cn" or "amazonaws.com"
end

-- A region ends up in host names, so it is held to their letters.
function endpoint.check_region(region)
  return type(region) == "string" and #region <= 32 and region:find("^%l[%l%d]*%-[%l%d-]*[%l%d]$") ~= nil
end

local function check_url(url, origin)
  if url:find("^https?://[%w%.%-%[%]:]+[%w%-%._~/]*$") then return (url:gsub("/+$", "")) end
  return nil, ("%s is not a URL of the form https://host[:port][/path]"):format(origin), "InvalidEndpoint"
end

-- configured(service, config, getenv) → URL without a trailing slash | nil | nil, message, code
function endpoint.configured(service, config, getenv)
  if config.endpoint then return check_url(config.endpoint, "endpoint") end
  if getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == "true" then return nil end
  for _, variable in ipairs { "AWS_ENDPOINT_URL_" .. service.id, "AWS_ENDPOINT_URL" } do
    local url = getenv(variable)
    if url and url ~= "" then return check_url(url, variable) end
  end
end

function endpoint.default(service, region)
  return ("https://%s.%s.%s"):format(service.host, region, endpoint.suffix(region))
end

-- resolve(service, region, config, getenv) → URL | nil, message, code
function endpoint.resolve(service, region, config, getenv)
  local url, message, code = endpoint.configured(service, config, getenv)
  if url or message then return url, message, code end
  return endpoint.default(service, region)
end

return endpoint
