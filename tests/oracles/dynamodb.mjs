// Answers each line with what AWS's own JavaScript codec makes of it: an item in DynamoDB's JSON is
// unmarshalled, numbers kept as their text, and marshalled again. Attribute order is by name, sets are
// sorted and bytes are base64, so that the answers can be compared as text.
import { createInterface } from "node:readline";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

// The codec works on bytes where the wire has base64.
function fromWire(value) {
  const [[type, content]] = Object.entries(value);
  if (type === "B") return { B: Buffer.from(content, "base64") };
  if (type === "BS") return { BS: content.map((text) => Buffer.from(text, "base64")) };
  if (type === "L") return { L: content.map(fromWire) };
  if (type === "M") return { M: mapValues(content, fromWire) };
  return value;
}

function toWire(value) {
  const [[type, content]] = Object.entries(value);
  if (type === "B") return { B: Buffer.from(content).toString("base64") };
  if (type === "BS") return { BS: content.map((bytes) => Buffer.from(bytes).toString("base64")).sort() };
  if (type === "SS") return { SS: [...content].sort(byBytes) };
  if (type === "NS") return { NS: [...content].sort() };
  if (type === "L") return { L: content.map(toWire) };
  if (type === "M") return { M: mapValues(content, toWire) };
  return value;
}

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

function mapValues(map, change) {
  return Object.fromEntries(Object.keys(map).sort(byBytes).map((name) => [name, change(map[name])]));
}

for await (const line of createInterface({ input: process.stdin })) {
  const native = unmarshall(mapValues(JSON.parse(line), fromWire), { wrapNumbers: true });
  console.log(JSON.stringify(mapValues(marshall(native), toWire)));
}
