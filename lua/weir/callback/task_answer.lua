-- Answers to Step Functions for a task token. Step Functions takes one answer for a token; a later
-- one, or one for a task that is over, is refused, which is as good as answered.
--
--   answer.success(effects, token, job, output)        → true | false (was over already)
--                                                        | nil, message, code
--   answer.failure(effects, token, job, name, cause)   → the same
--   answer.heartbeat(effects, token, job)              → the same: whether the task still waits
--   answer.shown(text, token)                          → the text without pieces of the token
--
-- job is the name of the job, for plans and metrics.
local json = require "weir.json"
local secret = require "weir.secret"

local answer = { MAX_CAUSE = 32768, MAX_ERROR = 256 }

-- How Step Functions says that nobody waits for this token.
local OVER = { TaskTimedOut = true, TaskDoesNotExist = true, InvalidToken = true }

local function send(effects, operation, token, job, input)
  input.taskToken = token
  local output, message, code = effects:call {
    service = "stepfunctions",
    operation = operation,
    target = job,
    input = input,
  }

  if output then return true end
  if not OVER[code] then return nil, message, code end
  effects:metric("TaskAlreadyAnswered", 1, "Count", { Code = code })

  return false
end

-- At most `limit` bytes of a text in UTF-8, cut between two characters.
local function bounded(text, limit)
  if #text <= limit then return text end
  local size = limit - #"…"
  while size > 0 and text:byte(size + 1) & 0xC0 == 0x80 do size = size - 1 end

  return text:sub(1, size) .. "…"
end

-- A text as the workflow's history may show it: whoever writes reasons and paths may have quoted
-- the token. Fewer than eight characters, which Step Functions never gives, are in any text.
function answer.shown(text, token)
  if secret.size(token) < 8 then return text end
  return secret.hide(text, token)
end

-- output: a flat object. Its values alone are looked at, so that it stays JSON with the same
-- members.
function answer.success(effects, token, job, output)
  local values = {}
  for name, value in pairs(output) do -- any order: copies one key at a time
    values[name] = type(value) == "string" and answer.shown(value, token) or value
  end

  return send(effects, "SendTaskSuccess", token, job, { output = json.encode(values) })
end

function answer.failure(effects, token, job, name, cause)
  return send(effects, "SendTaskFailure", token, job, {
    error = bounded(name, answer.MAX_ERROR),
    cause = bounded(answer.shown(cause, token), answer.MAX_CAUSE),
  })
end

function answer.heartbeat(effects, token, job)
  return send(effects, "SendTaskHeartbeat", token, job, {})
end

return answer
