// The policies of access points, as s3control keeps them. Texts are S3's own.
//
//   GET  /__test/access_points → { "account name": policy }
//   POST /__test/access_points [{ arn, bucket, policy, notifies }]   which bucket's objects are behind one
import { ServiceError } from "./aws_workflows.mjs";

let policies, points;
export function resetAccessPoints() {
  [policies, points] = [{}, new Map()];
}
resetAccessPoints();

// What S3 takes in the policy of an access point; it names no action that it does not take.
const ACTIONS = new Set(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetObjectTagging",
  "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads"]);

// An access point in an ARN, which may go on with /object/KEY.
const partsOf = (arn) => /^arn:aws:s3:[a-z0-9-]+:(\d+):accesspoint\/([^/]+)/.exec(arn)?.slice(1);

// The access point that a host's first label, NAME-ACCOUNT, stands for: { arn, bucket }
export const accessPoint = (label) => points.get(label);

// pointOf(ARN of it or of an object in it) → { account, policy }, or nothing
export function pointOf(arn) {
  const [account, name] = partsOf(arn) ?? [];
  if (!points.has(`${name}-${account}`)) return undefined;
  const text = policies[`${account} ${name}`];
  return { account, policy: text && JSON.parse(text) };
}

function malformed(message) {
  return new ServiceError("MalformedPolicy", message, 400);
}

function check(text, account, name) {
  let policy;
  try {
    policy = JSON.parse(text);
  } catch {
    throw malformed("This policy contains invalid Json");
  }
  for (const { Action, NotPrincipal, Principal, Resource } of policy.Statement) {
    if (NotPrincipal || !Principal) throw malformed("Missing required field Principal");
    if (![Action].flat().every((action) => ACTIONS.has(action))) throw malformed("Policy has invalid action");
    const own = new RegExp(`^arn:aws:s3:[a-z0-9-]+:${account}:accesspoint/${name}(/object/.*)?$`);
    if (![Resource].flat().every((resource) => own.test(resource))) throw malformed("Policy has invalid resource");
  }
}

function checkOwner(AccountId, account) {
  if (AccountId !== account) throw new ServiceError("AccessDenied", "Access Denied", 403);
}

function get({ AccountId, Name }, { account }) {
  checkOwner(AccountId, account);
  const policy = policies[`${AccountId} ${Name}`];
  if (policy === undefined) throw new ServiceError("NoSuchAccessPointPolicy", "The access point policy does not exist", 404);
  return { Policy: policy };
}

function put({ AccountId, Name, Policy }, { account }) {
  checkOwner(AccountId, account);
  check(Policy, AccountId, Name);
  policies[`${AccountId} ${Name}`] = Policy;
  return {};
}

export const accessPointAnswers = {
  "s3control.GetAccessPointPolicy": get,
  "s3control.PutAccessPointPolicy": put,
};

export const accessPointControls = {
  "GET /__test/access_points": () => policies,
  "POST /__test/access_points": (list) => {
    for (const { arn, bucket, policy, notifies } of list) {
      const [account, name] = partsOf(arn);
      points.set(`${name}-${account}`, { arn, bucket, notifies });
      if (policy) policies[`${account} ${name}`] = JSON.stringify(policy);
    }
  },
};
