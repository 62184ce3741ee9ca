-- The metrics of an invocation as lines of CloudWatch's embedded metric format: the runtime's own
-- (Duration, Success, Error, ColdStart, PolicyAge) and those of the handler, a line for each set of
-- dimensions.
--
-- Namespace: WEIR_METRICS_NAMESPACE, or "weir". Every metric has the dimension Function; the
-- runtime's own also Handler. What is different every time is a property, which costs nothing: the
-- request's id, and what is known of the policies.
--
-- A writer is kept for each set of dimensions: what its lines have in common is made once.
local emf = require "weir.emf"
local json = require "weir.json"

-- More sets of dimensions than that mean that one of them is an id: its writers are not worth
-- keeping.
local MOST_WRITERS = 64

local Metrics = {}
Metrics.__index = Metrics

-- What Metrics:add may get as properties: no metric may have such a name, in any invocation.
local PROPERTIES = {
  request_id = true,
  policy_digest = true,
  policy_version = true,
  policy_loaded_at = true,
  policy_fetched_at = true,
  policy_problem = true,
  policy_refused = true,
  policy_refused_version = true,
  policy_refused_at = true,
  policy_fetch_failed = true,
  policy_fetch_failed_at = true,
  id = true,
  schema = true,
  shadow_digest = true,
}

local function new_writer(self, dimensions)
  local all = { Function = self.function_name }
  for name, value in pairs(dimensions) do -- any order: copies one key at a time
    all[name] = tostring(value)
  end

  return emf.new { namespace = self.namespace, dimensions = all }
end

-- new{function_name =, handler =, namespace =, write = function(lines)}: lines of text, without the
-- end of the last one. Raises when CloudWatch would not take one of the names.
local function new(given)
  local self = setmetatable({
    namespace = given.namespace,
    function_name = given.function_name,
    output = given.write,
    writers = {},
    count = 0,
    lines = {},
  }, Metrics)
  self.own = new_writer(self, { Handler = given.handler }) -- not one that a handler can write to

  return self
end

local function writer_for(self, dimensions)
  local key = json.encode(dimensions)
  local writer = self.writers[key]
  if writer then return writer end
  if self.count == MOST_WRITERS then self.writers, self.count = {}, 0 end
  writer = new_writer(self, dimensions)
  self.writers[key], self.count = writer, self.count + 1

  return writer
end

local function add(self, writer, properties)
  local lines = writer:lines(properties)
  table.move(lines, 1, #lines, #self.lines + 1, self.lines)
end

local function measure(self, metric)
  if PROPERTIES[metric.name] then error("a property of every line has that name", 0) end
  local writer = writer_for(self, metric.dimensions)
  local taken, message = writer:metric(metric.name, metric.value, metric.unit)
  if not taken then error(message, 0) end

  return writer
end

-- add(list of { name =, value =, unit =, dimensions = }, properties) → list of texts, one for each
-- metric that CloudWatch would not take. Those are left out of what flush writes: the invocation
-- that measured them is over, and one of them must not cost it the others.
function Metrics:add(metrics, properties)
  local used, seen, left_out = {}, {}, {}
  for _, metric in ipairs(metrics) do
    local ok, writer = pcall(measure, self, metric)
    if not ok then
      left_out[#left_out + 1] = ("the metric '%s' is left out: %s"):format(metric.name, writer)
    elseif not seen[writer] then
      used[#used + 1], seen[writer] = writer, true
    end
  end

  for _, writer in ipairs(used) do add(self, writer, properties) end

  return left_out
end

-- What the runtime measures of each invocation.
function Metrics:invocation(outcome, properties)
  local writer = self.own
  writer:metric("Duration", outcome.duration_ms, "Milliseconds")
  writer:metric("Success", outcome.ok and 1 or 0, "Count")
  writer:metric("Error", outcome.ok and 0 or 1, "Count")
  writer:metric("ColdStart", outcome.cold and 1 or 0, "Count")
  if outcome.policy_age_s then writer:metric("PolicyAge", outcome.policy_age_s, "Seconds") end
  add(self, writer, properties)
end

-- The lines that wait will not be written.
function Metrics:forget() self.lines = {} end

-- Writes the lines that wait, all at once.
function Metrics:flush()
  if #self.lines == 0 then return end
  self.output(table.concat(self.lines, "\n"))
  self:forget()
end

return { new = new }
