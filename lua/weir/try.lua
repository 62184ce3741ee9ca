-- Ends a handler at its first failure, without a line of code for each step that may fail.
--
--   try(value, …)          → the same values; try(nil, message, code) raises them as a failure
--   try.except(code, value, message, …)   the same, but nil where the failure has this code
--   try.fail(message, code)   raises a failure
--   try.call(f, …)         → what f returns | nil, message, code of the failure raised in it
--
-- The events, the callback modules and the handlers raise; weir.handlers catches, in one place, and
-- answers nil, message, code. A failure that someone recovers from is caught where that happens.
local Failure = { __name = "weir.failure" }

local TRACE = "\nstack traceback:\n"

-- Any other error is a mistake in the program. It goes on with the place it came from, which would
-- be lost when it is raised again.
local function at_raise(problem)
  if getmetatable(problem) == Failure then return problem end

  local kind = type(problem)
  local text = (kind == "string" or kind == "number") and tostring(problem)
    or ("an error value of type %s was raised"):format(kind)
  return text:find(TRACE, 1, true) and text or debug.traceback(text, 2)
end

local function settle(ok, problem, ...)
  if ok then return problem, ... end
  if getmetatable(problem) == Failure then return nil, problem.message, problem.code end
  error(problem, 0)
end

local NO_REASON = "no reason was given"

local try = {}

function try.fail(message, code)
  error(setmetatable({ message = message, code = code }, Failure), 0)
end

function try.except(expected, value, message, code)
  if value == nil and code ~= expected then try.fail(message or NO_REASON, code or "Unknown") end
  return value
end

function try.call(f, ...) return settle(xpcall(f, at_raise, ...)) end

return setmetatable(try, {
  __call = function(_, value, message, code, ...)
    if value == nil then try.fail(message or NO_REASON, code or "Unknown") end
    return value, message, code, ...
  end,
})
