// Judges templates: one question a line, { check, file, text?, parameters?, place? }, text in place of
// the file's where it is given. The answer is JSON: for `specified` and `ruled` a list of findings,
// for `resolve` what the template makes of the parameters, for `combinations`, `granted`, `made` and
// `decide` what those modules say.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { combinations } from "./templates/combinations.mjs";
import { decide } from "./templates/iam.mjs";
import { granted } from "./templates/granted.mjs";
import { made } from "./templates/made.mjs";
import { parse } from "./templates/template.mjs";
import { resolve } from "./templates/resolve.mjs";
import { ruled } from "./templates/rules.mjs";
import { specified } from "./templates/specified.mjs";

async function answer(question) {
  if (question.check === "decide") return { verdict: await decide(question) };
  const { check, parameters, place } = question;
  const text = question.text ?? readFileSync(question.file, "utf8");
  const { template, problems } = parse(text);
  if (problems.length > 0) return check === "resolve" ? { problems } : problems;
  switch (check) {
    case "specified": return specified(text, template);
    case "ruled": return ruled(template);
    case "resolve": return resolve(template, parameters, place);
    case "combinations": return combinations({ template, parameters, place });
    case "made": return made({ ...question, template });
    case "granted": return granted({ ...question, template });
    default: throw new Error(`there is no check ${check}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
