-- What a change set takes away that --replace has to allow: data.
--
--   losses.objection(changes) → message, code, what to do next | nil
--
-- changes: CloudFormation's.
local plan = require "weir.deploy.plan"

local losses = {}

function losses.objection(changes)
  local ids = {}
  for _, change in ipairs(changes) do
    if plan.change(change).loses_data then ids[#ids + 1] = change.LogicalResourceId end
  end

  if #ids == 0 then return nil end

  return "data would be lost: " .. table.concat(ids, ", "), "DataWouldBeLost",
    "copy what is in there, then give --replace"
end

return losses
