// The services without a server of their own: checks each request against AWS's model, then answers
// in the service's protocol. Answers can be queued by tests, faults are the front's business.
import { answers, reset, ServiceError } from "./aws_answers.mjs";
import { bucketAnswer } from "./aws_buckets.mjs";
import { model, Refusal } from "./aws_models.mjs";
import { outputXml } from "./aws_xml.mjs";

const queued = new Map(); // "service.Operation" → answers that come first

export function queueAnswers(more) {
  for (const [name, list] of Object.entries(more)) queued.set(name, [...(queued.get(name) ?? []), ...list]);
}

export function resetAnswers() {
  queued.clear();
  reset();
}

function protocolOf(service) {
  return service === "cloudwatch" ? "json" : model(service).metadata.protocol;
}

function xml(value) {
  if (Array.isArray(value)) return value.map((item) => `<member>${xml(item)}</member>`).join("");
  if (typeof value === "object")
    return Object.entries(value).map(([name, v]) => `<${name}>${xml(v)}</${name}>`).join("");
  return String(value).replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function succeed({ service, operation }, output, requestId) {
  const id = { "x-amzn-RequestId": requestId };
  switch (protocolOf(service)) {
    case "json": {
      const version = model(service).metadata.jsonVersion ?? "1.0";
      return { status: 200, headers: { ...id, "Content-Type": `application/x-amz-json-${version}` },
        body: JSON.stringify(output) };
    }
    case "ec2":
      return { status: 200, headers: { ...id, "Content-Type": "text/xml" },
        body: `<${operation}Response xmlns="${model(service).metadata.xmlNamespace}"><requestId>${requestId}</requestId>`
          + `${outputXml(service, operation, output)}</${operation}Response>` };
    case "rest-xml":
      return { status: model(service).operations[operation].http?.responseCode ?? 200,
        headers: { "x-amz-request-id": requestId, "Content-Type": "application/xml" },
        body: `<Result xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${outputXml(service, operation, output)}</Result>` };
    case "query": {
      const { metadata, operations } = model(service);
      const result = `<${operation}Result>${xml(output)}</${operation}Result>`;
      return { status: 200, headers: { ...id, "Content-Type": "text/xml" },
        body: `<${operation}Response xmlns="${metadata.xmlNamespace}">${operations[operation].output ? result : ""}`
          + `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>` };
    }
    default: {
      const status = model(service).operations[operation].http?.responseCode ?? 200;
      if (output.body !== undefined)
        return { status, headers: { ...id, ...output.headers }, body: output.body, delay_ms: output.delay_ms };
      return { status, headers: { ...id, "Content-Type": "application/json" }, body: JSON.stringify(output) };
    }
  }
}

export function refuse({ service }, { code, message, status = 400, fields = {} }, requestId) {
  const id = { "x-amzn-RequestId": requestId };
  switch (service === "s3" ? "rest-xml" : protocolOf(service)) {
    case "query":
      return { status, headers: { ...id, "Content-Type": "text/xml" },
        body: `<ErrorResponse><Error><Type>Sender</Type>${xml({ Code: code, Message: message })}</Error>`
          + `<RequestId>${requestId}</RequestId></ErrorResponse>` };
    case "ec2":
      return { status, headers: { ...id, "Content-Type": "text/xml" },
        body: `<Response><Errors><Error>${xml({ Code: code, Message: message })}</Error></Errors>`
          + `<RequestID>${requestId}</RequestID></Response>` };
    case "rest-xml":
      return { status, headers: { "x-amz-request-id": requestId, "Content-Type": "application/xml" },
        body: `<Error>${xml({ Code: code, Message: message, RequestId: requestId, HostId: "h" })}</Error>` };
    case "rest-json":
      return { status, headers: { ...id, "x-amzn-ErrorType": `${code}:http://internal.amazon.com/x`,
        "Content-Type": "application/json" }, body: JSON.stringify({ message, ...fields }) };
    default:
      if (service === "cloudwatch") id["x-amzn-query-error"] = `${code};Sender`;
      return { status, headers: { ...id, "Content-Type": "application/x-amz-json-1.0" },
        body: JSON.stringify({ __type: `com.amazonaws.${service}#${code}`, message, ...fields }) };
  }
}

// attempt(identified, requestId, act) → what act gives, or the service's error
function attempt(found, requestId, act) {
  try {
    return succeed(found, act(), requestId);
  } catch (problem) {
    if (!(problem instanceof ServiceError)) throw problem;
    return refuse(found, problem, requestId);
  }
}

// answer(identified, requestId, signer{ keyId }) → { status, headers, body }
export function answer(found, requestId, signer) {
  const name = `${found.service}.${found.operation}`;
  const next = queued.get(name)?.shift();
  if (next) return { status: 200, headers: { "x-amzn-RequestId": requestId }, ...next };
  if (!answers[name]) return refuse(found, new Refusal("UnknownOperationException", name), requestId);
  return attempt(found, requestId, () => answers[name](found.input, signer));
}

// The same for a request to a versioned bucket.
export function answerBucket(found, requestId, request) {
  return attempt(found, requestId, () => bucketAnswer(found, request));
}
