-- Where a function's policies come from, and how a new version takes the place of the old one while
-- the function runs. WEIR_POLICY_SOURCE is
--
--   (unset)                                     the function's own policies/, else the layer's
--   /some/directory                             a policy directory
--   s3://bucket/key                             a bundle: bucket, access point alias or ARN
--   appconfig:application/environment/profile   a bundle as an AppConfig configuration
--
-- A version becomes active only when it verifies, as a whole, between two invocations, when `weir
-- check` would find no error in it, and when it has a policy of the kind that the handler asks. One
-- that does not, or that cannot be fetched, leaves the last good one active. At the start there is
-- no last good one yet: the bundle of a remote source then gives way to the directory that the
-- unset source means.
--
-- What a source knows of itself is kept apart, each with its time:
--   set, version, loaded_ms   the set in force, and since when
--   fetched_ms                the last fetch that worked (or the last look at a directory)
--   current_ms                when the set in force was last known to be the newest
--   failure   { message =, code =, time_ms = }             of the last fetch; nil when it worked
--   refusal   { message =, code =, version =, time_ms = }  of the newest version; nil: it verified
--
-- Every poller has a source of its own. Checks come at most every WEIR_POLICY_POLL_SECONDS (60; 0
-- for each invocation), before the first invocation that is due: so no decision is older than that,
-- however long the environment was frozen.
local json = require "weir.json"
local policy_directory = require "weir.policy_directory"
local policy_fetch = require "weir.runtime.policy_fetch"
local policy_findings = require "weir.runtime.policy_findings"
local policy_set = require "weir.policy_set"
local process = require "weir.process"

local policy_source = {}

local DEFAULT_POLL_SECONDS, LONGEST_POLL_SECONDS = 60, 1000000000
-- A check must not eat the invocation it comes before.
local FETCH_TIMEOUT_MS, LONGEST_SHARE = 2000, 4

-- Opening -------------------------------------------------------------------------------------

local Source = {}
Source.__index = Source

local function parameters(getenv, variables)
  local variable, text
  for _, name in ipairs(variables) do
    variable, text = name, getenv(name)
    if text and text ~= "" then break end
  end

  if not text or text == "" then return nil end

  local params, message = json.decode(text)
  if type(params) == "table" and not json.is_array(params) then return params end
  return nil, variable .. " is not a JSON object" .. (message and ": " .. message or ""),
    "InvalidSetting"
end

local function poll_interval_ms(getenv)
  local text = getenv("WEIR_POLICY_POLL_SECONDS")
  if not text or text == "" then return DEFAULT_POLL_SECONDS * 1000 end

  local seconds = text:find("^%d+%.?%d*$") and tonumber(text)
  if seconds then return math.floor(math.min(seconds, LONGEST_POLL_SECONDS) * 1000) end
  return nil, ("WEIR_POLICY_POLL_SECONDS is '%s', which is not a number of seconds"):format(text),
    "InvalidSetting"
end

local function client_config(given)
  local config = {
    timeout_ms = FETCH_TIMEOUT_MS,
    connect_timeout_ms = FETCH_TIMEOUT_MS // 2,
    max_attempts = 2,
  }

  for key, value in pairs(given or {}) do -- any order: copies one key at a time
    config[key] = value
  end

  return config
end

-- open{kind =, getenv =, client =, now =, variable =, params =, alone =} → source | nil, message,
-- code. kind: what a set must have a policy of, or nil. client: configuration of AWS clients.
-- variable: the setting that names the source, WEIR_POLICY_SOURCE where absent. params: the
-- settings that may hold parameters; the first that is set counts. alone: no directory takes the
-- place of a remote source. Nothing is read or fetched yet. The source's `named` says whether the
-- setting names it.
function policy_source.open(given)
  local getenv = given.getenv or os.getenv
  local self = setmetatable(
    {
      getenv = getenv,
      now = given.now or process.time,
      kind = given.kind,
      variable = given.variable or "WEIR_POLICY_SOURCE",
      alone = given.alone or false,
    }, Source)

  local message, code
  self.poll_ms, message, code = poll_interval_ms(getenv)
  if not self.poll_ms then return nil, message, code end
  self.params, message, code = parameters(getenv, given.params or { "WEIR_PARAMS" })
  if message then return nil, message, code end

  local source = getenv(self.variable)
  self.named = source ~= nil and source ~= ""
  if not self.named then return self end
  if not source:find("^[%w]+:") then
    self.directory = #source > 1 and source:gsub("/+$", "") or source
    return self
  end

  self.remote, message = policy_fetch.open(source, client_config(given.client))
  if self.remote then return self end

  return nil, ("%s '%s' %s"):format(self.variable, source, message), "InvalidSetting"
end

-- The first load ------------------------------------------------------------------------------

