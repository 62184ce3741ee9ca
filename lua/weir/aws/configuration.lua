-- What the environment and the profile in use say to a client, in the order of AWS's own SDKs: the
-- client's own configuration, then a variable, then the profile. An empty variable counts as unset.
--
-- A profile that was asked for and is not there, or that cannot be read, is an error wherever a
-- setting is looked up: it might have named another endpoint than AWS's.
local profiles = require "weir.aws.profiles"

local Configuration = {}
Configuration.__index = Configuration

local configuration = {}

-- non_empty(getenv) → the same, but nil for an empty variable.
local function non_empty(getenv)
  return function(name)
    local value = getenv(name)
    return value ~= "" and value or nil
  end
end

-- new{profile =, region =, getenv =, …}: a client's configuration; see weir.aws.client.
function configuration.new(config)
  return setmetatable({
    config = config,
    getenv = non_empty(config.getenv or os.getenv),
  }, Configuration)
end

-- The name of the profile in use, and whether somebody asked for it. The AWS CLI reads the second
-- variable as well.
function Configuration:profile_name()
  local name = self.config.profile or self.getenv("AWS_PROFILE")
    or self.getenv("AWS_DEFAULT_PROFILE")
  return name or "default", name ~= nil
end

-- files() → what the shared files hold (weir.aws.profiles) | nil, message, code; read once.
function Configuration:files()
  if not self.loaded then
    local message, code
    self.loaded, message, code = profiles.load(self.getenv)
    if not self.loaded then return nil, message, code end
  end

  return self.loaded
end

-- profile() → the profile in use; an empty one when there is none and none was asked for
--   | nil, message, code
function Configuration:profile()
  local files, message, code = self:files()
  if not files then return nil, message, code end
  local name, asked = self:profile_name()
  if not asked and not files.profiles[name] then return profiles.EMPTY end

  return profiles.find(files, name)
end

-- value("AWS_REGION", "region") → text | nil | nil, message, code. Either name may be nil.
function Configuration:value(variable, key)
  local value = variable and self.getenv(variable)
  if value or not key then return value end
  local profile, message, code = self:profile()
  if not profile then return nil, message, code end

  return profiles.value(profile, key)
end

-- flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint") → boolean | nil, message, code. Unset is
-- false.
function Configuration:flag(variable, key)
  local text, message, code = self:value(variable, key)
  if message then return nil, message, code end
  if not text then return false end
  local lower = text:lower()
  if lower == "true" or lower == "false" then return lower == "true" end

  return nil, ("%s (%s in a profile) must be true or false"):format(variable, key),
    "InvalidConfiguration"
end

-- region() → text | nil | nil, message, code. The Python handlers that weir's replace read REGION.
function Configuration:region()
  for _, variable in ipairs { "AWS_REGION", "AWS_DEFAULT_REGION", "REGION" } do
    local region = self.config.region or self.getenv(variable)
    if region then return region end
  end

  return self:value(nil, "region")
end

return configuration
