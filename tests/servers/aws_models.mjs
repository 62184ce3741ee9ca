// AWS's own service models, as npm `aws-sdk` v2 carries them: which operation a request is, and
// whether it has the shape that the service demands.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const folder = join(dirname(createRequire(import.meta.url).resolve("aws-sdk/package.json")), "apis");

// Service (as weir's clients name it) → file of its model.
const files = {
  appconfigdata: "appconfigdata-2021-11-11",
  autoscaling: "application-autoscaling-2016-02-06",
  bedrock_runtime: "bedrock-runtime-2023-09-30",
  cloudformation: "cloudformation-2010-05-15",
  cloudwatch: "monitoring-2010-08-01",
  dynamodb: "dynamodb-2012-08-10",
  ec2: "ec2-2016-11-15",
  eventbridge: "eventbridge-2015-10-07",
  iam: "iam-2010-05-08",
  lambda: "lambda-2015-03-31",
  logs: "logs-2014-03-28",
  rekognition: "rekognition-2016-06-27",
  s3: "s3-2006-03-01",
  s3control: "s3control-2018-08-20",
  sagemaker: "sagemaker-2017-07-24",
  sagemaker_runtime: "runtime.sagemaker-2017-05-13",
  scheduler: "scheduler-2021-06-30",
  ssm: "ssm-2014-11-06",
  stepfunctions: "states-2016-11-23",
  sts: "sts-2011-06-15",
  tagging: "resourcegroupstaggingapi-2017-01-26",
};

// Operations that are younger than aws-sdk v2, shaped as its models are.
const younger = {
  cloudformation: {
    DescribeEvents: {
      input: { type: "structure", members: { StackName: {}, ChangeSetName: {}, OperationId: {}, NextToken: {},
        Filters: { type: "structure", members: { FailedEvents: { type: "boolean" } } } } },
      output: { resultWrapper: "DescribeEventsResult", type: "structure", members: {} },
    },
  },
};

const loaded = {};
export function model(service) {
  if (!loaded[service]) {
    loaded[service] = JSON.parse(readFileSync(join(folder, `${files[service]}.min.json`)));
    Object.assign(loaded[service].operations, younger[service]);
  }
  return loaded[service];
}

// CloudWatch's model knows the query protocol only; the service also speaks JSON under this prefix.
const CLOUDWATCH_PREFIX = "GraniteServiceVersion20100801";

export class Refusal extends Error {
  constructor(code, message, status = 400) {
    super(message);
    Object.assign(this, { code, status });
  }
}

function byTarget(request) {
  const [prefix, operation] = (request.headers["x-amz-target"] ?? "").split(".");
  for (const service of Object.keys(files)) {
    const { metadata, operations } = model(service);
    const expected = service === "cloudwatch" ? CLOUDWATCH_PREFIX : metadata.targetPrefix;
    if (expected !== prefix) continue;
    if (!operations[operation]) throw new Refusal("UnknownOperationException", `${service} ${operation}`);
    const version = service === "cloudwatch" ? "1.0" : metadata.jsonVersion;
    if (request.headers["content-type"] !== `application/x-amz-json-${version}`)
      throw new Refusal("SerializationException", `${service} wants application/x-amz-json-${version}`);
    if (request.method !== "POST" || request.url !== "/")
      throw new Refusal("UnknownOperationException", "JSON operations are POST /");
    return { service, operation };
  }
  throw new Refusal("UnknownOperationException", `no service has the target prefix ${prefix}`);
}

function matchUri(template, path) {
  const names = [];
  const pattern = template.split("?")[0].replace(/[.]/g, "\\.").replace(/\{(\w+)(\+?)\}/g, (_, name, greedy) => {
    names.push(name);
    return greedy ? "(.+)" : "([^/]+)";
  });
  const found = new RegExp(`^${pattern}$`).exec(path);
  return found && Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1])]));
}

function byUri(service, request, path, query) {
  let best;
  for (const [operation, { http = {}, input = {} }] of Object.entries(model(service).operations)) {
    if ((http.method ?? "POST") !== request.method) continue;
    const labels = matchUri(http.requestUri ?? "/", path);
    if (!labels) continue;
    const fixed = new URLSearchParams((http.requestUri ?? "").split("?")[1] ?? "");
    const fits = [...fixed].every(([name, value]) => query.has(name) && (!value || query.get(name) === value));
    const required = (input.required ?? []).map((m) => input.members[m] ?? {});
    const needed = required.filter((m) => m.location === "querystring");
    const complete = needed.every((m) => query.has(m.locationName))
      && required.every((m) => m.location !== "header" || request.headers[m.locationName.toLowerCase()] !== undefined);
    const weight = [...fixed].length * 10 + needed.length;
    if (fits && complete && (!best || weight > best.weight)) best = { service, operation, labels, fixed, weight };
  }
  if (!best) throw new Refusal("UnknownOperationException", `${service} has no ${request.method} ${path}`, 404);
  return best;
}

