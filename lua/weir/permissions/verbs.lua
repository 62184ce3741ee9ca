-- What verbs of the program need that act on an estate: verb → list of grants, as
--
--   verbs.grants(verb, name, place) → list of { action =, resource =, condition =? } | nil
--
-- name: the estate's, with which the names of its stacks, roles and functions begin. place: as
-- weir.permissions makes it. tests/deploy/verb_permissions_spec.lua compares this with IAM's list
-- of actions; the integration tests of the verbs run them with these permissions and no others.
local verbs = {}

-- "{name}" is the estate's name; a resource is "*", an ARN, or "service:path" of the place.
local STACKS = "cloudformation:stack/{name}-*/*"
local STACK_SETS = "cloudformation:stackset/{name}-*:*"
local RULES = "events:rule/{name}-*"
local SCHEDULES = "scheduler:schedule/default/{name}-*"
local FUNCTIONS = "lambda:function:{name}-*"
local LOG_GROUPS = "logs:log-group:{name}-*"
local ENDPOINTS = "sagemaker:endpoint/*"
local CONFIGS = "sagemaker:endpoint-config/*"
local MODELS = "sagemaker:model/*"
local BUCKETS = "arn:{partition}:s3:::{name}-*"
local OBJECTS = "arn:{partition}:s3:::{name}-*/*"
local ROLES = "arn:{partition}:iam::{account}:role/{name}-*"
local POLICIES = "arn:{partition}:iam::{account}:policy/{name}-*"

local function tagged(name)
  return { StringLike = { ["aws:ResourceTag/weir:stack"] = name .. "-*" } }
end

local function to_scheduler()
  return { StringEquals = { ["iam:PassedToService"] = "scheduler.amazonaws.com" } }
end

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

-- CloudFormation makes, changes and deletes with the permissions of whoever asks it to.
local MADE_BY_CLOUDFORMATION = {
  { "cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms cloudwatch:TagResource",
    "cloudwatch:alarm:{name}-*" },
  { "cloudwatch:GetDashboard cloudwatch:PutDashboard",
    "arn:{partition}:cloudwatch::{account}:dashboard/{name}-*" },
  {
    "dynamodb:CreateTable dynamodb:DescribeContinuousBackups dynamodb:DescribeTable "
      .. "dynamodb:DescribeTimeToLive dynamodb:TagResource dynamodb:UpdateContinuousBackups "
      .. "dynamodb:UpdateTable dynamodb:UpdateTimeToLive",
    "dynamodb:table/{name}-*",
  },
  { "events:DescribeRule events:PutRule events:PutTargets events:TagResource", RULES },
  {
    "iam:AttachRolePolicy iam:CreateRole iam:DeleteRolePolicy iam:DetachRolePolicy "
      .. "iam:PutRolePermissionsBoundary iam:PutRolePolicy",
    ROLES, under_the_boundary,
  },
  {
    "iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies iam:TagRole "
      .. "iam:UpdateAssumeRolePolicy iam:UpdateRole",
    ROLES,
  },
  { "iam:PassRole", ROLES, to_services },
  { "iam:CreatePolicy iam:GetPolicy iam:GetPolicyVersion iam:ListPolicyVersions", POLICIES },
  {
    "lambda:AddPermission lambda:CreateFunction lambda:GetFunction "
      .. "lambda:GetFunctionConfiguration lambda:PutFunctionEventInvokeConfig lambda:TagResource "
      .. "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration "
      .. "lambda:UpdateFunctionEventInvokeConfig",
    FUNCTIONS,
  },
  { "lambda:PublishLayerVersion", "lambda:layer:{name}-*" },
  { "lambda:GetLayerVersion", "lambda:layer:{name}-*:*" },
  { "logs:CreateLogGroup logs:PutRetentionPolicy logs:TagResource", LOG_GROUPS },
  { "logs:DescribeLogGroups", "*" },
  { "oam:CreateSink", "*" },
  { "oam:CreateLink", "arn:{partition}:oam:*:*:sink/*" },
  { "oam:GetLink oam:UpdateLink", "oam:link/*" },
  { "oam:GetSink oam:PutSinkPolicy", "oam:sink/*" },
  {
    "s3:CreateBucket s3:PutBucketNotification s3:PutBucketTagging s3:PutBucketVersioning "
      .. "s3:PutEncryptionConfiguration s3:PutLifecycleConfiguration",
    BUCKETS,
  },
  { "sagemaker:AddTags sagemaker:CreateEndpoint sagemaker:DescribeEndpoint "
    .. "sagemaker:UpdateEndpoint", ENDPOINTS },
  { "sagemaker:CreateEndpointConfig sagemaker:DescribeEndpointConfig", CONFIGS },
  { "sagemaker:CreateModel sagemaker:DescribeModel", MODELS },
  {
    "application-autoscaling:PutScalingPolicy application-autoscaling:PutScheduledAction "
      .. "application-autoscaling:RegisterScalableTarget",
    "application-autoscaling:scalable-target/*",
  },
  { "scheduler:CreateSchedule scheduler:GetSchedule scheduler:UpdateSchedule", SCHEDULES },
  { "sns:CreateTopic sns:GetTopicAttributes sns:SetTopicAttributes sns:Subscribe sns:TagResource",
    "sns:{name}-*" },
  { "sqs:CreateQueue sqs:GetQueueAttributes sqs:SetQueueAttributes sqs:TagQueue", "sqs:{name}-*" },
  { "ssm:AddTagsToResource ssm:GetParameters ssm:PutParameter", "ssm:parameter/{name}-*" },
  { "states:CreateStateMachine states:DescribeStateMachine states:TagResource "
    .. "states:UpdateStateMachine", "states:stateMachine:*" },
  { "xray:CreateGroup xray:GetGroup xray:UpdateGroup", "xray:group/{name}-*/*" },
}

