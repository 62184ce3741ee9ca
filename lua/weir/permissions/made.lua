-- What CloudFormation does with the permissions of whoever asks it to make, change or delete what
-- the templates have:
--
--   made.MADE, made.DELETED    lists of { "action action …", resource, condition =? }, as
--                              weir.permissions.verbs takes them
--   made.TAKEN_BACK            besides: what stays when its stack is deleted, and goes when its
--                              creation failed
--
-- tests/deploy/made_spec.lua compares them with what CloudFormation's registry tells of each type.
local made = {}

local ALARMS = "cloudwatch:alarm:{name}-*"
-- Those of target tracking.
local SCALING_ALARMS = "cloudwatch:alarm:TargetTracking-*"
local DASHBOARDS = "arn:{partition}:cloudwatch::{account}:dashboard/{name}"
local TABLES = "dynamodb:table/{name}-*"
-- The global table, in the region of each replica.
local TOKENS = "arn:{partition}:dynamodb:*:{account}:table/{name}-tokens"
local RULES = "events:rule/{name}-*"
local ROLES = "arn:{partition}:iam::{account}:role/{name}-*"
local SERVICES_ROLES = "arn:{partition}:iam::{account}:role/aws-service-role/*"
local POLICIES = "arn:{partition}:iam::{account}:policy/{name}-*"
local FUNCTIONS = "lambda:function:{name}-*"
local LOG_GROUPS = "logs:log-group:{name}-*"
local BUCKETS = "arn:{partition}:s3:::{name}-*"
local OBJECTS = "arn:{partition}:s3:::{name}-*/*"
local ENDPOINTS = "sagemaker:endpoint/*"
local CONFIGS = "sagemaker:endpoint-config/*"
local MODELS = "sagemaker:model/*"
local MODEL_GROUPS = "sagemaker:model-package-group/{name}-*"
local TARGETS = "application-autoscaling:scalable-target/*"
local SCHEDULES = "scheduler:schedule/default/{name}-*"
local TOPICS = "sns:{name}-*"
local QUEUES = "sqs:{name}-*"
local MACHINES = "states:stateMachine:*"
local TRACE_GROUPS = "xray:group/{name}/*"

local function under_the_boundary(name, place)
  local boundary = ("arn:%s:iam::%s:policy/%s-boundary"):format(place.partition, place.account,
    name)
  return { StringEquals = { ["iam:PermissionsBoundary"] = boundary } }
end

local function to_services()
  return { StringEquals = { ["iam:PassedToService"] = {
    "events.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com",
    "scheduler.amazonaws.com", "states.amazonaws.com",
  } } }
end

local function of_services()
  return { StringEquals = { ["iam:AWSServiceName"] = {
    "replication.dynamodb.amazonaws.com", "sagemaker.application-autoscaling.amazonaws.com",
  } } }
end

local function tagged(name)
  return { StringLike = { ["aws:ResourceTag/weir:stack"] = name .. "-*" } }
end

