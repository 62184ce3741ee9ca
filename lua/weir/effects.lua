-- The seam between deciding and doing. Handlers reach the outside through an executor only:
--
--   effects:call{service=, operation=, target=, input=}  changes something; → output | nil, message, code
--   effects:read{service=, operation=, target=, input=}  looks something up; the same answers
--   effects:metric(name, value, unit, dimensions)        one measurement
--   effects:setting(name[, default])                     one setting of the handler, a text
--   effects:now()  effects:uuid()                        epoch seconds, and a random UUID (version 4)
--
-- A call or read may name the `role` to take for it, as clients do (weir.aws.client); `target` is what
-- people and worlds know the thing by. Both executors check a request against the operation's members,
-- so that a dry run stumbles over the mistakes of a live one.
--
-- The dry executor changes nothing: calls go to `plan` and are answered plausibly, reads and settings
-- come from what the event carries as its `world` and `config`, or from AWS when live reads were asked
-- for, and what is not there is noted in `unknown`. The live one does what it is told; its `plan` is
-- what it did, `failures` what AWS refused.
local process = require "weir.process"

local effects = {}

-- Loaded when the first call comes: a handler that only decides starts without the clients.
local function executor() return require "weir.aws.executor" end

local SIGNATURE = "effects:call{service=, operation=, target=, input=, role=?}"
local REQUEST = { service = "string", operation = "string", target = "string", input = "table" }

-- A mistake in a handler, not in the world: raises. changes: whether effects:call asks.
local function check_request(request, changes)
  if type(request) ~= "table" then error("expected " .. SIGNATURE, 3) end
  for key in pairs(request) do
    if not REQUEST[key] and key ~= "role" then
      error(("unknown key '%s'; expected %s"):format(tostring(key), SIGNATURE), 3)
    end
  end
  for key, wanted in pairs(REQUEST) do
    if type(request[key]) ~= wanted then
      error(("%s must be a %s; expected %s"):format(key, wanted, SIGNATURE), 3)
    end
  end
  executor().check(request, changes)
end

local function check_metric(name, value, unit, dimensions)
  local ok = type(name) == "string" and type(value) == "number" and value == value
    and math.abs(value) < math.huge
    and type(unit) == "string" and type(dimensions) == "table"
  if not ok then error("expected effects:metric(name, finite number, unit, dimensions)", 3) end
end

-- Dry ----------------------------------------------------------------------------------------

local Dry = {}
Dry.__index = Dry

local function from_world(self, request)
  local answers = self.world[request.service .. "." .. request.operation]
  local answer = type(answers) == "table" and answers[request.target]
  return type(answer) == "table" and answer or nil
end

function Dry:call(request)
  check_request(request, true)
  self.plan[#self.plan + 1] = executor().planned(request)
  return from_world(self, request) or executor().plausible_answer(request)
end

local function not_known(self, what, remedy)
  self.unknown[#self.unknown + 1] = { what = what, remedy = remedy }
  return nil, what .. " is unknown in a dry run; " .. remedy, "Unknown"
end

-- The world is { ["service.Operation"] = { [target] = answer } }.
function Dry:read(request)
  check_request(request, false)
  local answer = from_world(self, request)
  if answer then return answer end
  if self.reader then return self.reader:perform(request) end
  local name = request.service .. "." .. request.operation
  return not_known(self, name .. " of " .. request.target,
    ('give it in the event: "world": {"%s": {"%s": {…}}}, or read it from AWS with --live-reads')
      :format(name, request.target))
end

function Dry:metric(name, value, unit, dimensions)
  check_metric(name, value, unit, dimensions)
  self.metrics[#self.metrics + 1] = { name = name, value = value, unit = unit, dimensions = dimensions }
end

-- What a setting is called in the environment; the first that is set wins.
local function variables(name) return "WEIR_" .. name:upper(), name:upper() end

-- For messages: "WEIR_STATE_MACHINE or STATE_MACHINE".
function effects.variables(name) return ("%s or %s"):format(variables(name)) end

local function from_environment(name)
  for _, variable in ipairs { variables(name) } do
    local value = os.getenv(variable)
    if value and value ~= "" then return value end
  end
end

local function from_config(config, name)
  local value = config[name]
  if type(value) == "boolean" or type(value) == "number" then return tostring(value) end
  return type(value) == "string" and value ~= "" and value or nil
end

function Dry:setting(name, default)
  local value = from_config(self.config, name) or from_environment(name) or default
  if value then return value end
  return not_known(self, "the setting " .. name,
    ('set %s, or give it in the event: "config": {"%s": …}'):format(effects.variables(name), name))
end

function Dry.now() return process.time() // 1000 end

function Dry.uuid()
  local id = assert(process.new_id())
  local variant = tonumber(id:sub(17, 17), 16) % 4 + 1
  return ("%s-%s-4%s-%s%s-%s"):format(id:sub(1, 8), id:sub(9, 12), id:sub(14, 16),
    ("89ab"):sub(variant, variant), id:sub(18, 20), id:sub(21))
end

-- effects.dry{world =, config =, live_reads =, client =}: world and config as in the event; client is
-- the configuration of the clients that read live. Any may be absent.
function effects.dry(given)
  return setmetatable({
    dry = true, plan = {}, metrics = {}, unknown = {}, failures = {}, world = given.world or {},
    config = given.config or {}, reader = given.live_reads and executor().new(given.client) or nil,
  }, Dry)
end

-- Live ---------------------------------------------------------------------------------------

local Live = {}
Live.__index = Live

local function perform(self, request)
  local output, message, code, details = self.executor:perform(request)
  if not output then
    self.failures[#self.failures + 1] = { service = request.service, operation = request.operation, code = code }
  end
  return output, message, code, details
end

function Live:call(request)
  check_request(request, true)
  self.plan[#self.plan + 1] = executor().planned(request)
  return perform(self, request)
end

function Live:read(request)
  check_request(request, false)
  return perform(self, request)
end

Live.metric = Dry.metric

function Live.setting(_, name, default)
  local value = from_environment(name) or default
  if value then return value end
  return nil, ("the setting %s is missing; set %s"):format(name, effects.variables(name)), "NotConfigured"
end

Live.now, Live.uuid = Dry.now, Dry.uuid

-- effects.live{client =, executor =}: the configuration of the clients, if any, or an executor whose
-- clients live longer than one invocation.
function effects.live(given)
  given = given or {}
  return setmetatable({ dry = false, plan = {}, metrics = {}, unknown = {}, failures = {},
    executor = given.executor or executor().new(given.client) }, Live)
end

return effects
