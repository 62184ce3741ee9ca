// Transform jobs and task tokens as SageMaker and Step Functions keep them: names are unique for ever,
// tags come in pages, a token takes one answer. Jobs end, and tokens become valid, when a test says so:
//
//   POST /__test/tokens    { waiting: [token, …] }  tasks that wait; { over: […] }  tasks that no longer do
//   GET  /__test/answered  [{ token: SHA-256 in hex, kind, output, error, cause }, …] in order
//   POST /__test/jobs      { name: { status, reason, tags } }
//   GET  /__test/jobs      { name: { status, tags: [key, …] } }
//
// Until a test registers a token, every token is a new one (for the tests of the clients).
import { createHash } from "node:crypto";

const arnOf = (name) => `arn:aws:sagemaker:eu-west-1:111122223333:transform-job/${name}`;

export class ServiceError extends Error {
  constructor(code, message, status = 400, fields = {}) {
    super(message);
    Object.assign(this, { code, status, fields });
  }
}

let jobs, tokens, strict, answered;
export function resetWorkflows() {
  [jobs, tokens, strict, answered] = [new Map(), new Map(), false, []];
}
resetWorkflows();

// Step Functions ---------------------------------------------------------------------------------

function checkToken(taskToken) {
  if (taskToken.length < 3 || taskToken.length > 2048)
    throw new ServiceError("InvalidToken", `Invalid Token: '${taskToken}'`);
  if (taskToken === "unknown" || (strict && !tokens.has(taskToken)))
    throw new ServiceError("TaskDoesNotExist", `Task does not exist: '${taskToken}'`);
  if (tokens.get(taskToken) === "over")
    throw new ServiceError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
}

function answerToken(kind, { taskToken, ...answer }) {
  checkToken(taskToken);
  tokens.set(taskToken, "over");
  answered.push({ token: createHash("sha256").update(taskToken).digest("hex"), kind, ...answer });
  return {};
}

// SageMaker --------------------------------------------------------------------------------------

function invalid(message) {
  throw new ServiceError("ValidationException", message);
}

function checkTags(tags) {
  for (const { Key, Value } of tags) {
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(Key)) invalid(`Value '${Key}' at 'tags.key' failed to satisfy constraint`);
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(Value))
      invalid(`1 validation error detected: Value '${Value}' at 'tags.value' failed to satisfy constraint`);
  }
}

function create({ Tags = [], ...input }) {
  const name = input.TransformJobName;
  if (!/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/.test(name)) invalid(`Value '${name}' at 'transformJobName' failed to satisfy constraint`);
  checkTags(Tags);
  if (Tags.length > 50) invalid("too many tags");
  if (jobs.has(name)) throw new ServiceError("ResourceInUse", "Job name must be unique within an AWS account and region");
  jobs.set(name, { input, status: "InProgress", tags: new Map(Tags.map(({ Key, Value }) => [Key, Value])) });
  return { TransformJobArn: arnOf(name) };
}

function describe({ TransformJobName }) {
  const job = jobs.get(TransformJobName) ?? invalid("Could not find requested job with name: " + TransformJobName);
  return { ...job.input, TransformJobArn: arnOf(TransformJobName), TransformJobStatus: job.status, CreationTime: 1795435200.5,
    ...(job.reason === undefined ? {} : { FailureReason: job.reason }) };
}

// One page of a list, from the place that the token names.
export function page(items, { NextToken, MaxResults }, name, fallback = 50) {
  const from = Number(NextToken ?? 0);
  const to = from + Number(MaxResults ?? fallback);
  return { [name]: items.slice(from, to), ...(to < items.length ? { NextToken: String(to) } : {}) };
}

// Small pages: a service may give fewer tags than were asked for.
function listTags(input) {
  if (input.MaxResults !== undefined && input.MaxResults < 50) invalid("MaxResults must be at least 50");
  const job = [...jobs].find(([name]) => arnOf(name) === input.ResourceArn)?.[1];
  if (job) return page([...job.tags].map(([Key, Value]) => ({ Key, Value })), { NextToken: input.NextToken }, "Tags", 1);
  return page(Array.from({ length: 120 }, (_, i) => ({ Key: `k${i}`, Value: String(i) })), input, "Tags");
}

function addTags({ ResourceArn, Tags }) {
  checkTags(Tags);
  const [, job] = [...jobs].find(([name]) => arnOf(name) === ResourceArn) ?? invalid("no such resource");
  for (const { Key, Value } of Tags) job.tags.set(Key, Value);
  return { Tags };
}

// The stack that a job's tag names.
export const stackOfJob = (name) => jobs.get(name)?.tags.get("weir:stack");

function stopJob({ TransformJobName: name }) {
  const job = jobs.get(name) ?? invalid("Could not find requested job with name: " + name);
  if (job.status !== "InProgress")
    invalid(`The request was rejected because the transform job is in status ${job.status}.`);
  job.status = "Stopping";
  return {};
}

function listJobs(input) {
  const summaries = [...jobs].filter(([name, { status }]) => name.includes(input.NameContains ?? "")
    && (!input.StatusEquals || status === input.StatusEquals)).map(([name, { status }]) => ({
    TransformJobName: name, TransformJobArn: arnOf(name), CreationTime: 1795435200, TransformJobStatus: status }));
  return page(summaries, input, "TransformJobSummaries", 10);
}

export const workflowAnswers = {
  "stepfunctions.SendTaskSuccess": (input) => {
    JSON.parse(input.output);
    return answerToken("success", input);
  },
  "stepfunctions.SendTaskFailure": (input) => answerToken("failure", input),
  "stepfunctions.SendTaskHeartbeat": ({ taskToken }) => {
    if (strict) checkToken(taskToken);
    return {};
  },
  "sagemaker.CreateTransformJob": create,
  "sagemaker.DescribeTransformJob": describe,
  "sagemaker.StopTransformJob": stopJob,
  "sagemaker.ListTransformJobs": listJobs,
  "sagemaker.ListTags": listTags,
  "sagemaker.AddTags": addTags,
};

export const workflowControls = {
  "POST /__test/tokens": ({ waiting = [], over = [] }) => {
    strict = true;
    for (const token of waiting) tokens.set(token, "waiting");
    for (const token of over) tokens.set(token, "over");
  },
  "GET /__test/answered": () => answered,
  "POST /__test/jobs": (changes) => {
    for (const [name, { tags, ...change }] of Object.entries(changes)) {
      if (!jobs.has(name)) jobs.set(name, { input: { TransformJobName: name, ModelName: "m" }, tags: new Map() });
      Object.assign(jobs.get(name), change, tags ? { tags: new Map(Object.entries(tags)) } : {});
    }
  },
  "GET /__test/jobs": () => Object.fromEntries([...jobs].map(([name, { status, tags }]) => [name, { status, tags: [...tags.keys()] }])),
};
