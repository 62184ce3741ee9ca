// What happens to a stack while something is done to it: the events that CloudFormation would tell, in
// order, and what the stack is in the end. Nothing happens by itself: each look at the stack shows the
// next events (aws_stacks.mjs).
//
// A test scripts the operations on a stack, one after the other; what it leaves out succeeds:
//   { fails: "Table", reason: "…" }            the change of Table fails, and all is rolled back
//   { …, rollback_fails: "Queue", why: "…" }   and so does the roll-back, at Queue
//   { …, keep: true }                          nothing is rolled back (--disable-rollback)
// and what keeps resources from being deleted, until a test takes it away:
//   blocks: { Bucket: "The bucket you tried to delete is not empty" }
// Other servers keep them too: blockedBy((resource, stack) => reason | undefined), where a resource is
// { id, Type, Properties, physical }; and they hear of those that are deleted: deletedBy((resource) => …).
//
// Texts are CloudFormation's own.
import { ServiceError } from "./aws_workflows.mjs";

const invalid = (message) => new ServiceError("ValidationError", message);

let blockers = [];
export function blockedBy(check) {
  blockers.push(check);
}

let removers = [];
export function deletedBy(remove) {
  removers.push(remove);
}

let makers = [];
// madeBy((resource, stack) => physical id | undefined): other servers hear of those that were made, or changed.
export function madeBy(make) {
  makers.push(make);
}

export function tellOfResources(stack) {
  for (const [id, entry] of Object.entries(stack.resources)) {
    const resource = { id, Type: entry.Type, Properties: entry.Properties, physical: physicalOf(stack, id) };
    for (const made of makers) entry.physical = made(resource, stack) ?? entry.physical;
  }
}

// A resource's physical id, unless a test tells it.
export const physicalOf = (stack, id) => stack.resources?.[id]?.physical ?? `${stack.name}-${id}-1A2B3C`;

const PAST = { CREATE: "create", UPDATE: "update", DELETE: "delete" };

const failedList = (verb, ids) => `The following resource(s) failed to ${PAST[verb]}: [${ids.join(", ")}]. `;

// Events of one resource, or of the stack itself.
function of(stack, id, type, status, reason, then) {
  return { LogicalResourceId: id, ResourceType: type, ResourceStatus: status, ResourceStatusReason: reason,
    PhysicalResourceId: physicalOf(stack, id), then };
}

function ofStack(stack, status, reason, then) {
  return { LogicalResourceId: stack.name, ResourceType: "AWS::CloudFormation::Stack", ResourceStatus: status,
    ResourceStatusReason: reason, PhysicalResourceId: stack.id, then };
}

const VERBS = { Add: "CREATE", Modify: "UPDATE", Import: "IMPORT", Dynamic: "UPDATE", Remove: "DELETE" };

function changeEvents(stack, { Action, LogicalResourceId, ResourceType, Replacement, PolicyAction }) {
  const verb = VERBS[Action];
  const why = Replacement === "True"
    ? "Requested update requires the creation of a new physical resource; hence creating one." : undefined;
  const end = PolicyAction === "Retain" ? "DELETE_SKIPPED" : `${verb}_COMPLETE`;
  return [of(stack, LogicalResourceId, ResourceType, `${verb}_IN_PROGRESS`, why),
    of(stack, LogicalResourceId, ResourceType, end)];
}

