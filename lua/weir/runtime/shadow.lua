-- A second policy set that decides beside the first, to see what it would do before it is in force.
-- WEIR_SHADOW_SOURCE names it, in the forms of WEIR_POLICY_SOURCE; its parameters are those of
-- WEIR_SHADOW_PARAMS, or else of WEIR_PARAMS. It is loaded, refreshed and asked only after the
-- answer of an invocation was posted and its log written: whatever becomes of it, no answer waits
-- for it or changes.
--
--   shadow.new{ log =, metrics =, kind = }
--       → shadow | nil (the settings are wrong; the log says how)
--   shadow:note(line)      a decision was made: its line of the decision log
--   shadow:run(stop_at_ms, set, request_id)   asks about what was noted; set: the one in force
--
-- A decision that differs is logged as its own line again, with the schema "weir.shadow/1" and the
-- member `shadow`:
--
--   {"active":digest,"digest":digest,"decision":{…},"because":…,"file":…,"line":…,"params":{…}}
--   {"active":digest,"digest":digest,"code":"BudgetSpent","message":…}
--
-- active and digest are of the two sets. Decisions that agree are counted only, in a line of
-- metrics with the schema "weir.shadow-counts/1"; `weir shadow` reads both.
--
-- Bounds: WEIR_SHADOW_MS milliseconds of deciding after each invocation (100), never beyond the
-- time at which its handler had to stop; each decision the budget of every policy; so many
-- decisions and bytes noted. What does not fit is counted as skipped.
local json = require "weir.json"
local policy_source = require "weir.runtime.policy_source"
local process = require "weir.process"
local redact = require "weir.redact"

local DEFAULT_MS, MOST_MS = 100, 60000
local MOST_NOTED, MOST_BYTES = 1000, 4 * 1024 * 1024
-- What one fetch of a version may take, and what is left of the time for loading one.
local FETCH_MS, LOAD_MS = 2000, 500

local COUNTS = {
  { "agreed", "ShadowAgreed" },
  { "reworded", "ShadowReworded" },
  { "differed", "ShadowDiffered" },
  { "failed", "ShadowFailed" },
  { "skipped", "ShadowSkipped" },
}

local CHANGE_METRIC = {
  swapped = "ShadowSwapped",
  refused = "ShadowRefused",
  failed = "ShadowFetchFailed",
}

local Shadow = {}
Shadow.__index = Shadow

-- Opening -------------------------------------------------------------------------------------

local function milliseconds()
  local text = os.getenv("WEIR_SHADOW_MS")
  if not text or text == "" then return DEFAULT_MS end

  local ms = text:find("^%d+$") and math.tointeger(tonumber(text))
  if ms and ms >= 1 and ms <= MOST_MS then return ms end
  return nil, ("WEIR_SHADOW_MS is '%s', which is not a whole number from 1 to %d"):format(text,
    MOST_MS)
end

local function open(kind)
  local budget_ms, message = milliseconds()
  if not budget_ms then return nil, message end

  local source
  source, message = policy_source.open {
    kind = kind,
    variable = "WEIR_SHADOW_SOURCE",
    params = { "WEIR_SHADOW_PARAMS", "WEIR_PARAMS" },
    alone = true,
  }
  return source, message, budget_ms
end

local function new(given)
  local source, message, budget_ms = open(given.kind)
  if not source then
    given.log:write("ERROR", "there is no shadow: " .. message, { errorType = "InvalidSetting" })
    return nil
  end

  return setmetatable({
    log = given.log,
    metrics = given.metrics,
    source = source,
    budget_ms = budget_ms,
    noted = {},
    bytes = 0,
    left_out = 0,
  }, Shadow)
end

