-- What the Lambda runtime does with an invocation: the event to the handler, the handler's decisions to
-- the log, its answer or failure back, then metrics and traces. host/lambda_runtime.c is the loop around
-- it: it calls start() once, then handle(), measure() and finish() for each invocation.
--
-- A failing handler fails the invocation: no answer ever carries an error inside of a success.
local effects = require "weir.effects"
local failure = require "weir.runtime.failure"
local find_handler = require("weir.runtime.handler").find
local handlers = require "weir.handlers"
local aws_invocation = require "weir.aws.invocation"
local invocation = require "weir.invocation"
local json = require "weir.json"
local log = require "weir.runtime.log"
local metrics = require "weir.runtime.metrics"
local policy_source = require "weir.runtime.policy_source"
local process = require "weir.process"

local runtime = {}

-- How long the first fetch of a remote policy set may take; Lambda gives the start ten seconds.
local START_FETCH_MS = 5000
local DEFAULT_NAMESPACE = "weir"
local DEFAULT_DAEMON = "127.0.0.1:2000"

local function setting(name, default)
  local value = os.getenv(name)
  if value and value ~= "" then return value end
  return default
end

-- Policies ------------------------------------------------------------------------------------

local CHANGE_METRIC = { swapped = "PolicySwapped", refused = "PolicyRefused", failed = "PolicyFetchFailed" }

-- A change of the policy set, or why there was none: a log record and a metric.
local function report_change(self, event)
  if event.change == "swapped" then
    self.log:write("INFO", "the policy set was swapped", { from = event.from, to = event.to,
      version = event.version })
  else
    self.log:write("WARN", event.instead
        and ("the policy set of %s goes on instead: %s"):format(event.instead, event.message)
        or "the last good policy set goes on: " .. event.message,
      { errorType = event.code, version = event.version, policy_digest = self.source.set:digest() })
  end
  self.metrics:add({ { name = CHANGE_METRIC[event.change], value = 1, unit = "Count", dimensions = {} } },
    { policy_digest = self.source.set:digest(), policy_version = event.version })
  self.metrics:flush()
end

local function check_policies(self, stop_at_ms, trace)
  local source = self.source
  if not source.set or not source:is_due() then return end
  local event = source:check(stop_at_ms, trace.sampled and trace or nil)
  if event then report_change(self, event) end
end

-- A handler of ours that decides nothing needs no set; one of the function's package finds out when it asks.
local function load_policies(self)
  local wanted = self.handler.asks
  local source, message, code = policy_source.open { kind = wanted }
  if not source then return nil, message, code end
  self.source = source
  if not wanted and not self.handler.from_package then return true end
  local loaded, event
  loaded, event, code = source:load(process.time() + START_FETCH_MS)
  if not loaded then
    if not wanted and code == "NoPolicySet" and not source.named then return true end
    return nil, event, code
  end
  if event then report_change(self, event) end
  return true
end

-- Start ---------------------------------------------------------------------------------------

local function begin(self)
  local message, code
  self.handler, message, code = find_handler(os.getenv("_HANDLER"), setting("LAMBDA_TASK_ROOT"))
  if not self.handler then return nil, message, code end
  local ok
  ok, self.metrics = pcall(metrics.new, { namespace = setting("WEIR_METRICS_NAMESPACE", DEFAULT_NAMESPACE),
    function_name = setting("AWS_LAMBDA_FUNCTION_NAME", "local"), handler = self.handler.name,
    write = function(line) self.log:line(line) end })
  if not ok then
    return nil, "the metrics need names that CloudWatch takes (WEIR_METRICS_NAMESPACE): " .. self.metrics,
      "InvalidSetting"
  end
  return load_policies(self)
end

-- start() → service | nil, JSON of the failure, its type. The failure is in the log.
function runtime.start()
  -- What a handler prints goes out line by line: it keeps its place among our records, which are written
  -- past this buffer, and never cuts one in two.
  io.stdout:setvbuf("line")
  local self = { log = log.new(), cold = true,
    daemon = setting("AWS_XRAY_DAEMON_ADDRESS", DEFAULT_DAEMON) }
  local ok, started, message, code = xpcall(begin, function(raised)
    local problem = failure.from_raised(raised)
    return problem
  end, self)
  if ok and started then
    return {
      handle = function() return runtime.handle(self) end,
      measure = function() return runtime.measure(self) end,
      finish = function(...) return runtime.finish(self, ...) end,
    }
  end
  local problem = ok and failure.new(code, message) or started
  if not problem.type:find("^Runtime%.") then problem.type = "Runtime." .. problem.type end
  self.log:failure("FATAL", problem)
  return nil, failure.json(problem), problem.type
