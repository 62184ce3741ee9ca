-- Which parameter of a stack is an output of another stack of the estate.
--
--   wires.into(all, stack) → list of { parameter =, output =, stacks = { those that put it out } }
--   wires.values(session, stack) → { parameter = value }, pending | nil, message, code
--
-- pending: those wires whose stacks have not put them out (yet, or because it is switched off).
local wires = {}

-- within: where the two stacks are together. "region": in one account and region; "account": in one
-- account; "regions": in one region of any account.
local WIRES = {
  {
    output = "BoundaryArn",
    from = "boundary",
    into = { storage = true, core = true, endpoint = true, events = true, replay = true },
    within = "account",
  },
  { output = "TokenTableName", from = "tokens", into = { core = true }, within = "account" },
  {
    output = "LayerArn",
    from = "core",
    into = { endpoint = true, events = true, replay = true },
    within = "region",
  },
  { output = "ClaimsTableName", from = "core", into = { events = true }, within = "region" },
  { output = "StateMachineArn", from = "core", into = { events = true }, within = "region" },
  { output = "SinkArn", from = "shared", into = { link = true }, within = "regions" },
  {
    output = "AlarmTopicArn",
    from = "shared",
    into = { core = true, endpoint = true, events = true },
    within = "regions",
  },
  {
    output = "AccessPointArn",
    from = "storage",
    into = { core = true, events = true, storage = true },
    within = "regions",
  },
  {
    output = "AccessRoleArn",
    parameter = "AccessRoleArns",
    from = "storage",
    of_readers = true,
    into = { storage = true },
    within = "account",
  },
}

local TOGETHER = {
  region = function(a, b) return a.account == b.account and a.region == b.region end,
  account = function(a, b) return a.account == b.account end,
  regions = function(a, b) return a.region == b.region end,
}

-- The storage template makes three kinds of stack: the access point, one reader's role, the policy.
local function is_source(wire, stack)
  return stack.template == wire.from and not stack.is_policy
    and (stack.reader ~= nil) == (wire.of_readers or false)
end

local function is_wired(wire, stack)
  if not wire.into[stack.template] then return false end
  if wire.of_readers then return stack.is_policy or false end
  if stack.template ~= "storage" or wire.from ~= "storage" then return true end

  return stack.reader ~= nil or stack.is_policy or false
end

function wires.into(all, stack)
  local found = {}
  for _, wire in ipairs(WIRES) do
    local sources = {}
    for _, other in ipairs(is_wired(wire, stack) and all or {}) do
      if is_source(wire, other) and TOGETHER[wire.within](stack, other) then
        sources[#sources + 1] = other
      end
    end

    if #sources > 0 then
      found[#found + 1] = {
        parameter = wire.parameter or wire.output,
        output = wire.output,
        stacks = sources,
      }
    end
  end

  return found
end

-- The values of one wire, joined | nil where one of them is missing | nil, message, code
local function value_of(session, wire)
  local values = {}
  for i, source in ipairs(wire.stacks) do
    local outputs, message, code = session:outputs(source)
    if not outputs then return nil, message, code end
    values[i] = outputs[wire.output]
    if not values[i] then return nil end
  end

  return table.concat(values, ",")
end

function wires.values(session, stack)
  local values, pending = {}, {}
  for _, wire in ipairs(wires.into(session.all, stack)) do
    local value, message, code = value_of(session, wire)
    if message then return nil, message, code end

    values[wire.parameter] = value
    if not value then pending[#pending + 1] = wire end
  end

  return values, pending
end

return wires
