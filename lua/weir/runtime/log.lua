-- The function's log: one line a record on standard output, as AWS_LAMBDA_LOG_FORMAT and
-- AWS_LAMBDA_LOG_LEVEL say, with the request's id in each.
--
--   JSON  {"timestamp":…,"level":…,"requestId":…,"message":…, and the fields}
--   Text  2026-11-22T03:04:05.678Z <request id> LEVEL message {"fields":…}
local failure = require "weir.runtime.failure"
local json = require "weir.json"
local process = require "weir.process"
local redact = require "weir.redact"

local LEVELS = { TRACE = 1, DEBUG = 2, INFO = 3, WARN = 4, ERROR = 5, FATAL = 6 }
local STDOUT = 1

local Log = {}
Log.__index = Log

-- new{format = "JSON" | "Text", level =, write = function(text, rest)}; a nil member comes from the
-- environment.
local function new(given)
  given = given or {}
  local level = (given.level or os.getenv("AWS_LAMBDA_LOG_LEVEL") or ""):upper()
  return setmetatable({
    json = (given.format or os.getenv("AWS_LAMBDA_LOG_FORMAT") or ""):upper() == "JSON",
    least = LEVELS[level] or LEVELS.INFO,
    level = level,
    output = given.write or function(text, rest)
      return process.write(STDOUT, text, rest or "")
    end,
    request_id = nil, -- set for each invocation
  }, Log)
end

-- A line break inside a record would make two records of it.
local function one_line(text) return (text:gsub("[\r\n]+", " | ")) end

-- write(level, message, fields): fields are what a search should find; secrets are taken out.
function Log:write(level, message, fields)
  if LEVELS[level] < self.least then return end
  local shown = fields and redact.value(fields)
  message = failure.readable(redact.value(message))
  if self.json then
    local record = { timestamp = process.timestamp(), level = level, requestId = self.request_id,
      message = message }
    for name, value in pairs(shown or {}) do -- any order: copies one key at a time
      record[name] = value
    end

    self.output(json.encode(record) .. "\n")

    return
  end

  self.output(("%s %s %s %s%s\n"):format(process.timestamp(), self.request_id or "-", level,
    one_line(message), shown and " " .. json.encode(shown) or ""))
end

-- Lambda itself drops lines of JSON logs that are below the function's level, and takes a line
-- without a level for INFO. Decisions and metrics are needed whatever the level, so they say the
-- function's.
local function with_level(self, text)
  local marked = ("\n" .. text):gsub("\n{",
    ('\n{"timestamp":"%s","level":"%s",'):format(process.timestamp(), self.level))
  return marked:sub(2)
end

-- lines(text, rest): records that are lines of JSON already: a decision, metrics. The last line of
-- the text may end in the rest. → true | nil, message, code
function Log:lines(text, rest)
  if not self.json or self.least <= LEVELS.INFO then return self.output(text, rest) end
  return self.output(with_level(self, text .. rest))
end

-- What failed, with its type and where.
function Log:failure(level, failed)
  local stack = json.array(failed.stack)
  if self.json then
    self:write(level, failed.message, {
      errorType = failed.type,
      errorMessage = failed.message,
      stackTrace = stack,
    })
  else
    self:write(level, failed.type .. ": " .. failed.message,
      #stack > 0 and { stackTrace = stack } or nil)
  end
end

return { new = new }
