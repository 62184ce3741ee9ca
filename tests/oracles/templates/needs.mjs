// What the roles of a resolved template need beside the calls of handlers, by what the template itself
// says: of a function, a state machine, a schedule. → lists of { action, resource, context? }
import { readFileSync } from "node:fs";

// What Lambda and the runtime do in a function's role.
export function ofFunction(name, resources, arnOf) {
  const properties = resources[name].Properties;
  const log = arnOf[properties.LoggingConfig.LogGroup];
  const stream = log.replace(/:\*$/, ":log-stream:2026/11/29/x");
  const needs = ["logs:CreateLogStream", "logs:PutLogEvents"].map((action) => ({ action, resource: stream }));

  for (const [, other] of Object.entries(resources)) {
    if (other.Type !== "AWS::Lambda::EventInvokeConfig" || other.Properties.FunctionName !== properties.physical) continue;
    needs.push({ action: "sqs:SendMessage", resource: other.Properties.DestinationConfig.OnFailure.Destination });
  }
  for (const [, other] of Object.entries(resources)) {
    if (other.Type !== "AWS::Lambda::EventSourceMapping" || other.Properties.FunctionName !== properties.physical) continue;
    for (const action of ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]) {
      needs.push({ action, resource: other.Properties.EventSourceArn });
    }
  }
  if (properties.TracingConfig?.Mode === "Active") {
    for (const action of ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]) needs.push({ action, resource: "*" });
  }
  if (properties.VpcConfig) {
    for (const action of ["CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface",
      "DescribeSubnets", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"]) {
      needs.push({ action: `ec2:${action}`, resource: "*" });
    }
  }
  for (const name of ["WEIR_POLICY_SOURCE", "WEIR_SHADOW_SOURCE"]) {
    const source = properties.Environment?.Variables?.[name];
    if (source) needs.push({ action: "s3:GetObject", resource: source.replace("s3://", "arn:aws:s3:::") });
  }
  return needs;
}

const TRACES = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules",
  "xray:GetSamplingTargets"];

function statesOf(machine) {
  return Object.values(machine.States).flatMap((state) => [
    state,
    ...[state.ItemProcessor, state.Iterator, ...(state.Branches ?? [])].filter(Boolean).flatMap(statesOf),
  ]);
}

// The definition of a state machine whose key ends in the name of a file of deploy/state-machines.
export function definitionOf(machine) {
  const key = machine.Properties.DefinitionS3Location.Key.split("/").pop();
  return readFileSync(`deploy/state-machines/${key}`, "utf8");
}

function ofState(state, files, machine, place) {
  const { Resource, Parameters = {} } = state;
  if (/:::aws-sdk:sfn:describeMapRun$/.test(Resource)) {
    const runs = `arn:aws:states:${place.region}:${place.account}:mapRun:${machine.Properties.StateMachineName}`;
    return [{ action: "states:DescribeMapRun", resource: `${runs}/label:x` }];
  }
  if (/:::lambda:invoke/.test(Resource)) {
    return [{ action: "lambda:InvokeFunction", resource: Parameters.FunctionName }];
  }
  if (/:::aws-sdk:s3:listObjectsV2$/.test(Resource)) return [{ action: "s3:ListBucket", resource: files }];
  if (/:::aws-sdk:cloudwatch:putMetricData$/.test(Resource)) {
    const context = { "cloudwatch:namespace": Parameters.Namespace };
    return [{ action: "cloudwatch:PutMetricData", resource: "*", context }];
  }
  throw new Error(`what ${Resource} needs is not known here`);
}

