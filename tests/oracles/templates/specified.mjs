// A template against CloudFormation's own specification: types, properties, attributes, enums,
// references, conditions, cycles, sizes, and what is declared without being used. → findings
import { intrinsic, references, walk } from "./template.mjs";
import { specification, typeOf } from "./resolve.mjs";

const INLINE_BYTES = 51200;
const MOST_PARAMETERS = 200;
const MOST_DESCRIPTION = 1024;

class Check {
  constructor(text, template) {
    this.text = text;
    this.template = template;
    this.resources = template.Resources ?? {};
    this.parameters = template.Parameters ?? {};
    this.conditions = template.Conditions ?? {};
    this.needs = {}; // logical name → the names it depends on
    this.findings = [];
  }

  find(where, message) {
    this.findings.push(`${where}: ${message}`);
  }

  // Names -------------------------------------------------------------------------------------------

  attribute(name, attribute, where) {
    const resource = this.resources[name];
    if (!resource) return this.find(where, `there is no resource ${name}`);
    const type = typeOf(resource.Type);
    if (!type || attribute in type.attributes) return undefined;
    if (type.primaryIdentifier?.includes(attribute) && attribute in type.properties) return undefined;
    return this.find(where, `${resource.Type} has no attribute ${attribute}`);
  }

  name(text, where) {
    const dot = text.indexOf(".");
    if (dot > 0) return this.attribute(text.slice(0, dot), text.slice(dot + 1), where);
    if (text.startsWith("AWS::") || text in this.parameters || text in this.resources) return undefined;
    return this.find(where, `there is nothing called ${text}`);
  }

  depend(from, name) {
    if (from && name in this.resources) (this.needs[from] ??= new Set()).add(name);
  }

  reference(value, where, from) {
    const called = intrinsic(value);
    if (!called) return;
    const { name, argument } = called;
    if (name === "Ref") {
      this.name(argument, where);
      this.depend(from, argument);
    } else if (name === "Fn::GetAtt") {
      this.attribute(argument[0], argument[1], where);
      this.depend(from, argument[0]);
    } else if (name === "Fn::If" && !(argument[0] in this.conditions)) {
      this.find(where, `there is no condition ${argument[0]}`);
    } else if (name === "Fn::Sub") {
      const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
      for (const each of references(text)) {
        if (each in variables) continue;
        this.name(each, where);
        this.depend(from, each.split(".")[0]);
      }
    }
  }

  names(value, where, from) {
    walk(value, where, (node, path) => {
      this.reference(node, path, from);
      if (where.startsWith("Conditions") && typeof node.Condition === "string"
        && !(node.Condition in this.conditions)) {
        this.find(path, `there is no condition ${node.Condition}`);
      }
    });
  }

  // Values ------------------------------------------------------------------------------------------

  scalar(value, type, where) {
    if (typeof value === "object") return this.find(where, `must be a ${type.type}`);
    if (type.type === "integer" && !/^-?\d+$/.test(value)) return this.find(where, `${value} is not an integer`);
    if (type.type === "number" && Number.isNaN(Number(value))) return this.find(where, `${value} is not a number`);
    if (type.type === "boolean" && !/^(true|false)$/.test(value)) {
      return this.find(where, `${value} is neither true nor false`);
    }
    if (type.allowedValues && !type.allowedValues.map(String).includes(String(value))) {
      return this.find(where, `${value} is none of ${type.allowedValues.join(", ")}`);
    }
    return undefined;
  }

  // Of several types, the one that fits best speaks.
  oneOf(value, types, where) {
    const tries = types.map((type) => {
      const before = this.findings.length;
      this.value(value, type, where);
      return this.findings.splice(before);
    });
    tries.sort((a, b) => a.length - b.length);
    this.findings.push(...tries[0]);
  }

