// A bucket of any number of small objects, made up page by page: what discovery and realtime_inference ask of S3, and
// an endpoint that answers with what it was sent. Signatures are not looked at: it is for numbers.
//
//   node many_objects.mjs COUNT      keys in/00000000.csv …; everything that is put is kept
import http from "node:http";
import { announce } from "./lifetime.mjs";

const count = Number(process.argv[2]);
const kept = new Map();
const keyOf = (number) => `in/${String(number).padStart(8, "0")}.csv`;
const numberBehind = (key) => (key < "in/" ? 0 : Math.min(count, Number(/^in\/(\d+)/.exec(key)?.[1] ?? count) + 1));

function list(query) {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const from = prefix !== "" && !prefix.startsWith("in/") ? count : after === "" ? 0 : numberBehind(after);
  const to = Math.min(count, from + Number(query.get("max-keys") ?? 1000));
  const parts = [];
  for (let i = from; i < to; i++)
    parts.push(`<Contents><Key>${keyOf(i)}</Key><LastModified>2026-11-20T09:00:01.000Z</LastModified>`
      + `<ETag>&quot;${i.toString(16).padStart(32, "0")}&quot;</ETag><Size>${100 + (i % 900)}</Size>`
      + `<StorageClass>FSX_ONTAP</StorageClass></Contents>`);
  const more = to < count;
  return `<ListBucketResult><Name>b</Name><KeyCount>${to - from}</KeyCount><EncodingType>url</EncodingType>`
    + `<IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${keyOf(to - 1)}</NextContinuationToken>` : ""}`
    + `${parts.join("")}</ListBucketResult>`;
}

function answer(request, body) {
  const { pathname, searchParams } = new URL(request.url, "http://x");
  if (/DescribeEndpoint$/.test(request.headers["x-amz-target"] ?? ""))
    return [200, JSON.stringify({ EndpointName: "e", EndpointStatus: "InService" }),
      { "Content-Type": "application/x-amz-json-1.1" }];
  if (pathname.startsWith("/endpoints/")) return [200, body, { "x-Amzn-Invoked-Production-Variant": "a" }];
  if (searchParams.has("list-type")) return [200, list(searchParams)];
  if (request.method === "PUT") {
    if (!/\/results\/in\//.test(pathname)) kept.set(pathname, body);
    else kept.set("results", (kept.get("results") ?? 0) + 1);
    return [200, "", { ETag: '"e"' }];
  }
  if (request.method === "DELETE") return [kept.delete(pathname) ? 204 : 204, ""];
  if (pathname === "/__test/results") return [200, String(kept.get("results") ?? 0)];
  if (kept.has(pathname)) return [200, kept.get(pathname)];
  if (/\/in\/\d+\.csv$/.test(pathname)) return [200, "row", { "content-type": "text/csv" }];
  return [404, "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"];
}

announce(http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const [status, text, headers] = answer(request, Buffer.concat(chunks));
    response.writeHead(status, headers);
    response.end(text);
  });
}));
