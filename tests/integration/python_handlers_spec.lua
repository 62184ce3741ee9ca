-- sagemaker_invoke and sagemaker_callback in place of the Python handlers: each event, setting and
-- default, with and without COMPATIBLE_OUTPUT, live on real parts and dry.
local effects = require "weir.effects"
local handlers = require "weir.handlers"
local json = require "weir.json"
local run = require "support.run"
local workflow = require "support.workflow"

local cloud = workflow.cloud
local fine, fails, answered, is_empty = workflow.fine, workflow.fails, workflow.answered,
  workflow.is_empty

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="
local TODAY = os.date "!%Y/%m/%d"
local FOLDER = "s3://bucket/sagemaker-output/" .. TODAY .. "/"

local function event(more)
  local given = { task_token = TOKEN, input_s3_path = "s3://bucket/in/cloud.las", point_count = 12 }
  for name, value in pairs(more or {}) do given[name] = value end
  return json.encode(given)
end

-- Settings of the handlers as an operator has them, and no others.
local function settings(given)
  workflow.reset(given)
  for name in pairs { token_table = 1, model_name = 1, output_path = 1 } do
    if not given[name] then workflow.settings[name] = nil end
  end

  workflow.waiting(TOKEN, SECOND)
end

local function compatible(given)
  local all = { compatible_output = "true", output_bucket = "bucket", token_table = workflow.TABLE }
  for name, value in pairs(given or {}) do all[name] = value end
  settings(all)
end

-- The only job there is, as SageMaker describes it; and its tags.
local function created()
  local name = assert(next(workflow.jobs()))
  local job = assert(cloud.client("sagemaker"):describe_transform_job { TransformJobName = name })
  job.TransformJobName = name

  return job
end

local function tags_of(job)
  local tags = {}
  for _, tag in ipairs(assert(cloud.client("sagemaker"):all("ListTags",
    { ResourceArn = job.TransformJobArn }))) do
    tags[tag.Key] = tag.Value
  end

  return tags
end

