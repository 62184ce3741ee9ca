// The door to the services (tests/servers/signature_front.mjs) as a state machine and the demo use it:
// its controls, and the few AWS calls that Step Functions makes itself ("aws-sdk" integrations).
import { createRequire } from "node:module";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../support/sha256.mjs";

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const S3 = createRequire(import.meta.url)("aws-sdk/clients/s3.js");
const REGION = "eu-west-1";

export class Front {
  // { url, key_id, secret }, as the server announces itself
  constructor({ url, key_id, secret }) {
    this.url = url;
    this.credentials = { accessKeyId: key_id, secretAccessKey: secret };
    this.s3 = new S3({ endpoint: url, region: REGION, s3ForcePathStyle: true, signatureVersion: "v4",
      maxRetries: 0, ...this.credentials });
  }

  async control(method, path, value) {
    const reply = await fetch(`${this.url}/__test/${path}`,
      { method, body: value === undefined ? undefined : JSON.stringify(value) });
    if (reply.status !== 200) throw new Error(`${method} /__test/${path}: ${await reply.text()}`);
    return reply.json();
  }

  async send(service, method, path, headers, body) {
    const { host } = new URL(this.url);
    const s3 = service === "s3";
    const signer = new SignatureV4({ service, region: REGION, credentials: this.credentials, sha256: Sha256,
      applyChecksum: s3, uriEscapePath: !s3 });
    const signed = await signer.sign({ method, protocol: "http:", hostname: host, path, query: {}, body,
      headers: { host, ...headers } });
    return fetch(this.url + path, { method, headers: signed.headers, body });
  }

  // A call of a service that speaks JSON: CloudWatch, DynamoDB.
  async json(service, target, version, input) {
    const reply = await this.send(service, "POST", "/",
      { "content-type": `application/x-amz-json-${version}`, "x-amz-target": target }, JSON.stringify(input));
    const answer = await reply.json();
    if (reply.status === 200) return answer;
    const code = (answer.__type ?? "Unknown").replace(/^.*#/, "");
    throw Object.assign(new Error(answer.message ?? code), { name: code });
  }

  async putObject(bucket, key, contentType, body) {
    const reply = await this.send("s3", "PUT", `/${bucket}/${key}`, { "content-type": contentType }, body);
    if (reply.status !== 200) throw new Error(`PutObject ${key}: ${await reply.text()}`);
  }

  // What Step Functions calls "arn:aws:states:::aws-sdk:SERVICE:OPERATION", and how it names failures.
  integrations = {
    "s3:listObjectsV2": async (input) => {
      try {
        return JSON.parse(JSON.stringify(await this.s3.listObjectsV2(input).promise()));
      } catch (problem) {
        const known = { NoSuchBucket: "S3.NoSuchBucketException" }[problem.code];
        throw Object.assign(new Error(problem.message),
          { name: known ?? (problem.statusCode ? "S3.S3Exception" : "S3.SdkClientException") });
      }
    },
    "cloudwatch:putMetricData": async (input) => {
      try {
        return await this.json("monitoring", "GraniteServiceVersion20100801.PutMetricData", "1.0", input);
      } catch (problem) {
        throw Object.assign(problem, { name: "CloudWatch.CloudWatchException" });
      }
    },
  };
}
