// The same as dynamodb_requests.lua with AWS's SDK for Node.
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

const [url, count] = [process.argv[2], Number(process.argv[3])];
const db = new DynamoDBClient({ endpoint: url, region: "eu-west-1",
  credentials: { accessKeyId: "A", secretAccessKey: "s" } });

const item = (i) => ({ pk: `key-${i}`, variant: "a", score: 0.25, count: i, note: "x".repeat(1000), tags: ["a", "b"] });

async function measure(name, send) {
  for (let i = 1; i <= 100; i++) await send(i);
  const started = performance.now();
  for (let i = 1; i <= count; i++) await send(i);
  console.log(name, Math.round((count * 1000) / (performance.now() - started)));
}

await measure("PutItem", (i) => db.send(new PutItemCommand({ TableName: "bench", Item: marshall(item(i)) })));
await measure("GetItem", async (i) => unmarshall(
  (await db.send(new GetItemCommand({ TableName: "bench", Key: marshall({ pk: `key-${i}` }) }))).Item));
