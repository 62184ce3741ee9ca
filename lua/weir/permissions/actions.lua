-- Which IAM actions each operation of the clients needs, and on what. An entry is a list of
-- { action, resource, when =?, condition =? }:
--
--   resource    "*", an ARN, or "service:path" in the function's own region and account; {Member}
--               stands for that member of the input. Or a function of input and place that gives
--               one of these, or a list of them
--   when        a function of the input: whether this call needs the action
--   condition   a function of the input: the statement's Condition
--
-- A name that stands for one piece of work (a key, a job, an execution) becomes a pattern, since
-- the next event has another. What is not known stays a placeholder, "${TableName}"
-- (weir.permissions).
-- An empty list: the operation needs no permission.

-- Names -------------------------------------------------------------------------------------------

-- The member of an input, or its placeholder: the source of a handler does not tell every name.
local function member(input, name)
  local value = input[name]
  return type(value) == "string" and value or "${" .. name:gsub("^%l", string.upper) .. "}"
end

-- Jobs of weir's own begin with weir-; those of others may have any name.
local function job(name) return name:find("^weir%-") and "weir-*" or "*" end

-- The ARN of a resource whose name is one of many: its last part as a pattern.
local function any_of_its_kind(arn)
  local before, name = arn:match("^(arn:.*/)([^/]*)$")
  if not before then return arn end
  return before .. (before:find(":transform%-job/$") and job(name) or "*")
end

local function transform_job(input)
  return "sagemaker:transform-job/" .. job(member(input, "TransformJobName"))
end

local function tagged(input)
  local arn = member(input, "ResourceArn")
  if arn:find("^arn:") then return any_of_its_kind(arn) end
  return "sagemaker:transform-job/" .. job(arn)
end

-- A package is named by its ARN, or by its name and version.
local function model_package(input)
  local name = member(input, input.ModelPackageArn and "ModelPackageArn" or "ModelPackageName")
  if name:find("^arn:") then return any_of_its_kind(name) end
  return "sagemaker:model-package/" .. name .. "/*"
end

local function new_model_package(input)
  return "sagemaker:model-package/" .. member(input, "ModelPackageGroupName") .. "/*"
end

-- S3 ----------------------------------------------------------------------------------------------

-- A policy names an access point by its ARN; its alias matches nothing.
local function bucket_arn(bucket, place)
  if bucket:find("^arn:") then return bucket end
  if bucket:find("%-s3alias$") then return place:access_point(bucket) end
  return ("arn:%s:s3:::%s"):format(place.partition, bucket)
end

local function objects_of(bucket, place)
  local arn = bucket_arn(bucket, place)
  return arn .. (arn:find(":accesspoint[/:]") and "/object/*" or "/*")
end

local function bucket(input, place) return bucket_arn(member(input, "Bucket"), place) end
local function object(input, place) return objects_of(member(input, "Bucket"), place) end

-- CopySource is "bucket/key", or an access point's "ARN/object/key".
local function copied(input, place)
  local source = member(input, "CopySource"):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)

  local point = source:match("^(arn:.*:accesspoint[/:][^/]+)/")

  return objects_of(point or source:match("^/?([^/]*)"), place)
end

local function has(name)
  return function(input) return input[name] ~= nil end
end

local function lacks(name)
  return function(input) return input[name] == nil end
end

local READ = {
  { "s3:GetObject", object, when = lacks "VersionId" },
  { "s3:GetObjectVersion", object, when = has "VersionId" },
}
-- Without the right to list, an object that is not there is a refusal like any other.
local LOOK = {
  { "s3:ListBucket", bucket },
  table.unpack(READ),
}
local WRITE = {
  { "s3:PutObject", object },
  { "s3:PutObjectTagging", object, when = has "Tagging" },
}
local COPY = {
  { "s3:PutObject", object },
  { "s3:GetObject", copied },
}

-- Other services ---------------------------------------------------------------------------------

local TABLE = "dynamodb:table/{TableName}"

local function queried(input)
  if not input.IndexName then return TABLE end
  return TABLE .. "/index/{IndexName}"
end