made.MADE = {
  { "cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm cloudwatch:TagResource", ALARMS },
  { "cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm", SCALING_ALARMS },
  { "cloudwatch:GetMetricData", "*" },
  { "cloudwatch:GetDashboard cloudwatch:PutDashboard", DASHBOARDS },
  {
    "dynamodb:CreateTable dynamodb:DescribeContinuousBackups dynamodb:DescribeContributorInsights "
      .. "dynamodb:DescribeKinesisStreamingDestination dynamodb:DescribeTable "
      .. "dynamodb:DescribeTimeToLive dynamodb:TagResource dynamodb:UpdateContinuousBackups "
      .. "dynamodb:UpdateTable dynamodb:UpdateTimeToLive",
    TABLES,
  },
  {
    "dynamodb:BatchWriteItem dynamodb:CreateTable dynamodb:CreateTableReplica dynamodb:DeleteItem "
      .. "dynamodb:DescribeContinuousBackups dynamodb:DescribeTable dynamodb:DescribeTimeToLive "
      .. "dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:Scan dynamodb:TagResource "
      .. "dynamodb:UpdateContinuousBackups dynamodb:UpdateItem dynamodb:UpdateTable "
      .. "dynamodb:UpdateTimeToLive",
    TOKENS,
  },
  {
    "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs",
    "*",
  },
  {
    "events:DescribeRule events:ListTargetsByRule events:PutRule events:PutTargets "
      .. "events:TagResource",
    RULES,
  },
  { "fsx:CreateAndAttachS3AccessPoint", "fsx:volume/*/*" },
  { "fsx:DescribeS3AccessPointAttachments s3:GetAccessPoint", "*" },
  { "s3:CreateAccessPoint", "s3:accesspoint/*" },
  {
    "iam:AttachRolePolicy iam:CreateRole iam:PutRolePermissionsBoundary iam:PutRolePolicy",
    ROLES, under_the_boundary,
  },
  {
    "iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies iam:TagRole "
      .. "iam:UpdateAssumeRolePolicy iam:UpdateRole",
    ROLES,
  },
  { "iam:PassRole", ROLES, to_services },
  { "iam:CreateServiceLinkedRole", SERVICES_ROLES, of_services },
  {
    "iam:CreatePolicy iam:CreatePolicyVersion iam:DeletePolicyVersion iam:GetPolicy "
      .. "iam:GetPolicyVersion iam:ListPolicyVersions",
    POLICIES,
  },
  {
    "lambda:AddPermission lambda:CreateFunction lambda:GetFunction "
      .. "lambda:GetFunctionCodeSigningConfig lambda:GetFunctionConfiguration "
      .. "lambda:GetRuntimeManagementConfig lambda:ListTags lambda:PutFunctionEventInvokeConfig "
      .. "lambda:TagResource lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration "
      .. "lambda:UpdateFunctionEventInvokeConfig",
    FUNCTIONS,
  },
  { "lambda:PublishLayerVersion", "lambda:layer:{name}-*" },
  { "lambda:GetLayerVersion", "lambda:layer:{name}-*:*" },
  { "logs:CreateLogGroup logs:PutRetentionPolicy logs:TagResource", LOG_GROUPS },
  { "logs:DescribeLogGroups", "*" },
  { "cloudwatch:Link logs:Link xray:Link oam:CreateSink", "*" },
  { "oam:CreateLink", "arn:{partition}:oam:*:*:sink/*" },
  { "oam:GetLink oam:TagResource oam:UpdateLink", "oam:link/*" },
  {
    "oam:GetSink oam:GetSinkPolicy oam:ListTagsForResource oam:PutSinkPolicy oam:TagResource",
    "oam:sink/*",
  },
  {
    "s3:CreateBucket s3:ListBucket s3:PutBucketNotification s3:PutBucketOwnershipControls "
      .. "s3:PutBucketPublicAccessBlock s3:PutBucketTagging s3:PutBucketVersioning "
      .. "s3:PutLifecycleConfiguration",
    BUCKETS,
  },
  { "s3:GetObject", OBJECTS },
  {
    "sagemaker:AddTags sagemaker:CreateEndpoint sagemaker:DescribeEndpoint "
      .. "sagemaker:UpdateEndpoint",
    ENDPOINTS,
  },
  {
    "sagemaker:AddTags sagemaker:CreateEndpoint sagemaker:CreateEndpointConfig "
      .. "sagemaker:DescribeEndpointConfig sagemaker:UpdateEndpoint",
    CONFIGS,
  },
  { "sagemaker:AddTags sagemaker:CreateModel sagemaker:DescribeModel", MODELS },
  {
    "sagemaker:AddTags sagemaker:CreateModelPackageGroup sagemaker:DescribeModelPackageGroup "
      .. "sagemaker:GetModelPackageGroupPolicy sagemaker:ListTags",
    MODEL_GROUPS,
  },
  {
    "application-autoscaling:PutScalingPolicy application-autoscaling:PutScheduledAction "
      .. "application-autoscaling:RegisterScalableTarget",
    TARGETS,
  },
  {
    "application-autoscaling:DescribeScalableTargets "
      .. "application-autoscaling:DescribeScalingPolicies "
      .. "application-autoscaling:DescribeScheduledActions",
    "*",
  },
  { "scheduler:CreateSchedule scheduler:GetSchedule scheduler:UpdateSchedule", SCHEDULES },
  {
    "sns:CreateTopic sns:GetSubscriptionAttributes sns:GetTopicAttributes "
      .. "sns:ListSubscriptionsByTopic sns:ListTagsForResource sns:SetTopicAttributes "
      .. "sns:Subscribe sns:TagResource",
    TOPICS,
  },
  {
    "sqs:CreateQueue sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListQueueTags "
      .. "sqs:SetQueueAttributes sqs:TagQueue",
    QUEUES,
  },
  { "ssm:AddTagsToResource ssm:GetParameters ssm:PutParameter", "ssm:parameter/{name}-*" },
  {
    "states:CreateStateMachine states:DescribeStateMachine states:ListTagsForResource "
      .. "states:TagResource states:UpdateStateMachine",
    MACHINES,
  },
  { "xray:CreateGroup xray:TagResource xray:UpdateGroup", TRACE_GROUPS },
}

