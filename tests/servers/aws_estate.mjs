// The servers of what an estate is made of, as one: their answers, their controls, and what
// CloudFormation finds in them when it deletes a stack's resources.
import { bucketControls, bucketOf, removeBucket, resetBuckets } from "./aws_buckets.mjs";
import { addMachine, executionAnswers, executionControls, removeMachine, resetExecutions, whyRunning } from "./aws_executions.mjs";
import { addLayer, functionAnswers, functionControls, removeFunction, removeLayer, resetFunctions } from "./aws_functions.mjs";
import { hostingControls, removeEndpoint, resetHosting } from "./aws_hosting.mjs";
import { addLogGroup, logAnswers, logControls, resetLogs } from "./aws_logs.mjs";
import { networkAnswers, networkControls, removeGroup, resetNetwork, whyNot } from "./aws_network.mjs";
import { addRule, addSchedule, removeStarter, resetStarters, starterAnswers, starterControls } from "./aws_schedules.mjs";
import { blockedBy, deletedBy, madeBy } from "./aws_stack_operations.mjs";
import { resetTagging, taggingAnswers, taggingControls } from "./aws_tagging.mjs";

const NOT_EMPTY = "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
  + "(Service: S3, Status Code: 409, Request ID: 1) (RequestToken: 2, HandlerErrorCode: GeneralServiceException)";

blockedBy(({ Type, physical }) => {
  if (Type === "AWS::EC2::SecurityGroup") return whyNot(physical);
  if (Type === "AWS::StepFunctions::StateMachine") return whyRunning(physical);
  if (Type === "AWS::S3::Bucket") {
    const { versions = [], uploads = [] } = bucketOf(physical) ?? {};
    return versions.length + uploads.length ? NOT_EMPTY : undefined;
  }
  return undefined;
});

let makeTable = () => {};
// tablesMadeBy(make): make(name, Properties) where DynamoDB is.
export function tablesMadeBy(make) {
  makeTable = make;
}

const tagsOf = ({ Tags = [] }) => Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));

// What a stack's resource is in the other servers; its physical id where it is not its name.
const MAKERS = {
  "AWS::Events::Rule": ({ physical }) => void addRule(physical),
  "AWS::Scheduler::Schedule": ({ physical, Properties }) => void addSchedule(physical, Properties),
  "AWS::StepFunctions::StateMachine": ({ physical, Properties }, { account, region }) => {
    const name = Properties.StateMachineName ?? physical;
    const arn = /:stateMachine:/.test(physical) ? physical : `arn:aws:states:${region}:${account}:stateMachine:${name}`;
    addMachine(arn);
    return arn;
  },
  "AWS::Logs::LogGroup": ({ physical, Properties }, { account }) =>
    void addLogGroup({ name: physical, account, tags: tagsOf(Properties) }),
  "AWS::DynamoDB::Table": ({ physical, Properties }) => void makeTable(physical, Properties),
  "AWS::Lambda::LayerVersion": ({ physical, Properties }, { account, region }) => {
    const arn = /:layer:/.test(physical) ? physical : `arn:aws:lambda:${region}:${account}:layer:${physical}:1`;
    addLayer(arn, Properties.Content.S3Key);
    return arn;
  },
};
madeBy((resource, stack) => MAKERS[resource.Type]?.(resource, stack));

const REMOVERS = {
  "AWS::Events::Rule": removeStarter,
  "AWS::Scheduler::Schedule": removeStarter,
  "AWS::EC2::SecurityGroup": removeGroup,
  "AWS::StepFunctions::StateMachine": removeMachine,
  "AWS::S3::Bucket": removeBucket,
  "AWS::Lambda::Function": removeFunction,
  "AWS::Lambda::LayerVersion": removeLayer,
  "AWS::SageMaker::Endpoint": (id) => removeEndpoint(id.split("/").at(-1)),
};
deletedBy(({ Type, physical }) => REMOVERS[Type]?.(physical));

export function resetEstate() {
  for (const reset of [resetBuckets, resetExecutions, resetFunctions, resetHosting, resetLogs, resetNetwork, resetStarters, resetTagging]) reset();
}

export const estateAnswers = { ...executionAnswers, ...functionAnswers, ...logAnswers, ...networkAnswers, ...starterAnswers,
  ...taggingAnswers };

export const estateControls = { ...bucketControls, ...executionControls, ...functionControls, ...hostingControls, ...logControls,
  ...networkControls, ...starterControls, ...taggingControls };