end

-- An invocation -------------------------------------------------------------------------------

local NO_TRACE = { sampled = false }

local function start_trace(self, header)
  if not header or not header:find("Sampled=1", 1, true) then return NO_TRACE end
  return require("weir.runtime.xray").start(header, self.daemon)
end

-- The clients live from their first call to the end of the process.
local function live_effects(self, trace)
  local function perform(effect)
    self.executor = self.executor or require("weir.aws.executor").new()
    return self.executor:perform(effect)
  end
  return effects.live { executor = { perform = function(_, effect)
    if trace.sampled then return trace:call(effect, perform) end
    return perform(effect)
  end } }
end

-- A result that is a function writes the response in parts. Whoever keeps the writer must not write into
-- the response of another invocation.
local function stream(self, current, result)
  result(function(text)
    if self.current ~= current then error("the response that this writes to has ended", 2) end
    invocation.stream(text)
  end)
  return "streamed", ""
end

local function respond(self, current, result)
  if type(result) == "function" then return stream(self, current, result) end
  return "response", json.encode(result)
end

-- Everything between the event and the answer: → outcome, text | nil, problem
local function run(self, current)
  local event, message, code = invocation.event()
  if event == nil then return nil, failure.new(code, "the event is not JSON: " .. message) end
  local set = self.source.set
  local observe = current.trace.sampled and function(entry, begin_us)
    current.trace:decision(entry, begin_us, set:digest())
  end
  local report = handlers.run(self.handler, event, set, current.effects,
    { log = self.log_decision, request_id = self.log.request_id, observe = observe })
  if report.error then return nil, failure.new(report.error.code, report.error.message) end
  return respond(self, current, report.result)
end

-- handle() → "response", text, nil | "streamed", "", nil | "error", JSON, type
function runtime.handle(self)
  local context = invocation.context()
  local trace = start_trace(self, context.trace_id)
  local current = { context = context, begin_us = process.time_us(), trace = trace,
    effects = live_effects(self, trace) }
  self.current, self.log.request_id = current, context.request_id
  self.log_decision = self.log_decision or function(line) return self.log:line(line) end
  aws_invocation.deadline_ms, aws_invocation.trace_id = context.stop_at_ms, context.trace_id
  -- Outside of what the deadline stops: a set that was swapped in must be told of. The check has a share
  -- of the time that it keeps to by itself.
  local checked, why = pcall(check_policies, self, context.stop_at_ms, trace)
  if not checked then self.log:write("ERROR", "the policies could not be checked: " .. tostring(why)) end
  local ok, outcome, text = invocation.call(run, failure.from_raised, self, current)
  if ok and outcome then return outcome, text end
  local problem = ok and text or outcome
  -- Where memory ran out, or the message handler failed, there is only Lua's own text.
  if type(problem) ~= "table" then problem = failure.new("LuaError", problem) end
  if invocation.expired() then problem.type = "DeadlineExceeded" end
  current.problem = problem
  return "error", failure.json(problem), problem.type
end

-- measure(): the metrics of the invocation, made while its answer is on the way.
function runtime.measure(self)
  local current, set, source = self.current, self.source.set, self.source
  local properties = { request_id = current.context.request_id, policy_digest = set and set:digest(),
    policy_version = source.version, policy_problem = source.problem and source.problem.code }
  current.measured = true
  current.left_out = self.metrics:add(current.effects.metrics, properties)
  self.metrics:invocation({ duration_ms = (process.time_us() - current.begin_us) / 1000,
    ok = not current.problem, cold = self.cold }, properties)
end

-- finish(sent, why): after the answer went out, or did not.
function runtime.finish(self, sent, why)
  local current = self.current
  aws_invocation.deadline_ms, aws_invocation.trace_id = nil, nil
  local unsent = not sent and current.problem
  if not sent and not current.problem then
    current.problem = failure.new("Runtime.ResponseNotSent", why)
    self.metrics:forget() -- they told of a success
    current.measured = false
  end
  if not current.measured then runtime.measure(self) end
  if current.problem then self.log:failure("ERROR", current.problem) end
  if unsent then self.log:write("ERROR", "the failure was not taken: " .. why) end
  for _, problem in ipairs(current.left_out) do self.log:write("WARN", problem) end
  self.metrics:flush()
  self.cold, self.current, self.log.request_id = false, nil, nil
end

return runtime
