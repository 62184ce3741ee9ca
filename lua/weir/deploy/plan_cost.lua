-- What the stacks of a plan cost a month, used or not.
--
--   plan_cost.of(session, row, request) → as weir.deploy.prices gives it | nil, message, code
--
-- Counts what is deployed, and what the change set adds and removes.
local prices = require "weir.deploy.prices"

local plan_cost = {}

local function count(types, name, difference)
  types[name] = (types[name] or 0) + difference
end

-- Parameters as CloudFormation will see them: what is given, and the template's defaults.
local function values_of(session, stack, request)
  local values = {}
  for _, parameter in ipairs(session:summary(stack).Parameters) do
    values[parameter.ParameterKey] = parameter.DefaultValue
  end

  for _, parameter in ipairs(request.parameters) do
    values[parameter.ParameterKey] = parameter.ParameterValue
  end

  return values
end

function plan_cost.of(session, row, request)
  local types = {}
  if row.status and row.status ~= "REVIEW_IN_PROGRESS" then
    local found, message, code = session:cloudformation(row.stack):all("ListStackResources",
      { StackName = row.stack.name })
    if not found then return nil, message, code end
    for _, resource in ipairs(found) do count(types, resource.ResourceType, 1) end
  end

  for _, change in ipairs(row.changes) do
    if change.action == "Add" then count(types, change.type, 1) end
    if change.action == "Remove" then count(types, change.type, -1) end
  end

  return prices.of(types, values_of(session, row.stack, request), session.estate.prices,
    row.stack.region)
end

return plan_cost
