// Who may do what: each request in a role that a test names here, or that a deployed stack made, is judged
// by IAM's rules (@cloud-copilot/iam-simulate) with that role's policies, and so is who takes the role.
// Roles that nobody names may do everything, as every test may that is not about permissions.
//
//   POST /__test/roles { roles: [{ arn, policies: [document, …], boundary, trust }], caller: { arn, policies }, strict }
//        caller: whose the test's own keys are; strict: a role that nobody made cannot be taken
//   POST /__test/roles/keys { arn } → { AccessKeyId, SecretAccessKey, SessionToken }   as Lambda gives them
//   GET  /__test/refusals → [{ who, action, resource }, …]
import { createHash } from "node:crypto";
import { decide } from "../oracles/templates/iam.mjs";
import { accessPoint, pointOf } from "./aws_access_points.mjs";
import { Refusal } from "./aws_models.mjs";
import { needsOf } from "./aws_needs.mjs";
import { ServiceError } from "./aws_workflows.mjs";

let roles, sessions, caller, strict, refusals;
export function resetRoles() {
  [roles, sessions, caller, strict, refusals] = [new Map(), new Map(), undefined, false, []];
}
resetRoles();

let deployed = () => undefined;
// rolesOf(find): find(arn) → a role of a stack, as POST /__test/roles takes it, or nothing
export function rolesOf(find) {
  deployed = find;
}

let touched = () => [];
// touchedBy(list): list(identified, place) → what CloudFormation is going to make, change and delete in the
// caller's name: [{ id, needs: as needsOf gives them }, …]
export function touchedBy(list) {
  touched = list;
}

const roleOf = (arn) => roles.get(arn) ?? deployed(arn);
const accountOf = (arn) => arn.split(":")[4];

// Whose these keys are: a role, the test's own user, or nobody that anything is known of.
function whoIs(keyId) {
  const arn = sessions.get(keyId);
  if (arn) return { role: roleOf(arn), arn, context: { "aws:PrincipalArn": arn }, account: accountOf(arn) };
  return { role: caller, arn: caller?.arn, context: { "aws:PrincipalArn": caller?.arn }, account: caller && accountOf(caller.arn) };
}

const ALL = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

// An access point's own policy, and the account that has the resource.
function resourceSide({ resource }, account) {
  const point = pointOf(resource);
  return { account: point?.account ?? account, resourcePolicy: point?.policy };
}

// A bucket that is an access point, by its ARN.
function named(found) {
  const point = found.service === "s3" && accessPoint(found.input.Bucket);
  return point ? { ...found, input: { ...found.input, Bucket: point.arn } } : found;
}

// Why it is refused, or nothing.
async function refusal(who, need, side) {
  const verdict = await decide({ principal: who.arn, action: need.action, resource: need.resource,
    context: { ...who.context, ...need.context }, policies: who.role?.policies ?? [ALL], boundary: who.role?.boundary, ...side });
  if (verdict === "Allowed") return undefined;
  refusals.push({ who: who.arn, action: need.action, resource: need.resource });
  return `User: ${who.arn} is not authorized to perform: ${need.action} on resource: ${need.resource}`;
}

async function check(who, need, side) {
  const why = await refusal(who, need, side);
  if (why) throw new Refusal(need.action.startsWith("ec2:") ? "UnauthorizedOperation" : "AccessDenied", why, 403);
}

// What of an operation on a stack is refused to its caller, resource by resource: { id: reason }, as the handlers of
// the resources tell it.
async function refusedResources(who, list) {
  const refused = {};
  for (const { id, needs } of list) {
    for (const need of needs) {
      const why = await refusal(who, need, { account: who.account });
      if (why) refused[id] ??= `Resource handler returned message: "${why} (Service: X, Status Code: 403, Request ID: 1)" `
        + "(RequestToken: 2, HandlerErrorCode: AccessDenied)";
    }
  }
  return refused;
}

async function judgeAssume(who, found) {
  const { RoleArn } = found.input;
  const role = roleOf(RoleArn);
  if (!role && strict) throw new Refusal("AccessDenied", `User: ${who.arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`, 403);
  if (!role && !who.role) return;
  const [need] = needsOf(found, {});
  await check(who.arn ? who : { ...who, arn: `arn:aws:iam::111122223333:user/test`, context: {} }, need,
    { account: accountOf(RoleArn), resourcePolicy: role?.trust });
}

// judge(identified, signer): raises where the request is refused.
export async function judge(found, { keyId, region }, home) {
  const who = whoIs(keyId);
  if (found.service === "sts" && found.operation === "AssumeRole") return judgeAssume(who, found);
  if (!who.role) return;
  const place = { account: who.account ?? home, region };
  for (const need of needsOf(named(found), place)) await check(who, need, resourceSide(need, who.account));
  if (found.service === "cloudformation") found.input.Refused = await refusedResources(who, touched(found, place));
}

const keyOf = (arn) => `ASIA${createHash("sha256").update(arn).digest("hex").slice(0, 16).toUpperCase()}`;

// A session of a role has these keys from now on.
export function begin(arn) {
  sessions.set(keyOf(arn), arn);
  return keyOf(arn);
}

// A role and who may take it, percent-encoded as IAM gives it.
function getRole({ RoleName }, { account }) {
  const role = roleOf(`arn:aws:iam::${account}:role/${RoleName}`);
  if (!role) throw new ServiceError("NoSuchEntity", `The role with name ${RoleName} cannot be found.`, 404);
  return { Role: { RoleName, Arn: role.arn, Path: "/", RoleId: "AROA1", CreateDate: "2026-11-25T12:00:00.000Z",
    AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify(role.trust ?? {})) } };
}

export const roleAnswers = { "iam.GetRole": getRole };

export const roleControls = {
  "POST /__test/roles": (given) => {
    for (const role of given.roles ?? []) roles.set(role.arn, role);
    if (given.caller) caller = given.caller;
    strict = given.strict ?? strict;
  },
  "GET /__test/refusals": () => refusals,
};
