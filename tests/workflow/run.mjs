// Executions for tests/integration/state_machine_spec.lua: one line of JSON in, { machine, substitutions,
// front, and what state_machine.mjs takes }, and lines of JSON out as things happen:
//   { "waiting": answer of the function that took the token }
//   { "state": name }, { "retried": name }, { "caught": name }
//   { "status": "SUCCEEDED", "output": … } or { "status": "FAILED", "error": …, "cause": … }, with "attempts"
import { createInterface } from "node:readline";
import { Front } from "./front.mjs";
import { load, start } from "./state_machine.mjs";

const WORDS = { StateExited: "state", StateRetried: "retried", StateCaught: "caught" };
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

for await (const line of createInterface({ input: process.stdin })) {
  const { machine, substitutions, front, ...given } = JSON.parse(line);
  const execution = start(load(machine, substitutions), { ...given, front: new Front(front),
    onWaiting: (answer) => say({ waiting: answer }),
    onEvent: ({ type, state }) => WORDS[type] && say({ [WORDS[type]]: state.name }) });
  const result = await execution.result;
  await execution.watched;
  say({ ...result, attempts: execution.attempts });
}
