-- The metrics of an invocation as lines of CloudWatch's embedded metric format: the runtime's own
-- (Duration, Success, Error, ColdStart, PolicyAge) and those of the handler, a line for each set of
-- dimensions (weir.emf.collector).
--
-- Namespace: WEIR_METRICS_NAMESPACE, or "weir". Every metric has the dimension Function; the
-- runtime's own also Handler. What is different every time is a property, which costs nothing: the
-- request's id, and what is known of the policies.
local emf = require "weir.emf"

local Metrics = {}
Metrics.__index = Metrics

-- What lines may get as properties: no metric may have such a name, in any invocation.
local PROPERTIES = {
  "request_id",
  "policy_digest",
  "policy_version",
  "policy_loaded_at",
  "policy_fetched_at",
  "policy_problem",
  "policy_refused",
  "policy_refused_version",
  "policy_refused_at",
  "policy_fetch_failed",
  "policy_fetch_failed_at",
  "id",
  "schema",
  "shadow_digest",
}

-- What the runtime measures of each invocation, in the order in which `invocation` adds it.
local OWN = {
  { name = "Duration", unit = "Milliseconds", dimensions = {} },
  { name = "Success", unit = "Count", dimensions = {} },
  { name = "Error", unit = "Count", dimensions = {} },
  { name = "ColdStart", unit = "Count", dimensions = {} },
  { name = "PolicyAge", unit = "Seconds", dimensions = {} },
}

-- new{function_name =, handler =, namespace =, write = function(text, rest)}: texts of whole lines.
-- Raises when CloudWatch would not take one of the names.
local function new(given)
  local function collector(dimensions)
    return emf.collector {
      namespace = given.namespace,
      dimensions = dimensions,
      properties = PROPERTIES,
    }
  end

  -- Not one that a handler can add to.
  local own_collector = collector { Function = given.function_name, Handler = given.handler }
  return setmetatable({
    output = given.write,
    collector = collector { Function = given.function_name },
    own_collector = own_collector,
    own = own_collector:series(OWN),
    text = "",
    own_text = "",
  }, Metrics)
end

-- lines(properties, request_id): what the handler added to `collector`, as lines that wait.
-- properties: a JSON object, as text; request_id: or nil.
function Metrics:lines(properties, request_id)
  self.text = self.text .. self.collector:lines(properties, request_id)
end

-- add(list of { name =, value =, unit =, dimensions = }, properties): what else is measured.
function Metrics:add(metrics, properties)
  for _, metric in ipairs(metrics) do
    self.collector:add(metric.name, metric.value, metric.unit, metric.dimensions)
  end

  self:lines(properties)
end

-- What the runtime measures of each invocation. age_s: of the policies, or nil.
function Metrics:invocation(properties, request_id, duration_ms, is_ok, is_cold, age_s)
  self.own:add(duration_ms, is_ok and 1 or 0, is_ok and 0 or 1, is_cold and 1 or 0, age_s)
  self.own_text = self.own_collector:lines(properties, request_id)
end

-- Writes the lines that wait, all at once.
function Metrics:flush()
  if self.text == "" and self.own_text == "" then return end
  self.output(self.text, self.own_text)
  self.text, self.own_text = "", ""
end

return { new = new }
