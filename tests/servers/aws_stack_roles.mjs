// The roles that deployed stacks made, as aws_roles.mjs judges by them: their policies, their boundary and who may
// take them, resolved from the templates.
import { policiesOf } from "../oracles/templates/iam.mjs";

function* resourcesOf(stacks, account, type) {
  for (const stack of stacks) {
    if (stack.account !== account || stack.status === "DELETE_COMPLETE") continue;
    for (const [id, resource] of Object.entries(stack.resources ?? {}))
      if (resource.Type === type) yield { stack, id, resource };
  }
}

// A managed policy with a name of its own, by its ARN.
function managedPolicy(stacks, arn) {
  const [, account, name] = /::(\d+):policy\/(.+)$/.exec(arn) ?? [];
  for (const { resource } of resourcesOf(stacks, account, "AWS::IAM::ManagedPolicy"))
    if (resource.Properties.ManagedPolicyName === name) return resource.Properties.PolicyDocument;
  throw new Error(`the boundary ${arn} is in no stack`);
}

// roleIn(stacks, arn) → { arn, policies, boundary, trust }, or nothing
export function roleIn(stacks, arn) {
  const [, account, name] = /::(\d+):role\/(.+)$/.exec(arn) ?? [];
  for (const { stack, id, resource } of resourcesOf(stacks, account, "AWS::IAM::Role")) {
    const { RoleName = `${stack.name}-${id}-1A2B3C`, AssumeRolePolicyDocument, PermissionsBoundary } = resource.Properties;
    if (RoleName !== name) continue;
    return { arn, policies: policiesOf(resource, stack.resources), trust: AssumeRolePolicyDocument,
      boundary: PermissionsBoundary && managedPolicy(stacks, PermissionsBoundary) };
  }
  return undefined;
}
