-- What went wrong with an invocation or at the start, as the Runtime API takes it:
--   { type = "AccessDeniedException", message =, stack = { "lua/weir/handlers/x.lua:12: in …", … } }
--
-- A handler that answers nil, message, code fails with that code; one that raises fails with type
-- "LuaError", the message with file and line, and the stack.
local json = require "weir.json"

local failure = {}

-- JSON and logs hold UTF-8 only; an error may quote anything.
local function readable(text)
  text = tostring(text)
  return utf8.len(text) and text or (text:gsub("[\x80-\xff]", "?"))
end

function failure.new(type, message)
  return { type = readable(type or "Unknown"), message = readable(message or "the handler gave no reason"), stack = {} }
end

-- What a message handler makes of an error: its text, and where it came from; the handler itself, one
-- call above, is left out. No metamethod of an error value is called: it could raise again.
function failure.from_raised(problem)
  local kind = type(problem)
  local text = (kind == "string" or kind == "number") and tostring(problem)
    or ("an error value of type %s was raised"):format(kind)
  local stack = {}
  for line in debug.traceback("", 3):gmatch("[^\n]+") do
    local place = line:match("^%s+(.*)$")
    if place then stack[#stack + 1] = readable(place) end
  end
  return { type = "LuaError", message = readable(text), stack = stack }
end

-- The body of …/error.
function failure.json(problem)
  return json.encode { errorType = problem.type, errorMessage = problem.message,
    stackTrace = json.array(problem.stack) }
end

return failure
