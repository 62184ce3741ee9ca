-- What a change set takes away that --replace has to allow: data, and what somebody else made.
--
--   losses.objection(stack, found, changes) → message, code, what to do next | nil
--   losses.is_ours(found, stack) → whether the stack has our tag
--
-- found: the stack as it is deployed, false where it is not. changes: CloudFormation's.
local plan = require "weir.deploy.plan"

local losses = {}

function losses.is_ours(found, stack)
  for _, tag in ipairs(type(found.Tags) == "table" and found.Tags or {}) do
    if tag.Key == "weir:stack" and tag.Value == stack.name then return true end
  end

  return false
end

-- The ids of the changes of which `goes` is true, as a text | nil where there is none
local function names_of(changes, goes)
  local ids = {}
  for _, change in ipairs(changes) do
    if goes(change) then ids[#ids + 1] = change.LogicalResourceId end
  end

  return ids[1] and table.concat(ids, ", ")
end

function losses.objection(stack, found, changes)
  local data = names_of(changes, function(change) return plan.change(change).loses_data end)
  if data then
    return "data would be lost: " .. data, "DataWouldBeLost",
      "copy what is in there, then give --replace"
  end

  if not found or losses.is_ours(found, stack) then return nil end

  local taken = names_of(changes, function(change) return change.Action == "Remove" end)
  if taken then
    return "it does not have our tag weir:stack, and would lose what somebody else made: " .. taken,
      "NotOurs", "give the estate another name; or, if the stack is yours, give --replace"
  end
end

return losses
