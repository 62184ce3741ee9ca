// What other software makes of the replay benchmark's recording: each line parsed and decided by the same rules,
// with the same reason, compared with what was recorded, and digested as docs/replay-digest.md says.
//   node replay_peers.mjs RECORDING PEER    decisions per second of processor time, then the digest
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { rate, tell } from "./measure.mjs";

const require = createRequire(import.meta.url);

// The peers get the rules with the parameters written into them, and the facts alone as data: that is the cheapest way
// to ask each of them. Each answers [action, because].
const THRESHOLD = 10, PAYLOAD_LIMIT = 6291456;

const REASONS = {
  none: () => "no endpoint is deployed",
  status: (facts) => `the endpoint is ${facts.endpoint_status}, not InService`,
  large: (facts) => `a file has up to ${facts.largest_bytes} bytes, an endpoint takes ${PAYLOAD_LIMIT}`,
  serverless: () => "the endpoint is serverless",
  components: () => "the endpoint runs inference components",
  few: (facts) => `${facts.file_count} files, below ${THRESHOLD}`,
  many: (facts) => `${facts.file_count} files, at or above ${THRESHOLD}`,
};
const ACTIONS = { none: "batch", status: "batch", large: "batch", serverless: "serverless", components: "components",
  few: "realtime", many: "batch" };

function plainFunction() {
  return (facts) => {
    if (facts.inference_type === "none") return ["batch", REASONS.none()];
    if (facts.endpoint_status !== undefined && facts.endpoint_status !== "InService")
      return ["batch", REASONS.status(facts)];
    if (facts.largest_bytes !== undefined && facts.largest_bytes > PAYLOAD_LIMIT)
      return ["batch", REASONS.large(facts)];
    if (facts.inference_type === "serverless") return ["serverless", REASONS.serverless()];
    if (facts.inference_type === "components") return ["components", REASONS.components()];
    return facts.file_count < THRESHOLD ? ["realtime", REASONS.few(facts)] : ["batch", REASONS.many(facts)];
  };
}

function jsonLogic() {
  const logic = require("json-logic-js");
  const fact = (name) => ({ var: name });
  const rule = { if: [
    { "===": [fact("inference_type"), "none"] }, ["batch", "no endpoint is deployed"],
    { and: [fact("endpoint_status"), { "!==": [fact("endpoint_status"), "InService"] }] },
    ["batch", { cat: ["the endpoint is ", fact("endpoint_status"), ", not InService"] }],
    { ">": [fact("largest_bytes"), PAYLOAD_LIMIT] },
    ["batch", { cat: ["a file has up to ", fact("largest_bytes"), ` bytes, an endpoint takes ${PAYLOAD_LIMIT}`] }],
    { "===": [fact("inference_type"), "serverless"] }, ["serverless", "the endpoint is serverless"],
    { "===": [fact("inference_type"), "components"] }, ["components", "the endpoint runs inference components"],
    { "<": [fact("file_count"), THRESHOLD] },
    ["realtime", { cat: [fact("file_count"), ` files, below ${THRESHOLD}`] }],
    ["batch", { cat: [fact("file_count"), ` files, at or above ${THRESHOLD}`] }],
  ] };
  return (facts) => logic.apply(rule, facts);
}

// One authorization a decision: the policy that permits names the reason, whose text Cedar cannot make.
function cedar() {
  const engine = require("@cedar-policy/cedar-wasm/nodejs");
  const conditions = {
    none: `context.inference_type == "none"`,
    status: `context has endpoint_status && context.endpoint_status != "InService"`,
    large: `context has largest_bytes && context.largest_bytes > ${PAYLOAD_LIMIT}`,
    serverless: `context.inference_type == "serverless"`,
    components: `context.inference_type == "components"`,
    few: `context.file_count < ${THRESHOLD}`,
    many: `context.file_count >= ${THRESHOLD}`,
  };
  // Each holds where none before it does; the last two exclude each other.
  const names = Object.keys(conditions), staticPolicies = {};
  names.forEach((name, i) => {
    const before = names.slice(0, Math.min(i, 5)).map((earlier) => `!(${conditions[earlier]}) && `).join("");
    staticPolicies[name] = `permit(principal, action, resource) when { ${before}${conditions[name]} };`;
  });
  const parsed = engine.preparsePolicySet("routing", { staticPolicies });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
  const entity = (type) => ({ type, id: "any" });
  const request = { principal: entity("Host"), action: entity("Action"), resource: entity("Batch") };
  return (context) => {
    const answer = engine.statefulIsAuthorized({
      ...request, context, preparsedPolicySetId: "routing", entities: [],
    });
    if (answer.type !== "success") throw new Error(JSON.stringify(answer));
    const name = answer.response.diagnostics.reason[0];
    return [ACTIONS[name], REASONS[name](context)];
  };
}

const PEERS = { plain: plainFunction, "json-logic-js": jsonLogic, cedar };

const sha256 = () => createHash("sha256"), hex = (hash) => `sha256:${hash.digest("hex")}`;

// Replays the recording's bytes: how many decisions, and the digest over a single file. Node 20 crashes at times when
// an array is taken apart as [action, because] in a loop that calls WebAssembly.
function replay(bytes, decide) {
  const parts = sha256();
  let start = 0, done = 0, text = "";
  for (let end; (end = bytes.indexOf(10, start)) >= 0; start = end + 1, done++) {
    const line = JSON.parse(bytes.toString("utf8", start, end));
    const decided = decide(line.facts), action = decided[0], because = decided[1];
    if (action !== line.decision.action || because !== line.because)
      throw new Error(`line ${done + 1}: ${action}, ${because}; not ${line.decision.action}, ${line.because}`);
    text += `${JSON.stringify(line.kind)}\t${JSON.stringify({ action })}\t${JSON.stringify(because)}\n`;
    if (text.length > 65536) (parts.update(text), (text = ""));
  }
  return [done, hex(sha256().update(hex(parts.update(text)) + "\n"))];
}

const [path, peer] = process.argv.slice(2);
const decide = PEERS[peer](), bytes = readFileSync(path);
let done, digest;
const replays = rate(1, () => ([done, digest] = replay(bytes, decide)));
tell(replays * done, digest);
