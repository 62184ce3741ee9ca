-- How a transform job carries its task token: by the id of a record (mode "dynamodb", the tag
-- CorrelationId), or itself (mode "direct", the tag TaskToken).
--
-- A carrier has
--   hold(token, name)   → held | nil, message, code, held   before the job is created; held.tag goes
--                         on it; after a failure what is yet to be released
--   release(held)       → true | nil, message, code   no job needs it
--   join(job, tags, token) → true | false (the token is over) | nil, message, code
--                         the job is there: makes it carry this token
--   forget(tags, token) → true | nil, message, code   after join: the token is answered
local answer = require "weir.callback.task_answer"
local secret = require "weir.secret"
local settings = require "weir.settings"
local task_token_store = require "weir.callback.task_token_store"

local token_carrier = { MODES = { "dynamodb", "direct" } }

-- The bytes that the value of a tag may have, and the characters.
local TAG_MAX = 256
local TAG_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _.:/=+-@"

-- More than two attempts of one task do not overlap; every round means that one more did.
local ROUNDS = 5

-- Two tasks that wait at the same time for one job: the one that came later may not take it over.
local function taken(job)
  return nil, ("another task that still waits has the transform job %s; give each a job_key of "
    .. "its own"):format(job), "JobNameTaken"
end

-- Whether the task of `token` still waits and the task of `other`, which it would displace, does not.
local function may_take(effects, token, other, job)
  local alive, message, code = answer.heartbeat(effects, token, job)
  if not alive then return alive, message, code end
  if other then
    alive, message, code = answer.heartbeat(effects, other, job)
    if alive then return taken(job) end
    if alive == nil then return nil, message, code end
  end
  return true
end

-- dynamodb ------------------------------------------------------------------------------------

local Stored = { mode = "dynamodb" }
Stored.__index = Stored

local function held_by(record)
  return { tag = { Key = "CorrelationId", Value = record.correlation_id }, record = record }
end

function Stored:hold(token, name)
  local record, message, code, left = self.store:put(token, name)
  if not record then return nil, message, code, left and held_by(left) end
  return held_by(record)
end

function Stored:release(held)
  local done, message, code = self.store:delete(held.record)
  if done == nil then return nil, message, code end
  return true
end

-- The record under an id as the job's: record | false (none) | nil, message, code; and whether it
-- expired. A record that another job was given since then is not ours to touch.
local function record_of(store, id, job)
  local record, message, code, expired = store:get(id)
  record = record or expired
  if not record then
    if code == "TokenNotFound" then return false end
    return nil, message, code
  end
  if record.transform_job_name == job then return record, nil, nil, expired ~= nil end
  return nil, ("the record %s of the transform job %s belongs to %s by now"):format(id, job,
    record.transform_job_name), "JobNameTaken"
end

-- One try to put the token under the job's id: true | false (over) | nil, message, code; message
-- "changed" when somebody was faster. Whether the task of a record that expired by our clock still
-- waits, only Step Functions knows.
local function take_over(self, id, token, job)
  local seen, message, code, expired = record_of(self.store, id, job)
  if seen == nil then return nil, message, code end
  local same = seen and secret.equal(seen.task_token, token)
  if same and not expired then return true end

  local free, done
  local other = seen and not same and seen.task_token or nil
  free, message, code = may_take(self.effects, token, other, job)
  if not free then return free, message, code end

  done, message, code = self.store:replace(id, seen or nil, token, job)
  if done == false then return nil, "changed" end
  return done and true, message, code
end

function Stored:join(job, tags, token)
  local id, name = tags.CorrelationId, job.TransformJobName
  if not task_token_store.is_id(id) then
    return nil, ("the tag CorrelationId of the transform job %s is not a correlation id")
      :format(name), "JobNameTaken"
  end
  for _ = 1, ROUNDS do
    local taken_over, message, code = take_over(self, id, token, name)
    if taken_over ~= nil or code then return taken_over, message, code end
  end
  return nil, ("the record %s of the transform job %s keeps changing"):format(id, name),
    "TokenReplaced"
end

function Stored:forget(tags, token)
  local done, message, code = self.store:delete {
    correlation_id = tags.CorrelationId,
    task_token = token,
  }
  if done == nil then return nil, message, code end
  return true
end

-- direct --------------------------------------------------------------------------------------

local Direct = { mode = "direct" }
Direct.__index = Direct

function Direct.hold(_, token)
  local size = secret.size(token)
  if size > TAG_MAX then
    return nil, ("the task token has %d characters, the value of a SageMaker tag at most %d; set "
      .. "TOKEN_STORAGE_MODE=dynamodb"):format(size, TAG_MAX), "TokenDoesNotFit"
  end
  if not secret.made_of(token, TAG_CHARACTERS) then
    return nil, "the task token has characters that the value of a SageMaker tag may not have; "
      .. "set TOKEN_STORAGE_MODE=dynamodb", "TokenDoesNotFit"
  end
  return { tag = { Key = "TaskToken", Value = token } }
end

function Direct.release() return true end
function Direct.forget() return true end

function Direct:join(job, tags, token)
  local carried = secret.wrap(tags.TaskToken)
  if secret.equal(carried, token) then return true end
  local held, free, message, code, output
  held, message, code = self:hold(token)
  if not held then return nil, message, code end
  free, message, code = may_take(self.effects, token, carried, job.TransformJobName)
  if not free then return free, message, code end
  output, message, code = self.effects:call {
    service = "sagemaker",
    operation = "AddTags",
    target = job.TransformJobName,
    input = { ResourceArn = job.TransformJobArn, Tags = { held.tag } },
  }
  if not output then return nil, message, code end
  return true
end

-- of(effects, mode) → carrier | nil, message, code
function token_carrier.of(effects, mode)
  if mode == "direct" then return setmetatable({ effects = effects }, Direct) end
  local store, message, code = task_token_store.from_settings(effects)
  if not store then return nil, message, code end
  return setmetatable({ effects = effects, store = store }, Stored)
end

-- from_settings(effects[, default]) → the carrier of the setting token_storage_mode | nil, message,
-- code
function token_carrier.from_settings(effects, default)
  local mode, message, code = settings.choice(effects, "token_storage_mode", token_carrier.MODES,
    default or "dynamodb")
  if not mode then return nil, message, code end
  return token_carrier.of(effects, mode)
end

return token_carrier