describe("sagemaker_invoke in place of the Python handler", function()
  it("answers in its names, with its defaults", function()
    compatible()
    local result = fine(workflow.invoke(event()))
    assert.same({ status = "JOB_CREATED", job_name = result.job_name, output_s3_path = FOLDER,
      token_storage_mode = "direct" }, result)
    assert.matches("^weir%-%x+$", result.job_name)

    local job = created()
    assert.same({ result.job_name, "point-cloud-segmentation", FOLDER },
      { job.TransformJobName, job.ModelName,
      job.TransformOutput.S3OutputPath })
    assert.same({ InstanceType = "ml.m5.xlarge", InstanceCount = 1 }, job.TransformResources)
    assert.same({ ContentType = "application/json",
      DataSource = { S3DataSource = { S3DataType = "S3Prefix",
      S3Uri = "s3://bucket/in/cloud.las" } } }, job.TransformInput)
  end)

  it("takes files of as many points as point clouds have", function()
    for _, count in ipairs { 5000000, 12.0 } do
      compatible()
      assert.equal("JOB_CREATED", fine(workflow.invoke(event { point_count = count })).status)
    end
  end)

  it("tags its jobs with UseCase, Phase and Component", function()
    compatible { token_storage_mode = "dynamodb" }
    local result = fine(workflow.invoke(event()))
    local tags = tags_of(created())
    assert.same({ UseCase = "autonomous-driving", Phase = "4", Component = "sagemaker",
      CorrelationId = result.correlation_id }, tags)
    assert.equal("dynamodb", result.token_storage_mode)

    compatible { use_case = "radiology", token_storage_mode = "dynamodb" }
    fine(workflow.invoke(event { tags = { Phase = "5" } }))
    tags = tags_of(created())
    assert.same({ "radiology", "5" }, { tags.UseCase, tags.Phase })
  end)

  it("takes its event without COMPATIBLE_OUTPUT, and answers in our names with our defaults",
    function()
    settings { token_table = workflow.TABLE, model_name = "m", output_bucket = "bucket" }
    local result = fine(workflow.invoke(event()))
    assert.same({ "dynamodb", false }, { result.mode, result.already_started })
    assert.is_nil(result.status)
    local job = created()
    assert.same({ "m", "ml.m5.large", FOLDER },
      { job.ModelName, job.TransformResources.InstanceType,
      job.TransformOutput.S3OutputPath })
    assert.is_nil(job.TransformInput.ContentType)
    assert.same({ CorrelationId = result.correlation_id }, tags_of(job))
  end)

  it("gives the same event the same job, another token another", function()
    compatible { token_storage_mode = "dynamodb" }
    local first = fine(workflow.invoke(event()))
    assert.equal(first.job_name, fine(workflow.invoke(event())).job_name)
    assert.are_not.equal(first.job_name,
      fine(workflow.invoke(event { task_token = SECOND })).job_name)
  end)

  it("joins its job after midnight, when results go into another folder", function()
    compatible { token_storage_mode = "dynamodb" }
    local named = { execution_id = "arn:aws:states:r:1:execution:wf:run-1" }
    local first = fine(workflow.invoke(event(named)))
    workflow.over(TOKEN)
    local report = workflow.invoke(event { execution_id = named.execution_id, task_token = SECOND },
      { now = function() return os.time() + 86400 end })
    assert.equal(first.job_name, fine(report).job_name)
  end)

  it("prefers what the event says, then our settings", function()
    compatible { output_path = "s3://bucket/ours", model_name = "m", instance_type = "ml.c5.large" }
    fine(workflow.invoke(event { content_type = "text/csv" }))
    local job = created()
    assert.same({ "s3://bucket/ours", "m", "ml.c5.large", "text/csv" },
      { job.TransformOutput.S3OutputPath,
      job.ModelName, job.TransformResources.InstanceType, job.TransformInput.ContentType })

    compatible()
    fine(workflow.invoke(event { output_path = "s3://bucket/event/" }))
    assert.equal("s3://bucket/event/", created().TransformOutput.S3OutputPath)
  end)

  it("stays right where it was wrong: refuses what is missing", function()
    compatible()
    fails("InvalidEvent", workflow.invoke(event { input_s3_path = "" }))
    fails("InvalidEvent", workflow.invoke(event { task_token = json.null }))
    fails("InvalidEvent", workflow.invoke(event { input_path = "s3://bucket/too" }))
    for _, count in ipairs { -1, 1.5, "12", 1e300 } do
      assert.matches("point_count", fails("InvalidEvent",
        workflow.invoke(event { point_count = count })))
    end

    compatible { mock_mode = "true" }
    assert.matches("point_count is 1000001",
      fails("InvalidEvent", workflow.invoke(event { point_count = 1000001 })))
    compatible { output_bucket = "" }
    workflow.settings.output_bucket = nil
    fails("NotConfigured", workflow.invoke(event()))
    compatible { compatible_output = "maybe" }
    fails("InvalidSetting", workflow.invoke(event()))
  end)
end)

