-- What went wrong with an invocation or at the start, as the Runtime API takes it:
--   { type = "AccessDeniedException", message =,
--     stack = { "lua/weir/handlers/routing.lua:12: in …", … } }
--
-- A handler that answers nil, message, code fails with that code. One that raises fails with type
-- "LuaError", the message with file and line, and the stack.
local json = require "weir.json"
local redact = require "weir.redact"

local failure = {}

-- CloudWatch cuts a record at 256 KB, and Lambda refuses an error of 6 MB.
local MOST_BYTES = 32 * 1024

local function shortened(text)
  if #text <= MOST_BYTES then return text end
  local last = MOST_BYTES
  while text:find("^[\x80-\xbf]", last + 1) and last > MOST_BYTES - 4 do last = last - 1 end

  return ("%s… (%d bytes)"):format(text:sub(1, last), #text)
end

-- A text as JSON and logs can hold it: in UTF-8, no longer than they take, and without secrets. An
-- error may quote anything.
function failure.readable(text)
  text = shortened(redact.text(tostring(text)))
  return utf8.len(text) and text or (text:gsub("[\x80-\xff]", "?"))
end

local readable = failure.readable

function failure.new(type, message)
  if type == nil or type == "" then type = "Unknown" end
  return {
    type = readable(type),
    message = readable(message or "the handler gave no reason"),
    stack = {},
  }
end

local TRACE = "\nstack traceback:\n"

-- The lines of a traceback, without its heading.
local function places(trace)
  local found = {}
  for line in trace:gmatch("[^\n]+") do
    local place = line:match("^%s+(.*)$")
    if place then found[#found + 1] = readable(place) end
  end

  return found
end

-- What a message handler makes of an error: its text, and where it came from. An error that was
-- caught on its way and raised again carries the traceback of its first place. Otherwise the
-- handler itself, one call above, is left out. No metamethod of an error value is called: it could
-- raise again.
function failure.from_raised(raised)
  local kind = type(raised)
  local text = (kind == "string" or kind == "number") and tostring(raised)
    or ("an error value of type %s was raised"):format(kind)

  local trace
  local at = text:find(TRACE, 1, true)
  if at then text, trace = text:sub(1, at - 1), text:sub(at + #TRACE) end

  return {
    type = "LuaError",
    message = readable(text),
    stack = places(trace or debug.traceback("", 3)),
  }
end

-- The body of …/error.
function failure.json(failed)
  return json.encode {
    errorType = failed.type,
    errorMessage = failed.message,
    stackTrace = json.array(failed.stack),
  }
end

return failure