const byScope = {
  sagemaker: "sagemaker_runtime", appconfig: "appconfigdata", bedrock: "bedrock_runtime", s3: "s3", lambda: "lambda",
  scheduler: "scheduler",
};

function headerMembers(input, headers) {
  const found = {};
  for (const [member, { location, locationName }] of Object.entries(input.members ?? {}))
    if (location === "header" && headers[locationName.toLowerCase()] !== undefined)
      found[member] = headers[locationName.toLowerCase()];
  return found;
}

// A label of the path may have another name than its member.
function memberOfLabel(input, label) {
  const found = Object.entries(input.members ?? {}).find(([, m]) => m.location === "uri" && m.locationName === label);
  return found?.[0] ?? label;
}

function readRest(found, request, query) {
  const { operations } = model(found.service);
  const { input = {} } = operations[found.operation];
  const labels = Object.entries(found.labels).map(([label, value]) => [memberOfLabel(input, label), value]);
  const members = { ...Object.fromEntries(labels), ...headerMembers(input, request.headers) };
  const names = Object.entries(input.members ?? {}).filter(([, m]) => m.location === "querystring");
  for (const [name, value] of query) {
    const known = names.find(([, m]) => m.locationName === name);
    if (known) members[known[0]] = value;
    else if (!found.fixed.has(name) && name !== "x-id")
      throw new Refusal("ValidationException", `unknown query parameter ${name}`);
  }
  if (found.service === "s3control") Object.assign(members, readPolicy(request.body.toString("utf8")));
  else if (input.payload) members[input.payload] = request.body.toString("latin1");
  else if (found.service !== "s3" && request.body.length) Object.assign(members, parseJson(request.body));
  return members;
}

const unescape = (text) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  .replace(/&quot;/g, '"').replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

function readPolicy(body) {
  const [, policy] = /^<PutAccessPointPolicyRequest xmlns="http:\/\/awss3control\.amazonaws\.com\/doc\/2018-08-20\/"><Policy>([^<]*)<\/Policy><\/PutAccessPointPolicyRequest>$/.exec(body) ?? [];
  if (body && policy === undefined) throw new Refusal("MalformedXML", "The XML you provided was not well-formed");
  return policy === undefined ? {} : { Policy: unescape(policy) };
}

function parseJson(body) {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (problem) {
    throw new Refusal("SerializationException", problem.message);
  }
}

// "A.member.1.B=x" → { A: { member: { 1: { B: "x" } } } }
function readNested(body) {
  const input = {};
  for (const [name, value] of new URLSearchParams(body.toString("utf8"))) {
    let at = input;
    const path = name.split(".");
    path.forEach((part, i) => {
      at[part] = i === path.length - 1 ? value : (at[part] ?? {});
      at = at[part];
    });
  }
  return input;
}

// … → { A: [{ B: "x" }] }
function readForm(body) {
  const lists = (value) => {
    if (typeof value !== "object") return value;
    if (value.member) return Object.values(value.member).map(lists);
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, lists(v)]));
  };
  return lists(readNested(body));
}

// EC2's lists are "A.1.B=x", and its names in the form are the model's with a capital letter.
function readEc2Value(reference, value, shapes) {
  const shape = reference.shape ? { ...shapes[reference.shape], ...reference } : reference;
  if (shape.type === "list") return Object.values(value).map((item) => readEc2Value(shape.member, item, shapes));
  if (!shape.members || typeof value !== "object") return value;
  const found = {};
  for (const [name, item] of Object.entries(value)) {
    const member = Object.entries(shape.members).find(([own, { locationName = own, queryName }]) =>
      name === (queryName ?? locationName[0].toUpperCase() + locationName.slice(1)));
    if (!member) throw new Refusal("UnknownParameter", `The parameter ${name} is not recognized`);
    found[member[0]] = readEc2Value(member[1], item, shapes);
  }
  return found;
}

function readEc2(request) {
  const { Action, Version, ...input } = readNested(request.body);
  const { metadata, operations, shapes } = model("ec2");
  if (!operations[Action]) throw new Refusal("InvalidAction", `ec2 ${Action}`);
  if (Version !== metadata.apiVersion) throw new Refusal("InvalidAction", `version ${Version}`);
  return { service: "ec2", operation: Action, input: readEc2Value(operations[Action].input, input, shapes) };
}

