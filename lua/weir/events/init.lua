-- What every handler does with its event: look at a member, and refuse what it cannot use. Whatever
-- is refused raises a failure with the code "InvalidEvent" (weir.try).
local json = require "weir.json"
local try = require "weir.try"

local events = { MAX_TEXT = 2048 }

-- invalid(format, …)
function events.invalid(message, ...) try.fail(message:format(...), "InvalidEvent") end

function events.is_list(value) return type(value) == "table" and json.is_array(value) end

function events.is_object(value) return type(value) == "table" and not json.is_array(value) end

-- The event itself, which must be an object.
function events.object(event)
  if not events.is_object(event) then events.invalid("the event must be a JSON object") end
  return event
end

-- The member under the first of at most three names that the event has, or nil. JSON null counts as
-- absent.
function events.member(event, name, second, third)
  local value = event[name]
  if value ~= nil and value ~= json.null then return value end
  if second then return events.member(event, second, third) end
end

-- Copies the members of these names that the event has.
function events.copy(event, names, into)
  for _, name in ipairs(names) do
    local value = event[name]
    if value ~= nil and value ~= json.null then into[name] = value end
  end

  return into
end

-- The member as a text of 1 to 2048 bytes, or nil where it is absent.
function events.text(event, ...)
  local value = events.member(event, ...)
  if value == nil then return nil end
  if type(value) == "string" and value ~= "" and #value <= events.MAX_TEXT then return value end
  events.invalid("%s must be a text of 1 to %d bytes", (...), events.MAX_TEXT)
end

-- The same, of a member that the event must have.
function events.required_text(event, ...)
  local value = events.text(event, ...)
  if value ~= nil then return value end
  events.invalid("%s must be a text of 1 to %d bytes", (...), events.MAX_TEXT)
end

-- s3_place("s3://bucket/key") → the bucket, or an access point's ARN, and the key, which may be "";
-- nil where the text is not an S3 URI.
function events.s3_place(uri)
  local bucket, key = uri:match("^s3://(arn:[^/]*:accesspoint/[^/]+)/?(.*)$")
  if bucket then return bucket, key end
  return uri:match("^s3://([^/]+)/?(.*)$")
end

-- "task_token" → "task_token", "taskToken", "TaskToken": ours, and the two of AWS.
function events.spellings(name)
  local camel = name:gsub("_(%l)", string.upper)
  return name, camel, (camel:gsub("^%l", string.upper))
end

return events