// A Distributed Map runs its children as executions of its own machine, also once more when it is redriven,
// lists what it maps and writes their results. Buckets of its input are those of the parameters.
function ofDistributedMap(machine, { OutputBucket, LogBucket = OutputBucket, ResultsBucket = OutputBucket }, place) {
  const here = `arn:aws:states:${place.region}:${place.account}`;
  const name = machine.Properties.StateMachineName;
  return [
    { action: "states:StartExecution", resource: `${here}:stateMachine:${name}` },
    ...["DescribeExecution", "StopExecution"]
      .map((action) => ({ action: `states:${action}`, resource: `${here}:execution:${name}:x` })),
    { action: "states:RedriveExecution", resource: `${here}:execution:${name}/label:x` },
    { action: "s3:ListBucket", resource: `arn:aws:s3:::${LogBucket}` },
    ...["GetObject", "PutObject", "ListMultipartUploadParts", "AbortMultipartUpload"]
      .map((action) => ({ action: `s3:${action}`, resource: `arn:aws:s3:::${ResultsBucket}/x` })),
  ];
}

const isDistributed = (state) => state.Type === "Map" && state.ItemProcessor.ProcessorConfig?.Mode === "DISTRIBUTED";

// files: the ARN of the bucket or access point that it lists
export function ofStateMachine(machine, files, parameters, place) {
  let text = definitionOf(machine);
  for (const [name, value] of Object.entries(machine.Properties.DefinitionSubstitutions)) {
    text = text.replaceAll(`\${${name}}`, value);
  }
  const states = statesOf(JSON.parse(text));
  const needs = states.filter((state) => state.Type === "Task")
    .flatMap((state) => ofState(state, files, machine, place))
    .concat(states.filter(isDistributed).flatMap(() => ofDistributedMap(machine, parameters, place)))
    .filter((need) => !/-is-false$/.test(need.resource)); // a branch that is not deployed
  if (machine.Properties.TracingConfiguration?.Enabled) {
    needs.push(...TRACES.map((action) => ({ action, resource: "*" })));
  }
  return needs;
}

// What SageMaker does in the role of a model: the image, the artifact, logs and metrics.
export function ofModel(model, place) {
  const { Image, ModelDataUrl } = model.Properties.PrimaryContainer;
  const [host, path] = [Image.slice(0, Image.indexOf("/")), Image.slice(Image.indexOf("/") + 1)];
  const repository = `arn:aws:ecr:${place.region}:${host.split(".")[0]}:repository/${path.split(/[:@]/)[0]}`;
  const log = `arn:aws:logs:${place.region}:${place.account}:log-group:/aws/sagemaker/Endpoints/segmentation`;
  const needs = [
    { action: "s3:GetObject", resource: ModelDataUrl.replace("s3://", "arn:aws:s3:::") },
    { action: "ecr:GetAuthorizationToken", resource: "*" },
    ...["BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability"]
      .map((action) => ({ action: `ecr:${action}`, resource: repository })),
    ...["CreateLogGroup", "DescribeLogStreams"].map((action) => ({ action: `logs:${action}`, resource: log })),
    ...["CreateLogStream", "PutLogEvents"]
      .map((action) => ({ action: `logs:${action}`, resource: `${log}:log-stream:x` })),
    {
      action: "cloudwatch:PutMetricData",
      resource: "*",
      context: { "cloudwatch:namespace": "/aws/sagemaker/Endpoints" },
    },
  ];
  if (model.Properties.VpcConfig) {
    for (const action of ["CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface",
      "DeleteNetworkInterfacePermission", "DescribeNetworkInterfaces", "DescribeVpcs", "DescribeDhcpOptions",
      "DescribeSubnets", "DescribeSecurityGroups"]) {
      needs.push({ action: `ec2:${action}`, resource: "*" });
    }
  }
  return needs;
}

export function ofSchedule(schedule) {
  const { Arn, DeadLetterConfig } = schedule.Properties.Target;
  const action = Arn.includes(":states:") ? "states:StartExecution" : "lambda:InvokeFunction";
  return [{ action, resource: Arn }, { action: "sqs:SendMessage", resource: DeadLetterConfig.Arn }];
}

// A rule's target in a role of its own: a state machine.
export function ofRuleTarget(target) {
  return [{ action: "states:StartExecution", resource: target.Arn }];
}
