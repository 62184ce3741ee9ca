-- Task tokens on real parts: from the event of a waiting task to its answer, whatever happens
-- between.
local json = require("weir.json")
local workflow = require("support.workflow")

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

local fine, fails, metric, answered, is_empty = workflow.fine, workflow.fails, workflow.metric,
  workflow.answered,
  workflow.is_empty

local function start(token, more)
  return fine(workflow.invoke(workflow.task(token or TOKEN, more)))
end

describe("a task that waits for a transform job", function()
  before_each(function()
    workflow.reset()
    workflow.waiting(TOKEN, SECOND)
  end)

  it("is answered with the output's place when the job is done, once, and leaves nothing",
    function()
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

  it("tells of its stack in a tag, by which weir cleanup knows it", function()
    workflow.reset { stack = "weir-core" }
    workflow.waiting(TOKEN)
    local started = start(TOKEN, { tags = { Team = "x" } })
    assert.same({ "weir:stack", "Team", "CorrelationId" },
      workflow.jobs()[started.transform_job_name].tags)
    fine(workflow.callback(workflow.finish(started.transform_job_name, "Completed")))
    answered(TOKEN)
    is_empty()
  end)

  it("finds its tag behind others, over the pages", function()
    local started = start(TOKEN, { tags = { Team = "x", A = "1", B = "2" } })
    assert.same({ "A", "B", "Team", "CorrelationId" },
      workflow.jobs()[started.transform_job_name].tags)
    fine(workflow.callback(workflow.finish(started.transform_job_name, "Completed")))
    answered(TOKEN)
    is_empty()
  end)

  it("finds its tag among 50, one a page and on the last of three pages", function()
    local tags = {}
    for i = 1, 49 do tags[("k%02d"):format(i)] = "v" end
    for pages = 0, 3, 3 do
      workflow.reset()
      workflow.waiting(TOKEN)
      local started = start(TOKEN, { tags = tags })
      local keys = workflow.jobs()[started.transform_job_name].tags
      assert.same({ 50, "CorrelationId" }, { #keys, keys[50] })
      local answers = {}
      for page = 1, pages do
        local list = json.array {}
        for i = 20 * page - 19, math.min(20 * page, 50) do
          list[#list + 1] = { Key = keys[i], Value = i < 50 and "v" or started.correlation_id }
        end

        answers[page] = { status = 200, headers = { ["Content-Type"] =
          "application/x-amz-json-1.1" },
          body = json.encode { Tags = list, NextToken = page < pages and "page/" .. page or nil } }
      end

      workflow.cloud.answers { ["sagemaker.ListTags"] = json.array(answers) }
      fine(workflow.callback(workflow.finish(started.transform_job_name, "Completed")))
      answered(TOKEN)
      is_empty()
      local asked = 0
      for _, request in ipairs(workflow.cloud.requests()) do
        asked = asked + (request.operation == "ListTags" and 1 or 0)
      end

      assert.equal(pages == 0 and 50 or pages, asked)
    end
  end)

  it("has an id of 8, 12 or 16 digits, of which any callback knows the record, and any retry",
    function()
    for _, length in ipairs { 8, 12, 16 } do
      workflow.reset({ correlation_id_length = tostring(length) })
      workflow.waiting(TOKEN, SECOND)
      local started = start()
      assert.matches("^" .. ("%x"):rep(length) .. "$", started.correlation_id)
      assert.equal(started.transform_job_name,
        workflow.records()[started.correlation_id].transform_job_name)
      workflow.settings.correlation_id_length = length == 8 and "16" or "8"
      workflow.over(TOKEN)
      assert.equal(started.correlation_id, start(SECOND).correlation_id)
      fine(workflow.callback(workflow.finish(started.transform_job_name, "Completed")))
      answered(SECOND)
      is_empty()
    end
  end)

  it("has a job whose name SageMaker takes, whatever the execution's is, for every attempt",
    function()
    for _, execution in ipairs { ("x"):rep(80), ("-"):rep(80), ("a_"):rep(40), ("é"):rep(80),
      "a.b c!" } do
      workflow.reset()
      local name
      for i, retry in ipairs { 0, 1, 999 } do
        workflow.waiting(TOKEN .. i)
        local started = start(TOKEN .. i, { execution_id = "arn:aws:states:r:1:execution:wf:"
          .. execution,
          retry_count = retry })
        name = name or started.transform_job_name
        assert.equal(retry == 0 and name or ("%s-r%d"):format(name, retry),
          started.transform_job_name)
        fine(workflow.callback(workflow.finish(started.transform_job_name, "Failed")))
      end

      answered(TOKEN .. 1, TOKEN .. 2, TOKEN .. 3)
      is_empty()
    end
  end)

  it("has the record before the token in the tag, where a job has both", function()
    local started = start()
    workflow.set_job(started.transform_job_name, "Completed", nil,
      { TaskToken = SECOND, CorrelationId = started.correlation_id })
    fine(workflow.callback(workflow.event(started.transform_job_name, "Completed")))
    answered(TOKEN)
  end)

  it("accepts every shape of its event", function()
    local arn = "arn:aws:sagemaker:eu-west-1:111122223333:transform-job/"
    for _, event in ipairs {
      '{"detail": {"TransformJobName": "%s"}, "heartbeat": null, "resources": []}',
      '{"detail": {"TransformJobName": "%s"}}',
      '{"detail": {"TransformJobArn": "' .. arn
        .. '%s", "Tags": null, "CreationTime": "2026-11-23T12:00:00Z"}}',
      '{"detail": {}, "resources": ["' .. arn .. '%s"], "time": 1795435200500}',
      '{"source": "aws.sagemaker", "detail": '
        .. '{"TransformJobName": "%s", "TransformJobStatus": "Completed"}}',
    } do
      workflow.reset()
      workflow.waiting(TOKEN)
      local job = start().transform_job_name
      workflow.set_job(job, "Completed")
      assert.equal(1, fine(workflow.callback(event:format(job))).answered)
    end
  end)

  it("may have a token of any length and letters: its output stays whole", function()
    for _, token in ipairs { "mod", "Tra", '":"', "status", "Complete", ("Az9+/"):rep(409)
      .. "xyz" } do
      workflow.reset()
      workflow.waiting(token)
      local job = start(token).transform_job_name
      fine(workflow.callback(workflow.finish(job, "Completed")))
      local output = assert(json.decode(answered(token)[1].output))
      assert.same({ job, "s3://bucket/out" }, { output.transform_job_name, output.output_path },
        token)
      is_empty()
    end
  end)

  it("keeps its heart beating while the job runs, by events and by a schedule", function()
    local job = start().transform_job_name
    for _, event in ipairs { workflow.event(job, "InProgress"), '{"heartbeat": "running"}',
      '{"heartbeat": ["' .. job .. '"]}' } do
      local report = workflow.callback(event)
      fine(report)
      assert.equal(1, metric(report, "TaskHeartbeats"), event)
    end

    answered()
    workflow.set_job(job, "Completed")
    assert.same({}, fine(workflow.callback('{"heartbeat": "running"}')).jobs)
    answered()
    assert.equal(1, fine(workflow.callback('{"heartbeat": ["' .. job .. '"]}')).jobs[1].answered)
    assert.same({}, fine(workflow.callback('{"heartbeat": "running"}')).jobs)
    answered(TOKEN)
  end)

  it("that is over loses its record at the next heartbeat", function()
    local job = start().transform_job_name
    workflow.over(TOKEN)
    local report = workflow.callback(workflow.event(job, "InProgress"))
    assert.equal(1, fine(report).already_answered)
    assert.equal(1, metric(report, "TaskAlreadyAnswered"))
    is_empty()
  end)

  it("in mock mode is answered at once, without SageMaker and without a record", function()
    workflow.reset({ mock_mode = "true" })
    workflow.waiting(TOKEN)
    assert.is_true(start().answered)
    assert.is_false(start().answered)
    assert.is_true(json.decode(answered(TOKEN)[1].output).mock)
    assert.same({}, workflow.jobs())
    is_empty()
  end)
end)

describe("the same event again", function()
  before_each(function()
    workflow.reset()
    workflow.waiting(TOKEN, SECOND)
  end)

  it("finds its job and leaves one record", function()
    local first, again = start(), start()
    assert.equal(first.transform_job_name, again.transform_job_name)
    assert.equal(first.correlation_id, again.correlation_id)
    assert.is_true(again.already_started)
    local records = workflow.records()
    assert.equal(first.correlation_id, next(records))
    assert.is_nil(next(records, first.correlation_id))
  end)

  it("answers a job that is over, and no more when it was answered", function()
    local job = start().transform_job_name
    workflow.set_job(job, "Completed")
    assert.is_true(start().answered)
    is_empty()
    assert.is_true(start().superseded)
    answered(TOKEN)
    is_empty()
  end)

  it("finds the job in the mode it was started in", function()
    local job = start().transform_job_name
    workflow.settings.token_storage_mode = "direct"
    assert.equal("dynamodb", start().mode)
    workflow.settings.token_storage_mode = "dynamodb"
    fine(workflow.callback(workflow.finish(job, "Completed")))
    answered(TOKEN)
    is_empty()
  end)

  it("in direct mode as well", function()
    workflow.reset({ token_storage_mode = "direct" })
    workflow.waiting(TOKEN)
    local job = start().transform_job_name
    assert.is_true(start().already_started)
    workflow.set_job(job, "Failed", "no")
    assert.is_true(start().answered)
    assert.is_false(start().answered)
    answered(TOKEN)
  end)
end)

describe("a retry with a new token", function()
  before_each(function()
    workflow.reset()
    workflow.waiting(TOKEN, SECOND)
  end)

  for _, mode in ipairs(require("weir.callback.token_carrier").MODES) do
    describe("(" .. mode .. ")", function()
      before_each(function()
        workflow.reset({ token_storage_mode = mode })
        workflow.waiting(TOKEN, SECOND)
      end)

      local function retry(more)
        workflow.over(TOKEN)
        return start(SECOND, more)
      end

      it("takes over the job that runs", function()
        local first = start()
        local second = retry({ retry_count = 1 })
        assert.equal(first.transform_job_name, second.transform_job_name)
        fine(workflow.callback(workflow.finish(first.transform_job_name, "Completed")))
        answered(SECOND)
        is_empty()
      end)

      it("is answered by the job that is done, whose event came before", function()
        local job = start().transform_job_name
        workflow.over(TOKEN)
        fine(workflow.callback(workflow.finish(job, "Completed")))
        is_empty()
        assert.is_true(retry({ retry_count = 1 }).answered)
        answered(SECOND)
        is_empty()
      end)

      it("starts a job of its own when the first one failed, and finds it again", function()
        local job = start().transform_job_name
        fine(workflow.callback(workflow.finish(job, "Failed", "no capacity")))
        local second = retry({ retry_count = 1 })
        assert.equal(job .. "-r1", second.transform_job_name)
        assert.equal(second.transform_job_name, retry({ retry_count = 1 }).transform_job_name)
        fine(workflow.callback(workflow.event(job, "Failed")))
        fine(workflow.callback(workflow.finish(second.transform_job_name, "Completed")))
        answered(TOKEN, SECOND)
        is_empty()
      end)

      it("joins the last job of its task, not one that failed before, and starts no third",
        function()
        local third = "AQCEAAAAKgAAAAMAAAAAAAAAAdM8third/token/Kw+u2nF7xA=="
        workflow.waiting(third)
        local job = start().transform_job_name
        fine(workflow.callback(workflow.finish(job, "Failed", "no capacity")))
        local second = retry({ retry_count = 1 }).transform_job_name
        workflow.over(SECOND)
        assert.equal(second, start(third, { retry_count = 2 }).transform_job_name)
        workflow.set_job(second, "Completed")
        assert.equal(second, start(third, { retry_count = 3 }).transform_job_name)
        answered(TOKEN, third)
        workflow.set_job(second, "Failed", "no capacity")
        workflow.waiting(SECOND)
        assert.equal(job .. "-r4", start(SECOND, { retry_count = 4 }).transform_job_name)
      end)

      it("is not undone by a late delivery of the first event", function()
        local job = start().transform_job_name
        retry()
        assert.is_true(start(TOKEN).superseded)
        fine(workflow.callback(workflow.finish(job, "Completed")))
        answered(SECOND)
        is_empty()
      end)

      it("does not take a job from a task that still waits", function()
        local job = start().transform_job_name
        local message = fails("JobNameTaken", workflow.invoke(workflow.task(SECOND)))
        assert.matches("give each a job_key of its own", message)
        fine(workflow.callback(workflow.finish(job, "Completed")))
        answered(TOKEN)
        is_empty()
        assert.are_not.equal(job, start(SECOND, { job_key = "2" }).transform_job_name)
      end)
    end)
  end

  it("takes over a job whose record is gone", function()
    local job = start().transform_job_name
    workflow.empty_table()
    workflow.over(TOKEN)
    assert.equal(job, start(SECOND).transform_job_name)
    fine(workflow.callback(workflow.finish(job, "Completed")))
    answered(SECOND)
    is_empty()
  end)
end)
