// What a template makes of one set of parameters, with every intrinsic function carried out:
//
//   resolve(template, parameters, { account, region, stack }) →
//     { resources: { name: { Type, Properties, … } }, outputs: { name: value }, conditions,
//       problems: [ … ] }
//
// Only what exists is in it. A problem is what CloudFormation would refuse: a parameter that its
// constraints forbid, an assertion of Rules that fails, a reference to what does not exist now.
// Names of resources without one follow from stack and logical name; ARNs from the specification.
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import { intrinsic, references } from "./template.mjs";

let database;
export function specification() {
  database ??= loadAwsServiceSpecSync();
  return database;
}

const types = new Map();
export function typeOf(name) {
  if (!types.has(name)) {
    types.set(name, specification().lookup("resource", "cloudFormationType", "equals", name)[0]);
  }
  return types.get(name);
}

const NOTHING = Symbol("AWS::NoValue");
const PSEUDO = { account: "222222222222", region: "ap-northeast-1", stack: "weir-core" };

class Resolution {
  constructor(template, given, place) {
    this.template = template;
    this.place = { ...PSEUDO, ...place };
    this.problems = [];
    this.conditions = {};
    this.parameters = this.readParameters(given);
    this.parameters["AWS::AccountId"] = this.place.account;
    this.parameters["AWS::Region"] = this.place.region;
    this.parameters["AWS::StackName"] = this.place.stack;
    this.parameters["AWS::StackId"] =
      `arn:aws:cloudformation:${this.place.region}:${this.place.account}:stack/${this.place.stack}/1`;
    this.parameters["AWS::Partition"] = "aws";
    this.parameters["AWS::URLSuffix"] = "amazonaws.com";
    this.parameters["AWS::NoValue"] = NOTHING;
  }

  problem(message) {
    this.problems.push(message);
  }

  // Parameters ------------------------------------------------------------------------------------

  readParameters(given) {
    const declared = this.template.Parameters ?? {};
    for (const name of Object.keys(given)) {
      if (!(name in declared)) this.problem(`there is no parameter ${name}`);
    }
    const values = {};
    for (const [name, parameter] of Object.entries(declared)) {
      const value = given[name] ?? parameter.Default;
      if (value === undefined) this.problem(`the parameter ${name} has no default and is not given`);
      else this.checkParameter(name, parameter, String(value));
      const isList = /^(List<|CommaDelimitedList)/.test(parameter.Type);
      values[name] = isList ? String(value).split(",").map((text) => text.trim()) : String(value);
    }
    return values;
  }

  checkParameter(name, parameter, value) {
    const refuse = (why) => this.problem(`the parameter ${name} is '${value}', ${why}`);
    if (parameter.AllowedValues && !parameter.AllowedValues.map(String).includes(value)) {
      refuse(`which is none of ${parameter.AllowedValues.join(", ")}`);
    }
    const pattern = parameter.AllowedPattern && new RegExp(`^(?:${parameter.AllowedPattern})$`);
    const items = parameter.Type === "CommaDelimitedList" ? value.split(",").map((text) => text.trim()) : [value];
    if (pattern && !items.every((item) => pattern.test(item))) {
      refuse(`which ${parameter.AllowedPattern} does not match`);
    }
    if (parameter.Type === "Number") {
      const number = Number(value);
      if (Number.isNaN(number)) refuse("which is not a number");
      if (number < (parameter.MinValue ?? -Infinity)) refuse(`below ${parameter.MinValue}`);
      if (number > (parameter.MaxValue ?? Infinity)) refuse(`above ${parameter.MaxValue}`);
    }
    if (value.length < (parameter.MinLength ?? 0)) refuse(`shorter than ${parameter.MinLength}`);
    if (value.length > (parameter.MaxLength ?? Infinity)) refuse(`longer than ${parameter.MaxLength}`);
  }

  checkRules() {
    for (const [name, rule] of Object.entries(this.template.Rules ?? {})) {
      if (rule.RuleCondition !== undefined && !this.value(rule.RuleCondition, `Rules.${name}`)) continue;
      for (const assertion of rule.Assertions) {
        if (!this.value(assertion.Assert, `Rules.${name}`)) {
          this.problem(`the rule ${name} fails: ${assertion.AssertDescription}`);
        }
      }
    }
  }

  // Conditions --------------------------------------------------------------------------------------

  condition(name, where) {
    if (!(name in (this.template.Conditions ?? {}))) {
      this.problem(`${where}: there is no condition ${name}`);
      return false;
    }
    if (!(name in this.conditions)) {
      this.conditions[name] = Boolean(this.value(this.template.Conditions[name], `Conditions.${name}`));
    }
    return this.conditions[name];
  }

  exists(name) {
    const resource = this.template.Resources?.[name];
    return Boolean(resource) && (!resource.Condition || this.condition(resource.Condition, name));
  }

  // Names -------------------------------------------------------------------------------------------

  // The property that names a resource, where the type has one.
  physicalName(name) {
    const resource = this.template.Resources[name];
    const type = typeOf(resource.Type);
    const own = resource.Type.split("::").pop();
    for (const property of [...(type?.primaryIdentifier ?? []), `${own}Name`, "Name"]) {
      const value = resource.Properties?.[property];
      if (value !== undefined && type?.properties[property]) return String(this.value(value, name));
    }
    return `${this.place.stack}-${name}-1A2B3C`;
  }

