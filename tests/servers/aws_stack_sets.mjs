// Stack sets: each instance is a stack of its own in its account (aws_stacks.mjs). An operation takes
// some looks, one account and region after the other, and ends at the first that fails.
//
//   POST /__test/stack_sets  { fails: { "account region": reason }, looks }  from now on
//   GET  /__test/stack_sets → [{ name, parameters, instances: [{ account, region, status, overrides }] }]
//
// Texts are CloudFormation's own.
import { changes, parseOnce, resolved } from "./aws_stack_changes.mjs";
import { ServiceError } from "./aws_workflows.mjs";

let sets, script, made;
export function resetStackSets() {
  [sets, script, made] = [new Map(), { fails: {}, looks: 1 }, 0];
}
resetStackSets();

const key = (name, { account, region }) => `${account} ${region} ${name}`;

function find({ StackSetName }, place) {
  const set = sets.get(key(StackSetName, place));
  if (!set) throw new ServiceError("StackSetNotFoundException", `StackSet ${StackSetName} not found`, 404);
  return set;
}

const values = (list) => Object.fromEntries((list || []).map((p) => [p.ParameterKey, p.ParameterValue]));
const pairs = (map) => Object.entries(map).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }));

// What is never echoed comes back as stars.
function echoed(set, map) {
  const declared = parseOnce(set.template).template.Parameters;
  return pairs(map).map((pair) => String(declared[pair.ParameterKey]?.NoEcho) === "true"
    ? { ...pair, ParameterValue: "****" } : pair);
}

function checkParameters(template, given) {
  const declared = parseOnce(template).template.Parameters ?? {};
  const unknown = Object.keys(given).filter((name) => !declared[name]);
  if (unknown.length)
    throw new ServiceError("ValidationError", `Parameters: [${unknown.join(", ")}] do not exist in the template`);
}

// Sets ---------------------------------------------------------------------------------------------

function define(set, input) {
  const template = input.TemplateBody ?? input.TemplateText;
  checkParameters(template, values(input.Parameters));
  Object.assign(set, { template, parameters: values(input.Parameters), permission: input.PermissionModel,
    tags: input.Tags || [] });
}

function create(input, place) {
  if (sets.has(key(input.StackSetName, place)))
    throw new ServiceError("NameAlreadyExistsException", `The name ${input.StackSetName} is already in use`, 409);
  if (input.PermissionModel === "SERVICE_MANAGED" && !input.AutoDeployment)
    throw new ServiceError("ValidationError", "AutoDeployment is required for SERVICE_MANAGED permission model");
  const set = { name: input.StackSetName, id: `${input.StackSetName}:${++made}`, instances: new Map(), operations: new Map() };
  define(set, input);
  sets.set(key(set.name, place), set);
  return { StackSetId: set.id };
}

function describe(input, place) {
  const set = find(input, place);
  return { StackSet: { StackSetName: set.name, StackSetId: set.id, Status: "ACTIVE", TemplateBody: set.template,
    Parameters: echoed(set, set.parameters), Tags: set.tags, PermissionModel: set.permission ?? "SELF_MANAGED" } };
}

// Operations ---------------------------------------------------------------------------------------

function begin(set, { OperationId, OperationPreferences = {} }, work, deletes = false) {
  if (set.operations.has(OperationId))
    throw new ServiceError("OperationIdAlreadyExistsException", `Operation ${OperationId} already exists`, 409);
  if (OperationPreferences.FailureToleranceCount !== "0" || OperationPreferences.MaxConcurrentCount !== "1")
    throw new ServiceError("ValidationError", "one account at a time, and none after a failure");
  set.operations.set(OperationId, { id: OperationId, status: "RUNNING", looks: script.looks, work, deletes, results: [] });
  return { OperationId };
}

// An instance becomes what it is to be; stacks is that of aws_stacks.mjs.
function deploy(set, instance, stacks) {
  const { account, region } = instance;
  const why = script.fails[`${account} ${region}`];
  const parameters = { ...set.parameters, ...instance.overrides };
  const { resources, outputs, problems } = resolved(set.template, parameters, { account, region, stack: instance.stack });
  const reason = why ?? problems[0];
  if (reason) {
    instance.status = "OUTDATED";
    instance.reason = reason;
    return { Account: account, Region: region, Status: "FAILED", StatusReason: reason };
  }
  const found = changes(stacks.get(instance.id)?.resources ?? {}, resources);
  if (found.length || !stacks.has(instance.id)) {
    stacks.set(instance.id, { id: instance.id, name: instance.stack, account, region, parameters, resources, outputs,
      template: set.template, status: stacks.has(instance.id) ? "UPDATE_COMPLETE" : "CREATE_COMPLETE", events: [],
      tags: [{ Key: "weir:stack", Value: set.name }] });
  }
  Object.assign(instance, { status: "CURRENT", reason: undefined });
  return { Account: account, Region: region, Status: "SUCCEEDED" };
}

