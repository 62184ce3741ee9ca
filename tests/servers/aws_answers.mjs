// Plausible answers of the services that have no server of their own in npm. Little state: what a
// test must see again (weights) and nothing more; jobs and task tokens are in aws_workflows.mjs,
// endpoints whose variants differ in aws_endpoints.mjs.
import { createHash } from "node:crypto";
import { accessPointAnswers, resetAccessPoints } from "./aws_access_points.mjs";
import { resetEndpoints, withEndpoints } from "./aws_endpoints.mjs";
import { estateAnswers, resetEstate } from "./aws_estate.mjs";
import { withHosting } from "./aws_hosting.mjs";
import { begin, resetRoles, roleAnswers, roleControls } from "./aws_roles.mjs";
import { resetStacks, stackAnswers } from "./aws_stacks.mjs";
import { resetVision, visionAnswers } from "./aws_vision.mjs";
import { page, resetWorkflows, ServiceError, workflowAnswers } from "./aws_workflows.mjs";

export { ServiceError };

const account = "111122223333";
const arn = (service, rest) => `arn:aws:${service}:eu-west-1:${account}:${rest}`;

let state;
export function reset() {
  resetWorkflows();
  resetEndpoints();
  resetStacks();
  resetEstate();
  resetAccessPoints();
  resetRoles();
  state = { assumed: {}, weights: { a: 0.7, b: 0.3 }, packages: {}, tokens_used: new Set() };
}
reset();

// What an assumed role's keys are; the front derives the secret and token from the key id again.
export function vendedKeys(keyId) {
  const secret = createHash("sha256").update(`secret of ${keyId}`).digest("base64").slice(0, 40);
  return { AccessKeyId: keyId, SecretAccessKey: secret, SessionToken: `token+of/${keyId}==` };
}

function assume({ RoleArn, RoleSessionName, ExternalId, DurationSeconds }, keyId) {
  if (/needs-external-id/.test(RoleArn) && ExternalId !== "partner-7")
    throw new ServiceError("AccessDenied", `not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`, 403);
  const seconds = Number(DurationSeconds ?? 3600);
  const own = begin(RoleArn);
  state.assumed[keyId ?? own] = RoleArn.split(":")[4];
  return {
    Credentials: {
      ...vendedKeys(keyId ?? own),
      Expiration: new Date(Date.now() + seconds * 1000).toISOString(),
    },
    AssumedRoleUser: {
      AssumedRoleId: `AROA:${RoleSessionName}`,
      Arn: RoleArn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + `/${RoleSessionName}`,
    },
  };
}

