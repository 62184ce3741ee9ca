-- The messages of a queue that are to come again (batchItemFailures). In a group of a FIFO queue
-- they are to be processed in their order: after the first that failed, the rest of the group is
-- not processed, and comes again as well.
--
--   local failed = failed_messages.of(units, is_consumer)   units: of weir.events.arrivals
--   failed:add(unit, message, code)   raises the failure where nobody would bring the unit again
--   failed:is_behind(unit) → whether an earlier one of its group failed
--   failed:list()          → list of { itemIdentifier = }, in the order of arrival
--   failed:reasons()       → list of { message =, reason =, code = }, of those that failed by
--                            themselves, in the same order; nil where none did
local json = require "weir.json"
local try = require "weir.try"

local failed_messages = {}

local Failed = {}
Failed.__index = Failed

function failed_messages.of(units, is_consumer)
  return setmetatable({
    units = units,
    is_consumer = is_consumer,
    ids = nil, -- id → { message =, reason =, code = } of those that failed, once one did
    first = {}, -- group → number of its first unit that failed
  }, Failed)
end

-- unit → number, made when the first message fails.
local function numbers_of(self)
  if not self.numbers then
    self.numbers = {}
    for number, unit in ipairs(self.units) do self.numbers[unit] = number end
  end

  return self.numbers
end

-- Which of several it was is said as well.
local function raise(self, unit, message, code)
  local count = #self.units
  if count == 1 then try.fail(message, code) end
  try.fail(("event %d of %d: %s"):format(numbers_of(self)[unit], count, message), code)
end

function Failed:add(unit, message, code)
  local id, group = unit.message_id, unit.group
  if not (id and self.is_consumer) then raise(self, unit, message, code) end

  self.ids = self.ids or {}
  self.ids[id] = self.ids[id] or { message = id, reason = message, code = code }
  if group then
    self.first[group] = math.min(self.first[group] or math.maxinteger, numbers_of(self)[unit])
  end
end

function Failed:is_behind(unit)
  local first = unit.group and self.first[unit.group]
  return first ~= nil and numbers_of(self)[unit] > first
end

local NONE = json.array({})

function Failed:list()
  if not self.ids then return NONE end

  local list, listed = json.array({}), {}
  for _, unit in ipairs(self.units) do
    local id = unit.message_id
    if id and not listed[id] and (self.ids[id] or self:is_behind(unit)) then
      listed[id] = true
      list[#list + 1] = { itemIdentifier = id }
    end
  end

  return list
end

function Failed:reasons()
  if not self.ids then return nil end

  local list, listed = json.array({}), {}
  for _, unit in ipairs(self.units) do
    local reason = self.ids[unit.message_id]
    if reason and not listed[reason] then
      listed[reason] = true
      list[#list + 1] = reason
    end
  end

  return list
end

return failed_messages
