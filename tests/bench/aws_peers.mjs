// The peers of aws_bench.lua: the same work done by what a Node function would use.
//   node aws_peers.mjs PEER COUNT [FILE]
import { readFileSync, writeSync, openSync } from "node:fs";
import { rate, rateAwaited, sorted, tell } from "./measure.mjs";

const [, , peer, countText, file] = process.argv;
const count = Number(countText), input = file && readFileSync(file, "utf8");
const target = "DynamoDB_20120810.PutItem", type = "application/x-amz-json-1.0";
const host = "dynamodb.eu-central-1.amazonaws.com", service = "dynamodb", region = "eu-central-1";
// With a token of 800 bytes, as a function's role has it.
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "FwoGZXIvYXdzEBYaDH/+".repeat(40) };

async function aws4() {
  const { default: signer } = await import("aws4");
  const sign = () => signer.sign({ host, method: "POST", path: "/", service, region, body: input,
    headers: { "Content-Type": type, "X-Amz-Target": target, "X-Amz-Date": "20261122T030405Z" } }, credentials);
  tell(rate(count, sign), sign().headers.Authorization);
}

async function smithy() {
  const { SignatureV4 } = await import("@smithy/signature-v4");
  const { HttpRequest } = await import("@smithy/core/protocols");
  const { Sha256 } = await import("../support/sha256.mjs");
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256, applyChecksum: false });
  const signingDate = new Date("2026-11-22T03:04:05Z");
  const sign = () => signer.sign(new HttpRequest({ method: "POST", protocol: "https:", hostname: host, path: "/",
    body: input, headers: { host, "content-type": type, "x-amz-target": target } }), { signingDate });
  const figure = await rateAwaited(count, sign);
  tell(figure, (await sign()).headers.authorization);
}

async function utilDynamodb() {
  const { unmarshall } = await import("@aws-sdk/util-dynamodb");
  const decode = () => JSON.parse(input).Items.map((item) => unmarshall(item));
  tell(rate(count, decode), sorted(decode()));
}

// Both libraries print with a console's log: one write a line, and the last line is kept.
const nowhere = openSync("/dev/null", "w");
let last;
const log = (line) => writeSync(nowhere, (last = line) + "\n");

async function powertools() {
  const { Metrics } = await import("@aws-lambda-powertools/metrics");
  const metrics = new Metrics({ namespace: "weir", serviceName: "routing" });
  metrics.console = { log };
  const figure = rate(count, (i) => {
    metrics.addMetric("Decisions", "Count", 1);
    metrics.addMetric("DecisionTime", "Microseconds", i % 100);
    metrics.addMetadata("requestId", "4f1c8a2e");
    metrics.publishStoredMetrics();
  });
  tell(figure, last);
}

async function embeddedMetrics() {
  const { createMetricsLogger, Unit } = await import("aws-embedded-metrics");
  console.log = log;
  const logger = createMetricsLogger();
  const figure = await rateAwaited(count, async (i) => {
    logger.setNamespace("weir");
    logger.setDimensions({ service: "routing" });
    logger.putMetric("Decisions", 1, Unit.Count);
    logger.putMetric("DecisionTime", i % 100, Unit.Microseconds);
    logger.setProperty("requestId", "4f1c8a2e");
    await logger.flush();
  });
  tell(figure, last);
}

await { aws4, smithy, "util-dynamodb": utilDynamodb, powertools, "embedded-metrics": embeddedMetrics }[peer]();
