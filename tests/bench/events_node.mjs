// An event to jobs in Node, for node_loop.mjs: an SQS batch of S3's events, each body parsed and made a job, its
// key checked as the SDK's S3 client checks what it is given.
function job(event) {
  if (event.source !== "aws.s3" || event["detail-type"] !== "Object Created") throw new Error("unknown event");
  const { bucket: { name: bucket }, object: { key, size, etag, sequencer }, reason } = event.detail;
  return { work: "object", source: "eventbridge", bucket, key, size, etag, sequencer, reason, time: event.time,
    idempotency_key: `object:${bucket}:${etag}:${size}:${key}` };
}

export async function handler(event) {
  const seen = new Set();
  const jobs = (Array.isArray(event) ? event : [event]).map(job)
    .filter(({ idempotency_key: id }) => !seen.has(id) && seen.add(id));
  return { jobs, ignored: 0, duplicates: 0, dead_letters: [], batchItemFailures: [] };
}
