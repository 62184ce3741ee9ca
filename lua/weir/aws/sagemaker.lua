-- SageMaker: transform jobs, endpoints and their weights, model packages, tags. The value of a tag
-- whose key is a secret's, such as TaskToken, comes as a secret.
local client = require "weir.aws.client"
local json = require "weir.json"

local function decode(text) return json.decode(text, { secrets = "tags" }) end

return client.service {
  name = "sagemaker",
  id = "SAGEMAKER",
  host = "api.sagemaker",
  signing_name = "sagemaker",
  fips_hosts = { aws = "api-fips.sagemaker", ["aws-us-gov"] = "api-fips.sagemaker" },
  protocol = "json",
  json_version = "1.1",
  target_prefix = "SageMaker",
  decode = decode,
  secret_replies = true,
  operations = {
    CreateTransformJob = {
      members = "TransformJobName* ModelName* TransformInput* TransformOutput* "
        .. "TransformResources* BatchStrategy MaxConcurrentTransforms MaxPayloadInMB Environment "
        .. "DataProcessing DataCaptureConfig ModelClientConfig ExperimentConfig Tags",
      target = "TransformJobName",
      changes = true,
    },
    DescribeTransformJob = { members = "TransformJobName*", target = "TransformJobName" },
    StopTransformJob = {
      members = "TransformJobName*",
      target = "TransformJobName",
      changes = true,
    },
    ListTransformJobs = {
      members = "CreationTimeAfter CreationTimeBefore LastModifiedTimeAfter "
        .. "LastModifiedTimeBefore NameContains SortBy SortOrder StatusEquals MaxResults NextToken",
      target = "NameContains",
      paging = { input = "NextToken", output = "NextToken", items = "TransformJobSummaries" },
    },
    AddTags = { members = "ResourceArn* Tags*", target = "ResourceArn", changes = true },
    ListTags = {
      members = "ResourceArn* NextToken MaxResults",
      target = "ResourceArn",
      paging = { input = "NextToken", output = "NextToken", items = "Tags" },
    },
    DescribeEndpoint = { members = "EndpointName*", target = "EndpointName" },
    DeleteEndpoint = { members = "EndpointName*", target = "EndpointName", changes = true },
    DeleteEndpointConfig = {
      members = "EndpointConfigName*",
      target = "EndpointConfigName",
      changes = true,
    },
    DeleteModel = { members = "ModelName*", target = "ModelName", changes = true },
    ListEndpoints = {
      members = "NameContains NextToken MaxResults",
      target = "NameContains",
      paging = { input = "NextToken", output = "NextToken", items = "Endpoints" },
    },
    DescribeEndpointConfig = { members = "EndpointConfigName*", target = "EndpointConfigName" },
    DescribeModel = { members = "ModelName*", target = "ModelName" },
    UpdateEndpointWeightsAndCapacities = {
      members = "EndpointName* DesiredWeightsAndCapacities*",
      target = "EndpointName",
      changes = true,
    },
    CreateModelPackage = {
      members = "ModelPackageName ModelPackageGroupName ModelPackageDescription "
        .. "InferenceSpecification ModelApprovalStatus ModelMetrics CustomerMetadataProperties "
        .. "SkipModelValidation ClientToken MetadataProperties DriftCheckBaselines Domain Task "
        .. "SamplePayloadUrl SourceUri Tags",
      target = "ModelPackageGroupName",
      changes = true,
    },
    UpdateModelPackage = {
      members = "ModelPackageArn* ModelApprovalStatus ApprovalDescription "
        .. "CustomerMetadataProperties CustomerMetadataPropertiesToRemove ClientToken",
      target = "ModelPackageArn",
      changes = true,
    },
    ListModelPackages = {
      members = "ModelPackageGroupName ModelPackageType ModelApprovalStatus NameContains "
        .. "CreationTimeAfter CreationTimeBefore SortBy SortOrder MaxResults NextToken",
      target = "ModelPackageGroupName",
      paging = { input = "NextToken", output = "NextToken", items = "ModelPackageSummaryList" },
    },
    DescribeModelPackage = { members = "ModelPackageName*", target = "ModelPackageName" },
  },
}
