import type { Endpoint, Flow, PolicyRef, RecordKind, RecordTypes } from '../../schema/records.ts';
import { protocolName } from './protocols.ts';
import { toJson } from './json.ts';

/** One line a person reads: time, what it is, who -> whom, why. Never holds a line feed or another control character. */
export function toLine<K extends RecordKind>(kind: K, record: RecordTypes[K]): string {
  const render = lines[kind];
  return printable(render ? render(record) : `${kind} ${toJson(kind, record)}`);
}

const lines: { [K in RecordKind]?: (record: RecordTypes[K]) => string } = {
  flow: flowLine,
  alert: (alert) =>
    `${time(alert.raisedMs)} ALERT ${alert.severity} ${alert.detector} ${alert.action} ` +
    `${alert.entity.key}${alert.target ? ` -> ${alert.target.key}` : ''}: ${alert.why.summary}`,
  incident: (incident) =>
    `${time(incident.lastMs)} INCIDENT ${incident.severity} ${incident.state} ${incident.entity.key}: ${incident.story.summary}`,
  policy_change: (change) =>
    `${time(change.timeMs)} POLICY ${change.verb} ${change.kind} ${named(change.namespace, change.name)}` +
    (change.user === null ? '' : ` by ${change.user}`),
  loss: (loss) =>
    `${time(loss.untilMs)} LOSS ${loss.why} ${loss.where}: ${loss.count ?? 'an unknown number of'} records` +
    (loss.detail === null ? '' : `, ${loss.detail}`),
  access: (access) => `${time(access.timeMs)} ACCESS ${access.user} ${access.action}: ${access.detail}`,
};

function flowLine(flow: Flow): string {
  const policy = flow.policies.at(-1);
  return (
    `${time(flow.endMs)} ${flow.verdict.padEnd(7)} ${protocolName(flow.protocol) ?? '-'} ` +
    `${who(flow.source)} -> ${who(flow.destination)}:${flow.destination.port ?? '-'}` +
    (policy ? ` ${policyName(policy)}` : '')
  );
}

const who = (end: Endpoint): string => {
  const name = end.pod ?? end.workload ?? end.hostname ?? end.networkSet;
  const ip = end.ip === null ? null : end.ip.includes(':') ? `[${end.ip}]` : end.ip;
  if (name === null) return ip ?? end.node ?? 'unknown';
  return ip === null ? named(end.namespace, name) : `${named(end.namespace, name)}(${ip})`;
};

const named = (namespace: string | null, name: string): string =>
  namespace === null ? name : `${namespace}/${name}`;

function policyName(policy: PolicyRef): string {
  const name = policy.name === null ? 'default deny' : named(policy.namespace, policy.name);
  return `[${policy.kind === null ? '' : `${policy.kind} `}${name}${policy.inferred ? ' (inferred)' : ''}]`;
}

const time = (ms: number): string => new Date(ms).toISOString();

// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const printable = (line: string): string =>
  line.replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
