-- What the Lambda runtime does with an invocation: the event to the handler, the handler's
-- decisions to the log, its answer or failure back, then metrics and traces.
-- host/lambda/invocation.c is the loop around it. It calls start() once, and for each invocation,
-- in this order:
--
--   begin(…)    what comes before the handler; the deadline does not stop it
--   run()       the handler; the deadline stops it. What it raises goes through fail(raised)
--   answer(…)   what Lambda is told
--   measure()   the metrics, while the answer is on its way
--   finish(…)   the logs, after the answer was taken or refused
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

local CHANGE_METRIC = {
  swapped = "PolicySwapped",
  refused = "PolicyRefused",
  failed = "PolicyFetchFailed",
}

-- What the log says of a change: → level, message, fields besides the status
local function describe_change(event)
  if event.change == "swapped" then
    return "INFO", "the policy set was swapped", { from = event.from, to = event.to }
  elseif event.change == "recovered" then
    return "INFO", "the policy source answers again", {}
  elseif event.instead then
    local message = "the policy set of %s goes on instead: %s"
    return "WARN", message:format(event.instead, event.message), { errorType = event.code }
  end

  return "WARN", "the last good policy set goes on: " .. event.message, { errorType = event.code }
end

-- A change of the policy set, or why there was none: a log record and a metric.
local function report_change(self, event)
  local status = self.source:status()
  status.policy_problem = nil -- of invocations: what keeps a newer version away from them
  if event.change ~= "loaded" then
    local level, message, fields = describe_change(event)
    for name, value in pairs(status) do -- any order: copies one key at a time
      fields[name] = value
    end

    fields.version = event.version
    self.log:write(level, message, fields)
  end

  if event.warnings then
    self.log:write("WARN", "the policy set has warnings: " .. event.warnings,
      { policy_digest = status.policy_digest, version = event.version })
  end

  local name = CHANGE_METRIC[event.change]
  if not name then return end
  local metric = { name = name, value = 1, unit = "Count", dimensions = {} }
  self.metrics:add({ metric }, json.encode(status))
  self.metrics:flush()
end

local function check_policies(self, stop_at_ms, trace)
  local event = self.source:check(stop_at_ms, trace.sampled and trace or nil)
  if event then report_change(self, event) end
end

-- A handler of ours that decides nothing needs no set; one of the function's package finds out when
-- it asks.
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

-- Nothing of it is loaded while it is off. Whatever is wrong with it is logged, and the function
-- starts without.
local function start_shadow(self)
  if not setting("WEIR_SHADOW_SOURCE") then return end
  self.shadow = require("weir.runtime.shadow").new {
    log = self.log,
    metrics = self.metrics,
    kind = self.handler.asks,
  }
end

local function new_metrics(self)
  return metrics.new {
    namespace = setting("WEIR_METRICS_NAMESPACE", DEFAULT_NAMESPACE),
    function_name = setting("AWS_LAMBDA_FUNCTION_NAME", "local"),
    handler = self.handler.name,
    write = function(text, rest) self.log:lines(text, rest) end,
  }
end

local function prepare(self)
  local message, code
  self.handler, message, code = find_handler(os.getenv("_HANDLER"), setting("LAMBDA_TASK_ROOT"))
  if not self.handler then return nil, message, code end

  local ok
  ok, self.metrics = pcall(new_metrics, self)
  if ok then
    self.outside.collector = self.metrics.collector
    start_shadow(self)
    return load_policies(self)
  end

  return nil, "the metrics need names that CloudWatch takes (WEIR_METRICS_NAMESPACE): "
    .. self.metrics, "InvalidSetting"
end

-- Carries out what a handler asks for, traced where the invocation is. The clients live from their
-- first call to the end of the process.
local function new_executor(self)
  local clients

  local function perform(effect)
    clients = clients or require("weir.aws.executor").new()
    return clients:perform(effect)
  end

  return {
    perform = function(_, effect)
      local current = self.current -- nil: something that outlived its invocation asks
      if current and current.trace.sampled then return current.trace:call(effect, perform) end
      return perform(effect)
    end,
  }
end

-- options(self) → what handlers.run is told; run sets what differs from invocation to invocation.
function runtime.options(self)
  return {
    forget_decisions = true,

    log = function(line)
      local ok, message, code = self.log:lines(line, "\n")
      if ok and self.shadow then self.shadow:note(line) end
      return ok, message, code
    end,

    -- Sees every decision: for the trace, and for one that failed because the memory ran out. No
    -- answer may come of that, whatever the handler makes of it.
    observe = function(entry, begin_us)
      local current = self.current
      if not current then return end -- something that outlived its invocation asks
      if entry.code == "OutOfMemory" then current.starved = true end
      if not current.trace.sampled then return end
      current.trace:decision(entry, begin_us, self.source.set:digest())
    end,
  }
end

-- The stages of an invocation, as host/lambda/invocation.c calls them. fail itself is the message
-- handler: a function around it would be in every stack.
local function service(self)
  return {
    begin = function(id, trace, stop_at_ms) return runtime.begin(self, id, trace, stop_at_ms) end,
    run = function() return runtime.run(self) end,
    fail = failure.from_raised,
    answer = function(ok, cause, first, second)
      return runtime.answer(self, ok, cause, first, second)
    end,
    measure = function() return runtime.measure(self) end,
    finish = function(sent, why, stale) return runtime.finish(self, sent, why, stale) end,
  }
