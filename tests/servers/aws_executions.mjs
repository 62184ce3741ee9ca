// State machines and their executions, as Step Functions keeps them.
//
//   POST /__test/machines [{ arn, express, status, running: [name, …], ended: { name: { status, error } } }, …]
//   GET  /__test/machines → { arn of an execution: { status, cause, … } }
//
// A state machine that nobody made here is any other: it can be started, and has no list. One with executions
// that run cannot be deleted (whyRunning).
import { page, ServiceError } from "./aws_workflows.mjs";

let machines, executions;
export function resetExecutions() {
  [machines, executions] = [new Map(), new Map()];
}
resetExecutions();

const arnOf = (machine, name) => `${machine.replace(":stateMachine:", ":execution:")}:${name}`;

export function addMachine(arn, { running = [], ended = {}, status = "ACTIVE", express = false } = {}) {
  if (!machines.has(arn)) machines.set(arn, { arn, status, express });
  for (const name of running) executions.set(arnOf(arn, name), { machine: arn, name, status: "RUNNING", startDate: 1795435200.125 });
  for (const [name, how] of Object.entries(ended)) executions.set(arnOf(arn, name), { machine: arn, name, ...how, startDate: 1795435200.125 });
}

export const removeMachine = (arn) => void machines.delete(arn);

const runningOf = (arn) => [...executions.values()].filter(({ machine, status }) => machine === arn && status === "RUNNING");

// Why a state machine cannot be deleted now, or nothing.
export function whyRunning(arn) {
  return runningOf(arn).length
    ? `Resource of type 'AWS::StepFunctions::StateMachine' with identifier '${arn}' did not stabilize.` : undefined;
}

function start({ stateMachineArn, name = "generated", input = "{}" }) {
  const key = arnOf(stateMachineArn, name);
  const known = executions.get(key);
  if (known && known.input !== input)
    throw new ServiceError("ExecutionAlreadyExists", `Execution Already Exists: '${key}'`);
  executions.set(key, known ?? { machine: stateMachineArn, name, status: "RUNNING", input, startDate: 1795435200.125 });
  return { executionArn: key, startDate: executions.get(key).startDate };
}

function findExecution({ executionArn }) {
  const known = executions.get(executionArn);
  if (!known) throw new ServiceError("ExecutionDoesNotExist", `Execution Does Not Exist: '${executionArn}'`);
  return known;
}

function findMachine({ stateMachineArn }) {
  const known = machines.get(stateMachineArn);
  if (!known) throw new ServiceError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${stateMachineArn}'`);
  return known;
}

const brief = ({ machine, name, status, startDate }) =>
  ({ executionArn: arnOf(machine, name), stateMachineArn: machine, name, status, startDate });

function list(input) {
  const { arn, express } = findMachine(input);
  if (express) throw new ServiceError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine");
  const all = [...executions.values()].filter(({ machine, status }) => machine === arn && (!input.statusFilter || status === input.statusFilter));
  const { NextToken, executions: some } = page(all.map(brief), { NextToken: input.nextToken }, "executions", 2);
  return { executions: some, ...(NextToken ? { nextToken: NextToken } : {}) };
}

function stop(input) {
  Object.assign(findExecution(input), { status: "ABORTED", error: input.error, cause: input.cause });
  return { stopDate: 1795435300.5 };
}

function redrive({ executionArn }) {
  const known = findExecution({ executionArn });
  if (known.status === "RUNNING" || known.status === "SUCCEEDED")
    throw new ServiceError("ExecutionNotRedrivable", `Execution is not redrivable: '${executionArn}'`);
  Object.assign(known, { status: "RUNNING", error: undefined, cause: undefined });
  return { redriveDate: 1795435400.5 };
}

export const executionAnswers = {
  "stepfunctions.StartExecution": start,
  "stepfunctions.DescribeExecution": (input) => {
    const { input: given, error, cause, ...known } = findExecution(input);
    return { ...brief(known), ...(given === undefined ? {} : { input: given }), ...(error ? { error, cause } : {}) };
  },
  "stepfunctions.ListExecutions": list,
  "stepfunctions.StopExecution": stop,
  "stepfunctions.RedriveExecution": redrive,
  "stepfunctions.DescribeStateMachine": (input) => {
    const { arn, status, express } = findMachine(input);
    return { stateMachineArn: arn, name: arn.split(":").at(-1), status, definition: "{}", roleArn: "arn:aws:iam::111122223333:role/r",
      type: express ? "EXPRESS" : "STANDARD", creationDate: 1795435200.125 };
  },
};

export const executionControls = {
  "POST /__test/machines": (given) => {
    for (const { arn, ...more } of given) addMachine(arn, more);
  },
  "GET /__test/machines": () => Object.fromEntries([...executions].map(([arn, { machine, ...rest }]) => [arn, rest])),
};