  arn(name) {
    const resource = this.template.Resources[name];
    const template = resource.Type === "AWS::DynamoDB::GlobalTable"
      ? typeOf("AWS::DynamoDB::Table").arnTemplate
      : typeOf(resource.Type)?.arnTemplate;
    const physical = this.physicalName(name);
    const known = { Partition: "aws", Region: this.place.region, Account: this.place.account };
    const fallback = `arn:aws:${resource.Type.split("::")[1].toLowerCase()}:${this.place.region}:`
      + `${this.place.account}:${physical}`;
    const arn = template?.replace(/\$\{(\w+)\}/g, (_, part) => known[part] ?? physical) ?? fallback;
    if (resource.Type === "AWS::Lambda::LayerVersion")
      return `arn:aws:lambda:${this.place.region}:${this.place.account}:layer:${physical}:1`;
    return resource.Type === "AWS::Logs::LogGroup" ? `${arn}:*` : arn;
  }

  reference(name, where) {
    if (name in this.parameters) return this.parameters[name];
    if (!this.template.Resources?.[name]) {
      this.problem(`${where}: there is nothing called ${name}`);
      return `(${name})`;
    }
    if (!this.exists(name)) {
      this.problem(`${where}: ${name} does not exist with these parameters`);
      return `(${name})`;
    }
    const [identifier] = typeOf(this.template.Resources[name].Type)?.primaryIdentifier ?? [];
    return identifier?.endsWith("Arn") ? this.arn(name) : this.physicalName(name);
  }

  attribute(name, attribute, where) {
    if (!this.exists(name)) {
      this.problem(`${where}: ${name} does not exist with these parameters`);
      return `(${name}.${attribute})`;
    }
    if (attribute.endsWith("Arn") || attribute === "ResourceARN") return this.arn(name);
    if (attribute.endsWith("Name") || attribute === "Name") return this.physicalName(name);
    return `${name}.${attribute}`;
  }

  substitute(argument, where) {
    const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
    const known = this.value(variables, where) ?? {};
    return text.replace(/\$\{([^!}][^}]*)\}/g, (_, reference) => {
      const name = reference.trim();
      if (name in known) return known[name];
      const dot = name.indexOf(".");
      return dot < 0 ? this.reference(name, where) : this.attribute(name.slice(0, dot), name.slice(dot + 1), where);
    }).replace(/\$\{!/g, "${");
  }

  // Values ------------------------------------------------------------------------------------------

  call(name, argument, where) {
    const arguments_ = () => this.value(argument, where);
    switch (name) {
      case "Ref": return this.reference(argument, where);
      case "Fn::GetAtt": return this.attribute(argument[0], argument[1], where);
      case "Fn::Sub": return this.substitute(argument, where);
      case "Fn::If": return this.value(argument[this.condition(argument[0], where) ? 1 : 2], where);
      case "Fn::Equals": { const [a, b] = arguments_(); return String(a) === String(b); }
      case "Fn::Not": return !arguments_()[0];
      case "Fn::And": return arguments_().every(Boolean);
      case "Fn::Or": return arguments_().some(Boolean);
      case "Fn::Contains": { const [list, text] = arguments_(); return list.includes(text); }
      case "Fn::Join": { const [between, list] = arguments_(); return list.join(between); }
      case "Fn::Split": { const [between, text] = arguments_(); return text.split(between); }
      case "Fn::Select": {
        const [index, list] = arguments_();
        if (list[index] === undefined) this.problem(`${where}: Select finds nothing at ${index}`);
        return list[index];
      }
      default:
        this.problem(`${where}: ${name} is not carried out here`);
        return undefined;
    }
  }

  value(node, where) {
    if (Array.isArray(node)) {
      return node.map((item) => this.value(item, where)).filter((item) => item !== NOTHING);
    }
    if (!node || typeof node !== "object") return node;
    const called = intrinsic(node);
    if (called) return this.call(called.name, called.argument, where);
    if (Object.keys(node).length === 1 && typeof node.Condition === "string" && /^(Conditions|Rules)/.test(where)) {
      return this.condition(node.Condition, where);
    }
    const entries = Object.entries(node).map(([key, item]) => [key, this.value(item, `${where}.${key}`)]);
    return Object.fromEntries(entries.filter(([, item]) => item !== NOTHING));
  }

  run() {
    this.checkRules();
    const resources = {};
    const outputs = {};
    for (const [name, resource] of Object.entries(this.template.Resources ?? {})) {
      if (!this.exists(name)) continue;
      resources[name] = { ...resource, Properties: this.value(resource.Properties ?? {}, name) };
      for (const other of [resource.DependsOn ?? []].flat()) {
        if (!this.exists(other)) this.problem(`${name}: DependsOn ${other}, which does not exist`);
      }
    }
    for (const [name, output] of Object.entries(this.template.Outputs ?? {})) {
      if (output.Condition && !this.condition(output.Condition, name)) continue;
      outputs[name] = this.value(output.Value, `Outputs.${name}`);
    }
    return { resources, outputs, conditions: this.conditions, problems: this.problems };
  }
}

export function resolve(template, parameters = {}, place = {}) {
  return new Resolution(template, parameters, place).run();
}

export { references };
