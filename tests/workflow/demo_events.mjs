// ./dev demo-events: files arrive in a bucket while an organisation moves from polling to events and back:
// A (both ways) → B (events first) → C (events alone) → B. Both ways process them, on embedded servers and the built
// runtime; weir compare says what they made of the same files, and how long each stage took. Exit 0 only when
// every file was processed as often as its phase says: once per way in A, once in B and C.
//
//   node tests/workflow/demo_events.mjs build/dev/weir
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { startFront, startFunction, stopAll } from "./stage.mjs";

const weir = process.argv[2];
const TABLE = JSON.parse(readFileSync("deploy/claims-table.json", "utf8"));
const MODE = "/weir/trigger-mode";
const HANDLERS = { "weir-event-map": "event_map", "weir-discovery": "discovery", "weir-processor": "event_processor",
  "weir-reconcile": "reconcile", "weir-latency": "latency_reporter" };
const PNG = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

// Printing ---------------------------------------------------------------------------------------

const colours = !process.env.NO_COLOR && (process.env.FORCE_COLOR || process.stdout.isTTY);
const paint = (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
const say = (text) => process.stdout.write(text + "\n");
const step = (who, what, colour = "36") => say(`  ${paint(colour, who.padEnd(13))} ${what}`);
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

let phases = 0;
function title(text) {
  phases += 1;
  say(`\n${paint("1", `${phases}. ${text}`)}`);
}

function check(condition, problem) {
  if (!condition) throw new Error(problem);
}

// The stage --------------------------------------------------------------------------------------

const stage = { functions: {}, children: {}, expected: { polling: new Set(), events: new Set() } };

async function createTable({ front }) {
  await front.json("dynamodb", "DynamoDB_20120810.CreateTable", "1.0", TABLE);
  for (let status; status !== "ACTIVE"; )
    status = (await front.json("dynamodb", "DynamoDB_20120810.DescribeTable", "1.0",
      { TableName: TABLE.TableName })).Table.TableStatus;
}

async function setUp() {
  stage.front = await startFront();
  const settings = { CLAIMS_TABLE: TABLE.TableName, OUTPUT_BUCKET: "bucket", WEIR_TRIGGER_MODE: MODE,
    WEIR_TRIGGER_MODE_SECONDS: "0", WEIR_POLICY_SOURCE: "policies" };
  await Promise.all([createTable(stage), ...Object.entries(HANDLERS).map(async ([name, handler]) => {
    stage.children[name] = await startFunction(weir, name, handler, stage.front, settings);
    stage.functions[name] = stage.children[name].url;
  })]);
}

async function invoke(name, event) {
  const reply = await fetch(`${stage.functions[name]}/2015-03-31/functions/${name}/invocations`,
    { method: "POST", body: JSON.stringify(event) });
  const answer = await reply.json();
  check(!reply.headers.get("x-amz-function-error"), `${name} failed: ${JSON.stringify(answer)}`);
  return answer;
}

async function setMode(mode, what) {
  await stage.front.control("POST", "parameters", { [MODE]: mode });
  stage.mode = mode;
  step("trigger mode", `${paint("1", mode)} in the SSM parameter ${MODE}: ${what}`);
}

// Files ------------------------------------------------------------------------------------------

let sequence = 0;

// Writes files and gives their EventBridge events, as S3 sends them.
async function arrive(...names) {
  const events = [];
  for (const name of names) {
    const key = `in/${name}.png`;
    await stage.front.putObject("bucket", key, "image/png", Buffer.concat([PNG, Buffer.from(key)]));
    const { ETag, ContentLength } = await stage.front.s3.headObject({ Bucket: "bucket", Key: key }).promise();
    events.push({ version: "0", source: "aws.s3", "detail-type": "Object Created", time: new Date().toISOString(),
      region: "eu-west-1", detail: { bucket: { name: "bucket" }, reason: "PutObject", object: { key,
        size: ContentLength, etag: ETag.replaceAll('"', ""),
        sequencer: (++sequence).toString(16).padStart(16, "0") } } });
  }
  step("files", `${plural(names.length, "file")}: ${names.join(", ")}`);
  return events;
}

const expectOnce = (way, names) => names.forEach((name) => stage.expected[way].add(`in/${name}.png`));

// The two ways -----------------------------------------------------------------------------------

async function processJob(job, tally) {
  const result = await invoke("weir-processor", { job, delivered_at: new Date().toISOString() });
  const word = result.duplicate ? "duplicate" : result.status;
  tally[word] = (tally[word] ?? 0) + 1;
  if (result.stages && !result.duplicate) await invoke("weir-latency", result);
}

const counted = ([word, count]) => (word === "duplicate" ? plural(count, word) : `${count} ${word}`);
const FIRST = ["SUCCESS", "MANUAL_REVIEW", "duplicate"];
const place = (word) => (FIRST.includes(word) ? FIRST.indexOf(word) : FIRST.length);
const inOrder = ([one], [other]) => place(one) - place(other);
const summary = (tally) => Object.entries(tally).sort(inOrder).map(counted).join(", ") || "nothing to do";

// EventBridge → event_map → event_processor
async function byEvents(events) {
  const tally = {};
  for (const event of events)
    for (const job of (await invoke("weir-event-map", event)).jobs) await processJob(job, tally);
  step("events", summary(tally));
  return tally;
}

// A schedule → discovery → its manifest → event_processor
async function byPolling() {
  const tally = {};
  const found = await invoke("weir-discovery", { bucket: "bucket", prefix: "in/", suffix: ".png" });
  check(found.done, "discovery did not come to its end");
  if (found.skipped) {
    step("polling", `nothing is listed in the mode ${found.trigger_mode}`);
    return { SKIPPED: 1 };
  }
  const place = found.manifest_key.replace(/manifest\.json$/, "");
  for (let part = 1; part <= found.parts; part++) {
    const { Body } = await stage.front.s3.getObject({ Bucket: found.manifest_bucket,
      Key: `${place}part-${String(part).padStart(6, "0")}.jsonl` }).promise();
    for (const line of Body.toString().trim().split("\n")) await processJob(JSON.parse(line), tally);
  }
  step("polling", `${plural(found.total_objects, "new file")} in the manifest: ${summary(tally)}`);
  return tally;
}

async function reconcile() {
  const found = await invoke("weir-reconcile", { bucket: "bucket", prefix: "in/", grace_seconds: 0 });
  step("reconcile", `${found.listed} listed, ${found.finished} finished, ${found.missed} missed by events, `
    + `${found.processed} processed now`);
  return found;
}

async function compare(...words) {
  const { url, server } = stage.front;
  const env = { PATH: process.env.PATH, HOME: "/nowhere", AWS_ENDPOINT_URL: url, AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: server.key_id, AWS_SECRET_ACCESS_KEY: server.secret, CLAIMS_TABLE: TABLE.TableName,
    OUTPUT_BUCKET: "bucket", ...(colours ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }) };
  const { stdout } = await promisify(execFile)(weir, ["compare", ...words], { env });
  return stdout;
}

