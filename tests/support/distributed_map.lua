-- Executes a state machine with a Distributed Map, as Step Functions would: aws-local-stepfunctions
-- ignores ItemReader, ItemBatcher, tolerated failures and ResultWriter, and this expands them from
-- the very file. It knows what deploy/state-machines/replay.asl.json uses, and raises on anything
-- else.
--
--   distributed_map.execute(path, input, world) → output | nil, error, cause
--   world: { s3 = client, started =, functions = { ShardFunctionArn = function(payload) →
--            result | nil, error, cause }, batch =?, order =? function(shards), after_map =? }
--     batch: items a shard, in the place of MaxItemsPerBatch; order: changes the list of shards
--     before they run (loses, doubles, shuffles them); after_map(): what happens in between
local files = require "support.files"
local json = require "weir.json"
local process = require "weir.process"

local distributed_map = {}

-- Paths and templates ---------------------------------------------------------------------------

local function at(path, input, context)
  local value = input
  local rest = path
  if path:find("^%$%$") then value, rest = context, path:sub(2) end
  for name in rest:gmatch("%.([%w_]+)") do
    value = type(value) == "table" and value[name]
    if value == nil then error("no " .. path .. " in the input", 0) end
  end

  return value
end

local function resolve(template, input, context)
  if type(template) ~= "table" then return template end
  local copy = json.is_array(template) and json.array {} or {}
  for name, value in pairs(template) do
    local key = type(name) == "string" and name:match("^(.*)%.%$$")
    if key then copy[key] = at(value, input, context) else
      copy[name] = resolve(value, input, context)
    end
  end

  return copy
end

local function knows(state, names)
  local known = {}
  for name in names:gmatch("%S+") do known[name] = true end
  for name in pairs(state) do
    if not known[name] then error("the driver does not know " .. name, 0) end
  end
end

-- Tasks -----------------------------------------------------------------------------------------

local function attempts_for(retries, failure)
  for _, retry in ipairs(retries or {}) do
    for _, name in ipairs(retry.ErrorEquals) do
      if name == failure or name == "States.ALL" then return retry.MaxAttempts or 3 end
    end
  end

  return 0
end

local function task(state, input, context, world)
  knows(state, "Comment Type Resource Parameters OutputPath TimeoutSeconds Retry Next End")
  assert(state.Resource == "arn:aws:states:::lambda:invoke" and state.OutputPath == "$.Payload")
  local parameters = resolve(state.Parameters, input, context)
  local name = parameters.FunctionName:match("^%${(%w+)}$")
  local attempts = 0
  while true do
    local result, failure, cause = world.functions[name](parameters.Payload)
    attempts = attempts + 1
    if result ~= nil then return result end
    if attempts > attempts_for(state.Retry, failure) then return nil, failure, cause end
  end
end

-- The Map ---------------------------------------------------------------------------------------

local function list(reader, input, world)
  assert(reader.Resource == "arn:aws:states:::s3:listObjectsV2")
  local where, items = resolve(reader.Parameters, input, {}), {}
  local token
  repeat
    local page = assert(world.s3:list_objects_v2 { Bucket = where.Bucket, Prefix = where.Prefix,
      ContinuationToken = token })
    for _, found in ipairs(page.Contents) do
      items[#items + 1] = { Key = found.Key, Etag = found.ETag, Size = tonumber(found.Size),
        LastModified = found.LastModified, StorageClass = "STANDARD" }
    end

    token = page.IsTruncated and page.NextContinuationToken
  until not token

  return items
end

local function shards_of(state, input, context, world)
  local batcher = state.ItemBatcher
  local items, shards = list(state.ItemReader, input, world), {}
  local most = world.batch or batcher.MaxItemsPerBatch
  for i, item in ipairs(items) do
    local here = { Map = { Item = { Index = i - 1, Value = item } }, Execution = context.Execution }
    local chosen = resolve(state.ItemSelector, input, here)
    local shard = shards[#shards]
    if not shard or #shard.Items == most then
      shard = { Items = json.array {}, BatchInput = resolve(batcher.BatchInput, input, context) }
      shards[#shards + 1] = shard
    end

    shard.Items[#shard.Items + 1] = chosen
    assert(#json.encode(shard) <= batcher.MaxInputBytesPerBatch)
  end

  return world.order and world.order(shards) or shards
end

local function write(state, input, runs, world)
  assert(state.ResultWriter.Resource == "arn:aws:states:::s3:putObject")
  local where = resolve(state.ResultWriter.Parameters, input, {})
  local folder = ("%s/%s/"):format(where.Prefix, process.new_id())
  local manifest = { DestinationBucket = where.Bucket, MapRunArn = "arn:map-run",
    ResultFiles = { SUCCEEDED = json.array {}, FAILED = json.array {}, PENDING = json.array {} } }
  for _, status in ipairs { "SUCCEEDED", "FAILED" } do
    if #runs[status] > 0 then
      local key = ("%s%s_0.json"):format(folder, status)
      local body = json.encode(runs[status])
      assert(world.s3:put_object { Bucket = where.Bucket, Key = key, Body = body })
      table.insert(manifest.ResultFiles[status], { Key = key, Size = #body })
    end
  end

  local key = folder .. "manifest.json"
  assert(world.s3:put_object { Bucket = where.Bucket, Key = key, Body = json.encode(manifest) })
  return { Bucket = where.Bucket, Key = key }
end

local function map(state, input, context, world)
  knows(state, "Comment Type Label ItemReader ItemSelector ItemBatcher MaxConcurrency "
    .. "ToleratedFailurePercentage ItemProcessor ResultWriter ResultPath Next")
  local processor = state.ItemProcessor
  assert(processor.ProcessorConfig.Mode == "DISTRIBUTED" and state.ResultPath == "$.map")
  local child = processor.States[processor.StartAt]
  assert(child.End == true)

  local runs = { SUCCEEDED = json.array {}, FAILED = json.array {} }
  local shards = shards_of(state, input, context, world)
  for i, shard in ipairs(shards) do
    local result, failure, cause = task(child, shard, context, world)
    assert(result == nil or #json.encode(result) <= 256 * 1024)
    local status = result and "SUCCEEDED" or "FAILED"
    table.insert(runs[status], { ExecutionArn = "arn:child:" .. i, Name = tostring(i),
      Input = json.encode(shard), InputDetails = { Included = true },
      Output = result and json.encode(result), Error = failure, Cause = cause, Status = status })
  end

  if #runs.FAILED * 100 > #shards * (world.tolerated or state.ToleratedFailurePercentage) then
    return nil, "States.ExceedToleratedFailureThreshold", "too many shards failed"
  end

  local output = {}
  for name, value in pairs(input) do output[name] = value end
  output.map = { MapRunArn = "arn:map-run",
    ResultWriterDetails = write(state, input, runs, world) }
  return output
end

-- Executions ------------------------------------------------------------------------------------

function distributed_map.execute(path, input, world)
  local machine = assert(json.decode(files.read(path)))
  local context = { Execution = { StartTime = world.started or process.timestamp() } }
  local name, value = machine.StartAt, input
  while name do
    local state = machine.States[name]
    local run = assert(({ Map = map, Task = task })[state.Type], state.Type)
    local output, failure, cause = run(state, value, context, world)
    if output == nil then return nil, failure, cause end
    value = output
    if state.Type == "Map" and world.after_map then world.after_map() end
    name = state.Next
  end

  return value
end

return distributed_map
