// What CloudFormation needs to make, change and delete a resource, which it does with the permissions of
// whoever asks it to:
//
//   needsOfResource({ id, Type, Properties }, "create" | "update" | "delete", { account, region, stack })
//       → [{ action, resource, context }, …]; raises for a type that is not told here
//
// From the handlers' permissions in CloudFormation's registry of types, without what properties that no template of
// weir has would need (keys of one's own, code signing, streams, …). Of AWS::Events::Rule and
// AWS::SNS::Subscription the registry tells none: theirs are what their services ask for.
const words = (text) => text.split(" ").filter(Boolean);
const of = (service, actions, resource, context = {}) =>
  words(actions).map((action) => ({ action: `${service}:${action}`, resource, context }));
const when = (condition, needs) => (condition ? needs : []);

const role = (arn, service) => of("iam", "PassRole", arn, { "iam:PassedToService": `${service}.amazonaws.com` });
const s3Object = (bucket, key) => of("s3", "GetObject", `arn:aws:s3:::${bucket}/${key}`);

// A name that CloudFormation gives, or the property that names.
const named = (place, id, name) => name ?? `${place.stack}-${id}-1A2B3C`;

// Roles and policies --------------------------------------------------------------------------------

function iamRole({ id, Properties: p }, act, place) {
  const arn = `arn:aws:iam::${place.account}:role/${named(place, id, p.RoleName)}`;
  const boundary = p.PermissionsBoundary ? { "iam:PermissionsBoundary": p.PermissionsBoundary } : {};
  const read = of("iam", "GetRole ListAttachedRolePolicies ListRolePolicies", arn);
  const attached = (action) => (p.ManagedPolicyArns ?? []).flatMap((policy) =>
    of("iam", action, arn, { ...boundary, "iam:PolicyARN": policy }));
  if (act === "delete") {
    return [...of("iam", "DeleteRole", arn), ...when(p.Policies, of("iam", "DeleteRolePolicy", arn, boundary)),
      ...attached("DetachRolePolicy"), ...read];
  }
  const first = act === "create" ? of("iam", "CreateRole", arn, boundary)
    : [...of("iam", "UpdateRole UpdateAssumeRolePolicy", arn), ...of("iam", "PutRolePermissionsBoundary DeleteRolePolicy", arn, boundary)];
  return [...first, ...when(p.Tags, of("iam", "TagRole", arn)), ...when(p.Policies, of("iam", "PutRolePolicy", arn, boundary)),
    ...attached("AttachRolePolicy"), ...read, ...of("iam", "GetRolePolicy", arn)];
}

function iamPolicy({ id, Properties: p }, act, place) {
  const arn = `arn:aws:iam::${place.account}:policy/${named(place, id, p.ManagedPolicyName)}`;
  if (act === "create") return of("iam", "CreatePolicy", arn);
  const versions = of("iam", "GetPolicy ListPolicyVersions DeletePolicyVersion", arn);
  if (act === "update") return [...versions, ...of("iam", "CreatePolicyVersion", arn)];
  return [...versions, ...of("iam", "DeletePolicy ListEntitiesForPolicy", arn)];
}

// Lambda --------------------------------------------------------------------------------------------

function lambdaFunction({ id, Properties: p }, act, place) {
  const arn = `arn:aws:lambda:${place.region}:${place.account}:function:${named(place, id, p.FunctionName)}`;
  if (act === "delete") return [...of("lambda", "DeleteFunction GetFunction", arn), ...of("ec2", "DescribeNetworkInterfaces", "*")];
  const first = act === "create" ? "CreateFunction" : "UpdateFunctionCode UpdateFunctionConfiguration ListTags";
  return [...of("lambda", `${first} GetFunction GetFunctionCodeSigningConfig GetRuntimeManagementConfig TagResource`, arn),
    ...role(p.Role, "lambda"), ...s3Object(p.Code.S3Bucket, p.Code.S3Key),
    ...(p.Layers ?? []).flatMap((layer) => of("lambda", "GetLayerVersion", layer)),
    ...when(p.VpcConfig, of("ec2", "DescribeSecurityGroups DescribeSubnets DescribeVpcs", "*"))];
}

