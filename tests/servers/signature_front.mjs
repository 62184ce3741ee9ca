// The one door to every service of the tests: recomputes each request's signature with
// `@smithy/signature-v4`, checks the request against AWS's model, and only then lets it through to
// dynalite, s3rver or aws.mjs. It also breaks things on request.
//
//   POST /__test/faults    [{ kind, … }, …]  the next requests fail, in this order (see `faults`)
//   POST /__test/answers   { "service.Operation": [{ status, headers, body }, …] }
//   POST /__test/clock     { offset_s }      the services' clock
//   POST /__test/scan      { TableName }     every item of a table, in DynamoDB's JSON
//   POST /__test/parameters { name: value }  parameters of SSM
//   POST /__test/plain_buckets  [name, …]    buckets of s3rver, which stay after a reset
//   POST /__test/reset
//   GET  /__test/requests  what came since the last reset; aws_workflows.mjs and
//                          aws_endpoints.mjs have more
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../support/sha256.mjs";
import { answer, answerBucket, queueAnswers, refuse, resetAnswers } from "./aws.mjs";
import { answerControls, vendedKeys } from "./aws_answers.mjs";
import { accessPoint, accessPointControls } from "./aws_access_points.mjs";
import { isVersioned } from "./aws_buckets.mjs";
import { endpointControls } from "./aws_endpoints.mjs";
import { estateControls, tablesMadeBy } from "./aws_estate.mjs";
import { identify, Refusal, validate } from "./aws_models.mjs";
import { judge } from "./aws_roles.mjs";
import { stackControls } from "./aws_stacks.mjs";
import { visionControls } from "./aws_vision.mjs";
import { workflowControls } from "./aws_workflows.mjs";
import { announce } from "./lifetime.mjs";
import { writeWhole } from "./whole_writes.mjs";

