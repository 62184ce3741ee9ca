-- The evidence of a whole trial: windows of measurements go in, facts for kind `promotion` come
-- out. `weir simulate` folds its windows with the same C code (host/core/stats/trial.h).
--
--   trial.new{champion=, challenger=, alpha=?, warm_up_seconds=?} → trial   (0.05, 600)
--   trial.load(text) → trial | nil, message, "InvalidTrial"
--   trial:save() → text      versioned JSON, some kilobytes; bit for bit the same trial again
--
--   trial:add(window) → "counted" | "warming" | "repeated"
--     window = { from=, to=, variants = { [name] = {
--       share =      its intended share of the traffic, 0…1
--       requests =   sent, errors among them;   errors = those that failed
--       buckets =    {[i] = count} of the latencies of successes (weir.stats.sketch, 1 %); optional
--       instances =  how many serve it; optional
--       p50=, p90=, p99=   milliseconds, to be shown and for guards; optional
--     } } }
--     from and to are epoch seconds, half open, in ascending order. A window that does not begin
--     at or after the end of the last one is "repeated": it counts once. The first window, and one
--     whose shares or instances differ from the window's before, begin a warm-up: windows that
--     begin less than warm_up_seconds later are "warming", and are not evidence.
--     Champion and challenger must both be there. What is not known is left out by not adding the
--     window: no data is not zero.
--
--   trial:facts{now=, variants={{name=, stage=?, weight=?, approval=?}, …}, order=?, history=?,
--               endpoint=?} → facts
--   trial:decided(decision)     tells the trial what was decided on its facts, so that good looks
--                               in a row are counted
--
-- Errors: a caller's mistake raises.
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"
local stats = require "weir.stats"

local trial = {}
trial.__index = trial

local VERSION = 1
local NEW = "weir.inference.trial.new{champion=text, challenger=text, alpha=number?, "
  .. "warm_up_seconds=number?}"

local function expect(ok, what, signature)
  if not ok then error(("%s; expected %s"):format(what, signature), 3) end
end

function trial.new(options)
  expect(type(options) == "table", "options must be a table", NEW)
  local known = { champion = true, challenger = true, alpha = true, warm_up_seconds = true }
  for name in sorted_pairs(options) do
    expect(known[name], ("unknown option '%s'"):format(name), NEW)
  end

  expect(type(options.champion) == "string" and type(options.challenger) == "string"
    and options.champion ~= options.challenger, "two different names are needed", NEW)

  return setmetatable({
    champion = options.champion,
    challenger = options.challenger,
    alpha = options.alpha or 0.05,
    warm_up_seconds = options.warm_up_seconds or 600,
    evidence = stats.trial {
      alpha = options.alpha,
      warm_up = options.warm_up_seconds,
    },
    totals = {}, -- by variant: what it did in this trial, without warm-ups
    recent = {}, -- by variant: the last window
    good_looks = 0,
  }, trial)
end

-- ── Windows ──

local ADD = "trial:add{from=, to=, variants={[name]={share=, requests=, errors=, buckets=?, …}}}"

local function sketch_of(buckets)
  if not buckets then return nil end
  local sketch = stats.sketch()
  for bucket, count in sorted_pairs(buckets) do sketch:add_bucket(bucket, count) end

  return sketch
end

-- Adds to what a variant did in this trial.
local function count(totals, variant, seconds)
  totals.requests = (totals.requests or 0) + variant.requests
  totals.errors = (totals.errors or 0) + variant.errors
  totals.seconds = (totals.seconds or 0) + seconds

  return totals
end

local function shown_window(window, variant, warming)
  return {
    from = window.from,
    to = window.to,
    seconds = window.to - window.from,
    share = variant.share,
    requests = variant.requests,
    errors = variant.errors,
    warming = warming or nil,
    latency_ms = (variant.p50 or variant.p90 or variant.p99)
      and { p50 = variant.p50, p90 = variant.p90, p99 = variant.p99 } or nil,
  }
end

function trial:add(window)
  expect(type(window) == "table" and type(window.variants) == "table", "a window is missing", ADD)
  local one, zero = window.variants[self.challenger], window.variants[self.champion]
  expect(one and zero, ("the window lacks %s or %s"):format(self.challenger, self.champion), ADD)

  local result = self.evidence:add {
    from = window.from,
    to = window.to,
    share1 = one.share,
    share0 = zero.share,
    n1 = one.requests,
    x1 = one.errors,
    n0 = zero.requests,
    x0 = zero.errors,
    instances1 = one.instances,
    instances0 = zero.instances,
    sketch1 = sketch_of(one.buckets),
    sketch0 = sketch_of(zero.buckets),
  }

  if result == "repeated" then return result end

  local seconds = window.to - window.from
  self.recent = {}
  for name, variant in sorted_pairs(window.variants) do
    self.recent[name] = shown_window(window, variant, result == "warming")
    if result == "counted" then
      self.totals[name] = count(self.totals[name] or {}, variant, seconds)
    end
  end

  return result
