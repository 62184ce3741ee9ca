// Endpoints with several variants as SageMaker and CloudWatch show them. Variants differ in latency and
// errors; a change of weights takes a while, and until then the old weights serve; every request leaves
// metrics, which CloudWatch gives in any order, late or not at all.
//
//   POST /__test/endpoints  { name: { update_seconds, seed, status, variants: { name: { weight, instances,
//                             median_ms, sigma, error_rate, lost, package, approval } } } }
//                           new endpoints; of known ones the members that are given change
//   POST /__test/now        { now }          the services' clock, in epoch seconds
//   POST /__test/cloudwatch { late_seconds, unordered, missing: [metric, …], status: { metric: code },
//                             results_a_page }
//   POST /__test/traffic    { endpoint, from, to, per_minute } → [{ variant, from, to, requests, errors,
//                             latencies: [milliseconds of the answers, …] }, …], one each minute and variant
//   GET  /__test/updates    every change of weights that was taken
//   GET  /__test/events     every entry that EventBridge took
//
// Endpoints that no test made are aws_answers.mjs's business.
import { page, ServiceError } from "./aws_workflows.mjs";

const ARN = "arn:aws:sagemaker:eu-west-1:111122223333:";

let endpoints, metrics, cloudwatch, clock, updates, events;
export function resetEndpoints() {
  [endpoints, metrics, cloudwatch, clock, updates, events] = [new Map(), new Map(), {}, undefined, [], []];
}
resetEndpoints();

const now = () => clock ?? Date.now() / 1000;

// Chance -----------------------------------------------------------------------------------------

