// CloudFormation as its clients see it. Templates are resolved, so that parameters, Rules and conditions
// judge; a change set is what differs from the template and parameters that are deployed, unless a test
// tells it. What happened to a stack before, tests tell. Time is virtual: each look at something unfinished is one step.
//
//   POST /__test/stacks  [{ name, account, region, status, template, parameters,
//                           events: [{ LogicalResourceId, ResourceStatus, ResourceStatusReason, … }, …],
//                           changes: [{ Action, LogicalResourceId, … }, …], looks, fails }, …]
//                        events: the oldest first; changes, looks, fails: of the next change sets, their
//                        content, how often they are unfinished when looked at, the reason they fail for
//   GET  /__test/stacks  → { stacks: [{ name, account, region, status }, …], change_sets: [name, …] }
//
// Texts are CloudFormation's own.
import { parse } from "../oracles/templates/template.mjs";
import { changes, resolved } from "./aws_stack_changes.mjs";
import { ServiceError } from "./aws_workflows.mjs";

const LIMIT = 51200;
const PAGE = 3; // small, so that every listing has pages

let stacks, scripts, sets, counter;
export function resetStacks() {
  [stacks, scripts, sets, counter] = [new Map(), [], new Map(), 0];
}
resetStacks();

const invalid = (message) => new ServiceError("ValidationError", message);

const HOME = { account: "111122223333", region: "eu-west-1" };
const sameName = (a, b) => a.name === b.name && a.account === b.account && a.region === b.region;

function arnOf(kind, { name, account, region }) {
  const id = String(++counter).padStart(12, "0");
  return `arn:aws:cloudformation:${region}:${account}:${kind}/${name}/00000000-0000-4000-8000-${id}`;
}

// A deleted stack is found by its id only.
function byName(name, place) {
  return [...stacks.values()].find((s) => s.status !== "DELETE_COMPLETE" && sameName(s, { name, ...place }));
}

function find(name, place) {
  const found = stacks.get(name) ?? byName(name, place);
  if (!found) throw invalid(`Stack with id ${name} does not exist`);
  return found;
}

// Pages that a token leads through.
function paged(all, token, name) {
  const from = Number(token ?? 0);
  const more = from + PAGE < all.length ? { NextToken: String(from + PAGE) } : {};
  return { [name]: all.slice(from, from + PAGE), ...more };
}

// Templates --------------------------------------------------------------------------------------

function read(body) {
  if (body === undefined) throw invalid("Either Template URL or Template Body must be specified.");
  if (Buffer.byteLength(body) > LIMIT)
    throw invalid(`1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${LIMIT}`);
  const { template } = parse(body);
  if (!template?.Resources) throw invalid("Template format error: At least one Resources member must be defined.");
  return template;
}

