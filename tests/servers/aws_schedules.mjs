// What starts work by itself: rules of EventBridge and schedules of EventBridge Scheduler.
//
//   POST /__test/starters { rules: { name: state }, schedules: { name: schedule } }
//   GET  /__test/starters → the same, as they are now
//
// A schedule is what CreateSchedule takes; UpdateSchedule resets what it is not given.
import { ServiceError } from "./aws_workflows.mjs";

let rules, schedules;
export function resetStarters() {
  [rules, schedules] = [{}, {}];
}
resetStarters();

const missing = (what, status) => new ServiceError("ResourceNotFoundException", `${what} does not exist.`, status);

function disableRule({ Name }) {
  if (!rules[Name]) throw missing(`Rule ${Name}`);
  rules[Name] = "DISABLED";
  return {};
}

function describeRule({ Name }) {
  if (!rules[Name]) throw missing(`Rule ${Name}`);
  return { Name, State: rules[Name] };
}

function getSchedule({ Name }) {
  if (!schedules[Name]) throw missing(`Schedule ${Name}`, 404);
  return { Name, GroupName: "default", State: "ENABLED", ...schedules[Name],
    Arn: `arn:aws:scheduler:eu-west-1:111122223333:schedule/default/${Name}`, CreationDate: 1795435200 };
}

function updateSchedule({ Name, ...schedule }) {
  if (!schedules[Name]) throw missing(`Schedule ${Name}`, 404);
  schedules[Name] = schedule;
  return { ScheduleArn: `arn:aws:scheduler:eu-west-1:111122223333:schedule/default/${Name}` };
}

export function addRule(name) {
  rules[name] ??= "ENABLED";
}

export function addSchedule(name, schedule) {
  schedules[name] ??= schedule;
}

export function removeStarter(name) {
  delete rules[name];
  delete schedules[name];
}

export const starterAnswers = {
  "eventbridge.DescribeRule": describeRule,
  "eventbridge.DisableRule": disableRule,
  "scheduler.GetSchedule": getSchedule,
  "scheduler.UpdateSchedule": updateSchedule,
};

export const starterControls = {
  "POST /__test/starters": (given) => {
    Object.assign(rules, given.rules);
    Object.assign(schedules, given.schedules);
  },
  "GET /__test/starters": () => ({ rules, schedules }),
};
