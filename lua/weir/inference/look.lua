-- One look at one experiment, by the handler `inference_comparison`. What survives the death of the
-- process at any point:
--
--   1. what an invocation before left open is finished (weir.inference.experiment)
--   2. windows are read, aggregated, and folded into the evidence; the policy decides
--   3. the decision is kept as open, so that this window is never decided again
--   4. the weights change: all variants' shares, so that twice is once
--   5. one event and one metric tell of it, and the decision is kept as finished
--
--   look.new(effects, given) → look
--       given: { endpoint_name =, seconds =, place =, late =, warm_up =, mode =, names =,
--                order =? }
--   look:decide(ask)      → answer | nil: another invocation was faster; raises failures (weir.try)
--   look:aggregate_only() → answer
--   look:tell_failure(message)   where nothing was told yet
--   look.tell_unread(effects, message)   where there is nothing to look at: a setting is wrong
local traffic_change = require "weir.inference.traffic_change"
local aggregation = require "weir.inference.aggregation"
local endpoint = require "weir.inference.endpoint"
local experiment = require "weir.inference.experiment"
local json = require "weir.json"
local try = require "weir.try"
local windows = require "weir.inference.windows"

local look = {}
look.__index = look

function look.new(effects, given)
  given.effects, given.now = effects, effects:now()
  given.to = given.now - given.now % given.seconds -- the end of the last window
  return setmetatable(given, look)
end

-- Left out: what a dry run does not know, and what an order does not need.
function look:known(value, message, code, ...)
  if value ~= nil then return value, message, code, ... end
  if self.effects.dry and code == "Unknown" then return nil end
  if self.experiment and self.experiment.state.order then
    self.left_out = message
    return nil
  end

  try.fail(message, code)
end

function look:load()
  local loaded, message, code = experiment.load(self.effects, self.place)
  if loaded then return loaded end
  if self.effects.dry and code == "Unknown" then return experiment.new(self.place) end
  if not (self.order and self.order.action == "rollback") then try.fail(message, code) end
  self.left_out = message

  return experiment.detached(self.place)
end

-- Reading -----------------------------------------------------------------------------------------