-- The directory that the unset source means: → path | nil, message, code
local function default_directory(getenv)
  local root = getenv("LAMBDA_TASK_ROOT")
  return policy_directory.find(root and root ~= "" and root .. "/policies" or nil)
end

local function lacks_kind(self, what)
  return ("%s has no policy of kind '%s', which the handler asks"):format(what, self.kind),
    "NoPolicy"
end

local function serves(self, set)
  if not self.kind then return true end
  for _, policy in ipairs(set:policies()) do
    if policy.kind == self.kind then return true end
  end

  return false
end

-- → set, its warnings or nil | nil, message, code. what: how to call it.
local function load_set(self, path, bundle, what)
  local set, found = policy_set.load(path,
    { params = self.params, bundle = bundle, trust = true, kind = self.kind })
  if not set then return nil, policy_findings.refusal(what, found) end

  local findings = policy_findings.all(found or {}, set)
  if policy_findings.summary(findings, "error") then
    return nil, policy_findings.refusal(what, findings)
  end

  if not serves(self, set) then return nil, lacks_kind(self, what) end

  return set, policy_findings.summary(findings, "warning")
end

local function load_directory(self, directory)
  return load_set(self, directory, nil, "the policy set " .. directory)
end

local function put_in_force(self, set, version, now)
  self.set, self.version = set, version
  self.loaded_ms, self.current_ms = now, now
end

-- Whether the code says that a version was tried and is not good.
local function is_refusal(code) return code == "PolicySetRefused" or code == "NoPolicy" end

-- Notes why the newest version is not in force; → the event that tells of it.
local function note(self, change, message, code, version)
  local entry = { message = message, code = code, version = version, time_ms = self.now() }
  if change == "refused" then self.refusal = entry else self.failure = entry end
  return { change = change, message = message, code = code, version = version }
end

-- A failed try is not a refusal: the version is fetched again.
local function note_try(self, message, code, version)
  if is_refusal(code) then return note(self, "refused", message, code, version) end
  self.remote:forget()
  return note(self, "failed", message, code, version)
end

-- → set, version, warnings | nil, event
local function load_remote(self, deadline_ms)
  local text, version, code = self.remote:fetch(deadline_ms)
  if not text then
    return nil, note(self, "failed", version or "the source is empty", code or "NoPolicySet")
  end

  self.fetched_ms = self.now()

  local what = ("version %s of %s"):format(version, self.remote.name)
  local set, message
  set, message, code = load_set(self, self.remote.name, text, what)
  if set then return set, version, message end

  return nil, note_try(self, message, code, version)
end

-- The directory that the unset source means, where a remote source failed with the event.
local function load_instead(self, event)
  local directory, message, code = default_directory(self.getenv)
  local set
  if directory then set, message, code = load_directory(self, directory) end
  if not set then return nil, ("%s; and %s"):format(event.message, message), code end

  put_in_force(self, set, nil, self.now())
  event.instead, event.warnings = directory, message
  return true, event
end

-- load(deadline_ms) → true, event | nil, message, code. event, as of check, when a remote source
-- gave way to a directory, or the set has warnings.
function Source:load(deadline_ms)
  local now = self.now()
  self.checked_ms, self.known_status = now, nil
  if self.remote then
    local set, version, warnings = load_remote(self, deadline_ms)
    if not set then
      local event = version
      if event.code == "InvalidBucket" then -- a mistake, no outage
        return nil, ("%s '%s': %s"):format(self.variable, self.remote.name, event.message),
          "InvalidSetting"
      end

      if self.alone then return nil, event.message, event.code end
      return load_instead(self, event)
    end

    put_in_force(self, set, version, now)

    return true, warnings and { change = "loaded", version = version, warnings = warnings }
  end

  local directory = self.directory
  if not directory then
    local why, why_code
    directory, why, why_code = default_directory(self.getenv)
    if not directory then return nil, why, why_code end
  end

  local set, message, code = load_directory(self, directory)
  if not set then return nil, message, code end
  put_in_force(self, set, nil, now)
  self.fetched_ms = now

  return true, message and { change = "loaded", warnings = message }
end

-- Later versions ------------------------------------------------------------------------------

-- The set that was in force is so again, in place of one whose source has errors. bundle: its text.
local function put_back(self, bundle)
  local change = self.set:refresh(bundle, "the last good policy set")
  if change ~= "swapped" then error("the last good policy set cannot be put back", 0) end
end

-- Loads a version beside the set in force: → whether it has no error, its findings
local function try_apart(self, text)
  local set, found = policy_set.load(text and self.remote.name or self.set:directory(),
    { params = self.params, bundle = text, trust = true, kind = self.kind })
  local findings = set and policy_findings.all(found or {}, set) or found
  return set ~= nil and not policy_findings.summary(findings, "error"), findings
