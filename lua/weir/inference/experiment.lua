-- What is remembered of an endpoint's experiment between invocations: one item of the A/B table,
-- written only over the version that was read, so that of two invocations one decides.
--
--   load(effects, place) → experiment | nil, message, code     place = { table =, test_id = }
--   new(place), detached(place)    one that is not there yet; one that is never written
--   experiment:identify(endpoint, names)   goes on with the trial, or begins another one, where the
--       settings name other variants or the endpoint has another configuration
--   experiment:take(order, now)            an operator's order, in force until it is lifted
--   experiment:close(endpoint, to, seconds)   the windows that have ended by `to`
--   experiment:fold(by_time, settled_before, warm_up_seconds)
--       → weir.inference.trial | nil: there is no challenger
--   experiment:save(effects) → true | false: somebody else was faster | nil, message, code
--
-- The state, kept as JSON:
--   champion, challenger, asked = what the settings named, config = of the endpoint
--   windows   those that have ended and may still get late records: { from =, to =, label =,
--             shares =, instances =, digest = of the aggregation that was written }. Labels:
--             "steady", its shares served all the time; "moving", they changed in it; "unknown"
--   trial     the evidence of the windows before, as text; regime: the shares of the last of them
--   closed_to, last = the last decision, history = what was carried out, order, rolled_back
--
-- A window stays open to late records for a while: its counts are read again at every look, and
-- only then go into the trial for good. So nothing counts twice, and a re-run answers the same.
local ab_table = require "weir.inference.ab_table"
local json = require "weir.json"
local trial_module = require "weir.inference.trial"
local try = require "weir.try"

local experiment = {}
experiment.__index = experiment

local KIND, VERSION = "promotion", 1
local MOST_HISTORY = 100
-- The most windows that an invocation catches up with; older ones are left out.
local MOST_WINDOWS = 24

-- Keeping it -------------------------------------------------------------------------------------

local function decode(item)
  local state, message = json.decode(item.state or "")
  if type(state) == "table" and state.version == VERSION then return state end
  return nil, ("the experiment in the A/B table cannot be read (%s); remove its item to begin "
    .. "another one"):format(message or "it is of another version"), "InvalidExperiment"
end

function experiment.new(place)
  return setmetatable({ place = place, edition = 0, state = {} }, experiment)
end

function experiment.load(effects, place)
  local item, message, code = ab_table.kept(effects, place.table, place.test_id, KIND, 0)
  if item == nil then return nil, message, code end

  local self = experiment.new(place)
  if not item then return self end
  self.edition = item.edition
  self.state, message, code = decode(item)
  if not self.state then return nil, message, code end

  return self
end

-- An experiment that is never written: for an operator's order while the table cannot be read.
function experiment.detached(place)
  local self = experiment.new(place)
  self.is_detached = true
  return self
end

local function condition(seen)
  if seen == 0 then return { ConditionExpression = "attribute_not_exists(edition)" } end
  return {
    ConditionExpression = "edition = :seen",
    ExpressionAttributeValues = { [":seen"] = seen },
  }
end

-- Whether the item is this writer's own. A write whose reply was lost is refused when it is sent
-- again.
local function is_own(self, effects, writer)
  local place = self.place
  local item, message, code = ab_table.kept(effects, place.table, place.test_id, KIND, 0)
  if item == nil then return nil, message, code end

  return item and item.writer == writer or false
end

function experiment:save(effects)
  if self.is_detached then return true end

  local place, writer = self.place, effects:uuid()
  local item = { state = json.encode(self.state), edition = self.edition + 1, writer = writer }
  local saved, message, code = ab_table.keep(effects, place.table, place.test_id, KIND, 0, item,
    condition(self.edition))
  if not saved and code == "ConditionalCheckFailedException" then
    saved, message, code = is_own(self, effects, writer)
  end

  if saved then self.edition = self.edition + 1 end

  return saved, message, code
end

-- Who is tried -----------------------------------------------------------------------------------

local function largest(variants)
  local first, second = variants[1], nil
  for i = 2, #variants do
    local variant = variants[i]
    if variant.asked > first.asked then
      first, second = variant, first
    elseif not second or variant.asked > second.asked then
      second = variant
    end
  end

  if second and second.asked == first.asked then return nil end

  return first.name
end

local function other(variants, champion)
  local found
  for _, variant in ipairs(variants) do
    if variant.name ~= champion then
      if found then return nil end
      found = variant.name
    end
  end

  return found
end

local function check_name(endpoint, setting, name)
  if not name then return end
  for _, variant in ipairs(endpoint.variants) do
    if variant.name == name then return end
  end

  try.fail(("%s is '%s', which is not a variant of the endpoint %s"):format(setting, name,
    endpoint.name), "InvalidSetting")
end

