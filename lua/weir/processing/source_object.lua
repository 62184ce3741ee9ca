-- The object of a job: its state now, and its bytes, never more of them than a pipeline gets.
--
--   source_object.state(job, effects)
--       → { etag =, size = }, false where it is gone | nil, message, code
--   source_object.current_etag(job, effects)   → its ETag now, false where it is gone | nil, …
--   source_object.bare_etag(etag)   → without quotes; nil of nil
--   source_object.bucket_form(name)   → "bucket", "alias" or "arn": of an access point
--   source_object.read(job, effects)
--       → object | false, the ETag it has instead (false: it is gone) | nil, message, code
--
-- object: { bucket =, key =, etag =, size =, head = (the first 16 bytes), bytes = (nil of a larger
-- one), written_ms = }; of a dry run unread = true. The role of the settings storage_role_arn and
-- external_id is taken where they are set.
--
-- ETags are compared here and not by the service: access points of FSx for ONTAP take no
-- conditions.
local storage_role = require "weir.events.storage_role"
local time = require "weir.aws.time"

local source_object = { MAX_BYTES = 5 * 1024 * 1024 }

local GONE = { NoSuchKey = true, NotFound = true, NoSuchVersion = true }

function source_object.bucket_form(name)
  if name:find("^arn:") then return "arn" end
  return name:find("%-s3alias$") and "alias" or "bucket"
end

local function request(job, effects, operation, range)
  return {
    service = "s3",
    operation = operation,
    target = job.key,
    role = storage_role(effects),
    input = { Bucket = job.bucket, Key = job.key, Range = range },
  }
end

function source_object.bare_etag(etag) return etag and (etag:gsub('^W/', ""):gsub('"', "")) end

local function no_etag(job)
  return nil, ("S3 told no ETag of %s"):format(job.key), "MalformedResponse"
end

function source_object.state(job, effects)
  local head, message, code, details = effects:read(request(job, effects, "HeadObject"))
  if head and not head.ETag then return no_etag(job) end
  if head then
    return { etag = source_object.bare_etag(head.ETag), size = head.ContentLength }
  end

  if GONE[code] or details and details.status == 404 then return false end

  return nil, message, code
end

function source_object.current_etag(job, effects)
  local state, message, code = source_object.state(job, effects)
  return state and state.etag or state, message, code
end

-- "bytes 0-9/12345" → 12345
local function size_of(answer)
  local total = answer.ContentRange and answer.ContentRange:match("/(%d+)$")
  return math.tointeger(tonumber(total)) or answer.ContentLength or #answer.Body
end

local function object_of(job, answer)
  local size = size_of(answer)
  return {
    bucket = job.bucket,
    key = job.key,
    etag = job.etag,
    size = size,
    head = answer.Body:sub(1, 16),
    bytes = size <= source_object.MAX_BYTES and answer.Body or nil,
    written_ms = time.parse_http_date(answer.LastModified),
  }
end

local function without_bytes(job, more)
  return {
    bucket = job.bucket,
    key = job.key,
    etag = job.etag,
    size = more.size or job.size or 0,
    head = "",
    bytes = more.bytes,
    unread = more.unread,
  }
end

-- There is no range of none: the object is empty, or was for a moment.
local function read_empty(job, effects)
  local state, message, code = source_object.state(job, effects)
  if state == nil then return nil, message, code end
  if not state then return false, false end
  if state.etag ~= job.etag then return false, state.etag end
  if state.size == 0 then return without_bytes(job, { bytes = "", size = 0 }) end

  return nil, ("%s was empty for a moment"):format(job.key), "ObjectChanged"
end

-- A dry run does not know the bytes; and there is no range of none.
function source_object.read(job, effects)
  if job.size == 0 then return without_bytes(job, { bytes = "" }) end

  local range = ("bytes=0-%d"):format(source_object.MAX_BYTES - 1)
  local answer, message, code = effects:read(request(job, effects, "GetObject", range))
  if not answer and GONE[code] then return false, false end
  if not answer and effects.dry and code == "Unknown" then
    return without_bytes(job, { unread = true })
  end

  if not answer and code == "InvalidRange" then return read_empty(job, effects) end
  if not answer then return nil, message, code end
  if not answer.ETag then return no_etag(job) end

  local etag = source_object.bare_etag(answer.ETag)
  if etag ~= job.etag then return false, etag end

  local object = object_of(job, answer)
  if not object.bytes or #object.bytes == object.size then return object end
  return nil, ("S3 gave %d of the %d bytes of %s"):format(#object.bytes, object.size, job.key),
    "MalformedResponse"
end

return source_object