function layerVersion({ id, Properties: p }, act, place) {
  const arn = `arn:aws:lambda:${place.region}:${place.account}:layer:${named(place, id)}`;
  if (act === "delete") return of("lambda", "GetLayerVersion DeleteLayerVersion", `${arn}:1`);
  return [...of("lambda", "PublishLayerVersion", arn), ...s3Object(p.Content.S3Bucket, p.Content.S3Key)];
}

const onFunction = (actions) => ({ Properties: p }, act, place) => {
  const name = p.FunctionName.split(":").at(-1);
  return of("lambda", actions[act], `arn:aws:lambda:${place.region}:${place.account}:function:${name}`);
};

// SageMaker -----------------------------------------------------------------------------------------

const sagemaker = (kind, place, name) => `arn:aws:sagemaker:${place.region}:${place.account}:${kind}/${name}`.toLowerCase();

// What a condition on the tag of the resource sees.
const tagOf = ({ Tags = [] }) => Object.fromEntries(Tags.map(({ Key, Value }) => [`aws:ResourceTag/${Key}`, Value]));

// A configuration is replaced, never updated.
const hosted = (what, kind) => ({ id, Properties: p }, act, place) => {
  const arn = sagemaker(kind, place, named(place, id, p[`${what}Name`]));
  if (act === "delete") return [...of("sagemaker", `Delete${what}`, arn, tagOf(p)), ...of("sagemaker", `Describe${what}`, arn)];
  return [...of("sagemaker", `Create${what} Describe${what}`, arn), ...when(p.Tags, of("sagemaker", "AddTags", arn)),
    ...when(p.ExecutionRoleArn, role(p.ExecutionRoleArn, "sagemaker"))];
};

function sagemakerEndpoint({ id, Properties: p }, act, place) {
  const arn = sagemaker("endpoint", place, named(place, id, p.EndpointName));
  if (act === "delete") return [...of("sagemaker", "DeleteEndpoint", arn, tagOf(p)), ...of("sagemaker", "DescribeEndpoint", arn)];
  const verb = act === "create" ? "CreateEndpoint" : "UpdateEndpoint";
  const config = sagemaker("endpoint-config", place, p.EndpointConfigName);
  return [...of("sagemaker", verb, arn), ...of("sagemaker", verb, config), ...of("sagemaker", "DescribeEndpoint AddTags", arn)];
}

function modelPackageGroup({ id, Properties: p }, act, place) {
  const arn = sagemaker("model-package-group", place, named(place, id, p.ModelPackageGroupName));
  const read = of("sagemaker", "DescribeModelPackageGroup GetModelPackageGroupPolicy", arn);
  if (act === "delete") return [...of("sagemaker", "DeleteModelPackageGroup", arn), ...read];
  return [...of("sagemaker", act === "create" ? "CreateModelPackageGroup AddTags ListTags" : "AddTags ListTags", arn), ...read];
}

const SCALABLE = "sagemaker.application-autoscaling.amazonaws.com";
const serviceRole = (place, service) => of("iam", "CreateServiceLinkedRole",
  `arn:aws:iam::${place.account}:role/aws-service-role/${service}/AWSServiceRoleForIt`, { "iam:AWSServiceName": service });

function scalableTarget({ Properties: p }, act, place) {
  const arn = `arn:aws:application-autoscaling:${place.region}:${place.account}:scalable-target/0ec5`;
  if (act === "delete") return of("application-autoscaling", "DeregisterScalableTarget", arn);
  return [...of("application-autoscaling", "RegisterScalableTarget", arn),
    ...when(p.ScheduledActions, of("application-autoscaling", "PutScheduledAction", arn)),
    ...of("application-autoscaling", "DescribeScalableTargets DescribeScheduledActions", "*"),
    ...when(act === "create", serviceRole(place, SCALABLE))];
}

// Target tracking makes its two alarms.
function scalingPolicy(_, act, place) {
  const arn = `arn:aws:application-autoscaling:${place.region}:${place.account}:scalable-target/0ec5`;
  const alarms = `arn:aws:cloudwatch:${place.region}:${place.account}:alarm:TargetTracking-endpoint/e/variant/a-AlarmHigh`;
  const read = of("application-autoscaling", "DescribeScalingPolicies", "*");
  if (act === "delete") {
    return [...read, ...of("application-autoscaling", "DeleteScalingPolicy", arn), ...of("cloudwatch", "DeleteAlarms", alarms)];
  }
  return [...read, ...of("application-autoscaling", "PutScalingPolicy", arn), ...of("cloudwatch", "PutMetricAlarm DescribeAlarms", alarms),
    ...of("cloudwatch", "GetMetricData", "*")];
}