local function who(endpoint, names)
  check_name(endpoint, "CHAMPION_VARIANT", names.champion)
  check_name(endpoint, "CHALLENGER_VARIANT", names.challenger)

  local champion = names.champion or largest(endpoint.variants)
  local challenger = names.challenger or other(endpoint.variants, champion)
  if champion and champion ~= challenger and (challenger or #endpoint.variants == 1) then
    return champion, challenger
  end

  try.fail(("nobody knows which variants of %s are compared; set CHAMPION_VARIANT and "
    .. "CHALLENGER_VARIANT to two of them"):format(endpoint.name), "NotConfigured")
end

local function begin(self, endpoint, names)
  local old = self.state
  local champion, challenger = who(endpoint, names)
  self.state = {
    version = VERSION,
    config = endpoint.config,
    asked = names,
    champion = champion,
    challenger = challenger,
    windows = json.array({}),
    closed_to = old.closed_to,
    last = old.last,
    history = old.history or json.array({}),
    order = old.order,
  }
end

function experiment:identify(endpoint, names)
  local state = self.state
  local asked = state.asked or {}
  if state.config == endpoint.config and asked.champion == names.champion
    and asked.challenger == names.challenger then return end
  begin(self, endpoint, names)
end

-- Orders -----------------------------------------------------------------------------------------

-- Lifting the order that took the challenger out begins its trial again.
function experiment:take(order, endpoint)
  local state = self.state
  if order.action ~= "lift" then
    state.order = order
    return
  end

  state.order = nil
  if state.rolled_back then begin(self, endpoint, state.asked) end
end

-- Windows ----------------------------------------------------------------------------------------

local function label(endpoint, from, to, changed)
  if endpoint.settled and from >= changed then return "steady" end
  return (to > changed or not endpoint.settled) and "moving" or "unknown"
end

local function by_variant(endpoint, member)
  local values = {}
  for _, variant in ipairs(endpoint.variants) do values[variant.name] = variant[member] end
  return values
end

function experiment:close(endpoint, to, seconds)
  local state = self.state
  local from = math.max(state.closed_to or to - seconds, to - MOST_WINDOWS * seconds)
  from = from - from % seconds
  local changed = math.max(endpoint.changed, state.acted_at or 0)
  for start = from, to - seconds, seconds do
    state.windows[#state.windows + 1] = {
      from = start,
      to = start + seconds,
      label = label(endpoint, start, start + seconds, changed),
      shares = by_variant(endpoint, "asked"),
      instances = by_variant(endpoint, "instances"),
    }
  end

  state.closed_to = math.max(state.closed_to or to, to)
end

-- Evidence ---------------------------------------------------------------------------------------

local function same(a, b, champion, challenger)
  return b ~= nil and a.shares[champion] == b.shares[champion]
    and a.shares[challenger] == b.shares[challenger]
    and a.instances[champion] == b.instances[champion]
    and a.instances[challenger] == b.instances[challenger]
end

-- Where one variant has records and the other has none, the other got no request. A series that
-- CloudWatch does not have may be late.
local NONE = { requests = 0, errors = 0 }

local function arm(found, closed, name)
  local counts = found.variants[name] or found.source == "table" and NONE
  if not counts or not counts.errors then return nil end
  return {
    share = closed.shares[name],
    instances = closed.instances[name],
    requests = counts.requests,
    errors = counts.errors,
    buckets = counts.buckets,
    p50 = counts.p50,
    p90 = counts.p90,
    p99 = counts.p99,
  }
end

-- The window as the trial takes it, or nil: it is not evidence of anything. Of windows in which
-- shares move, the first begins the new regime, and the others belong to neither.
local function usable(state, closed, found, regime)
  local champion, challenger = state.champion, state.challenger
  local has_data = found and (found.variants[champion] or found.variants[challenger])
  if not has_data or closed.label == "unknown" then return nil end
  if state.source == "table" and found.source ~= "table" then return nil end
  if closed.label == "moving" and same(closed, regime, champion, challenger) then return nil end

  local one, zero = arm(found, closed, challenger), arm(found, closed, champion)
  if not one or not zero then return nil end
  return {
    from = closed.from,
    to = closed.to,
    variants = { [challenger] = one, [champion] = zero },
  }
end

local function trial_of(state, warm_up_seconds)
  if state.trial then return try(trial_module.load(state.trial)) end
  return trial_module.new {
    champion = state.champion,
    challenger = state.challenger,
    warm_up_seconds = warm_up_seconds,
  }
end

-- by_time: the windows as they were read, by their first second. Those that end at or before
-- settled_before go into the trial that is kept.
function experiment:fold(by_time, settled_before, warm_up_seconds)
  local state = self.state
  if not state.challenger then
    state.windows = json.array({})
    return nil
  end

  for _, found in pairs(by_time) do -- any order: whether there is one
    if found.source == "table" then state.source = "table" end
  end

  local trial, regime, open = trial_of(state, warm_up_seconds), state.regime, json.array({})
  local is_new = false -- whether the last window is evidence
  for _, closed in ipairs(state.windows) do
    if closed.to > settled_before and #open == 0 then
      state.trial, state.regime = trial:save(), regime
    end

    local window = usable(state, closed, by_time[closed.from], regime)
    is_new = window ~= nil and trial:add(window) == "counted"
    if window then regime = closed end
    if closed.to > settled_before then open[#open + 1] = closed end
  end

  if #open == 0 then state.trial, state.regime = trial:save(), regime end

  state.windows = open
  -- A look without a new window does not count as another good look.
  trial:decided(is_new and state.last or {})

  return trial
end

-- What was done ----------------------------------------------------------------------------------

local function note(state, last, now)
  table.insert(state.history, {
    at = now,
    action = last.action,
    variant = last.variant,
    weight = last.shares[last.variant],
  })

  if #state.history > MOST_HISTORY then table.remove(state.history, 1) end
end

-- The last decision was carried out, as far as it could be.
function experiment:finish(outcome, now)
  local state, last = self.state, self.state.last
  last.outcome = outcome
  last.open = (last.action == "rollback" and (outcome == "waiting" or outcome == "failed")) or nil
  if outcome == "done" then
    note(state, last, now)
    state.acted_at = now
  end

  if outcome ~= "done" and outcome ~= "unchanged" then return end
  if last.action == "rollback" and last.variant == state.challenger then
    state.rolled_back = true
  elseif last.action == "rollback" and last.variant == state.champion then
    state.champion = last.heir -- after a promotion
  elseif last.action == "promote" then
    state.champion, state.challenger, state.trial, state.regime = last.variant, nil, nil, nil
  end
end

return experiment
