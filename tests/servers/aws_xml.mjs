// An output as XML, by the shapes of AWS's service models: element names, lists that are flattened or not.
import { model } from "./aws_models.mjs";

const escape = (text) => String(text).replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

function element(name, reference, value, shapes) {
  const shape = reference.shape ? { ...shapes[reference.shape], ...reference } : reference;
  const type = shape.type ?? (shape.members ? "structure" : "string");
  if (type === "structure") return `<${name}>${members(shape, value, shapes)}</${name}>`;
  if (type !== "list") return `<${name}>${escape(value)}</${name}>`;
  if (shape.flattened) return value.map((item) => element(name, shape.member, item, shapes)).join("");
  const tag = shape.member.locationName ?? "member";
  return `<${name}>${value.map((item) => element(tag, shape.member, item, shapes)).join("")}</${name}>`;
}

function members(shape, value, shapes) {
  return Object.entries(value).filter(([, item]) => item !== undefined).map(([name, item]) => {
    const member = shape.members?.[name];
    if (!member) throw new Error(`the output has no member ${name}`);
    return element(member.locationName ?? name, member, item, shapes);
  }).join("");
}

// outputXml(service, operation, output) → the members of the output, without a root
export function outputXml(service, operation, output) {
  const { operations, shapes } = model(service);
  const reference = operations[operation].output ?? {};
  return members(reference.shape ? { ...shapes[reference.shape], ...reference } : reference, output, shapes);
}
