-- Effects whose S3 is a table in memory, for properties that need thousands of runs. It lists as S3
-- does: in the order of the keys, page by page.
--
--   local s3 = memory_s3.new()
--   s3.buckets.b["key"] = { Body =, ETag =, LastModified = }
--   local effects = s3:effects { page_size = 3, crash_at = 7, settings = {…} }
--       the seventh request raises memory_s3.CRASH, after it was carried out
--   effects.requests    { "GetObject" = number, … }
local memory_s3 = { CRASH = "the process was killed" }

local S3 = {}
S3.__index = S3

function memory_s3.new()
  local buckets = setmetatable({}, { __index = function(self, name)
    self[name] = {}
    return self[name]
  end })
  return setmetatable({ buckets = buckets }, S3)
end

local function list(bucket, input, page_size)
  local after, keys = input.ContinuationToken or input.StartAfter or "", {}
  for key in pairs(bucket) do
    if key > after and key:sub(1, #(input.Prefix or "")) == (input.Prefix or "") then
      keys[#keys + 1] = key
    end
  end

  table.sort(keys)
  local page = { Contents = {}, IsTruncated = #keys > page_size }
  for i = 1, math.min(page_size, #keys) do
    local object = bucket[keys[i]]
    page.Contents[i] = {
      Key = keys[i],
      Size = #object.Body,
      ETag = object.ETag,
      LastModified = object.LastModified,
    }
  end

  page.NextContinuationToken = page.IsTruncated and keys[page_size] or nil

  return page
end

local function perform(self, request, page_size)
  local input = request.input
  local bucket = self.buckets[input.Bucket]
  if request.operation == "ListObjectsV2" then return list(bucket, input, page_size) end
  if request.operation == "PutObject" then
    bucket[input.Key] = { Body = input.Body, ETag = '"e"' }
    return { ETag = '"e"' }
  end

  if request.operation == "DeleteObject" then
    bucket[input.Key] = nil
    return {}
  end

  assert(request.operation == "GetObject", request.operation)
  local object = bucket[input.Key]
  if not object then return nil, "no such key " .. input.Key, "NoSuchKey" end

  return { Body = object.Body, ETag = object.ETag }
end

function S3:effects(options)
  options = options or {}
  local effects, count = { requests = {}, metrics = {} }, 0
  local function act(_, request)
    count = count + 1
    effects.requests[request.operation] = (effects.requests[request.operation] or 0) + 1
    local output, message, code = perform(self, request, options.page_size or 1000)
    if count == options.crash_at then error(memory_s3.CRASH, 0) end

    return output, message, code
  end

  effects.call, effects.read = act, act
  function effects.setting(_, name, default)
    local value = (options.settings or {})[name] or default
    if value then return value end
    return nil, name .. " is missing", "NotConfigured"
  end

  function effects.metric() end
  function effects.measure() end
  function effects.uuid() return "run-1" end

  return effects
end

return memory_s3
