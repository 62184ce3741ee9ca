// The servers of what an estate is made of, as one: their answers, their controls, and what
// CloudFormation finds in them when it deletes a stack's resources.
import { bucketControls, bucketOf, removeBucket, resetBuckets } from "./aws_buckets.mjs";
import { functionAnswers, functionControls, removeFunction, resetFunctions } from "./aws_functions.mjs";
import { hostingControls, removeEndpoint, resetHosting } from "./aws_hosting.mjs";
import { logAnswers, logControls, resetLogs } from "./aws_logs.mjs";
import { networkAnswers, networkControls, removeGroup, resetNetwork, whyNot } from "./aws_network.mjs";
import { resetStarters, starterAnswers, starterControls } from "./aws_schedules.mjs";
import { blockedBy, deletedBy } from "./aws_stack_operations.mjs";
import { resetTagging, taggingAnswers, taggingControls } from "./aws_tagging.mjs";

const NOT_EMPTY = "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
  + "(Service: S3, Status Code: 409, Request ID: 1) (RequestToken: 2, HandlerErrorCode: GeneralServiceException)";

blockedBy(({ Type, physical }) => {
  if (Type === "AWS::EC2::SecurityGroup") return whyNot(physical);
  if (Type === "AWS::S3::Bucket") {
    const { versions = [], uploads = [] } = bucketOf(physical) ?? {};
    return versions.length + uploads.length ? NOT_EMPTY : undefined;
  }
  return undefined;
});

const REMOVERS = {
  "AWS::EC2::SecurityGroup": removeGroup,
  "AWS::S3::Bucket": removeBucket,
  "AWS::Lambda::Function": removeFunction,
  "AWS::SageMaker::Endpoint": (id) => removeEndpoint(id.split("/").at(-1)),
};
deletedBy(({ Type, physical }) => REMOVERS[Type]?.(physical));

export function resetEstate() {
  for (const reset of [resetBuckets, resetFunctions, resetHosting, resetLogs, resetNetwork, resetStarters, resetTagging]) reset();
}

export const estateAnswers = { ...functionAnswers, ...logAnswers, ...networkAnswers, ...starterAnswers, ...taggingAnswers };

export const estateControls = { ...bucketControls, ...functionControls, ...hostingControls, ...logControls,
  ...networkControls, ...starterControls, ...taggingControls };
