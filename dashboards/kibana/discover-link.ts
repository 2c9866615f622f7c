import type { Alert } from '../../schema/records.ts';
import { spacePath, viewId, type Place } from './place.ts';
import { flows } from './subject.ts';

/** Beside the evidence itself, what was before and after it. */
const AROUND_MS = 5 * 60_000;

/** Longer ones browsers and chat systems cut. */
const MAX_LINK = 4000;

/** Times beyond this no date can say. */
const MAX_DATE_MS = 8.64e15;

/**
 * Address of the flows of an alert's entity at its time, in Discover; null where no filter says who it is. `url` is
 * that of Kibana with its base path.
 */
export function discoverLink(
  url: string,
  place: Pick<Place, 'space' | 'suffix'>,
  alert: Alert,
): string | null {
  const who = conditionOf(alert);
  if (who === null) return null;
  const query = `${flows.where} and (${who})`;
  const [from, to] = [alert.firstMs - AROUND_MS, alert.lastMs + AROUND_MS].map(isoTime);
  const global = `(time:(from:${rison(from!)},to:${rison(to!)}))`;
  const state = `(index:${rison(viewId('events', place))},query:(language:kuery,query:${rison(query)}))`;
  const link =
    `${url.replace(/\/+$/, '')}${spacePath(place.space)}/app/discover#/` +
    `?_g=${encoded(global)}&_a=${encoded(state)}`;
  return link.length > MAX_LINK ? null : link;
}

function conditionOf({ entity, cluster }: Alert): string | null {
  const { kind, key, ip, namespace, name } = entity;
  switch (kind) {
    case 'workload':
    case 'host':
    case 'service':
    case 'network':
      return `weir.source.entity : ${quoted(key)} or weir.destination.entity : ${quoted(key)}`;
    case 'ip':
      return ip === null ? null : `source.ip : ${quoted(ip)} or destination.ip : ${quoted(ip)}`;
    case 'policy':
      return name === null
        ? null
        : `weir.policy.name : ${quoted(namespace === null ? name : `${namespace}/${name}`)}`;
    case 'cluster':
      return `orchestrator.cluster.name : ${quoted(cluster)}`;
    // Of another tenant, or nobody knows.
    default:
      return null;
  }
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/** Text as Kibana writes state into addresses. */
const rison = (text: string): string => `'${text.replaceAll(/[!']/g, '!$&')}'`;

/** Half a character, which an address cannot hold, becomes the mark for one that is missing. */
const encoded = (text: string): string => encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'));

const isoTime = (timeMs: number): string =>
  new Date(Math.min(Math.max(timeMs, -MAX_DATE_MS), MAX_DATE_MS)).toISOString();
