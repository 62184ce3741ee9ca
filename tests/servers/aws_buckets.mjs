// Versioned buckets, as far as emptying them goes: s3rver has no versions. Other buckets are s3rver's.
//
//   POST /__test/buckets [{ name, tags, versions: [{ Key, VersionId, marker }], uploads: [{ Key, UploadId }],
//                           locked: [Key], writes }]
//   GET  /__test/buckets → the same, as they are now
//
// writes: how many listings of the bucket's versions are each followed by a new version.
import { createHash } from "node:crypto";
import { ServiceError } from "./aws_workflows.mjs";

let buckets, counter;
export function resetBuckets() {
  [buckets, counter] = [new Map(), 0];
}
resetBuckets();

const PAGE = 3; // small, so that every listing has pages

export const isVersioned = (name) => buckets.has(name);
export const bucketOf = (name) => buckets.get(name);

const TIME = "2026-11-25T12:00:00.000Z";
const encoded = (key) => encodeURIComponent(key).replaceAll("%20", "+");

// The first page of a list, and the marks of the next.
function page(all, name, idName) {
  const list = all.slice(0, PAGE);
  const more = PAGE < all.length;
  const last = list.at(-1);
  return { list, marks: { IsTruncated: more, ...(more ? { NextKeyMarker: encoded(last.Key), [name]: last[idName] } : {}) } };
}

const byKey = (a, b) => (a.Key < b.Key ? -1 : a.Key > b.Key ? 1 : 0);

// The index behind a mark, whether what it names is still there or not.
function nearest(all, key, id, idName) {
  const exact = all.findIndex((each) => each.Key === key && each[idName] === id);
  if (exact >= 0) return exact + 1;
  const next = all.findIndex((each) => each.Key > key);
  return next < 0 ? all.length : next;
}

function listVersions({ Bucket, KeyMarker, VersionIdMarker }) {
  const bucket = buckets.get(Bucket);
  const all = bucket.versions.toSorted(byKey);
  const at = KeyMarker !== undefined ? nearest(all, KeyMarker, VersionIdMarker, "VersionId") : 0;
  const { list, marks } = page(all.slice(at), "NextVersionIdMarker", "VersionId");
  if (bucket.writes-- > 0) bucket.versions.push({ Key: `late ${++counter} & more`, VersionId: `late-${counter}` });
  const entry = ({ Key, VersionId }) => ({ Key: encoded(Key), VersionId, IsLatest: false, LastModified: TIME });
  return { Name: Bucket, EncodingType: "url", ...marks,
    Versions: list.filter(({ marker }) => !marker).map(entry), DeleteMarkers: list.filter(({ marker }) => marker).map(entry) };
}

function listUploads({ Bucket, KeyMarker, UploadIdMarker }) {
  const all = (buckets.get(Bucket).uploads ?? []).toSorted(byKey);
  const at = KeyMarker !== undefined ? nearest(all, KeyMarker, UploadIdMarker, "UploadId") : 0;
  const { list, marks } = page(all.slice(at), "NextUploadIdMarker", "UploadId");
  return { Bucket, EncodingType: "url", ...marks,
    Uploads: list.map(({ Key, UploadId }) => ({ Key: encoded(Key), UploadId, Initiated: TIME })) };
}

function abortUpload({ Bucket, Key, UploadId }) {
  const bucket = buckets.get(Bucket);
  const at = (bucket.uploads ?? []).findIndex((each) => each.Key === Key && each.UploadId === UploadId);
  if (at < 0) throw new ServiceError("NoSuchUpload", "The specified upload does not exist.", 404);
  bucket.uploads.splice(at, 1);
  return {};
}

const unescape = (text) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)).replace(/&amp;/g, "&");

// The body as DeleteObjects wants it: well-formed, with a checksum, 1,000 objects at most.
function deleteObjects({ Bucket, body }, headers) {
  const sum = createHash("sha256").update(body).digest("base64");
  if (headers["x-amz-checksum-sha256"] !== sum && !headers["content-md5"])
    throw new ServiceError("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*", 400);
  const text = body.toString("utf8");
  const objects = [...text.matchAll(/<Object><Key>(.*?)<\/Key>(?:<VersionId>(.*?)<\/VersionId>)?<\/Object>/gs)];
  if (!/^<Delete xmlns="http:\/\/s3\.amazonaws\.com\/doc\/2006-03-01\/">/.test(text) || !objects.length || objects.length > 1000)
    throw new ServiceError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema");
  const bucket = buckets.get(Bucket);
  const Errors = [];
  for (const [, key, version] of objects.map((found) => found.map((part) => part && unescape(part)))) {
    if (bucket.locked?.includes(key)) {
      Errors.push({ Key: key, VersionId: version, Code: "AccessDenied", Message: "Access Denied because object protected by object lock." });
    } else {
      bucket.versions = bucket.versions.filter((each) => !(each.Key === key && each.VersionId === version));
    }
  }
  return { Errors };
}

function tagging({ Bucket }) {
  const { tags } = buckets.get(Bucket);
  if (!tags) throw new ServiceError("NoSuchTagSet", "The TagSet does not exist", 404);
  return { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}

export const removeBucket = (name) => void buckets.delete(name);

const answers = { ListObjectVersions: listVersions, ListMultipartUploads: listUploads, AbortMultipartUpload: abortUpload,
  DeleteObjects: deleteObjects, GetBucketTagging: tagging };

// bucketAnswer({ operation, input }, request) → output of the operation
export function bucketAnswer({ operation, input }, request) {
  const act = answers[operation];
  if (!act) throw new ServiceError("NotImplemented", `${operation} of a versioned bucket`, 501);
  return act({ ...input, body: request.body }, request.headers);
}

export const bucketControls = {
  "POST /__test/buckets": (list) => {
    for (const each of list) buckets.set(each.name, { versions: [], uploads: [], ...each });
  },
  "GET /__test/buckets": () => [...buckets.values()],
};