// mulberry32
function source(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function normal(chance) {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
}

function pick(variants, chance) {
  const total = variants.reduce((sum, { current }) => sum + current, 0);
  let at = chance() * total;
  for (const variant of variants) if ((at -= variant.current) < 0) return variant;
  return variants.findLast(({ current }) => current > 0);
}

// What becomes of one request: a failure is fast.
function serve({ median_ms = 0, sigma = 0, error_rate = 0 }, chance) {
  const failed = chance() < error_rate;
  const latency_ms = failed ? median_ms / 10 : median_ms * Math.exp(sigma * normal(chance));
  return { failed, latency_ms };
}

// Endpoints --------------------------------------------------------------------------------------

// The endpoint as it is by now.
function find(name) {
  const endpoint = endpoints.get(name);
  if (endpoint?.status === "Updating" && now() >= endpoint.until) {
    Object.assign(endpoint, { status: "InService", modified: endpoint.until });
    for (const variant of endpoint.variants.values()) variant.current = variant.desired;
  }
  return endpoint;
}

function change(name, { variants = {}, ...members }) {
  if (!endpoints.has(name)) endpoints.set(name, { name, status: "InService", variants: new Map(),
    update_seconds: 0, modified: 1795435200 });
  const endpoint = endpoints.get(name);
  Object.assign(endpoint, members);
  if (members.seed !== undefined || !endpoint.chance) endpoint.chance = source(members.seed ?? 1);
  for (const [variantName, { weight, ...given }] of Object.entries(variants).sort()) {
    const variant = endpoint.variants.get(variantName) ?? { name: variantName, instances: 1, current: 1, desired: 1 };
    endpoint.variants.set(variantName, Object.assign(variant, given));
    if (weight !== undefined) variant.current = variant.desired = weight;
  }
}

function describe({ EndpointName }) {
  const endpoint = find(EndpointName);
  return {
    EndpointName, EndpointArn: `${ARN}endpoint/${EndpointName}`, EndpointConfigName: `${EndpointName}-config`,
    EndpointStatus: endpoint.status, CreationTime: 1795435200, LastModifiedTime: endpoint.modified,
    ProductionVariants: [...endpoint.variants.values()].map(({ name, current, desired, instances }) => ({
      VariantName: name, CurrentWeight: current, DesiredWeight: desired, CurrentInstanceCount: instances,
      DesiredInstanceCount: instances })),
  };
}

function invalid(message) {
  throw new ServiceError("ValidationException", message);
}

function update({ EndpointName, DesiredWeightsAndCapacities }) {
  const endpoint = find(EndpointName);
  if (endpoint.status !== "InService") invalid(`Cannot update in-progress endpoint "${EndpointName}" (${endpoint.status})`);
  for (const { VariantName } of DesiredWeightsAndCapacities)
    if (!endpoint.variants.has(VariantName)) invalid(`variant ${VariantName} is not in the endpoint`);
  for (const { VariantName, DesiredWeight } of DesiredWeightsAndCapacities)
    if (DesiredWeight !== undefined) endpoint.variants.get(VariantName).desired = DesiredWeight;
  Object.assign(endpoint, { status: "Updating", until: now() + endpoint.update_seconds, modified: now() });
  updates.push({ endpoint: EndpointName, at: now(),
    weights: Object.fromEntries(DesiredWeightsAndCapacities.map((d) => [d.VariantName, d.DesiredWeight])) });
  return { EndpointArn: `${ARN}endpoint/${EndpointName}` };
}

// The models of the variants, each made from a package of the registry where the test names one.
const modelOf = (endpoint, variant) => `${endpoint}.${variant}`;

function describeConfig({ EndpointConfigName }) {
  const endpoint = endpoints.get(EndpointConfigName.replace(/-config$/, ""))
    ?? invalid(`Could not find endpoint configuration "${EndpointConfigName}".`);
  return { EndpointConfigName, EndpointConfigArn: `${ARN}endpoint-config/${EndpointConfigName}`, CreationTime: 1795435200,
    ProductionVariants: [...endpoint.variants.values()].map(({ name, instances }) => ({
      VariantName: name, ModelName: modelOf(endpoint.name, name), InitialInstanceCount: instances })) };
}

function describeModel({ ModelName }) {
  const [, name, variantName] = /^(.*)\.([^.]*)$/.exec(ModelName) ?? [];
  const variant = endpoints.get(name)?.variants.get(variantName) ?? invalid(`Could not find model "${ModelName}".`);
  return { ModelName, ModelArn: `${ARN}model/${ModelName}`, CreationTime: 1795435200,
    PrimaryContainer: variant.package ? { ModelPackageName: variant.package } : { Image: "image" } };
}

function approvalOf(packageName) {
  for (const { variants } of endpoints.values())
    for (const variant of variants.values())
      if (variant.package === packageName) return { ModelApprovalStatus: variant.approval };
  return {};
}

function invoke({ EndpointName, Body, ContentType, TargetVariant }) {
  const endpoint = find(EndpointName);
  const variant = TargetVariant ? endpoint.variants.get(TargetVariant) : pick([...endpoint.variants.values()], endpoint.chance);
  if (!variant) throw new ServiceError("ValidationError", `Variant ${TargetVariant} not found`);
  const { failed, latency_ms } = serve(variant, endpoint.chance);
  measure(endpoint.name, variant.name, now(), failed, latency_ms);
  if (failed)
    throw new ServiceError("ModelError", `Received server error (500) from ${variant.name}`, 424,
      { OriginalStatusCode: 500, OriginalMessage: "no", LogStreamArn: `${ARN}logs` });
  return { headers: { "Content-Type": ContentType ?? "application/octet-stream",
    "x-Amzn-Invoked-Production-Variant": variant.name }, body: Buffer.from(Body, "latin1"), delay_ms: latency_ms };
}

// CloudWatch -------------------------------------------------------------------------------------

const keyOf = (endpoint, variant, metric) => `${endpoint}\n${variant}\n${metric}`;

// Values lie by the minute: a period is some of them.
function add(endpoint, variant, metric, at, value) {
  const key = keyOf(endpoint, variant, metric);
  if (!metrics.has(key)) metrics.set(key, new Map());
  const minutes = metrics.get(key), minute = Math.floor(at / 60) * 60;
  if (!minutes.has(minute)) minutes.set(minute, []);
  minutes.get(minute).push([at, value]);
}

// What a period holds by now, in order of time.
function valuesOf(minutes, begin, end, visible) {
  const values = [];
  for (let minute = begin; minute < end; minute += 60)
    for (const [at, value] of minutes.get(minute) ?? []) if (at < visible) values.push(value);
  return values;
}

// SageMaker sends 1 for a failed request, and 0 for every other. Latencies are microseconds.
function measure(endpoint, variant, at, failed, latency_ms) {
  add(endpoint, variant, "Invocations", at, 1);
  add(endpoint, variant, "Invocation5XXErrors", at, failed ? 1 : 0);
  add(endpoint, variant, "Invocation4XXErrors", at, 0);
  if (!failed) add(endpoint, variant, "ModelLatency", at, latency_ms * 1000);
}

function statistic(values, name) {
  const sum = values.reduce((total, value) => total + value, 0);
  if (name === "Sum") return sum;
  if (name === "SampleCount") return values.length;
  if (name === "Average") return sum / values.length;
  const [, percent] = /^p(\d+(?:\.\d+)?)$/.exec(name) ?? invalid(`The value ${name} for parameter Stat is not supported.`);
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

function shuffle(list) {
  const chance = source(list.length);
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(chance() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

function points({ Metric, Period, Stat }, { StartTime, EndTime, ScanBy }) {
  if (Period % 60 !== 0) invalid("Period must be a multiple of 60");
  const dimensions = Object.fromEntries((Metric.Dimensions ?? []).map(({ Name, Value }) => [Name, Value]));
  const minutes = metrics.get(keyOf(dimensions.EndpointName, dimensions.VariantName, Metric.MetricName)) ?? new Map();
  const list = [], visible = now() - (cloudwatch.late_seconds ?? 0);
  for (let begin = Math.ceil(StartTime / Period) * Period; begin < EndTime; begin += Period) {
    const values = valuesOf(minutes, begin, begin + Period, visible);
    if (values.length > 0) list.push([begin, statistic(values, Stat)]);
  }
  if (cloudwatch.unordered) return shuffle(list);
  const sign = ScanBy === "TimestampAscending" ? 1 : -1;
  return list.sort((a, b) => sign * (a[0] - b[0]));
}

function metricData(input) {
  const results = input.MetricDataQueries.map(({ Id, Label, MetricStat }) => {
    const name = MetricStat.Metric.MetricName;
    const list = cloudwatch.missing?.includes(name) ? [] : points(MetricStat, input);
    return { Id, Label: Label ?? name, StatusCode: cloudwatch.status?.[name] ?? "Complete",
      Timestamps: list.map(([at]) => at), Values: list.map(([, value]) => value) };
  });
  return { ...page(results, { NextToken: input.NextToken, MaxResults: cloudwatch.results_a_page ?? 500 },
    "MetricDataResults"), Messages: [] };
}

// Whose question it is: that of an endpoint that a test made?
const isOurs = {
  "sagemaker.DescribeEndpoint": ({ EndpointName }) => endpoints.has(EndpointName),
  "sagemaker.UpdateEndpointWeightsAndCapacities": ({ EndpointName }) => endpoints.has(EndpointName),
  "sagemaker.DescribeEndpointConfig": () => true,
  "sagemaker.DescribeModel": () => true,
  "sagemaker_runtime.InvokeEndpoint": ({ EndpointName }) => endpoints.has(EndpointName),
  "cloudwatch.GetMetricData": ({ MetricDataQueries }) => MetricDataQueries.some(({ MetricStat }) =>
    MetricStat?.Metric.Dimensions?.some(({ Name, Value }) => Name === "EndpointName" && endpoints.has(Value))),
};

const ours = {
  "sagemaker.DescribeEndpoint": describe,
  "sagemaker.UpdateEndpointWeightsAndCapacities": update,
  "sagemaker.DescribeEndpointConfig": describeConfig,
  "sagemaker.DescribeModel": describeModel,
  "sagemaker_runtime.InvokeEndpoint": invoke,
  "cloudwatch.GetMetricData": metricData,
};

// The other answers, with those of the endpoints that a test made before them.
export function withEndpoints(others) {
  const all = { ...others };
  for (const name of Object.keys(ours))
    all[name] = (input, signer) => (isOurs[name](input) ? ours[name] : others[name])(input, signer);
  all["sagemaker.DescribeModelPackage"] = (input) =>
    ({ ...others["sagemaker.DescribeModelPackage"](input), ...approvalOf(input.ModelPackageName) });
  all["eventbridge.PutEvents"] = (input) => {
    const output = others["eventbridge.PutEvents"](input);
    events.push(...input.Entries.filter((_, i) => output.Entries[i].EventId));
    return output;
  };
  return all;
}

// Traffic ----------------------------------------------------------------------------------------

// One minute of requests. A `lost` share of a variant's requests leaves no trace: neither a metric nor
// an answer.
function minute(endpoint, from, count) {
  const variants = [...endpoint.variants.values()];
  const seen = new Map(variants.map(({ name }) => [name, { requests: 0, errors: 0, latencies: [] }]));
  for (let i = 0; i < count; i++) {
    const variant = pick(variants, endpoint.chance);
    const { failed, latency_ms } = serve(variant, endpoint.chance);
    if (variant.lost && endpoint.chance() < variant.lost) continue;
    const at = from + (60 * i) / count;
    measure(endpoint.name, variant.name, at, failed, latency_ms);
    const record = seen.get(variant.name);
    record.requests++;
    if (failed) record.errors++;
    else record.latencies.push(Math.round(latency_ms * 1000) / 1000);
  }
  return [...seen].filter(([, { requests }]) => requests > 0)
    .map(([variant, record]) => ({ variant, from, to: from + 60, ...record }));
}

function traffic({ endpoint: name, from, to, per_minute }) {
  const list = [];
  for (let at = from; at < to; at += 60) {
    clock = at;
    list.push(...minute(find(name), at, per_minute));
  }
  clock = to;
  return list;
}

export const endpointControls = {
  "POST /__test/endpoints": (changes) => {
    for (const [name, members] of Object.entries(changes)) change(name, members);
  },
  "POST /__test/now": (given) => void (clock = given.now),
  "POST /__test/cloudwatch": (given) => void Object.assign(cloudwatch, given),
  "POST /__test/traffic": traffic,
  "GET /__test/updates": () => updates,
  "GET /__test/events": () => events,
};
