-- What starts work by itself: rules and schedules of a stack, switched off before anything that
-- they use is deleted. Switching off twice is fine, and so is what is gone already.
--
--   writers.stop(row, note) → true | nil, message, code
--
-- row: as weir.cleanup.inventory gives it. note(text): what was done.
local try = require "weir.try"

local writers = {}

local MEMBERS = {
  "Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "Description",
  "StartDate", "EndDate", "FlexibleTimeWindow", "Target", "KmsKeyArn", "ActionAfterCompletion",
}

local GONE = "ResourceNotFoundException"

-- A rule's physical id is its name, after its bus where that is not the default one.
local function stop_rule(row, id)
  local bus, name = id:match("^(.-)|(.+)$")
  local done = try.except(GONE, row.client "eventbridge":disable_rule {
    Name = name or id,
    EventBusName = bus,
  })
  return done and "stopped the rule " .. (name or id)
end

local function stop_schedule(row, id)
  local client = row.client "scheduler"
  local found = try.except(GONE, client:get_schedule { Name = id })
  if not found or found.State == "DISABLED" then return nil end

  local input = { State = "DISABLED" }
  for _, member in ipairs(MEMBERS) do input[member] = found[member] end
  try(client:update_schedule(input))

  return "stopped the schedule " .. id
end

-- stop(row, physical id) → what was done, or nil
local STOPS = {
  ["AWS::Events::Rule"] = stop_rule,
  ["AWS::Scheduler::Schedule"] = stop_schedule,
}

writers.stop = try.catching(function(row, note)
  for _, resource in ipairs(row.resources) do
    local stop, id = STOPS[resource.ResourceType], resource.PhysicalResourceId
    if stop and id and not resource.ResourceStatus:find("^DELETE_") then
      local done = stop(row, id)
      if done then note(done) end
    end
  end

  return true
end)

return writers
