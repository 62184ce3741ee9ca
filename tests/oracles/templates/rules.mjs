// What weir asks of its templates beyond what CloudFormation does. → findings
import { intrinsic, references, walk } from "./template.mjs";
import { specification, typeOf } from "./resolve.mjs";

// Functions that CloudFormation carries out inside of Rules and Conditions.
const IN_RULES = ["Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::Not",
  "Fn::Or", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll", "Ref"];
const IN_CONDITIONS = ["Fn::And", "Fn::Equals", "Fn::FindInMap", "Fn::If", "Fn::Join", "Fn::Not", "Fn::Or",
  "Fn::Select", "Fn::Split", "Fn::Sub", "Ref"];
const KEPT = ["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::Logs::LogGroup"];

// Names that CloudFormation cannot replace under, or that need one.
const NAMED = {
  "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
  "AWS::SageMaker::Model": "ModelName",
};

function parameters(template, find) {
  const groups = template.Metadata?.["AWS::CloudFormation::Interface"]?.ParameterGroups ?? [];
  const grouped = groups.flatMap((group) => group.Parameters);
  for (const [name, parameter] of Object.entries(template.Parameters ?? {})) {
    const where = `Parameters.${name}`;
    if (!parameter.Description) find(where, "has no description");
    if (grouped.filter((each) => each === name).length !== 1) find(where, "is not in exactly one group");
    if (name.startsWith("Enable")) {
      if (parameter.Default !== "false") find(where, "must be \"false\" by default");
      if (String(parameter.AllowedValues) !== "true,false") find(where, "must be \"true\" or \"false\"");
    } else if (parameter.Type !== "Number" && !parameter.AllowedPattern && !parameter.AllowedValues
      && !/Key$|^Description/.test(name)) {
      find(where, "has neither a pattern nor a list of values");
    }
    if (/ExternalId|Secret|Password/.test(name) && !/Mark$/.test(name) && parameter.NoEcho !== true) find(where, "must be NoEcho");
    if (parameter.NoEcho && parameter.Default) find(where, "a secret has no default");
  }
  for (const name of grouped) {
    if (!(name in (template.Parameters ?? {}))) find("Metadata", `groups ${name}, which is not a parameter`);
  }
}

function functionsUsed(part, where, allowed, find) {
  walk(part, where, (node, path) => {
    const called = intrinsic(node);
    if (called && !allowed.includes(called.name)) find(path, `${called.name} is not carried out here`);
  });
}

// What CloudFormation refuses of functions, whatever the condition around them.
function functionsSound(template, find) {
  walk(template.Resources ?? {}, "Resources", (node, path) => {
    const called = intrinsic(node);
    if (!called) return;
    const { name, argument } = called;
    if ((name === "Fn::Join" || name === "Fn::Split") && typeof argument[0] !== "string") {
      find(path, `${name} takes a text to go between, not a function`);
    }
    const split = name === "Fn::Select" && intrinsic(argument[1]);
    if (split?.name === "Fn::Split" && Number(argument[0]) > 0) {
      const text = intrinsic(split.argument[1])?.argument;
      const isSafe = typeof text === "string" && text.endsWith(split.argument[0]);
      if (!isSafe) find(path, "selects what an empty text does not have; append the text that it is split at");
    }
  });
}

// Every name that a value is made of.
function madeOf(value) {
  const names = new Set();
  walk(value, "", (node) => {
    const called = intrinsic(node);
    if (called?.name === "Ref") names.add(called.argument);
    if (called?.name === "Fn::Sub") {
      for (const name of references([called.argument].flat()[0])) names.add(name);
    }
  });
  return names;
}

function secrets(template, find) {
  const hidden = Object.entries(template.Parameters ?? {}).filter(([, one]) => one.NoEcho).map(([name]) => name);
  for (const [name, output] of Object.entries(template.Outputs ?? {})) {
    for (const secret of hidden) {
      if (madeOf(output).has(secret)) find(`Outputs.${name}`, `shows ${secret}`);
    }
    if (output.Export) find(`Outputs.${name}`, "is exported, which freezes it");
  }
  // NoEcho hides a parameter, not what is made of it: descriptions, names and tags are shown.
  for (const [name, resource] of Object.entries(template.Resources ?? {})) {
    for (const part of ["Metadata", "Description"]) {
      for (const secret of hidden) {
        if (madeOf(resource[part] ?? resource.Properties?.[part] ?? {}).has(secret)) find(name, `shows ${secret}`);
      }
    }
  }
}

function tagged(name, resource, find) {
  const information = typeOf(resource.Type)?.tagInformation;
  if (!information) return;
  const tags = resource.Properties?.[information.tagPropertyName];
  const found = Array.isArray(tags) ? tags.find((tag) => tag.Key === "weir:stack")?.Value : tags?.["weir:stack"];
  if (JSON.stringify(found) !== '{"Ref":"AWS::StackName"}') find(name, "lacks the tag weir:stack, the stack's name");
}

function replicasTagged(name, resource, find) {
  for (const replica of resource.Properties.Replicas) {
    if (!replica.Tags?.some((tag) => tag.Key === "weir:stack")) find(name, "has a replica without weir:stack");
    if (!replica.PointInTimeRecoverySpecification) find(name, "has a replica without point-in-time recovery");
  }
}

function tables(name, resource, find) {
  const { Properties: table, Type } = resource;
  if (table.BillingMode !== "PAY_PER_REQUEST") find(name, "is not on demand, so it costs when idle");
  if (table.TimeToLiveSpecification?.Enabled !== true) find(name, "has no time to live");
  if (table.SSESpecification?.SSEEnabled !== true) find(name, "is not encrypted with a key of KMS");
  if (Type === "AWS::DynamoDB::GlobalTable") return replicasTagged(name, resource, find);
  if (!table.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled) find(name, "has no recovery");
  return undefined;
}

function buckets(name, resource, find) {
  const bucket = resource.Properties;
  const closed = bucket.PublicAccessBlockConfiguration ?? {};
  for (const part of ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]) {
    if (closed[part] !== true) find(name, `${part} must be true`);
  }
  if (bucket.VersioningConfiguration?.Status !== "Enabled") find(name, "has no versions");
  const rules = bucket.LifecycleConfiguration?.Rules ?? [];
  if (!rules.some((rule) => rule.NoncurrentVersionExpiration)) find(name, "keeps old versions for ever");
  if (!rules.some((rule) => rule.AbortIncompleteMultipartUpload)) find(name, "keeps broken uploads for ever");
}