describe("mock mode", function()
  local function written(key)
    local object = assert(cloud.client("s3"):get_object { Bucket = "bucket", Key = key })
    assert.equal("application/json", object.ContentType)
    return json.decode(object.Body)
  end

  it("writes its file below the output bucket and answers the task", function()
    compatible { mock_mode = "true" }
    local key = "sagemaker-output/" .. TODAY .. "/mock_segmentation.json"
    local expected = { status = "COMPLETED", output_key = key, output_s3_path = "s3://bucket/"
      .. key,
      point_count = 12, labels_count = 12 }
    assert.same(expected, fine(workflow.invoke(event())))
    assert.same(expected, json.decode(answered(TOKEN)[1].output))

    local file = written(key)
    assert.same({ 12, 12, "s3://bucket/in/cloud.las", "mock-segmentation-model" },
      { file.point_count, #file.labels, file.input_s3_path, file.model })
    assert.same({}, workflow.jobs())
    is_empty()
  end)

  it("has 1000 points where nobody says how many, and none where they are none", function()
    compatible { mock_mode = "true" }
    assert.equal(1000, fine(workflow.invoke(event { point_count = json.null })).labels_count)
    compatible { mock_mode = "true" }
    assert.equal(0, fine(workflow.invoke(event { point_count = 0 })).labels_count)
    assert.same(json.array {}, written("sagemaker-output/" .. TODAY
      .. "/mock_segmentation.json").labels)
  end)

  it("needs no model and no table without COMPATIBLE_OUTPUT, and answers in our names", function()
    settings { mock_mode = "true", output_path = "s3://bucket/out" }
    local result = fine(workflow.invoke(event()))
    assert.same({ transform_job_name = result.transform_job_name, mock = true, answered = true },
      result)
    assert.same({ status = "Completed", mock = true, transform_job_name = result.transform_job_name,
      output_path = "s3://bucket/out", output_key = "out/mock_segmentation.json", point_count = 12,
      labels_count = 12 }, json.decode(answered(TOKEN)[1].output))
    assert.equal(12, written("out/mock_segmentation.json").point_count)
  end)

  it("does not answer when the file cannot be written", function()
    compatible { mock_mode = "true", output_bucket = "nobody-has-this" }
    fails("NoSuchBucket", workflow.invoke(event()))
    answered()
  end)
end)

describe("sagemaker_callback in place of the Python handler", function()
  local function started(given)
    compatible(given)
    return fine(workflow.invoke(event())).job_name
  end

  for _, mode in ipairs { "direct", "dynamodb" } do
    it("tells of success in its names (" .. mode .. ")", function()
      local job = started { token_storage_mode = mode }
      assert.same({ action = "SendTaskSuccess", job_name = job },
        fine(workflow.callback(workflow.finish(job, "Completed"))))
      assert.same({ status = "COMPLETED", job_name = job, output_s3_path = FOLDER },
        json.decode(answered(TOKEN)[1].output))
      is_empty()
    end)

    it("tells of failure under one name (" .. mode .. ")", function()
      for _, status in ipairs { "Failed", "Stopped" } do
        local job = started { token_storage_mode = mode }
        assert.same({ action = "SendTaskFailure", job_name = job },
          fine(workflow.callback(workflow.finish(job, status, "out of memory"))))
        local answer = answered(TOKEN)[1]
        assert.equal("SageMakerTransformJobFailed", answer.error)
        assert.matches("out of memory$", answer.cause)
      end
    end)
  end

  it("ignores a job that runs, one that was answered, and one that carries no token", function()
    local job = started { token_storage_mode = "dynamodb" }
    local ignored = { action = "IGNORED", job_name = job }
    assert.same(ignored, fine(workflow.callback(workflow.event(job, "InProgress"))))
    local over = workflow.finish(job, "Completed")
    assert.equal("SendTaskSuccess", fine(workflow.callback(over)).action)
    local report = workflow.callback(over)
    assert.same(ignored, fine(report))
    assert.equal(1, workflow.metric(report, "OrphanedCallback"))
  end)

  it("fails where it answered ERROR, so that the event comes again", function()
    started()
    assert.matches("names no transform job",
      fails("InvalidEvent", workflow.callback '{"detail": {}}'))
    fails("ValidationException", workflow.callback(workflow.event("no-such-job", "Completed")))
  end)

  it("answers jobs that the Python handler started, in either mode", function()
    for _, compatible_output in ipairs { "true", "false" } do
      settings { compatible_output = compatible_output, token_table = workflow.TABLE }
      assert(cloud.client("dynamodb"):put_item { TableName = workflow.TABLE,
        Item = { correlation_id = "0a1b2c3d",
        task_token = TOKEN, transform_job_name = "ad-segmentation-1", created_at = os.time(),
          ttl = os.time() + 60,
        source_region = "eu-west-1" } })
      workflow.set_job("ad-segmentation-1", "Completed", nil, { CorrelationId = "0a1b2c3d" })
      workflow.set_job("ad-segmentation-2", "Completed", nil, { TaskToken = SECOND })
      fine(workflow.callback(workflow.event("ad-segmentation-1", "Completed")))
      fine(workflow.callback(workflow.event("ad-segmentation-2", "Completed")))
      answered(TOKEN, SECOND)
      is_empty()
    end
  end)
end)

describe("the Python handlers' settings", function()
  local function dry(name, given, config)
    -- As the program reads them: values of secret names are secrets.
    local function decoded(value)
      return assert(json.decode(json.encode(value), { secrets = true }))
    end

    return handlers.run(handlers.find(name), decoded(given), nil,
      effects.dry { config = decoded(config) })
  end

  local EVENT = { task_token = TOKEN, input_s3_path = "s3://bucket/in/", point_count = 3 }

  local function planned(report, operation)
    for _, call in ipairs(report.effects.plan) do
      if call.operation == operation then return call.input end
    end
  end

  it("are read by their names, and ours come first", function()
    local config = { SAGEMAKER_MODEL_NAME = "theirs", SAGEMAKER_INSTANCE_TYPE = "ml.c5.large",
      TASK_TOKEN_TABLE_NAME = "tokens", TOKEN_STORAGE_MODE = "dynamodb", TOKEN_TTL_SECONDS = "600",
      OUTPUT_BUCKET = "results" }
    local report = dry("sagemaker_invoke", EVENT, config)
    assert.is_nil(report.error)
    local record, job = planned(report, "PutItem"), planned(report, "CreateTransformJob")
    assert.same({ "tokens", 600 }, { record.TableName, record.Item.ttl - record.Item.created_at })
    assert.same({ "theirs", "ml.c5.large" }, { job.ModelName, job.TransformResources.InstanceType })
    assert.equal("s3://results/sagemaker-output/" .. TODAY .. "/", job.TransformOutput.S3OutputPath)

    config.model_name, config.token_table = "ours", "own"
    report = dry("sagemaker_invoke", EVENT, config)
    assert.same({ "own", "ours" }, { planned(report, "PutItem").TableName,
      planned(report, "CreateTransformJob").ModelName })
  end)

  it("are planned in either kind of answer", function()
    local config = { OUTPUT_BUCKET = "b", COMPATIBLE_OUTPUT = "true" }
    assert.equal("JOB_CREATED", dry("sagemaker_invoke", EVENT, config).result.status)
    config.MOCK_MODE = true
    local report = dry("sagemaker_invoke", EVENT, config)
    assert.equal("COMPLETED", report.result.status)
    assert.equal(report.result.output_key, planned(report, "PutObject").Key)
    assert.equal("[redacted]", planned(report, "SendTaskSuccess").taskToken)

    config.OUTPUT_BUCKET = "arn:aws:s3:us-east-1:111122223333:accesspoint/my-ap"
    report = dry("sagemaker_invoke", EVENT, config)
    local put = planned(report, "PutObject")
    assert.same({ config.OUTPUT_BUCKET, "sagemaker-output/" .. TODAY .. "/mock_segmentation.json" },
      { put.Bucket, put.Key })

    local changed = { source = "aws.sagemaker",
      detail = { TransformJobName = "j", TransformJobStatus = "Failed",
      FailureReason = "no", TransformOutput = { S3OutputPath = "s3://b/o" } } }
    report = dry("sagemaker_callback", changed, { COMPATIBLE_OUTPUT = "true" })
    assert.same({ action = "SendTaskFailure", job_name = "j" }, report.result)
    assert.equal("SageMakerTransformJobFailed", planned(report, "SendTaskFailure").error)
    assert.equal("TransformJobFailed", planned(dry("sagemaker_callback", changed, {}),
      "SendTaskFailure").error)
  end)

  local function weir(handler, given, variables)
    local env = { HOME = "/nowhere", AWS_ENDPOINT_URL = cloud.front.url,
      AWS_ACCESS_KEY_ID = cloud.front.key_id,
      AWS_SECRET_ACCESS_KEY = cloud.front.secret }
    for name, value in pairs(variables) do env[name] = value end
    return run {
      "run",
      handler,
      "-e",
      "-",
      "--json",
      "--live",
      stdin = json.encode(given),
      env = env,
    }
  end

  it("come from the environment: REGION stands in for AWS_REGION, USE_CASE is a dimension",
    function()
    settings {}
    for _, case in ipairs { { { REGION = "eu-west-1" } },
      { { AWS_REGION = "eu-west-1", REGION = "not a region" } } } do
      workflow.waiting(TOKEN)
      case[1].OUTPUT_BUCKET, case[1].MOCK_MODE, case[1].USE_CASE = "bucket", "true", "radiology"
      local result = weir("sagemaker_invoke", EVENT, case[1])
      assert.equal(0, result.status, result.stderr)
      local report = json.decode(result.stdout)
      assert.same({ UseCase = "radiology" }, report.metrics[1].dimensions)
      assert.is_nil(result.stdout:find("first/token", 1, true))
    end

    assert.equal(2, #workflow.answers())
  end)
end)