// Data ----------------------------------------------------------------------------------------------

function table({ id, Properties: p }, act, place) {
  const arn = `arn:aws:dynamodb:${place.region}:${place.account}:table/${named(place, id, p.TableName)}`;
  if (act === "delete") return of("dynamodb", "DeleteTable DescribeTable", arn);
  return [...of("dynamodb", act === "create" ? "CreateTable" : "UpdateTable", arn),
    ...of("dynamodb", "DescribeTable DescribeContributorInsights DescribeKinesisStreamingDestination TagResource", arn),
    ...when(p.TimeToLiveSpecification, of("dynamodb", "UpdateTimeToLive DescribeTimeToLive", arn)),
    ...when(p.PointInTimeRecoverySpecification, of("dynamodb", "UpdateContinuousBackups DescribeContinuousBackups", arn))];
}

// In the region of each replica.
function globalTable({ id, Properties: p }, act, place) {
  const arns = p.Replicas.map(({ Region }) => `arn:aws:dynamodb:${Region}:${place.account}:table/${named(place, id, p.TableName)}`);
  const actions = act === "delete" ? "DeleteTable DescribeTable"
    : "CreateTable CreateTableReplica UpdateTable DescribeTable DescribeTimeToLive UpdateTimeToLive UpdateContinuousBackups"
      + " DescribeContinuousBackups Query Scan UpdateItem PutItem GetItem DeleteItem BatchWriteItem TagResource";
  return [...arns.flatMap((arn) => of("dynamodb", actions, arn)),
    ...when(act === "create", serviceRole(place, "replication.dynamodb.amazonaws.com"))];
}

function bucket({ id, Properties: p }, act, place) {
  const name = p.BucketName ?? `${p.BucketNamePrefix ?? named(place, id)}-${place.account}-${place.region}-an`;
  const arn = `arn:aws:s3:::${name}`;
  if (act === "delete") return of("s3", "DeleteBucket ListBucket", arn);
  return [...when(act === "create", of("s3", "CreateBucket", arn)), ...of("s3", "ListBucket", arn),
    ...when(p.Tags, of("s3", "PutBucketTagging", arn)),
    ...when(p.BucketEncryption, of("s3", "PutEncryptionConfiguration", arn)),
    ...when(p.LifecycleConfiguration, of("s3", "PutLifecycleConfiguration", arn)),
    ...when(p.NotificationConfiguration, of("s3", "PutBucketNotification", arn)),
    ...when(p.OwnershipControls, of("s3", "PutBucketOwnershipControls", arn)),
    ...when(p.PublicAccessBlockConfiguration, of("s3", "PutBucketPublicAccessBlock", arn)),
    ...when(p.VersioningConfiguration, of("s3", "PutBucketVersioning", arn))];
}

function accessPoint({ Properties: p }, act, place) {
  const arn = `arn:aws:s3:${place.region}:${place.account}:accesspoint/${p.Name}`;
  const volume = `arn:aws:fsx:${place.region}:${place.account}:volume/fs-0123456789abcdef0/${p.OntapConfiguration.VolumeId}`;
  const read = [...of("fsx", "DescribeS3AccessPointAttachments", "*"), ...of("s3", "GetAccessPoint", "*")];
  return act === "delete"
    ? [...read, ...of("fsx", "DetachAndDeleteS3AccessPoint", volume), ...of("s3", "DeleteAccessPoint", arn)]
    : [...read, ...of("fsx", "CreateAndAttachS3AccessPoint", volume), ...of("s3", "CreateAccessPoint", arn)];
}

// Messages, rules, machines -------------------------------------------------------------------------

const queueArn = (place, name) => `arn:aws:sqs:${place.region}:${place.account}:${name}`;
const topicArn = (place, name) => `arn:aws:sns:${place.region}:${place.account}:${name}`;

