-- sagemaker_invoke when something fails, comes too early, or comes twice at the same time.
local faults = require "support.faults"
local workflow = require "support.workflow"

local cloud = workflow.cloud
local fine, fails, metric, answered, is_empty =
  workflow.fine, workflow.fails, workflow.metric, workflow.answered, workflow.is_empty
local after, interleaved, refusal = faults.after, faults.interleaved, faults.refusal
local LOST = faults.LOST

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

local function invoke(more, effects) return workflow.invoke(workflow.task(TOKEN, more), effects) end
local function start() return fine(invoke()) end

describe("sagemaker_invoke", function()
  before_each(function()
    workflow.reset()
    workflow.waiting(TOKEN, SECOND)
  end)

  it("leaves no token behind when the job cannot be created", function()
    after(1, refusal("ResourceLimitExceeded", "no more of these"))
    assert.matches("no more of these", fails("ResourceLimitExceeded", invoke()))
    is_empty()
    answered()
  end)

  it("says so when the token cannot be removed either", function()
    after(1, refusal("ResourceLimitExceeded", "no more"),
      refusal("AccessDeniedException", "not you"))
    local report = invoke()
    assert.matches("no more.*its record %x+ could not be removed %(.*not you",
      fails("ResourceLimitExceeded", report))
    assert.equal(1, metric(report, "TokenLeftBehind"))
  end)

  it("leaves no token behind when the reply to its record was lost and the next try is refused",
    function()
    cloud.faults(LOST, refusal("AccessDeniedException", "no more"))
    fails("AccessDeniedException", invoke())
    is_empty()
  end)

  it("says so when a token that may have been written cannot be removed", function()
    local no = refusal("AccessDeniedException", "not you")
    cloud.faults(LOST, no, no, no)
    local report = invoke()
    assert.matches("not you.*its record %x+ could not be removed %(.*not you",
      fails("AccessDeniedException", report))
    assert.equal(1, metric(report, "TokenLeftBehind"))
    assert.is_not_nil(next(workflow.records()))
  end)

  it("starts the job in a retry when there is none, however SageMaker says so", function()
    for _, code in ipairs { "ValidationException", "ResourceNotFound" } do
      workflow.reset()
      workflow.waiting(TOKEN)
      after(0, refusal(code, "Could not find requested job"))
      assert.matches("^weir%-run%-1%-%x+$", fine(invoke({ retry_count = 1 })).transform_job_name)
    end

    workflow.reset()
    workflow.waiting(TOKEN)
    after(0, refusal("AccessDeniedException", "not you"))
    fails("AccessDeniedException", invoke({ retry_count = 1 }))
    assert.same({}, workflow.jobs())
  end)

  it("knows its own record and its own job when the replies were lost", function()
    for lost = 0, 1 do
      workflow.reset()
      workflow.waiting(TOKEN)
      after(lost, LOST, LOST)
      local result = start()
      assert.equal(lost == 1, result.already_started)
      assert.equal(result.correlation_id, next(workflow.records()))
      fine(workflow.callback(workflow.finish(result.transform_job_name, "Completed")))
      answered(TOKEN)
      is_empty()
    end
  end)

  it("survives its callback coming first", function()
    local result = fine(invoke(nil, interleaved("AddTags", error)))
    workflow.reset()
    workflow.waiting(TOKEN)
    local live = workflow.effects()
    local original = live.call
    local answer = fine(invoke(nil, { call = function(self, request)
      local output, message, code = original(self, request)
      if request.operation == "CreateTransformJob" then
        fine(workflow.callback(workflow.finish(result.transform_job_name, "Completed")))
      end

      return output, message, code
    end }))
    assert.is_false(answer.already_started)
    answered(TOKEN)
    is_empty()
  end)

  it("survives a job that ends while a retry takes it over, at every step", function()
    for _, operation in ipairs { "PutItem", "CreateTransformJob", "DescribeTransformJob",
      "ListTags", "GetItem",
      "SendTaskHeartbeat", "DeleteItem" } do
      for nth = 1, 2 do
        workflow.reset()
        workflow.waiting(TOKEN, SECOND)
        local job = start().transform_job_name
        workflow.over(TOKEN)
        local between = function() fine(workflow.callback(workflow.finish(job, "Completed"))) end
        fine(workflow.invoke(workflow.task(SECOND), interleaved(operation, between, nth)))
        fine(workflow.callback(workflow.finish(job, "Completed")))
        answered(SECOND)
        is_empty()
      end
    end
  end)

  it("takes a job over only from the attempt it saw: of two retries the later one waits", function()
    local third = "AQCEAAAAKgAAAAMAAAAAAAAAAdM8third/token/Kw+u2nF7xA=="
    for _, operation in ipairs { "GetItem", "SendTaskHeartbeat", "PutItem", "DeleteItem" } do
      for nth = 1, 2 do
        workflow.reset()
        workflow.waiting(TOKEN, SECOND, third)
        local job = start().transform_job_name
        workflow.over(TOKEN)
        local came = false
        local between = function()
          came = true
          workflow.over(SECOND)
          fine(workflow.invoke(workflow.task(third)))
        end

        fine(workflow.invoke(workflow.task(SECOND), interleaved(operation, between, nth)))
        if not came then between() end
        fine(workflow.callback(workflow.finish(job, "Completed")))
        answered(third)
        is_empty()
      end
    end
  end)

  it("names the table that is missing, and starts nothing", function()
    workflow.settings.token_table = "none"
    fails("ResourceNotFoundException", invoke())
    assert.same({}, workflow.jobs())
  end)

  it("refuses a token that does not fit a tag, and says what to set", function()
    workflow.settings.token_storage_mode = "direct"
    for token, reason in pairs { [("x"):rep(257)] =
      "257 characters.* at most 256; set TOKEN_STORAGE_MODE=dynamodb",
      ["AQ*"] =
        "characters that the value of a SageMaker tag may not have; set TOKEN_STORAGE_MODE" } do
      assert.matches(reason, fails("TokenDoesNotFit", workflow.invoke(workflow.task(token))))
    end

    assert.same({}, workflow.jobs())
    workflow.waiting(("x"):rep(256))
    fine(workflow.invoke(workflow.task(("x"):rep(256))))
  end)

  it("refuses settings that are none, naming variable and values", function()
    for name, case in pairs {
      token_storage_mode = { "table", "WEIR_TOKEN_STORAGE_MODE or TOKEN_STORAGE_MODE" },
      mock_mode = { "maybe", "not true or false" }, correlation_id_length = {
        "10",
        "not one of 8, 12, 16",
      },
      token_ttl_seconds = {
        "1 day",
        "a whole number from 60",
      }, instance_count = { "0", "from 1 to 100" },
    } do
      workflow.reset({ [name] = case[1] })
      local message = fails("InvalidSetting", invoke())
      assert.truthy(message:find("the setting " .. name .. " is '" .. case[1] .. "'", 1, true),
        message)
      assert.truthy(message:find(case[2], 1, true), message)
    end
  end)

  it("refuses events that are none", function()
    for event, reason in pairs {
      ["[]"] = "must be a JSON object", ["{}"] = "no task_token",
        ['{"task_token": 3}'] = "no task_token",
      ['{"task_token": ""}'] = "has 0 bytes",
      ['{"TaskToken": "t-1", "input_path": "s3://b/k"}'] =
        "neither execution_id nor execution_name",
      ['{"taskToken": "t-1"}'] = "either input_path or manifest_path",
      ['{"taskToken": "t-1", "input_path": "b/k"}'] = "must be an S3 URI",
      [workflow.task(TOKEN, { tags = { CorrelationId = "x" } })] = "this handler's own",
      [workflow.task(TOKEN, { tags = { ["weir:stack"] = "x" } })] = "weir:stack is this handler's",
      [workflow.task(TOKEN, { split_type = "Word" })] = "split_type must be one of None, Line",
      [workflow.task(TOKEN, { instance_count = 1.5 })] = "instance_count must be a whole number",
      [workflow.task(TOKEN, { transform_job_name = "-a" })] = "transform_job_name must be",
      [workflow.task(TOKEN, { retry_count = -1 })] = "retry_count must be",
      [workflow.task(TOKEN, { input_path = "s3://b/"
        .. TOKEN:sub(21, 40) })] = "in another member than task_token",
    } do
      local message = fails("InvalidEvent", workflow.invoke(event))
      assert.truthy(message:find(reason, 1, true), message)
    end

    is_empty()
  end)
end)
