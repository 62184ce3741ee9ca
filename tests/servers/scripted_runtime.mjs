// A Lambda runtime that does what each event says, misbehaviour included: the counterpart of
// `weir emulate` in its specs. WEIR_TEST_INIT says what it does before the first /next.
import http from "node:http";
import net from "node:net";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });
const base = "/2018-06-01/runtime/";

function call(method, path, { body = "", headers = {}, trailers } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: base + path, headers, agent }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    if (trailers) request.addTrailers(trailers);
    for (const part of Array.isArray(body) ? body.slice(0, -1) : []) request.write(part);
    request.end(Array.isArray(body) ? body.at(-1) : body);
  });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const post = (id, what, options) => call("POST", `invocation/${id}/${what}`, options);
const stream = (id, body, options = {}) =>
  post(id, "response", {
    body,
    ...options,
    headers: {
      "Transfer-Encoding": "chunked", "Lambda-Runtime-Function-Response-Mode": "streaming", ...options.headers,
    },
  });
const failure = (type, message) => JSON.stringify({ errorMessage: message, errorType: type, stackTrace: [] });

const actions = {
  echo: (id, event) => post(id, "response", { body: JSON.stringify(event) }),
  headers: (id, event, next) => post(id, "response", { body: JSON.stringify(next.headers) }),
  environment: (id) =>
    post(id, "response", { body: JSON.stringify({ ...process.env, cwd: process.cwd(), pid: process.pid }) }),
  error: (id) =>
    post(id, "error", {
      body: failure("Demo.Failed", "it is broken"),
      headers: { "Lambda-Runtime-Function-Error-Type": "Demo.Failed" },
    }),
  text_error: (id) => post(id, "error", { body: "no JSON at all" }),
  exit: (id, event) => process.exit(event.status ?? 1),
  crash: () => process.kill(process.pid, "SIGSEGV"),
  answer_and_exit: async (id) => {
    await post(id, "response", { body: '"answered"' });
    process.exit(3);
  },
  hang: () => sleep(3600e3),
  log: (id, event) => {
    for (let i = 0; i < event.lines; i++) console.log(`line ${i}`);
    console.error("from stderr");
    return post(id, "response", { body: "{}" });
  },
  long_line: async (id, event) => {
    await new Promise((resolve) => process.stdout.write("x".repeat(event.size), resolve));
    return post(id, "response", { body: "{}" });
  },
  abandon_poll: async (id) => {
    await post(id, "response", { body: "{}" });
    await new Promise((resolve) => {
      const socket = net.connect(port, host, () => {
        socket.write(`GET ${base}invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
        setTimeout(() => socket.destroy(), 100);
      });
      socket.on("close", resolve);
    });
    console.log("abandoned");
    await sleep(500);
  },
  sleep: async (id, event) => {
    const from = Date.now();
    await sleep(event.ms);
    return post(id, "response", { body: JSON.stringify({ from, to: Date.now(), pid: process.pid }) });
  },
  large: async (id, event) => {
    const answer = await post(id, "response", { body: JSON.stringify("x".repeat(event.size - 2)) });
    console.log(`large: ${answer.status} ${answer.body.trim()}`);
  },
  twice: async (id) => {
    await post(id, "response", { body: '"first"' });
    const again = await post(id, "response", { body: '"second"' });
    const wrong = await post("00000000-0000-4000-8000-000000000000", "response", { body: "{}" });
    console.log(`again: ${again.status} ${again.body.trim()} wrong: ${wrong.status} ${wrong.body.trim()}`);
  },
  // Answers with the invocation ids of the event, then with the right one.
  invocation_ids: async (id, event, next) => {
    const answers = [];
    for (const given of event.ids) {
      for (const what of ["response", "error"]) {
        const { status, body } = await post(id, what, { body: '"wrong"', headers: { "Lambda-Runtime-Invocation-Id": given } });
        answers.push(`${what} ${status} ${JSON.parse(body).errorType}`);
      }
      const { status } = await stream(id, ["wrong"], { headers: { "Lambda-Runtime-Invocation-Id": given } });
      answers.push(`stream ${status}`);
    }
    const right = next.headers["lambda-runtime-invocation-id"];
    return post(id, "response", {
      body: JSON.stringify({ answers, right }), headers: { "Lambda-Runtime-Invocation-Id": right },
    });
  },
  too_late: async (id, event, next) => {
    await sleep(event.ms);
    const headers = { "Lambda-Runtime-Invocation-Id": next.headers["lambda-runtime-invocation-id"] };
    const late = await post(id, "response", { body: "1", headers });
    console.log(`late: ${late.status} ${late.body.trim()}`);
  },
  mode: async (id, event) => {
    const { status, body } = await post(id, "response", {
      body: '"as it is"', headers: { "Lambda-Runtime-Function-Response-Mode": event.mode },
    });
    console.log(`mode: ${status} ${body.trim()}`);
  },
  // As aws-lambda-go: in chunks, without the header that says so.
  plain_stream: async (id, event) => {
    const request = http.request({
      host, port, method: "POST", path: `${base}invocation/${id}/response`,
      headers: { "Transfer-Encoding": "chunked", Trailer: "Lambda-Runtime-Function-Error-Type" },
    });
    request.write("first");
    await sleep(300);
    request.write("second");
    if (event.fail) {
      request.addTrailers({
        "Lambda-Runtime-Function-Error-Type": "Demo.Midway",
        "Lambda-Runtime-Function-Error-Body": Buffer.from(failure("Demo.Midway", "stopped midway")).toString("base64"),
      });
    }
    request.end();
    await new Promise((resolve) => request.on("response", (r) => r.resume().on("end", resolve)));
  },
  next_too_early: async (id) => {
    const early = await call("GET", "invocation/next");
    return post(id, "response", { body: JSON.stringify({ status: early.status, error: JSON.parse(early.body) }) });
  },
  stream: (id, event) => stream(id, event.parts),
  slow_stream: async (id) => {
    const request = http.request({
      host, port, method: "POST", path: `${base}invocation/${id}/response`,
      headers: { "Transfer-Encoding": "chunked", "Lambda-Runtime-Function-Response-Mode": "streaming" },
    });
    request.write("first");
    await sleep(300);
    request.end("second");
    await new Promise((resolve) => request.on("response", (r) => r.resume().on("end", resolve)));
  },
  stream_error: (id) =>
    stream(id, ["half a "], {
      headers: { Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body" },
      trailers: {
        "Lambda-Runtime-Function-Error-Type": "Demo.Midway",
        "Lambda-Runtime-Function-Error-Body": Buffer.from(failure("Demo.Midway", "stopped midway")).toString("base64"),
      },
    }),
  truncate: (id) =>
    new Promise((resolve) => {
      const socket = net.connect(port, host, () => {
        socket.write(`POST ${base}invocation/${id}/response HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n` +
          "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n4\r\nhalf\r\n");
        setTimeout(() => { socket.destroy(); setTimeout(resolve, 100); }, 100);
      });
    }),
  stream_and_exit: (id) =>
    new Promise(() => {
      const socket = net.connect(port, host, () => {
        socket.write(`POST ${base}invocation/${id}/response HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n` +
          "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n4\r\nhalf\r\n", () => process.exit(5));
      });
    }),
  hostile: async (id) => {
    const junk = [
      "GET /2018-06-01/runtime/invocation/next", "\r\n\r\n\0\0", `GET /${"a".repeat(300000)} HTTP/1.1\r\n\r\n`,
      `POST ${base}invocation/../../x/response HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n`,
      `POST ${base}invocation/${"9".repeat(5000)}/error HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"h".repeat(400000)}\r\n\r\n`,
      `POST ${base}invocation/${id}/response HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ];
    for (const bytes of junk) {
      await new Promise((resolve) => {
        const socket = net.connect(port, host, () => { socket.write(bytes); setTimeout(() => socket.destroy(), 30); });
        socket.on("error", () => {}).on("close", resolve);
      });
    }
    return post(id, "response", { body: '"still here"' });
  },
};

const inits = {
  error: async () => {
    await call("POST", "init/error", {
      body: failure("Demo.InitFailed", "no policy loads"),
      headers: { "Lambda-Runtime-Function-Error-Type": "Demo.InitFailed" },
    });
    process.exit(1);
  },
  exit: () => process.exit(7),
  hang: () => sleep(3600e3),
};

process.on("SIGTERM", () => {
  if (process.env.WEIR_TEST_STUBBORN) return;
  console.log("going");
  process.exit(0);
});

if (process.env.WEIR_TEST_INIT) {
  console.log(`init ${process.env.WEIR_TEST_INIT}`);
  await inits[process.env.WEIR_TEST_INIT]();
}

// As many polls as the function may handle at a time.
for (let i = 0; i < Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY ?? 1); i++) poll();

async function poll() {
  for (;;) {
    const next = await call("GET", "invocation/next");
    if (next.status !== 200) {
      console.log(`next: ${next.status}`);
      process.exit(9);
    }
    const event = JSON.parse(next.body);
    await actions[event.do ?? "echo"](next.headers["lambda-runtime-aws-request-id"], event, next);
  }
}
