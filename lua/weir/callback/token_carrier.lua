-- How a transform job carries its task token: by the id of a record (mode "dynamodb", the tag
-- CorrelationId), or itself (mode "direct", the tag TaskToken).
--
-- A carrier has
--   hold(token, name)   → held | nil, message, code, held
--                         before the job is created; held.tag goes on it; after a failure `held` is
--                         what is yet to be released
--   release(held)       → true | nil, message, code   no job needs it
--   join(job, tags, token) → true | false (the token is over)
--                         the job is there: makes it carry this token
--   forget(tags, token)   after join: the token is answered
--
-- join, forget, of and from_settings raise a failure (weir.try).
local answer = require "weir.callback.task_answer"
local secret = require "weir.secret"
local settings = require "weir.settings"
local task_token_store = require "weir.callback.task_token_store"
local try = require "weir.try"

local token_carrier = { MODES = { "dynamodb", "direct" } }

-- The bytes that the value of a tag may have, and the characters.
local TAG_MAX = 256
local TAG_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _.:/=+-@"

-- More than two attempts of one task do not overlap; every round means that one more did.
local ROUNDS = 5

-- Whether the task of `token` still waits. Where the task of `other` waits as well, the one that
-- came later may not take the job over.
local function may_take(effects, token, other, job)
  if not try(answer.heartbeat(effects, token, job)) then return false end
  if other and try(answer.heartbeat(effects, other, job)) then
    try.fail(
      ("another task that still waits has the transform job %s; give each a job_key of its own")
      :format(job), "JobNameTaken")
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

-- The record under an id as the job's, or nil; and whether it expired. A record that another job
-- was given since then is not ours to touch.
local function record_of(store, id, job)
  local record, message, code, expired = store:get(id)
  record = record or expired
  if not record and code == "TokenNotFound" then return nil end
  try(record, message, code)

  if record.transform_job_name == job then return record, expired ~= nil end
  try.fail(("the record %s of the transform job %s belongs to %s by now"):format(id, job,
    record.transform_job_name), "JobNameTaken")
end

-- One try to put the token under the job's id: true | false (over) | nil (somebody was faster).
-- Whether the task of a record that expired by our clock still waits, only Step Functions knows.
local function take_over(self, id, token, job)
  local seen, expired = record_of(self.store, id, job)
  local same = seen and secret.equal(seen.task_token, token)
  if same and not expired then return true end

  local other = seen and not same and seen.task_token or nil
  if not may_take(self.effects, token, other, job) then return false end
  return try(self.store:replace(id, seen, token, job)) and true or nil
end

function Stored:join(job, tags, token)
  local id, name = tags.CorrelationId, job.TransformJobName
  if not task_token_store.is_id(id) then
    try.fail(("the tag CorrelationId of the transform job %s is not a correlation id"):format(name),
      "JobNameTaken")
  end

  for _ = 1, ROUNDS do
    local taken_over = take_over(self, id, token, name)
    if taken_over ~= nil then return taken_over end
  end

  try.fail(("the record %s of the transform job %s keeps changing"):format(id, name),
    "TokenReplaced")
end

function Stored:forget(tags, token)
  try(self.store:delete { correlation_id = tags.CorrelationId, task_token = token })
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
function Direct.forget() end

function Direct:join(job, tags, token)
  local carried = secret.wrap(tags.TaskToken)
  if secret.equal(carried, token) then return true end

  local held = try(self:hold(token))
  if not may_take(self.effects, token, carried, job.TransformJobName) then return false end
  try(self.effects:call {
    service = "sagemaker",
    operation = "AddTags",
    target = job.TransformJobName,
    input = { ResourceArn = job.TransformJobArn, Tags = { held.tag } },
  })

  return true
end

-- of(effects, mode) → carrier
function token_carrier.of(effects, mode)
  if mode == "direct" then return setmetatable({ effects = effects }, Direct) end
  local store = task_token_store.from_settings(effects)
  return setmetatable({ effects = effects, store = store }, Stored)
end

-- from_settings(effects[, default]) → the carrier of the setting token_storage_mode
function token_carrier.from_settings(effects, default)
  local mode = try(settings.choice(effects, "token_storage_mode", { default = default }))
  return token_carrier.of(effects, mode)
end

return token_carrier