local function written_tables(input)
  local list = {}
  for name in pairs(input.RequestItems or {}) do -- any order: sorted below
    list[#list + 1] = "dynamodb:table/" .. name
  end

  table.sort(list)

  return #list > 0 and list or TABLE
end

local function event_buses(input)
  local list = {}
  for i, entry in ipairs(input.Entries or {}) do
    local bus = entry.EventBusName or "default"
    list[i] = bus:find("^arn:") and bus or "events:event-bus/" .. bus
  end

  return #list > 0 and list or "events:event-bus/{EventBusName}"
end

-- An inference profile leads to its model in several regions; both are asked for.
local function model(input, place)
  local id = member(input, "modelId")
  if id:find("^arn:") then return id end
  local profiled = id:match("^%l+%.(%l+%..+)$")
  local foundation = ("arn:%s:bedrock:%s::foundation-model/%s"):format(place.partition,
    profiled and "*" or place.region, profiled or id)
  return profiled and { "bedrock:inference-profile/" .. id, foundation } or foundation
end

local function parameter(input)
  local name = member(input, "Name")
  return name:find("^arn:") and name or "ssm:parameter/" .. name:gsub("^/", "")
end

-- https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
local function queue(input, place)
  local url = member(input, "QueueUrl")
  local region, account, name = url:match("//sqs%.([^.]+)%.[^/]+/(%d+)/([^/]+)$")
  if not region then return "sqs:" .. url:match("([^/]*)$") end

  return ("arn:%s:sqs:%s:%s:%s"):format(place.partition, region, account, name)
end

local function execution(input)
  return (member(input, "executionArn"):gsub(":[^:]*$", ":*"))
end

local function state_machine(input) return member(input, "stateMachineArn") end

local function in_namespace(input)
  return { StringEquals = { ["cloudwatch:namespace"] = member(input, "Namespace") } }
end

local function labels_an_object(input)
  return type(input.Image) == "table" and input.Image.S3Object ~= nil
end

local function labelled_object(input, place)
  return objects_of(member(input.Image.S3Object, "Bucket"), place)
end

local CONFIGURATION = "appconfig:application/{ApplicationIdentifier}/environment/"
  .. "{EnvironmentIdentifier}/configuration/{ConfigurationProfileIdentifier}"

return {
  ["appconfigdata.StartConfigurationSession"] = {
    { "appconfig:StartConfigurationSession", CONFIGURATION },
  },
  ["appconfigdata.GetLatestConfiguration"] = {
    { "appconfig:GetLatestConfiguration", "appconfig:application/*/environment/*/configuration/*" },
  },

  ["bedrock_runtime.InvokeModel"] = { { "bedrock:InvokeModel", model } },
  ["bedrock_runtime.Converse"] = { { "bedrock:InvokeModel", model } },

  ["cloudwatch.GetMetricStatistics"] = { { "cloudwatch:GetMetricStatistics", "*" } },
  ["cloudwatch.GetMetricData"] = { { "cloudwatch:GetMetricData", "*" } },
  ["cloudwatch.PutMetricData"] = {
    { "cloudwatch:PutMetricData", "*", condition = in_namespace },
  },

  ["dynamodb.PutItem"] = { { "dynamodb:PutItem", TABLE } },
  ["dynamodb.GetItem"] = { { "dynamodb:GetItem", TABLE } },
  ["dynamodb.DeleteItem"] = { { "dynamodb:DeleteItem", TABLE } },
  ["dynamodb.UpdateItem"] = { { "dynamodb:UpdateItem", TABLE } },
  ["dynamodb.Query"] = { { "dynamodb:Query", queried } },
  ["dynamodb.Scan"] = { { "dynamodb:Scan", queried } },
  ["dynamodb.BatchWriteItem"] = { { "dynamodb:BatchWriteItem", written_tables } },
  ["dynamodb.DescribeTable"] = { { "dynamodb:DescribeTable", TABLE } },
  ["dynamodb.CreateTable"] = { { "dynamodb:CreateTable", TABLE } },

  ["eventbridge.PutEvents"] = { { "events:PutEvents", event_buses } },
  ["eventbridge.DescribeRule"] = { { "events:DescribeRule", "events:rule/{Name}" } },
  ["eventbridge.DisableRule"] = { { "events:DisableRule", "events:rule/{Name}" } },

  ["rekognition.DetectLabels"] = {
    { "rekognition:DetectLabels", "*" },
    { "s3:GetObject", labelled_object, when = labels_an_object },
  },

  ["s3.GetObject"] = READ,
  ["s3.HeadObject"] = LOOK,
  ["s3.PutObject"] = WRITE,
  ["s3.CreateMultipartUpload"] = WRITE,
  ["s3.UploadPart"] = { { "s3:PutObject", object } },
  ["s3.CompleteMultipartUpload"] = { { "s3:PutObject", object } },
  ["s3.AbortMultipartUpload"] = { { "s3:AbortMultipartUpload", object } },
  ["s3.CopyObject"] = COPY,
  ["s3.UploadPartCopy"] = COPY,
  ["s3.DeleteObject"] = {
    { "s3:DeleteObject", object, when = lacks "VersionId" },
    { "s3:DeleteObjectVersion", object, when = has "VersionId" },
  },
  ["s3.ListObjectsV2"] = { { "s3:ListBucket", bucket } },
  ["s3.GetObjectTagging"] = { { "s3:GetObjectTagging", object } },
  ["s3.PutObjectTagging"] = { { "s3:PutObjectTagging", object } },

  ["sagemaker.CreateTransformJob"] = {
    { "sagemaker:CreateTransformJob", transform_job },
    { "sagemaker:AddTags", transform_job, when = has "Tags" },
  },
  ["sagemaker.DescribeTransformJob"] = { { "sagemaker:DescribeTransformJob", transform_job } },
  ["sagemaker.StopTransformJob"] = { { "sagemaker:StopTransformJob", transform_job } },
  ["sagemaker.ListTransformJobs"] = { { "sagemaker:ListTransformJobs", "*" } },
  ["sagemaker.AddTags"] = { { "sagemaker:AddTags", tagged } },
  ["sagemaker.ListTags"] = { { "sagemaker:ListTags", tagged } },
  ["sagemaker.DescribeEndpoint"] = {
    { "sagemaker:DescribeEndpoint", "sagemaker:endpoint/{EndpointName}" },
  },
  ["sagemaker.DeleteEndpoint"] = {
    { "sagemaker:DeleteEndpoint", "sagemaker:endpoint/{EndpointName}" },
  },
  ["sagemaker.DeleteEndpointConfig"] = {
    { "sagemaker:DeleteEndpointConfig", "sagemaker:endpoint-config/{EndpointConfigName}" },
  },
  ["sagemaker.DeleteModel"] = { { "sagemaker:DeleteModel", "sagemaker:model/{ModelName}" } },
  ["sagemaker.ListEndpoints"] = { { "sagemaker:ListEndpoints", "*" } },
  ["sagemaker.DescribeEndpointConfig"] = {
    { "sagemaker:DescribeEndpointConfig", "sagemaker:endpoint-config/*" },
  },
  ["sagemaker.DescribeModel"] = { { "sagemaker:DescribeModel", "sagemaker:model/*" } },
  ["sagemaker.UpdateEndpointWeightsAndCapacities"] = {
    { "sagemaker:UpdateEndpointWeightsAndCapacities", "sagemaker:endpoint/{EndpointName}" },
  },
  ["sagemaker.CreateModelPackage"] = {
    { "sagemaker:CreateModelPackage", new_model_package },
    { "sagemaker:AddTags", new_model_package, when = has "Tags" },
  },
  ["sagemaker.UpdateModelPackage"] = { { "sagemaker:UpdateModelPackage", model_package } },
  ["sagemaker.ListModelPackages"] = { { "sagemaker:ListModelPackages", "*" } },
  ["sagemaker.DescribeModelPackage"] = { { "sagemaker:DescribeModelPackage", model_package } },

  ["sagemaker_runtime.InvokeEndpoint"] = {
    { "sagemaker:InvokeEndpoint", "sagemaker:endpoint/{EndpointName}" },
    {
      "sagemaker:InvokeEndpoint",
      "sagemaker:inference-component/{InferenceComponentName}",
      when = has "InferenceComponentName",
    },
  },

  ["sqs.SendMessage"] = { { "sqs:SendMessage", queue } },
  ["sqs.SendMessageBatch"] = { { "sqs:SendMessage", queue } },
  ["sqs.ReceiveMessage"] = { { "sqs:ReceiveMessage", queue } },
  ["sqs.DeleteMessage"] = { { "sqs:DeleteMessage", queue } },
  ["sqs.DeleteMessageBatch"] = { { "sqs:DeleteMessage", queue } },
  ["sqs.ChangeMessageVisibility"] = { { "sqs:ChangeMessageVisibility", queue } },
  ["sqs.GetQueueAttributes"] = { { "sqs:GetQueueAttributes", queue } },

  ["ssm.GetParameter"] = { { "ssm:GetParameter", parameter } },

  -- A task token names no resource that a policy could.
  ["stepfunctions.SendTaskSuccess"] = { { "states:SendTaskSuccess", "*" } },
  ["stepfunctions.SendTaskFailure"] = { { "states:SendTaskFailure", "*" } },
  ["stepfunctions.SendTaskHeartbeat"] = { { "states:SendTaskHeartbeat", "*" } },
  ["stepfunctions.StartExecution"] = {
    { "states:StartExecution", state_machine },
  },
  ["stepfunctions.DescribeExecution"] = { { "states:DescribeExecution", execution } },
  ["stepfunctions.StopExecution"] = { { "states:StopExecution", execution } },
  ["stepfunctions.DescribeStateMachine"] = { { "states:DescribeStateMachine", state_machine } },
  ["stepfunctions.ListExecutions"] = { { "states:ListExecutions", state_machine } },

  ["sts.AssumeRole"] = {
    { "sts:AssumeRole", function(input) return member(input, "RoleArn") end },
  },
  ["sts.AssumeRoleWithWebIdentity"] = {},
  ["sts.GetCallerIdentity"] = {},
}
