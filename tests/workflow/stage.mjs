// The servers of a workflow, for the demo: the front (DynamoDB, S3, SageMaker, Step Functions) and each
// function as `weir emulate` serves it. All of them end with this process, by their ids.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Front } from "./front.mjs";

const children = new Set();

function signalAll() {
  for (const child of children) child.kill("SIGTERM");
}
process.on("exit", signalAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

// spawn, keeping all that it says in `said`, and watching one stream line by line.
function run(command, words, env, stream, onLine) {
  const child = spawn(command, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.said = "";
  child.ended = new Promise((resolve) => child.on("close", resolve));
  child.ended.then(() => children.delete(child));
  return new Promise((resolve, reject) => {
    for (const each of [child.stdout, child.stderr]) each.on("data", (bytes) => (child.said += bytes));
    createInterface({ input: child[stream] }).on("line", (line) => {
      const found = onLine(line);
      if (found) resolve(Object.assign(child, found));
    });
    child.on("error", reject);
    child.ended.then(() => reject(new Error(`${command} ${words.join(" ")} ended:\n${child.said}`)));
  });
}

// Nothing of the machine's own AWS settings reaches a server.
const BASE = { PATH: process.env.PATH, HOME: "/nowhere", LANG: "C.UTF-8" };

export async function startFront() {
  // s3rver hides its page tokens with DES, which OpenSSL 3 counts as legacy.
  const words = ["--openssl-legacy-provider", "tests/servers/signature_front.mjs"];
  const child = await run(process.execPath, words, BASE, "stdout", (line) => {
    const { port, key_id, secret } = JSON.parse(line);
    return { url: `http://127.0.0.1:${port}`, key_id, secret };
  });
  return Object.assign(new Front(child), { server: child });
}

// → child with { url }; front, settings: what its calls and its handler need.
export function startFunction(weir, name, handler, front, settings) {
  const env = { ...BASE, AWS_ENDPOINT_URL: front.url, AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: front.server.key_id, AWS_SECRET_ACCESS_KEY: front.server.secret };
  const words = ["emulate", "--handler", handler, "--function", name, "--timeout", "30", "--concurrency", "8",
    ...Object.entries(settings).flatMap(([key, value]) => ["--env", `${key}=${value}`])];
  return run(weir, words, env, "stderr", (line) => {
    const ready = /ready at (http:\/\/127\.0\.0\.1:\d+)/.exec(line);
    return ready && { url: ready[1] };
  });
}

export async function stopAll() {
  signalAll();
  await Promise.all([...children].map(({ ended }) => ended));
}

export async function stop(child) {
  child.kill("SIGTERM");
  await child.ended;
}
