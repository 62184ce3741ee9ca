// Step Functions for tests/integration/state_machine_spec.lua: executes state machines as
// tests/workflow/state_machine.mjs does, and tells what happens as it happens.
//
//   POST /start  { machine, substitutions, front, and what state_machine.mjs takes }   → { id }
//   POST /redrive/ID  an execution that failed or was stopped goes on there
//   GET  /next/ID  waits for the next of
//     { "waiting": answer of the function that took the token }
//     { "state": name }, { "retried": name }, { "caught": name }
//     { "status": "SUCCEEDED", "output": … } or { "status": "FAILED", "error": …, "cause": … }, with "attempts"
import http from "node:http";
import { announce } from "./lifetime.mjs";
import { Front } from "../workflow/front.mjs";
import { load, start } from "../workflow/state_machine.mjs";

const WORDS = { StateExited: "state", StateRetried: "retried", StateCaught: "caught" };
const executions = [];

// What was said and not yet taken, and who waits for more.
class Mailbox {
  said = [];
  put(value) {
    this.said.push(value);
    this.waiting?.();
  }
  async take() {
    while (this.said.length === 0) await new Promise((resolve) => (this.waiting = resolve));
    return this.said.shift();
  }
}

function begin({ machine, substitutions, front, ...given }) {
  const box = new Mailbox();
  const execution = start(load(machine, substitutions), { ...given, front: new Front(front),
    onWaiting: (answer) => box.put({ waiting: answer }),
    onEvent: ({ type, state }) => WORDS[type] && box.put({ [WORDS[type]]: state.name }) });
  const tell = () => execution.result.then(async (result) => {
    await execution.watched;
    box.put({ ...result, attempts: execution.attempts });
  });
  box.redrive = () => {
    execution.redrive();
    tell();
  };
  tell();
  return { id: executions.push(box) - 1 };
}

function redrive(id) {
  executions[id].redrive();
  return { id };
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function handle(request) {
  const [, verb, id] = /^\/(next|redrive)\/(\d+)$/.exec(request.url) ?? [];
  if (verb === "next") return executions[id].take();
  return verb ? redrive(Number(id)) : begin(JSON.parse(await readBody(request)));
}

announce(http.createServer((request, response) => {
  handle(request).then((answer) => response.end(JSON.stringify(answer)),
    (problem) => response.writeHead(500).end(String(problem.stack)));
}));