made.DELETED = {
  { "cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms", ALARMS },
  { "cloudwatch:DeleteAlarms", SCALING_ALARMS },
  { "cloudwatch:DeleteDashboards cloudwatch:GetDashboard", DASHBOARDS },
  { "ec2:DescribeNetworkInterfaces", "*" },
  {
    "events:DeleteRule events:DescribeRule events:ListTargetsByRule events:RemoveTargets",
    RULES,
  },
  {
    "iam:DeleteRole iam:DeleteRolePolicy iam:DetachRolePolicy iam:GetRole "
      .. "iam:ListAttachedRolePolicies iam:ListRolePolicies",
    ROLES,
  },
  {
    "iam:DeletePolicy iam:DeletePolicyVersion iam:GetPolicy iam:ListEntitiesForPolicy "
      .. "iam:ListPolicyVersions",
    POLICIES,
  },
  {
    "lambda:DeleteFunction lambda:DeleteFunctionEventInvokeConfig lambda:GetFunction "
      .. "lambda:RemovePermission",
    FUNCTIONS,
  },
  { "lambda:DeleteLayerVersion lambda:GetLayerVersion", "lambda:layer:*:*" },
  { "oam:DeleteLink oam:GetLink", "oam:link/*" },
  { "oam:DeleteSink oam:GetSink oam:GetSinkPolicy", "oam:sink/*" },
  { "s3:DeleteBucket s3:ListBucket", BUCKETS },
  { "sagemaker:DeleteEndpoint", ENDPOINTS, tagged },
  { "sagemaker:DescribeEndpoint", ENDPOINTS },
  { "sagemaker:DeleteEndpointConfig", CONFIGS, tagged },
  { "sagemaker:DescribeEndpointConfig", CONFIGS },
  { "sagemaker:DeleteModel", MODELS, tagged },
  { "sagemaker:DescribeModel", MODELS },
  {
    "sagemaker:DeleteModelPackageGroup sagemaker:DescribeModelPackageGroup "
      .. "sagemaker:GetModelPackageGroupPolicy",
    MODEL_GROUPS,
  },
  {
    "application-autoscaling:DeleteScalingPolicy application-autoscaling:DeregisterScalableTarget",
    TARGETS,
  },
  { "application-autoscaling:DescribeScalingPolicies", "*" },
  { "scheduler:DeleteSchedule scheduler:GetSchedule", SCHEDULES },
  {
    "sns:DeleteTopic sns:GetTopicAttributes sns:SetTopicAttributes sns:Unsubscribe",
    TOPICS,
  },
  { "sqs:DeleteQueue sqs:GetQueueAttributes sqs:SetQueueAttributes", QUEUES },
  { "ssm:DeleteParameter", "ssm:parameter/{name}-*" },
  { "states:DeleteStateMachine states:DescribeStateMachine", MACHINES },
  { "xray:DeleteGroup", TRACE_GROUPS },
}

made.TAKEN_BACK = {
  { "dynamodb:DeleteTable", TABLES },
  { "dynamodb:DeleteTable", TOKENS },
  { "fsx:DetachAndDeleteS3AccessPoint", "fsx:volume/*/*" },
  { "logs:DeleteLogGroup", LOG_GROUPS },
  { "s3:DeleteAccessPoint", "s3:accesspoint/*" },
}

return made
