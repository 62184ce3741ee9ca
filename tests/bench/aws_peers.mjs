// The peers of aws_bench.lua: the same work done by what a Node function would use. Prints
// "name per-CPU-second" for one round: the second of two runs, of which the first warms up.
import { writeSync, openSync } from "node:fs";
import { readFileSync } from "node:fs";
import aws4 from "aws4";
import { SignatureV4 } from "@smithy/signature-v4";
import { HttpRequest } from "@smithy/core/protocols";
import { Sha256 } from "../support/sha256.mjs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { createMetricsLogger, Unit as EmfUnit } from "aws-embedded-metrics";
import { Metrics } from "@aws-lambda-powertools/metrics";

const [, , bodyFile, pageFile] = process.argv;
const body = readFileSync(bodyFile, "utf8");
const page = readFileSync(pageFile, "utf8");
const RUNS = 2;

async function measure(name, count, work) {
  let seconds = 0;
  for (let run = 0; run < RUNS; run++) {
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) await work(i);
    const used = process.cpuUsage(start);
    seconds = (used.user + used.system) / 1e6;
  }
  console.error(name, Math.round(count / seconds));
}

// Without awaiting what is not asynchronous.
function measureSync(name, count, work) {
  let seconds = 0;
  for (let run = 0; run < RUNS; run++) {
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) work(i);
    const used = process.cpuUsage(start);
    seconds = (used.user + used.system) / 1e6;
  }
  console.error(name, Math.round(count / seconds));
}

const target = "DynamoDB_20120810.PutItem";
const type = "application/x-amz-json-1.0";
// With a token of 800 bytes, as a function's role has it.
const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "FwoGZXIvYXdzEBYaDH/+".repeat(40) };
const host = "dynamodb.eu-central-1.amazonaws.com";

measureSync("sigv4-aws4", 20000, () =>
  aws4.sign(
    { host, method: "POST", path: "/", service: "dynamodb", region: "eu-central-1", body,
      headers: { "Content-Type": type, "X-Amz-Target": target } },
    keys,
  ));

const signer = new SignatureV4({ service: "dynamodb", region: "eu-central-1", credentials: keys, sha256: Sha256,
  applyChecksum: false });
await measure("sigv4-smithy", 5000, () =>
  signer.sign(new HttpRequest({ method: "POST", protocol: "https:", hostname: host, path: "/", body,
    headers: { host, "content-type": type, "x-amz-target": target } })));

// What the page decodes to, for comparison.
const items = JSON.parse(page).Items.map((item) => unmarshall(item));
console.error("items-sum", items.reduce((sum, item) => sum + item.ttl + item.total_bytes + item.files.length
  + Object.keys(item).length + item.tags.model.length, 0));

measureSync("dynamodb-util", 40, () => JSON.parse(page).Items.map((item) => unmarshall(item)));

const out = openSync("/dev/null", "w");
console.log = (line) => writeSync(out, line + "\n");
const metrics = new Metrics({ namespace: "weir", serviceName: "routing" });
measureSync("emf-powertools", 20000, (i) => {
  metrics.addMetric("Decisions", "Count", 1);
  metrics.addMetric("DecisionTime", "Microseconds", i % 100);
  metrics.addMetadata("requestId", "4f1c8a2e");
  metrics.publishStoredMetrics();
});

const logger = createMetricsLogger();
await measure("emf-embedded-metrics", 5000, async (i) => {
  logger.setNamespace("weir");
  logger.setDimensions({ service: "routing" });
  logger.putMetric("Decisions", 1, EmfUnit.Count);
  logger.putMetric("DecisionTime", i % 100, EmfUnit.Microseconds);
  logger.setProperty("requestId", "4f1c8a2e");
  await logger.flush();
});