end

-- Refreshes the set: → how that went, as set:refresh says it, and the findings
local function try_version(self, text)
  local last = self.set:bundle()
  if not last then -- it is not UTF-8, so it could not be put back
    local ok, findings = try_apart(self, text)
    if not ok then return "refused", findings end
  end

  local change, found = self.set:refresh(text, text and self.remote.name, self.kind)
  if change ~= "swapped" then return change, found end

  local findings = policy_findings.all(found, self.set)
  if not policy_findings.summary(findings, "error") then return change, findings end
  put_back(self, last)

  return "refused", findings
end

-- Why the version that was tried is not in force: → message, code
local function explain(self, change, findings, version)
  local what = version and ("version %s of %s"):format(version, self.remote.name)
    or "the changed policy set"
  if change == "lacks kind" then return lacks_kind(self, what) end
  return policy_findings.refusal(what, findings)
end

-- Tries the version in place of the set in force; → event | nil
local function refresh(self, text, version)
  local before, now = self.set:digest(), self.now()
  local change, findings = try_version(self, text)
  if change == "same" or change == "swapped" then
    self.refusal, self.version, self.current_ms = nil, version, now
    if change == "same" then return nil end
    self.loaded_ms = now

    return {
      change = "swapped",
      from = before,
      to = self.set:digest(),
      version = version,
      warnings = policy_findings.summary(findings, "warning"),
    }
  end

  local message, code = explain(self, change, findings, version)
  if not is_refusal(code) then
    if self.remote then self.remote:forget() end
    return note(self, "failed", message, code, version)
  end

  local known = self.refusal
  if known and known.message == message then return nil end

  return note(self, "refused", message, code, version)
end

function Source:is_due()
  local interval = math.max(self.poll_ms, self.remote and self.remote.interval_ms or 0)
  local elapsed = self.now() - self.checked_ms
  return elapsed >= interval or elapsed < 0 -- the clock was set back
end

-- After a fetch. text: of the new version, or false where nothing is new.
local function take(self, text, version)
  local failure = self.failure
  self.fetched_ms, self.failure = self.now(), nil
  if text == false then
    if not self.refusal then self.current_ms = self.fetched_ms end
    return failure and { change = "recovered" } or nil
  end

  local ok, event = pcall(refresh, self, text, version)
  if ok then return event or (failure and not self.failure and { change = "recovered" }) or nil end
  if self.remote then self.remote:forget() end

  return note(self, "failed", tostring(event), "NotTried", version)
end

-- check(stop_at_ms, trace) → nil when there is nothing to tell, or what happened (trace: as
-- xray.start gives it, or nil):
--   { change = "swapped", from = digest, to = digest, version =, warnings = text or nil }
--   { change = "refused" | "failed", message =, code =, version = }   the last good one goes on
--   { change = "recovered" }   a fetch works again; a refusal stands until a version verifies
-- The same refused version is told once.
function Source:check(stop_at_ms, trace)
  local now = self.now()
  self.checked_ms, self.known_status = now, nil
  if not self.remote then return take(self) end

  self.remote.trace = trace
  local deadline_ms = now + FETCH_TIMEOUT_MS
  if stop_at_ms then
    deadline_ms = math.min(deadline_ms, now + (stop_at_ms - now) // LONGEST_SHARE)
  end

  local text, version, code = self.remote:fetch(deadline_ms)
  if text == nil then return note(self, "failed", version, code) end

  return take(self, text, version)
end

-- What is known of the policies, for logs and metrics ------------------------------------------

local function time_of(entry) return entry and process.timestamp(entry.time_ms) end

-- How many seconds ago the set in force was last known to be the newest; nil without a set.
function Source:age_s()
  return self.current_ms and math.max(self.now() - self.current_ms, 0) // 1000
end

-- status() → a table of texts. policy_problem is what keeps a newer version away: the refusal, or
-- else the failure.
function Source:status()
  local refusal, failure = self.refusal, self.failure
  local why = refusal or failure
  return {
    policy_digest = self.set and self.set:digest(),
    policy_version = self.version,
    policy_loaded_at = self.loaded_ms and process.timestamp(self.loaded_ms),
    policy_fetched_at = self.fetched_ms and process.timestamp(self.fetched_ms),
    policy_problem = why and why.code,
    policy_refused = refusal and refusal.code,
    policy_refused_version = refusal and refusal.version,
    policy_refused_at = time_of(refusal),
    policy_fetch_failed = failure and failure.code,
    policy_fetch_failed_at = time_of(failure),
  }
end

-- status_json() → the status as a JSON object. It is made once after each load and check.
function Source:status_json()
  self.known_status = self.known_status or json.encode(self:status())
  return self.known_status
end

return policy_source
