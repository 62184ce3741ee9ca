-- Small objects that handlers keep in S3 for themselves: whole reads and whole writes, no
-- conditions (access points of FSx for ONTAP refuse those).
--
--   own_objects.read(effects, bucket, key)          → text | nil when there is none
--   own_objects.write(effects, bucket, key, text)
--   own_objects.remove(effects, bucket, key)
--
-- Failures are raised (weir.try). A dry run that knows nothing of an object finds none.
local try = require "weir.try"

local own_objects = {}

local function request(operation, bucket, key, more)
  local input = { Bucket = bucket, Key = key }
  for name, value in pairs(more or {}) do -- any order: copies one key at a time
    input[name] = value
  end

  return { service = "s3", operation = operation, target = key, input = input }
end

function own_objects.read(effects, bucket, key)
  local object, message, code = effects:read(request("GetObject", bucket, key))
  if object then return object.Body end
  if code == "NoSuchKey" or effects.dry and code == "Unknown" then return nil end
  try.fail(message, code)
end

function own_objects.write(effects, bucket, key, text)
  local kind = key:find("%.json$") and "application/json" or "text/plain; charset=utf-8"
  return try(effects:call(request("PutObject", bucket, key, { Body = text, ContentType = kind })))
end

function own_objects.remove(effects, bucket, key)
  return try(effects:call(request("DeleteObject", bucket, key)))
end

return own_objects