function roles(name, resource, find) {
  const role = resource.Properties;
  if (!("PermissionsBoundary" in role)) find(name, "has no permissions boundary");
  const managed = JSON.stringify(role.ManagedPolicyArns ?? []);
  if (/arn:[^"]*:iam::aws:policy/.test(managed)) find(name, "has a policy of AWS's; say what it needs");
  const inline = JSON.stringify((role.Policies ?? []).map((policy) => policy.PolicyDocument)).replace(/\s/g, "");
  if (inline.length > 10240) find(name, "has more than 10,240 characters of policies");
  if (JSON.stringify(role.AssumeRolePolicyDocument).length > 2048) find(name, "has a trust policy of more than 2,048");
  for (const statement of role.AssumeRolePolicyDocument.Statement ?? []) {
    if (JSON.stringify(statement.Principal ?? "").includes('"*"')) find(name, "trusts everybody");
  }
}

function policies(name, resource, find) {
  walk(resource.Properties ?? {}, name, (node, path) => {
    if (node.Effect !== "Allow" || !node.Action) return;
    if ("NotAction" in node || "NotResource" in node || "NotPrincipal" in node) find(path, "says what it is not");
    for (const action of [node.Action].flat()) {
      if (typeof action === "string" && action.includes("*")) find(path, `allows ${action}; name each action`);
    }
    if (/arn:(aws|\$\{AWS::Partition\}):[^:"]*\*/.test(JSON.stringify(node.Resource ?? ""))) {
      find(path, "has a wildcard in the service of an ARN, which IAM refuses");
    }
    if (resource.Type.startsWith("AWS::IAM::") && !node.Resource && !node.Principal) find(path, "names no resource");
  });
}

function targets(name, resource, find) {
  for (const target of resource.Properties.Targets ?? []) {
    if (!target.DeadLetterConfig) find(name, `target ${target.Id} has no dead-letter queue`);
    if (!target.RetryPolicy) find(name, `target ${target.Id} has no retry policy`);
  }
}

function schedules(name, resource, find) {
  const target = resource.Properties.Target;
  if (!target.DeadLetterConfig) find(name, "has no dead-letter queue");
  if (!target.RetryPolicy) find(name, "has no retry policy");
}

function functions(name, resource, find) {
  const one = resource.Properties;
  if (!one.LoggingConfig?.LogGroup) find(name, "logs where nothing ends the retention");
  if (one.Runtime !== "provided.al2023") find(name, "needs the runtime provided.al2023");
  if (!one.Timeout || !one.MemorySize) find(name, "needs Timeout and MemorySize");
  if (one.FunctionName) find(name, "has a fixed name");
}

function logs(name, resource, find) {
  if (!resource.Properties?.RetentionInDays) find(name, "keeps logs for ever");
}

function permissions(name, resource, find) {
  if (!resource.Properties.SourceArn) find(name, "lets any resource of the service in; name SourceArn");
}

function machines(name, resource, find) {
  if (resource.Properties.LoggingConfiguration?.IncludeExecutionData) find(name, "would log task tokens");
}

function targetsOfScaling(template, find) {
  const seen = {};
  for (const [name, resource] of Object.entries(template.Resources ?? {})) {
    if (resource.Type !== "AWS::ApplicationAutoScaling::ScalableTarget") continue;
    const key = JSON.stringify([resource.Properties.ResourceId, resource.Properties.ScalableDimension]);
    if (seen[key]) find(name, `is the same target as ${seen[key]}; put its ScheduledActions there`);
    seen[key] = name;
    if (!JSON.stringify(resource.Properties.ResourceId).includes("Endpoint.EndpointName")) {
      find(name, "does not order itself after its endpoint");
    }
  }
}

// An alarm on a metric that nobody publishes never fires. Metrics of namespace weir are ours.
function alarms(name, resource, find) {
  const alarm = resource.Properties;
  if (!alarm.Namespace || alarm.Namespace === "weir") return;
  const known = [...specification().all("metric")].some(
    (metric) => metric.namespace === alarm.Namespace && metric.name === alarm.MetricName,
  );
  if (!known) find(name, `CloudWatch has no metric ${alarm.MetricName} in ${alarm.Namespace}`);
  const names = (alarm.Dimensions ?? []).map((dimension) => dimension.Name).sort().join(",");
  const fits = [...specification().all("dimensionSet")].some(
    (set) => set.dimensions.map((dimension) => dimension.name).sort().join(",") === names,
  );
  if (!fits) find(name, `no metric has the dimensions ${names}`);
}

function endpoints(name, resource, find) {
  if (resource.Properties.RetainAllVariantProperties !== true) {
    find(name, "RetainAllVariantProperties must be true, or each update resets the weights");
  }
}

// An entry's overrides go to all of its accounts; a canary first, and nothing by itself.
function stackSets(name, resource, find) {
  const set = resource.Properties;
  if (set.OperationPreferences?.FailureToleranceCount !== 0) find(name, "goes on after a failure");
  if (set.OperationPreferences?.MaxConcurrentCount !== 1) find(name, "changes several accounts at once");
  if (set.ManagedExecution?.Active !== true) find(name, "fails while an operation runs; ManagedExecution queues it");
  if (JSON.stringify(set.AutoDeployment ?? {}).includes('"Enabled":true')) find(name, "deploys without its overrides");
  walk(set.StackInstancesGroup ?? [], name, (node, path) => {
    if (node.DeploymentTargets && node.DeploymentTargets.Accounts?.length !== 1) {
      find(path, "an entry is for one account");
    }
  });
}

const BY_TYPE = {
  "AWS::DynamoDB::Table": [tables],
  "AWS::DynamoDB::GlobalTable": [tables],
  "AWS::S3::Bucket": [buckets],
  "AWS::IAM::Role": [roles],
  "AWS::Events::Rule": [targets],
  "AWS::Scheduler::Schedule": [schedules],
  "AWS::Lambda::Function": [functions],
  "AWS::Logs::LogGroup": [logs],
  "AWS::Lambda::Permission": [permissions],
  "AWS::StepFunctions::StateMachine": [machines],
  "AWS::CloudWatch::Alarm": [alarms],
  "AWS::SageMaker::Endpoint": [endpoints],
  "AWS::CloudFormation::StackSet": [stackSets],
};

export function ruled(template) {
  const findings = [];
  const find = (where, message) => findings.push(`${where}: ${message}`);
  parameters(template, find);
  secrets(template, find);
  functionsSound(template, find);
  functionsUsed(template.Rules ?? {}, "Rules", IN_RULES, find);
  functionsUsed(template.Conditions ?? {}, "Conditions", IN_CONDITIONS, find);
  for (const [name, resource] of Object.entries(template.Resources ?? {})) {
    const { Type } = resource;
    if (Type !== "AWS::CloudFormation::WaitConditionHandle" && !resource.Condition) {
      find(name, "exists whatever is switched off");
    }
    if (KEPT.includes(Type) && resource.DeletionPolicy !== "RetainExceptOnCreate") find(name, "is deleted with the stack");
    if (KEPT.includes(Type) && resource.UpdateReplacePolicy !== "Retain") find(name, "is lost when it is replaced");
    if (NAMED[Type] && NAMED[Type] in (resource.Properties ?? {})) {
      find(name, `has a ${NAMED[Type]}; every change replaces it, and a name cannot be replaced`);
    }
    tagged(name, resource, find);
    policies(name, resource, find);
    for (const rule of BY_TYPE[Type] ?? []) rule(name, resource, find);
  }
  targetsOfScaling(template, find);
  return findings;
}
