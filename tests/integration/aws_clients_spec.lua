-- Every operation, sent for real: through the signing front, which recomputes each signature and
-- checks each request against AWS's own service model.
local bytes = require("weir.bytes")
local cloud = require("support.aws")
local json = require("weir.json")
local secret = require("weir.secret")

describe("AWS clients:", function()
  before_each(cloud.reset)

  local function fails(code, output, message, actual, details)
    assert.is_nil(output)
    assert.equal(code, actual, message)
    assert.matches(code, message)

    return message, details
  end

  describe("stepfunctions", function()
    local sfn = cloud.client("stepfunctions")
    local machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"

    it("SendTaskSuccess, once", function()
      local token = secret.wrap("token-1")
      assert.same({}, assert(sfn:send_task_success({ taskToken = token, output = '{"a":1}' })))
      fails("TaskTimedOut", sfn:send_task_success({ taskToken = token, output = "{}" }))
      assert.equal("token-1", cloud.requests()[1].input.taskToken)
    end)

    it("SendTaskFailure and SendTaskHeartbeat", function()
      assert(sfn:send_task_heartbeat({ taskToken = secret.wrap("token-2") }))
      assert(sfn:send_task_failure({ taskToken = secret.wrap("token-2"), error = "E",
        cause = "c" }))
      local message, details = fails("TaskDoesNotExist",
        sfn:send_task_failure({ taskToken = "unknown" }))
      assert.matches("request id req%-%d+", message)
      assert.matches("^req%-%d+$", details.request_id)
      assert.equal(400, details.status)
      assert.equal(1, details.attempts)
    end)

    it("StartExecution and DescribeExecution", function()
      local input = { stateMachineArn = machine, name = "n-1", input = "{}" }
      local started = assert(sfn:start_execution(input))
      assert.matches(":execution:m:n%-1$", started.executionArn)
      assert.equal(1795435200.125, started.startDate)
      assert.same(started, assert(sfn:start_execution(input)))
      input.input = '{"other":1}'
      fails("ExecutionAlreadyExists", sfn:call("StartExecution", input))
      assert.equal("RUNNING", assert(sfn:describe_execution(
        { executionArn = started.executionArn })).status)
      fails("ExecutionDoesNotExist", sfn:describe_execution({ executionArn = "x" }))
    end)
  end)

  describe("sagemaker", function()
    local sm = cloud.client("sagemaker")
    local job = {
      TransformJobName = "job-1", ModelName = "m", BatchStrategy = "SingleRecord",
        MaxPayloadInMB = 6,
      TransformInput = { DataSource = { S3DataSource = { S3DataType = "S3Prefix",
        S3Uri = "s3://b/p" } },
        ContentType = "image/png" },
      TransformOutput = { S3OutputPath = "s3://b/out" },
      TransformResources = { InstanceType = "ml.m5.large", InstanceCount = 1 },
      Tags = { { Key = "k", Value = "" } }, Environment = { A = "1" },
    }

    it("CreateTransformJob, DescribeTransformJob and StopTransformJob", function()
      assert.matches("transform%-job/job%-1$", assert(sm:create_transform_job(job)).TransformJobArn)
      fails("ResourceInUse", sm:create_transform_job(job))
      local described = assert(sm:describe_transform_job({ TransformJobName = "job-1" }))
      assert.equal("InProgress", described.TransformJobStatus)
      assert.is_nil(described.Tags)
      fails("ValidationException", sm:describe_transform_job({ TransformJobName = "none" }))
      assert(sm:stop_transform_job({ TransformJobName = "job-1" }))
    end)

    it("ListTags, over its pages", function()
      assert.equal(120, #assert(sm:all("ListTags", { ResourceArn = "arn" })))
      local sizes = {}
      for page in sm:pages("ListTags", { ResourceArn = "arn", MaxResults = 100 }) do
        sizes[#sizes + 1] = #page.Tags
      end

      assert.same({ 100, 20 }, sizes)
      fails("ValidationException", sm:all("ListTags", { ResourceArn = "arn", MaxResults = 10 }))
    end)

    it("DescribeEndpoint and UpdateEndpointWeightsAndCapacities", function()
      assert(sm:update_endpoint_weights_and_capacities({ EndpointName = "e",
        DesiredWeightsAndCapacities = { { VariantName = "a", DesiredWeight = 0.9 },
          { VariantName = "b", DesiredWeight = 0.1 } } }))
      local variants = assert(sm:describe_endpoint({ EndpointName = "e" })).ProductionVariants
      assert.equal(0.9, variants[1].CurrentWeight)
    end)

    it("CreateModelPackage, UpdateModelPackage, DescribeModelPackage and ListModelPackages",
      function()
      local created = assert(sm:create_model_package({ ModelPackageGroupName = "g",
        ModelApprovalStatus = "PendingManualApproval", ClientToken = "t-1",
        InferenceSpecification = { Containers = { { Image = "i" } },
          SupportedContentTypes = { "a/b" },
          SupportedResponseMIMETypes = { "a/b" } },
        CustomerMetadataProperties = { digest = "d" } }))
      assert(sm:update_model_package({ ModelPackageArn = created.ModelPackageArn,
        ModelApprovalStatus = "Approved", ApprovalDescription = "why" }))
      local described =
        assert(sm:describe_model_package({ ModelPackageName = created.ModelPackageArn }))
      assert.equal("Approved", described.ModelApprovalStatus)
      local packages = assert(sm:all("ListModelPackages",
        { ModelPackageGroupName = "g", MaxResults = 3,
        SortBy = "CreationTime", SortOrder = "Descending" }))
      assert.equal(7, #packages)
      assert.equal(3, #assert(sm:list_model_packages({ MaxResults = 3 })).ModelPackageSummaryList)
    end)
  end)

  describe("sagemaker_runtime", function()
    local runtime = cloud.client("sagemaker_runtime")

    it("InvokeEndpoint passes bytes both ways", function()
      local sent = "\0\255\r\n{"
      local output = assert(runtime:invoke_endpoint({ EndpointName = "e", Body = sent,
        ContentType = "image/png", Accept = "application/json", CustomAttributes = "c",
          TargetVariant = "b",
        InferenceId = "i-1" }))
      assert.equal(sent, output.Body)
      assert.equal("image/png", output.ContentType)
      assert.equal("b", output.InvokedProductionVariant)
      assert.equal("s-1; Expires=2026-11-23T12:00:00Z", output.NewSessionId)
      local seen = cloud.requests()[1]
      assert.equal("b", seen.headers["x-amzn-sagemaker-target-variant"])
      assert.equal("/endpoints/e/invocations", seen.url)
    end)

    it("tries a model again that failed by itself, and then gives its error", function()
      local _, details = fails("ModelError",
        runtime:invoke_endpoint({ EndpointName = "broken", Body = "x" }))
      assert.equal(500, details.fields.OriginalStatusCode)
      assert.equal("out of memory", details.fields.OriginalMessage)
      assert.equal(3, details.attempts)
    end)

    it("refuses a name that would change the path", function()
      assert.error_matches(function()
        runtime:invoke_endpoint({ EndpointName = "", Body = "x" })
      end,
        "EndpointName must be a text")
      assert(runtime:invoke_endpoint({ EndpointName = "a b", Body = "x" }))
      assert.equal("/endpoints/a%20b/invocations", cloud.requests()[1].url)
    end)

    it("refuses header injection through a member", function()
      local message = fails("InvalidHeader",
        runtime:invoke_endpoint({ EndpointName = "e", Body = "x",
        CustomAttributes = "a\r\nX-Evil: hush" }))
      assert.not_matches("hush", message)
    end)
  end)

  describe("bedrock_runtime", function()
    it("InvokeModel signs the colon of a model id as it travels", function()
      local bedrock = cloud.client("bedrock_runtime")
      local output = assert(bedrock:invoke_model({ modelId = "amazon.nova-lite-v1:0",
        body = '{"messages":[]}',
        contentType = "application/json", accept = "application/json" }))
      assert.equal("amazon.nova-lite-v1:0", json.decode(output.body).model)
      assert.equal("/model/amazon.nova-lite-v1%3A0/invoke", cloud.requests()[1].url)
      fails("ModelTimeoutException", bedrock:invoke_model({ modelId = "slow:0", body = "{}" }))
    end)
  end)

  describe("cloudwatch", function()
    local cloudwatch = cloud.client("cloudwatch")
    local query = { Namespace = "AWS/SageMaker", MetricName = "Invocations", StartTime = 1795435200,
      EndTime = 1795438800, Period = 60, Statistics = { "Sum" },
      Dimensions = { { Name = "EndpointName", Value = "e" },
        { Name = "VariantName", Value = "a" } } }

    it("GetMetricStatistics in its JSON form", function()
      assert.equal(0.5, assert(cloudwatch:get_metric_statistics(query)).Datapoints[2].Sum)
      assert.equal("true", cloud.requests()[1].headers["x-amzn-query-mode"])
    end)

    it("GetMetricData, over its pages", function()
      local stat = { Metric = { Namespace = "n", MetricName = "m" }, Period = 60, Stat = "p99" }
      local results = assert(cloudwatch:all("GetMetricData", { StartTime = 1, EndTime = 2,
        MetricDataQueries = { { Id = "a", MetricStat = stat }, { Id = "b", MetricStat = stat } } }))
      assert.same({ "a", "b" }, { results[1].Id, results[2].Id })
    end)

    it("PutMetricData", function()
      assert(cloudwatch:put_metric_data({ Namespace = "n",
        MetricData = { { MetricName = "m", Value = 1.5, Unit = "Count",
          Timestamp = 1795435200 } } }))
    end)

    it("uses the codes of the older protocol", function()
      cloud.answers({ ["cloudwatch.GetMetricStatistics"] = { { status = 400, body =
        '{"__type":"com.amazonaws.cloudwatch#InvalidParameterValueException","message":"m"}',
        headers = { ["x-amzn-query-error"] = "InvalidParameterValue;Sender" } } } })
      fails("InvalidParameterValue", cloudwatch:get_metric_statistics(query))
    end)
  end)

  describe("sts", function()
    local sts = cloud.client("sts")

    it("AssumeRole with an external id", function()
      local role = "arn:aws:iam::444455556666:role/needs-external-id"
      local output = assert(sts:assume_role({ RoleArn = role, RoleSessionName = "s+=,.@-",
        ExternalId = "partner-7", DurationSeconds = 900,
          Tags = { { Key = "a b", Value = "&=+" } } }))
      assert.matches("^ASIA", output.Credentials.AccessKeyId)
      fails("AccessDenied", sts:assume_role({ RoleArn = role, RoleSessionName = "session" }))
      assert.same({ { Key = "a b", Value = "&=+" } }, cloud.requests()[1].input.Tags)
    end)

    it("AssumeRoleWithWebIdentity, without a signature", function()
      local output = assert(sts:assume_role_with_web_identity({ RoleArn = "arn:aws:iam::1:role/r",
        RoleSessionName = "s", WebIdentityToken = secret.wrap("a web identity token") }))
      assert.equal("subject", output.SubjectFromWebIdentityToken)
      assert.is_nil(cloud.requests()[1].key_id)
    end)

    it("GetCallerIdentity", function()
      assert.equal(cloud.front.key_id, assert(sts:get_caller_identity()).UserId)
    end)
  end)

  describe("eventbridge", function()
    local events = cloud.client("eventbridge")
    local function entry(kind, detail)
      return {
        Source = "weir",
        DetailType = kind,
        Detail = detail or "{}",
        EventBusName = "bus",
        Time = 1795435200,
      }
    end

    it("PutEvents tells of each entry", function()
      local output = assert(events:put_events({ Entries = { entry("t"), entry("always fails") } }))
      assert.equal(1, output.FailedEntryCount)
    end)

    it("put_all sends ten at a time and repeats what failed, once", function()
      local entries = {}
      for i = 1, 23 do
        entries[i] = entry(i % 5 == 0 and "fails once" or "t", ('{"i":%d}'):format(i))
      end

      assert.equal(23, assert(events:put_all(entries)))
      entries[24] = entry("always fails")
      local put, message, code, details = events:put_all(entries)
      assert.is_nil(put)
      assert.equal("InternalFailure", code)
      assert.matches("1 of 24", message)
      assert.same({ entries[24] }, details.failed)
    end)
  end)

  describe("ssm", function()
    it("GetParameter; a SecureString is a secret", function()
      local ssm = cloud.client("ssm")
      assert.equal("the value", assert(ssm:get_parameter({ Name = "/plain" })).Parameter.Value)
      local value = assert(ssm:get_parameter({ Name = "/secure",
        WithDecryption = true })).Parameter.Value
      assert.is_true(secret.is(value))
      fails("ParameterNotFound", ssm:get_parameter({ Name = "/missing" }))
    end)
  end)

  it("sends no secret in a URL, and no [redacted] in its stead", function()
    local ok, message = pcall(function()
      return cloud.client("appconfigdata"):get_latest_configuration(
        { ConfigurationToken = require("weir.secret").wrap("hush") })
    end)

    assert.is_false(ok)
    assert.matches("configuration_token travels in the URL", message)
    assert.same({}, setmetatable(cloud.requests(), nil))
  end)

  describe("appconfigdata", function()
    it("StartConfigurationSession and GetLatestConfiguration", function()
      local appconfig = cloud.client("appconfigdata")
      local session = assert(appconfig:start_configuration_session({ ApplicationIdentifier = "a",
        EnvironmentIdentifier = "e", ConfigurationProfileIdentifier = "p",
        RequiredMinimumPollIntervalInSeconds = 15 }))
      local token = session.InitialConfigurationToken
      local first = assert(appconfig:get_latest_configuration({ ConfigurationToken = token }))
      assert.equal("threshold = 20", first.Configuration)
      assert.equal(60, first.NextPollIntervalInSeconds)
      assert.equal("v7", first.VersionLabel)
      local second = assert(appconfig:get_latest_configuration(
        { ConfigurationToken = first.NextPollConfigurationToken }))
      assert.equal("", second.Configuration) -- unchanged
      fails("BadRequestException",
        appconfig:get_latest_configuration({ ConfigurationToken = token }))
    end)
  end)

  describe("rekognition", function()
    it("DetectLabels, from bytes and from S3", function()
      local client = cloud.client("rekognition")
      local output = assert(client:detect_labels({
        Image = { Bytes = bytes.base64("\137PNG\r\n\26\n") },
        MaxLabels = 1,
        MinConfidence = 80.5,
      }))
      assert.equal("Document", output.Labels[1].Name)
      assert(client:detect_labels({ Image = { S3Object = { Bucket = "b", Name = "k" } } }))
      fails("InvalidImageFormatException",
        client:detect_labels({ Image = { Bytes = bytes.base64("GIF89a") } }))
    end)
  end)

  describe("every client", function()
    it("raises on unknown, missing and misspelt members, quoting the call", function()
      local sfn = cloud.client("stepfunctions")
      assert.error_matches(function() sfn:start_execution({ stateMachineARN = "x" }) end,
        "unknown member 'stateMachineARN'; expected stepfunctions:call%(\"StartExecution\"")
      assert.error_matches(function() sfn:start_execution({}) end, "stateMachineArn is missing")
      assert.error_matches(function()
        sfn:call("StartExecutions", {})
      end, "no operation 'StartExecutions'")
      assert.error_matches(function()
        cloud.client("stepfunctions", { regoin = "x" })
      end, "unknown key 'regoin'")
      assert.error_matches(function() sfn:pages("StartExecution", {}) end, "has no pages")
    end)

    it("refuses to go without a region or to a strange one", function()
      local function start(environment)
        return cloud.client("stepfunctions", { getenv = cloud.environment(environment) })
          :start_execution({ stateMachineArn = "x" })
      end

      fails("NoRegion", start({ AWS_REGION = false }))
      for _, region in ipairs({ "eu west 1", "evil.com/", "eu-west-1\r\n", "EU", "-" }) do
        fails("InvalidRegion", start({ AWS_REGION = region }))
      end

      for _, url in ipairs({ "ftp://x", "http://u@x/", "http://x/?q", "x", "http://x y/" }) do
        fails("InvalidEndpoint", start({ AWS_ENDPOINT_URL_SFN = url }))
      end
    end)

    it("is refused by the front when the signature is wrong", function()
      local forged = cloud.client("stepfunctions", { credentials = {
        access_key_id = cloud.front.key_id, secret_access_key = "wrong" } })
      fails("InvalidSignatureException", forged:start_execution({ stateMachineArn = "x" }))
      local s3 = cloud.client("s3", { credentials = {
        access_key_id = cloud.front.key_id, secret_access_key = "wrong" } })
      fails("SignatureDoesNotMatch", s3:get_object({ Bucket = "bucket", Key = "k" }))
    end)

    it("names each attempt in headers that retries share", function()
      cloud.faults({ kind = "status", status = 500, headers = {}, body = "" })
      assert(cloud.client("ssm"):get_parameter({ Name = "/plain" }))
      local first, second = table.unpack(cloud.requests())
      assert.equal("attempt=1; max=3", first.headers["amz-sdk-request"])
      assert.equal("attempt=2; max=3", second.headers["amz-sdk-request"])
      assert.equal(first.headers["amz-sdk-invocation-id"], second.headers["amz-sdk-invocation-id"])
      assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", first.headers["amz-sdk-invocation-id"])
    end)
  end)
end)
