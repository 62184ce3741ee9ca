// A Node runtime's loop, as aws-lambda-ric runs it (its native client needs a compiler and Node's
// headers to install, so it is not a dependency of the tests): one keep-alive connection, the next event
// parsed from JSON, an async handler, its result as JSON posted back. AWS_BENCH_CLIENTS=1 loads and
// makes three clients of AWS's SDK first, as a function that uses them does. AWS_BENCH_HANDLER names a
// module whose function `handler` takes the place of the routing decision.
import http from "node:http";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const base = "/2018-06-01/runtime/invocation/";
process.on("SIGTERM", () => process.exit(0));

export const clients = [];
if (process.env.AWS_BENCH_CLIENTS) {
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { SageMakerClient } = await import("@aws-sdk/client-sagemaker");
  const { SFNClient } = await import("@aws-sdk/client-sfn");
  for (const Client of [DynamoDBClient, SageMakerClient, SFNClient]) clients.push(new Client({ region: "us-east-1" }));
}

async function route(event) {
  const threshold = 10;
  return event.file_count < threshold
    ? { action: "realtime", because: `${event.file_count} files, below ${threshold}` }
    : { action: "batch", because: `${event.file_count} files, at or above ${threshold}` };
}

const handler = process.env.AWS_BENCH_HANDLER ? (await import(process.env.AWS_BENCH_HANDLER)).handler : route;

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const request = http.request({ host, port, method, path: base + path, headers, agent }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const next = await call("GET", "next");
  process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"];
  const requestId = next.headers["lambda-runtime-aws-request-id"];
  const result = await handler(JSON.parse(next.body), { requestId });
  await call("POST", `${requestId}/response`, JSON.stringify(result));
}
