-- Events that no job could be made of, kept in S3 with the reason until somebody mends the policy
-- or the event: one object each, named by what the event is, so that the same event twice is one.
--
--   dead_letters.place(effects) → { bucket =, prefix = } | nil where the setting dead_letter_bucket
--                                 is not set
--   dead_letters.keep(effects, place, letter) → key | nil, message, code
--   dead_letters.each(effects, place, after) → iterator of key, letter; raises failures
--   dead_letters.drop(effects, place, key) → true | nil, message, code
--
-- A letter is { reason =, code =, event = }; its object has `schema` and `time` as well. Secrets of
-- the event are not kept.
local events = require "weir.events"
local json = require "weir.json"
local process = require "weir.process"
local redact = require "weir.redact"
local sha256 = require "weir.sha256"
local try = require "weir.try"

local dead_letters = { SCHEMA = "weir.dead_letter/1" }

function dead_letters.place(effects)
  local bucket = effects:setting("dead_letter_bucket", "")
  if bucket == "" then return nil end
  return { bucket = bucket, prefix = effects:setting("dead_letter_prefix", "dead-letters/") }
end

function dead_letters.keep(effects, place, letter)
  local event = redact.value(letter.event)
  local key = ("%s%s.json"):format(place.prefix, sha256.hex(json.encode(event, { sort = true })))
  local kept, message, code = effects:call {
    service = "s3",
    operation = "PutObject",
    target = key,
    input = {
      Bucket = place.bucket,
      Key = key,
      ContentType = "application/json",
      Body = json.encode({
        schema = dead_letters.SCHEMA,
        time = process.timestamp(),
        reason = redact.text(letter.reason),
        code = letter.code,
        event = event,
      }, { sort = true }),
    },
  }

  if not kept then return nil, message, code end

  return key
end

local function read(effects, place, key)
  local object = try.except("NoSuchKey", effects:read {
    service = "s3",
    operation = "GetObject",
    target = key,
    input = { Bucket = place.bucket, Key = key },
  })

  return object and json.decode(object.Body, { secrets = true })
end

local function keys_after(effects, place, after)
  local page = try(effects:read {
    service = "s3",
    operation = "ListObjectsV2",
    target = place.bucket,
    input = { Bucket = place.bucket, Prefix = place.prefix, StartAfter = after },
  })

  local keys = {}
  for i, object in ipairs(page.Contents) do keys[i] = object.Key end

  return keys, page.IsTruncated
end

-- `letter` is false for an object that is not a letter.
function dead_letters.each(effects, place, after)
  local keys, more = keys_after(effects, place, after)
  local i = 0
  return function()
    i = i + 1
    if i > #keys and more then
      keys, more = keys_after(effects, place, keys[#keys])
      i = 1
    end

    if not keys[i] then return nil end

    local letter = read(effects, place, keys[i])
    local whole = events.is_object(letter) and letter.schema == dead_letters.SCHEMA
    return keys[i], whole and letter
  end
end

function dead_letters.drop(effects, place, key)
  return effects:call {
    service = "s3",
    operation = "DeleteObject",
    target = key,
    input = { Bucket = place.bucket, Key = key },
  }
end

return dead_letters
