// Lambda as clean-up and doctor see it: functions with their network and layers, and layer versions.
//
//   POST /__test/functions { functions: [{ name, subnets, groups, layers, updates }], layers: { name: versions },
//                            digests: { ARN of a layer's version: SHA-256 in base64 } }
//
// updates: how many looks an update of the function takes.
import { groupOf, moveInterfaces } from "./aws_network.mjs";
import { ServiceError } from "./aws_workflows.mjs";

let functions, layers, digests;
export function resetFunctions() {
  [functions, layers, digests] = [new Map(), {}, {}];
}
resetFunctions();

function find({ FunctionName }) {
  const found = functions.get(FunctionName);
  if (!found) throw new ServiceError("ResourceNotFoundException", `Function not found: ${FunctionName}`, 404);
  return found;
}

function configuration(found) {
  const { name, subnets = [], groups = [], layers: used = [] } = found;
  const vpc = groups.length ? groupOf(groups[0])?.vpc ?? "vpc-1" : "";
  return { FunctionName: name, FunctionArn: `arn:aws:lambda:eu-west-1:111122223333:function:${name}`,
    LastUpdateStatus: found.pending > 0 ? "InProgress" : "Successful", Layers: used.map((Arn) => ({ Arn })),
    VpcConfig: { SubnetIds: subnets, SecurityGroupIds: groups, VpcId: vpc }, Environment: { Variables: found.environment ?? {} } };
}

function describe(input) {
  const found = find(input);
  const answer = configuration(found);
  if (found.pending > 0 && --found.pending === 0) moveInterfaces(found.name, found.groups);
  return answer;
}

function update({ VpcConfig, ...input }) {
  const found = find(input);
  for (const id of VpcConfig.SecurityGroupIds)
    if (!groupOf(id)) throw new ServiceError("InvalidParameterValueException", `The security group ${id} does not exist`);
  Object.assign(found, { subnets: VpcConfig.SubnetIds, groups: VpcConfig.SecurityGroupIds, pending: found.updates ?? 1 });
  return configuration(found);
}

function layerVersions({ LayerName }) {
  const versions = layers[LayerName];
  if (!versions) throw new ServiceError("ResourceNotFoundException", `The resource you requested does not exist.`, 404);
  return { LayerVersions: versions.map((Version) => ({ Version,
    LayerVersionArn: `arn:aws:lambda:eu-west-1:111122223333:layer:${LayerName}:${Version}` })) };
}

function layerByArn({ Arn }) {
  const [, name, version] = /:layer:([^:]+):(\d+)$/.exec(Arn) ?? [];
  if (!layers[name]?.includes(Number(version)))
    throw new ServiceError("ResourceNotFoundException", "The resource you requested does not exist.", 404);
  return { LayerVersionArn: Arn, Version: Number(version), Content: { CodeSha256: digests[Arn] ?? "", CodeSize: 1 } };
}

// A layer's version in S3 under its digest.
export function addLayer(arn, key) {
  const [, name, version] = /:layer:([^:]+):(\d+)$/.exec(arn);
  layers[name] = [...new Set([...(layers[name] ?? []), Number(version)])];
  const [digest] = /[0-9a-f]{64}/.exec(key) ?? [""];
  digests[arn] = Buffer.from(digest, "hex").toString("base64");
}

export function removeLayer(arn) {
  const [, name, version] = /:layer:([^:]+):(\d+)$/.exec(arn) ?? [];
  if (layers[name]) layers[name] = layers[name].filter((each) => each !== Number(version));
}

export const removeFunction = (name) => void functions.delete(name);

export const functionAnswers = {
  "lambda.GetFunctionConfiguration": describe,
  "lambda.UpdateFunctionConfiguration": update,
  "lambda.ListLayerVersions": layerVersions,
  "lambda.GetLayerVersionByArn": layerByArn,
};

export const functionControls = {
  "POST /__test/functions": (given) => {
    for (const each of given.functions ?? []) functions.set(each.name, each);
    Object.assign(layers, given.layers);
    Object.assign(digests, given.digests);
  },
  "GET /__test/functions": () => [...functions.values()],
};
