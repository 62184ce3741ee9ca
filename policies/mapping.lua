-- Turns every event that announces work into one normalised job, whichever way it came:
--   * EventBridge "Object Created" from S3
--   * a notification in S3's classic shape, as a native one of an access point may look
--   * an entry of a listing, as the poller hands it on: { source = "weir.listing", bucket = …,
--     volume = …, encoding = "url" or nothing, object = { Key = …, Size = …, ETag = …, … } }
--   * what an FPolicy server of ONTAP sends to a queue, or to a bus of EventBridge
--   * EventBridge "SageMaker Transform Job State Change"
-- An event of a known shape that lacks its key or its bucket is an error, not an `ignore`: it
-- must land where somebody sees it. So must one of a shape that is not known: it is ignored as
-- `unknown`, and the handler event_map keeps it until this file knows the shape.

local NOTHING = {}

-- The table under a name; an empty one where there is none.
local function table_at(object, name)
  local found = object[name]
  return type(found) == "table" and found or NOTHING
end

local function text_at(object, name)
  local found = object[name]
  if type(found) == "string" and found ~= "" then return found end
end

local function whole_at(object, name)
  local found = object[name]
  if type(found) == "number" then return math.tointeger(found) end
end

-- Quoted in listings, bare in events.
local function etag_at(object, name)
  local found = text_at(object, name)
  if not (found and string.find(found, '"', 1, true)) then return found end
  local bare = string.gsub(found, '"', "")
  if bare ~= "" then return bare end
end