function rule({ id, Properties: p }, act, place) {
  const arn = `arn:aws:events:${place.region}:${place.account}:rule/${named(place, id, p.Name)}`;
  if (act === "delete") return of("events", "RemoveTargets DeleteRule DescribeRule ListTargetsByRule", arn);
  return [...of("events", "PutRule PutTargets DescribeRule ListTargetsByRule", arn), ...when(p.Tags, of("events", "TagResource", arn)),
    ...(p.Targets ?? []).flatMap(({ RoleArn }) => when(RoleArn, role(RoleArn, "events")))];
}

function schedule({ id, Properties: p }, act, place) {
  const arn = `arn:aws:scheduler:${place.region}:${place.account}:schedule/default/${named(place, id, p.Name)}`;
  if (act === "delete") return of("scheduler", "DeleteSchedule GetSchedule", arn);
  return [...of("scheduler", `${act === "create" ? "Create" : "Update"}Schedule GetSchedule`, arn), ...role(p.Target.RoleArn, "scheduler")];
}

function stateMachine({ id, Properties: p }, act, place) {
  const arn = `arn:aws:states:${place.region}:${place.account}:stateMachine:${p.StateMachineName ?? `${id}-1A2B3C`}`;
  if (act === "delete") return of("states", "DeleteStateMachine DescribeStateMachine", arn);
  return [...of("states", act === "create" ? "CreateStateMachine" : "UpdateStateMachine ListTagsForResource", arn),
    ...of("states", "DescribeStateMachine TagResource", arn), ...role(p.RoleArn, "states"),
    ...s3Object(p.DefinitionS3Location.Bucket, p.DefinitionS3Location.Key)];
}

// What watches --------------------------------------------------------------------------------------

function logGroup({ id, Properties: p }, act, place) {
  const arn = `arn:aws:logs:${place.region}:${place.account}:log-group:${named(place, id, p.LogGroupName)}`;
  const read = of("logs", "DescribeLogGroups", "*");
  if (act === "delete") return [...read, ...of("logs", "DeleteLogGroup", arn)];
  return [...read, ...of("logs", `${act === "create" ? "CreateLogGroup " : ""}PutRetentionPolicy TagResource`, arn)];
}

function sink(_, act, place) {
  const arn = `arn:aws:oam:${place.region}:${place.account}:sink/11111111-2222-4333-8444-555555555555`;
  if (act === "delete") return of("oam", "DeleteSink GetSinkPolicy GetSink", arn);
  return [...when(act === "create", of("oam", "CreateSink", "*")),
    ...of("oam", "PutSinkPolicy GetSinkPolicy GetSink TagResource ListTagsForResource", arn)];
}

const LINKED = { "AWS::CloudWatch::Metric": "cloudwatch", "AWS::Logs::LogGroup": "logs", "AWS::XRay::Trace": "xray" };

function link({ Properties: p }, act, place) {
  const arn = `arn:aws:oam:${place.region}:${place.account}:link/11111111-2222-4333-8444-555555555555`;
  if (act === "delete") return of("oam", "DeleteLink GetLink", arn);
  return [...(act === "create" ? of("oam", "CreateLink", p.SinkIdentifier) : of("oam", "UpdateLink", arn)),
    ...of("oam", "GetLink TagResource", arn), ...p.ResourceTypes.flatMap((type) => of(LINKED[type], "Link", "*"))];
}

const simple = (arnOf, actions) => ({ id, Properties }, act, place) =>
  Object.entries(actions[act]).flatMap(([service, list]) => of(service, list, arnOf(place, id, Properties)));

