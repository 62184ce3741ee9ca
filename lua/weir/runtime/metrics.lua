-- The metrics of an invocation as lines of CloudWatch's embedded metric format: the runtime's own
-- (Duration, Success, Error, ColdStart) and those of the handler, a line for each set of dimensions.
--
-- Namespace: WEIR_METRICS_NAMESPACE, or "weir". Every metric has the dimension Function; the runtime's
-- own also Handler. What is different every time is a property, which costs nothing: the request's id,
-- the policy's digest and version.
--
-- A writer is kept for each set of dimensions: what its lines have in common is made once.
local emf = require "weir.emf"
local json = require "weir.json"

-- More sets of dimensions than that mean that one of them is an id, whose writers are not worth keeping.
local MOST_WRITERS = 64

local Metrics = {}
Metrics.__index = Metrics

-- new{function_name =, handler =, namespace =, write = function(lines)}: lines of text, without the last one's end
local function new(given)
  return setmetatable({
    namespace = given.namespace, function_name = given.function_name, handler = given.handler,
    output = given.write, writers = {}, count = 0, lines = {},
  }, Metrics)
end

local function writer_for(self, dimensions)
  local key = json.encode(dimensions)
  local writer = self.writers[key]
  if writer then return writer end
  if self.count == MOST_WRITERS then self.writers, self.count = {}, 0 end
  local all = { Function = self.function_name }
  for name, value in pairs(dimensions) do all[name] = tostring(value) end
  writer = emf.new { namespace = self.namespace, dimensions = all }
  self.writers[key], self.count = writer, self.count + 1
  return writer
end

local function add(self, writer, properties)
  local lines = writer:lines(properties)
  table.move(lines, 1, #lines, #self.lines + 1, self.lines)
end

-- add(list of { name =, value =, unit =, dimensions = }, properties): what flush writes.
function Metrics:add(metrics, properties)
  local used = {}
  for _, metric in ipairs(metrics) do
    local writer = writer_for(self, metric.dimensions)
    writer:metric(metric.name, metric.value, metric.unit)
    used[#used + 1] = writer
  end
  -- One that was used before has nothing left to write.
  for _, writer in ipairs(used) do add(self, writer, properties) end
end

-- What the runtime measures of each invocation.
function Metrics:invocation(outcome, properties)
  local writer = writer_for(self, { Handler = self.handler })
  writer:metric("Duration", outcome.duration_ms, "Milliseconds")
  writer:metric("Success", outcome.ok and 1 or 0, "Count")
  writer:metric("Error", outcome.ok and 0 or 1, "Count")
  writer:metric("ColdStart", outcome.cold and 1 or 0, "Count")
  add(self, writer, properties)
end

-- Writes the lines that wait, all at once.
function Metrics:flush()
  if #self.lines == 0 then return end
  self.output(table.concat(self.lines, "\n"))
  self.lines = {}
end

return { new = new }
