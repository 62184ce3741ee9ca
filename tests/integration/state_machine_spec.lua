-- deploy/state-machines/inference.asl.json, executed: every way through it, and every way it can
-- fail.
local emulators = require "support.emulator"
local json = require "weir.json"
local run = require "support.run"
local state_machine = require "support.state_machine"
local workflow = require "support.workflow"

local cloud = workflow.cloud
local BATCH, POLICY = "Transform in a batch job", "Ask the policy"
local SHARE = "Send a share of the files"

local function has(list, name)
  for _, each in ipairs(list) do if each == name then return true end end
  return false
end

local function without(urls, name)
  urls[name] = nil
  return urls
end

describe("the state machine", function()
  local stage

  setup(function()
    workflow.reset()
    state_machine.put_files("one/", 1)
    state_machine.put_files("few/", 4)
    state_machine.put_files("many/", 12)
    state_machine.put_files("hundreds/", 151)
    stage = state_machine.stage()
  end)

  teardown(function() stage:close() end)
  before_each(function() workflow.reset() end)

  local function succeeded(result)
    assert.equal("SUCCEEDED", result.status, json.encode(result))
    return result.output
  end

  local function failed(error_name, result)
    assert.equal("FAILED", result.status, json.encode(result))
    assert.equal(error_name, result.error, result.cause)
    return result.cause
  end

  -- The job ends and its event comes, as often as EventBridge likes.
  local function call_back(answer, status, reason)
    local event = workflow.finish(answer.transform_job_name, status, reason)
    local report = stage:deliver(event)
    assert.is_true(stage:deliver(event).orphaned)

    return report
  end

  -- Executes up to the callback, and after it; the end state of every batch branch.
  local function through_batch(given, status, reason)
    local execution = stage:start(given)
    local answer = execution:until_waiting()
    assert.equal(1, call_back(answer, status, reason).answered)
    local result = execution:finish()
    assert.equal(1, #workflow.answers())
    workflow.is_empty()

    return result, execution, answer
  end

  local function put_metrics()
    local found = {}
    for _, request in ipairs(cloud.requests()) do
      if request.operation == "PutMetricData" then
        found[#found + 1] = request.input.MetricData[1]
      end
    end

    return found
  end

  describe("as a file", function()
    local words = {}
    for name, value in pairs(state_machine.SUBSTITUTIONS) do
      words[#words + 1] = run.quote(name .. "=" .. value)
    end

    local function validate(path, substitutions)
      local pipe = io.popen(("node tests/workflow/validate.mjs %s %s 2>&1"):format(path,
        substitutions))
      local text = pipe:read("a")
      pipe:close()

      return text
    end

    it("passes asl-validator, with all of its substitutions and no others", function()
      local all = table.concat(words, " ")
      assert.equal("", validate(state_machine.MACHINE, all))
      assert.matches("has no ${Other}", validate(state_machine.MACHINE, all .. " Other=x"), 1, true)
      assert.matches("has no substitution", validate(state_machine.MACHINE, words[1]), 1, true)
      local text = run.read(state_machine.MACHINE):gsub('"Next": "Which way%?"',
        '"Next": "Nowhere"')
      local broken = run.write(os.tmpname(), text)
      assert.matches("Nowhere", validate(broken, all), 1, true)
      os.remove(broken)
    end)

    it("has a time-out, retries with jitter and a catch in every task", function()
      local tasks = 0
      local function visit(states, caught)
        for name, state in pairs(states) do
          if state.Type == "Task" then
            tasks = tasks + 1
            assert.is_true(math.type(state.TimeoutSeconds) == "integer", name)
            assert.is_true(caught or state.Catch ~= nil, name)
            local last = state.Retry[#state.Retry]
            assert.equal("FULL", last.JitterStrategy, name)
            assert.is_true(last.MaxDelaySeconds > 0 and last.BackoffRate > 1, name)
          elseif state.Type == "Map" then
            visit(state.ItemProcessor.States, state.Catch ~= nil)
          end
        end
      end

      local machine = json.decode(run.read(state_machine.MACHINE))
      visit(machine.States, false)
      assert.equal(6, tasks)
      local wait = machine.States[BATCH]
      assert.is_true(wait.HeartbeatSeconds < wait.TimeoutSeconds and wait.TimeoutSeconds < 86400)
    end)
  end)

  describe("when the policy decides", function()
    it("sends a few files to the endpoint and keeps each answer", function()
      local output = succeeded(stage:run { input = { prefix = "few/" } })
      assert.same({ "realtime", "policy", "4 files, below 10", 4 },
        { output.branch, output.decided_by, output.because, output.file_count })
      assert.same({ { done = true, lane = 0, files = 4, failed = 0, ok = true } }, output.result)
      local object = assert(cloud.client("s3"):get_object { Bucket = "bucket",
        Key = "results/few/003.csv.out" })
      assert.same({ "row 3", "text/csv" }, { object.Body, object.ContentType })
      assert.same({}, workflow.jobs())
    end)

    it("sends any number of files to a serverless endpoint or to components", function()
      for _, kind in ipairs { "serverless", "components" } do
        local output = succeeded(stage:run { input = { prefix = "many/", inference_type = kind,
          inference_component_name = "c" } })
        assert.same({ kind, 12 }, { output.branch, output.result[1].files })
      end
    end)

    it("starts a batch job for many files and goes on with its callback", function()
      local result, _, answer = through_batch({ input = { prefix = "many/" } }, "Completed")
      local output = succeeded(result)
      assert.same({ "batch", "policy", "12 files, at or above 10" },
        { output.branch, output.decided_by, output.because })
      assert.same({ status = "Completed", transform_job_name = answer.transform_job_name,
        transform_job_arn = answer.transform_job_arn, output_path = "s3://bucket/results/" },
          output.result)
      assert.equal(1, result.attempts)
    end)

    it("starts a job of its own when an execution's name is used again, as it may be after 90 days",
      function()
      for _ = 1, 2 do
        local execution = stage:start { name = "monday", input = { prefix = "many/" } }
        local answer = execution:until_waiting()
        assert.is_false(answer.already_started)
        call_back(answer, "Completed")
        succeeded(execution:finish())
      end

      assert.equal(2, #workflow.answers())
    end)

    it("goes back to batch when a file is larger than the endpoint takes", function()
      local smaller <close> = state_machine.start_function("weir-realtime", { PAYLOAD_LIMIT = "4" })
      local functions = stage:urls()
      functions["weir-realtime"] = smaller.url
      local output = succeeded((through_batch({ input = { prefix = "few/" },
        functions = functions }, "Completed")))
      assert.same({ "batch", "payload limit", 4, "Completed" },
        { output.branch, output.decided_by, output.file_count, output.result.status })
      assert.matches("^policy sent the files to the endpoint, and one of them has more",
        output.because)
    end)

    it("falls back to batch when a serverless endpoint is not ready for as long as is waited",
      function()
      local not_ready = {}
      for i = 1, 7 do not_ready[i] = "ModelNotReadyException" end
      local faults = { ["weir-realtime"] = not_ready }
      local output = succeeded((through_batch({ functionFaults = faults,
        input = { prefix = "one/", inference_type = "serverless" } }, "Completed")))
      assert.same({ "batch", "serverless fallback", 1, "Completed" },
        { output.branch, output.decided_by, output.file_count, output.result.status })
      assert.equal("policy sent the files to the serverless endpoint, and it was not ready "
        .. "(ModelNotReadyException)", output.because)

      failed("ModelNotReadyException", (stage:run { input = { prefix = "one/" },
        functionFaults = faults }))
    end)

    it("fails with the job's error and cause when the job fails", function()
      local result = through_batch({ input = { prefix = "many/" } }, "Failed",
        "AlgorithmError: out of memory")
      assert.matches("is Failed: AlgorithmError: out of memory$",
        failed("TransformJobFailed", result))
    end)

    it("fails when the policy refuses what it is asked: no threshold overrules it", function()
      local result, execution = stage:run { input = { prefix = "few/", deadline_seconds = "soon" } }
      assert.matches("deadline_seconds", failed("InvalidFacts", result), 1, true)
      assert.is_false(has(execution.states, "Count the fallback"))
    end)
  end)

  describe("in discovery", function()
    it("has nothing to do without files", function()
      local output = succeeded(stage:run { input = { prefix = "empty/" } })
      assert.same({ "none", 0 }, { output.branch, output.file_count })
    end)

    it("leaves the policy to decide about any number of files", function()
      local output = succeeded((through_batch({ input = { prefix = "hundreds/" } }, "Completed")))
      assert.same({ "batch", "policy", 151 }, {
        output.branch,
        output.decided_by,
        output.file_count,
      })

      output = succeeded(stage:run { input = { prefix = "hundreds/",
        inference_type = "serverless" } })
      assert.same({ "serverless", 151 }, { output.branch, output.result[1].files })
    end)

    it("goes on listing when its time is over", function()
      local slow = state_machine.start_function("weir-discovery", {
        MAX_PAGES = "1",
        PAGE_SIZE = "40",
      })

      local functions = stage:urls()
      functions["weir-discovery"] = slow.url
      local result, execution = stage:run { input = { prefix = "hundreds/",
        inference_type = "serverless" },
        functions = functions }
      slow:close()
      assert.equal(151, succeeded(result).file_count)
      local rounds = 0
      for _, name in ipairs(execution.states) do
        rounds = rounds + (name == "Go on listing" and 1 or 0)
      end

      assert.equal(3, rounds)
    end)

    it("gives a batch job the prefix, or the list of the files where there are others below it",
      function()
      local client = cloud.client "s3"
      through_batch({ input = { prefix = "many/" } }, "Completed")
      local function source_of_job()
        for _, request in ipairs(cloud.requests()) do
          if request.operation == "CreateTransformJob" then
            return request.input.TransformInput.DataSource.S3DataSource
          end
        end
      end

      assert.same({ S3DataType = "S3Prefix", S3Uri = "s3://bucket/many/" }, source_of_job())

      assert(client:put_object { Bucket = "bucket", Key = "many/notes.txt", Body = "x" })
      workflow.reset()
      through_batch({ input = { prefix = "many/", suffix = ".csv" } }, "Completed")
      local source = source_of_job()
      assert.equal("ManifestFile", source.S3DataType)
      local list = json.decode(assert(client:get_object { Bucket = "bucket",
        Key = source.S3Uri:match("^s3://bucket/(.*)$") }).Body)
      assert.same({ 13, "s3://bucket/", "many/001.csv" }, { #list, list[1].prefix, list[2] })
      assert(client:delete_object { Bucket = "bucket", Key = "many/notes.txt" })
    end)

    it("fails when there is no bucket", function()
      local result, execution = stage:run { input = { bucket = "nobody-has-this", prefix = "" } }
      failed("NoSuchBucket", result)
      assert.is_true(has(execution.caught, "Find the files"))
    end)
  end)

  it("refuses an input that is none before anything is asked, and says what it must be", function()
    for name, values in pairs { bucket = { json.null, 3 }, prefix = { json.null, 3 },
      suffix = { json.null, 3 },
      fallback_threshold = { json.null, "10", true } } do
      for _, value in ipairs(values) do
        local result, execution = stage:run { input = { [name] = value } }
        assert.matches(name .. " must be a", failed("InvalidInput", result), 1, true)
        assert.same({}, execution.caught)
        assert.same({}, cloud.requests())
      end
    end

    local result = stage:run { input = { prefix = "few/" }, without = { "bucket" } }
    assert.matches("bucket must be a text", failed("InvalidInput", result), 1, true)
  end)

  it("fails when the policy knows a way that it does not", function()
    local folder = run.directory { ["route.lua"] = [[return { handle = function()
      return { action = "teleport", because = "new", file_count = 4 } end }]] }
    local newer <close> = emulators.start { "--handler", "route.handle", "--task-root", folder,
      "--function", "weir-routing", env = { HOME = "/nowhere" } }
    local functions = stage:urls()
    functions["weir-routing"] = newer.url
    failed("UnknownBranch", (stage:run { input = { prefix = "few/" }, functions = functions }))
    run.remove(folder)
  end)

  describe("when the policy cannot be asked", function()
    local REASON = "the policy could not be asked (Lambda.ResourceNotFoundException); "

    it("sends few files to the endpoint, says so, and counts it", function()
      local output = succeeded(stage:run { input = { prefix = "few/" },
        functions = without(stage:urls(), "weir-routing") })
      assert.same({ "realtime", "static fallback", REASON
        .. "4 files, below the static threshold 10", 4 },
        { output.branch, output.decided_by, output.because, output.result[1].files })
      local metrics = put_metrics()
      assert.equal(1, #metrics)
      assert.same({ "RoutingFallback", 1, "inference" },
        { metrics[1].MetricName, metrics[1].Value, metrics[1].Dimensions[1].Value })
    end)

    it("sends many files to a batch job", function()
      local output = succeeded((through_batch({ input = { prefix = "many/" },
        functions = without(stage:urls(), "weir-routing") }, "Completed")))
      assert.same({ "batch", "static fallback", REASON .. "12 files, static threshold 10" },
        { output.branch, output.decided_by, output.because })
    end)

    it("takes the threshold from its input, and batch where there is no endpoint", function()
      local functions = without(stage:urls(), "weir-routing")
      local result = stage:run {
        input = { prefix = "many/", fallback_threshold = 13 },
        functions = functions,
      }

      assert.equal("realtime", succeeded(result).branch)
      for name, value in pairs { inference_type = "none", endpoint_name = json.null,
        fallback_threshold = 4 } do
        local none = { prefix = "few/", [name] = value }
        workflow.reset()
        assert.equal("batch", succeeded((through_batch({ input = none, functions = functions },
          "Completed"))).branch)
      end
    end)

    it("tries a function that is gone again before it falls back", function()
      local functions = stage:urls()
      -- nobody listens on the port of the protocol discard
      functions["weir-routing"] = "http://127.0.0.1:9"
      local result, execution = stage:run { input = { prefix = "few/" }, functions = functions }
      assert.matches("Lambda.SdkClientException", succeeded(result).because, 1, true)
      assert.equal(3, #execution.retried)
    end)

    it("falls back when the function starts and has no policies", function()
      local empty = run.directory()
      local broken = state_machine.start_function("weir-routing", { WEIR_POLICY_SOURCE = empty })
      local functions = stage:urls()
      functions["weir-routing"] = broken.url
      local output = succeeded(stage:run { input = { prefix = "few/" }, functions = functions })
      broken:close()
      run.remove(empty)
      assert.same({ "static fallback", "realtime" }, { output.decided_by, output.branch })
      assert.matches("Runtime.", output.because, 1, true)
    end)

    it("goes on when even the metric cannot be counted", function()
      local refusal = { status = 400, headers = { ["Content-Type"] = "application/x-amz-json-1.0" },
        body = '{"__type":"AccessDenied","message":"no"}' }
      cloud.answers { ["cloudwatch.PutMetricData"] = { refusal, refusal, refusal } }
      local result, execution = stage:run { input = { prefix = "few/" },
        functions = without(stage:urls(), "weir-routing") }
      assert.equal("static fallback", succeeded(result).decided_by)
      assert.same({ POLICY, "Count the fallback" }, execution.caught)
    end)
  end)

  local function throttled(status)
    return { status = status, headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
      body = '{"__type":"ThrottlingException","message":"Rate exceeded"}' }
  end

  describe("in trouble", function()
    it("asks the policy again when Lambda was busy", function()
      local result, execution = stage:run { input = { prefix = "few/" },
        functionFaults = { ["weir-routing"] = { "Lambda.TooManyRequestsException",
          "Lambda.ServiceException" } } }
      assert.equal("policy", succeeded(result).decided_by)
      assert.same({ POLICY, POLICY }, execution.retried)
    end)

    it("leaves it to the function to try again when SageMaker throttled", function()
      cloud.answers { ["sagemaker.CreateTransformJob"] = { throttled(400) } }
      local result, execution = through_batch({ input = { prefix = "many/" } }, "Completed")
      succeeded(result)
      assert.same({ 1, {} }, { result.attempts, execution.retried })
    end)

    it("leaves it to the function when SageMaker, or what stands before it, is in trouble",
      function()
      cloud.answers { ["sagemaker.CreateTransformJob"] = {
        { status = 500, headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
          body = '{"__type":"InternalFailure","message":"try again"}' },
        { status = 502, headers = { ["Content-Type"] = "text/html" },
          body = "<html>Bad gateway</html>" } } }
      local result, execution = through_batch({ input = { prefix = "many/" } }, "Completed")
      succeeded(result)
      assert.same({ 1, {} }, { result.attempts, execution.retried })
    end)

    it("starts the job again, with a new token, when the account's limit of jobs is reached",
      function()
      cloud.answers { ["sagemaker.CreateTransformJob"] = { { status = 400,
        headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
        body = '{"__type":"ResourceLimitExceeded","message":"too many jobs"}' } } }
      local result, execution = through_batch({ input = { prefix = "many/" } }, "Completed")
      succeeded(result)
      assert.same({ 2, { BATCH } }, { result.attempts, execution.retried })
    end)

    it("starts the job again when the function died before it could", function()
      local result, execution = through_batch({ input = { prefix = "many/" },
        functionFaults = { ["weir-invoke"] = { "Runtime.ExitError", "Lambda.Unknown" } } },
          "Completed")
      succeeded(result)
      assert.same({ 3, { BATCH, BATCH } }, { result.attempts, execution.retried })
    end)

    local WARMING = { status = 429, headers = { ["x-amzn-ErrorType"] = "ModelNotReadyException" },
      body = '{"message":"not ready"}' }

    it("leaves it to the function to ask an endpoint again that is not ready", function()
      cloud.answers { ["sagemaker_runtime.InvokeEndpoint"] = { WARMING, WARMING } }
      local result, execution = stage:run { input = { prefix = "one/" } }
      assert.equal(1, #succeeded(result).result)
      assert.same({}, execution.retried)
    end)

    it("gives a file to the endpoint again when that is not ready for longer", function()
      cloud.answers {
        ["sagemaker_runtime.InvokeEndpoint"] = { WARMING, WARMING, WARMING, WARMING },
      }

      local result, execution = stage:run { input = { prefix = "one/" } }
      assert.equal(1, #succeeded(result).result)
      assert.same({ SHARE }, execution.retried)
    end)

    it("fails when the model fails, with its error", function()
      local result, execution = stage:run { input = { prefix = "few/", endpoint_name = "broken" } }
      local cause = failed("FilesFailed", result)
      local place = cause:match("beside s3://bucket/(.*)manifest.json")
      local note = assert(cloud.client("s3"):get_object { Bucket = "bucket", Key = place
        .. "failures/0-1.json" })
      local file = json.decode(note.Body)
      assert.same({ "few/001.csv", "ModelError" }, { file.key, file.code })
      assert.matches("Received server error", file.message, 1, true)
      assert.same({}, execution.caught)
    end)

    it("leaves no token behind when the job cannot be started", function()
      local result, execution = stage:run { input = { prefix = "many/", model_name = "no/model" } }
      assert.matches("model_name", failed("InvalidEvent", result), 1, true)
      assert.same({ BATCH }, execution.caught)
      workflow.is_empty()
    end)

    it("fails when the callback does not come in time, and the late one answers nobody", function()
      local execution = stage:start { input = { prefix = "many/" }, timeouts = { [BATCH] = 3 } }
      local answer = execution:until_waiting()
      failed("States.Timeout", execution:finish())
      local report = stage:deliver(workflow.finish(answer.transform_job_name, "Completed"))
      assert.same({ 0, 1 }, { report.answered, report.already_answered })
      assert.equal(0, #workflow.answers())
      workflow.is_empty()
    end)

    it("converges when a task is tried again: one job, which answers the token of the second",
      function()
      local execution = stage:start { input = { prefix = "many/" }, heartbeatTimeouts = 1 }
      local answer = execution:until_waiting()
      assert.is_true(answer.already_started)
      assert.equal(1, call_back(answer, "Completed").answered)
      local result = execution:finish()
      succeeded(result)
      assert.same({ 2, { BATCH } }, { result.attempts, execution.retried })
      assert.equal(1, #workflow.answers())
      local jobs = workflow.jobs()
      assert.equal(answer.transform_job_name, (next(jobs)))
      assert.is_nil(next(jobs, answer.transform_job_name))
      workflow.is_empty()
    end)
  end)
end)

describe("the rule for EventBridge", function()
  local function matches(event)
    local result = run { "match", state_machine.RULE, "--json", stdin = event .. "\n" }
    assert.is_true(result.status <= 1, result.stderr)
    return json.decode(result.stdout).match
  end

  it("takes the events of the jobs that the state machine starts, and no others", function()
    for _, status in ipairs { "InProgress", "Completed", "Failed", "Stopping", "Stopped" } do
      assert.is_true(matches(workflow.event("weir-nightly-0123456789abcdef", status)))
    end

    assert.is_false(matches(workflow.event("somebody-elses-job", "Completed")))
    local other = workflow.event("weir-nightly-0123456789abcdef", "Completed")
    assert.is_false(matches((other:gsub("Transform Job State", "Training Job State"))))
    assert.is_false(matches((other:gsub('"aws.sagemaker"', '"aws.ec2"'))))
  end)
end)
