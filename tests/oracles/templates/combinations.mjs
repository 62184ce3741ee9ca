// Every combination of switches, and every pair and many combinations of given and absent values,
// resolves, or is refused by a rule of the template's own. → { tried, refused, findings }
import { walk } from "./template.mjs";
import { resolve } from "./resolve.mjs";

function* product(names) {
  for (let bits = 0; bits < 2 ** names.length; bits++) {
    yield Object.fromEntries(names.map((name, i) => [name, bits & (1 << i) ? "true" : "false"]));
  }
}

// Rows of two-valued factors in which every pair of factors has all four pairs of values: those of a
// factor are the bits of its number, and their opposites.
function* pairs(names) {
  const bits = Math.max(1, Math.ceil(Math.log2(names.length + 1)));
  const row = (value) => Object.fromEntries(names.map((name, i) => [name, value(i)]));
  yield row(() => true);
  yield row(() => false);
  for (let bit = 0; bit < bits; bit++) {
    yield row((i) => Boolean((i + 1) & (1 << bit)));
    yield row((i) => !((i + 1) & (1 << bit)));
  }
}

// Rows by chance, the same ones every time: most values given, so that not every row is refused.
function* samples(names, isSwitch) {
  let state = 20261129;
  const chance = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
  for (let row = 0; row < 400; row++) {
    yield Object.fromEntries(names.map((name) => [name, chance() < (isSwitch(name) ? 0.5 : 0.8)]));
  }
}

// What IAM refuses of a resolved policy: lists without an element.
function empty(resources) {
  const findings = [];
  walk(resources, "", (node, path) => {
    for (const part of ["Statement", "Action", "Resource", "Principal"]) {
      if (Array.isArray(node[part]) && node[part].length === 0) findings.push(`${path}: ${part} is empty`);
    }
  });
  return findings;
}

export function combinations({ template, parameters, place }) {
  const switches = Object.keys(template.Parameters).filter((name) => name.startsWith("Enable"));
  const optional = Object.keys(parameters).filter(
    (name) => !name.startsWith("Enable") && template.Parameters[name]?.Default === "",
  );
  const findings = new Set();
  let tried = 0;
  let refused = 0;
  const attempt = (on, given) => {
    const { resources, problems } = resolve(template, { ...given, ...on }, place);
    tried++;
    // Before anything else is looked at.
    if (problems.some((problem) => problem.startsWith("the rule "))) refused++;
    else for (const problem of [...problems, ...empty(resources)]) findings.add(problem);
  };

  for (const on of product(switches)) attempt(on, parameters);
  const names = [...switches, ...optional];
  for (const row of [...pairs(names), ...samples(names, (name) => switches.includes(name))]) {
    const given = Object.fromEntries(Object.entries(parameters).filter(([name]) => row[name] !== false));
    attempt(Object.fromEntries(switches.map((name) => [name, String(row[name])])), given);
  }
  return { tried, refused, findings: [...findings] };
}
