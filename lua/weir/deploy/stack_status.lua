-- What a stack's status means for a deployment:
--
--   stack_status.of(status or nil) → { step =, change =?, why =? }
--
-- step is one of
--   "change"    a change set can be made; change: its type, CREATE or UPDATE
--   "replace"   the stack never came into being: it is deleted and created
--   "clean"     its deletion failed: weir cleanup, then create
--   "wait"      somebody changes it just now
--   "go_back"   its roll-back failed and must be continued first
--   "stuck"     CloudFormation does not go on from there
--   "unknown"   this program does not know the status
-- why: what happened to the stack, for people; nil where nothing is remarkable.
local stack_status = {}

local CREATE = { step = "change", change = "CREATE" }
local UPDATE = { step = "change", change = "UPDATE" }

local BY_STATUS = {
  REVIEW_IN_PROGRESS = CREATE,

  CREATE_COMPLETE = UPDATE,
  UPDATE_COMPLETE = UPDATE,
  IMPORT_COMPLETE = UPDATE,
  IMPORT_ROLLBACK_COMPLETE = UPDATE,
  UPDATE_ROLLBACK_COMPLETE = {
    step = "change",
    change = "UPDATE",
    why = "the last update failed and was rolled back",
  },
  UPDATE_FAILED = { step = "change", change = "UPDATE", why = "the last update failed half way" },

  ROLLBACK_COMPLETE = { step = "replace", why = "its creation failed; nothing of it is in use" },
  ROLLBACK_FAILED = { step = "replace", why = "its creation failed, and so did the roll-back" },
  CREATE_FAILED = { step = "replace", why = "its creation failed" },

  DELETE_FAILED = { step = "clean", why = "its deletion failed half way" },
  UPDATE_ROLLBACK_FAILED = {
    step = "go_back",
    why = "an update failed, and so did the roll-back",
  },
  IMPORT_ROLLBACK_FAILED = {
    step = "stuck",
    why = "an import failed, and so did the roll-back",
  },
}

function stack_status.of(status)
  if status == nil or status == "DELETE_COMPLETE" then return CREATE end
  local known = BY_STATUS[status]
  if known then return known end
  if status:find("_IN_PROGRESS$") then
    return { step = "wait", why = "an operation on it runs just now" }
  end

  return { step = "unknown", why = "this program does not know the state" }
end

return stack_status
