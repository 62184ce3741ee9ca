// Whether a policy lets CloudFormation make, change or delete what a template resolves to, in the name of
// whoever has it. → findings, "Resource: action on ARN"
import { needsOfResource } from "../../servers/aws_resource_needs.mjs";
import { decide } from "./iam.mjs";
import { resolve } from "./resolve.mjs";

// What stays when its stack is deleted is deleted only when its creation is rolled back.
const stays = ({ DeletionPolicy }, act) => act === "delete" && /^Retain/.test(DeletionPolicy ?? "");

export async function made({ template, parameters, place, policy, act }) {
  const { resources } = resolve(template, parameters, place);
  const findings = [];
  for (const [id, resource] of Object.entries(resources)) {
    if (stays(resource, act)) continue;
    for (const { action, resource: arn, context } of needsOfResource({ id, ...resource }, act === "roll back" ? "delete" : act, place)) {
      const verdict = await decide({ principal: `arn:aws:iam::${place.account}:role/deployer`, action, resource: arn,
        account: place.account, context, policies: [policy] });
      if (verdict !== "Allowed") findings.push(`${id}: ${action} on ${arn}`);
    }
  }
  return findings;
}
