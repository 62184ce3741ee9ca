-- sagemaker_callback when something fails, comes too early, or comes twice at the same time.
local faults = require "support.faults"
local workflow = require "support.workflow"

local fine, fails, metric, answered, is_empty =
  workflow.fine, workflow.fails, workflow.metric, workflow.answered, workflow.is_empty
local after, interleaved, refusal = faults.after, faults.interleaved, faults.refusal

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

local function invoke(more, effects) return workflow.invoke(workflow.task(TOKEN, more), effects) end
local function start() return fine(invoke()) end

describe("sagemaker_callback", function()
  before_each(function()
    workflow.reset()
    workflow.waiting(TOKEN, SECOND)
  end)

  -- DescribeTransformJob, ListTags, Query, GetItem, SendTaskSuccess, DeleteItem
  it("fails with any call that fails, keeps what it has, and answers once in the end", function()
    for failing = 0, 5 do
      workflow.reset()
      workflow.waiting(TOKEN)
      local event = workflow.finish(start().transform_job_name, "Completed")
      after(failing, refusal("AccessDeniedException", "not you"))
      assert.matches("not you", fails("AccessDeniedException", workflow.callback(event)))
      assert.is_not_nil(next(workflow.records()))
      fine(workflow.callback(event))
      answered(TOKEN)
      is_empty()
    end
  end)

  it("never shows a token that a service quotes, whole or cut", function()
    local event = workflow.finish(start().transform_job_name, "Completed")
    for _, quoted in ipairs { TOKEN, TOKEN:sub(1, 30), (TOKEN:gsub("/", "\\/")) } do
      after(4, refusal("AccessDeniedException", "no right to answer '" .. quoted .. "'"))
      assert.matches("no right to answer '%[redacted%]'",
        fails("AccessDeniedException", workflow.callback(event)))
    end
  end)

  it("answers once when two come at the same time", function()
    for _, operation in ipairs { "DescribeTransformJob", "ListTags", "Query", "GetItem",
      "SendTaskSuccess",
      "DeleteItem" } do
      workflow.reset()
      workflow.waiting(TOKEN)
      local event = workflow.finish(start().transform_job_name, "Completed")
      fine(workflow.callback(event, interleaved(operation, function()
        fine(workflow.callback(event))
      end)))

      answered(TOKEN)
      is_empty()
    end
  end)

  it("does not believe an event that is ahead of SageMaker, nor one that is behind", function()
    local job = start().transform_job_name
    fails("JobNotSettled", workflow.callback(workflow.event(job, "Completed")))
    answered()
    workflow.set_job(job, "Failed", "no")
    fine(workflow.callback(workflow.event(job, "InProgress")))
    assert.equal("failure", answered(TOKEN)[1].kind)
  end)

  local function later() return os.time() + 86401 end

  it("tries a record that expired by our clock: Step Functions knows whether the task waits",
    function()
    local event = workflow.finish(start().transform_job_name, "Completed")
    local report = workflow.callback(event, { now = later })
    assert.same({ 1, 1 }, { fine(report).expired, report.result.answered })
    assert.equal(1, metric(report, "ExpiredTaskToken"))
    answered(TOKEN)
    is_empty()
  end)

  it("removes a record that expired when its task is over", function()
    local event = workflow.finish(start().transform_job_name, "Completed")
    workflow.over(TOKEN)
    local report = workflow.callback(event, { now = later })
    assert.same({ 1, 0, 1 }, {
      fine(report).expired,
      report.result.answered,
      report.result.already_answered,
    })

    answered()
    is_empty()
  end)

  it("keeps a record that expired while its task waits, and removes it once it is over", function()
    local job = start().transform_job_name
    local report = workflow.callback(workflow.event(job, "InProgress"), { now = later })
    assert.same({ 1, 1 }, { fine(report).expired, report.result.heartbeats })
    assert.is_not_nil(next(workflow.records()))

    workflow.over(TOKEN)
    fine(workflow.callback(workflow.event(job, "InProgress"), { now = later }))
    is_empty()
  end)

  it("does not take a job from a task that waits, though its record expired", function()
    local job = start().transform_job_name
    fails("JobNameTaken", workflow.invoke(workflow.task(SECOND), { now = later }))
    workflow.over(TOKEN)
    assert.equal(job, fine(workflow.invoke(workflow.task(SECOND),
      { now = later })).transform_job_name)
  end)

  it("counts a job without a record, or without tags, as an orphan", function()
    local job = start().transform_job_name
    workflow.empty_table()
    local report = workflow.callback(workflow.finish(job, "Completed"))
    assert.is_true(fine(report).orphaned)
    assert.same({ Reason = "NoRecord" }, select(2, metric(report, "OrphanedCallback")))
    workflow.set_job("other", "Completed")
    report = workflow.callback(workflow.event("other", "Completed"))
    assert.same({ Reason = "NoTag" }, select(2, metric(report, "OrphanedCallback")))
    workflow.set_job("other", "Completed", nil, { CorrelationId = "../../etc", TaskToken = "" })
    assert.is_true(fine(workflow.callback(workflow.event("other", "Completed"))).orphaned)
  end)

  it("does not answer with the record of another job that has the id by now", function()
    local started = start()
    workflow.set_job("other", "Completed", nil, { CorrelationId = started.correlation_id })
    assert.is_true(fine(workflow.callback(workflow.event("other", "Completed"))).orphaned)
    answered()
    assert.is_not_nil(next(workflow.records()))
  end)

  it("counts a task that is over, and cleans up", function()
    local event = workflow.finish(start().transform_job_name, "Completed")
    for code in pairs { TaskTimedOut = 1, TaskDoesNotExist = 1, InvalidToken = 1 } do
      workflow.reset()
      workflow.waiting(TOKEN)
      event = workflow.finish(start().transform_job_name, "Completed")
      after(4, refusal(code, "no"))
      local report = workflow.callback(event)
      assert.equal(1, fine(report).already_answered)
      assert.same({ Code = code }, select(2, metric(report, "TaskAlreadyAnswered")))
      is_empty()
    end

    assert.is_true(fine(workflow.callback(event)).orphaned)
  end)

  it("bounds the cause, between two characters, and takes the token out of it", function()
    local event = workflow.finish(start().transform_job_name, "Failed", ("é"):rep(20000))
    fine(workflow.callback(event))
    local cause = answered(TOKEN)[1].cause
    assert.is_true(#cause <= 32768 and #cause > 32760)
    assert.is_truthy(utf8.len(cause))

    workflow.reset()
    workflow.waiting(TOKEN)
    fine(workflow.callback(workflow.finish(start().transform_job_name, "Failed", "tag " .. TOKEN
      .. " refused")))
    assert.matches("tag %[redacted%] refused", answered(TOKEN)[1].cause)
  end)

  it("refuses events that are none", function()
    for event, reason in pairs {
      ["3"] = "must be a JSON object", ["{}"] = "no detail",
        ['{"detail": {}}'] = "names no transform job",
      ['{"source": "aws.s3", "detail": {"TransformJobName": "a"}}'] = "takes events",
      ['{"detail-type": "SageMaker Training Job State Change", "detail": '
        .. '{"TransformJobName": "a"}}'] = "takes events",
      ['{"detail": {"TransformJobName": "a/b"}}'] = "names no transform job",
      ['{"detail": {"TransformJobName": "a", "TransformJobStatus": "Done"}}'] =
        "not one of SageMaker's",
      ['{"heartbeat": {"job": "a"}}'] = 'must be "running" or a list',
      ['{"heartbeat": 3}'] = 'must be "running" or a list',
        ['{"heartbeat": ["-"]}'] = "heartbeat[0]",
    } do
      local message = fails("InvalidEvent", workflow.callback(event))
      assert.truthy(message:find(reason, 1, true), message)
    end
  end)

  it("sees to every job of a schedule, whatever became of one", function()
    local job = start().transform_job_name
    workflow.set_job(job, "Completed")
    fails("ValidationException", workflow.callback('{"heartbeat": ["none", "' .. job .. '"]}'))
    answered(TOKEN)
  end)
end)
