// Which IAM actions a request needs, on which resources, in which context, for aws_roles.mjs to judge:
//
//   needsOf({ service, operation, input }, { account, region }) → [{ action, resource, context }, …]
//
// Written down from IAM's list of actions, apart from what lua/weir/permissions says.
import { groupOf } from "./aws_network.mjs";
import { tagsOfEndpoint } from "./aws_hosting.mjs";
import { stackOfJob } from "./aws_workflows.mjs";

const arn = (service, path, { account, region }) => `arn:aws:${service}:${region}:${account}:${path}`;
const one = (action, resource, context = {}) => [{ action, resource, context }];
const everywhere = (action) => () => one(action, "*");

// A stack by its name or its ARN; without one it is asked of all.
const stack = (action) => ({ StackName }, place) => one(`cloudformation:${action}`, !StackName ? "*"
  : StackName.startsWith("arn:") ? StackName : arn("cloudformation", `stack/${StackName}/1`, place));

const tagContext = (value) => (value ? { "aws:ResourceTag/weir:stack": value } : {});

const hosted = (action, kind, member) => (input, place) =>
  one(`sagemaker:${action}`, arn("sagemaker", `${kind}/${input[member]}`, place), tagContext(tagsOfEndpoint(kind, input[member])));

const job = (action) => ({ TransformJobName: name }, place) =>
  one(`sagemaker:${action}`, arn("sagemaker", `transform-job/${name}`, place), tagContext(stackOfJob(name)));

const bucket = (action) => ({ Bucket }) => one(`s3:${action}`, Bucket.startsWith("arn:") ? Bucket : `arn:aws:s3:::${Bucket}`);
const objectOf = ({ Bucket, Key }) => (Bucket.startsWith("arn:") ? `${Bucket}/object/${Key}` : `arn:aws:s3:::${Bucket}/${Key}`);
const object = (action) => (input) => one(`s3:${action}`, objectOf(input));

const lambda = (action) => ({ FunctionName }, place) => one(`lambda:${action}`, arn("lambda", `function:${FunctionName}`, place));

const interfaces = ["DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeSecurityGroupRules"];

