-- Handler `routing`: the discovery step of a Step Functions execution hands over what it found,
-- and gets back which branch its Choice state takes.
--
-- The event: "objects" (a list of { key, size }, or ListObjectsV2's "Contents"), or the counts
-- file_count, total_bytes and largest_bytes; and, where they are known, inference_type,
-- endpoint_status or endpoint_name, volume, prefix, deadline_seconds.
local json = require "weir.json"

local PASSED_ON = { "inference_type", "endpoint_status", "volume", "prefix", "deadline_seconds" }
local COUNTS = { "file_count", "total_bytes", "largest_bytes" }

local function invalid(message, ...) return nil, message:format(...), "InvalidEvent" end

-- JSON null and a missing member are the same to a handler.
local function member(event, name)
  local value = event[name]
  if value ~= json.null then return value end
end

local function count_objects(objects)
  if type(objects) ~= "table" or not json.is_array(objects) then return invalid("objects must be a list") end
  local total, largest = 0, 0
  for i, object in ipairs(objects) do
    local size = type(object) == "table" and (member(object, "size") or member(object, "Size"))
    if math.type(size) ~= "integer" or size < 0 then
      return invalid("objects[%d] has no size in whole bytes", i - 1)
    end
    total, largest = total + size, math.max(largest, size)
    if total < 0 then return invalid("the objects' sizes are beyond 64 bits together") end
  end
  return { file_count = #objects, total_bytes = total, largest_bytes = largest }
end

-- What was counted and what is stated must agree: one of them is wrong otherwise.
local function count(event)
  local objects = member(event, "objects") or member(event, "Contents")
  local counted = {}
  if objects ~= nil then
    local message, code
    counted, message, code = count_objects(objects)
    if not counted then return nil, message, code end
  end
  for _, name in ipairs(COUNTS) do
    local stated = member(event, name)
    if stated ~= nil and counted[name] ~= nil and stated ~= counted[name] then
      return invalid("%s is %s, but objects give %d", name, tostring(stated), counted[name])
    end
    if counted[name] == nil then counted[name] = stated end
  end
  if counted.file_count == nil then return invalid("the event has neither objects nor file_count") end
  return counted
end

local function facts_of(event, effects)
  local facts, message, code = count(event)
  if not facts then return nil, message, code end
  for _, name in ipairs(PASSED_ON) do facts[name] = member(event, name) end
  local endpoint = member(event, "endpoint_name")
  if facts.endpoint_status == nil and endpoint ~= nil then
    if type(endpoint) ~= "string" then return invalid("endpoint_name must be a text") end
    local answer, why, problem = effects:read {
      service = "sagemaker", operation = "DescribeEndpoint", target = endpoint,
        input = { EndpointName = endpoint },
    }
    -- In a dry run the policy decides without it, as it would when nobody had asked.
    if not answer and problem ~= "Unknown" then return nil, why, problem end
    facts.endpoint_status = answer and answer.EndpointStatus
  end
  return facts
end

local function run(event, ask, effects)
  if type(event) ~= "table" or json.is_array(event) then return invalid("the event must be a JSON object") end
  local facts, message, code = facts_of(event, effects)
  if not facts then return nil, message, code end
  local decision, why, problem = ask("routing", facts)
  if not decision then return nil, why, problem end
  effects:metric("RoutingDecisions", 1, "Count", { Action = decision.action })
  effects:metric("FilesRouted", facts.file_count, "Count", { Action = decision.action })
  return { action = decision.action, because = decision.because, file_count = facts.file_count }
end

return { name = "routing", asks = "routing", run = run,
  summary = "which branch of the state machine a batch of files takes" }
