// A Distributed Map as Step Functions runs it; aws-local-stepfunctions runs one as an inline Map and
// ignores its ItemReader, tolerated failures and ResultWriter.
//
//   const { definition, maps } = expand(machine)   each Distributed Map is a Task, and maps[name] the Map
//   const run = new MapRun(map, { front, input, context, overrides, done, onChild, isOver })
//   await run.result()   → the Map's result, { MapRunArn, ResultWriterDetails }
//   run.counts()         → ItemCounts, as DescribeMapRun answers them
//
// It reads the lines of all objects below a prefix (LOAD_AND_FLATTEN), selects, runs as many children at a
// time as MaxConcurrency says, and writes what became of them to S3. done: a set of the indexes of children
// that succeeded before the execution was redriven; they do not run again. It throws on anything else.
import "./promise_with_resolvers.mjs";
import { randomUUID } from "node:crypto";
import { StateMachine } from "aws-local-stepfunctions";

const NOVALIDATE = { validationOptions: { noValidate: true } };
const KNOWN = ["Comment", "Type", "Label", "ItemReader", "ItemSelector", "MaxConcurrency", "ToleratedFailurePercentage",
  "ItemProcessor", "ResultWriter", "ResultPath", "Next"];

const isDistributed = (state) => state.Type === "Map" && state.ItemProcessor.ProcessorConfig?.Mode === "DISTRIBUTED";

export function expand(machine) {
  const maps = {};
  const States = Object.fromEntries(Object.entries(machine.States).map(([name, state]) => {
    if (!isDistributed(state)) return [name, state];
    const unknown = Object.keys(state).find((key) => !KNOWN.includes(key));
    if (unknown) throw new Error(`state '${name}': nobody here knows ${unknown}`);
    maps[name] = state;
    const { ResultPath, Next } = state;
    const { TimeoutSeconds } = machine; // the library gives a Task 60 seconds otherwise
    return [name, { Type: "Task", Resource: "arn:aws:states:::map-run", TimeoutSeconds, ResultPath, Next }];
  }));
  return { definition: { ...machine, States }, maps };
}

// What the library makes of a payload template.
function evaluate(template, input, context) {
  const machine = { StartAt: "it", States: { it: { Type: "Pass", Parameters: template, End: true } } };
  return new StateMachine(machine, NOVALIDATE).run(input, { context }).result;
}

export class MapRun {
  constructor(map, given) {
    Object.assign(this, { map, arn: `arn:aws:states:eu-west-1:111122223333:mapRun:polling/${map.Label}:${randomUUID()}`,
      children: [], entered: new Date().toISOString() }, given);
  }

  async items() {
    const { Resource, ReaderConfig, Parameters } = this.map.ItemReader;
    const { InputType, Transformation } = ReaderConfig;
    if (`${Resource} ${InputType} ${Transformation}` !== "arn:aws:states:::s3:listObjectsV2 JSONL LOAD_AND_FLATTEN")
      throw new Error(`nobody here reads ${JSON.stringify(this.map.ItemReader)}`);
    const { Bucket, Prefix } = await evaluate(Parameters, this.input, this.context);
    const lines = [];
    let ContinuationToken;
    do {
      const page = await this.front.s3.listObjectsV2({ Bucket, Prefix, ContinuationToken }).promise();
      for (const { Key } of page.Contents) {
        const { Body } = await this.front.s3.getObject({ Bucket, Key }).promise();
        lines.push(...Body.toString("utf8").split("\n").filter((line) => line !== ""));
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    return lines.map((line) => JSON.parse(line));
  }

  async child(item, index) {
    const context = { ...this.context, State: { EnteredTime: this.entered }, Map: { Item: { Index: index, Value: item } } };
    const input = await evaluate(this.map.ItemSelector, this.input, context);
    const { ProcessorConfig, ...processor } = this.map.ItemProcessor;
    const about = { ExecutionArn: `${this.arn}/${index}`, Input: JSON.stringify(input), InputDetails: { Included: true } };
    try {
      const output = await new StateMachine(processor, NOVALIDATE).run(input, { context, overrides: this.overrides }).result;
      this.done.add(index);
      return { ...about, Status: "SUCCEEDED", Output: JSON.stringify(output) };
    } catch (problem) {
      const { name, message } = problem.cause ?? problem;
      return { ...about, Status: "FAILED", Error: name, Cause: message };
    }
  }

  async runAll(items) {
    const left = items.map((item, index) => [item, index]).filter(([, index]) => !this.done.has(index));
    this.total = items.length;
    const work = async () => {
      while (left.length && !this.isOver()) {
        const [item, index] = left.shift();
        this.children.push(await this.child(item, index));
        await this.onChild(this.children.length);
      }
    };
    await Promise.all(Array.from({ length: this.map.MaxConcurrency }, work));
  }

  async write() {
    const { Bucket, Prefix } = await evaluate(this.map.ResultWriter.Parameters, this.input, this.context);
    const place = `${Prefix}/${this.arn.split(":").at(-1)}`;
    const put = (key, value) => this.front.putObject(Bucket, key.split("/").map(encodeURIComponent).join("/"),
      "application/json", JSON.stringify(value));
    const ResultFiles = { SUCCEEDED: [], FAILED: [], PENDING: [] };
    for (const status of ["SUCCEEDED", "FAILED"]) {
      const some = this.children.filter(({ Status }) => Status === status);
      if (some.length === 0) continue;
      const Key = `${place}/${status}_0.json`;
      await put(Key, some);
      ResultFiles[status].push({ Key, Size: JSON.stringify(some).length });
    }
    await put(`${place}/manifest.json`, { DestinationBucket: Bucket, MapRunArn: this.arn, ResultFiles });
    return { Bucket, Key: `${place}/manifest.json` };
  }

  counts() {
    const Failed = this.children.filter(({ Status }) => Status === "FAILED").length;
    return { Pending: 0, Running: 0, Succeeded: this.done.size, Failed, TimedOut: 0, Aborted: 0, Total: this.total,
      ResultsWritten: this.total };
  }

  async result() {
    const { ToleratedFailurePercentage: tolerated } = this.map;
    if (tolerated !== 100) throw new Error("failures that are not tolerated are not known here");
    await this.runAll(await this.items());
    if (this.isOver()) return new Promise(() => {}); // stopped: there is no result
    return { MapRunArn: this.arn, ResultWriterDetails: await this.write() };
  }
}
