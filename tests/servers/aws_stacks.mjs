// CloudFormation as its clients see it. Templates are resolved, so that parameters, Rules and conditions
// judge; a change set is what differs from the template and parameters that are deployed, unless a test
// tells it. What happened to a stack before, tests tell. Time is virtual: each look at something unfinished is one step.
//
//   POST /__test/stacks  [{ name, account, region, status, template, parameters, tags, resources,
//                           events: [{ LogicalResourceId, ResourceStatus, ResourceStatusReason, … }, …],
//                           changes: [{ Action, LogicalResourceId, … }, …], looks, fails, validations,
//                           operations, blocks, pace }, …]
//                        events: the oldest first; changes, looks, fails, validations: of the next change sets,
//                        their content, how often they are unfinished when looked at, the reason they fail for,
//                        what CloudFormation's checks found; operations, blocks: aws_stack_operations.mjs;
//                        pace: how many events each look at something unfinished brings (3)
//   POST /__test/stacks/change  { name, account, region, … }  the same of a stack that is there
//   GET  /__test/stacks  → { stacks: [{ id, name, account, region, status, parameters, resources, given: by a test,
//                        was: its status then }, …],
//                            change_sets: [name, …] }  those that were not executed
//
// Texts are CloudFormation's own.
import { changes, parseOnce, resolved } from "./aws_stack_changes.mjs";
import { continueRollback, execute, physicalOf, remove, rollback, step, tellOfResources } from "./aws_stack_operations.mjs";
import { needsOfResource } from "./aws_resource_needs.mjs";
import { rolesOf, touchedBy } from "./aws_roles.mjs";
import { roleIn } from "./aws_stack_roles.mjs";
import { resetStackSets, stackSetAnswers, stackSetControls } from "./aws_stack_sets.mjs";
import { ServiceError } from "./aws_workflows.mjs";

const LIMIT = 51200;
const PAGE = 3; // small, so that every listing has pages
const PACE = 3; // events for each look

let stacks, scripts, sets, counter;
export function resetStacks() {
  [stacks, scripts, sets, counter] = [new Map(), [], new Map(), 0];
  resetStackSets();
}
resetStacks();
rolesOf((arn) => roleIn([...stacks.values()], arn));

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

// TemplateText is what TemplateURL leads to (signature_front.mjs).
function read({ TemplateBody, TemplateText }) {
  const body = TemplateBody ?? TemplateText;
  if (body === undefined) throw invalid("Either Template URL or Template Body must be specified.");
  if (TemplateText === undefined && Buffer.byteLength(body) > LIMIT)
    throw invalid(`1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${LIMIT}`);
  const { template } = parseOnce(body);
  if (!template?.Resources) throw invalid("Template format error: At least one Resources member must be defined.");
  return { template, text: body };
}

