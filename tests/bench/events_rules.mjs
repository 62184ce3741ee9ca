// What weir's event_map does with an event, written by hand in JavaScript: the event is taken apart, freed of secrets,
// checked and made a job as policies/mapping.lua does. Nothing of it can be changed by an operator, and nothing bounds
// what it costs. How events are parsed, decisions logged and metrics written is the peers' own: events_node.mjs,
// events_powertools.mjs.
import { randomUUID } from "node:crypto";

export const POLICY = { name: "mapping", digest: "sha256:" + "0".repeat(64) };
const PARAMS = { output_prefix: "results/", output_suffix: ".out", prefix: "", suffixes: "", work: "object" };
export const LOADED_AT = new Date().toISOString();
const TEMPORARY = new Set(["~", ".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp"]);

// ── Secrets ──

const SECRET_NAME = /token|secret|password|passwd|credential|authorization|api_?key|access_?key|private_?key|signature/i;
const LOOKS_SECRET = /AAAAKgAAAA|[A-Za-z0-9+/=_-]{256}|[?&][\w-]*(?:token|signature|credential)[\w-]*=/i;

function withoutSecrets(value, place, found) {
  if (typeof value === "string") {
    if (!LOOKS_SECRET.test(value)) return value;
    found.push(place);
    return "[redacted]";
  }
  if (Array.isArray(value)) return value.map((item, i) => withoutSecrets(item, `${place}/${i}`, found));
  if (value === null || typeof value !== "object") return value;
  const copy = {};
  for (const name of Object.keys(value).sort()) { // weir's lines have their members by name
    if (!SECRET_NAME.test(name)) copy[name] = withoutSecrets(value[name], `${place}/${name}`, found);
    else (copy[name] = "[redacted]"), found.push(`${place}/${name}`);
  }
  return copy;
}

// ── The policy ──

const textAt = (found) => (typeof found === "string" && found !== "" ? found : undefined);
const wholeAt = (found) => (Number.isInteger(found) ? found : undefined);

function unwanted(key, size) {
  if (key.endsWith("/")) return "a directory marker";
  if (size === 0) return "an empty object";
  if (key.startsWith(PARAMS.output_prefix) || key.endsWith(PARAMS.output_suffix)) return "our own output";
  if (/(^|\/)(\.|~\$)/.test(key)) return "a hidden file or directory";
  const ending = key.endsWith("~") ? "~" : (/\.[a-z]+$/i.exec(key)?.[0] ?? "").toLowerCase();
  if (TEMPORARY.has(ending)) return `a temporary file, *${ending}`;
  if (PARAMS.prefix !== "" && !key.startsWith(PARAMS.prefix)) return "not below the prefix";
  if (PARAMS.suffixes !== "" && !PARAMS.suffixes.split(/[,\s]+/).some((suffix) => key.endsWith(suffix))) {
    return "none of the suffixes";
  }
}

function decide({ event }) {
  if (event.source !== "aws.s3" || event["detail-type"] !== "Object Created") {
    return { decision: { action: "ignore", unknown: true }, because: "no work comes of an unknown event" };
  }
  const { detail } = event, object = detail?.object;
  const bucket = textAt(detail?.bucket?.name), key = textAt(object?.key), size = wholeAt(object?.size);
  if (!key || !bucket || key.isWellFormed?.() === false) throw new Error("the event has no object");
  const why = unwanted(key, size);
  if (why) return { decision: { action: "ignore" }, because: why };

  const etag = textAt(object.etag)?.replaceAll('"', ""), version = textAt(object["version-id"]);
  const sequencer = textAt(object.sequencer), time = textAt(event.time);
  const revision = etag ?? version ?? sequencer ?? time ?? "-";
  return {
    because: "an object was written",
    decision: { action: "job", bucket, etag, idempotency_key: `object:${bucket}:${revision}:${size ?? "-"}:${key}`, key,
      reason: textAt(detail.reason), sequencer, size, source: "eventbridge", time, version, work: PARAMS.work },
  };
}

// An event → its decision, and the record of it in weir's own format.
function ask(event, requestId) {
  const begin = performance.now(), redacted = [];
  const facts = withoutSecrets({ event }, "", redacted);
  const { decision, because } = decide(facts);
  const record = { schema: "weir.decision/1", id: randomUUID(), time: new Date().toISOString(), request_id: requestId,
    kind: "mapping", policy: POLICY, host: "0.1.0", params: PARAMS, overrides: [], facts, decision, because, redacted,
    eval_us: Math.round((performance.now() - begin) * 1000) };
  return { decision, record };
}

// ── The handler ──

function split(event) {
  if (Array.isArray(event)) return event.flatMap(split);
  if (event.eventSource === "aws:sqs") return split(JSON.parse(event.body));
  return Array.isArray(event.Records) ? event.Records.flatMap(split) : [event];
}

// tools: { parse(event), logDecision(record), measure(counts, begin, requestId) }
export function handlerWith(tools) {
  return async (event, { requestId }) => {
    const begin = performance.now(), seen = new Set(), jobs = [];
    let ignored = 0, duplicates = 0;
    for (const unit of split(event)) {
      const { decision: { action, ...job }, record } = ask(tools.parse(unit), requestId);
      tools.logDecision(record);
      if (action === "ignore") ignored++;
      else if (seen.has(job.idempotency_key)) duplicates++;
      else seen.add(job.idempotency_key), jobs.push(job);
    }
    const answer = { jobs, started: 0, already_started: 0, ignored, duplicates, dead_letters: [], batchItemFailures: [] };
    tools.measure({ jobs: jobs.length, ignored, duplicates }, begin, requestId);
    return answer;
  };
}
