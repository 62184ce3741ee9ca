-- Where a function's policies come from, and how a new version takes the place of the old one while the
-- function runs. WEIR_POLICY_SOURCE is
--
--   (unset)                                     the function's own policies/, else the layer's
--   /some/directory                             a policy directory
--   s3://bucket/key                             a bundle (weir bundle); bucket, access point alias or ARN
--   appconfig:application/environment/profile   a bundle as an AppConfig configuration
--
-- A version becomes active only when it verifies, as a whole, between two invocations, and has a policy
-- of the kind that the handler asks. One that does not, or that cannot be fetched, leaves the last good
-- one active. At the start, where there is no last good one yet, the bundle of a remote source gives way
-- to the directory that the unset source means.
--
-- Every poller has a source of its own. Checks come at most every WEIR_POLICY_POLL_SECONDS (60; 0 for
-- each invocation), before the first invocation that is due: so no decision is older than that, however
-- long the environment was frozen.
local json = require "weir.json"
local policy_directory = require "weir.policy_directory"
local policy_set = require "weir.policy_set"
local process = require "weir.process"

local policy_source = {}

local DEFAULT_POLL_SECONDS, LONGEST_POLL_SECONDS = 60, 1000000000
-- A check must not eat the invocation it comes before.
local FETCH_TIMEOUT_MS, LONGEST_SHARE = 2000, 4

-- The directory that the unset source means: → path | nil, message, code
local function default_directory(getenv)
  local root = getenv("LAMBDA_TASK_ROOT")
  return policy_directory.find(root and root ~= "" and root .. "/policies" or nil)
end