function capabilities({ Resources }) {
  const roles = Object.values(Resources).filter(({ Type }) => Type === "AWS::IAM::Role" || Type === "AWS::IAM::ManagedPolicy");
  if (!roles.length) return [];
  const named = roles.some(({ Properties = {} }) => Properties.RoleName ?? Properties.ManagedPolicyName);
  return [named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"];
}

function summary(input, place) {
  const { template } = read(input.StackName === undefined ? input : { TemplateText: find(input.StackName, place).template });
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

function madeOf(text, given, place) {
  const { resources, outputs, problems } = resolved(text, given, place);
  if (problems.length) throw invalid(problems[0]);
  return { resources, outputs };
}

// Change sets ------------------------------------------------------------------------------------

const UPDATABLE = /^(CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK|IMPORT_ROLLBACK)_COMPLETE$|^UPDATE_FAILED$/;

function stackFor({ StackName, ChangeSetName, ChangeSetType = "UPDATE" }, place) {
  const known = byName(StackName, place);
  if (ChangeSetType === "CREATE") {
    if (known && known.status !== "REVIEW_IN_PROGRESS")
      throw invalid(`Stack [${StackName}] already exists and cannot be created again with the changeSet [${ChangeSetName}].`);
    if (known) return known;
    const { operations, blocks, pace } = scripts.find((each) => sameName(each, { name: StackName, ...place })) ?? {};
    const made = { name: StackName, ...place, status: "REVIEW_IN_PROGRESS", events: [], operations, blocks, pace };
    made.id = arnOf("stack", made);
    stacks.set(made.id, made);
    return made;
  }
  if (!known) throw invalid(`Stack [${StackName}] does not exist`);
  if (!UPDATABLE.test(known.status)) throw invalid(`Stack:${known.id} is in ${known.status} state and can not be updated.`);
  return known;
}

const NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set.";

// Outputs or tags may change and nothing else: then the change set has no change, and can be executed.
function differences(stack, script, where, made, tags) {
  if (script.changes) return { found: script.changes, differs: script.changes.length > 0 };
  const before = stack.template ? madeOf(stack.template, stack.parameters, where) : { resources: {}, outputs: {} };
  const found = changes(before.resources, made.resources);
  return { found, differs: found.length > 0 || JSON.stringify(before.outputs) !== JSON.stringify(made.outputs)
    || JSON.stringify(stack.tags ?? []) !== JSON.stringify(tags) };
}

function createChangeSet(input, place) {
  const known = [...sets.values()].find(({ name, stack }) => name === input.ChangeSetName
    && sameName(stack, { name: input.StackName, ...place }));
  if (known && known.token !== undefined && known.token === input.ClientToken) return { Id: known.id, StackId: known.stack.id };
  if (known) throw new ServiceError("AlreadyExistsException", `ChangeSet ${input.ChangeSetName} cannot be created due to a mismatch with existing attribute Name`);

  const { template, text } = read(input);
  const given = Object.fromEntries((input.Parameters || []).map((p) => [p.ParameterKey, p.ParameterValue]));
  checkParameters(template, given);
  const lacking = capabilities(template).filter((c) => !(input.Capabilities || []).includes(c));
  if (lacking.length) throw new ServiceError("InsufficientCapabilitiesException", `Requires capabilities : [${lacking}]`);

  const where = { ...place, stack: input.StackName };
  const made = madeOf(text, given, where);

  const stack = stackFor(input, place);
  const script = scripts.find((each) => sameName(each, stack)) ?? {};
  const tags = input.Tags || [];
  const { found, differs } = differences(stack, script, where, made, tags);
  const set = { id: arnOf("changeSet", { name: input.ChangeSetName, ...place }), name: input.ChangeSetName, stack,
    token: input.ClientToken, looks: script.looks ?? 1, fails: script.fails ?? (differs ? undefined : NOTHING),
    validations: script.validations ?? [], changes: found, made, text, given, tags };
  sets.set(set.id, set);
  return { Id: set.id, StackId: stack.id };
}

function findSet({ ChangeSetName: name, StackName }, place) {
  const byItsName = ({ name: own, stack }) => own === name && (stack.id === StackName || sameName(stack, { name: StackName, ...place }));
  const set = sets.get(name) ?? [...sets.values()].find(byItsName);
  if (!set) throw new ServiceError("ChangeSetNotFound", `ChangeSet [${name}] does not exist`, 404);
  return set;
}

function describeChangeSet(input, place) {
  const set = findSet(input, place);
  const common = { ChangeSetName: set.name, ChangeSetId: set.id, StackId: set.stack.id, StackName: set.stack.name };
  if (set.looks-- > 0) return { ...common, Status: "CREATE_IN_PROGRESS", ExecutionStatus: "UNAVAILABLE" };
  if (set.fails) return { ...common, Status: "FAILED", ExecutionStatus: "UNAVAILABLE", StatusReason: set.fails };
  const all = set.changes.map((ResourceChange) => ({ Type: "Resource", ResourceChange }));
  return { ...common, Status: "CREATE_COMPLETE", ExecutionStatus: set.executed ? "EXECUTE_COMPLETE" : "AVAILABLE",
    ...paged(all, input.NextToken, "Changes") };
}

// What CloudFormation's own checks say of a change set.
function describeEvents(input, place) {
  const { validations, stack } = findSet(input, place);
  const all = validations.map((each, i) => ({ EventId: `v-${i}`, StackId: stack.id, EventType: "VALIDATION_ERROR", ...each }));
  return paged(all, input.NextToken, "OperationEvents");
}

function listChangeSets({ StackName, NextToken }, place) {
  const stack = find(StackName, place);
  const all = [...sets.values()].filter((set) => set.stack === stack).map(({ id, name, looks, fails, executed }) => ({
    ChangeSetId: id, ChangeSetName: name, StackId: stack.id, StackName: stack.name,
    Status: looks > 0 ? "CREATE_IN_PROGRESS" : fails ? "FAILED" : "CREATE_COMPLETE",
    ExecutionStatus: executed ? "EXECUTE_COMPLETE" : looks > 0 || fails ? "UNAVAILABLE" : "AVAILABLE" }));
  return paged(all, NextToken, "Summaries");
}

function executeChangeSet(input, place) {
  const set = findSet(input, place);
  const { stack } = set;
  if (set.fails || set.executed || set.looks > 0) {
    throw new ServiceError("InvalidChangeSetStatus",
      `ChangeSet [${set.id}] cannot be executed in its current status of [${set.fails ? "FAILED" : "CREATE_IN_PROGRESS"}]`);
  }
  if (stack.status === "REVIEW_IN_PROGRESS") stack.tags = set.tags;
  execute(stack, set.changes, { token: input.ClientRequestToken, refused: input.Refused }, () => {
    Object.assign(stack, { template: set.text, parameters: set.given, tags: set.tags,
      resources: set.made.resources, outputs: set.made.outputs });
    tellOfResources(stack);
  });
  set.executed = true;
  for (const other of sets.values()) if (other.stack === stack && other !== set) sets.delete(other.id);
  return {};
}

// Stacks -----------------------------------------------------------------------------------------

const pairs = (values = {}, key, value) => Object.entries(values).map(([k, v]) => ({ [key]: k, [value]: String(v) }));

// Those of the template that were not given too; and of a secret nothing.
function toldParameters({ template, parameters }) {
  const declared = template ? parseOnce(template).template.Parameters ?? {} : {};
  const defaults = Object.fromEntries(Object.entries(declared).map(([key, { Default }]) => [key, Default ?? ""]));
  return Object.fromEntries(Object.entries({ ...defaults, ...parameters }).map(([key, value]) =>
    [key, String(declared[key]?.NoEcho) === "true" ? "****" : value]));
}

function description({ name, id, status, template, parameters, outputs, tags }) {
  const stable = /_COMPLETE$/.test(status) && status !== "ROLLBACK_COMPLETE";
  return { StackName: name, StackId: id, StackStatus: status, CreationTime: "2026-11-25T12:00:00.000Z",
    Parameters: pairs(toldParameters({ template, parameters }), "ParameterKey", "ParameterValue"),
    Tags: tags ?? [], ...(stable ? { Outputs: pairs(outputs, "OutputKey", "OutputValue") } : {}) };
}

// One, also when it was deleted, by its id; or all that are there.
function describeStacks({ StackName, NextToken }, place) {
  if (StackName === undefined) {
    const all = [...stacks.values()].filter((s) => s.status !== "DELETE_COMPLETE" && sameName(s, { name: s.name, ...place }));
    return paged(all.map(description), NextToken, "Stacks");
  }
  const stack = find(StackName, place);
  step(stack, stack.pace ?? PACE);
  if (stack.status === "DELETE_COMPLETE" && StackName !== stack.id) throw invalid(`Stack with id ${StackName} does not exist`);
  return { Stacks: [description(stack)] };
}

// Newest first.
function describeStackEvents({ StackName, NextToken }, place) {
  const stack = find(StackName, place);
  if (!NextToken) step(stack, stack.pace ?? PACE);
  const { name, id, events } = stack;
  const all = events.map((event, i) => ({ StackId: id, StackName: name, EventId: `e-${i}`,
    Timestamp: `2026-11-25T12:00:${String(i % 60).padStart(2, "0")}.000Z`, ...event,
    ...(event.LogicalResourceId === name ? { PhysicalResourceId: id } : {}) }));
  return paged(all.reverse().map(present), NextToken, "StackEvents");
}

const present = (event) => Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));

