-- Ends a handler at its first failure, without a line of code for each step that may fail.
--
--   try(value, …)          → the same values; try(nil, message, code) raises them as a failure
--   try.except(code, value, message, …)   the same, but nil where the failure has this code
--   try.fail(message, code)   raises a failure
--   try.call(f, …)         → what f returns | nil, message, code of the failure raised in it
--   try.catching(f)        → the function that answers what try.call(f, …) answers
--
-- A failure may have a fourth value, a text: what to do next (weir.deploy).
--
-- The events, the callback modules and the handlers raise; weir.handlers catches, in one place, and
-- answers nil, message, code. Modules that others ask for nil, message, code (weir.deploy,
-- weir.cleanup) raise inside and export functions that catch. A failure that someone recovers from
-- is caught where that happens.
local Failure = { __name = "weir.failure" }

local TRACE = "\nstack traceback:\n"

-- Any other error is a mistake in the program. It goes on with the place it came from, which would
-- be lost when it is raised again. An object of a class, such as terminal.WriteFailed, is meant for
-- somebody further out, and goes on as it is.
local function at_raise(problem)
  local kind = type(problem)
  if kind == "table" and getmetatable(problem) then return problem end

  local text = (kind == "string" or kind == "number") and tostring(problem)
    or ("an error value of type %s was raised"):format(kind)
  return text:find(TRACE, 1, true) and text or debug.traceback(text, 2)
end

local function settle(ok, problem, ...)
  if ok then return problem, ... end
  if getmetatable(problem) == Failure then
    return nil, problem.message, problem.code, problem.next_step
  end

  error(problem, 0)
end

local NO_REASON = "no reason was given"

local try = {}

function try.fail(message, code, next_step)
  local failure = { message = message, code = code, next_step = next_step }
  error(setmetatable(failure, Failure), 0)
end

function try.except(expected, value, message, code)
  if value == nil and code ~= expected then try.fail(message or NO_REASON, code or "Unknown") end
  return value
end

function try.call(f, ...) return settle(xpcall(f, at_raise, ...)) end

function try.catching(f)
  return function(...) return try.call(f, ...) end
end

return setmetatable(try, {
  __call = function(_, value, message, code, more, ...)
    if value == nil then
      try.fail(message or NO_REASON, code or "Unknown", type(more) == "string" and more or nil)
    end

    return value, message, code, more, ...
  end,
})
