// Where AWS's own endpoint rules put a request, one JSON document a line:
//   {"service":"s3","region":"eu-west-1","fips":true,"dualStack":false,"bucket":"b"}
// The answer is {"url":…} or {"error":…}. {"regions":true} answers with AWS's partitions and regions.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { awsEndpointFunctions } from "@aws-sdk/util-endpoints";
import { customEndpointFunctions, resolveEndpoint } from "@smithy/util-endpoints";

const require = createRequire(import.meta.url);
customEndpointFunctions.aws = awsEndpointFunctions;

const packages = {
  bedrock_runtime: "bedrock-runtime", cloudwatch: "cloudwatch", dynamodb: "dynamodb",
  eventbridge: "eventbridge", rekognition: "rekognition", s3: "s3", sagemaker: "sagemaker",
  sagemaker_runtime: "sagemaker-runtime", ssm: "ssm", stepfunctions: "sfn", sts: "sts",
};

function rulesOf(service) {
  return require(`../node_modules/@aws-sdk/client-${packages[service]}/dist-cjs/endpoint/ruleset.js`).ruleSet;
}

function listPartitions() {
  const path = "../node_modules/@aws-sdk/util-endpoints/dist-cjs/lib/aws/partitions.json";
  return require(path).partitions.map(({ id, outputs, regions }) => ({
    name: id, suffix: outputs.dnsSuffix, dual_stack_suffix: outputs.dualStackDnsSuffix,
    all: outputs.supportsFIPS && outputs.supportsDualStack, regions: Object.keys(regions),
  }));
}

function answer({ service, region, fips, dualStack, bucket }) {
  const endpointParams = {
    Region: region, UseFIPS: fips, UseDualStack: dualStack, UseGlobalEndpoint: false,
    ...(bucket === undefined ? {} : { Bucket: bucket, UseArnRegion: true }),
  };
  try {
    const { url } = resolveEndpoint(rulesOf(service), { endpointParams });
    return { url: url.href.replace(/\/$/, "") };
  } catch (error) {
    return { error: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify(question.regions ? listPartitions() : answer(question)));
}
