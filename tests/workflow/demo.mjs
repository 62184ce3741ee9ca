// ./dev demo-callback: the whole workflow on embedded servers, step by step, as an operator would follow
// it. Four acts: an endpoint, a batch job that is done, one that fails, and a policy that is out of reach.
// The end state is checked: exit 0 only when the table is empty, each token was answered once, and no
// piece of a token is in anything that was printed or logged.
//
//   node tests/workflow/demo.mjs build/dev/weir
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { load, start } from "./state_machine.mjs";
import { startFront, startFunction, stop, stopAll } from "./stage.mjs";

const weir = process.argv[2];
const MACHINE = "deploy/state-machines/inference.asl.json";
const RULE = "deploy/transform-job-rule.json";
const TABLE = JSON.parse(readFileSync("deploy/token-table.json", "utf8"));
const HANDLERS = { "weir-routing": "routing", "weir-realtime": "realtime_inference",
  "weir-discovery": "discovery", "weir-invoke": "sagemaker_invoke", "weir-callback": "sagemaker_callback" };

// Printing ---------------------------------------------------------------------------------------

const colours = !process.env.NO_COLOR && (process.env.FORCE_COLOR || process.stdout.isTTY);
const paint = (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
const tokens = [];
let printed = "";

function say(text) {
  printed += text + "\n";
  process.stdout.write(text + "\n");
}

function step(who, what, colour = "36") {
  say(`  ${paint(colour, who.padEnd(13))} ${what}`);
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function check(condition, problem) {
  if (!condition) throw new Error(problem);
}

// The stage --------------------------------------------------------------------------------------

const stage = { functions: {}, children: {} };

async function createTable({ front }) {
  await front.json("dynamodb", "DynamoDB_20120810.CreateTable", "1.0", TABLE);
  for (let status; status !== "ACTIVE"; )
    status = (await front.json("dynamodb", "DynamoDB_20120810.DescribeTable", "1.0",
      { TableName: TABLE.TableName })).Table.TableStatus;
}

async function putFiles({ front }, prefix, count) {
  for (let i = 1; i <= count; i++) {
    const key = `${prefix}scan-${String(i).padStart(3, "0")}.csv`;
    await front.putObject("bucket", key, "text/csv", `${i},0.5\n`.repeat(32));
  }
}

async function setUp() {
  stage.front = await startFront();
  const settings = { TOKEN_TABLE: TABLE.TableName, MODEL_NAME: "segmentation-v3", OUTPUT_BUCKET: "bucket",
    WEIR_POLICY_SOURCE: "policies" };
  await Promise.all([createTable(stage), putFiles(stage, "few/", 4), putFiles(stage, "many/", 24),
    ...Object.entries(HANDLERS).map(async ([name, handler]) => {
      stage.children[name] = await startFunction(weir, name, handler, stage.front, settings);
      stage.functions[name] = stage.children[name].url;
    })]);
  const arn = (name) => `arn:aws:lambda:eu-west-1:111122223333:function:${name}`;
  stage.machine = load(MACHINE, { DiscoveryFunctionArn: arn("weir-discovery"), RoutingFunctionArn: arn("weir-routing"), RealtimeFunctionArn: arn("weir-realtime"),
    InvokeFunctionArn: arn("weir-invoke") });
}

// What is in the table, without tokens.
async function records() {
  const items = await stage.front.control("POST", "scan", { TableName: TABLE.TableName });
  return items.map((item) => ({ id: item.correlation_id.S, job: item.transform_job_name.S }));
}

// An execution -----------------------------------------------------------------------------------

const fallback = ({ decision }) => step("fallback", `${paint("1", decision.branch)}, because ${decision.because}`, "33");

// What an operator wants to know of a state that was left.
const explain = {
  "Find the files": ({ listing }) => step("discovery", `${plural(listing.found.total_objects, "file")} under the prefix`),
  "Ask the policy": ({ decision, policy_failure: failure }) => decision
    ? step("policy", `${paint("1", decision.branch)}, because ${decision.because}`)
    : step("policy", `cannot be asked: ${failure.Error}`, "33"),
  "Count the fallback": () => step("metric", "RoutingFallback 1: somebody should know"),
  "Fall back to batch": fallback,
  "Fall back to real time": fallback,
  "Send the files to the endpoint": ({ result }) => result && step("endpoint",
    `${plural(result.reduce((sum, { files }) => sum + files, 0), "file")} answered, results under s3://bucket/results/`),
};

function onEvent({ type, state }) {
  if (type === "StateExited") explain[state.name]?.(state.output);
  if (type === "StateRetried") step("retry", `'${state.name}' once more`, "33");
}

// A member of the output on a line, as JSON and cut where a line would end.
function show(output) {
  Object.entries(output).forEach(([name, value], i) => {
    const text = JSON.stringify(value);
    step(i === 0 ? "output" : "", `${name.padEnd(12)} ${text.length > 80 ? text.slice(0, 79) + "…" : text}`);
  });
}

// scene: what happens while the execution waits for a callback; over before the result is shown.
async function execute(name, prefix, scene = {}) {
  step("execution", `${name} starts on s3://bucket/${prefix}`);
  const execution = start(stage.machine, { name, front: stage.front, functions: stage.functions, onEvent,
    seesToken: (token) => tokens.push(token), onWaiting: scene.onWaiting,
    input: { bucket: "bucket", prefix, output_path: "s3://bucket/results/", endpoint_name: "segmentation" } });
  const result = await execution.result;
  await Promise.all([execution.watched, scene.over]);
  if (result.status === "SUCCEEDED") {
    step("execution", paint("32", "SUCCEEDED"));
    show(result.output);
  } else step("execution", `${paint("31", "FAILED")}  ${result.error}: ${result.cause}`);
  return result;
}

// The callback -----------------------------------------------------------------------------------

function eventOf(job, status) {
  return { version: "0", source: "aws.sagemaker", "detail-type": "SageMaker Transform Job State Change",
    account: "111122223333", region: "eu-west-1",
    resources: [`arn:aws:sagemaker:eu-west-1:111122223333:transform-job/${job}`],
    detail: { TransformJobName: job, TransformJobStatus: status, Tags: {} } };
}

// The calls that reached the services since then, as "GetItem, Query".
async function callsSince(count) {
  const requests = await stage.front.control("GET", "requests");
  return requests.slice(count).map(({ operation }) => operation).join(", ");
}

async function deliver(event) {
  const match = JSON.parse(execFileSync(weir, ["match", RULE, "--json"], { input: JSON.stringify(event) }));
  check(match.match, `the event does not match ${RULE}`);
  const before = (await stage.front.control("GET", "requests")).length;
  const reply = await fetch(`${stage.functions["weir-callback"]}/2015-03-31/functions/weir-callback/invocations`,
    { method: "POST", body: JSON.stringify(event) });
  const report = await reply.json();
  check(!reply.headers.get("x-amz-function-error"), `the callback function failed: ${JSON.stringify(report)}`);
  return { report, calls: await callsSince(before) };
}

async function finish(job, status, reason) {
  await stage.front.control("POST", "jobs", { [job]: { status, ...(reason ? { reason } : {}) } });
  step("SageMaker", `the job is ${status}${reason ? `: ${reason}` : ""}`);
  const event = eventOf(job, status);
  step("EventBridge", `${event["detail-type"]}, matched by ${RULE}`);
  const first = await deliver(event);
  step("callback", first.calls);
  check(first.report.answered === 1, `the callback function answered nothing: ${JSON.stringify(first.report)}`);
  step("callback", `Step Functions has its answer: ${status === "Completed" ? "success" : "failure"}`);
  step("table", `${plural((await records()).length, "record")} left`);
  const second = await deliver(event);
  check(second.report.answered === 0 && second.report.orphaned, "a duplicate was answered");
  step("EventBridge", "the same event once more: nobody waits any longer, nobody is answered twice");
}

// The scene of a batch job: shows what is kept where, then lets the job end.
function batch(status, reason) {
  const scene = {};
  scene.onWaiting = (answer) => {
    scene.over = (async () => {
      const [record] = await records();
      check(record?.id === answer.correlation_id && record.job === answer.transform_job_name,
        "the token is not in the table");
      step("invoke", `task token stored under correlation id ${answer.correlation_id}`);
      step("invoke", `transform job ${answer.transform_job_name} created, tag CorrelationId`);
      await finish(answer.transform_job_name, status, reason);
    })();
    scene.over.catch(end); // the execution would wait for its callback for ever
  };
  return scene;
}

// The acts ---------------------------------------------------------------------------------------

let acts = 0;
function title(text) {
  acts += 1;
  say(`\n${paint("1", `${acts}. ${text}`)}`);
}

async function play() {
  title("A few files: the policy sends them to the endpoint");
  const few = await execute("demo-few", "few/");
  check(few.status === "SUCCEEDED" && few.output.branch === "realtime" && few.output.result[0].files === 4,
    "the files were not answered by the endpoint");

  title("Many files: a batch job, and its callback");
  const many = await execute("demo-many", "many/", batch("Completed"));
  check(many.status === "SUCCEEDED" && many.output.decided_by === "policy" && many.output.result.status === "Completed",
    "the batch job did not end as it should");

  title("The same, and the job fails");
  const failed = await execute("demo-failing", "many/", batch("Failed", "AlgorithmError: out of memory"));
  check(failed.status === "FAILED" && failed.error === "TransformJobFailed",
    "the job's failure is not the execution's");

  title("The policy function is down: a fixed threshold decides, and says so");
  await stop(stage.children["weir-routing"]);
  const fallback = await execute("demo-fallback", "many/", batch("Completed"));
  check(fallback.status === "SUCCEEDED" && fallback.output.decided_by === "static fallback",
    "the fallback did not decide");
}

// Every piece of 12 characters, as it is and as JSON has it.
function findToken(text) {
  const plain = text.replaceAll("\\/", "/");
  return tokens.some((token) => {
    for (let at = 0; at + 12 <= token.length; at++) if (plain.includes(token.slice(at, at + 12))) return true;
    return false;
  });
}

async function checkEnd() {
  title("In the end");
  const left = await records();
  check(left.length === 0, `${left.length} records are left in the table`);
  step("table", "empty");
  const answered = await stage.front.control("GET", "answered");
  check(answered.length === tokens.length && new Set(answered.map(({ token }) => token)).size === tokens.length,
    `${answered.length} answers to ${tokens.length} tokens`);
  step("tokens", `${tokens.length} given out, each answered once`);
  await Promise.all(Object.values(stage.children).map(stop));
  const logs = Object.values(stage.children).map(({ said }) => said).join("");
  check(logs.includes("TransformJobsStarted"), "the functions logged nothing");
  check(!findToken(printed + logs), "a piece of a task token was printed or logged");
  step("secrecy", "no piece of a token in what was printed above, nor in the functions' logs");
}

async function end(problem) {
  say(`\n${paint("31", "demo-callback failed")}: ${problem.stack ?? problem}`);
  for (const [name, { said }] of Object.entries(stage.children))
    if (!findToken(said)) say(`\n${name} said:\n${said.slice(-2000)}`);
  await stopAll();
  process.exit(1);
}

try {
  await setUp();
  await play();
  await checkEnd();
  say(`\nNext: deploy/README.md tells how to deploy it, docs/task-tokens.md what happens to a token.`);
  await stopAll();
  process.exit(0);
} catch (problem) {
  await end(problem);
}
