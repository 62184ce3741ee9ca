-- Task tokens on real parts: from the event of a waiting task to its answer, whatever happens between.
local json = require("weir.json")
local workflow = require("support.workflow")

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

local function fine(report)
  assert.is_nil(report.error and ("%s: %s"):format(report.error.code, report.error.message))
  return report.result
end

local function fails(code, report)
  assert.is_nil(report.result)
  assert.equal(code, report.error.code, report.error.message)
  return report.error.message
end

local function metric(report, name)
  for _, each in ipairs(report.effects.metrics) do
    if each.name == name then return each.value, each.dimensions end
  end
end

local function start(token, more) return fine(workflow.invoke(workflow.task(token or TOKEN, more))) end

local function answered(...)
  local answers = workflow.answers()
  assert.equal(select("#", ...), #answers)
  for i, token in ipairs { ... } do assert.equal(workflow.fingerprint(token), answers[i].token) end
  return answers
end

local function is_empty() assert.same({}, workflow.records()) end

describe("a task that waits for a transform job", function()
  before_each(function()
    workflow.reset()
    workflow.waiting(TOKEN, SECOND)
  end)

  it("is answered with the output's place when the job is done, once, and leaves nothing", function()
    local started = start()
    assert.matches("^weir%-run%-1%-%x+$", started.transform_job_name)
    assert.matches("^%x%x%x%x%x%x%x%x$", started.correlation_id)
    local record = workflow.records()[started.correlation_id]
    assert.equal(started.transform_job_name, record.transform_job_name)
    assert.equal(record.created_at + 86400, record.ttl)

    local event = workflow.finish(started.transform_job_name, "Completed")
    local report = workflow.callback(event)
    assert.equal(1, fine(report).answered)
    assert.equal(1, metric(report, "CallbackAnswered"))
    local answer = answered(TOKEN)[1]
    assert.equal("success", answer.kind)
    assert.equal("s3://bucket/out", json.decode(answer.output).output_path)
    is_empty()

    report = workflow.callback(event)
    assert.is_true(fine(report).orphaned)
    assert.equal(1, metric(report, "OrphanedCallback"))
    answered(TOKEN)
  end)

  it("fails with the job's reason", function()
    for status, name in pairs { Failed = "TransformJobFailed", Stopped = "TransformJobStopped" } do
      workflow.reset()
      workflow.waiting(TOKEN)
      local job = start().transform_job_name
      fine(workflow.callback(workflow.finish(job, status, "no capacity: né")))
      local answer = answered(TOKEN)[1]
      assert.equal("failure", answer.kind)
      assert.equal(name, answer.error)
      assert.matches("no capacity: né$", answer.cause)
      is_empty()
    end
  end)

  it("in direct mode carries its token in the tag", function()
    workflow.reset({ token_storage_mode = "direct" })
    workflow.waiting(TOKEN)
    local started = start()
    assert.equal("direct", started.mode)
    assert.same({ "TaskToken" }, workflow.jobs()[started.transform_job_name].tags)
    fine(workflow.callback(workflow.finish(started.transform_job_name, "Completed")))
    answered(TOKEN)
    is_empty()
  end)
end)