const all = withHosting(withEndpoints({
  ...workflowAnswers,
  ...visionAnswers,
  ...stackAnswers,
  ...estateAnswers,
  ...roleAnswers,
  ...accessPointAnswers,
  "sagemaker.DescribeEndpoint": ({ EndpointName }) => ({
    EndpointName, EndpointArn: arn("sagemaker", `endpoint/${EndpointName}`), EndpointConfigName: "c",
    EndpointStatus: "InService", CreationTime: 1795435200, LastModifiedTime: 1795435200,
    ProductionVariants: Object.entries(state.weights).map(([VariantName, weight]) => ({
      VariantName, CurrentWeight: weight, DesiredWeight: weight, CurrentInstanceCount: 1 })),
  }),
  "sagemaker.UpdateEndpointWeightsAndCapacities": ({ EndpointName, DesiredWeightsAndCapacities }) => {
    for (const { VariantName, DesiredWeight } of DesiredWeightsAndCapacities) state.weights[VariantName] = DesiredWeight;
    return { EndpointArn: arn("sagemaker", `endpoint/${EndpointName}`) };
  },
  "sagemaker.CreateModelPackage": (input) => {
    const group = input.ModelPackageGroupName;
    const known = Object.values(state.packages).find(({ ClientToken }) => ClientToken && ClientToken === input.ClientToken);
    if (known) return { ModelPackageArn: known.ModelPackageArn };
    const count = Object.keys(state.packages).length;
    const ModelPackageArn = arn("sagemaker", `model-package/${group}/${count + 1}`);
    state.packages[ModelPackageArn] = { ...input, ModelPackageArn };
    return { ModelPackageArn };
  },
  "sagemaker.UpdateModelPackage": ({ ModelPackageArn, ...changes }) => {
    if (!state.packages[ModelPackageArn]) throw new ServiceError("ValidationException", "ModelPackage does not exist");
    Object.assign(state.packages[ModelPackageArn], changes);
    return { ModelPackageArn };
  },
  "sagemaker.ListModelPackages": (input) => {
    const all = Array.from({ length: 7 }, (_, i) => ({
      ModelPackageGroupName: input.ModelPackageGroupName, ModelPackageVersion: i + 1,
      ModelPackageArn: arn("sagemaker", `model-package/g/${i + 1}`), CreationTime: 1795435200 + i,
      ModelPackageStatus: "Completed", ModelApprovalStatus: "Approved" }));
    return page(all, input, "ModelPackageSummaryList", 10);
  },
  "sagemaker.DescribeModelPackage": ({ ModelPackageName }) => ({
    ModelPackageName, ModelPackageArn: ModelPackageName, CreationTime: 1795435200, ModelPackageStatus: "Completed",
    ModelPackageStatusDetails: { ValidationStatuses: [] }, ...state.packages[ModelPackageName] }),
  "cloudwatch.GetMetricStatistics": ({ MetricName }) => ({
    Label: MetricName,
    Datapoints: [{ Timestamp: 1795435260, Sum: 12, Unit: "None" }, { Timestamp: 1795435200, Sum: 0.5, Unit: "None" }],
  }),
  "cloudwatch.GetMetricData": (input) => ({
    ...page(input.MetricDataQueries.map(({ Id }) => ({
      Id, Label: Id, StatusCode: "Complete", Timestamps: [1795435200], Values: [1.5] })),
      { NextToken: input.NextToken, MaxResults: 1 }, "MetricDataResults"), Messages: [] }),
  "cloudwatch.PutMetricData": () => ({}),
  "sts.AssumeRole": (input) => assume(input),
  "sts.AssumeRoleWithWebIdentity": (input) => {
    if (input.WebIdentityToken !== "a web identity token")
      throw new ServiceError("InvalidIdentityToken", "No OpenIDConnect provider found");
    return { ...assume(input), SubjectFromWebIdentityToken: "subject" };
  },
  "sts.GetCallerIdentity": (_, { keyId }) => ({ UserId: keyId, Account: state.assumed[keyId] ?? account,
    Arn: arn("iam", `user/${keyId}`) }),
  "eventbridge.PutEvents": ({ Entries }) => {
    const results = Entries.map(({ Detail, DetailType }, i) => {
      const failed = DetailType === "always fails"
        || (DetailType === "fails once" && !state.tokens_used.has(Detail) && state.tokens_used.add(Detail));
      return failed ? { ErrorCode: "InternalFailure", ErrorMessage: "try again" } : { EventId: `e-${i}` };
    });
    return { FailedEntryCount: results.filter((r) => r.ErrorCode).length, Entries: results };
  },
  "appconfigdata.StartConfigurationSession": () => ({ InitialConfigurationToken: "token+1/=" }),
  "appconfigdata.GetLatestConfiguration": ({ ConfigurationToken }) => {
    const [, number] = /^token\+(\d)\/=$/.exec(ConfigurationToken) ?? [];
    if (!number || state.tokens_used.has(number)) throw new ServiceError("BadRequestException", "Request token is not valid");
    state.tokens_used.add(number);
    return { headers: { "Next-Poll-Configuration-Token": `token+${Number(number) + 1}/=`,
      "Next-Poll-Interval-In-Seconds": "60", "Version-Label": "v7", "Content-Type": "text/plain" },
      body: number === "1" ? "threshold = 20" : "" };
  },
  "sagemaker_runtime.InvokeEndpoint": ({ EndpointName, Body, ContentType, TargetVariant }) => {
    if (EndpointName === "broken")
      throw new ServiceError("ModelError", "Received server error (500) from primary", 424,
        { OriginalStatusCode: 500, OriginalMessage: "out of memory", LogStreamArn: arn("logs", "x") });
    if (EndpointName === "warming") throw new ServiceError("ModelNotReadyException", "not ready", 429);
    return { headers: { "Content-Type": ContentType ?? "application/octet-stream",
      "x-Amzn-Invoked-Production-Variant": TargetVariant ?? "a",
      "X-Amzn-SageMaker-New-Session-Id": "s-1; Expires=2026-11-23T12:00:00Z" }, body: Buffer.from(Body, "latin1") };
  },
}));

// The keys that a service gives to what it runs in a role, as Lambda does.
export const answerControls = {
  ...roleControls,
  "POST /__test/roles/keys": ({ arn: role }) => {
    const keyId = begin(role);
    state.assumed[keyId] = role.split(":")[4];
    return vendedKeys(keyId);
  },
};

// Each act(input, { account, region, keyId }): where the request's credentials are at home.
export const answers = Object.fromEntries(Object.entries(all).map(([name, act]) => [name, (input, signer) =>
  act(input, { keyId: signer?.keyId, region: signer?.region, account: state.assumed[signer?.keyId] ?? account })]));