  value(value, type, where) {
    const called = intrinsic(value);
    if (called) {
      if (called.name === "Fn::If") {
        for (const branch of called.argument.slice(1)) this.value(branch, type, where);
      }
      return undefined;
    }
    switch (type.type) {
      case "union": return this.oneOf(value, type.types, where);
      case "array":
        if (!Array.isArray(value)) return this.find(where, "must be a list");
        return value.forEach((item, i) => this.value(item, type.element, `${where}.${i}`));
      case "map":
        if (typeof value !== "object" || Array.isArray(value)) return this.find(where, "must be a map");
        return undefined;
      case "ref": {
        const definition = specification().get("typeDefinition", type.reference.$ref);
        return this.object(value, definition.properties, where);
      }
      case "string": case "integer": case "number": case "boolean":
        return this.scalar(value, type, where);
      default: return undefined; // json, tags, times
    }
  }

  object(value, properties, where) {
    if (!value || typeof value !== "object" || Array.isArray(value)) return this.find(where, "must be an object");
    for (const [name, item] of Object.entries(value)) {
      if (name in properties) this.value(item, properties[name].type, `${where}.${name}`);
      else this.find(where, `there is no property ${name}`);
    }
    for (const [name, property] of Object.entries(properties)) {
      if (property.required && !(name in value)) this.find(where, `${name} is missing`);
    }
    return undefined;
  }

  // The parts ---------------------------------------------------------------------------------------

  resource(name, resource) {
    const type = typeOf(resource.Type);
    if (!type) this.find(name, `there is no type ${resource.Type}`);
    else this.object(resource.Properties ?? {}, type.properties, name);

    if (resource.Condition && !(resource.Condition in this.conditions)) {
      this.find(name, `there is no condition ${resource.Condition}`);
    }
    for (const other of [resource.DependsOn ?? []].flat()) {
      if (!(other in this.resources)) this.find(name, `depends on ${other}, which is not there`);
      this.depend(name, other);
    }
    this.names(resource.Properties ?? {}, name, name);
  }

  cycles() {
    const state = {};
    const visit = (name, path) => {
      if (state[name] === "open") {
        return this.find("cycle", [...path.slice(path.indexOf(name)), name].join(" → "));
      }
      if (state[name]) return undefined;
      state[name] = "open";
      for (const other of this.needs[name] ?? []) visit(other, [...path, name]);
      state[name] = "done";
      return undefined;
    };
    for (const name of Object.keys(this.resources)) visit(name, []);
  }

  // A parameter or condition that nothing reads is a switch that does nothing.
  unused() {
    const { Rules, Resources, Conditions, Outputs } = this.template;
    const used = JSON.stringify([Resources, Conditions, Outputs]);
    for (const name of Object.keys(this.parameters)) {
      if (!used.includes(`{"Ref":"${name}"}`) && !used.includes(`\${${name}}`)) {
        this.find(`Parameters.${name}`, "nothing uses it");
      }
    }
    const conditions = JSON.stringify([Resources, Conditions, Outputs, Rules]);
    for (const name of Object.keys(this.conditions)) {
      if (!conditions.includes(`"Condition":"${name}"`) && !conditions.includes(`{"Fn::If":["${name}"`)) {
        this.find(`Conditions.${name}`, "nothing uses it");
      }
    }
  }

  sizes() {
    const bytes = Buffer.byteLength(this.text);
    if (bytes >= INLINE_BYTES) this.find("template", `${bytes} bytes; inline it may have ${INLINE_BYTES - 1}`);
    if (Object.keys(this.parameters).length > MOST_PARAMETERS) this.find("template", "too many parameters");
    if ((this.template.Description ?? "").length > MOST_DESCRIPTION) this.find("template", "Description is too long");
  }

  run() {
    this.sizes();
    if (this.template.Transform) this.find("template", "has a macro, which service-managed StackSets refuse");
    for (const [name, resource] of Object.entries(this.resources)) this.resource(name, resource);
    this.names(this.conditions, "Conditions");
    for (const [name, output] of Object.entries(this.template.Outputs ?? {})) {
      this.names(output.Value, `Outputs.${name}`);
      if (output.Condition && !(output.Condition in this.conditions)) {
        this.find(`Outputs.${name}`, `there is no condition ${output.Condition}`);
      }
    }
    this.cycles();
    this.unused();
    return this.findings;
  }
}

export function specified(text, template) {
  return new Check(text, template).run();
}
