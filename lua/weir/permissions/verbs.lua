-- What verbs of the program need that act on an estate: verb → list of grants, as
--
--   verbs.grants(verb, name, place) → list of { action =, resource =, condition =? } | nil
--
-- name: the estate's, with which the names of its stacks, roles and functions begin. place: as
-- weir.permissions makes it. tests/deploy/verb_permissions_spec.lua compares this with IAM's list
-- of actions; the integration tests of the verbs run them with these permissions and no others.
local made = require "weir.permissions.made"

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
local JOBS = "sagemaker:transform-job/*"
local BUCKETS = "arn:{partition}:s3:::{name}-*"
local OBJECTS = "arn:{partition}:s3:::{name}-*/*"
local ROLES = "arn:{partition}:iam::{account}:role/{name}-*"

local function tagged(name)
  return { StringLike = { ["aws:ResourceTag/weir:stack"] = name .. "-*" } }
end

local function to_scheduler()
  return { StringEquals = { ["iam:PassedToService"] = "scheduler.amazonaws.com" } }
end

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
table.move(made.MADE, 1, #made.MADE, #DEPLOY + 1, DEPLOY)

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

  { "sagemaker:ListEndpoints sagemaker:ListTransformJobs", "*" },
  { "sagemaker:DescribeEndpoint sagemaker:ListTags", ENDPOINTS },
  { "sagemaker:DescribeEndpointConfig sagemaker:ListTags", CONFIGS },
  { "sagemaker:DescribeModel sagemaker:ListTags", MODELS },
  { "sagemaker:DescribeTransformJob sagemaker:ListTags", JOBS },
  { "sagemaker:StopTransformJob", JOBS, tagged },
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
table.move(made.DELETED, 1, #made.DELETED, #CLEANUP + 1, CLEANUP)

-- A deployment that fails takes back what it made, what else would stay, too.
table.move(made.DELETED, 1, #made.DELETED, #DEPLOY + 1, DEPLOY)
table.move(made.TAKEN_BACK, 1, #made.TAKEN_BACK, #DEPLOY + 1, DEPLOY)

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
