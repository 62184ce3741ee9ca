-- What each status of CloudFormation means for a deployment.
local stack_status = require "weir.deploy.stack_status"

local STEPS = {
  CREATE_COMPLETE = "change UPDATE",
  CREATE_FAILED = "replace",
  CREATE_IN_PROGRESS = "wait",
  DELETE_COMPLETE = "change CREATE",
  DELETE_FAILED = "clean",
  DELETE_IN_PROGRESS = "wait",
  IMPORT_COMPLETE = "change UPDATE",
  IMPORT_IN_PROGRESS = "wait",
  IMPORT_ROLLBACK_COMPLETE = "change UPDATE",
  IMPORT_ROLLBACK_FAILED = "stuck",
  IMPORT_ROLLBACK_IN_PROGRESS = "wait",
  REVIEW_IN_PROGRESS = "change CREATE",
  ROLLBACK_COMPLETE = "replace",
  ROLLBACK_FAILED = "replace",
  ROLLBACK_IN_PROGRESS = "wait",
  UPDATE_COMPLETE = "change UPDATE",
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS = "wait",
  UPDATE_FAILED = "change UPDATE",
  UPDATE_IN_PROGRESS = "wait",
  UPDATE_ROLLBACK_COMPLETE = "change UPDATE",
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS = "wait",
  UPDATE_ROLLBACK_FAILED = "go_back",
  UPDATE_ROLLBACK_IN_PROGRESS = "wait",
  SOMETHING_NEW = "unknown",
  IN_PROGRESS_OF_SOMETHING = "unknown",
}

-- Nothing remarkable happened to these.
local QUIET = {
  CREATE_COMPLETE = true, UPDATE_COMPLETE = true, IMPORT_COMPLETE = true,
  IMPORT_ROLLBACK_COMPLETE = true, REVIEW_IN_PROGRESS = true, DELETE_COMPLETE = true,
}

describe("the status of a stack", function()
  it("says which step comes next, and which type of change set", function()
    for status, expected in pairs(STEPS) do
      local found = stack_status.of(status)
      local shown = found.change and found.step .. " " .. found.change or found.step
      assert.equal(expected, shown, status)
    end
  end)

  it("says what happened, but where nothing is remarkable", function()
    for status in pairs(STEPS) do
      local why = stack_status.of(status).why
      if QUIET[status] then
        assert.is_nil(why, status)
      else
        assert.is_string(why, status)
      end
    end
  end)

  it("of a stack that is not there is to create it", function()
    assert.same({ step = "change", change = "CREATE" }, stack_status.of(nil))
  end)
end)