function capabilities({ Resources }) {
  const roles = Object.values(Resources).filter(({ Type }) => Type === "AWS::IAM::Role" || Type === "AWS::IAM::ManagedPolicy");
  if (!roles.length) return [];
  const named = roles.some(({ Properties = {} }) => Properties.RoleName ?? Properties.ManagedPolicyName);
  return [named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"];
}

function summary({ TemplateBody }) {
  const template = read(TemplateBody);
  const Capabilities = capabilities(template);
  return {
    Parameters: Object.entries(template.Parameters ?? {}).map(([ParameterKey, p]) => ({
      ParameterKey, ParameterType: p.Type, NoEcho: String(p.NoEcho ?? false),
      ...(p.Default === undefined ? {} : { DefaultValue: p.Default }) })),
    ...(Capabilities.length ? { Capabilities } : {}),
  };
}

// As CloudFormation names them; what else it would refuse is told in the resolver's words.
function checkParameters({ Parameters = {} }, given) {
  const unknown = Object.keys(given).filter((name) => !Parameters[name]);
  if (unknown.length) throw invalid(`Parameters: [${unknown.join(", ")}] do not exist in the template`);
  const missing = Object.keys(Parameters).filter((name) => Parameters[name].Default === undefined && given[name] === undefined);
  if (missing.length) throw invalid(`Parameters: [${missing.join(", ")}] must have values`);
}

function resourcesOf(body, given, place) {
  const { resources, problems } = resolved(body, given, place);
  if (problems.length) throw invalid(problems[0]);
  return resources;
}

// Change sets ------------------------------------------------------------------------------------

const UPDATABLE = /^(CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK|IMPORT_ROLLBACK)_COMPLETE$|^UPDATE_FAILED$/;

function stackFor({ StackName, ChangeSetName, ChangeSetType = "UPDATE" }, place) {
  const known = byName(StackName, place);
  if (ChangeSetType === "CREATE") {
    if (known && known.status !== "REVIEW_IN_PROGRESS")
      throw invalid(`Stack [${StackName}] already exists and cannot be created again with the changeSet [${ChangeSetName}].`);
    if (known) return known;
    const made = { name: StackName, ...place, status: "REVIEW_IN_PROGRESS", events: [] };
    made.id = arnOf("stack", made);
    stacks.set(made.id, made);
    return made;
  }
  if (!known) throw invalid(`Stack [${StackName}] does not exist`);
  if (!UPDATABLE.test(known.status)) throw invalid(`Stack:${known.id} is in ${known.status} state and can not be updated.`);
  return known;
}

const NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set.";

function createChangeSet(input, place) {
  const template = read(input.TemplateBody);
  const given = Object.fromEntries((input.Parameters || []).map((p) => [p.ParameterKey, p.ParameterValue]));
  checkParameters(template, given);
  const lacking = capabilities(template).filter((c) => !(input.Capabilities || []).includes(c));
  if (lacking.length) throw new ServiceError("InsufficientCapabilitiesException", `Requires capabilities : [${lacking}]`);

  const where = { ...place, stack: input.StackName };
  const after = resourcesOf(input.TemplateBody, given, where);

  const stack = stackFor(input, place);
  const script = scripts.find((each) => sameName(each, stack)) ?? {};
  const before = stack.template ? resourcesOf(stack.template, stack.parameters, where) : {};
  const found = script.changes ?? changes(before, after);
  const set = { id: arnOf("changeSet", { name: input.ChangeSetName, ...place }), name: input.ChangeSetName, stack,
    looks: script.looks ?? 1, fails: script.fails ?? (found.length ? undefined : NOTHING), changes: found };
  sets.set(set.id, set);
  return { Id: set.id, StackId: stack.id };
}

function findSet(name) {
  const set = sets.get(name);
  if (!set) throw new ServiceError("ChangeSetNotFound", `ChangeSet [${name}] does not exist`, 404);
  return set;
}

function describeChangeSet({ ChangeSetName, NextToken }) {
  const set = findSet(ChangeSetName);
  const common = { ChangeSetName: set.name, ChangeSetId: set.id, StackId: set.stack.id, StackName: set.stack.name };
  if (set.looks-- > 0) return { ...common, Status: "CREATE_IN_PROGRESS", ExecutionStatus: "UNAVAILABLE" };
  if (set.fails) return { ...common, Status: "FAILED", ExecutionStatus: "UNAVAILABLE", StatusReason: set.fails };
  const all = set.changes.map((ResourceChange) => ({ Type: "Resource", ResourceChange }));
  return { ...common, Status: "CREATE_COMPLETE", ExecutionStatus: "AVAILABLE", ...paged(all, NextToken, "Changes") };
}

// Stacks -----------------------------------------------------------------------------------------

function describeStacks({ StackName }, place) {
  const { name, id, status } = find(StackName, place);
  return { Stacks: [{ StackName: name, StackId: id, StackStatus: status, CreationTime: "2026-11-25T12:00:00.000Z" }] };
}

// Newest first.
function describeStackEvents({ StackName, NextToken }, place) {
  const { name, id, events } = find(StackName, place);
  const all = events.map((event, i) => ({ StackId: id, StackName: name, EventId: `e-${i}`,
    Timestamp: `2026-11-25T12:00:${String(i % 60).padStart(2, "0")}.000Z`, ...event,
    ...(event.LogicalResourceId === name ? { PhysicalResourceId: id } : {}) }));
  return paged(all.reverse(), NextToken, "StackEvents");
}

// Of a stack that is not there, too.
function deleteStack({ StackName }, place) {
  const stack = stacks.get(StackName) ?? byName(StackName, place);
  if (stack) stack.status = "DELETE_COMPLETE";
  return {};
}

export const stackAnswers = {
  "cloudformation.GetTemplateSummary": summary,
  "cloudformation.CreateChangeSet": createChangeSet,
  "cloudformation.DescribeChangeSet": describeChangeSet,
  "cloudformation.DeleteChangeSet": ({ ChangeSetName }) => void sets.delete(ChangeSetName) ?? {},
  "cloudformation.DescribeStacks": describeStacks,
  "cloudformation.DescribeStackEvents": describeStackEvents,
  "cloudformation.DeleteStack": deleteStack,
};

export const stackControls = {
  "POST /__test/stacks": (list) => {
    for (const given of list) {
      const stack = { ...HOME, events: [], ...given };
      scripts.unshift(stack);
      if (!stack.status) continue;
      stack.id = arnOf("stack", stack);
      stacks.set(stack.id, stack);
    }
  },
  "GET /__test/stacks": () => ({
    stacks: [...stacks.values()].map(({ name, account, region, status }) => ({ name, account, region, status })),
    change_sets: [...sets.values()].map(({ name }) => name),
  }),
};