// A stack that is gone already is as good as deleted.
function undeploy(set, instance, stacks) {
  const { account, region, id } = instance;
  const stack = stacks.get(id);
  const kept = stack?.status === "DELETE_COMPLETE" ? undefined : Object.entries(stack?.blocks ?? {})[0];
  if (kept) {
    stack.status = "DELETE_FAILED";
    return { Account: account, Region: region, Status: "FAILED", StatusReason: `${kept[0]}: ${kept[1]}` };
  }
  if (stack) stack.status = "DELETE_COMPLETE";
  set.instances.delete(`${account} ${region}`);
  return { Account: account, Region: region, Status: "SUCCEEDED" };
}

function finish(operation, set, stacks) {
  for (const instance of operation.work(set)) {
    operation.results.push((operation.deletes ? undeploy : deploy)(set, instance, stacks));
    if (operation.results.at(-1).Status === "FAILED") break;
  }
  operation.status = operation.results.some(({ Status }) => Status === "FAILED") ? "FAILED" : "SUCCEEDED";
}

// Each look is one step; an operation goes on while its set is looked at.
function step(set, stacks) {
  for (const operation of set.operations.values())
    if (operation.status === "RUNNING" && operation.looks-- <= 0) finish(operation, set, stacks);
}

// Instances ----------------------------------------------------------------------------------------

function targets(input) {
  const accounts = input.DeploymentTargets?.Accounts ?? input.Accounts ?? [];
  if (input.DeploymentTargets && input.DeploymentTargets.AccountFilterType !== "INTERSECTION")
    throw new ServiceError("ValidationError", "all accounts of the units would get a stack");
  return accounts.flatMap((account) => input.Regions.map((region) => ({ account, region })));
}

function change(input, place) {
  const set = find(input, place);
  const overrides = values(input.ParameterOverrides);
  checkParameters(set.template, overrides);
  const chosen = targets(input);
  return begin(set, input, () => chosen.map(({ account, region }) => {
    const at = `${account} ${region}`;
    if (!set.instances.has(at)) {
      const stack = `StackSet-${set.name}-0000-${++made}`;
      set.instances.set(at, { account, region, stack, id: `arn:aws:cloudformation:${region}:${account}:stack/${stack}/${made}` });
    }
    return Object.assign(set.instances.get(at), { overrides });
  }));
}

function deleteInstances(input, place) {
  const set = find(input, place);
  const chosen = targets(input).map(({ account, region }) => set.instances.get(`${account} ${region}`)).filter(Boolean);
  return begin(set, input, () => chosen, true);
}

function deleteSet(input, place) {
  const set = find(input, place);
  if (set.instances.size) throw new ServiceError("StackSetNotEmptyException", "StackSet is not empty", 409);
  sets.delete(key(set.name, place));
  return {};
}

function summary(set, { account, region, id, status = "OUTDATED", reason }) {
  return { StackSetId: set.id, Account: account, Region: region, StackId: id, Status: status,
    ...(reason ? { StatusReason: reason } : {}) };
}

function describeInstance(input, place) {
  const set = find(input, place);
  const at = `${input.StackInstanceAccount} ${input.StackInstanceRegion}`;
  const instance = set.instances.get(at);
  if (!instance) throw new ServiceError("StackInstanceNotFoundException", `Stack instance for ${at} not found`, 404);
  return { StackInstance: { ...summary(set, instance), ParameterOverrides: echoed(set, instance.overrides ?? {}) } };
}

function describeOperation(input, place, stacks) {
  const set = find(input, place);
  step(set, stacks);
  const operation = set.operations.get(input.OperationId);
  if (!operation) throw new ServiceError("OperationNotFoundException", `Operation ${input.OperationId} not found`, 404);
  return { StackSetOperation: { OperationId: operation.id, StackSetId: set.id, Status: operation.status } };
}

// answers(stacks()): stacks() gives the map of aws_stacks.mjs.
export const stackSetAnswers = (stacks) => ({
  "cloudformation.CreateStackSet": create,
  "cloudformation.DescribeStackSet": describe,
  "cloudformation.UpdateStackSet": (input, place) => {
    const set = find(input, place);
    const answer = begin(set, input, () => [...set.instances.values()]);
    define(set, input);
    return answer;
  },
  "cloudformation.CreateStackInstances": change,
  "cloudformation.UpdateStackInstances": change,
  "cloudformation.DeleteStackInstances": deleteInstances,
  "cloudformation.DeleteStackSet": deleteSet,
  "cloudformation.ListStackInstances": (input, place) => {
    const set = find(input, place);
    return { Summaries: [...set.instances.values()].map((instance) => summary(set, instance)) };
  },
  "cloudformation.DescribeStackInstance": describeInstance,
  "cloudformation.DescribeStackSetOperation": (input, place) => describeOperation(input, place, stacks()),
  "cloudformation.ListStackSetOperations": (input, place) => ({
    Summaries: [...find(input, place).operations.values()].map(({ id, status }) => ({ OperationId: id, Status: status })) }),
  "cloudformation.ListStackSetOperationResults": (input, place) =>
    ({ Summaries: find(input, place).operations.get(input.OperationId).results }),
});

export const stackSetControls = {
  "POST /__test/stack_sets": (given) => void Object.assign(script, given),
  "GET /__test/stack_sets": () => [...sets.values()].map(({ name, parameters, instances }) => ({ name, parameters,
    instances: [...instances.values()].map(({ account, region, status, overrides }) => ({ account, region, status, overrides })) })),
};