local function begins(value, prefix)
  return prefix ~= "" and string.sub(value, 1, #prefix) == prefix
end

local function ends(value, suffix)
  return suffix ~= "" and string.sub(value, -#suffix) == suffix
end

-- Classic notifications and URL-encoded listings write a space as + and other bytes as %XX;
-- EventBridge gives keys as they are.
local function url_decoded(key)
  key = string.gsub(key, "%+", " ")
  return (string.gsub(key, "%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- What editors, Office, ONTAP and unfinished uploads leave beside the files.
local TEMPORARY = {
  ["~"] = true,
  [".tmp"] = true,
  [".temp"] = true,
  [".part"] = true,
  [".partial"] = true,
  [".filepart"] = true,
  [".crdownload"] = true,
  [".swp"] = true,
}

-- No longer ending has to be found.
local MOST_ENDING = #".crdownload"

-- The last dot of the key and what follows it, or the tilde behind all of it, in lower case.
local function ending_of(key)
  if ends(key, "~") then return "~" end
  return string.lower(string.match(key, "%.%a+$", -MOST_ENDING) or "")
end

-- Whether one of the endings in the list, "" being none, is the key's.
local function ends_with_one(key, list)
  if list == "" then return true end
  for suffix in string.gmatch(list, "[^,%s]+") do
    if ends(key, suffix) then return true end
  end
  return false
end

-- Whether a directory or the file begins with a dot, or with ~$. The segments . and .. are names
-- like any other in S3.
local function is_hidden(key)
  local path = "/" .. key
  if string.find(path, "/~$", 1, true) then return true end
  if not string.find(path, "/.", 1, true) then return false end
  for segment in string.gmatch(key, "[^/]+") do
    if begins(segment, ".") and segment ~= "." and segment ~= ".." then return true end
  end
  return false
end

local function unwanted(key, size, params)
  if ends(key, "/") then return "a directory marker" end
  if size == 0 then return "an empty object" end
  if begins(key, params.output_prefix) or ends(key, params.output_suffix) then
    return "our own output"
  end
  if is_hidden(key) then return "a hidden file or directory" end
  local ending = ending_of(key)
  if TEMPORARY[ending] then return "a temporary file, *" .. ending end
  if params.prefix ~= "" and not begins(key, params.prefix) then return "not below the prefix" end
  if not ends_with_one(key, params.suffixes) then return "none of the suffixes" end
end

-- Longer keys do not exist in S3, and longer marks of a write nowhere.
local MOST_KEY, MOST_IDEMPOTENCY_KEY = 1024, 2048

local function check_object(object, facts, params)
  local key = assert(object.key, "the event has no object key")
  local bucket = assert(object.bucket, "the event has no bucket")
  assert(utf8.len(key), "the object key is not valid UTF-8")
  assert(#key <= MOST_KEY, "the object key is longer than 1,024 bytes, which S3 has no keys of")
  assert(bucket == (facts.bucket or bucket), "the event is of another bucket")
  assert((object.size or 0) >= 0, "the object's size is negative")
  assert(params.work ~= "transform",
    "the parameter work is transform, which stands for transform jobs; name a pipeline for objects")
end

local function checked_idempotency_key(text)
  if #text <= MOST_IDEMPOTENCY_KEY then return text end
  error("the event's names are too long: an idempotency key has at most 2,048 bytes")
end

-- The same bytes under the same key are the same work: the ETag is the one mark of a write that
-- every way of arrival carries, so writing them again is not new work. In the idempotency key the
-- object's key comes last, since it may contain anything.
local function object_job(object, facts, params)
  check_object(object, facts, params)
  local key, bucket = object.key, object.bucket
  local why = unwanted(key, object.size, params)
  if why then return ignore { because = why } end

  local revision = object.etag or object.version or object.sequencer or object.time or "-"
  object.idempotency_key = checked_idempotency_key(
    "object:" .. bucket .. ":" .. revision .. ":" .. (object.size or "-") .. ":" .. key)
  object.work = params.work
  object.because = "an object was written"
  return job(object)
end

local function from_eventbridge(facts, params)
  local event, detail = facts.event, table_at(facts.event, "detail")
  local written = table_at(detail, "object")
  return object_job({
    source = "eventbridge",
    volume = text_at(facts, "volume"),
    bucket = text_at(table_at(detail, "bucket"), "name"),
    key = text_at(written, "key"),
    size = whole_at(written, "size"),
    etag = etag_at(written, "etag"),
    version = text_at(written, "version-id"),
    sequencer = text_at(written, "sequencer"),
    reason = text_at(detail, "reason"),
    time = text_at(event, "time"),
  }, facts, params)
end

local function from_notification(facts, record, params)
  local s3, fsx = table_at(record, "s3"), table_at(record, "fsx")
  local written = table_at(s3, "object")
  local name, key = text_at(record, "eventName"), text_at(written, "key")
  assert(name, "the notification has no eventName")
  if not string.find(name, "ObjectCreated:", 1, true) then
    return ignore { because = "a notification of %s", name }
  end
  return object_job({
    source = "notification",
    volume = text_at(fsx, "volumeName") or text_at(fsx, "volumeId") or text_at(facts, "volume"),
    bucket = text_at(table_at(s3, "bucket"), "name"),
    key = key and url_decoded(key),
    size = whole_at(written, "size"),
    etag = etag_at(written, "eTag"),
    version = text_at(written, "versionId"),
    sequencer = text_at(written, "sequencer"),
    reason = string.match(name, "[^:]+$"),
    time = text_at(record, "eventTime"),
  }, facts, params)
end

local function from_listing(facts, params)
  local event, entry = facts.event, table_at(facts.event, "object")
  local key = text_at(entry, "Key")
  if key and event.encoding == "url" then key = url_decoded(key) end
  return object_job({
    source = "listing",
    volume = text_at(event, "volume") or text_at(facts, "volume"),
    bucket = text_at(event, "bucket"),
    key = key,
    size = whole_at(entry, "Size"),
    etag = etag_at(entry, "ETag"),
    time = text_at(entry, "LastModified"),
  }, facts, params)
end

local WRITTEN = { create = true, write = true, close = true, rename = true }

-- ONTAP's path of a file as a key; nil of the volume itself.
local function file_key(path)
  local key = string.gsub(string.gsub(path, "\\", "/"), "^/+", "")
  if key ~= "" then return key end
end

-- A file of a volume, under its path in it: the bucket is the access point that the handler knows.
local function from_fpolicy(facts, file, params)
  local operation, path = text_at(file, "operation_type"), text_at(file, "file_path")
  assert(operation, "the event has no operation_type")
  if not WRITTEN[string.lower(operation)] then
    return ignore { because = "a file operation of %s", operation }
  end
  assert(facts.bucket, "an FPolicy event names no bucket: set BUCKET to the volume's access point")
  return object_job({
    source = "fpolicy",
    volume = text_at(file, "volume_name") or text_at(facts, "volume"),
    bucket = facts.bucket,
    key = path and file_key(path),
    size = whole_at(file, "file_size"),
    reason = operation,
    time = text_at(file, "timestamp"),
  }, facts, params)
end

local FINISHED = { Completed = true, Failed = true, Stopped = true }

local function from_sagemaker(facts)
  local event, detail = facts.event, table_at(facts.event, "detail")
  local name = assert(text_at(detail, "TransformJobName"), "the event has no TransformJobName")
  local status = text_at(detail, "TransformJobStatus")
  assert(status, "the event has no TransformJobStatus")
  if not FINISHED[status] then return ignore { because = "the transform job is %s", status } end
  local arn = text_at(detail, "TransformJobArn") or text_at(table_at(event, "resources"), 1) or name
  return job {
    because = "the transform job is %s", status,
    work = "transform",
    source = "sagemaker",
    idempotency_key = checked_idempotency_key(string.format("transform:%s:%s", arn, status)),
    transform = name,
    status = status,
    failure = text_at(detail, "FailureReason"),
    model = text_at(detail, "ModelName"),
    output = text_at(table_at(detail, "TransformOutput"), "S3OutputPath"),
    time = text_at(event, "time"),
  }
end

-- Known, and no work: the schedule's own event, S3's test message, and what the two services whose
-- events are read above tell of besides.
local function announces_nothing(event, source, what)
  if source == "aws.scheduler" or source == "aws.events" then return what == "Scheduled Event" end
  if source == "aws.s3" or source == "aws.sagemaker" then return what ~= nil end
  return text_at(event, "Event") == "s3:TestEvent"
end

-- For the examples: what the poller hands on for one entry of a listing.
local function listed(object)
  return { event = { source = "weir.listing", bucket = "b", volume = "vol1", object = object } }
end

return policy {
  kind = "mapping",

  params = {
    work = text { "object", min_size = 1, max_size = 64,
      doc = "the pipeline that processes objects; object is the one that comes with weir" },
    prefix = text { "", doc = "other keys are ignored; empty for all" },
    suffixes = text { "",
      doc = "keys with other endings are ignored, such as .jpg,.png; empty for all" },
    output_prefix = text { "results/",
      doc = "keys that begin so are our own output; empty for none" },
    output_suffix = text { ".out", doc = "keys that end so are our own output; empty for none" },
  },

  decide = function(facts, params)
    local event = table_at(facts, "event")
    local source, what = text_at(event, "source"), text_at(event, "detail-type")

    if source == "aws.s3" and what == "Object Created" then
      return from_eventbridge(facts, params)
    end
    if source == "aws.sagemaker" and what == "SageMaker Transform Job State Change" then
      return from_sagemaker(facts)
    end
    if source == "weir.listing" then return from_listing(facts, params) end

    local records = table_at(event, "Records")
    local record = records[1] and table_at(records, 1) or event
    if record.s3 then
      assert(records[2] == nil, "the notification has several records; split it first")
      return from_notification(facts, record, params)
    end

    local is_wrapped = what == "FPolicy File Operation" and event.detail
    local file = is_wrapped and table_at(event, "detail") or event
    if file.operation_type or file.file_path then
      return from_fpolicy(facts, file, params)
    end

    return ignore {
      because = "no work comes of %s from %s", what or "an event", source or "an unknown source",
      unknown = not announces_nothing(event, source, what),
    }
  end,

  examples = {
    { given = { event = { source = "aws.s3", ["detail-type"] = "Object Created", detail = {
        bucket = { name = "b" },
        object = { key = "a b+c%20.csv", size = 5, etag = "e1" },
      } } },
      expect = {
        action = "job",
        key = "a b+c%20.csv",
        idempotency_key = "object:b:e1:5:a b+c%20.csv",
      } },
    { given = { event = { Records = { { eventName = "ObjectCreated:Put", s3 = {
        bucket = { name = "b" },
        object = { key = "a+b%2Bc%2520.csv", size = 5, eTag = "e1" },
      } } } } },
      expect = {
        action = "job",
        key = "a b+c%20.csv",
        idempotency_key = "object:b:e1:5:a b+c%20.csv",
      } },
    { given = listed { Key = "a b+c%20.csv", Size = 5, ETag = '"e1"' },
      expect = {
        action = "job",
        volume = "vol1",
        idempotency_key = "object:b:e1:5:a b+c%20.csv",
      } },
    { given = { event = {
        source = "aws.sagemaker",
        ["detail-type"] = "SageMaker Transform Job State Change",
        detail = {
          TransformJobName = "t",
          TransformJobStatus = "Failed",
          FailureReason = "no memory",
        },
      } },
      expect = { action = "job", work = "transform", idempotency_key = "transform:t:Failed" } },
    { given = listed { Key = "results/a.csv", Size = 1 }, expect = "ignore" },
    { given = listed { Key = "in/.snapshot/a", Size = 1 }, expect = "ignore" },
    { given = listed { Key = "in/", Size = 0 }, expect = "ignore" },
    { given = { bucket = "b", event = { operation_type = "create", file_path = "/a b+c%20.csv" } },
      expect = { action = "job", key = "a b+c%20.csv", bucket = "b" } },
    { given = { event = { source = "aws.scheduler", ["detail-type"] = "Scheduled Event" } },
      expect = { action = "ignore", unknown = false } },
    { given = { event = { source = "a service of tomorrow" } },
      expect = { action = "ignore", unknown = true } },
  },
}
