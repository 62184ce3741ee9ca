-- The seam between deciding and doing. Handlers reach the outside through effects only:
--
--   effects:call(request)      changes something; → output | nil, message, code
--   effects:read(request)      looks something up; the same answers
--   effects:pages(request)     → list of all pages | nil, message, code
--   effects:metric(name, value, unit, dimensions)   one measurement
--   effects:measure(metrics, value, …)              one of each metric of the list that a handler
--       always measures, and keeps: { name =, unit =, dimensions = }
--   effects:setting(name[, default])                one setting of the handler, a text
--   effects:now()              epoch seconds; of a dry run, those of its config's member now
--   effects:uuid()             a random UUID (version 4)
--
--   effects:in_region(region)  the same effects, with every request to services of that region
--
-- request is { service =, operation =, target =, input =, role =?, attempts =?, within_ms =?,
-- region =? }.
--
-- A request may name the `role` to take for it, as clients do (weir.aws.client), how many attempts
-- it may have, and within how many milliseconds they must be over; `target` is the name under which
-- people and a dry run's world know the thing.
--
-- Dry effects change nothing: calls go to `plan` and get a plausible answer; reads and settings
-- come from the event's members `world` and `config`, or from AWS when live reads were asked for.
-- What is not there is noted in `unknown`. Live effects carry out each request; their `plan` is
-- what they did, `failures` what AWS refused. Each request is checked against the operation's
-- members here, once, so that a dry run finds the mistakes of a live one.
--
-- The secrets of every answer are noted (weir.redact), so that no copy of one is shown later. New
-- effects are a new invocation, which forgets those of the last.
local process = require "weir.process"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"
local uuid = require "weir.uuid"

local effects = {}

-- Loaded when the first request comes: a handler that only decides starts without the clients.
local function executor() return require "weir.aws.executor" end

-- Requests ------------------------------------------------------------------------------------

local SIGNATURE = "effects:call{service=, operation=, target=, input=, role=?, attempts=?, "
  .. "within_ms=?, region=?}"
local REQUEST = { service = "string", operation = "string", target = "string", input = "table" }
local LIMITS = { attempts = true, within_ms = true }

local function is_limit(value)
  return value == nil or math.type(value) == "integer" and value > 0
end

-- Raises for a mistake in a request, because the handler made it, not the world. → the operation
-- changes: effects:call asks, which may change something; effects:read may not.
local function check_request(request, changes)
  if type(request) ~= "table" then error("expected " .. SIGNATURE, 3) end
  for key in sorted_pairs(request) do
    if not REQUEST[key] and not LIMITS[key] and key ~= "role" and key ~= "region" then
      error(("unknown key '%s'; expected %s"):format(tostring(key), SIGNATURE), 3)
    end
  end

  for key, wanted in sorted_pairs(REQUEST) do
    if type(request[key]) ~= wanted then
      error(("%s must be a %s; expected %s"):format(key, wanted, SIGNATURE), 3)
    end
  end

  if not is_limit(request.attempts) or not is_limit(request.within_ms) then
    error("attempts and within_ms must be whole and above 0; expected " .. SIGNATURE, 3)
  end

  if request.region ~= nil and type(request.region) ~= "string" then
    error("region must be a text; expected " .. SIGNATURE, 3)
  end

  return executor().check(request, changes)
end

local function with_input(request, input)
  return {
    service = request.service,
    operation = request.operation,
    target = request.target,
    role = request.role,
    attempts = request.attempts,
    within_ms = request.within_ms,
    region = request.region,
    input = input,
  }
end

