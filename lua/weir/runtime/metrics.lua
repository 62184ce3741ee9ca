-- The metrics of an invocation as lines of CloudWatch's embedded metric format: the runtime's own
-- (Duration, Success, Error, ColdStart) and those of the handler, a line for each set of dimensions.
--
-- Namespace: WEIR_METRICS_NAMESPACE, or "weir". Every metric has the dimension Function; the runtime's
-- own also Handler. What is different every time is a property, which costs nothing: the request's id,
-- the policy's digest and version.
local emf = require "weir.emf"
local json = require "weir.json"

local Metrics = {}
Metrics.__index = Metrics

-- new{function_name =, handler =, namespace =, write = function(line)}
local function new(given)
  return setmetatable({
    namespace = given.namespace, function_name = given.function_name, handler = given.handler,
    output = given.write,
  }, Metrics)
end

-- The handler's metrics by their dimensions, each list in the order of measuring.
local function by_dimensions(metrics)
  local groups, order = {}, {}
  for _, metric in ipairs(metrics) do
    local key = json.encode(metric.dimensions)
    if not groups[key] then
      groups[key] = { dimensions = metric.dimensions }
      order[#order + 1] = groups[key]
    end
    table.insert(groups[key], metric)
  end
  return order
end

local function with_function(self, dimensions)
  local all = { Function = self.function_name }
  for name, value in pairs(dimensions) do all[name] = tostring(value) end
  return all
end

-- emit(list of { name =, value =, unit =, dimensions = }, properties)
function Metrics:emit(metrics, properties)
  for _, group in ipairs(by_dimensions(metrics)) do
    local writer = emf.new { namespace = self.namespace, dimensions = with_function(self, group.dimensions),
      properties = properties }
    for _, metric in ipairs(group) do writer:metric(metric.name, metric.value, metric.unit) end
    for _, line in ipairs(writer:lines()) do self.output(line) end
  end
end

-- What the runtime measures of each invocation.
function Metrics:invocation(outcome, properties)
  local dimensions = { Handler = self.handler }
  local function metric(name, value, unit)
    return { name = name, value = value, unit = unit, dimensions = dimensions }
  end
  self:emit({
    metric("Duration", outcome.duration_ms, "Milliseconds"),
    metric("Success", outcome.ok and 1 or 0, "Count"),
    metric("Error", outcome.ok and 0 or 1, "Count"),
    metric("ColdStart", outcome.cold and 1 or 0, "Count"),
  }, properties)
end

return { new = new }
