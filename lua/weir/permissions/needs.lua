-- What each handler of weir can call: handler → list of
--
--   { "service.Operation", { member = value }, role =?, when =? }
--
-- A value "$name" is the setting of that name, or a member of the handler's events; where neither
-- is known it stays a placeholder (weir.permissions). role = "storage": asked in the role of the
-- setting storage_role_arn, where one is set. when = { setting, value }: only with that setting; or
-- { setting, function of its value }.
--
-- tests/deploy/permissions_spec.lua compares this with what the handlers call over all recorded
-- events: a call that is not here fails it, and so does a line here that nothing calls.
local trigger_mode = require "weir.events.trigger_mode"

local TABLE = { TableName = "$token_table" }
local INDEX = { TableName = "$token_table", IndexName = "TransformJobNameIndex" }
local ENDPOINT = { EndpointName = "$endpoint_name" }
local AB_TABLE = { TableName = "$ab_test_table_name" }
local PACKAGE = { ModelPackageName = "$model_package" }
local CLAIMS = { TableName = "$claims_table" }
local JOB = { TransformJobName = "weir-" }
local DEAD_LETTER = { Bucket = "$dead_letter_bucket" }
local TAGGED_JOB = { ResourceArn = "weir-" }

local function is_set(value) return value ~= nil end

-- The trigger mode is a word, or the name of the parameter that holds it.
local function is_parameter(mode)
  return mode ~= nil and trigger_mode.parameter_name(mode) ~= nil
end

-- One object, claimed and given to the pipeline that comes with weir.
local PROCESSING = {
  { "ssm.GetParameter", { Name = "$trigger_mode" }, when = { "trigger_mode", is_parameter } },
  { "s3.HeadObject", { Bucket = "$bucket" }, role = "storage" },
  { "s3.GetObject", { Bucket = "$bucket" }, role = "storage" },
  { "rekognition.DetectLabels", {} },
  { "bedrock_runtime.Converse", { modelId = "$bedrock_model_id" } },
  { "s3.PutObject", { Bucket = "$output_bucket" } },
  { "dynamodb.PutItem", CLAIMS },
  { "dynamodb.GetItem", CLAIMS },
}

return {
  routing = {
    { "sagemaker.DescribeEndpoint", ENDPOINT },
  },

  realtime_inference = {
    { "s3.GetObject", { Bucket = "$bucket" }, role = "storage" },
    {
      "sagemaker_runtime.InvokeEndpoint",
      {
        EndpointName = "$endpoint_name",
        InferenceComponentName = "$inference_component_name",
      },
    },
    { "s3.GetObject", { Bucket = "$output_bucket" } },
    { "s3.PutObject", { Bucket = "$output_bucket" } },
    { "sagemaker.DescribeEndpoint", ENDPOINT, when = { "variant_assignment", "policy" } },
    { "dynamodb.DescribeTable", AB_TABLE, when = { "ab_test_table_name", is_set } },
    { "dynamodb.PutItem", AB_TABLE, when = { "ab_test_table_name", is_set } },
  },

  weights = {
    { "sagemaker.DescribeEndpoint", ENDPOINT },
    { "sagemaker.DescribeEndpointConfig", {} },
    { "sagemaker.DescribeModel", {} },
    { "sagemaker.DescribeModelPackage", PACKAGE },
    { "sagemaker.UpdateEndpointWeightsAndCapacities", ENDPOINT },
  },

  inference_comparison = {
    { "sagemaker.DescribeEndpoint", ENDPOINT },
    { "sagemaker.DescribeEndpointConfig", {} },
    { "sagemaker.DescribeModel", {} },
    { "sagemaker.DescribeModelPackage", PACKAGE },
    { "sagemaker.UpdateEndpointWeightsAndCapacities", ENDPOINT },
    { "cloudwatch.GetMetricData", {} },
    { "dynamodb.DescribeTable", AB_TABLE },
    { "dynamodb.GetItem", AB_TABLE },
    { "dynamodb.PutItem", AB_TABLE },
    { "dynamodb.Query", AB_TABLE },
    { "dynamodb.Scan", AB_TABLE, when = { "ab_test_table_key", "single" } },
    { "eventbridge.PutEvents", { EventBusName = "$event_bus" } },
  },

  event_processor = PROCESSING,

  reconcile = {
    { "s3.ListObjectsV2", { Bucket = "$bucket" }, role = "storage" },
    table.unpack(PROCESSING),
  },

  latency_reporter = {
    { "ssm.GetParameter", { Name = "$trigger_mode" }, when = { "trigger_mode", is_parameter } },
  },

  replay_shard = {
    { "s3.GetObject", { Bucket = "$log_bucket" } },
    { "s3.GetObject", { Bucket = "$results_bucket" } },
  },

  replay_reduce = {
    { "s3.ListObjectsV2", { Bucket = "$log_bucket" } },
    { "s3.GetObject", { Bucket = "$results_bucket" } },
    { "s3.PutObject", { Bucket = "$results_bucket" } },
  },

  mapping = {
    { "stepfunctions.StartExecution", { stateMachineArn = "$state_machine" } },
  },

  event_map = {
    { "stepfunctions.StartExecution", { stateMachineArn = "$state_machine" } },
    { "s3.PutObject", DEAD_LETTER },
    { "s3.ListObjectsV2", DEAD_LETTER },
    { "s3.GetObject", DEAD_LETTER },
    { "s3.DeleteObject", DEAD_LETTER },
  },

  discovery = {
    { "ssm.GetParameter", { Name = "$trigger_mode" }, when = { "trigger_mode", is_parameter } },
    { "s3.ListObjectsV2", { Bucket = "$bucket" }, role = "storage" },
    { "s3.GetObject", { Bucket = "$output_bucket" } },
    { "s3.PutObject", { Bucket = "$output_bucket" } },
    { "s3.DeleteObject", { Bucket = "$output_bucket" } },
    { "stepfunctions.DescribeExecution", { executionArn = "$execution" } },
    { "s3.PutObject", DEAD_LETTER },
    { "s3.CreateMultipartUpload", { Bucket = "$output_bucket" } },
    { "s3.UploadPart", { Bucket = "$output_bucket" } },
    { "s3.CompleteMultipartUpload", { Bucket = "$output_bucket" } },
  },

  sagemaker_invoke = {
    { "dynamodb.PutItem", TABLE },
    { "dynamodb.GetItem", TABLE },
    { "dynamodb.DeleteItem", TABLE },
    { "sagemaker.CreateTransformJob", { TransformJobName = "weir-", Tags = {} } },
    { "sagemaker.DescribeTransformJob", JOB },
    { "sagemaker.ListTags", TAGGED_JOB },
    { "sagemaker.AddTags", TAGGED_JOB },
    { "stepfunctions.SendTaskSuccess", {} },
    { "stepfunctions.SendTaskFailure", {} },
    { "stepfunctions.SendTaskHeartbeat", {} },
    { "s3.PutObject", { Bucket = "$output_bucket" }, when = { "mock_mode", "true" } },
  },

  sagemaker_callback = {
    { "dynamodb.GetItem", TABLE },
    { "dynamodb.DeleteItem", TABLE },
    { "dynamodb.Query", INDEX },
    { "sagemaker.DescribeTransformJob", JOB },
    { "sagemaker.ListTags", TAGGED_JOB },
    { "sagemaker.ListTransformJobs", {} },
    { "stepfunctions.SendTaskSuccess", {} },
    { "stepfunctions.SendTaskFailure", {} },
    { "stepfunctions.SendTaskHeartbeat", {} },
  },
}