local DEPLOY = {
  {
    "cloudformation:CreateStackSet cloudformation:DescribeStacks "
      .. "cloudformation:GetTemplateSummary",
    "*",
  },
  {
    "cloudformation:ContinueUpdateRollback cloudformation:CreateChangeSet "
      .. "cloudformation:DeleteChangeSet cloudformation:DeleteStack "
      .. "cloudformation:DescribeChangeSet cloudformation:DescribeEvents "
      .. "cloudformation:DescribeStackEvents cloudformation:ExecuteChangeSet "
      .. "cloudformation:ListChangeSets cloudformation:ListStackResources "
      .. "cloudformation:RollbackStack "
      .. "cloudformation:TagResource",
    STACKS,
  },
  {
    "cloudformation:CreateStackInstances cloudformation:DeleteStackInstances "
      .. "cloudformation:DescribeStackInstance "
      .. "cloudformation:DescribeStackSet cloudformation:DescribeStackSetOperation "
      .. "cloudformation:ListStackInstances cloudformation:ListStackSetOperationResults "
      .. "cloudformation:ListStackSetOperations cloudformation:UpdateStackInstances "
      .. "cloudformation:UpdateStackSet",
    STACK_SETS,
  },
  { "s3:ListBucket", BUCKETS },
  { "s3:GetObject s3:PutObject", OBJECTS },
  { "s3:GetAccessPointPolicy s3:PutAccessPointPolicy", "s3:accesspoint/*" },
}
table.move(MADE_BY_CLOUDFORMATION, 1, #MADE_BY_CLOUDFORMATION, #DEPLOY + 1, DEPLOY)

-- CloudFormation deletes with the permissions of whoever asks it to.
local DELETED_BY_CLOUDFORMATION = {
  { "cloudwatch:DeleteAlarms", "cloudwatch:alarm:{name}-*" },
  { "cloudwatch:DeleteDashboards", "arn:{partition}:cloudwatch::{account}:dashboard/{name}-*" },
  { "events:DeleteRule events:DescribeRule events:RemoveTargets", RULES },
  {
    "iam:DeleteRole iam:DeleteRolePolicy iam:DetachRolePolicy iam:GetRole "
      .. "iam:ListAttachedRolePolicies iam:ListRolePolicies",
    ROLES,
  },
  {
    "iam:DeletePolicy iam:DeletePolicyVersion iam:GetPolicy iam:ListPolicyVersions",
    POLICIES,
  },
  {
    "lambda:DeleteFunction lambda:DeleteFunctionEventInvokeConfig lambda:GetFunction "
      .. "lambda:RemovePermission",
    FUNCTIONS,
  },
  { "lambda:DeleteLayerVersion lambda:GetLayerVersion", "lambda:layer:*:*" },
  { "oam:DeleteLink", "oam:link/*" },
  { "oam:DeleteSink", "oam:sink/*" },
  { "s3:DeleteBucket", BUCKETS },
  { "scheduler:DeleteSchedule", SCHEDULES },
  { "sns:DeleteTopic sns:GetTopicAttributes sns:Unsubscribe", "sns:{name}-*" },
  { "sqs:DeleteQueue sqs:GetQueueAttributes sqs:SetQueueAttributes", "sqs:{name}-*" },
  { "ssm:DeleteParameter", "ssm:parameter/{name}-*" },
  { "states:DeleteStateMachine states:DescribeStateMachine", "states:stateMachine:*" },
  { "xray:DeleteGroup xray:GetGroup", "xray:group/{name}-*/*" },
}

local CLEANUP = {
  { "cloudformation:DescribeStacks", "*" },
  {
    "cloudformation:DeleteStackInstances cloudformation:DeleteStackSet "
      .. "cloudformation:DescribeStackInstance cloudformation:DescribeStackSet "
      .. "cloudformation:DescribeStackSetOperation cloudformation:ListStackSetOperationResults "
      .. "cloudformation:ListStackSetOperations",
    STACK_SETS,
  },
  {
    "cloudformation:DeleteStack cloudformation:DescribeStackEvents "
      .. "cloudformation:ListStackResources",
    STACKS,
  },
  { "events:DisableRule", RULES },
  { "states:ListExecutions", "states:stateMachine:*" },
  { "states:StopExecution", "states:execution:*:*" },
  { "scheduler:GetSchedule scheduler:UpdateSchedule", SCHEDULES },
  { "iam:PassRole", ROLES, to_scheduler },

  { "sagemaker:ListEndpoints", "*" },
  { "sagemaker:DescribeEndpoint sagemaker:ListTags", ENDPOINTS },
  { "sagemaker:DescribeEndpointConfig sagemaker:ListTags", CONFIGS },
  { "sagemaker:DescribeModel sagemaker:ListTags", MODELS },
  { "sagemaker:DeleteEndpoint", ENDPOINTS, tagged },
  { "sagemaker:DeleteEndpointConfig", CONFIGS, tagged },
  { "sagemaker:DeleteModel", MODELS, tagged },
  {
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:scalable-target/*",
  },

  {
    "ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroupRules ec2:DescribeSecurityGroups "
      .. "ec2:DescribeSubnets ec2:DescribeVpcs",
    "*",
  },
  { "ec2:DeleteNetworkInterface", "ec2:network-interface/*" },
  { "ec2:RevokeSecurityGroupEgress ec2:RevokeSecurityGroupIngress", "ec2:security-group/*" },
  { "ec2:DeleteSecurityGroup", "ec2:security-group/*", tagged },
  { "lambda:GetFunctionConfiguration lambda:UpdateFunctionConfiguration", FUNCTIONS },

  { "s3:GetBucketTagging s3:ListBucketMultipartUploads s3:ListBucketVersions", BUCKETS },
  { "s3:AbortMultipartUpload s3:DeleteObject s3:DeleteObjectVersion", OBJECTS },

  { "lambda:ListLayerVersions", "*" },
  { "logs:DescribeLogGroups", "*" },
  { "logs:DeleteLogGroup logs:ListTagsForResource", LOG_GROUPS },
  { "tag:GetResources", "*" },
}
table.move(DELETED_BY_CLOUDFORMATION, 1, #DELETED_BY_CLOUDFORMATION, #CLEANUP + 1, CLEANUP)

-- A deployment that fails takes back what it made.
table.move(DELETED_BY_CLOUDFORMATION, 1, #DELETED_BY_CLOUDFORMATION, #DEPLOY + 1, DEPLOY)

local DOCTOR = {
  { "cloudformation:DescribeStacks cloudformation:ListStackResources", STACKS },
  { "dynamodb:DescribeTable", "dynamodb:table/{name}-*" },
  { "events:DescribeRule", RULES },
  { "scheduler:GetSchedule", SCHEDULES },
  { "states:DescribeStateMachine", "states:stateMachine:*" },
  { "lambda:GetLayerVersion", "lambda:layer:*:*" },
  { "s3:GetObject", OBJECTS },
  { "s3:ListBucket", BUCKETS },
  { "s3:GetAccessPointPolicy", "s3:accesspoint/*" },
  { "iam:GetRole", "arn:{partition}:iam::{account}:role/{name}-storage-access-*" },
  { "sts:AssumeRole", "arn:{partition}:iam::*:role/{name}-storage-access-*" },
}

local LISTS = { deploy = DEPLOY, cleanup = CLEANUP, doctor = DOCTOR }

local function filled(text, name, place)
  local values = { name = name, partition = place.partition, account = place.account }
  return (text:gsub("(%$?){(%l+)}", function(dollar, key)
    if dollar == "" then return values[key] end
  end))
end

local function resource_of(text, name, place)
  if text == "*" then return text end
  text = filled(text, name, place)
  local service, path = text:match("^([%w-]+):(.+)$")
  if service == "arn" then return text end

  return place:arn(service, path)
end

function verbs.grants(verb, name, place)
  local grants, seen = {}, {}
  for _, each in ipairs(LISTS[verb] or {}) do
    local condition = each[3]
    for action in each[1]:gmatch("%S+") do
      local key = action .. " " .. each[2]
      if not seen[key] then
        grants[#grants + 1] = {
          action = action,
          resource = resource_of(each[2], name, place),
          condition = condition and condition(name, place),
        }
      end

      seen[key] = true
    end
  end

  return LISTS[verb] and grants
end

verbs.names = { "deploy", "cleanup", "doctor" }

return verbs