end

-- start() → service | nil, JSON of the failure, its type. The failure is in the log.
function runtime.start()
  -- What a handler prints goes out line by line: it keeps its place among our records, which are
  -- written past this buffer, and never cuts one in two.
  io.stdout:setvbuf("line")
  local self = {
    log = log.new(),
    cold = true,
    daemon = setting("AWS_XRAY_DAEMON_ADDRESS", DEFAULT_DAEMON),
  }

  self.outside = { executor = new_executor(self), environment = {}, series = {}, left_out = {} }
  self.options = runtime.options(self)

  local ok, started, message, code = xpcall(prepare, function(raised)
    local failed = failure.from_raised(raised)
    return failed
  end, self)
  if ok and started then return service(self) end

  local failed = ok and failure.new(code, message) or started
  -- Where memory ran out there is only Lua's own text.
  if type(failed) ~= "table" then failed = failure.new("LuaError", failed) end
  if not failed.type:find("^Runtime%.") then failed.type = "Runtime." .. failed.type end
  self.log:failure("FATAL", failed)

  return nil, failure.json(failed), failed.type
end

-- An invocation -------------------------------------------------------------------------------

local NO_TRACE = { sampled = false }

local function start_trace(self, header)
  if not header or not header:find("Sampled=1", 1, true) then return NO_TRACE end
  return require("weir.runtime.xray").start(header, self.daemon)
end

-- begin(request_id, trace_id, stop_at_ms): as weir.invocation's context has them. A policy set that
-- is swapped in here must be told of, so the deadline does not stop this; the check keeps to its
-- share of the time by itself.
function runtime.begin(self, request_id, trace_id, stop_at_ms)
  local trace = start_trace(self, trace_id)
  self.current = {
    request_id = request_id,
    stop_at_ms = stop_at_ms,
    begin_us = process.time_us(),
    trace = trace,
    effects = effects.of_invocation(self.outside),
  }

  self.log.request_id = request_id
  aws_invocation.trace_id = trace_id

  local source = self.source
  if not source.set or not source:is_due() then return end
  local checked, why = pcall(check_policies, self, stop_at_ms, trace)
  if not checked then
    self.log:write("ERROR", "the policies could not be checked: " .. tostring(why))
  end
end

-- A result that is a function writes the response in parts. Whoever keeps the writer must not write
-- into the response of another invocation.
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

-- run() → outcome, text | nil, failure
function runtime.run(self)
  local current, options = self.current, self.options
  local event, event_json, code = invocation.event()
  if event == nil then return nil, failure.new(code, "the event is not JSON: " .. event_json) end

  options.request_id, options.event_json = self.log.request_id, event_json
  local report = handlers.run(self.handler, event, self.source.set, current.effects, options)

  if report.error then return nil, failure.new(report.error.code, report.error.message) end

  local outcome, text = respond(self, current, report.result)
  if not current.starved then return outcome, text end
  return nil, failure.new("OutOfMemory", "the memory did not suffice for a decision")
end

-- answer(ok, cause, …) → "response", text, nil | "streamed", "", nil | "error", JSON, type.
-- ok: run returned what follows; otherwise it raised, and what follows is what fail made of that.
-- cause: what cut the handler short, "DeadlineExceeded" or "OutOfMemory", however it failed.
function runtime.answer(self, ok, cause, outcome, text)
  if ok and outcome then return outcome, text end

  local failed = ok and text or outcome
  -- Where memory ran out, or the message handler failed, there is only Lua's own text.
  if type(failed) ~= "table" then failed = failure.new("LuaError", failed) end
  if cause then failed.type = cause end
  self.current.failure = failed

  return "error", failure.json(failed), failed.type
end

-- measure(): the metrics of the invocation, made while its answer is on the way.
function runtime.measure(self)
  local current, source = self.current, self.source
  local properties, request_id = source:status_json(), current.request_id
  current.measured = true
  self.metrics:lines(properties, request_id)
  self.metrics:invocation(properties, request_id, (process.time_us() - current.begin_us) / 1000,
    not current.failure, self.cold, source:age_s())
end

-- The metrics that CloudWatch would not take.
local function tell_left_out(self)
  local reasons = self.outside.left_out
  for i, reason in ipairs(reasons) do
    self.log:write("WARN", reason)
    reasons[i] = nil
  end
end

-- finish(sent, why, stale): after the answer was taken or, sent being false, was not, and why.
-- stale: Lambda had ended the invocation before the answer came.
function runtime.finish(self, sent, why, stale)
  local current = self.current
  aws_invocation.trace_id = nil
  local unsent = not sent and current.failure
  if not sent and not current.failure then
    current.failure = failure.new(stale and "Runtime.StaleAnswer" or "Runtime.ResponseNotSent", why)
    current.measured = false -- it was measured as a success
  end

  if not current.measured then runtime.measure(self) end
  if current.failure then self.log:failure("ERROR", current.failure) end
  if unsent then self.log:write("ERROR", "the failure was not taken: " .. why) end
  if self.outside.left_out[1] then tell_left_out(self) end
  self.metrics:flush()
  if self.shadow then
    self.shadow:run(current.stop_at_ms, self.source.set, self.log.request_id)
  end

  current.effects.collector = nil
  self.cold, self.current, self.log.request_id = false, nil, nil
end

return runtime
