-- What starts work by itself: rules and schedules of a stack, switched off before anything that
-- they use is deleted. Switching off twice is fine, and so is what is gone already.
--
--   writers.stop(row, note) → true | nil, message, code
--
-- row: as weir.cleanup.inventory gives it. note(text): what was done.
local writers = {}

local MEMBERS = {
  "Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "Description",
  "StartDate", "EndDate", "FlexibleTimeWindow", "Target", "KmsKeyArn", "ActionAfterCompletion",
}

local function is_gone(code) return code == "ResourceNotFoundException" end

-- A rule's physical id is its name, after its bus where that is not the default one.
local function stop_rule(row, id)
  local bus, name = id:match("^(.-)|(.+)$")
  local done, message, code = row.client "eventbridge":disable_rule {
    Name = name or id,
    EventBusName = bus,
  }
  if not done and not is_gone(code) then return nil, message, code end

  return done and "stopped the rule " .. (name or id) or false
end

local function stop_schedule(row, id)
  local client = row.client "scheduler"
  local found, message, code = client:get_schedule { Name = id }
  if not found and not is_gone(code) then return nil, message, code end
  if not found or found.State == "DISABLED" then return false end

  local input = { State = "DISABLED" }
  for _, member in ipairs(MEMBERS) do input[member] = found[member] end
  local done
  done, message, code = client:update_schedule(input)
  if not done then return nil, message, code end

  return "stopped the schedule " .. id
end

local STOPS = {
  ["AWS::Events::Rule"] = stop_rule,
  ["AWS::Scheduler::Schedule"] = stop_schedule,
}

function writers.stop(row, note)
  for _, resource in ipairs(row.resources) do
    local stop, id = STOPS[resource.ResourceType], resource.PhysicalResourceId
    if stop and id and not resource.ResourceStatus:find("^DELETE_") then
      local done, message, code = stop(row, id)
      if done == nil then return nil, message, code end
      if done then note(done) end
    end
  end

  return true
end

return writers
