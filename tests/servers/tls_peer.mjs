// HTTPS peers with one certification authority, for what a client must accept and refuse: each
// listens on 127.0.0.1 and answers any request with the number of its connection, which it then keeps
// open; after /close it closes it. With a port as argument they hand what comes on to the HTTP server
// there instead. Announces
//   tls13, tls12    ports of peers with a good certificate: RSA and only 1.3, ECDSA and only 1.2
//   wrong_name      the certificate is for other.example
//   expired         the certificate ran out yesterday
//   authority       the authority's certificate, in a file
//   stranger        that of an authority of the same name that signed none of them
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { announce } from "./lifetime.mjs";

const folder = mkdtempSync(join(tmpdir(), "weir-tls-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));

const file = (name) => join(folder, name);
const openssl = (...args) => execFileSync("openssl", args, { stdio: "ignore" });
const RSA = ["-newkey", "rsa:2048"];
const ECDSA = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

function authority(name) {
  const subject = ["-subj", "/CN=weir test authority", "-days", "2", "-nodes"];
  openssl("req", "-x509", ...ECDSA, ...subject, "-keyout", file(`${name}.key`), "-out", file(name));
  return file(name);
}

function identity(name, kind, subjectAltName, days) {
  const [key, request, certificate] = ["key", "csr", "crt"].map((end) => file(`${name}.${end}`));
  writeFileSync(file(`${name}.ext`), `subjectAltName=${subjectAltName}\n`);
  openssl("req", ...kind, "-nodes", "-subj", `/CN=${name}`, "-keyout", key, "-out", request);
  const signer = ["-CA", file("authority.pem"), "-CAkey", file("authority.pem.key"), "-CAcreateserial"];
  const more = ["-days", String(days), "-extfile", file(`${name}.ext`)];
  openssl("x509", "-req", "-in", request, ...signer, ...more, "-out", certificate);
  return { key: readFileSync(key), cert: readFileSync(certificate) };
}

let connections = 0;
const target = Number(process.argv[2] ?? 0);

// Either end that closes or breaks ends the other.
function handOn(socket) {
  const onward = net.connect(target, "127.0.0.1");
  for (const [one, other] of [[socket, onward], [onward, socket]])
    one.on("error", () => {}).on("close", () => other.destroy()).pipe(other);
}

function answering(options) {
  const server = https.createServer(options, (request, response) => {
    if (request.url === "/close") response.setHeader("Connection", "close");
    response.end(JSON.stringify({ connection: request.socket.number }));
  });
  server.on("secureConnection", (socket) => (socket.number = ++connections));
  return server;
}

function serve(options) {
  const server = target ? tls.createServer(options, handOn) : answering(options);
  server.on("tlsClientError", () => {});
  server.keepAliveTimeout = 0; // the client decides
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(server.address().port)),
  );
}

const here = "IP:127.0.0.1";
const facts = { authority: authority("authority.pem"), stranger: authority("stranger.pem") };
facts.tls13 = await serve({ ...identity("rsa", RSA, here, 2), minVersion: "TLSv1.3" });
facts.tls12 = await serve({ ...identity("ecdsa", ECDSA, here, 2), maxVersion: "TLSv1.2" });
facts.wrong_name = await serve(identity("other", ECDSA, "DNS:other.example", 2));
facts.expired = await serve(identity("expired", ECDSA, here, -1));
announce(net.createServer((socket) => socket.destroy()), facts);