const require = createRequire(import.meta.url);
const test = { keyId: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const ALLOWED_SKEW_MS = 5 * 60000;

let queue = [];
let seen = [];
let clockOffsetMs = 0;
let counter = 0;

function credentialsFor(keyId) {
  if (keyId === test.keyId) return { accessKeyId: keyId, secretAccessKey: test.secret };
  if (!/^ASIA/.test(keyId)) throw new Refusal("UnrecognizedClientException", "The security token is invalid", 403);
  const { SecretAccessKey, SessionToken } = vendedKeys(keyId);
  return { accessKeyId: keyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

function parseAuthorization(header) {
  const found = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
    .exec(header ?? "");
  if (!found) throw new Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  const [, keyId, day, region, scope, signed, signature] = found;
  return { keyId, day, region, scope, signed: signed.split(";"), signature };
}

function checkSignedHeaders(request, signed) {
  const must = Object.keys(request.headers).filter((name) => /^(host|content-type)$|^x-amz-/.test(name));
  for (const name of must)
    if (!signed.includes(name)) throw new Refusal("SignatureDoesNotMatch", `${name} must be signed`, 403);
}

function checkPayload(request, scope) {
  const announced = request.headers["x-amz-content-sha256"];
  if (scope === "s3" && !announced) throw new Refusal("MissingSecurityHeader", "x-amz-content-sha256", 400);
  const actual = createHash("sha256").update(request.body).digest("hex");
  if (announced && announced !== actual)
    throw new Refusal("XAmzContentSHA256Mismatch", "The provided hash does not match what was computed", 400);
}

async function recompute(request, { keyId, region, scope, signed }) {
  const credentials = credentialsFor(keyId);
  if (credentials.sessionToken && request.headers["x-amz-security-token"] !== credentials.sessionToken)
    throw new Refusal("UnrecognizedClientException", "The security token is invalid", 403);
  const url = new URL(request.url, "http://x");
  const query = {};
  for (const [name, value] of url.searchParams) query[name] = value;
  const time = request.headers["x-amz-date"].replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z");
  const signer = new SignatureV4({ service: scope, region, credentials, sha256: Sha256,
    uriEscapePath: scope !== "s3", applyChecksum: false });
  const headers = Object.fromEntries(signed.map((name) => [name, request.headers[name] ?? ""]));
  const result = await signer.sign(
    { method: request.method, path: request.url.split("?")[0], query, headers, body: request.body,
      protocol: "http:", hostname: "x" },
    { signingDate: new Date(time) });
  return { signature: parseAuthorization(result.headers.authorization).signature, time: new Date(time) };
}

async function checkSignature(request) {
  const given = parseAuthorization(request.headers.authorization);
  checkSignedHeaders(request, given.signed);
  checkPayload(request, given.scope);
  const { signature, time } = await recompute(request, given);
  const skewed = Math.abs(time - (Date.now() + clockOffsetMs)) > ALLOWED_SKEW_MS;
  if (signature !== given.signature || skewed) {
    const code = given.scope === "s3" ? (skewed ? "RequestTimeTooSkewed" : "SignatureDoesNotMatch") : "InvalidSignatureException";
    throw new Refusal(code, skewed ? "Signature expired" : "The request signature we calculated does not match", 403);
  }
  return given;
}

// The servers behind -----------------------------------------------------------------------------

const dynalite = require("dynalite")({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
const folder = mkdtempSync(join(tmpdir(), "weir-s3-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
const S3rver = require("s3rver");
const s3rver = writeWhole(new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory: folder,
  allowMismatchedSignatures: true, vhostBuckets: false,
  configureBuckets: [{ name: "bucket" }, { name: "point-111122223333" }, { name: "with.dots" }] }));

function forward(port, request, headers) {
  return new Promise((resolve, reject) => {
    const onward = http.request({ port, host: "127.0.0.1", method: request.method, path: request.url, headers }, (reply) => {
      const chunks = [];
      reply.on("data", (chunk) => chunks.push(chunk));
      reply.on("end", () => {
        const { connection, "keep-alive": _, date, ...rest } = reply.headers;
        resolve({ status: reply.statusCode, headers: rest, body: Buffer.concat(chunks) });
      });
    });
    onward.on("error", reject);
    onward.end(request.body);
  });
}

// S3 writes and reads whole objects; s3rver does when it has one request at a time.
let turn = Promise.resolve();
function inTurn(action) {
  const mine = turn.then(action);
  turn = mine.catch(() => {});
  return mine;
}

// s3rver knows one key, the right time, and buckets in the path only.
function toS3(request, found) {
  const headers = { ...request.headers, host: `127.0.0.1:${ports.s3}` };
  headers.authorization = headers.authorization.replace(/Credential=[^/]+/, "Credential=S3RVER");
  headers["x-amz-date"] = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  delete headers["x-amz-security-token"];
  const label = /^([a-z0-9-]+)\.localhost/.exec(request.headers.host);
  const point = accessPoint(found.input.Bucket);
  const own = label ? `/${label[1]}${request.url}` : request.url;
  const url = point ? own.replace(`/${found.input.Bucket}`, `/${point.bucket}`) : own;
  return inTurn(() => found.operation === "PutObject" && headers["if-none-match"] === "*"
    ? createOnly({ ...request, url }, headers) : forward(ports.s3, { ...request, url }, headers));
}

// s3rver does not know conditional writes.
async function createOnly(request, headers) {
  const reader = { host: headers.host };
  const { status } = await forward(ports.s3, { ...request, method: "HEAD", body: "" }, reader);
  if (status !== 200) return forward(ports.s3, request, headers);
  return { status: 412, headers: { "Content-Type": "application/xml" },
    body: "<Error><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you specified did not hold</Message></Error>" };
}

const ports = {};

// CloudFormation fetches a template by itself.
async function withTemplate(found) {
  const [, bucket, key] = /^https:\/\/([^.]+)\.s3\.[a-z0-9-]+\.amazonaws\.com\/(.+)$/.exec(found.input.TemplateURL ?? "") ?? [];
  if (!bucket) return found;
  const headers = { host: `127.0.0.1:${ports.s3}` };
  const { status, body } = await inTurn(() => forward(ports.s3, { method: "GET", url: `/${bucket}/${key}`, body: "" }, headers));
  if (status !== 200) throw new Refusal("ValidationError", "S3 error: Access Denied");
  return { ...found, input: { ...found.input, TemplateText: body.toString("utf8") } };
}

// What an access point on FSx does not have, whoever asks.
function checkImplemented({ service, operation, input }) {
  const point = service === "s3" && accessPoint(input.Bucket);
  if (point && operation === "GetBucketNotification" && !point.notifies)
    throw new Refusal("NotImplemented", "A header you provided implies functionality that is not implemented", 501);
}

async function pass(request, found, given) {
  if (found.service === "dynamodb") return forward(ports.dynamodb, request, request.headers);
  if (found.service === "s3" && isVersioned(found.input.Bucket)) return answerBucket(found, `req-${++counter}`, request);
  if (found.operation === "GetBucketNotification") return { status: 200, headers: {}, body: "<NotificationConfiguration/>" };
  if (found.service === "s3") return toS3(request, found);
  if (found.service === "cloudformation") found = await withTemplate(found);
  return answer(found, `req-${++counter}`, given);
}

// dynalite wants to see a signature, whichever.
function dynamodbHeaders(operation) {
  return { host: "127.0.0.1", "content-type": "application/x-amz-json-1.0",
    "x-amz-target": `DynamoDB_20120810.${operation}`, "x-amz-date": "20260101T000000Z",
    authorization: "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0" };
}

// A table of a stack, as far as dynalite knows what tables have.
tablesMadeBy((TableName, { AttributeDefinitions, KeySchema, BillingMode, GlobalSecondaryIndexes }) => {
  const body = JSON.stringify({ TableName, AttributeDefinitions, KeySchema, BillingMode, GlobalSecondaryIndexes });
  return forward(ports.dynamodb, { method: "POST", url: "/", body }, dynamodbHeaders("CreateTable"));
});

// Faults -----------------------------------------------------------------------------------------

function send(response, { status, headers, body = "" }, more = {}) {
  const bytes = Buffer.from(body);
  const own = { date: new Date(Date.now() + clockOffsetMs).toUTCString(), ...headers, ...more };
  if (!Object.keys(own).some((name) => name.toLowerCase() === "content-length")) own["content-length"] = bytes.length;
  response.writeHead(status, own);
  return bytes;
}

function kill(response, pidFile) {
  process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
  response.socket.destroy();
}

// Faults that come instead of the service's answer: the service never sees the request.
const INSTEAD = new Set(["status", "html", "kill_before"]);

// Each takes the socket's response, the fault as queued, and the answer the service would give.
const faults = {
  pass: (response, _, reply) => response.end(send(response, reply)),
  status: (response, { status, headers, body }) => response.end(send(response, { status, headers, body })),
  reset: (response) => response.socket.resetAndDestroy(),
  close: (response) => response.socket.destroy(),
  stall: () => {},
  slow: (response, { ms }, reply) => setTimeout(() => faults.pass(response, null, reply), ms),
  half: (response, _, reply) => {
    const bytes = send(response, reply, { "content-length": Buffer.byteLength(reply.body) + 10 });
    response.write(bytes, () => response.socket.destroy());
  },
  truncate: (response, _, reply) => {
    const bytes = Buffer.from(reply.body);
    const { "content-length": _length, "x-amz-crc32": _crc, ...headers } = reply.headers;
    response.end(send(response, { ...reply, headers, body: bytes.subarray(0, bytes.length / 2) }));
  },
  html: (response, { status = 502 }) => response.end(send(response,
    { status, headers: { "Content-Type": "text/html" }, body: "<html><h1>Bad gateway<br></h1></html>" })),
  bad_crc: (response, _, reply) => response.end(send(response, reply, { "x-amz-crc32": "12345" })),
  lie: (response, _, reply) => response.write(send(response, reply, { "content-length": 5368709120 })),
  // The client dies, before the service acts (see handle) or after it did; no reply reaches anybody.
  kill_before: (response, { pid_file }) => kill(response, pid_file),
  kill_after: (response, { pid_file }) => kill(response, pid_file),
  then_close: (response, _, reply) => response.end(send(response, reply), () => setImmediate(() => response.socket?.destroy())),
};

// Requests ---------------------------------------------------------------------------------------

function readBody(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => resolve(Buffer.concat(chunks)));
  });
}

async function scan(input) {
  const headers = dynamodbHeaders("Scan");
  const items = [];
  for (let ExclusiveStartKey; ;) {
    const body = JSON.stringify({ ...input, ConsistentRead: true, ExclusiveStartKey });
    const page = JSON.parse((await forward(ports.dynamodb, { method: "POST", url: "/", body }, headers)).body);
    items.push(...page.Items);
    if (!(ExclusiveStartKey = page.LastEvaluatedKey)) return items;
  }
}

const controls = {
  ...endpointControls,
  ...workflowControls,
  ...visionControls,
  ...stackControls,
  ...estateControls,
  ...accessPointControls,
  "POST /__test/plain_buckets": (names) => Promise.all(names.map((name) =>
    forward(ports.s3, { method: "PUT", url: `/${name}`, body: "" }, { host: `127.0.0.1:${ports.s3}`,
      authorization: "AWS S3RVER:x", date: new Date().toUTCString() }))),
  ...answerControls,
  "POST /__test/faults": (body) => void queue.push(...body),
  "POST /__test/answers": queueAnswers,
  "POST /__test/clock": ({ offset_s }) => void (clockOffsetMs = offset_s * 1000),
  "POST /__test/reset": () => {
    [queue, seen, clockOffsetMs] = [[], [], 0];
    resetAnswers();
  },
  "GET /__test/requests": () => seen,
  "POST /__test/scan": scan,
};

async function control(request, response) {
  const action = controls[`${request.method} ${request.url}`];
  // The next test begins on a connection of its own: curl repeats a request once, and for free,
  // when a kept one turns out to be closed.
  response.shouldKeepAlive = false;
  const result = await action?.(request.body.length ? JSON.parse(request.body) : undefined);
  response.end(JSON.stringify(result ?? {}));
}

// What a test may look at later; no secret is kept.
function note(request, found, given) {
  const { authorization, "x-amz-security-token": token, ...headers } = request.headers;
  seen.push({ ...found, labels: undefined, fixed: undefined, headers, method: request.method, url: request.url,
    key_id: given?.keyId, region: given?.region, token: token !== undefined });
}

async function handle(request, response) {
  request.body = await readBody(request);
  if (request.url.startsWith("/__test/")) return control(request, response);
  const fault = queue.shift() ?? { kind: "pass" };
  let found = { service: /AWS4[^,]*\/s3\//.test(request.headers.authorization ?? "") ? "s3" : "stepfunctions" };
  let reply;
  try {
    const unsigned = /Action=AssumeRoleWithWebIdentity/.test(request.body.subarray(0, 4096));
    const given = unsigned ? undefined : await checkSignature(request);
    found = identify(request, given?.scope);
    note(request, found, given);
    validate(found);
    checkImplemented(found);
    if (given) await judge(found, given);
    reply = INSTEAD.has(fault.kind) ? {} : await pass(request, found, given);
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    reply = refuse(found, problem, `req-${++counter}`);
    if (fault.kind === "status") fault.kind = "pass";
  }
  if (reply.delay_ms) await new Promise((resolve) => setTimeout(resolve, reply.delay_ms));
  faults[fault.kind](response, fault, reply);
}

// A mistake in these servers must fail the test that met it, not every test after it.
const server = http.createServer((request, response) => {
  handle(request, response).catch((problem) => {
    console.error(problem);
    response.writeHead(599).end(String(problem));
  });
});
server.keepAliveTimeout = 60000;
dynalite.listen(0, "127.0.0.1", async () => {
  ports.dynamodb = dynalite.address().port;
  ports.s3 = (await s3rver.run()).port;
  announce(server, { key_id: test.keyId, secret: test.secret });
});
