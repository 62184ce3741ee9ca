// A CloudFormation template read from YAML: the short forms of the intrinsic functions become their
// long ones, so that everything else sees one spelling.
//
//   parse(text) → { template, problems }   problems: what YAML or CloudFormation's reader refuses
//   walk(value, path, visit)               visit(value, path) for every object and list below
//   references(text)                       the names in "${…}" of Fn::Sub, "${!…}" not among them
import YAML from "yaml";

const FUNCTIONS = [
  "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Not",
  "Or", "Select", "Split", "Sub", "Transform",
];

function longName(name) {
  return name === "Ref" || name === "Condition" ? name : `Fn::${name}`;
}

function getAtt(value) {
  if (typeof value !== "string") return value;
  const dot = value.indexOf(".");
  return [value.slice(0, dot), value.slice(dot + 1)];
}

const TAGS = ["Ref", "Condition", ...FUNCTIONS].flatMap((name) => {
  const wrap = (value) => ({ [longName(name)]: name === "GetAtt" ? getAtt(value) : value });
  return [
    { tag: `!${name}`, resolve: (text) => wrap(text) },
    { tag: `!${name}`, collection: "seq", resolve: (node) => wrap(node.toJSON()) },
    { tag: `!${name}`, collection: "map", resolve: (node) => wrap(node.toJSON()) },
  ];
});

export function parse(text) {
  const document = YAML.parseDocument(text, { customTags: TAGS, uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings].map((problem) => problem.message.split("\n")[0]);
  if (/(^|[\s[{,])[&*][A-Za-z]\w*(\s|$)/m.test(text.replace(/#.*|"[^"]*"|'[^']*'/g, ""))) {
    problems.push("CloudFormation takes no anchors and aliases");
  }
  return { template: document.errors.length ? {} : document.toJS(), problems };
}

export function walk(value, path, visit) {
  if (!value || typeof value !== "object") return;
  visit(value, path);
  for (const [key, item] of Object.entries(value)) walk(item, `${path}.${key}`, visit);
}

export function references(text) {
  return [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => match[1].trim());
}

// The single function of an object such as { "Fn::If": [ … ] }, or nothing.
export function intrinsic(value) {
  if (!value || typeof value !== "object" || Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  if (keys.length !== 1) return undefined;
  const [name] = keys;
  if (name === "Ref" || name.startsWith("Fn::")) return { name, argument: value[name] };
  return undefined;
}
