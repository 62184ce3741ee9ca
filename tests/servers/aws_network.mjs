// EC2 as a graph: security groups, rules that name groups, and the network interfaces in them. A group
// cannot be deleted while an interface is in it or a rule of another group names it (DependencyViolation is
// computed); an interface that Lambda uses becomes available after some looks at it, or never.
//
//   POST /__test/network { groups: [{ id, name, vpc, tags }], rules: [{ id, group, egress, names }],
//                          interfaces: [{ id, groups, status, description, looks }] }   added to what there is
//   GET  /__test/network → the same, as it is now
//
// Without `looks` an interface in use stays so.
import { ServiceError } from "./aws_workflows.mjs";

let groups, rules, interfaces;
export function resetNetwork() {
  [groups, rules, interfaces] = [new Map(), new Map(), new Map()];
}
resetNetwork();

const PAGE = 2; // small, so that every listing has pages

function paged(all, { NextToken }, name) {
  const from = Number(NextToken ?? 0);
  return { [name]: all.slice(from, from + PAGE), ...(from + PAGE < all.length ? { NextToken: String(from + PAGE) } : {}) };
}

// The values of one filter; another filter than those that are asked for is a mistake.
function filters({ Filters = [] }, known) {
  for (const { Name } of Filters)
    if (!known.includes(Name)) throw new ServiceError("InvalidParameterValue", `The filter '${Name}' is invalid`);
  return (name) => Filters.find(({ Name }) => Name === name)?.Values;
}

const naming = (id, egress) => [...rules.values()].filter((rule) => rule.names === id && Boolean(rule.egress) === egress);

function describeGroups(input) {
  const value = filters(input, ["group-id", "group-name", "vpc-id", "ip-permission.group-id", "egress.ip-permission.group-id"]);
  const has = (values, found) => !values || values.some(found);
  const found = [...groups.values()].filter((group) => has(value("group-id"), (id) => id === group.id)
    && has(value("group-name"), (name) => name === group.name) && has(value("vpc-id"), (vpc) => vpc === group.vpc)
    && has(value("ip-permission.group-id"), (id) => naming(id, false).some((rule) => rule.group === group.id))
    && has(value("egress.ip-permission.group-id"), (id) => naming(id, true).some((rule) => rule.group === group.id)));
  return paged(found.map(({ id, name, vpc, tags = {} }) => ({ GroupId: id, GroupName: name ?? id, VpcId: vpc,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) })), input, "SecurityGroups");
}

function describeRules(input) {
  const value = filters(input, ["group-id"]);
  const found = [...rules.values()].filter(({ group }) => value("group-id").includes(group));
  return paged(found.map(({ id, group, egress, names, cidr }) => ({ SecurityGroupRuleId: id, GroupId: group,
    IsEgress: Boolean(egress), IpProtocol: "tcp",
    ...(names ? { ReferencedGroupInfo: { GroupId: names } } : { CidrIpv4: cidr ?? "0.0.0.0/0" }) })), input, "SecurityGroupRules");
}

function revoke(egress) {
  return ({ GroupId, SecurityGroupRuleIds }) => {
    for (const id of SecurityGroupRuleIds) {
      const rule = rules.get(id);
      if (!rule || rule.group !== GroupId || Boolean(rule.egress) !== egress)
        throw new ServiceError("InvalidSecurityGroupRuleId.NotFound", `The security group rule ID '${id}' does not exist`);
    }
    for (const id of SecurityGroupRuleIds) rules.delete(id);
    return { Return: true };
  };
}

// Each look at an interface in use is one step towards its end.
function describeInterfaces(input) {
  const value = filters(input, ["group-id"]);
  const found = [...interfaces.values()].filter((each) => each.groups.some((id) => value("group-id").includes(id)));
  if (!input.NextToken)
    for (const each of found)
      if (each.status === "in-use" && each.looks !== undefined && each.looks-- <= 0) each.status = "available";
  return paged(found.map(({ id, status, description, groups: ids }) => ({ NetworkInterfaceId: id, Status: status,
    Description: description, Groups: ids.map((GroupId) => ({ GroupId })) })), input, "NetworkInterfaces");
}

function deleteInterface({ NetworkInterfaceId: id }) {
  const found = interfaces.get(id);
  if (!found) throw new ServiceError("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${id}' does not exist`);
  if (found.status !== "available")
    throw new ServiceError("InvalidParameterValue", `Network interface '${id}' is currently in use.`);
  interfaces.delete(id);
  return {};
}

// Why CloudFormation cannot delete a group of a stack, or nothing.
export function whyNot(id) {
  const used = [...interfaces.values()].some((each) => each.groups.includes(id));
  const named = [...rules.values()].some((rule) => rule.names === id && rule.group !== id);
  if (!groups.has(id) || !(used || named)) return undefined;
  return `resource ${id} has a dependent object (Service: Ec2, Status Code: 400, Request ID: 1) `
    + "(RequestToken: 2, HandlerErrorCode: InvalidRequest)";
}

export function removeGroup(id) {
  groups.delete(id);
  for (const [key, rule] of rules) if (rule.group === id) rules.delete(key);
}

export const groupOf = (id) => groups.get(id);

// Lambda takes its interfaces out of the groups that a function left.
export function moveInterfaces(functionName, ids) {
  for (const each of interfaces.values())
    if (each.description === `AWS Lambda VPC ENI-${functionName}`) each.groups = ids;
}

export const networkAnswers = {
  "ec2.DescribeSecurityGroups": describeGroups,
  "ec2.DescribeSecurityGroupRules": describeRules,
  "ec2.RevokeSecurityGroupIngress": revoke(false),
  "ec2.RevokeSecurityGroupEgress": revoke(true),
  "ec2.DescribeNetworkInterfaces": describeInterfaces,
  "ec2.DeleteNetworkInterface": deleteInterface,
};

export const networkControls = {
  "POST /__test/network": (given) => {
    for (const each of given.groups ?? []) groups.set(each.id, each);
    for (const each of given.rules ?? []) rules.set(each.id, each);
    for (const each of given.interfaces ?? []) interfaces.set(each.id, { status: "in-use", description: "", ...each });
  },
  "GET /__test/network": () => ({ groups: [...groups.values()], rules: [...rules.values()], interfaces: [...interfaces.values()] }),
};
