import type { Alert } from '../schema/records.ts';

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** The narrowest condition over alerts that fits this one and those that come of the same cause. */
export function narrowestQuery(alert: Alert): string {
  const { target, cluster, detector, rule, entity } = alert;
  const parts = [
    `cluster : ${quoted(cluster)}`,
    `detector : ${quoted(detector)}`,
    `rule : ${quoted(rule)}`,
    `entity.key : ${quoted(entity.key)}`,
  ];
  if (target !== null) parts.push(`target.key : ${quoted(target.key)}`);
  if (target !== null && target.port !== null) parts.push(`target.port : ${target.port}`);
  return parts.join(' and ');
}
