// A full answer of an operation, by AWS's own service models: one JSON document a line,
//   {"service":"s3","operation":"PutObject"}
// The answer is { status, headers, body, expected }: a response with every output member in it, as the
// service would send it, and what a client must make of it.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const files = {
  appconfigdata: "appconfigdata-2021-11-11", autoscaling: "application-autoscaling-2016-02-06",
  bedrock_runtime: "bedrock-runtime-2023-09-30", cloudformation: "cloudformation-2010-05-15",
  cloudwatch: "monitoring-2010-08-01", dynamodb: "dynamodb-2012-08-10",
  ec2: "ec2-2016-11-15", eventbridge: "eventbridge-2015-10-07", iam: "iam-2010-05-08",
  lambda: "lambda-2015-03-31", logs: "logs-2014-03-28", rekognition: "rekognition-2016-06-27",
  s3: "s3-2006-03-01", s3_buckets: "s3-2006-03-01", s3control: "s3control-2018-08-20",
  sagemaker: "sagemaker-2017-07-24", scheduler: "scheduler-2021-06-30", sagemaker_runtime: "runtime.sagemaker-2017-05-13",
  ssm: "ssm-2014-11-06", stepfunctions: "states-2016-11-23", sts: "sts-2011-06-15",
  tagging: "resourcegroupstaggingapi-2017-01-26",
};
// CloudWatch answers in its JSON form, which this model does not know.
const protocols = { cloudwatch: "json" };
const models = {};

function modelOf(service) {
  const path = new URL(`../node_modules/aws-sdk/apis/${files[service]}.min.json`, import.meta.url);
  models[service] ??= JSON.parse(readFileSync(path));
  return models[service];
}

class Builder {
  constructor(service) {
    this.model = modelOf(service);
    this.protocol = protocols[service] ?? this.model.metadata.protocol;
  }

  shape(reference) {
    return reference.shape ? { ...this.model.shapes[reference.shape], ...reference } : reference;
  }

  scalar(shape, name) {
    switch (shape.type) {
      case "integer": case "long": return 7;
      case "float": case "double": return 0.5;
      case "boolean": return true;
      case "timestamp": return this.time(shape);
      case "blob": return "YmxvYg==";
      default: return shape.jsonvalue ? "{}" : `text of ${name}`;
    }
  }

  time(shape) {
    if (shape.location === "header") return "Mon, 23 Nov 2026 12:00:00 GMT";
    return this.protocol.includes("json") ? 1574109732.5 : "2026-11-23T12:00:00.000Z";
  }

  // The value of a member; a shape within itself is left out.
  value(reference, name, above = []) {
    const shape = this.shape(reference);
    if (reference.shape && above.includes(reference.shape)) return undefined;
    const path = [...above, reference.shape];
    if (shape.type === "structure") return this.structure(shape, path);
    if (shape.type === "list") {
      const item = this.value(shape.member, name, path);
      return item === undefined ? undefined : [item, item];
    }
    if (shape.type === "map") {
      const item = this.value(shape.value, name, path);
      return item === undefined ? undefined : { key: item };
    }
    return this.scalar(shape, name);
  }

  structure(shape, path) {
    const value = {};
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      const found = this.value(member, name, path);
      if (found !== undefined) value[name] = found;
    }
    return value;
  }

  element(name, reference, value) {
    const shape = this.shape(reference);
    if (shape.type === "structure") {
      const inner = Object.entries(shape.members ?? {}).filter(([member]) => member in value);
      return `<${name}>${inner.map(([member, of]) => this.element(of.locationName ?? member, of, value[member])).join("")}</${name}>`;
    }
    if (shape.type === "list") {
      if (shape.flattened) return value.map((item) => this.element(name, shape.member, item)).join("");
      const tag = shape.member.locationName ?? "member";
      return `<${name}>${value.map((item) => this.element(tag, shape.member, item)).join("")}</${name}>`;
    }
    return `<${name}>${value}</${name}>`;
  }
}

function isInHeader(shape) {
  return shape.location === "header" || shape.location === "headers";
}

// Members that travel in headers, which are taken out of `rest`.
function headersOf(builder, output, rest, expected) {
  const headers = {};
  for (const [name, member] of Object.entries(output.members ?? {})) {
    const shape = builder.shape(member);
    if (!isInHeader(shape)) continue;
    delete rest[name];
    if (shape.location === "headers") {
      headers[`${shape.locationName}owner`] = "o";
      expected[name] = { owner: "o" };
    } else if (shape.locationName === "ExpiresString") {
      expected[name] = "Mon, 23 Nov 2026 12:00:00 GMT";
    } else {
      expected[name] = builder.scalar(shape, name);
      headers[shape.locationName.toLowerCase()] = String(expected[name]);
    }
  }
  return headers;
}

function xmlBody(builder, operation, output, rest, expected) {
  Object.assign(expected, rest);
  const members = Object.entries(output.members ?? {}).filter(([name]) => name in rest);
  if (output.payload) return builder.element(output.payload, output.members[output.payload], rest[output.payload]);
  const inner = members.map(([name, of]) => builder.element(of.locationName ?? name, of, rest[name])).join("");
  if (output.resultWrapper)
    return `<${operation}Response><${output.resultWrapper}>${inner}</${output.resultWrapper}></${operation}Response>`;
  if (["ec2", "query"].includes(builder.protocol)) return `<${operation}Response>${inner}</${operation}Response>`;
  return inner === "" ? "" : `<${operation}Output>${inner}</${operation}Output>`;
}

function answer({ service, operation }) {
  const builder = new Builder(service);
  const { output: reference = { type: "structure", members: {} }, http = {} } = builder.model.operations[operation];
  const output = builder.shape(reference);
  const expected = {}, rest = builder.structure(output, []);
  const headers = headersOf(builder, output, rest, expected);
  const payload = output.payload && builder.shape(output.members[output.payload]);

  let body;
  if (payload?.type === "blob") {
    body = expected[output.payload] = "raw bytes";
  } else if (builder.protocol.includes("json")) {
    body = JSON.stringify(Object.assign(expected, rest));
  } else {
    body = xmlBody(builder, operation, output, rest, expected);
  }
  return { status: http.responseCode ?? 200, headers, body, expected };
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(answer(JSON.parse(line))));