function Shadow:note(line)
  if #self.noted == MOST_NOTED or self.bytes + #line > MOST_BYTES then
    self.left_out = self.left_out + 1
    return
  end

  self.noted[#self.noted + 1] = line
  self.bytes = self.bytes + #line
end

-- The set -------------------------------------------------------------------------------------

local function count_change(self, change)
  local name = CHANGE_METRIC[change]
  if not name then return end
  self.metrics:add({ { name = name, value = 1, unit = "Count", dimensions = {} } }, "{}")
end

-- The same trouble is told once.
local function tell(self, event)
  if event.message and self.told == event.message then return end
  self.told = event.message
  count_change(self, event.change)
  local digest = self.source.set and self.source.set:digest()
  if event.change == "refused" or event.change == "failed" then
    self.log:write("WARN", "the shadow set is not taken: " .. event.message,
      { errorType = event.code, shadow_digest = digest, version = event.version })
  elseif event.change ~= "loaded" or not event.warnings then
    self.log:write("INFO", "the shadow set is in force", { shadow_digest = digest })
  else
    self.log:write("WARN", "the shadow set has warnings: " .. event.warnings,
      { shadow_digest = digest })
  end
end

local function load(self, deadline_ms)
  local source = self.source
  if source.checked_ms and not source:is_due() then return end
  if source.remote then source.remote:forget() end

  local loaded, event, code = source:load(deadline_ms)
  if loaded then
    tell(self, event or { change = "loaded" })
  else
    local refused = code == "PolicySetRefused" or code == "NoPolicy"
    tell(self, { change = refused and "refused" or "failed", message = event, code = code })
  end
end

local function ready(self, stop_at_ms)
  local source = self.source
  if stop_at_ms - process.time() < LOAD_MS then return source.set end

  if not source.set then
    load(self, math.min(process.time() + FETCH_MS, stop_at_ms))
  elseif source:is_due() then
    local event = source:check(stop_at_ms)
    if event then tell(self, event) end
  end

  return source.set
end

-- Comparing -----------------------------------------------------------------------------------

-- The line again, as a record of both decisions.
local function record(line, shadow)
  local members = line:match('^{"schema":"weir%.decision/1"(.*)}$')
  return ('{"schema":"weir.shadow/1"%s,"shadow":%s}'):format(members, json.encode(shadow))
end

local function failed(message, code) return { code = code, message = redact.text(message) } end

local function decided(decision)
  return {
    decision = json.decode(decision.decision),
    because = decision.because,
    file = decision.file,
    line = decision.line,
    params = json.decode(decision.params),
  }
end

-- → what the count is called, and what to record of it
local function compare(set, line)
  local was = json.decode(line)
  local decision, message, code = set:decide(was.kind, json.encode(was.facts))
  if code == "OutOfMemory" then return "skipped" end -- that says nothing about the policies
  if not decision then return "failed", failed(message, code) end

  local is = decided(decision)
  if json.encode(is.decision) ~= json.encode(was.decision) then return "differed", is end
  return is.because == was.because and "agreed" or "reworded"
end

-- The first decision is always tried: its own budget bounds it.
local function compare_all(self, set, digests, stop_at_ms)
  local counts = { agreed = 0, reworded = 0, differed = 0, failed = 0, skipped = self.left_out }
  local until_ms = math.min(process.time() + self.budget_ms, stop_at_ms)
  for i, line in ipairs(self.noted) do
    if not set or (i > 1 and process.time() >= until_ms) then
      counts.skipped = counts.skipped + #self.noted - i + 1
      break
    end

    local word, shadow = compare(set, line)
    counts[word] = counts[word] + 1
    if shadow then
      shadow.active, shadow.digest = digests.active, digests.shadow
      self.log:lines(record(line, shadow), "\n")
    end
  end

  return counts
end

local function measure(self, counts, digests, request_id, begin_us)
  local list = {
    { name = "ShadowDuration", value = (process.time_us() - begin_us) / 1000,
      unit = "Milliseconds", dimensions = {} },
  }
  for _, pair in ipairs(COUNTS) do
    local word, name = pair[1], pair[2]
    list[#list + 1] = { name = name, value = counts[word], unit = "Count", dimensions = {} }
  end

  self.metrics:add(list, json.encode {
    schema = "weir.shadow-counts/1",
    id = process.new_id(),
    request_id = request_id,
    policy_digest = digests.active,
    shadow_digest = digests.shadow,
  })
end

local function run(self, stop_at_ms, active, request_id)
  local begin_us = process.time_us()
  local set = process.time() < stop_at_ms and ready(self, stop_at_ms) or nil
  if #self.noted + self.left_out == 0 then return end

  local digests = { active = active and active:digest(), shadow = set and set:digest() }
  local counts = compare_all(self, set, digests, stop_at_ms)
  measure(self, counts, digests, request_id, begin_us)
end

-- run(stop_at_ms, active, request_id): stop_at_ms: epoch, or nil; active: the set in force
function Shadow:run(stop_at_ms, active, request_id)
  local ok, why = pcall(run, self, stop_at_ms or math.maxinteger, active, request_id)
  if not ok then self.log:write("ERROR", "the shadow failed: " .. tostring(why)) end
  self.noted, self.bytes, self.left_out = {}, 0, 0
  self.metrics:flush()
end

return { new = new }