-- Every page, so that a handler never decides on a part of a list.
local function read_pages(self, request)
  local operation = check_request(request, false)
  if not operation.paging then
    error(("%s %s has no pages"):format(request.service, request.operation), 3)
  end

  local list = {}
  local ask = function(input) return self:read(with_input(request, input)) end
  for page, message, code, details in require "weir.aws.pages"(operation, request.input, ask) do
    if not page then return nil, message, code, details end
    list[#list + 1] = page
  end

  return list
end

-- Regions -------------------------------------------------------------------------------------

-- → effects whose requests go to the region; everything else is that of `own`
local function in_region(own, region)
  local view = {}
  for _, name in ipairs { "call", "read", "pages" } do
    view[name] = function(_, request)
      local asked = with_input(request, request.input)
      asked.region = region
      return own[name](own, asked)
    end
  end

  return setmetatable(view, { __index = own })
end

-- Settings ------------------------------------------------------------------------------------

-- What the Python handlers that these replace call a setting.
local ALSO = {
  token_table = "task_token_table_name",
  bucket = "s3_access_point",
  output_bucket = "s3_access_point_output",
  prefix = "prefix_filter",
  suffix = "suffix_filter",
  model_name = "sagemaker_model_name",
  instance_type = "sagemaker_instance_type",
}

-- The variables of a setting in the environment; the first that is set counts.
local function variables(name)
  local also = ALSO[name]
  return { "WEIR_" .. name:upper(), name:upper(), also and also:upper() }
end

-- For messages: "WEIR_STATE_MACHINE or STATE_MACHINE".
function effects.variables(name) return ("%s or %s"):format(table.unpack(variables(name))) end

local function look_up(name)
  for _, variable in ipairs(variables(name)) do
    local value = os.getenv(variable)
    if value and value ~= "" then return value end
  end

  return false
end

-- Looked up once: `environment` is what these effects know of it, name → text or false.
local function from_environment(self, name)
  local environment = self.environment
  local value = environment[name]
  if value == nil then
    value = look_up(name)
    environment[name] = value
  end

  return value or nil
end

local function from_config(config, name)
  if not config then return nil end
  for _, key in ipairs { name, ALSO[name] or name, table.unpack(variables(name), 2) } do
    local value = config[key]
    if type(value) == "boolean" or type(value) == "number" then return tostring(value) end
    if type(value) == "string" and value ~= "" then return value end
  end
end

-- Metrics -------------------------------------------------------------------------------------

-- Finite: neither infinity nor NaN less itself is 0.
local function is_metric(name, value, unit, dimensions)
  return type(name) == "string" and type(value) == "number" and value - value == 0
    and type(unit) == "string" and type(dimensions) == "table"
end

-- An organisation that sets USE_CASE tells its use cases apart by it, in every metric.
local function use_case(self)
  return from_config(self.config, "use_case") or from_environment(self, "use_case")
end

-- → a copy of the dimensions, as they may be shown
local function shown_dimensions(self, name, value, unit, dimensions)
  if not is_metric(name, value, unit, dimensions) then
    error("expected effects:metric(name, finite number, unit, dimensions)", 3)
  end

  local shown, case = redact.value(dimensions), use_case(self)
  if case and not shown.UseCase then shown.UseCase = case end
  return shown
end

local function add_metric(self, name, value, unit, dimensions)
  local shown = shown_dimensions(self, name, value, unit, dimensions)
  self.metrics[#self.metrics + 1] = { name = name, value = value, unit = unit, dimensions = shown }
end

-- To the collector, if there is one. What was measured before is shown as it was then, unless a
-- secret is known by now, or every metric has its UseCase.
local function collect_metric(self, name, value, unit, dimensions)
  local collector = self.collector
  if self.metrics then return add_metric(self, name, value, unit, dimensions) end
  if not collector then return end

  local is_alone = self.environment.use_case == false -- it was looked up, and is not set
  if is_alone and not redact.knows_any() and collector:again(name, value, unit, dimensions) then
    return
  end

  local shown = shown_dimensions(self, name, value, unit, dimensions)
  local ok, why = collector:add(name, value, unit, shown)
  if not ok then table.insert(self.left_out, why) end
end

local function measure(self, metrics, ...)
  for i, metric in ipairs(metrics) do
    self:metric(metric.name, (select(i, ...)), metric.unit, metric.dimensions)
  end
end

-- The same as collect_metric one after the other, but looked up once.
local function collect_measured(self, metrics, ...)
  local is_alone = self.environment.use_case == false
  if not self.collector or not is_alone or redact.knows_any() then
    return measure(self, metrics, ...)
  end

  local series = self.series[metrics]
  if not series then
    series = self.collector:series(metrics)
    self.series[metrics] = series
  end

  series:add(...)
end

-- Dry -----------------------------------------------------------------------------------------

local Dry = {}
Dry.__index = Dry

-- A list of answers is given one after the other, the last again and again.
local function next_of(answers)
  if #answers > 1 then return table.remove(answers, 1) end
  return answers[1]
end

-- What the world says to a request: answer | nil (nothing) | nil, message, code
local function from_world(self, request)
  local answers = self.world[request.service .. "." .. request.operation]
  local answer = type(answers) == "table" and answers[request.target] or nil
  if type(answer) == "table" and #answer > 0 then answer = next_of(answer) end
  if type(answer) ~= "table" then return nil end

  local failure = answer.failure
  if type(failure) ~= "table" then return answer end
  return nil, tostring(failure.message or "the event's world says so"), tostring(failure.code)
end

function Dry:call(request)
  check_request(request, true)
  self.plan[#self.plan + 1] = executor().planned(request)
  local answer, message, code = from_world(self, request)
  if message then return nil, message, code, {} end

  return answer or executor().plausible_answer(request)
end

local function not_known(self, what, remedy)
  self.unknown[#self.unknown + 1] = { what = what, remedy = remedy }
  return nil, what .. " is unknown in a dry run; " .. remedy, "Unknown"
end

-- The world is { ["service.Operation"] = { [target] = answer } }; an answer may be a list, for one
-- call after the other, or { failure = { code =, message = } }.
function Dry:read(request)
  check_request(request, false)
  local answer, message, code = from_world(self, request)
  if answer or message then return answer, message, code end
  if self.reader then return redact.noted(self.reader:perform(request)) end

  local name = request.service .. "." .. request.operation
  return not_known(self, name .. " of " .. request.target,
    ('give it in the event: "world": {"%s": {"%s": {…}}}, or read it from AWS with --live-reads')
      :format(name, request.target))
end

function Dry:setting(name, default)
  local value = from_config(self.config, name) or from_environment(self, name) or default
  if value then return value end
  return not_known(self, "the setting " .. name,
    ('set %s, or give it in the event: "config": {"%s": …}'):format(effects.variables(name), name))
end

-- A dry run of another hour has it in its config.
function Dry:now()
  local now = self.config and math.tointeger(tonumber(self.config.now))
  return now or process.time() // 1000
end

Dry.pages, Dry.metric, Dry.measure, Dry.uuid = read_pages, add_metric, measure, uuid
Dry.in_region = in_region

-- effects.dry{world =, config =, live_reads =, client =}: world and config as in the event; client
-- is the configuration of the clients that read live. Any may be absent.
function effects.dry(given)
  redact.forget()
  return setmetatable({
    dry = true,
    plan = {},
    metrics = {},
    unknown = {},
    failures = {},
    world = redact.noted(given.world or {}),
    config = redact.noted(given.config or {}),
    environment = {},
    reader = given.live_reads and executor().new(given.client) or nil,
  }, Dry)
end

-- Live ----------------------------------------------------------------------------------------

local Live = {}
Live.__index = Live

local function perform(self, request)
  local output, message, code, details = redact.noted(self.executor:perform(request))
  if not output and self.failures then
    self.failures[#self.failures + 1] = {
      service = request.service,
      operation = request.operation,
      code = code,
    }
  end

  return output, message, code, details
end

function Live:call(request)
  check_request(request, true)
  if self.plan then self.plan[#self.plan + 1] = executor().planned(request) end
  return perform(self, request)
end

function Live:read(request)
  check_request(request, false)
  return perform(self, request)
end

function Live:setting(name, default)
  local value = from_environment(self, name) or default
  if value then return value end
  return nil, ("the setting %s is missing; set %s"):format(name, effects.variables(name)),
    "NotConfigured"
end

Live.now, Live.pages, Live.uuid = Dry.now, read_pages, uuid
Live.metric, Live.measure = collect_metric, collect_measured
Live.in_region = in_region

-- effects.live{client =, executor =, environment =}: the configuration of the clients, if any, or
-- an executor whose clients live longer than one invocation; a table for what was read from the
-- environment, if that is to be known longer.
function effects.live(given)
  given = given or {}
  redact.forget()
  return setmetatable({
    dry = false,
    plan = {},
    metrics = {},
    unknown = {},
    failures = {},
    environment = given.environment or {},
    executor = given.executor or executor().new(given.client),
  }, Live)
end

-- effects.of_invocation{executor =, environment =, collector =, series =, left_out =}: live effects
-- that remember nothing of what they did. Metrics go to the collector (weir.emf), and why it does
-- not take one of them into the list left_out; `series` is a table for what it knows of metrics.
-- Whoever keeps the effects measures nothing once their `collector` is taken away.
function effects.of_invocation(given)
  redact.forget()
  return setmetatable({
    dry = false,
    environment = given.environment,
    collector = given.collector,
    series = given.series,
    left_out = given.left_out,
    executor = given.executor,
  }, Live)
end

return effects