const NEEDS = {
  "AWS::CloudFormation::WaitConditionHandle": () => [],
  "AWS::IAM::Role": iamRole,
  "AWS::IAM::ManagedPolicy": iamPolicy,
  "AWS::Lambda::Function": lambdaFunction,
  "AWS::Lambda::LayerVersion": layerVersion,
  "AWS::Lambda::Permission": onFunction({ create: "AddPermission", update: "AddPermission RemovePermission", delete: "RemovePermission" }),
  "AWS::Lambda::EventInvokeConfig": onFunction({ create: "PutFunctionEventInvokeConfig", update: "UpdateFunctionEventInvokeConfig",
    delete: "DeleteFunctionEventInvokeConfig" }),
  "AWS::SageMaker::Model": hosted("Model", "model"),
  "AWS::SageMaker::EndpointConfig": hosted("EndpointConfig", "endpoint-config"),
  "AWS::SageMaker::Endpoint": sagemakerEndpoint,
  "AWS::SageMaker::ModelPackageGroup": modelPackageGroup,
  "AWS::ApplicationAutoScaling::ScalableTarget": scalableTarget,
  "AWS::ApplicationAutoScaling::ScalingPolicy": scalingPolicy,
  "AWS::DynamoDB::Table": table,
  "AWS::DynamoDB::GlobalTable": globalTable,
  "AWS::S3::Bucket": bucket,
  "AWS::FSx::S3AccessPointAttachment": accessPoint,
  "AWS::Events::Rule": rule,
  "AWS::Scheduler::Schedule": schedule,
  "AWS::StepFunctions::StateMachine": stateMachine,
  "AWS::Logs::LogGroup": logGroup,
  "AWS::Oam::Sink": sink,
  "AWS::Oam::Link": link,
  "AWS::SQS::Queue": simple((place, id, p) => queueArn(place, named(place, id, p.QueueName)), {
    create: { sqs: "CreateQueue GetQueueUrl GetQueueAttributes ListQueueTags TagQueue" },
    update: { sqs: "SetQueueAttributes GetQueueAttributes ListQueueTags TagQueue" },
    delete: { sqs: "DeleteQueue GetQueueAttributes" },
  }),
  "AWS::SQS::QueuePolicy": simple((place, _, p) => queueArn(place, p.Queues[0].split(/[/:]/).at(-1)), {
    create: { sqs: "SetQueueAttributes" }, update: { sqs: "SetQueueAttributes" }, delete: { sqs: "SetQueueAttributes" } }),
  "AWS::SNS::Topic": simple((place, id, p) => topicArn(place, named(place, id, p.TopicName)), {
    create: { sns: "CreateTopic TagResource GetTopicAttributes" },
    update: { sns: "SetTopicAttributes TagResource GetTopicAttributes ListTagsForResource ListSubscriptionsByTopic" },
    delete: { sns: "GetTopicAttributes DeleteTopic" },
  }),
  "AWS::SNS::TopicPolicy": simple((place, _, p) => p.Topics[0], {
    create: { sns: "SetTopicAttributes" }, update: { sns: "SetTopicAttributes" }, delete: { sns: "SetTopicAttributes" } }),
  "AWS::SNS::Subscription": simple((place, _, p) => p.TopicArn, {
    create: { sns: "Subscribe" }, update: { sns: "Subscribe GetSubscriptionAttributes" }, delete: { sns: "Unsubscribe" } }),
  "AWS::CloudWatch::Alarm": simple((place, id, p) => `arn:aws:cloudwatch:${place.region}:${place.account}:alarm:${named(place, id, p.AlarmName)}`, {
    create: { cloudwatch: "PutMetricAlarm DescribeAlarms TagResource" },
    update: { cloudwatch: "PutMetricAlarm DescribeAlarms TagResource" },
    delete: { cloudwatch: "DeleteAlarms DescribeAlarms" },
  }),
  "AWS::CloudWatch::Dashboard": simple((place, id, p) => `arn:aws:cloudwatch::${place.account}:dashboard/${named(place, id, p.DashboardName)}`, {
    create: { cloudwatch: "PutDashboard GetDashboard" }, update: { cloudwatch: "PutDashboard" },
    delete: { cloudwatch: "DeleteDashboards GetDashboard" } }),
  "AWS::XRay::Group": simple((place, id, p) => `arn:aws:xray:${place.region}:${place.account}:group/${named(place, id, p.GroupName)}/ABCDEF`, {
    create: { xray: "CreateGroup TagResource" }, update: { xray: "UpdateGroup" }, delete: { xray: "DeleteGroup" } }),
  "AWS::SSM::Parameter": simple((place, id, p) => `arn:aws:ssm:${place.region}:${place.account}:parameter/${named(place, id, p.Name).replace(/^\//, "")}`, {
    create: { ssm: "PutParameter AddTagsToResource GetParameters" }, update: { ssm: "PutParameter AddTagsToResource GetParameters" },
    delete: { ssm: "DeleteParameter" } }),
};

export function needsOfResource(resource, act, place) {
  const needs = NEEDS[resource.Type];
  if (!needs) throw new Error(`aws_resource_needs.mjs does not tell what ${resource.Type} needs`);
  return needs(resource, act, place);
}
