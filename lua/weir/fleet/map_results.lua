-- What a Distributed Map of Step Functions wrote of its child executions (ResultWriter): a
-- manifest, and files of results, each a JSON array of executions with their Input and Output as
-- texts.
--
--   map_results.each(effects, place, visit)
--     place: { bucket =, key = of the manifest }
--     visit(status, execution): "SUCCEEDED", "FAILED" or "PENDING", of every child
--   map_results.failures(effects, place, most_bytes) → list of the children that did not succeed,
--     as many files of them as have at most that many bytes; whether these are all
--
-- Failures are raised (weir.try): "NoSuchKey", and "MalformedResults" for what is not in this form.
local events = require "weir.events"
local json = require "weir.json"
local own_objects = require "weir.events.own_objects"
local try = require "weir.try"

local map_results = {}

local STATUSES = { "SUCCEEDED", "FAILED", "PENDING" }

local function malformed(key, what)
  try.fail(("%s is not what a Map run writes: %s"):format(key, what), "MalformedResults")
end

local function read(effects, bucket, key)
  local text = own_objects.read(effects, bucket, key)
  if not text then try.fail(("there are no results %s in %s"):format(key, bucket), "NoSuchKey") end

  local value, message = json.decode(text)
  if type(value) ~= "table" then malformed(key, message or "a single value") end
  return value
end

-- The keys of the files of one status; a map without children has none.
local function files_of(manifest, status, key)
  if not events.is_object(manifest.ResultFiles) then malformed(key, "it names no ResultFiles") end
  local list = manifest.ResultFiles[status]
  if list == nil or list == json.null then return {} end
  if not events.is_list(list) then malformed(key, status .. " is not a list") end

  return list
end

local function read_list(effects, bucket, key)
  local executions = read(effects, bucket, key)
  if not events.is_list(executions) then malformed(key, "it is not a list") end
  return executions
end

function map_results.each(effects, place, visit)
  local manifest = read(effects, place.bucket, place.key)
  for _, status in ipairs(STATUSES) do
    for _, file in ipairs(files_of(manifest, status, place.key)) do
      for _, execution in ipairs(read_list(effects, place.bucket, file.Key)) do
        visit(status, execution)
      end
    end
  end
end

function map_results.failures(effects, place, most_bytes)
  local manifest, list, bytes = read(effects, place.bucket, place.key), {}, 0
  for _, status in ipairs { "FAILED", "PENDING" } do
    for _, file in ipairs(files_of(manifest, status, place.key)) do
      bytes = bytes + (file.Size or 0)
      if bytes > most_bytes then return list, false end

      local executions = read_list(effects, place.bucket, file.Key)
      table.move(executions, 1, #executions, #list + 1, list)
    end
  end

  return list, true
end

-- output(execution) → the decoded Output | nil
function map_results.output(execution)
  return type(execution.Output) == "string" and json.decode(execution.Output) or nil
end

-- input(execution) → the decoded Input | nil
function map_results.input(execution)
  return type(execution.Input) == "string" and json.decode(execution.Input) or nil
end

return map_results
