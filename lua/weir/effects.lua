-- The seam between deciding and doing. Handlers reach the outside through an executor only:
--
--   effects:call{service=, operation=, target=, input=}  changes something; → output | nil, message, code
--   effects:read{service=, operation=, target=, input=}  looks something up; the same answers
--   effects:metric(name, value, unit, dimensions)        one measurement
--   effects:setting(name)                                one setting of the handler, a text
--
-- The dry executor changes nothing: calls go to `plan` and are answered plausibly, reads and
-- settings come from what the event carries as its `world` and `config`, and what is not there is
-- noted in `unknown`. The live one answers "NotAvailable": AWS clients come with a later version.
local effects = {}

local SIGNATURE = "effects:call{service=, operation=, target=, input=}"
local REQUEST = { service = "string", operation = "string", target = "string", input = "table" }

-- A mistake in a handler, not in the world: raises.
local function check_request(request)
  if type(request) ~= "table" then error("expected " .. SIGNATURE, 3) end
  for key in pairs(request) do
    if not REQUEST[key] then error(("unknown key '%s'; expected %s"):format(tostring(key), SIGNATURE), 3) end
  end
  for key, wanted in pairs(REQUEST) do
    if type(request[key]) ~= wanted then
      error(("%s must be a %s; expected %s"):format(key, wanted, SIGNATURE), 3)
    end
  end
end

local function check_metric(name, value, unit, dimensions)
  local ok = type(name) == "string" and type(value) == "number" and value == value
    and math.abs(value) < math.huge
    and type(unit) == "string" and type(dimensions) == "table"
  if not ok then error("expected effects:metric(name, finite number, unit, dimensions)", 3) end
end

-- Dry ----------------------------------------------------------------------------------------

-- What AWS would answer, for the operations whose answer handlers use.
local ANSWERS = {
  ["stepfunctions.StartExecution"] = function(request)
    local arn = request.target:gsub(":stateMachine:", ":execution:", 1)
    return { executionArn = arn .. ":" .. tostring(request.input.name), startDate = 0 }
  end,
}

local Dry = {}
Dry.__index = Dry

function Dry:call(request)
  check_request(request)
  self.plan[#self.plan + 1] = request
  local answer = ANSWERS[request.service .. "." .. request.operation]
  return answer and answer(request) or {}
end

local function not_known(self, what, remedy)
  self.unknown[#self.unknown + 1] = { what = what, remedy = remedy }
  return nil, what .. " is unknown in a dry run; " .. remedy, "Unknown"
end

-- The world is { ["service.Operation"] = { [target] = answer } }.
function Dry:read(request)
  check_request(request)
  local name = request.service .. "." .. request.operation
  local answers = self.world[name]
  local answer = type(answers) == "table" and answers[request.target]
  if type(answer) == "table" then return answer end
  return not_known(self, name .. " of " .. request.target,
    ('give it in the event: "world": {"%s": {"%s": {…}}}'):format(name, request.target))
end

function Dry:metric(name, value, unit, dimensions)
  check_metric(name, value, unit, dimensions)
  self.metrics[#self.metrics + 1] = { name = name, value = value, unit = unit, dimensions = dimensions }
end

local function variable(name) return "WEIR_" .. name:upper() end

function Dry:setting(name)
  local value = self.config[name] or os.getenv(variable(name))
  if type(value) == "string" and value ~= "" then return value end
  return not_known(self, "the setting " .. name,
    ('set %s, or give it in the event: "config": {"%s": …}'):format(variable(name), name))
end

-- effects.dry{world =, config =}: both as in the event, either may be absent.
function effects.dry(given)
  return setmetatable({
    dry = true, plan = {}, metrics = {}, unknown = {}, world = given.world or {}, config = given.config or {},
  }, Dry)
end

-- Live ---------------------------------------------------------------------------------------

local Live = {}
Live.__index = Live

local function not_available(request)
  check_request(request)
  return nil, ("%s %s is not available in this version"):format(request.service, request.operation),
    "NotAvailable"
end

function Live:call(request)
  self.plan[#self.plan + 1] = request
  return not_available(request)
end

function Live.read(_, request) return not_available(request) end
Live.metric = Dry.metric

function Live.setting(_, name)
  local value = os.getenv(variable(name))
  if value and value ~= "" then return value end
  return nil, ("the setting %s is missing; set %s"):format(name, variable(name)), "NotConfigured"
end

function effects.live()
  return setmetatable({ dry = false, plan = {}, metrics = {}, unknown = {} }, Live)
end

return effects