end

-- ── Facts ──

-- An end that the data do not reach is left out: JSON has no infinity.
local function range(found)
  if not found then return nil end
  return {
    estimate = found.estimate,
    low = found.low,
    high = found.high < math.huge and found.high or nil,
  }
end

-- What latencies vary by between hours is told once it is known.
local function latency_range(found)
  local facts = range(found)
  if facts and found.dispersion > 1 then facts.dispersion = found.dispersion end
  return facts
end

-- Milliseconds of a curve, which buckets of 1 % know to three digits.
local function milliseconds(found)
  local facts = range(found)
  for name, value in sorted_pairs(facts) do facts[name] = tonumber(("%.5g"):format(value)) end
  return facts
end

local function quantile_facts(quantiles)
  if not quantiles then return nil end
  local list = {}
  for i, each in ipairs(quantiles) do
    list[i] = {
      quantile = each.q,
      challenger_ms = milliseconds(each.challenger),
      champion_ms = milliseconds(each.champion),
    }
  end

  return list
end

local function step_facts(step)
  if not step then return nil end
  return {
    requests = step.requests,
    error_rate_low = step.error_rate.low,
    latency_low = step.latency and step.latency.low,
  }
end

local function evidence_facts(self, found, now)
  local whole = found.trial
  if not whole then return nil end
  local broken = found.split_broken_since

  return {
    method = "always_valid",
    confidence = 1 - self.alpha,
    requests = whole.requests,
    errors = whole.errors,
    champion_requests = whole.champion_requests,
    champion_errors = whole.champion_errors,
    dispersion = whole.dispersion,
    error_rate = range(whole.error_rate),
    successes = whole.successes,
    champion_successes = whole.champion_successes,
    latency = latency_range(whole.latency),
    latency_p50 = latency_range(whole.latency_p50),
    quantiles = quantile_facts(found.quantiles),
    step = step_facts(found.step),
    sample_ratio_p = found.split_p,
    sample_ratio_shift = found.split_shift,
    sample_ratio_minutes = broken and math.max(0, (now - broken) // 60) or nil,
  }
end

local function minutes_between(from, now)
  return from and math.max(0, math.tointeger((now - from) // 60))
end

function trial:facts(given)
  expect(type(given) == "table" and math.type(given.now) == "integer"
    and type(given.variants) == "table", "now or variants are missing",
    "trial:facts{now=epoch seconds, variants={{name=, …}, …}, order=?, history=?, endpoint=?}")
  local found = self.evidence:evidence()

  local variants = {}
  for i, variant in ipairs(given.variants) do
    variants[i] = {
      name = variant.name,
      stage = variant.stage,
      weight = variant.weight,
      approval = variant.approval,
      window = self.totals[variant.name],
      recent = self.recent[variant.name],
    }
  end

  return {
    now = given.now,
    endpoint = given.endpoint,
    champion = self.champion,
    challenger = self.challenger,
    variants = variants,
    evidence = evidence_facts(self, found, given.now),
    minutes_since_start = minutes_between(found.started, given.now),
    minutes_since_change = minutes_between(found.changed, given.now),
    good_looks = self.good_looks,
    order = given.order,
    history = given.history,
  }
end

function trial:decided(decision)
  self.good_looks = decision.action == "hold" and decision.good_looks or 0
end

-- ── Keeping it ──

function trial:save()
  return json.encode {
    version = VERSION,
    champion = self.champion,
    challenger = self.challenger,
    alpha = self.alpha,
    warm_up_seconds = self.warm_up_seconds,
    evidence = self.evidence:save(),
    totals = self.totals,
    recent = self.recent,
    good_looks = self.good_looks,
  }
end

local function invalid(why) return nil, "a saved trial cannot be read: " .. why, "InvalidTrial" end

function trial.load(text)
  local saved, message = json.decode(text)
  if not saved then return invalid(message) end
  if type(saved) ~= "table" or saved.version ~= VERSION then
    return invalid("it is not of version " .. VERSION)
  end

  local made, self = pcall(trial.new, {
    champion = saved.champion,
    challenger = saved.challenger,
    alpha = saved.alpha,
    warm_up_seconds = saved.warm_up_seconds,
  })

  if not made then return invalid(self) end
  if type(saved.evidence) ~= "string" then return invalid("the evidence is missing") end
  local restored, why = self.evidence:restore(saved.evidence)
  if not restored then return invalid(why) end
  self.totals, self.recent = saved.totals or {}, saved.recent or {}
  self.good_looks = saved.good_looks or 0

  return self
end

return trial
