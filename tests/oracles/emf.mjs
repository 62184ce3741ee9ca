// Checks lines of the embedded metric format against the specification's schema and its rule of
// references, and against what AWS's own library makes of the same metrics. Answers "fine" or what
// is wrong.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import Ajv from "ajv";
import contexts from "aws-embedded-metrics/lib/logger/MetricsContext.js";
import serializers from "aws-embedded-metrics/lib/serializers/LogSerializer.js";

const schema = JSON.parse(readFileSync(new URL("./emf_schema.json", import.meta.url)));
const validate = new Ajv().compile(schema);

function checkReferences(document) {
  for (const directive of document._aws.CloudWatchMetrics) {
    const seen = new Set();
    for (const { Name } of directive.Metrics) {
      const values = [document[Name]].flat();
      if (seen.has(Name)) return `metric ${Name} is defined twice`;
      seen.add(Name);
      if (values.length < 1 || values.length > 100) return `metric ${Name} has ${values.length} values`;
      if (!values.every((value) => typeof value === "number")) return `metric ${Name} is not numeric`;
    }
    for (const name of directive.Dimensions.flat()) {
      const value = document[name];
      if (typeof value !== "string" || value.length < 1 || value.length > 1024) return `dimension ${name} is wrong`;
    }
  }
}

// What all lines say together, however it was split.
function summary(documents) {
  const metrics = {};
  for (const document of documents) {
    for (const { Name, Unit, StorageResolution = 60 } of document._aws.CloudWatchMetrics[0].Metrics) {
      metrics[Name] ??= { Unit, StorageResolution, values: [] };
      metrics[Name].values.push(...[document[Name]].flat());
    }
  }
  const [first] = documents;
  const members = Object.entries(first).filter(([name]) => name !== "_aws" && !(name in metrics));
  const { Namespace, Dimensions } = first._aws.CloudWatchMetrics[0];
  return {
    metrics, Namespace, members: Object.fromEntries(members), Timestamp: first._aws.Timestamp,
    Dimensions: Dimensions.map((set) => [...set].sort()),
  };
}

function fromLibrary({ namespace, sets, properties, metrics, timestamp }) {
  const context = contexts.MetricsContext.empty();
  context.setNamespace(namespace);
  context.meta.Timestamp = timestamp; // setTimestamp refuses what is older than two weeks
  context.setDimensions(sets);
  for (const [name, value] of Object.entries(properties)) context.setProperty(name, value);
  for (const { name, unit, resolution, values } of metrics)
    for (const value of values) context.putMetric(name, value, unit, resolution);
  return new serializers.LogSerializer().serialize(context);
}

function check(question) {
  const documents = question.lines.map((line) => JSON.parse(line));
  for (const document of documents) {
    if (!validate(document)) return JSON.stringify(validate.errors);
    const wrong = checkReferences(document);
    if (wrong) return wrong;
  }
  const ours = summary(documents);
  const theirs = summary(fromLibrary(question).map((line) => JSON.parse(line)));
  if (!isDeepStrictEqual(ours, theirs)) return `${JSON.stringify(ours)} differs from ${JSON.stringify(theirs)}`;
  const lines = Math.max(...Object.values(ours.metrics).map(({ values }) => Math.ceil(values.length / 100)));
  const least = Math.max(lines, Math.ceil(Object.keys(ours.metrics).length / 100));
  return documents.length < least ? "fewer lines than the limits allow" : "fine";
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(check(JSON.parse(line)));
}
