// What other software makes of the replay benchmark's recording: each line parsed, decided by the
// same rules, the action compared with the recorded one.
//   node replay_peers.mjs RECORDING PEER LINES
// prints decisions per second of this process's CPU time, over the first LINES lines (0: all).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const WARM_UP = 20000;

// The peers get the rules with the parameters written into them, and the facts alone as data: that
// is the cheapest way to ask each of them.
const THRESHOLD = 10, PAYLOAD_LIMIT = 6291456;

function plainFunction() {
  return (facts) => {
    if (facts.inference_type === "none") return "batch";
    if (facts.endpoint_status !== undefined && facts.endpoint_status !== "InService") return "batch";
    if (facts.largest_bytes !== undefined && facts.largest_bytes > PAYLOAD_LIMIT) return "batch";
    if (facts.inference_type === "serverless") return "serverless";
    if (facts.inference_type === "components") return "components";
    return facts.file_count < THRESHOLD ? "realtime" : "batch";
  };
}

function jsonLogic() {
  const logic = require("json-logic-js");
  const fact = (name) => ({ var: name });
  const rule = { if: [
    { "===": [fact("inference_type"), "none"] }, "batch",
    { and: [fact("endpoint_status"), { "!==": [fact("endpoint_status"), "InService"] }] }, "batch",
    { ">": [fact("largest_bytes"), PAYLOAD_LIMIT] }, "batch",
    { "===": [fact("inference_type"), "serverless"] }, "serverless",
    { "===": [fact("inference_type"), "components"] }, "components",
    { "<": [fact("file_count"), THRESHOLD] }, "realtime",
    "batch",
  ] };
  return (facts) => logic.apply(rule, facts);
}

// One authorization a decision: the policy that permits names the action.
function cedar() {
  const engine = require("@cedar-policy/cedar-wasm/nodejs");
  const batch = `context.inference_type == "none"
    || context has endpoint_status && context.endpoint_status != "InService"
    || context has largest_bytes && context.largest_bytes > ${PAYLOAD_LIMIT}`;
  const permit = (condition) => `permit(principal, action, resource) when { ${condition} };`;
  const provisioned = `!(${batch}) && context.inference_type == "provisioned"`;
  const parsed = engine.preparsePolicySet("routing", { staticPolicies: {
    batch: permit(`(${batch}) || ${provisioned} && context.file_count >= ${THRESHOLD}`),
    serverless: permit(`!(${batch}) && context.inference_type == "serverless"`),
    components: permit(`!(${batch}) && context.inference_type == "components"`),
    realtime: permit(`${provisioned} && context.file_count < ${THRESHOLD}`),
  } });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
  const entity = (type) => ({ type, id: "any" });
  const request = { principal: entity("Host"), action: entity("Action"), resource: entity("Batch") };
  return (context) => {
    const answer = engine.statefulIsAuthorized({
      ...request, context, preparsedPolicySetId: "routing", entities: [],
    });
    if (answer.type !== "success") throw new Error(JSON.stringify(answer));
    return answer.response.diagnostics.reason[0];
  };
}

const PEERS = { plain: plainFunction, "json-logic-js": jsonLogic, cedar };

// Replays up to `count` lines of the recording's bytes; returns how many there were.
function replay(bytes, decide, count) {
  let start = 0, done = 0;
  while (done < count) {
    const end = bytes.indexOf(10, start);
    if (end < 0) break;
    const line = JSON.parse(bytes.toString("utf8", start, end));
    const action = decide(line.facts);
    if (action !== line.decision.action) throw new Error(`line ${done + 1}: ${action}, not ${line.decision.action}`);
    start = end + 1;
    done++;
  }
  return done;
}

const [path, peer, limit] = process.argv.slice(2);
const decide = PEERS[peer]();
const count = Number(limit) || Infinity;
const bytes = readFileSync(path);
replay(bytes, decide, Math.min(count, WARM_UP));
const before = process.cpuUsage();
const done = replay(bytes, decide, count);
const used = process.cpuUsage(before);
console.log(Math.round((done * 1e6) / (used.user + used.system)));
