// A Runtime API that does as it is told, mistakes included: /next takes its answers from a script,
// everything that the runtime posts is kept. `weir emulate` is the well-behaved one.
//
//   POST /__test/script  [{ kind, … }, …]  what the next calls of /next get; then they wait for more
//       { kind: "event", id, body, headers, chunked, deadline_in_ms }   headers: instead of the usual
//       { kind: "status", status } { kind: "hangup" } { kind: "raw", text } { kind: "half" }
//   POST /__test/replies [{ status } | { kind: "hangup" | "ignore" }, …]   answers to what is posted; then 202
//   GET  /__test/posts?count=N   waits until N posts came: [{ path, headers, body, trailers }, …]
//   POST /__test/reset
import http from "node:http";
import { announce } from "./lifetime.mjs";

let script, replies, posts, waiting, watchers, nexts;
function reset() {
  for (const response of waiting ?? []) response.destroy();
  [script, replies, posts, waiting, watchers, nexts] = [[], [], [], [], [], 0];
}
reset();

function sendEvent(response, { id = "request-1", body = "{}", headers, chunked, deadline_in_ms = 30000 }) {
  const all = {
    "Lambda-Runtime-Aws-Request-Id": id,
    "Lambda-Runtime-Deadline-Ms": String(Date.now() + deadline_in_ms),
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:111122223333:function:f",
    ...headers,
  };
  for (const [name, value] of Object.entries(all)) if (value === null) delete all[name];
  if (!chunked) all["Content-Length"] = Buffer.byteLength(body);
  response.writeHead(200, all);
  if (chunked) for (let at = 0; at < body.length; at += chunked) response.write(body.slice(at, at + chunked));
  response.end(chunked ? undefined : body);
}

const kinds = {
  event: sendEvent,
  status: (response, { status }) => response.writeHead(status).end("no"),
  hangup: (response) => response.socket.destroy(),
  raw: (response, { text }) => {
    response.socket.write(Buffer.from(text, "latin1"));
    response.socket.destroySoon();
  },
  half: (response) => {
    response.writeHead(200, { "Lambda-Runtime-Aws-Request-Id": "half", "Content-Length": 100 });
    response.write("{", () => response.socket.destroy());
  },
};

function pump() {
  while (script.length > 0 && waiting.length > 0) {
    const step = script.shift();
    kinds[step.kind](waiting.shift(), step);
  }
  for (const { count, response } of watchers.filter((w) => posts.length >= w.count)) response.end(JSON.stringify(posts.slice(0, count)));
  watchers = watchers.filter((w) => posts.length < w.count);
}

function readBody(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => resolve(Buffer.concat(chunks)));
  });
}

async function control(request, response) {
  const body = await readBody(request);
  const url = new URL(request.url, "http://x");
  if (url.pathname === "/__test/script") script.push(...JSON.parse(body));
  else if (url.pathname === "/__test/replies") replies.push(...JSON.parse(body));
  else if (url.pathname === "/__test/reset") reset();
  else if (url.pathname === "/__test/nexts") return response.end(JSON.stringify(nexts));
  else if (url.pathname === "/__test/posts") {
    watchers.push({ count: Number(url.searchParams.get("count") ?? 0), response });
    return pump();
  }
  response.end("{}");
  pump();
}

async function take(request, response) {
  if (replies[0]?.kind === "ignore") return replies.shift(); // what comes is never read, nor answered
  const body = await readBody(request);
  posts.push({ path: request.url.replace("/2018-06-01/runtime", ""), headers: request.headers, body: body.length > 1e6 ? `${body.length} bytes` : body.toString(),
    trailers: request.trailers });
  const reply = replies.shift() ?? { status: 202 };
  if (reply.kind === "hangup") response.socket.destroy();
  else response.writeHead(reply.status).end('{"status":"OK"}');
  pump();
}

const server = http.createServer((request, response) => {
  if (request.url.startsWith("/__test/")) return control(request, response);
  if (request.method === "POST") return take(request, response);
  nexts++;
  waiting.push(response);
  response.on("close", () => { waiting = waiting.filter((w) => w !== response); });
  pump();
});
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
announce(server);
