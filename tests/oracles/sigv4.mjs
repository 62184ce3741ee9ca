// Signs each request, one JSON document a line, with AWS's own JavaScript signer; answers with
// the Authorization header or, presigned, the signature.
import { createInterface } from "node:readline";
import { SignatureV4 } from "@smithy/signature-v4";
import { HttpRequest } from "@smithy/core/protocols";
import { Sha256 } from "../support/sha256.mjs";

function parseQuery(text) {
  const query = {};
  for (const pair of text.split("&").filter(Boolean)) {
    const at = pair.indexOf("=");
    const name = decodeURIComponent(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? "" : decodeURIComponent(pair.slice(at + 1));
    query[name] = name in query ? [query[name], value].flat() : value;
  }
  return query;
}

async function answer(q) {
  const signer = new SignatureV4({
    service: q.service,
    region: q.region,
    credentials: { accessKeyId: q.id, secretAccessKey: q.secret, sessionToken: q.token },
    sha256: Sha256,
    uriEscapePath: q.service !== "s3",
    applyChecksum: q.service === "s3" || q.content_sha256 === true,
  });
  const request = new HttpRequest({
    method: q.method,
    protocol: "https:",
    hostname: q.host,
    path: q.path || "/",
    query: parseQuery(q.query),
    headers: { host: q.host, ...q.headers },
    // The signer takes a body it cannot hash for an unsigned payload.
    body: q.unsigned ? { stream: true } : q.body,
  });
  const signingDate = new Date(q.time * 1000);
  if (q.expires) {
    const presigned = await signer.presign(request, { signingDate, expiresIn: q.expires });
    return presigned.query["X-Amz-Signature"];
  }
  const signed = await signer.sign(request, { signingDate });
  return signed.headers.authorization;
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(await answer(JSON.parse(line)));
}