function readQuery(service, request) {
  const { Action, Version, ...input } = readForm(request.body);
  const { metadata, operations } = model(service);
  if (!operations[Action]) throw new Refusal("InvalidAction", `${service} ${Action}`);
  if (Version !== metadata.apiVersion) throw new Refusal("InvalidAction", `version ${Version}`);
  return { service, operation: Action, input };
}

// identify(request, scope) → { service, operation, input }; scope is the service that was signed for.
export function identify(request, scope) {
  if (request.headers["x-amz-target"]) {
    const found = byTarget(request);
    const { metadata } = model(found.service);
    const signed = metadata.signingName ?? metadata.endpointPrefix.replace(/^.*\./, "");
    if (scope !== signed) throw new Refusal("InvalidSignatureException", `${found.service} is signed as ${signed}`, 403);
    return { ...found, input: parseJson(request.body) };
  }
  if (/^application\/x-www-form-urlencoded/.test(request.headers["content-type"] ?? ""))
    return scope === "ec2" ? readEc2(request) : readQuery(["cloudformation", "iam"].includes(scope) ? scope : "sts", request);
  const service = scope === "s3" && request.url.startsWith("/v20180820/") ? "s3control" : byScope[scope];
  if (!service) throw new Refusal("UnknownOperationException", `nothing is signed as ${scope}`);
  const { pathname, searchParams } = new URL(request.url, "http://x");
  const path = service === "s3" ? s3Path(request, pathname) : pathname;
  const found = byUri(service, request, path, searchParams);
  return { ...found, input: readRest(found, request, searchParams) };
}

// The model's paths begin with the bucket; a virtual host's do not.
function s3Path(request, pathname) {
  const label = /^([a-z0-9-]+)\.(?:s3\.)?localhost(?::\d+)?$/.exec(request.headers.host ?? "");
  const path = label && label[1] !== "s3" ? `/${label[1]}${pathname}` : pathname;
  return /^\/[^/]+\/$/.test(path) ? path.slice(0, -1) : path;
}

const scalars = {
  string: (v) => typeof v === "string",
  character: (v) => typeof v === "string",
  blob: (v) => typeof v === "string",
  integer: (v) => Number.isInteger(v) || /^-?\d+$/.test(v),
  long: (v) => Number.isInteger(v) || /^-?\d+$/.test(v),
  double: (v) => typeof v === "number",
  float: (v) => typeof v === "number",
  boolean: (v) => typeof v === "boolean" || v === "true" || v === "false",
  timestamp: (v) => typeof v === "number" || /^\d{4}-\d\d-\d\dT/.test(v) || /^\w{3}, \d\d /.test(v),
};

function checkMembers(shape, value, path, shapes) {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Refusal("SerializationException", `${path} must be a structure`);
  for (const name of shape.required ?? [])
    if (value[name] === undefined) throw new Refusal("ValidationException", `${path}.${name} is required`);
  for (const [name, member] of Object.entries(value)) {
    if (!shape.members[name]) throw new Refusal("ValidationException", `${path}.${name} is not a member`);
    check(shape.members[name], member, `${path}.${name}`, shapes);
  }
}

// Refuses a value that does not have the shape, naming the place.
function check(shape, value, path, shapes) {
  const resolved = shape.shape ? { ...shapes[shape.shape], ...shape } : shape;
  const type = resolved.type ?? (resolved.members ? "structure" : "string");
  if (resolved.document || resolved.jsonvalue) return;
  if (type === "structure") checkMembers(resolved, value, path, shapes);
  else if (type === "list" && value === "") return; // an empty list in a form
  else if (type === "list") {
    if (!Array.isArray(value)) throw new Refusal("SerializationException", `${path} must be a list`);
    value.forEach((item, i) => check(resolved.member, item, `${path}[${i}]`, shapes));
  } else if (type === "map") {
    for (const [key, item] of Object.entries(value)) check(resolved.value, item, `${path}.${key}`, shapes);
  } else if (!scalars[type](value)) throw new Refusal("SerializationException", `${path} must be of type ${type}`);
}

export function validate({ service, operation, input }) {
  const { operations, shapes } = model(service);
  const shape = operations[operation].input;
  // S3's XML bodies are the business of the S3 server behind.
  if (service === "s3") return;
  check({ type: "structure", members: {}, ...(shape ?? {}) }, input, operation, shapes);
}
