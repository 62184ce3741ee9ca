-- Handler `routing`: the discovery step of a Step Functions execution hands over what it found,
-- and gets back which branch its Choice state takes.
--
-- The event: "objects" (a list of { key, size }, or ListObjectsV2's "Contents"), or the counts
-- file_count, total_bytes and largest_bytes; and, where they are known, inference_type,
-- endpoint_status or endpoint_name, volume, prefix, deadline_seconds.
local events = require "weir.events"
local try = require "weir.try"

local PASSED_ON = { "inference_type", "endpoint_status", "volume", "prefix", "deadline_seconds" }
local COUNTS = { "file_count", "total_bytes", "largest_bytes" }

local function count_objects(objects)
  if not events.is_list(objects) then events.invalid("objects must be a list") end

  local total, largest = 0, 0
  for i, object in ipairs(objects) do
    local size = type(object) == "table" and events.member(object, "size", "Size")
    if math.type(size) ~= "integer" or size < 0 then
      events.invalid("objects[%d] has no size in whole bytes", i - 1)
    end

    total, largest = total + size, math.max(largest, size)
    if total < 0 then events.invalid("the objects' sizes are beyond 64 bits together") end
  end

  return { file_count = #objects, total_bytes = total, largest_bytes = largest }
end

-- What was counted and what is stated must agree: one of them is wrong otherwise.
local function check_stated(event, counted)
  for _, name in ipairs(COUNTS) do
    local stated = events.member(event, name)
    if stated ~= nil and stated ~= counted[name] then
      events.invalid("%s is %s, but objects give %d", name, tostring(stated), counted[name])
    end
  end
end

local function count(event)
  local objects = events.member(event, "objects", "Contents")
  if objects ~= nil then
    local counted = count_objects(objects)
    check_stated(event, counted)
    return counted
  end

  local stated = events.copy(event, COUNTS, {})
  if stated.file_count == nil then
    events.invalid("the event has neither objects nor file_count")
  end

  return stated
end

-- In a dry run that does not know it, the policy decides without it.
local function status_of(endpoint, effects)
  if type(endpoint) ~= "string" then events.invalid("endpoint_name must be a text") end

  local answer = try.except("Unknown", effects:read {
    service = "sagemaker",
    operation = "DescribeEndpoint",
    target = endpoint,
    input = { EndpointName = endpoint },
  })

  return answer and answer.EndpointStatus
end

local function facts_of(event, effects)
  local facts = events.copy(event, PASSED_ON, count(event))
  local endpoint = events.member(event, "endpoint_name")
  if facts.endpoint_status == nil and endpoint ~= nil then
    facts.endpoint_status = status_of(endpoint, effects)
  end

  return facts
end

local function run(event, ask, effects)
  local facts = facts_of(events.object(event), effects)
  local decision = try(ask("routing", facts))

  effects:metric("RoutingDecisions", 1, "Count", { Action = decision.action })
  effects:metric("FilesRouted", facts.file_count, "Count", { Action = decision.action })
  return { action = decision.action, because = decision.because, file_count = facts.file_count }
end

return {
  name = "routing",
  asks = "routing",
  summary = "which branch of the state machine a batch of files takes",
  run = run,
}
