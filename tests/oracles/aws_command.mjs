// A command of AWS's own command line, for services that speak JSON: Debian's `aws` is older than some of
// them. AWS's SDK refuses operations and options that there are not.
//   node aws_command.mjs SERVICE COMMAND [--option value | --flag]…   with AWS_ENDPOINT_URL and credentials
// It prints the answer, or the failure, with exit status 1.
import { createRequire } from "node:module";
import { Front } from "../workflow/front.mjs";

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const AWS = createRequire(import.meta.url)("aws-sdk");

const camel = (words) => words.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

function parse(words) {
  const options = {};
  for (let i = 0; i < words.length; i++) {
    const name = camel(words[i].replace(/^--/, ""));
    const isFlag = i + 1 === words.length || words[i + 1].startsWith("--");
    options[name] = isFlag ? true : words[++i];
  }
  return options;
}

const [service, command, ...words] = process.argv.slice(2);
const Service = AWS[Object.keys(AWS).find((name) => name.toLowerCase() === service)];
const { api } = new Service({ region: "eu-west-1" });
const operation = api.operations[camel(command)];
if (!operation) throw new Error(`${service} has no ${command}`);

// The members that the operation has, however it writes their first letter.
const members = Object.keys(operation.input.members);
const input = Object.fromEntries(Object.entries(parse(words)).map(([name, value]) =>
  [members.find((member) => member.toLowerCase() === name.toLowerCase()) ?? name, value]));

const { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: key_id, AWS_SECRET_ACCESS_KEY: secret } = process.env;
try {
  new AWS.ParamValidator().validate(operation.input, input);
  const answer = await new Front({ url, key_id, secret }).json(api.signingName ?? api.endpointPrefix,
    `${api.targetPrefix}.${operation.name}`, api.jsonVersion, input);
  console.log(JSON.stringify(answer));
} catch (problem) {
  console.error(`${problem.code ?? problem.name}: ${problem.message}`);
  process.exitCode = 1;
}
