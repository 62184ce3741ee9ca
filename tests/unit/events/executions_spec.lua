-- The execution that a job is started as.
local executions = require "weir.events.executions"
local json = require "weir.json"

local MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"

-- Starts it at a service that answers so → { what it answered }, the request
local function start(job, answer, message, code)
  local request
  local effects = {}
  function effects.call(_, given)
    request = given
    return answer, message, code
  end

  return { executions.start(job, MACHINE, effects) }, request
end

local function requested(job)
  local _, request = start(job, { executionArn = "arn:e" })
  return request.input
end

local JOB = { action = "job", work = "object", key = "a b.png", idempotency_key = "object:b:e1" }

describe("an execution", function()
  it("has the job for its input, without the word for the decision", function()
    local input = requested(JOB)
    assert.equal(MACHINE, input.stateMachineArn)
    assert.same({ work = "object", key = "a b.png", idempotency_key = "object:b:e1" },
      json.decode(input.input))
  end)

  it("has the same name for the same work, and another for other work", function()
    local name = requested(JOB).name
    assert.equal(name, requested({ work = "object", idempotency_key = "object:b:e1" }).name)
    assert.not_equal(name, requested({ work = "object", idempotency_key = "object:b:e2" }).name)
  end)

  it("has a name that Step Functions takes, whatever the pipeline is called", function()
    for _, work in ipairs { "object", ("x"):rep(64), "a b/ü.*" } do
      local name = requested({ work = work, idempotency_key = "k" }).name
      assert.is_true(#name <= 80, name)
      assert.matches("^[%w_-]+$", name)
    end
  end)

  it("is told by its ARN, or was started before, or could not be started", function()
    local started = start(JOB, { executionArn = "arn:e" })[1]
    assert.same({ "arn:e", "object:b:e1" }, { started.execution, started.idempotency_key })
    assert.is_true(start(JOB, nil, "there is one", "ExecutionAlreadyExists")[1].already_started)
    assert.same({ [2] = "too many", [3] = "ExecutionLimitExceeded" },
      (start(JOB, nil, "too many", "ExecutionLimitExceeded")))
  end)
end)