function listStackResources({ StackName, NextToken }, place) {
  const stack = find(StackName, place);
  const { resources = {}, stuck } = stack;
  const known = stuck && !resources[stuck] ? { ...resources, [stuck]: { Type: "AWS::SNS::Topic" } } : resources;
  const all = Object.entries(known).map(([id, { Type, status, reason }]) => present({ LogicalResourceId: id, ResourceType: Type,
    PhysicalResourceId: physicalOf(stack, id), LastUpdatedTimestamp: "2026-11-25T12:00:00.000Z",
    ResourceStatus: status ?? (id === stuck ? "UPDATE_FAILED" : "CREATE_COMPLETE"), ResourceStatusReason: reason }));
  return paged(all, NextToken, "StackResourceSummaries");
}

// Of a stack that is not there, too. One that never had anything in it goes at once.
function deleteStack({ StackName, RetainResources, DeletionMode, ClientRequestToken, Refused }, place) {
  const stack = stacks.get(StackName) ?? byName(StackName, place);
  if (!stack || stack.status === "DELETE_COMPLETE") return {};
  for (const set of sets.values()) if (set.stack === stack) sets.delete(set.id);
  if (stack.status === "REVIEW_IN_PROGRESS") stack.status = "DELETE_COMPLETE";
  else {
    remove(stack, { retained: RetainResources || [], force: DeletionMode === "FORCE_DELETE_STACK", token: ClientRequestToken,
      refused: Refused });
  }
  return {};
}