const NEEDS = {
  "sts.GetCallerIdentity": () => [],
  "sts.AssumeRole": ({ RoleArn, ExternalId }) => one("sts:AssumeRole", RoleArn, ExternalId ? { "sts:ExternalId": ExternalId } : {}),

  ...Object.fromEntries(["DescribeStacks", "ListStackResources", "DescribeStackEvents", "DeleteStack", "CreateChangeSet",
    "DescribeChangeSet", "DeleteChangeSet", "ExecuteChangeSet", "DescribeEvents", "ContinueUpdateRollback", "RollbackStack",
    "GetTemplateSummary", "ListChangeSets"].map((name) => [`cloudformation.${name}`, stack(name)])),

  "eventbridge.DisableRule": ({ Name }, place) => one("events:DisableRule", arn("events", `rule/${Name}`, place)),
  "eventbridge.DescribeRule": ({ Name }, place) => one("events:DescribeRule", arn("events", `rule/${Name}`, place)),
  "scheduler.GetSchedule": ({ Name }, place) => one("scheduler:GetSchedule", arn("scheduler", `schedule/default/${Name}`, place)),
  "scheduler.UpdateSchedule": ({ Name, Target }, place) => [
    ...one("scheduler:UpdateSchedule", arn("scheduler", `schedule/default/${Name}`, place)),
    ...one("iam:PassRole", Target.RoleArn, { "iam:PassedToService": "scheduler.amazonaws.com" })],

  "stepfunctions.ListExecutions": ({ stateMachineArn }) => one("states:ListExecutions", stateMachineArn),
  "stepfunctions.DescribeStateMachine": ({ stateMachineArn }) => one("states:DescribeStateMachine", stateMachineArn),
  "stepfunctions.RedriveExecution": ({ executionArn }) => one("states:RedriveExecution", executionArn),
  "stepfunctions.StopExecution": ({ executionArn }) => one("states:StopExecution", executionArn),

  "sagemaker.ListEndpoints": everywhere("sagemaker:ListEndpoints"),
  "sagemaker.ListTransformJobs": everywhere("sagemaker:ListTransformJobs"),
  "sagemaker.DescribeTransformJob": job("DescribeTransformJob"),
  "sagemaker.StopTransformJob": job("StopTransformJob"),
  "sagemaker.ListTags": ({ ResourceArn }) => one("sagemaker:ListTags", ResourceArn),
  "sagemaker.DescribeEndpoint": hosted("DescribeEndpoint", "endpoint", "EndpointName"),
  "sagemaker.DeleteEndpoint": hosted("DeleteEndpoint", "endpoint", "EndpointName"),
  "sagemaker.DescribeEndpointConfig": hosted("DescribeEndpointConfig", "endpoint-config", "EndpointConfigName"),
  "sagemaker.DeleteEndpointConfig": hosted("DeleteEndpointConfig", "endpoint-config", "EndpointConfigName"),
  "sagemaker.DescribeModel": hosted("DescribeModel", "model", "ModelName"),
  "sagemaker.DeleteModel": hosted("DeleteModel", "model", "ModelName"),
  "autoscaling.DeregisterScalableTarget": (_, place) => one("application-autoscaling:DeregisterScalableTarget",
    arn("application-autoscaling", "scalable-target/0ec5", place)),

  ...Object.fromEntries(interfaces.map((name) => [`ec2.${name}`, everywhere(`ec2:${name}`)])),
  "ec2.DeleteNetworkInterface": ({ NetworkInterfaceId }, place) =>
    one("ec2:DeleteNetworkInterface", arn("ec2", `network-interface/${NetworkInterfaceId}`, place)),
  ...Object.fromEntries(["Ingress", "Egress"].map((way) => [`ec2.RevokeSecurityGroup${way}`, ({ GroupId }, place) =>
    one(`ec2:RevokeSecurityGroup${way}`, arn("ec2", `security-group/${GroupId}`, place), tagContext(groupOf(GroupId)?.tags?.["weir:stack"]))])),

  "lambda.GetFunctionConfiguration": lambda("GetFunctionConfiguration"),
  "lambda.UpdateFunctionConfiguration": lambda("UpdateFunctionConfiguration"),
  "iam.GetRole": ({ RoleName }, { account }) => one("iam:GetRole", `arn:aws:iam::${account}:role/${RoleName}`),
  "lambda.ListLayerVersions": everywhere("lambda:ListLayerVersions"),
  "lambda.GetLayerVersionByArn": ({ Arn }) => one("lambda:GetLayerVersion", Arn),
  "lambda.GetFunction": lambda("GetFunction"),
  "logs.DescribeLogGroups": everywhere("logs:DescribeLogGroups"),
  "logs.ListTagsForResource": ({ resourceArn }) => one("logs:ListTagsForResource", resourceArn),
  "logs.DeleteLogGroup": ({ logGroupName }, place) => one("logs:DeleteLogGroup", arn("logs", `log-group:${logGroupName}`, place)),
  "tagging.GetResources": everywhere("tag:GetResources"),

  "dynamodb.DescribeTable": ({ TableName }, place) => one("dynamodb:DescribeTable", arn("dynamodb", `table/${TableName}`, place)),
  "ssm.PutParameter": ({ Name }, place) => one("ssm:PutParameter", arn("ssm", `parameter/${Name.replace(/^\//, "")}`, place)),
  "ssm.GetParameter": ({ Name }, place) => one("ssm:GetParameter", arn("ssm", `parameter/${Name.replace(/^\//, "")}`, place)),

  ...Object.fromEntries(["GetAccessPointPolicy", "PutAccessPointPolicy"].map((name) => [`s3control.${name}`,
    ({ AccountId, Name }, place) => one(`s3:${name}`, arn("s3", `accesspoint/${Name}`, { ...place, account: AccountId }))])),
  "s3.GetBucketTagging": bucket("GetBucketTagging"),
  "s3.ListObjectVersions": bucket("ListBucketVersions"),
  "s3.ListMultipartUploads": bucket("ListBucketMultipartUploads"),
  "s3.ListObjectsV2": bucket("ListBucket"),
  "s3.ListObjects": bucket("ListBucket"),
  "s3.HeadBucket": bucket("ListBucket"),
  "s3.GetBucketNotification": bucket("GetBucketNotification"),
  "s3.GetObject": object("GetObject"),
  "s3.HeadObject": object("GetObject"),
  "s3.PutObject": object("PutObject"),
  "s3.AbortMultipartUpload": object("AbortMultipartUpload"),
  "s3.DeleteObjects": ({ Bucket }) => ["DeleteObject", "DeleteObjectVersion"].flatMap((action) => one(`s3:${action}`, `arn:aws:s3:::${Bucket}/key`)),
};

export function needsOf({ service, operation, input }, place) {
  const needs = NEEDS[`${service}.${operation}`];
  if (!needs) throw new Error(`aws_needs.mjs does not tell what ${service}.${operation} needs`);
  return needs(input, place);
}