async function showComparison() {
  step("$", "weir compare");
  const text = await compare();
  say(text.trimEnd().split("\n").map((line) => `    ${line}`).join("\n"));
}

// The walk ---------------------------------------------------------------------------------------

async function play() {
  title("Today: a schedule lists the files");
  await setMode("polling", "events are not acted on");
  const early = ["p1", "p2"];
  const ignored = await byEvents(await arrive(...early));
  check(ignored.SKIPPED === 2, "an event was acted on while only polling counts");
  await byPolling();
  expectOnce("polling", early);

  title("A: both ways, each with claims and results of its own");
  await setMode("parallel", "both run, to be compared");
  const both = ["a1", "a2", "a3", "a4"];
  const events = await arrive(...both);
  await byEvents([...events, events[0]]);
  await byPolling();
  for (const way of ["polling", "events"]) expectOnce(way, both);
  await showComparison();

  title("B: events first; polling only looks for what they missed");
  await setMode("events_first", "both ways share the events' claims");
  const [, ...delivered] = await arrive("b1", "b2", "b3");
  await byEvents(delivered);
  step("events", "the event of b1 is lost", "33");
  const missed = await reconcile();
  check(missed.missed === 1 && missed.processed === 1, "reconcile did not find the lost event's file");
  check((await reconcile()).missed === 0, "something was missed twice");
  expectOnce("events", ["b1", "b2", "b3"]);

  title("C: events alone");
  await setMode("events", "listings are not acted on");
  const late = await arrive("c1", "c2");
  await byEvents([...late, ...late]);
  const idle = await byPolling();
  check(Object.keys(idle).every((word) => word === "SKIPPED"), "polling acted in C");
  expectOnce("events", ["c1", "c2"]);

  title("And back to B: nothing is done twice");
  await setMode("events_first", "as before");
  const again = await reconcile();
  check(again.missed === 0, "going back found files that were processed as missed");
  await byEvents(await arrive("d1"));
  expectOnce("events", ["d1"]);
}

// What is in the bucket and in the table is what the phases promise.
async function checkEnd() {
  title("In the end");
  const { Contents } = await stage.front.s3.listObjectsV2({ Bucket: "bucket", Prefix: "results/" }).promise();
  for (const way of ["polling", "events"])
    for (const document of ["tags", "metadata"]) {
      const prefix = `results/${way}/${document}/`;
      const keys = Contents.map(({ Key }) => Key).filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length).replace(/\/[^/]*$/, "")).sort();
      check(JSON.stringify(keys) === JSON.stringify([...stage.expected[way]].sort()),
        `${prefix} holds ${keys.join(", ")}`);
    }
  step("results", `${stage.expected.polling.size} files by polling, ${stage.expected.events.size} by events, as the phases say`);
  const claims = await stage.front.control("POST", "scan", { TableName: TABLE.TableName });
  for (const { object, ways } of claims)
    for (const { M: part } of Object.values(ways.M))
      check(part.status.S === "finished" && part.attempts.N === "1", `${object.S} was not processed once`);
  step("claims", `${plural(claims.length, "file")}, each finished at its first attempt`);
  check(stage.children["weir-latency"].said.includes("StageLatency"), "no latency was published");
  await showComparison();
  const report = JSON.parse(await compare("--json"));
  check(report.completeness.both === 4 && report.completeness.alone === 8, "the comparison counts something else");
}

async function end(problem) {
  say(`\n${paint("31", "demo-events failed")}: ${problem.stack ?? problem}`);
  for (const [name, { said }] of Object.entries(stage.children)) say(`\n${name} said:\n${said.slice(-1500)}`);
  await stopAll();
  process.exit(1);
}

try {
  await setUp();
  await play();
  await checkEnd();
  say("\nNext: docs/event-processing.md tells how the walk is done with files of your own.");
  await stopAll();
  process.exit(0);
} catch (problem) {
  await end(problem);
}