-- The windows that may still change, by their first second; and the list of those that ended since
-- the last look.
function look:read_windows(names)
  local open = self.experiment.state.windows
  if #open == 0 then return {}, {} end
  local list, notes = self:known(windows.read(self.effects, {
    table = self.place.table,
    test_id = self.place.test_id,
    endpoint = names and self.endpoint_name,
    names = names,
    from = open[1].from,
    to = open[#open].to,
    seconds = self.seconds,
  }))

  local by_time, new = {}, {}
  for _, window in ipairs(list or {}) do
    by_time[window.from] = window
    if window.from >= self.seen_to then new[#new + 1] = window end
  end

  self.notes = notes

  return by_time, new
end

function look:aggregate(by_time)
  for _, closed in ipairs(self.experiment.state.windows) do
    local window = by_time[closed.from]
    if window then
      self:known(aggregation.write(self.effects, self.place, window, closed))
    end
  end
end

-- Facts -------------------------------------------------------------------------------------------

local function stage_of(state, name)
  if name == state.champion then return "champion" end
  if name ~= state.challenger then return nil end
  return state.rolled_back and "failed" or "challenger"
end

function look:variants()
  local state, list = self.experiment.state, {}
  local packages = self:known(endpoint.packages(self.effects, self.endpoint)) or {}
  for i, variant in ipairs(self.endpoint.variants) do
    local package = packages[variant.name]
    list[i] = {
      name = variant.name,
      stage = stage_of(state, variant.name),
      weight = variant.asked,
      approval = package and package.approval,
    }
  end

  return list
end

-- The last window of a variant as it is shown and guarded; without data it has no counts.
local function recent_of(closed, window, name)
  local counts = window and window.variants[name] or {}
  return {
    from = closed.from,
    to = closed.to,
    seconds = closed.to - closed.from,
    share = closed.shares[name],
    warming = closed.label ~= "steady" or nil,
    requests = counts.requests,
    errors = counts.errors,
    latency_ms = counts.p50 and { mean = counts.mean, p50 = counts.p50, p90 = counts.p90,
      p99 = counts.p99 } or nil,
  }
end

-- What the trial folded last may be an older window than the last one.
local function show_recent(facts, closed, window)
  for _, variant in ipairs(facts.variants) do
    local shown = variant.recent
    if closed and not (shown and shown.to == closed.to) then
      variant.recent = recent_of(closed, window, variant.name)
    end
  end
end

local function told_order(order)
  if not order then return nil end
  return { action = order.action, to = order.to, by = order.by, reason = order.reason }
end

function look:facts(trial, closed, by_time)
  local state = self.experiment.state
  local given = {
    now = self.now,
    endpoint = self.endpoint_name,
    variants = self:variants(),
    order = told_order(state.order),
    history = state.history,
  }

  local facts = trial and trial:facts(given) or given
  facts.champion = state.champion
  show_recent(facts, closed, closed and by_time[closed.from])

  return facts
end

-- Deciding and doing ------------------------------------------------------------------------------

function look:detail(last)
  return {
    endpoint = self.endpoint_name,
    test_id = self.place.test_id,
    decision_id = last.id,
    action = last.action,
    variant = last.variant,
    to = last.heir,
    weight = last.weight,
    because = last.because,
    needs = last.needs,
    requests = last.requests,
    mode = self.mode,
    outcome = last.outcome,
    problem = last.problem,
    shares = last.shares,
    champion = self.experiment.state.champion,
    challenger = self.experiment.state.challenger,
    window = last.from and { from = last.from, to = last.to } or nil,
  }
end

-- Reports the last decision, and writes down that it is finished.
function look:finish(outcome, message, code)
  local trying, last = self.experiment, self.experiment.state.last
  last.problem = message
  trying:finish(outcome, self.now)
  try(traffic_change.tell(self.effects, self:detail(last)))
  try(trying:save(self.effects))

  if outcome == "failed" then
    self.has_told = true
    try.fail(message, code)
  end
end

function look:carry_out()
  local last = self.experiment.state.last
  return traffic_change.carry_out(self.effects, self.endpoint, last.shares, self.mode)
end

-- A decision that gives more traffic is dropped when its window is no longer the last one: its
-- evidence is old. A new order drops any decision, and so do other variants of the endpoint.
function look:is_overtaken()
  local last = self.experiment.state.last
  return self.order ~= nil or last.action ~= "rollback" and last.to < self.to
    or not traffic_change.fits(self.endpoint, last.shares)
end

-- What became of the last decision before this invocation; nil where it is still to be carried out.
function look:outcome_before()
  local last = self.experiment.state.last
  if not last.changes then return last.shares and "unchanged" or "held" end
  if traffic_change.are_asked(self.endpoint, last.shares) then return "done" end
  return self:is_overtaken() and "dropped" or nil
end

-- Finishes what an earlier invocation decided and did not finish. → whether that changed weights
function look:resume()
  local last = self.experiment.state.last
  if not last or not last.open then return false end

  local before = self:outcome_before()
  if before then
    self:finish(before)
    return false
  end

  local outcome, message, code = self:carry_out()
  self:finish(outcome, message, code)

  return outcome == "done"
end

function look:keep(decision, closed)
  local fields, state = decision.fields, self.experiment.state
  local shares = traffic_change.asked(self.endpoint, fields, state.champion)
  state.last = {
    id = ("%s-%d-%d"):format(self.endpoint_name, self.to, self.experiment.edition + 1),
    from = closed and closed.from,
    to = self.to,
    order_id = state.order and state.order.id,
    action = decision.action,
    because = decision.because,
    variant = fields.variant,
    heir = fields.to,
    weight = fields.weight,
    needs = fields.needs,
    requests = fields.requests,
    good_looks = fields.good_looks,
    shares = shares,
    changes = shares and not traffic_change.are_asked(self.endpoint, shares) or nil,
    open = true,
  }

  return try(self.experiment:save(self.effects))
end

function look:is_decided()
  local state = self.experiment.state
  local last = state.last
  return last and last.to >= self.to and last.order_id == (state.order and state.order.id) or false
end

-- The answer -------------------------------------------------------------------------------------

function look:answer(by_time, repeated)
  local last = self.experiment.state.last or {}
  local summaries = {}
  local window = by_time and last.from and by_time[last.from]

  for name, variant in pairs(window and window.variants or {}) do -- any order: each by itself
    summaries[name] = { requests = variant.requests, errors = variant.errors or json.null }
  end

  return {
    endpoint = self.endpoint_name,
    mode = self.mode,
    window = last.from and { from = last.from, to = last.to } or json.null,
    variants = summaries,
    action = last.action,
    because = last.because,
    needs = last.needs,
    outcome = last.outcome,
    shares = last.shares,
    repeated = repeated or false,
    left_out = self.left_out or self.notes and self.notes.cloudwatch,
  }
end

-- One look. → answer | nil: another invocation was faster
function look:decide(ask)
  self.endpoint = try(endpoint.describe(self.effects, self.endpoint_name))
  self.experiment = self:load()
  local trying = self.experiment
  trying:identify(self.endpoint, self.names)
  if self.order then trying:take(self.order, self.endpoint) end

  if self:resume() or self:is_decided() then return self:answer(nil, true) end

  self.seen_to = trying.state.closed_to or 0
  trying:close(self.endpoint, self.to, self.seconds)
  local names = {}
  for i, variant in ipairs(self.endpoint.variants) do names[i] = variant.name end
  local by_time, new = self:read_windows(names)
  self:aggregate(by_time)

  local list = trying.state.windows
  local closed = list[#list]
  local trial = trying:fold(by_time, self.now - self.late, self.warm_up)
  local decision = try(ask("promotion", self:facts(trial, closed, by_time)))
  if not self:keep(decision, closed) then return nil end
  aggregation.measure(self.effects, new)

  self:finish(self:carry_out())
  return self:answer(by_time)
end

-- As the Python handler does: the last window, and nothing else.
function look:aggregate_only()
  local from = self.to - self.seconds
  self.seen_to = from
  self.experiment = {
    state = { windows = { { from = from, to = self.to } }, last = { from = from, to = self.to } },
  }

  local by_time, new = self:read_windows(nil)
  self:aggregate(by_time)
  aggregation.measure(self.effects, new)

  return self:answer(by_time)
end

function look:tell_failure(message)
  if self.has_told then return end
  traffic_change.tell(self.effects, {
    endpoint = self.endpoint_name,
    test_id = self.place.test_id,
    action = "failed",
    because = message,
    outcome = "failed",
    mode = self.mode,
  })
end

-- The same where the settings or the event are wrong: nothing was looked at.
function look.tell_unread(effects, message)
  traffic_change.tell(effects, {
    endpoint = effects:setting("endpoint_name"),
    action = "failed",
    because = message,
    outcome = "failed",
  })
end

return look
