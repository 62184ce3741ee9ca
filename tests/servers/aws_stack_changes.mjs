// What a change set contains, from the template and parameters that are deployed and those that come:
// both are resolved, and the specification tells which property replaces its resource.
import { resolve, typeOf } from "../oracles/templates/resolve.mjs";
import { parse } from "../oracles/templates/template.mjs";

const parsed = new Map();

// As parse of template.mjs, which takes long for what every request has. Nobody changes the template.
export function parseOnce(text) {
  if (!parsed.has(text)) parsed.set(text, parse(text));
  return parsed.get(text);
}

// resolved(text, parameters, place) → { resources, outputs, problems }
export function resolved(text, parameters, place) {
  const { template, problems } = parseOnce(text);
  if (problems.length) return { resources: {}, outputs: {}, problems };
  return resolve(template, parameters, place);
}

const REPLACEMENT = { yes: "True", maybe: "Conditional" };

function replacementOf(type, before, after) {
  const known = typeOf(type);
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const causes = changed.map((name) => known?.properties[name]?.causesReplacement);
  return causes.includes("yes") ? REPLACEMENT.yes : causes.includes("maybe") ? REPLACEMENT.maybe : "False";
}

function change(id, before, after) {
  const common = { LogicalResourceId: id, ResourceType: (after ?? before).Type };
  if (!before) return { Action: "Add", ...common };
  if (!after) return { Action: "Remove", PolicyAction: before.DeletionPolicy ?? "Delete", ...common };
  const Replacement = replacementOf(after.Type, before.Properties, after.Properties);
  if (Replacement === "False") return { Action: "Modify", Replacement, ...common };
  const keeps = after.UpdateReplacePolicy === "Retain";
  return { Action: "Modify", Replacement, PolicyAction: keeps ? "ReplaceAndRetain" : "ReplaceAndDelete", ...common };
}

export function changes(before, after) {
  const ids = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return ids.filter((id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]))
    .map((id) => change(id, before[id], after[id]));
}
