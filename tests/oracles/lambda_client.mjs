// AWS's own client for Lambda, which is what `aws lambda invoke --endpoint-url` corresponds to: makes
// the calls that it reads from standard input ({ command, input } a line) and prints what it got.
//   node lambda_client.mjs ENDPOINT
import { createInterface } from "node:readline";
import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from "@aws-sdk/client-lambda";

const client = new LambdaClient({
  endpoint: process.argv[2], region: "us-east-1", maxAttempts: 1,
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
});

const text = (bytes) => (bytes == null ? undefined : Buffer.from(bytes).toString());

async function invoke(input) {
  const { StatusCode, FunctionError, ExecutedVersion, LogResult, Payload } = await client.send(new InvokeCommand(input));
  return { StatusCode, FunctionError, ExecutedVersion, LogResult, Payload: text(Payload) };
}

async function stream(input) {
  const answer = await client.send(new InvokeWithResponseStreamCommand(input));
  const chunks = [];
  let complete, first;
  for await (const event of answer.EventStream) {
    if (event.PayloadChunk) {
      first ??= Date.now();
      chunks.push(text(event.PayloadChunk.Payload));
    }
    if (event.InvokeComplete) complete = event.InvokeComplete;
  }
  return { StatusCode: answer.StatusCode, chunks, complete, waited: first === undefined ? 0 : Date.now() - first };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { command, input } = JSON.parse(line);
  try {
    console.log(JSON.stringify(await (command === "stream" ? stream : invoke)(input)));
  } catch (error) {
    console.log(JSON.stringify({ error: error.name, status: error.$metadata?.httpStatusCode, message: error.message }));
  }
}
process.exit(0);
