-- Credentials for clients: finds them in AWS's order, keeps them, refreshes them early, and goes
-- on to other roles from them.
--
-- A provider answers get(deadline_ms) → credentials | nil, message, code, and forgets what it
-- holds on forget(). Providers are shared: clients of one process with the same configuration ask
-- for the same role once.
local configuration = require "weir.aws.configuration"
local profiles = require "weir.aws.profiles"
local secret = require "weir.secret"
local sources = require "weir.aws.credential_sources"
local process = require "weir.process"
local sorted_pairs = require "weir.sorted_pairs"

local credentials = {}

local ADVISORY_MS, MANDATORY_MS = 15 * 60000, 10 * 60000
local PAUSE_AFTER_FAILURE_MS = 60000

-- A provider that keeps -------------------------------------------------------------------------

local Cached = {}
Cached.__index = Cached

-- cached(load, now): a provider over load(deadline_ms) → credentials | nil, message, code.
function credentials.cached(load, now)
  return setmetatable({ load = load, now = now }, Cached)
end

-- Both windows shrink for credentials that are valid for a short time: those of 15 minutes would
-- otherwise be asked for again at every call.
local function keep(self, keys)
  self.keys = keys
  if not keys.expiration then return end
  local lifetime = keys.expiration - self.now()
  self.advisory_at = keys.expiration - math.min(ADVISORY_MS, lifetime / 2)
  self.mandatory_at = keys.expiration - math.min(MANDATORY_MS, lifetime / 3)
end

function Cached:get(deadline_ms)
  local keys, now = self.keys, self.now()
  if keys and (not keys.expiration or now < self.advisory_at) then return keys end
  local still_good = keys and now < self.mandatory_at
  if still_good and self.pause_until and now < self.pause_until then return keys end
  local fresh, message, code = self.load(deadline_ms)
  if fresh and fresh.expiration and fresh.expiration <= now then
    fresh, message = nil, "the credentials just received have already expired"
    code = "ExpiredCredentials"
  end

  if fresh then
    keep(self, fresh)
    return fresh
  end

  if not still_good then return nil, message, code end
  self.pause_until = now + PAUSE_AFTER_FAILURE_MS

  return keys
end

function Cached:forget()
  self.keys, self.pause_until = nil, nil
end

-- Plans to providers ----------------------------------------------------------------------------

local shared = {} -- key → provider

-- For tests: as in a process that has just started.
function credentials.reset()
  shared = {}
end

local function key_of(...)
  local parts = {}
  for i = 1, select("#", ...) do
    local part = tostring((select(i, ...)))
    parts[i] = #part .. ":" .. part
  end

  return table.concat(parts)
end

local function share(key, load, context)
  shared[key] = shared[key] or credentials.cached(load, context.now)
  return shared[key]
end

local function provider_for(plan, context)
  if plan.kind ~= "role" then
    local key = key_of(context.id, plan.kind, plan.profile, plan.token_file, plan.role_arn,
      plan.region)
    return share(key, function(deadline_ms)
      return sources[plan.kind](plan, context, deadline_ms)
    end, context)
  end

  local source = plan.source.get and plan.source or provider_for(plan.source, context)
  local step = {
    source = source,
    arn = plan.arn,
    external_id = plan.external_id,
    region = plan.region,
    session_name = plan.session_name,
    duration_seconds = plan.duration_seconds,
  }

  local key = key_of(context.id, "role", source, plan.arn, plan.external_id, plan.session_name,
    plan.duration_seconds, plan.region)
  return share(key, function(deadline_ms)
    return sources.role(step, context, deadline_ms)
  end, context)
end

-- The order -------------------------------------------------------------------------------------

local NOTHING_FOUND = "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
  .. "AWS_PROFILE for a profile of ~/.aws/config (the EC2 metadata service is not asked)"

local function env_web_identity(getenv)
  local file, arn = getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), getenv("AWS_ROLE_ARN")
  if not file or not arn then return nil end
  return { kind = "web_identity", token_file = file, role_arn = arn, profile = "(environment)" }
end

-- What the profile in use leads to; a profile with a role comes before a web identity of the
-- environment. → plan | nil | nil, message, code[, only_a_login]
local function profile_plan(config, context, files, name)
  local identity = not config.profile and env_web_identity(context.getenv)
  local profile = files.profiles[name]
  if identity and not (profile and profiles.value(profile, "role_arn")) then return identity end

  return profiles.plan(files, name)
end

