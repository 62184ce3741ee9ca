// CloudWatch Logs: log groups and their tags.
//
//   POST /__test/logs [{ name, tags, account }]      GET /__test/logs → names
import { ServiceError } from "./aws_workflows.mjs";

let groups;
export function resetLogs() {
  groups = new Map();
}
resetLogs();

const HOME = "111122223333";
const PAGE = 2;
const arnOf = ({ name, account = HOME }) => `arn:aws:logs:eu-west-1:${account}:log-group:${name}`;
const missing = () => new ServiceError("ResourceNotFoundException", "The specified log group does not exist.");

function describe({ logGroupNamePrefix = "", nextToken }, { account }) {
  const mine = [...groups.values()].filter((each) => each.name.startsWith(logGroupNamePrefix) && (each.account ?? HOME) === account);
  const from = Number(nextToken ?? 0);
  return { logGroups: mine.slice(from, from + PAGE).map((each) => ({ logGroupName: each.name, arn: `${arnOf(each)}:*`,
    logGroupArn: arnOf(each) })), ...(from + PAGE < mine.length ? { nextToken: String(from + PAGE) } : {}) };
}

function tags({ resourceArn }) {
  const found = [...groups.values()].find((each) => arnOf(each) === resourceArn);
  if (!found) throw missing();
  return { tags: found.tags ?? {} };
}

export function addLogGroup(group) {
  groups.set(`${group.account ?? HOME} ${group.name}`, group);
}

export const taggedLogs = () => [...groups.values()].map((each) => ({ arn: arnOf(each), account: each.account ?? HOME, tags: each.tags ?? {} }));

export const logAnswers = {
  "logs.DescribeLogGroups": describe,
  "logs.ListTagsForResource": tags,
  "logs.DeleteLogGroup": ({ logGroupName }, { account }) => {
    if (!groups.delete(`${account} ${logGroupName}`)) throw missing();
    return {};
  },
};

export const logControls = {
  "POST /__test/logs": (list) => {
    for (const each of list) addLogGroup(each);
  },
  "GET /__test/logs": () => [...groups.values()].map(({ name }) => name),
};
