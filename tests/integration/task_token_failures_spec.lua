-- Task tokens when something fails, comes too early, or comes twice at the same time.
local json = require("weir.json")
local secret = require("weir.secret")
local store = require("weir.callback.task_token_store")
local workflow = require("support.workflow")

local cloud = workflow.cloud
local fine, fails, metric, answered, is_empty = workflow.fine, workflow.fails, workflow.metric,
  workflow.answered,
  workflow.is_empty

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

local function invoke(more, effects) return workflow.invoke(workflow.task(TOKEN, more), effects) end
local function start() return fine(invoke()) end

local PASS, LOST = { kind = "pass" }, { kind = "close" }

local function refusal(code, message)
  local body = json.encode { __type = "x#" .. code, message = message }
  return { kind = "status", status = 400, headers = {}, body = body }
end

-- Faults for one request after `count` that pass.
local function after(count, ...)
  local faults = {}
  for i = 1, count do faults[i] = PASS end
  cloud.faults(table.unpack(table.move({ ... }, 1, select("#", ...), count + 1, faults)))
end

-- Effects in which `before` runs once, just before this operation.
local function interleaved(operation, before, nth)
  local live, seen = workflow.effects(), 0
  local function step(method)
    local original = live[method]
    return function(self, request)
      if request.operation == operation then
        seen = seen + 1
        if seen == (nth or 1) then before() end
      end

      return original(self, request)
    end
  end

  return { call = step("call"), read = step("read") }
end

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
        "none of SageMaker's",
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

describe("the store", function()
  local UUID = "0a1b2c3d-0000-4000-8000-000000000000"

  before_each(function() workflow.reset() end)

  local function new(more) return store.new(workflow.effects(more), { table = workflow.TABLE }) end

  it("tells not found, expired and failed apart", function()
    local tokens = new()
    local record = assert(tokens:put(secret.wrap(TOKEN), "job"))
    assert.is_true(secret.equal(TOKEN, assert(tokens:get(record.correlation_id)).task_token))
    assert.equal("TokenNotFound", select(3, tokens:get("00000000")))
    assert.equal("TokenExpired", select(3,
      new({ now = function() return record.ttl end }):get(record.correlation_id)))
    cloud.faults(refusal("AccessDeniedException", "not you"))
    assert.equal("AccessDeniedException", select(3, tokens:get(record.correlation_id)))
  end)

  it("never overwrites: three ids that are taken are an error", function()
    local tokens = new({ uuid = function() return UUID end })
    local first = assert(tokens:put(secret.wrap(TOKEN), "job"))
    assert.equal("0a1b2c3d", first.correlation_id)
    local record, message, code = tokens:put(secret.wrap(SECOND), "job-2")
    assert.is_nil(record)
    assert.equal("CorrelationIdTaken", code)
    assert.matches("set CORRELATION_ID_LENGTH to 12 or 16", message)
    assert.is_true(secret.equal(TOKEN, assert(tokens:get("0a1b2c3d")).task_token))
  end)

  it("recognises its own record by the item that comes with the failure, too", function()
    local held
    local live = { now = function() return 1000 end, uuid = function() return UUID end,
      call = function(_, request)
        held = request.input.Item
        return nil, "lost", "ConditionalCheckFailedException", {
          status = 400,
          fields = { Item = held },
        }
      end }
    local record = assert(store.new(live, { table = "t" }):put(secret.wrap(TOKEN), "job"))
    assert.equal(held, record)
  end)

  it("removes what may have been written by a call that failed", function()
    local operations = {}
    local live = { now = function() return 1000 end, uuid = function() return UUID end,
      call = function(_, request)
        operations[#operations + 1] = request.operation
        if request.operation == "PutItem" then
          return nil, "no answer", "Timeout", { fields = {} }
        end

        return {}
      end }
    assert.equal("Timeout", select(3, store.new(live, { table = "t" }):put(secret.wrap(TOKEN),
      "job")))
    assert.same({ "PutItem", "DeleteItem" }, operations)
  end)

  it("refuses a record that is none of its own", function()
    assert(cloud.client("dynamodb"):put_item({ TableName = workflow.TABLE,
      Item = { correlation_id = "0a1b2c3d" } }))
    assert.equal("InvalidRecord", select(3, new():get("0a1b2c3d")))
  end)

  it("finds the records of a job", function()
    local tokens = new()
    local one, two = assert(tokens:put(secret.wrap(TOKEN), "job")),
      assert(tokens:put(secret.wrap(SECOND), "job"))
    assert(tokens:put(secret.wrap(SECOND), "other"))
    local ids = assert(tokens:ids_of("job"))
    table.sort(ids)
    local expected = { one.correlation_id, two.correlation_id }
    table.sort(expected)
    assert.same(expected, ids)
  end)
end)