const ACTS = { Add: "create", Modify: "update", Import: "update", Dynamic: "update", Remove: "delete" };
const stays = ({ DeletionPolicy }) => /^Retain/.test(DeletionPolicy ?? "");

// What an operation makes, changes and deletes of what a template told; a test's own resources are nobody's.
const TOUCHED = {
  ExecuteChangeSet: (input, place) => {
    const { changes: list, made, stack } = findSet(input, place);
    return list.map(({ Action, LogicalResourceId: id }) =>
      ({ id, act: ACTS[Action], stack, ...(Action === "Remove" ? stack.resources : made.resources)?.[id] }));
  },
  DeleteStack: ({ StackName }, place) => {
    const stack = stacks.get(StackName) ?? byName(StackName, place);
    return Object.entries(stack?.template ? stack.resources : {}).map(([id, resource]) => ({ id, act: "delete", stack, ...resource }));
  },
};
touchedBy(({ operation, input }, place) => (TOUCHED[operation]?.(input, place) ?? [])
  .filter((resource) => resource.Properties && !(resource.act === "delete" && stays(resource)))
  .map(({ act, stack, ...resource }) => ({ id: resource.id, needs: needsOfResource(resource, act, { ...place, stack: stack.name }) })));

export const stackAnswers = {
  ...stackSetAnswers(() => stacks),
  "cloudformation.GetTemplateSummary": summary,
  "cloudformation.CreateChangeSet": createChangeSet,
  "cloudformation.DescribeChangeSet": describeChangeSet,
  "cloudformation.DescribeEvents": describeEvents,
  "cloudformation.ListChangeSets": listChangeSets,
  "cloudformation.ExecuteChangeSet": executeChangeSet,
  "cloudformation.DeleteChangeSet": (input, place) => void sets.delete(findSet(input, place).id) ?? {},
  "cloudformation.DescribeStacks": describeStacks,
  "cloudformation.DescribeStackEvents": describeStackEvents,
  "cloudformation.ListStackResources": listStackResources,
  "cloudformation.ContinueUpdateRollback": ({ StackName, ResourcesToSkip, ClientRequestToken }, place) =>
    continueRollback(find(StackName, place), ResourcesToSkip || [], ClientRequestToken) ?? {},
  "cloudformation.RollbackStack": ({ StackName, ClientRequestToken }, place) => {
    const stack = find(StackName, place);
    rollback(stack, ClientRequestToken);
    return { StackId: stack.id };
  },
  "cloudformation.DeleteStack": deleteStack,
};

// What a test tells of a stack that is there already. Without resources it has those of its template.
function known(stack) {
  Object.assign(stack, { given: true, was: stack.status });
  stack.id = arnOf("stack", stack);
  const where = { account: stack.account, region: stack.region, stack: stack.name };
  const made = stack.template ? madeOf(stack.template, stack.parameters ?? {}, where) : {};
  Object.assign(stack, { resources: {}, ...made, ...(stack.resources ? { resources: stack.resources } : {}) });
  stacks.set(stack.id, stack);
}

export const stackControls = {
  ...stackSetControls,
  "POST /__test/stacks": (list) => {
    for (const given of list) {
      const stack = { ...HOME, events: [], ...given };
      scripts.unshift(stack);
      if (stack.status) known(stack);
    }
  },
  "POST /__test/stacks/change": (given) => {
    const stack = find(given.name, { ...HOME, ...present({ account: given.account, region: given.region }) });
    Object.assign(stack, given);
  },
  "GET /__test/stacks": () => ({
    stacks: [...stacks.values()].map(({ id, name, account, region, status, was, parameters, given, resources = {} }) =>
      ({ id, name, account, region, status, was, parameters, given, resources: Object.keys(resources) })),
    change_sets: [...sets.values()].filter(({ executed }) => !executed).map(({ name }) => name),
  }),
};