-- The plan for a whole configuration | nil, message, code.
local function find_plan(config, context)
  if not config.profile and sources.has_environment(context) then
    return { kind = "environment", profile = "" }
  end

  local files, message, code = context.configuration:files()
  if not files then return nil, message, code end

  local name, asked = context.configuration:profile_name()
  local plan, only_a_login
  plan, message, code, only_a_login = profile_plan(config, context, files, name)
  if plan or message and not only_a_login then return plan, message, code end
  if asked and not files.profiles[name] then return profiles.find(files, name) end

  if not config.profile and sources.has_container(context) then
    return { kind = "container", profile = "" }
  end

  if message then return nil, message, code end

  return nil, NOTHING_FOUND .. (files.problem and "; " .. files.problem or ""), "NoCredentials"
end

-- The plan is made at the first use: a client may be made before its environment is complete.
local Planned = {}
Planned.__index = Planned

function Planned:get(deadline_ms)
  if not self.provider then
    local plan, message, code = find_plan(self.config, self.context)
    if not plan then return nil, message, code end
    self.provider = provider_for(plan, self.context)
  end

  return self.provider:get(deadline_ms)
end

function Planned:forget()
  if self.provider then self.provider:forget() end
end

-- Public ----------------------------------------------------------------------------------------

local SIGNATURE = "credentials={access_key_id=, secret_access_key=, session_token=?} or a provider"

local STATIC_KEYS = { access_key_id = true, secret_access_key = true, session_token = true }

local function is_text(value) return type(value) == "string" or secret.is(value) end

local function static(keys)
  for key in sorted_pairs(keys) do
    if not STATIC_KEYS[key] then
      error(("unknown key '%s'; expected %s"):format(tostring(key), SIGNATURE), 4)
    end
  end

  if type(keys.access_key_id) ~= "string" or not is_text(keys.secret_access_key)
    or keys.session_token ~= nil and not is_text(keys.session_token) then
    error("expected " .. SIGNATURE, 4)
  end

  local fixed = {
    access_key_id = keys.access_key_id,
    secret_access_key = secret.wrap(keys.secret_access_key),
    session_token = keys.session_token and secret.wrap(keys.session_token) or nil,
  }

  return { get = function() return fixed end, forget = function() end }
end

local function new_context(config)
  local getenv = config.getenv
  local settings = configuration.new(config)
  local context = {
    id = getenv or "process",
    now = process.time,
    configuration = settings,
    getenv = settings.getenv,
    getsecret = secret.environment,
  }

  if getenv then
    context.getsecret = function(name)
      local value = getenv(name)
      return value and value ~= "" and secret.wrap(value) or nil
    end
  end

  -- Loaded late: the STS client is itself a client with credentials.
  function context.sts(source, region)
    return require("weir.aws.sts").new {
      credentials = source or { access_key_id = "", secret_access_key = "" },
      region = region or config.region,
      profile = config.profile,
      getenv = config.getenv,
    }
  end

  return context
end

local ROLE_SIGNATURE =
  "role={arn=, external_id=?, session_name=?, duration_seconds=?, region=?}, or "
  .. "a list of them"
local ROLE_KEYS = {
  arn = "string",
  external_id = "string",
  session_name = "string",
  duration_seconds = "number",
  region = "string",
}

-- roles(given) → the list of roles to take one after another; raises for anything else.
function credentials.roles(given)
  if given == nil then return {} end
  if type(given) ~= "table" then error("expected " .. ROLE_SIGNATURE, 0) end
  local roles = #given == 0 and { given } or given
  for _, role in ipairs(roles) do
    if type(role) ~= "table" then error("expected " .. ROLE_SIGNATURE, 0) end
    for key, value in sorted_pairs(role) do
      if type(value) ~= ROLE_KEYS[key] then
        local what = ROLE_KEYS[key] and "bad type of" or "unknown key"
        error(("%s '%s' in a role; expected %s"):format(what, tostring(key), ROLE_SIGNATURE), 0)
      end
    end

    if not role.arn then error("a role has no arn; expected " .. ROLE_SIGNATURE, 0) end
  end

  return roles
end

-- provider(config) for a client's configuration: { credentials =, profile =, role =, region = }.
-- `role` is one role or a list of them, each assumed with the credentials of the one before.
function credentials.provider(config)
  local context = new_context(config)
  local given = config.credentials
  local provider

  if given ~= nil then
    if type(given) ~= "table" then error("expected " .. SIGNATURE, 3) end
    provider = given.get and given or static(given)
  else
    local key = key_of(context.id, "chain", config.profile, config.region)
    shared[key] = shared[key] or setmetatable({ config = config, context = context }, Planned)
    provider = shared[key]
  end

  for _, role in ipairs(credentials.roles(config.role)) do
    provider = provider_for({
      kind = "role",
      source = provider,
      arn = role.arn,
      external_id = role.external_id,
      session_name = role.session_name,
      duration_seconds = role.duration_seconds,
      region = role.region,
    }, context)
  end

  return provider
end

return credentials
