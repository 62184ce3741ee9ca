// The same as dynamodb_requests.lua with AWS's SDK for Node:
//   node dynamodb_requests.mjs URL OPERATION COUNT
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { sorted, tell } from "./measure.mjs";

const [url, operation, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const db = new DynamoDBClient({ endpoint: url, region: "eu-west-1",
  credentials: { accessKeyId: "A", secretAccessKey: "s" } });

// Made by whoever comes first.
const made = new CreateTableCommand({ TableName: "bench", BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }] });
await db.send(made).catch((problem) => {
  if (problem.name !== "ResourceInUseException") throw problem;
});

const item = (i) => ({ pk: `key-${i}`, variant: "a", score: 0.25, count: i, note: "x".repeat(1000), tags: ["a", "b"] });
const put = (i) => db.send(new PutItemCommand({ TableName: "bench", Item: marshall(item(i)) }));
const get = async (i) =>
  unmarshall((await db.send(new GetItemCommand({ TableName: "bench", Key: marshall({ pk: `key-${i}` }) }))).Item);

const send = operation === "PutItem" ? put : get, warm = Math.floor(count / 10);
for (let i = 1; i <= (operation === "GetItem" ? count : warm); i++) await put(i); // GetItem finds them all
for (let i = 1; i <= warm; i++) await send(i);

const started = performance.now();
for (let i = 1; i <= count; i++) await send(i);
tell((count * 1000) / (performance.now() - started), sorted(await get(count)));
