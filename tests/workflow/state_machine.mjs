// Executes a state machine of deploy/ with aws-local-stepfunctions: the very file, its ${…} filled in, its
// Lambda tasks served by functions of `weir emulate`, its SDK integrations by the front of the tests. A
// task with .waitForTaskToken waits until the front was sent the answer to its token.
//
//   const machine = load("deploy/state-machines/inference.asl.json", substitutions);
//   const execution = start(machine, { name, input, front, functions: { name: url }, … });
//   await execution.result    → { status: "SUCCEEDED", output } | { status: "FAILED", error, cause }
//                               | { status: "ABORTED" }
//   execution.redrive()         goes on with the state in which it failed or was stopped; a new result
//
// More options:
//   onWaiting(answer)    a function took a token; what it answered
//   onEvent(event)       each event of aws-local-stepfunctions: StateExited, StateRetried, StateCaught, …
//   functionFaults       { function: [error name, …] }: its next invocations fail so, before they reach it
//   functionAnswers      { function: [answer, …] }: its next invocations answer so, and do not reach it
//   heartbeatTimeouts    that many waits end by States.HeartbeatTimeout as soon as they begin
//   timeouts             { state: seconds }, instead of hours: the one change to the file
//   seesToken(token)     whoever searches for it later
//   stopAfter            the execution is stopped, once, after so many children of a Distributed Map
//   meanwhile            { path, value }: what the front is told, once, after the first child
import "./promise_with_resolvers.mjs";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { StateMachine } from "aws-local-stepfunctions";
import { expand, MapRun } from "./map_run.mjs";

const INVOKE = "arn:aws:states:::lambda:invoke";
const WAIT = `${INVOKE}.waitForTaskToken`;
const SDK = "arn:aws:states:::aws-sdk:";
const COUNT = `${SDK}sfn:describeMapRun`;
const ACCOUNT = "eu-west-1:111122223333";
const POLL_MS = 15;

// As CloudFormation's DefinitionSubstitutions: every name must be known, and none may be left over.
export function load(path, substitutions) {
  const used = new Set();
  const text = readFileSync(path, "utf8").replace(/\$\{(\w+)\}/g, (whole, name) => {
    if (substitutions[name] === undefined) throw new Error(`${path}: ${whole} has no substitution`);
    used.add(name);
    return substitutions[name];
  });
  for (const name of Object.keys(substitutions)) if (!used.has(name)) throw new Error(`${path} has no \${${name}}`);
  return JSON.parse(text);
}

// Every state, those inside of Map states included.
export function statesOf({ States }) {
  return Object.entries(States).flatMap(([name, state]) =>
    [[name, state], ...(state.ItemProcessor ? statesOf(state.ItemProcessor) : [])]);
}

