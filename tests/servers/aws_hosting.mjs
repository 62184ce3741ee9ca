// What hosts models: SageMaker's endpoints with their configurations and models, as deleting them goes,
// and what Application Auto Scaling knows of their variants. Endpoints that no test made here are those
// of aws_answers.mjs and aws_endpoints.mjs.
//
//   POST /__test/hosting [{ name, stack, account, config, variants: { name: model }, status, looks }]
//   GET  /__test/hosting → { endpoints: [name, …], configs, models, targets }
//
// stack: the value of the tag weir:stack of all of them; looks: how many looks a deletion takes, and an
// endpoint that is being changed.
import { page, ServiceError } from "./aws_workflows.mjs";

const HOME = "111122223333";
const ARN = `arn:aws:sagemaker:eu-west-1:${HOME}:`;

let endpoints, configs, models, targets, used;
export function resetHosting() {
  [endpoints, configs, models, targets, used] = [new Map(), new Map(), new Map(), new Set(), false];
}
resetHosting();

const invalid = (message) => new ServiceError("ValidationException", message);

function find(map, kind, name) {
  const found = map.get(name);
  if (!found) throw invalid(`Could not find ${kind} "${ARN}${kind.replace(" ", "-")}/${name}".`);
  return found;
}

function describe({ EndpointName }) {
  const found = find(endpoints, "endpoint", EndpointName);
  if (found.status !== "InService" && found.status !== "Failed" && (found.looks = (found.looks ?? 1) - 1) < 0) {
    if (found.status === "Deleting") {
      endpoints.delete(EndpointName);
      find(endpoints, "endpoint", EndpointName);
    }
    found.status = "InService";
  }
  return { EndpointName, EndpointArn: `${ARN}endpoint/${EndpointName}`, EndpointConfigName: found.config,
    EndpointStatus: found.status, CreationTime: 1795435200, LastModifiedTime: 1795435200,
    ProductionVariants: Object.keys(found.variants).map((VariantName) => ({ VariantName })) };
}

function remove({ EndpointName }) {
  const found = find(endpoints, "endpoint", EndpointName);
  if (/ing$/.test(found.status)) throw invalid(`Cannot update in-progress endpoint "${ARN}endpoint/${EndpointName}".`);
  found.status = "Deleting";
  return {};
}

function describeConfig({ EndpointConfigName: name }) {
  const { variants } = find(configs, "endpoint configuration", name);
  return { EndpointConfigName: name, EndpointConfigArn: `${ARN}endpoint-config/${name}`, CreationTime: 1795435200,
    ProductionVariants: Object.entries(variants).map(([VariantName, ModelName]) => ({ VariantName, ModelName })) };
}

function tagsOf(arn) {
  const [kind, name] = arn.split(":").at(-1).split("/");
  const { stack } = find({ endpoint: endpoints, "endpoint-config": configs, model: models }[kind] ?? new Map(), kind, name);
  return { Tags: stack ? [{ Key: "weir:stack", Value: stack }] : [] };
}

// A configuration in use, and one that an endpoint is deleted from, stay.
function removeConfig({ EndpointConfigName: name }) {
  find(configs, "endpoint configuration", name);
  if ([...endpoints.values()].some(({ config }) => config === name)) throw invalid(`Cannot delete the endpoint configuration ${name}: it is in use`);
  configs.delete(name);
  return {};
}

function list({ account }) {
  const mine = [...endpoints].filter(([, each]) => (each.account ?? HOME) === account);
  return mine.map(([EndpointName, { status }]) => ({ EndpointName, EndpointArn: `${ARN}endpoint/${EndpointName}`,
    EndpointStatus: status, CreationTime: 1795435200, LastModifiedTime: 1795435200 }));
}

function deregister({ ResourceId, ScalableDimension }) {
  if (!targets.delete(`${ResourceId}|${ScalableDimension}`))
    throw new ServiceError("ObjectNotFoundException", `No scalable target found for service namespace: sagemaker, resource ID: ${ResourceId}`);
  return {};
}

// The stack that the tag of an endpoint, a configuration or a model names, if any.
export const tagsOfEndpoint = (kind, name) =>
  ({ endpoint: endpoints, "endpoint-config": configs, model: models })[kind]?.get(name)?.stack;

// What CloudFormation does with an endpoint of a stack, by its name.
export const hosts = (name) => endpoints.has(name);
export const removeEndpoint = (name) => void endpoints.delete(name);

const answers = {
  "sagemaker.DescribeEndpoint": describe,
  "sagemaker.DeleteEndpoint": remove,
  "sagemaker.DescribeEndpointConfig": describeConfig,
  "sagemaker.DeleteEndpointConfig": removeConfig,
  "sagemaker.DescribeModel": ({ ModelName }) => ({ ...find(models, "model", ModelName), ModelName,
    ModelArn: `${ARN}model/${ModelName}`, CreationTime: 1795435200 }),
  "sagemaker.DeleteModel": ({ ModelName }) => (find(models, "model", ModelName), models.delete(ModelName), {}),
};

// withHosting(others): the answers, once a test made endpoints here; the others' until then.
export function withHosting(others) {
  const both = Object.fromEntries(Object.entries(answers).map(([name, act]) =>
    [name, (input, ...more) => (used || !others[name] ? act(input) : others[name](input, ...more))]));
  return { ...others, ...both,
    "sagemaker.ListTags": (input, ...more) =>
      (used && /:(endpoint|endpoint-config|model)\//.test(input.ResourceArn) ? tagsOf(input.ResourceArn) : others["sagemaker.ListTags"](input, ...more)),
    "sagemaker.ListEndpoints": (input, place) => page(list(place), input, "Endpoints", 2),
    "autoscaling.DeregisterScalableTarget": deregister };
}

export const hostingControls = {
  "POST /__test/hosting": (list) => {
    used = true;
    for (const { name, stack, config, variants, status = "InService", ...more } of list) {
      endpoints.set(name, { stack, config, variants, status, ...more });
      configs.set(config, { stack, variants });
      for (const [variant, model] of Object.entries(variants)) {
        models.set(model, { stack });
        targets.add(`endpoint/${name}/variant/${variant}|sagemaker:variant:DesiredInstanceCount`);
      }
    }
  },
  "GET /__test/hosting": () => ({ endpoints: [...endpoints.keys()], configs: [...configs.keys()],
    models: [...models.keys()], targets: [...targets] }),
};