-- One line for all that is wrong with a set.
local function describe(findings)
  local parts = {}
  for i, finding in ipairs(findings) do
    if finding.severity == "error" and #parts < 5 then
      local place = finding.line and finding.line > 0 and ("%s:%d"):format(finding.file, finding.line) or finding.file
      parts[#parts + 1] = ("%s: %s[%s] %s"):format(place, finding.severity, finding.code, finding.message)
    elseif i == #findings and #parts == 5 then
      parts[#parts + 1] = "… and more; run weir check"
    end
  end
  return table.concat(parts, "; ")
end

-- A call to AWS, in the trace of the invocation that it comes before, if that is sampled.
local function call(self, service, operation, perform)
  if not self.trace then return perform() end
  return self.trace:call({ service = service, operation = operation, input = {} }, perform)
end

-- Fetchers: a remote source as { name =, trace =, fetch = function(self, deadline_ms) } where fetch answers
--   text, version   something new
--   false           nothing new
--   nil, message, code

local S3 = {}
S3.__index = S3

function S3:fetch(deadline_ms)
  local output, message, code = call(self, "s3", "GetObject", function()
    return self.client:get_object({ Bucket = self.bucket, Key = self.key, IfNoneMatch = self.etag },
      { deadline_ms = deadline_ms })
  end)
  if not output then return nil, message, code end
  if output.status == 304 then return false end
  self.etag = output.ETag
  return output.Body, output.ETag
end

local function open_s3(source, config)
  local bucket, key = source:match("^s3://(arn:[^/]*:accesspoint/[^/]+)/(.+)$")
  if not bucket then bucket, key = source:match("^s3://([^/]+)/(.+)$") end
  if not bucket then return nil, "is not of the form s3://bucket/key" end
  return setmetatable({ name = source, bucket = bucket, key = key,
    client = require("weir.aws").client("s3", config) }, S3)
end

local AppConfig = {}
AppConfig.__index = AppConfig

function AppConfig:start_session(options)
  local session, message, code = call(self, "appconfigdata", "StartConfigurationSession", function()
    return self.client:start_configuration_session({ ApplicationIdentifier = self.application,
      EnvironmentIdentifier = self.environment, ConfigurationProfileIdentifier = self.profile }, options)
  end)
  if not session then return nil, message, code end
  return session.InitialConfigurationToken
end

-- A token is good for one answer: after a failure it is tried again. One that a lost answer used up, or
-- that is older than a day, is refused, and a new session begins, which gives the whole configuration.
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

local function open_appconfig(source, config)
  local application, environment, profile = source:match("^appconfig:([^/]+)/([^/]+)/([^/]+)$")
  if not application then return nil, "is not of the form appconfig:application/environment/profile" end
  return setmetatable({ name = source, application = application, environment = environment, profile = profile,
    client = require("weir.aws").client("appconfigdata", config) }, AppConfig)
end

-- The source ----------------------------------------------------------------------------------

local Source = {}
Source.__index = Source

local function parameters(getenv)
  local text = getenv("WEIR_PARAMS")
  if not text or text == "" then return nil end
  local params, message = json.decode(text)
  if type(params) ~= "table" or json.is_array(params) then
    return nil, "WEIR_PARAMS is not a JSON object" .. (message and ": " .. message or ""), "InvalidSetting"
  end
  return params
end

local function poll_interval_ms(getenv)
  local text = getenv("WEIR_POLICY_POLL_SECONDS")
  if not text or text == "" then return DEFAULT_POLL_SECONDS * 1000 end
  local seconds = text:find("^%d+%.?%d*$") and tonumber(text)
  if not seconds then
    return nil, ("WEIR_POLICY_POLL_SECONDS is '%s', which is no number of seconds"):format(text), "InvalidSetting"
  end
  return math.floor(math.min(seconds, LONGEST_POLL_SECONDS) * 1000)
end

-- open{kind =, getenv =, client =, now =} → source | nil, message, code. kind: what a set must have a
-- policy of, or nil. client: configuration of AWS clients. Nothing is read or fetched yet. The source's
-- `named` says whether WEIR_POLICY_SOURCE names it.
function policy_source.open(given)
  local getenv = given.getenv or os.getenv
  local self = setmetatable({ getenv = getenv, now = given.now or process.time, kind = given.kind }, Source)
  local message, code
  self.poll_ms, message, code = poll_interval_ms(getenv)
  if not self.poll_ms then return nil, message, code end
  self.params, message, code = parameters(getenv)
  if message then return nil, message, code end
  local source = getenv("WEIR_POLICY_SOURCE")
  self.named = source ~= nil and source ~= ""
  if not self.named then return self end
  local config = { timeout_ms = FETCH_TIMEOUT_MS, connect_timeout_ms = FETCH_TIMEOUT_MS // 2, max_attempts = 2 }
  for key, value in pairs(given.client or {}) do config[key] = value end
  if source:find("^s3:") then self.remote, message = open_s3(source, config)
  elseif source:find("^appconfig:") then self.remote, message = open_appconfig(source, config)
  elseif source:find("^[%w]+:") then message = "is of no known form: a directory, s3://… or appconfig:…"
  else self.directory = #source > 1 and source:gsub("/+$", "") or source end
  if message then return nil, ("WEIR_POLICY_SOURCE '%s' %s"):format(source, message), "InvalidSetting" end
  return self
end

local function lacks_kind(self, what)
  return ("%s has no policy of kind '%s', which the handler asks"):format(what, self.kind), "NoPolicy"
end

-- The set if it serves the handler; what: how to call it.
local function check_kind(self, set, what)
  if not self.kind then return set end
  for _, policy in ipairs(set:policies()) do
    if policy.kind == self.kind then return set end
  end
  return nil, lacks_kind(self, what)
end

function Source:load_directory(directory)
  local set, findings = policy_set.load(directory, { params = self.params })
  if set then return check_kind(self, set, "the policy set " .. directory) end
  return nil, ("the policy set %s does not load: %s"):format(directory, describe(findings)), "PolicySetRefused"
end

local function load_bundle(self, text, version)
  local set, findings = policy_set.load(self.remote.name, { params = self.params, bundle = text })
  if set then return check_kind(self, set, ("version %s of %s"):format(version, self.remote.name)) end
  return nil, ("version %s of %s is refused: %s"):format(version, self.remote.name, describe(findings)),
    "PolicySetRefused"
end

local function load_remote(self, deadline_ms)
  local text, version, code = self.remote:fetch(deadline_ms)
  if not text then return nil, version or "the source is empty", code or "NoPolicySet" end
  local set, message
  set, message, code = load_bundle(self, text, version)
  if set then self.version = version end
  return set, message, code
end

-- The directory that the unset source means, as the last good version of a remote source that failed.
local function load_instead(self, why, why_code)
  local directory, message, code = default_directory(self.getenv)
  if not directory then return nil, message, code end
  local set
  set, message, code = self:load_directory(directory)
  if not set then return nil, message, code end
  local refused = why_code == "PolicySetRefused" or why_code == "NoPolicy"
  return set, { change = refused and "refused" or "failed", message = why, code = why_code, instead = directory }
end

-- load(deadline_ms) → true, event | nil, message, code. event, as of check, when a remote source gave way
-- to a directory.
function Source:load(deadline_ms)
  self.checked_ms = self.now()
  local set, message, code
  if self.remote then
    set, message, code = load_remote(self, deadline_ms)
    if code == "InvalidBucket" then -- a mistake, no outage
      return nil, ("WEIR_POLICY_SOURCE '%s': %s"):format(self.remote.name, message), "InvalidSetting"
    end
    if not set then
      local event
      set, event, code = load_instead(self, message, code)
      if not set then return nil, ("%s; and %s"):format(message, event), code end
      self.set, self.problem = set, event
      return true, event
    end
  else
    local directory = self.directory
    if not directory then
      directory, message, code = default_directory(self.getenv)
      if not directory then return nil, message, code end
    end
    set, message, code = self:load_directory(directory)
    if not set then return nil, message, code end
  end
  self.set = set
  return true
end

local function refresh(self, text, version)
  local before = self.set:digest()
  local change, findings = self.set:refresh(text, text and self.remote.name, self.kind)
  if change == "same" then
    self.problem = nil
    self.version = version
    return nil
  elseif change == "swapped" then
    self.problem = nil
    self.version = version
    return { change = "swapped", from = before, to = self.set:digest(), version = version }
  end
  local what = version and ("version %s of %s"):format(version, self.remote.name) or "the changed policy set"
  local event = { change = "refused", version = version }
  if change == "lacks kind" then event.message, event.code = lacks_kind(self, what)
  else event.message, event.code = ("%s is refused: %s"):format(what, describe(findings)), "PolicySetRefused" end
  local known = self.problem and self.problem.message == event.message
  self.problem = event
  return not known and event or nil
end

function Source:is_due()
  local interval = math.max(self.poll_ms, self.remote and self.remote.interval_ms or 0)
  local elapsed = self.now() - self.checked_ms
  return elapsed >= interval or elapsed < 0 -- the clock was set back
end

-- check(stop_at_ms, trace) → nil when there is nothing to tell, or what happened (trace: as xray.start gives
-- it, or nil):
--   { change = "swapped", from = digest, to = digest, version = }
--   { change = "refused" | "failed", message =, code =, version = }   the last good one goes on
-- The same refused version is told once; `problem` says at any time what keeps a newer one away.
function Source:check(stop_at_ms, trace)
  local now = self.now()
  self.checked_ms = now
  if not self.remote then return refresh(self) end
  self.remote.trace = trace
  local deadline_ms = now + FETCH_TIMEOUT_MS
  if stop_at_ms then deadline_ms = math.min(deadline_ms, now + (stop_at_ms - now) // LONGEST_SHARE) end
  local text, version, code = self.remote:fetch(deadline_ms)
  if text then return refresh(self, text, version) end
  if text == false then
    if self.problem and self.problem.change == "failed" then self.problem = nil end
    return nil
  end
  self.problem = { change = "failed", message = version, code = code }
  return self.problem
end

return policy_source