// begin(stack, events, token): what DescribeStackEvents is going to tell.
function begin(stack, events, token) {
  if (/_IN_PROGRESS$/.test(stack.status) && stack.status !== "REVIEW_IN_PROGRESS")
    throw invalid(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
  stack.pending = events.map((event) => ({ ClientRequestToken: token, ...event }));
  step(stack, 1);
}

// step(stack, count): time goes on by so many events.
export function step(stack, count) {
  for (const { then, ...event } of (stack.pending ?? []).splice(0, count)) {
    stack.events.push(event);
    if (event.PhysicalResourceId === stack.id) stack.status = event.ResourceStatus;
    then?.();
  }
}

// Creating and changing ----------------------------------------------------------------------------

// The changes that came before the failure, the failure, and what was begun beside it.
function failing(stack, changes, { fails, reason = "it is broken" }) {
  const at = Math.max(0, changes.findIndex(({ LogicalResourceId }) => LogicalResourceId === fails));
  const { Action = "Modify", LogicalResourceId = fails, ResourceType = "AWS::SNS::Topic" } = changes[at] ?? {};
  const verb = VERBS[Action];
  const beside = changes[at + 1];
  return {
    id: LogicalResourceId,
    done: changes.slice(0, at),
    events: [
      ...changes.slice(0, at).flatMap((change) => changeEvents(stack, change)),
      of(stack, LogicalResourceId, ResourceType, `${verb}_IN_PROGRESS`),
      of(stack, LogicalResourceId, ResourceType, `${verb}_FAILED`, reason),
      ...(beside ? [of(stack, beside.LogicalResourceId, beside.ResourceType, `${VERBS[beside.Action]}_FAILED`,
        "Resource creation cancelled")] : []),
    ],
  };
}

function rolledBackCreation(stack, failed, { keep, rollback_fails: stuck, why = "it cannot be deleted" }) {
  if (keep) return [ofStack(stack, "CREATE_FAILED", failedList("CREATE", [failed.id]))];
  const undone = failed.done.map(({ LogicalResourceId, ResourceType }) =>
    of(stack, LogicalResourceId, ResourceType, "DELETE_COMPLETE"));
  const begun = ofStack(stack, "ROLLBACK_IN_PROGRESS", `${failedList("CREATE", [failed.id])}Rollback requested by user.`);
  if (!stuck) return [begun, ...undone, ofStack(stack, "ROLLBACK_COMPLETE")];
  return [begun, of(stack, stuck, "AWS::SNS::Topic", "DELETE_FAILED", why),
    ofStack(stack, "ROLLBACK_FAILED", failedList("DELETE", [stuck]))];
}

function rollbackEvents(stack, stuck, why = "it cannot go back") {
  if (stuck) {
    return [of(stack, stuck, "AWS::SNS::Topic", "UPDATE_FAILED", why, () => (stack.stuck = stuck)),
      ofStack(stack, "UPDATE_ROLLBACK_FAILED", failedList("UPDATE", [stuck]))];
  }
  return [ofStack(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
    ofStack(stack, "UPDATE_ROLLBACK_COMPLETE", undefined, () => delete stack.stuck)];
}

function rolledBackUpdate(stack, failed, { keep, rollback_fails: stuck, why }) {
  if (keep) return [ofStack(stack, "UPDATE_FAILED", failedList("UPDATE", [failed.id]))];
  return [ofStack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", failedList("UPDATE", [failed.id])),
    ...rollbackEvents(stack, stuck, why)];
}

// The first of the changes that is refused to who asked for it.
function refusal(changes, refused = {}) {
  const first = changes.find(({ LogicalResourceId: id }) => refused[id])?.LogicalResourceId;
  return first ? { fails: first, reason: refused[first] } : {};
}

// execute(stack, changes, { token, refused: { id: reason } }, commit): carries a change set out; commit() when all of it
// is done.
export function execute(stack, changes, { token, refused }, commit) {
  const script = stack.operations?.shift() ?? refusal(changes, refused);
  const creates = stack.status === "REVIEW_IN_PROGRESS";
  const verb = creates ? "CREATE" : "UPDATE";
  const first = ofStack(stack, `${verb}_IN_PROGRESS`, "User Initiated");
  if (script.fails) {
    const failed = failing(stack, changes, script);
    const undo = creates ? rolledBackCreation : rolledBackUpdate;
    return begin(stack, [first, ...failed.events, ...undo(stack, failed, script)], token);
  }
  const removed = changes.filter(({ Action }) => Action === "Remove");
  const made = changes.filter(({ Action }) => Action !== "Remove");
  const cleaned = creates ? [] : [ofStack(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")];
  begin(stack, [first, ...made.flatMap((change) => changeEvents(stack, change)), ...cleaned,
    ...removed.flatMap((change) => changeEvents(stack, change)),
    ofStack(stack, `${verb}_COMPLETE`, undefined, commit)], token);
}

// Going back ---------------------------------------------------------------------------------------

export function continueRollback(stack, skipped, token) {
  if (stack.status !== "UPDATE_ROLLBACK_FAILED")
    throw invalid(`Stack:${stack.id} is in ${stack.status} state and can not continue update rollback.`);
  const strangers = skipped.filter((id) => id !== stack.stuck);
  if (strangers.length)
    throw invalid(`The following resource(s) to skip are not in UPDATE_FAILED state: [${strangers.join(", ")}]`);
  const script = stack.operations?.shift() ?? {};
  const stuck = skipped.includes(stack.stuck) ? undefined : script.rollback_fails;
  const past = skipped.map((id) => of(stack, id, "AWS::SNS::Topic", "UPDATE_COMPLETE", "Resource was skipped"));
  begin(stack, [ofStack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"), ...past,
    ...rollbackEvents(stack, stuck, script.why)], token);
}

export function rollback(stack, token) {
  if (!["CREATE_FAILED", "UPDATE_FAILED"].includes(stack.status))
    throw invalid(`RollbackStack is not supported for stacks in ${stack.status} state`);
  const updates = stack.status === "UPDATE_FAILED";
  const events = updates
    ? [ofStack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"), ...rollbackEvents(stack)]
    : [ofStack(stack, "ROLLBACK_IN_PROGRESS", "User Initiated"), ofStack(stack, "ROLLBACK_COMPLETE")];
  begin(stack, events, token);
}

// Deleting -----------------------------------------------------------------------------------------

// What is listed of a resource whose deletion failed, or that was skipped.
const mark = (resource, status, reason) => () => Object.assign(resource, { status, reason });

function deletionOf(stack, [id, entry], retained, refused = {}) {
  const { Type, Properties, DeletionPolicy } = entry;
  const resource = { id, Type, Properties, physical: physicalOf(stack, id) };
  const kept = retained.includes(id) || entry.status === "DELETE_SKIPPED" || /^Retain/.test(DeletionPolicy ?? "");
  if (kept) return { events: [of(stack, id, Type, "DELETE_SKIPPED", undefined, mark(entry, "DELETE_SKIPPED"))] };
  const reason = stack.blocks?.[id] ?? refused[id] ?? blockers.map((check) => check(resource, stack)).find(Boolean);
  const begun = of(stack, id, Type, "DELETE_IN_PROGRESS");
  if (reason) {
    return { failed: id, events: [begun, of(stack, id, Type, "DELETE_FAILED", reason, mark(entry, "DELETE_FAILED", reason))] };
  }
  return { events: [begun, of(stack, id, Type, "DELETE_COMPLETE", undefined, () => {
    delete stack.resources[id];
    for (const removed of removers) removed(resource);
  })] };
}

// remove(stack, { retained, force, token, refused }): stack.resources: { id: { Type, Properties, … } }
export function remove(stack, { retained = [], force = false, token, refused }) {
  if (retained.length && stack.status !== "DELETE_FAILED") {
    throw invalid(`Invalid operation on stack [${stack.id}]. When you delete a stack, specify which resources to retain `
      + "only when the stack is in the DELETE_FAILED state.");
  }
  const first = ofStack(stack, "DELETE_IN_PROGRESS", "User Initiated");
  const each = Object.entries(stack.resources ?? {}).reverse().map((entry) => deletionOf(stack, entry, retained, refused));
  const failed = force ? [] : each.map(({ failed: id }) => id).filter(Boolean);
  const last = failed.length ? ofStack(stack, "DELETE_FAILED", failedList("DELETE", failed)) : ofStack(stack, "DELETE_COMPLETE");
  begin(stack, [first, ...each.flatMap(({ events }) => events), last], token);
}
