-- What CloudFormation is given to make a stack of: template, parameters, capabilities.
--
--   request.of(session, stack, { purpose =, type =, found = })
--       → as weir.deploy.change_set takes it, pending as weir.deploy.wires gives it
--         | nil, message, code
--
-- found: the stack as it is deployed, false where it is not.
local change_set = require "weir.deploy.change_set"
local ownership = require "weir.deploy.ownership"
local sorted_pairs = require "weir.sorted_pairs"
local stacks = require "weir.deploy.stacks"
local wires = require "weir.deploy.wires"

local request = {}

-- → list for CreateChangeSet, pending | nil, message, code
local function parameters_of(session, stack, summary)
  local found, pending, code = wires.values(session, stack)
  if not found then return nil, pending, code end

  local made_of = session.store and session.store:parameters(stack) or {}
  for name, value in sorted_pairs(made_of) do found[name] = value end

  local list = stacks.parameters(session.estate, stack, summary, {
    found = found,
    where = session.where,
    report = function() end,
  })

  return list, pending
end

function request.of(session, stack, given)
  local summary, message, code = session:summary(stack)
  if not summary then return nil, message, code end
  local source
  source, message, code = session:source(stack)
  if not source then return nil, message, code end
  local parameters, pending
  parameters, pending, code = parameters_of(session, stack, summary)
  if not parameters then return nil, pending, code end

  return {
    prefix = change_set.prefix(given.purpose, session:caller(stack.account)),
    stack = stack.name,
    type = given.type,
    source = source,
    parameters = parameters,
    capabilities = summary.Capabilities,
    made_by_us = given.found == false,
    is_ours = given.found and ownership.is_ours(given.found, stack),
  }, pending
end

return request
