-- What decisions cost: instructions, memory and time by kind, and the decisions that cost most.
-- Instructions are counted as the budget counts them, memory is every byte that a decision makes,
-- garbage included, and time is in microseconds.
local cases = require "weir.testing.cases"
local json = require "weir.json"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"

local cost = {}

local Measured = {}
Measured.__index = Measured

local MEASURES = { "instructions", "bytes", "eval_us" }

-- new(set, limits, most_shown, troubles): limits = { instructions =, bytes = } of one decision;
-- troubles is what weir.cli.recordings.troubles gave.
function cost.new(set, limits, most_shown, troubles)
  return setmetatable({
    set = set,
    limits = limits,
    most_shown = most_shown,
    troubles = troubles,
    known = cases.parameters(set),
    left_out = {}, -- kind that the set has no policy of → how many decisions of it were met
    decisions = 0,
    failed = 0,
    bad_lines = 0,
    exceeding = 0,
    eval_us = 0,
    order = {},
    by_kind = {},
    expensive = {},
  }, Measured)
end

function Measured:note(kind, answer)
  local counts = self.by_kind[kind]
  if not counts then
    counts = { instructions = {}, bytes = {}, eval_us = {} }
    self.by_kind[kind] = counts
    self.order[#self.order + 1] = kind
  end

  for _, name in ipairs(MEASURES) do table.insert(counts[name], answer[name]) end
end

-- How much of its limits a decision takes; without limits, which of two costs more.
local function weight(one, limits)
  local part = math.max(one.instructions / limits.instructions, one.bytes / limits.bytes)
  return part, one.instructions, one.bytes
end

local function costs_more(a, b, limits)
  local a_part, a_instructions, a_bytes = weight(a, limits)
  local b_part, b_instructions, b_bytes = weight(b, limits)
  if a_part ~= b_part then return a_part > b_part end
  if a_instructions ~= b_instructions then return a_instructions > b_instructions end

  return a_bytes > b_bytes
end

-- Keeps the most expensive, the first of equals in front.
function Measured:keep(one)
  local list = self.expensive
  local at = #list + 1
  while at > 1 and costs_more(one, list[at - 1], self.limits) do at = at - 1 end
  if at > self.most_shown then return end

  table.insert(list, at, one)
  list[self.most_shown + 1] = nil
end

function Measured:exceeds(one)
  return one.instructions > self.limits.instructions or one.bytes > self.limits.bytes
end

-- The recorded overrides of parameters that the policy still has, as weir replay takes them.
local function params_of(self, decision)
  return json.encode(cases.still_known(cases.overrides(decision), self.known[decision.kind]))
end

-- Asks the set with a decision of a recording, as weir.recording gives it.
function Measured:add(path, decision)
  if decision.message then
    self.bad_lines = self.bad_lines + 1
    self.troubles:add(path, { type = "bad line", line = decision.line,
      column = decision.column or 0, message = redact.text(decision.message) })
    return
  end

  if not self.known[decision.kind] then
    self.left_out[decision.kind] = (self.left_out[decision.kind] or 0) + 1
    return
  end

  self.decisions = self.decisions + 1
  local answer, message, code = self.set:decide(decision.kind, decision.facts, {
    params_json = params_of(self, decision),
  })

  if not answer then
    self.failed = self.failed + 1
    self.troubles:add(path, { type = "failure", line = decision.line, kind = decision.kind,
      code = code, message = redact.text(message) })
    return
  end

  self:note(decision.kind, answer)
  self.eval_us = self.eval_us + answer.eval_us
  local one = {
    recording = path,
    line = decision.line,
    id = decision.id and redact.text(decision.id),
    kind = decision.kind,
    action = answer.action,
    place = ("%s:%d"):format(answer.file, answer.line),
    instructions = answer.instructions,
    bytes = answer.bytes,
    eval_us = answer.eval_us,
  }

  if self:exceeds(one) then self.exceeding = self.exceeding + 1 end
  self:keep(one)
end

-- Results ----------------------------------------------------------------------------------------

-- left_out_kinds() → list of { kind =, decisions = }, by name: what the set has no policy for.
function Measured:left_out_kinds()
  local list = {}
  for kind, decisions in sorted_pairs(self.left_out) do
    list[#list + 1] = { kind = kind, decisions = decisions }
  end

  return list
end

-- The value that this share of a sorted list does not exceed (nearest rank).
local function quantile(sorted, share)
  return sorted[math.max(1, math.ceil(#sorted * share))]
end

-- kinds() → list of { kind =, decisions =, instructions = { median =, p99 =, most = }, bytes =,
-- eval_us = }, in the order in which the kinds come first.
function Measured:kinds()
  local list = {}
  for i, kind in ipairs(self.order) do
    local one = { kind = kind }
    for _, name in ipairs(MEASURES) do
      local sorted = table.move(self.by_kind[kind][name], 1, #self.by_kind[kind][name], 1, {})
      table.sort(sorted)
      one.decisions = #sorted
      one[name] = {
        median = quantile(sorted, 0.5),
        p99 = quantile(sorted, 0.99),
        most = sorted[#sorted],
      }
    end

    list[i] = one
  end

  return list
end

-- The most expensive decisions, the worst first; only those above a limit where there are any.
function Measured:worst()
  if self.exceeding == 0 then return self.expensive end
  local list = {}
  for _, one in ipairs(self.expensive) do
    if self:exceeds(one) then list[#list + 1] = one end
  end

  return list
end

-- The most instructions and the most bytes of any decision.
function Measured:most()
  local most = { instructions = 0, bytes = 0 }
  for _, kind in ipairs(self:kinds()) do
    most.instructions = math.max(most.instructions, kind.instructions.most)
    most.bytes = math.max(most.bytes, kind.bytes.most)
  end

  return most
end

return cost