function stateError(name, message) {
  return Object.assign(new Error(message), { name });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Execution {
  constructor(definition, given) {
    Object.assign(this, { definition, attempts: 0, tokens: [], waits: [], over: false, redrives: 0, mapRuns: {}, done: {} },
      given);
    this.startTime = new Date().toISOString();
    this.id = `arn:aws:states:${ACCOUNT}:execution:inference:${this.name}`;
  }

  // Step Functions' names for what Lambda answers.
  async invoke({ FunctionName, Payload }) {
    const name = FunctionName.replace(/^.*:/, "");
    const fault = this.functionFaults?.[name]?.shift();
    if (fault) throw stateError(fault, "as the test has it");
    const given = this.functionAnswers?.[name]?.shift();
    if (given !== undefined) return { ExecutedVersion: "$LATEST", StatusCode: 200, Payload: given };
    const url = this.functions[name];
    if (!url) throw stateError("Lambda.ResourceNotFoundException", `Function not found: ${FunctionName}`);
    const call = { method: "POST", body: JSON.stringify(Payload) };
    const reply = await fetch(`${url}/2015-03-31/functions/${name}/invocations`, call).catch((problem) => {
      const why = problem.cause?.code ?? problem.message;
      throw stateError("Lambda.SdkClientException", `${name} cannot be reached: ${why}`);
    });
    const text = await reply.text();
    if (reply.status !== 200) throw stateError(`Lambda.${reply.headers.get("x-amzn-errortype")}`, text);
    const answer = text === "" ? null : JSON.parse(text);
    if (reply.headers.get("x-amz-function-error")) throw stateError(answer?.errorType ?? "Lambda.Unknown", text);
    return { ExecutedVersion: "$LATEST", StatusCode: 200, Payload: answer };
  }

  async answerTo(token) {
    const fingerprint = createHash("sha256").update(token).digest("hex");
    while (!this.over) {
      const found = (await this.front.control("GET", "answered")).find((answer) => answer.token === fingerprint);
      if (found) return found;
      await sleep(POLL_MS);
    }
    throw stateError("States.Timeout", "the execution is over");
  }

  // A token waits from its task's start; once the task has ended, however, it is over.
  async wait(input) {
    const token = input.Payload.task_token;
    this.attempts += 1;
    this.tokens.push(token);
    this.seesToken?.(token);
    await this.front.control("POST", "tokens", { waiting: [token] });
    try {
      const { Payload } = await this.invoke(input);
      if (this.heartbeatTimeouts-- > 0) throw stateError("States.HeartbeatTimeout", "no sign of life");
      this.onWaiting?.(Payload);
      const answer = await this.answerTo(token);
      if (answer.kind === "failure") throw stateError(answer.error, answer.cause);
      return JSON.parse(answer.output);
    } finally {
      await this.front.control("POST", "tokens", { over: [token] });
    }
  }

  // Children that succeeded before a redrive do not run again; a Map that is entered anew is a new one.
  async runMap(name, map, input, overrides) {
    const done = (this.done[name] ??= new Set());
    const run = new MapRun(map, { front: this.front, input, overrides, done, context: this.context(),
      isOver: () => this.over, onChild: (count) => this.onChild(count) });
    this.mapRuns[run.arn] = run;
    await this.onChild(0);
    const result = await run.result();
    delete this.done[name];
    return result;
  }

  async onChild(count) {
    if (count > 0 && this.meanwhile) {
      const { path, value } = this.meanwhile;
      this.meanwhile = undefined;
      await this.front.control("POST", path, value);
    }
    if (!(count >= this.stopAfter)) return;
    this.stopAfter = undefined;
    this.over = true;
    this.abort();
  }

  taskFor(name, { Resource }) {
    if (Resource === COUNT) return ({ MapRunArn }) => ({ ItemCounts: this.mapRuns[MapRunArn].counts() });
    if (Resource === INVOKE) return (input) => this.invoke(input);
    if (Resource === WAIT)
      return (input) => {
        const wait = this.wait(input);
        this.waits.push(wait);
        return wait;
      };
    const integration = Resource.startsWith(SDK) && this.front.integrations[Resource.slice(SDK.length)];
    if (!integration) throw new Error(`state '${name}': nobody here serves ${Resource}`);
    return integration;
  }

  // One state of the machine waits for tokens; only it may ask for $$.Task and $$.State.
  context(waiting) {
    const execution = this;
    return {
      Execution: { Id: this.id, Name: this.name, StartTime: this.startTime, RedriveCount: this.redrives },
      StateMachine: { Id: `arn:aws:states:${ACCOUNT}:stateMachine:inference`, Name: "inference" },
      State: { Name: waiting, get RetryCount() { return execution.attempts; } },
      Task: { get Token() { return `AQCEAAAAKgAAAAMAAAAAAAAA${randomBytes(600).toString("base64")}`; } },
    };
  }

  start() {
    const states = statesOf(this.definition);
    for (const [name, state] of states) if (this.timeouts?.[name]) state.TimeoutSeconds = this.timeouts[name];
    const tasks = states.filter(([, state]) => state.Type === "Task");
    const waiting = tasks.filter(([, state]) => state.Resource === WAIT).map(([name]) => name);
    if (waiting.length > 1) throw new Error("expected at most one state with .waitForTaskToken");
    const { definition, maps } = expand(this.definition);
    const other = states.find(([name, { ItemProcessor, ...own }]) =>
      name !== waiting[0] && !maps[name] && /\$\$\.(Task|State)\./.test(JSON.stringify(own)));
    if (other) throw new Error(`state '${other[0]}' asks for $$.State or $$.Task`);
    const handlers = Object.fromEntries(tasks.map(([name, state]) => [name, this.taskFor(name, state)]));
    const overrides = {
      taskResourceLocalHandlers: handlers,
      retryIntervalOverrides: Object.fromEntries(tasks.map(([name]) => [name, 1])),
    };
    for (const [name, map] of Object.entries(maps)) handlers[name] = (input) => this.runMap(name, map, input, overrides);
    // A redrive begins in the middle: the states before are not reachable.
    const begun = { ...definition, StartAt: this.at?.name ?? definition.StartAt };
    const run = new StateMachine(begun, { validationOptions: { noValidate: this.at !== undefined } })
      .run(this.at ? this.at.input : this.input, { context: this.context(waiting[0]), overrides });
    this.abort = run.abort;
    this.result = this.settle(run.result);
    this.watched = this.watch(run.eventLogs);
    return this;
  }

  redrive() {
    this.redrives += 1;
    this.over = false;
    return this.start();
  }

  async settle(result) {
    try {
      return { status: "SUCCEEDED", output: await result };
    } catch (problem) {
      const { name, message } = problem.cause ?? problem;
      return name === "ExecutionAbortedError" ? { status: "ABORTED" } : { status: "FAILED", error: name, cause: message };
    } finally {
      // The library tells of a time-out before the task it gave up has ended: no token outlives the execution.
      this.over = true;
      await Promise.allSettled(this.waits);
    }
  }

  async watch(events) {
    for await (const event of events) {
      if (event.type === "StateEntered") this.at = event.state;
      this.onEvent?.(event);
    }
  }
}

export function start(definition, given) {
  return new Execution(definition, given).start();
}
