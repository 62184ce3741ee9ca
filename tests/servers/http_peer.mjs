// An HTTP peer below the level of HTTP libraries: each path answers with exact bytes, well-formed
// or not, so that the client sees what broken networks and servers really send.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { announce } from "./lifetime.mjs";

let connections = 0;

function reply(socket, body, { status = 200, headers = {} } = {}) {
  const lines = Object.entries({ "Content-Length": Buffer.byteLength(body), ...headers });
  socket.write(
    `HTTP/1.1 ${status} Whatever\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join("")}\r\n${body}`,
  );
}

function drip(socket, head, text, everyMs) {
  socket.write(head);
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= text.length) return clearInterval(timer);
    socket.write(text[at++]);
  }, everyMs);
}

const answers = {
  "/echo": (socket, request) =>
    reply(
      socket,
      JSON.stringify({
        method: request.method,
        target: request.target,
        headers: request.headers,
        body: request.body.toString("latin1"),
        connection: socket.number,
      }),
      { headers: { "Content-Type": "application/json" } },
    ),
  "/digest": (socket, request) => {
    const hash = createHash("sha256").update(request.body).digest("hex");
    const names = request.headers.map(([name]) => name.toLowerCase()).join(" ");
    reply(socket, `${request.body.length} ${hash} ${names}`);
  },
  "/status": (socket, request) =>
    reply(socket, "why", { status: Number(request.query.get("code")) }),
  "/bytes": (socket, request) => {
    const size = Number(request.query.get("size"));
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size, "x"));
  },
  "/chunked": (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
  "/no-length": (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
  "/interim": (socket) =>
    socket.write(
      "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\nHTTP/1.1 200 OK\r\nX-Late: yes\r\nContent-Length: 2\r\n\r\nok",
    ),
  "/headers": (socket) =>
    socket.write(
      "HTTP/1.1 200 OK\r\nX-MiXeD: One\r\nx-mixed:  two \r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
    ),
  "/redirect": (socket) => reply(socket, "", { status: 302, headers: { Location: "/echo" } }),
  "/head": (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5368709120\r\n\r\n"),
  // What a container's platform answers: credentials for its token, an error for every other.
  "/container": (socket, request) => {
    const [, token] = request.headers.find(([name]) => name.toLowerCase() === "authorization") ?? [];
    if (token !== "container token") return reply(socket, '{"secret":"hush"}', { status: 403 });
    const Expiration = request.query.get("expiration") ?? undefined;
    const keys = { AccessKeyId: "ASIACONTAINER", SecretAccessKey: "s3cr3t", Token: "t0k3n" };
    reply(socket, JSON.stringify({ ...keys, Expiration }));
  },
  // Faults.
  "/reset": (socket) => socket.resetAndDestroy(),
  "/close": (socket) => socket.end(),
  "/half": (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
  "/half-chunked": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
  "/bad-chunk": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
  "/stall": () => {},
  "/slow-body": (socket) =>
    drip(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "x".repeat(100), 50),
  "/five-gigabytes": (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5368709120\r\n\r\n${"x".repeat(4096)}`),
  "/endless": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = `10000\r\n${"x".repeat(65536)}\r\n`;
    const push = () => {
      while (!socket.destroyed && socket.write(chunk));
      if (!socket.destroyed) socket.once("drain", push);
    };
    push();
  },
  "/garbage": (socket) => socket.end("this is not HTTP at all\n"),
  "/bad-header": (socket) => socket.end("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"),
  "/nul-header": (socket) => socket.end("HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n"),
  "/many-headers": (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\n${`X-Many: ${"y".repeat(1000)}\r\n`.repeat(600)}\r\n`),
  "/tiny-headers": (socket) => socket.end(`HTTP/1.1 200 OK\r\n${"a:b\r\n".repeat(5000)}\r\n`),
  "/folded": (socket) => socket.end("HTTP/1.1 200 OK\r\nX-A: b\r\n X-C: d\r\nContent-Length: 0\r\n\r\n"),
  "/early": (socket) => {
    reply(socket, "too large", { status: 413, headers: { Connection: "close" } });
    socket.end();
  },
  // The next request on this connection finds it closed: a stale keep-alive.
  "/then-close": (socket) => {
    socket.closeNext = true;
    reply(socket, String(socket.number));
  },
};

function parse(buffer) {
  const end = buffer.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first, ...lines] = buffer.subarray(0, end).toString("latin1").split("\r\n");
  const [method, target] = first.split(" ");
  const headers = lines.map((line) => line.split(/: ?/, 1).concat(line.replace(/^[^:]*: ?/, "")));
  const length = headers.find(([name]) => name.toLowerCase() === "content-length");
  const size = Number(length?.[1] ?? 0);
  const url = new URL(target.startsWith("/") ? `http://x${target}` : target);
  const path = url.pathname;
  if (path !== "/early" && buffer.length < end + 4 + size) return null;
  const body = buffer.subarray(end + 4, end + 4 + size);
  return { method, target, path, query: url.searchParams, headers, body, size: end + 4 + size };
}

function serve(socket) {
  socket.number = ++connections;
  let pending = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    if (bytes[0] === 0x16) return socket.end("HTTP/1.1 400 No TLS here\r\n\r\n");
    pending = Buffer.concat([pending, bytes]);
    for (let request; (request = parse(pending)); ) {
      pending = pending.subarray(request.size);
      if (socket.closeNext) return socket.destroy();
      (answers[request.path] ?? answers["/echo"])(socket, request);
    }
  });
}

// A certificate for 127.0.0.1 that only a client with the printed bundle trusts.
function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "weir-tls-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
  const key = join(folder, "key.pem");
  const bundle = join(folder, "bundle.pem");
  const options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=weir test"];
  const names = ["-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...options, ...names, "-keyout", key, "-out", bundle], {
    stdio: "ignore",
  });
  return { bundle, key: readFileSync(key), cert: readFileSync(bundle) };
}

const { bundle, ...identity } = certificate();
const secure = tls.createServer(identity, serve);
secure.on("tlsClientError", () => {});
secure.listen(0, "127.0.0.1", () => {
  announce(net.createServer(serve), { tls_port: secure.address().port, bundle });
});
