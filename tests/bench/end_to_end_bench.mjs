// From put to output, stage by stage: the built runtime on embedded servers, by loopback, against polling every 60
// seconds; and what the event way took on AWS, where our cold start takes the place of another one.
//   ./dev bench end_to_end        WEIR_BENCH_FILES=30 WEIR_BENCH_COLD=5
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { startFront, startFunction, stop, stopAll } from "../workflow/stage.mjs";

const weir = process.env.WEIR_BENCH_PROGRAM ?? "build/dev/weir", quick = process.env.WEIR_BENCH_QUICK === "1";
const FILES = Number(process.env.WEIR_BENCH_FILES ?? (quick ? 2 : 30));
const COLD = Number(process.env.WEIR_BENCH_COLD ?? (quick ? 2 : 5)), WARM = quick ? 1 : 5;
const TABLE = JSON.parse(readFileSync("deploy/claims-table.json", "utf8"));
const PNG = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

// Measured on AWS, milliseconds; polling every 60 seconds.
const AWS = { delivery: 500, workflow: 200, cold: 800, processing: 2000 };
const POLLING = 60000;

const SETTINGS = { CLAIMS_TABLE: TABLE.TableName, OUTPUT_BUCKET: "bucket", WEIR_TRIGGER_MODE: "parallel",
  WEIR_POLICY_SOURCE: "policies" };

const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const row = (name, ours, more = {}) => console.log(JSON.stringify({ name, ours, unit: "ms by the clock",
  equal_work: "the same pictures put into the same bucket, labelled by the same servers", ...more }));

function check(condition, problem) {
  if (!condition) throw new Error(problem);
}

async function timed(work) {
  const begin = performance.now();
  const result = await work();
  return [performance.now() - begin, result];
}

async function createTable(front) {
  const ask = (operation, input) => front.json("dynamodb", `DynamoDB_20120810.${operation}`, "1.0", input);
  await ask("CreateTable", TABLE);
  for (let status; status !== "ACTIVE"; )
    status = (await ask("DescribeTable", { TableName: TABLE.TableName })).Table.TableStatus;
}

async function invoke(child, event) {
  const reply = await fetch(`${child.url}/2015-03-31/functions/${child.name}/invocations`,
    { method: "POST", body: JSON.stringify(event) });
  const answer = await reply.json();
  check(!reply.headers.get("x-amz-function-error"), `${child.name} failed: ${JSON.stringify(answer)}`);
  return answer;
}

async function start(front, name, handler) {
  return Object.assign(await startFunction(weir, name, handler, front, SETTINGS), { name });
}

// The first invocation of a function that nothing was asked of before, less a warm one of the same event: it starts
// the process, loads and verifies the policies. An event that is ignored asks AWS nothing.
async function coldStart(front) {
  const child = await start(front, "weir-cold", "event_map");
  const event = eventOf("in/unknown.txt", "0".repeat(32), 1, 1);
  const [first] = await timed(() => invoke(child, event));
  const warm = [];
  for (let i = 0; i < 20; i++) warm.push((await timed(() => invoke(child, event)))[0]);
  await stop(child);
  return first - middle(warm);
}

// As S3 sends it, but that its time has milliseconds.
function eventOf(key, etag, size, sequence) {
  return { version: "0", source: "aws.s3", "detail-type": "Object Created", time: new Date().toISOString(),
    region: "eu-west-1", detail: { bucket: { name: "bucket" }, reason: "PutObject", object: { key, size, etag,
      sequencer: sequence.toString(16).padStart(16, "0") } } };
}

// put → event → event_map → job → event_processor → output
async function byEvent(front, functions, i, times) {
  const key = `in/event-${i}.png`, body = Buffer.concat([PNG, Buffer.from(key)]);
  const begin = performance.now();
  await front.putObject("bucket", key, "image/png", body);
  const put = performance.now();
  const event = eventOf(key, createHash("md5").update(body).digest("hex"), body.length, i + 1);
  const { jobs } = await invoke(functions.map, event);
  const mapped = performance.now();
  check(jobs.length === 1, `no job for ${key}`);
  const result = await invoke(functions.processor, { job: jobs[0], delivered_at: new Date().toISOString() });
  const done = performance.now();
  check(["SUCCESS", "MANUAL_REVIEW"].includes(result.status), `${key}: ${JSON.stringify(result)}`);
  if (i < WARM) return;
  const { started, decided, processed } = result.stages;
  times.put.push(put - begin);
  times.mapped.push(mapped - put);
  times.decided.push(decided - started);
  times.written.push(processed - decided);
  times.processor.push(done - mapped);
  times.total.push(done - begin);
}

// put → discovery → manifest → event_processor → output, without the wait for the schedule
async function byPolling(front, functions) {
  const key = "in/polled.png", body = Buffer.concat([PNG, Buffer.from(key)]);
  await invoke(functions.discovery, { bucket: "bucket", prefix: "in/", suffix: ".png" });
  const begin = performance.now();
  await front.putObject("bucket", key, "image/png", body);
  const found = await invoke(functions.discovery, { bucket: "bucket", prefix: "in/", suffix: ".png" });
  check(found.done && found.total_objects === 1, `discovery found ${found.total_objects}`);
  const { Body } = await front.s3.getObject({ Bucket: found.manifest_bucket,
    Key: found.manifest_key.replace(/manifest\.json$/, "part-000001.jsonl") }).promise();
  const result = await invoke(functions.processor, { job: JSON.parse(Body.toString().trim()) });
  check(["SUCCESS", "MANUAL_REVIEW"].includes(result.status), `${key}: ${JSON.stringify(result)}`);
  return performance.now() - begin;
}

function print(times, cold, polled) {
  row("put", times.put);
  row("event_map: event to job", times.mapped);
  row("event_processor: claimed, read, judged", times.decided);
  row("event_processor: results written, finished", times.written);
  row("event_processor, by who called it", times.processor);
  row("put to output", times.total, { peer: "weir polling every 60 s, at most", theirs: times.total.map(() => POLLING + polled),
    ratio: "theirs/ours", note: "the 60 s are the schedule's and not measured, the look is" });
  row("cold start of a function", cold, { note: "policies verified" });
  row("put to output, polled, without the wait", [polled]);
  row("on AWS from written to processed", cold.map((one) => AWS.delivery + AWS.workflow + one + AWS.processing), {
    peer: "measured with another runtime", theirs: cold.map(() => AWS.delivery + AWS.workflow + AWS.cold + AWS.processing),
    equal_work: "theirs was measured on AWS: event, workflow, cold start, models and output; of ours only the cold start",
    ratio: "theirs/ours", target: { of: "ratio", least: 1 } });
}

async function bench() {
  const front = await startFront();
  await createTable(front);
  const cold = [];
  for (let i = 0; i < COLD; i++) cold.push(await coldStart(front));
  const [map, processor, discovery] = await Promise.all([start(front, "weir-map", "event_map"),
    start(front, "weir-processor", "event_processor"), start(front, "weir-discovery", "discovery")]);
  const functions = { map, processor, discovery };
  const times = { put: [], mapped: [], decided: [], written: [], processor: [], total: [] };
  for (let i = 0; i < FILES + WARM; i++) await byEvent(front, functions, i, times);
  print(times, cold, await byPolling(front, functions));
}

try {
  await bench();
  await stopAll();
} catch (problem) {
  console.error(`end_to_end: ${problem.stack ?? problem}`);
  await stopAll();
  process.exit(1);
}
