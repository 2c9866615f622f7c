import { digest } from '../schema/ids.ts';
import {
  newAlert,
  newIncident,
  newParty,
  type Alert,
  type Incident,
  type RecordTypes,
} from '../schema/records.ts';
import type { Delivery } from './contracts.ts';

/** `detector` of the record by which a receiver sees that Weir still speaks to it. */
export const HEARTBEAT = 'heartbeat';
/** `detector` of the record that `weir sinks test` sends. */
export const TEST = 'test';

/** How many heartbeats may be missing before their absence means something. */
const MISSING = 3;
const MAX_REVISION = 2 ** 31;

/**
 * A record that says nothing about the network: it is an alert of severity info, as every sink can say an alert. Its detector
 * marks it, so that rules and dashboards can tell it from what was found. Names nobody but the cluster and the sink.
 */
function marked(about: {
  readonly detector: string;
  readonly rule: string;
  readonly id: string;
  readonly revision: number;
  readonly cluster: string;
  readonly sink: string;
  readonly nowMs: number;
  readonly summary: string;
}): Alert {
  const entity = newParty({ key: `weir/${about.cluster}/${about.sink}` });
  entity.name = 'weir';
  return newAlert({
    id: about.id,
    revision: about.revision,
    detector: about.detector,
    rule: about.rule,
    score: 0,
    entity,
    cluster: about.cluster,
    firstMs: about.nowMs,
    lastMs: about.nowMs,
    raisedMs: about.nowMs,
    count: 1,
    why: { summary: about.summary, factors: [], historyMs: 0, learning: false },
    evidence: { flows: [], flowIds: [], ports: [], peers: [], policies: [], records: [] },
    links: { runbook: null, search: null, kibana: null },
  });
}

/**
 * The dead-man's switch: told again and again under one id, so that a receiver can alert when it has not come for a while.
 * `summary` holds what this process can say about its own work.
 */
export function heartbeat(
  about: { readonly cluster: string; readonly sink: string; readonly everyMs: number },
  nowMs: number,
  summary: string,
): Alert {
  const beat = marked({
    ...about,
    detector: HEARTBEAT,
    rule: 'Weir is alive',
    id: digest(22, HEARTBEAT, about.cluster, about.sink),
    revision: Math.floor(nowMs / 1000) % MAX_REVISION,
    nowMs,
    summary,
  });
  return {
    ...beat,
    why: {
      ...beat.why,
      factors: [{ name: 'goodForMs', observed: about.everyMs * MISSING, expected: null, threshold: null }],
    },
  };
}

/** Until when a heartbeat says that all is well; null for any other alert. */
export function goodUntilMs(alert: Alert): number | null {
  if (alert.detector !== HEARTBEAT) return null;
  const factor = alert.why.factors.find(({ name }) => name === 'goodForMs');
  return factor === undefined ? null : alert.raisedMs + factor.observed;
}

/** A record that comes from no log, as a sink is handed it. */
export const markedDelivery = <K extends 'alert' | 'incident'>(
  kind: K,
  record: RecordTypes[K],
): Delivery => ({
  kind,
  record,
  topic: 'none',
  partition: 0,
  offset: 0,
  bytes: null,
});

interface Tested {
  readonly cluster: string;
  readonly sink: string;
  readonly tenant: string | null;
}

const testId = (about: Tested, nowMs: number): string => digest(22, TEST, about.cluster, about.sink, nowMs);
const testSummary = (about: Tested): string =>
  `TEST: weir sinks test ${about.sink} sent this event; nothing was found.`;

/** One event that a person sends to see it arrive. */
export function testAlert(about: Tested, nowMs: number): Alert {
  const { tenant } = about;
  return {
    ...marked({
      ...about,
      detector: TEST,
      rule: 'TEST: nothing happened',
      id: testId(about, nowMs),
      revision: 0,
      nowMs,
      summary: testSummary(about),
    }),
    action: 'opened',
    ...(tenant === null ? {} : { tenant, tenants: [tenant] }),
  };
}

/** The same for a sink that is sent incidents alone. */
export function testIncident(about: Tested, nowMs: number): Incident {
  const { entity, rule } = testAlert(about, nowMs);
  const id = testId(about, nowMs);
  const { tenant } = about;
  return {
    ...newIncident({
      id,
      revision: 0,
      cluster: about.cluster,
      entity,
      score: 0,
      firstMs: nowMs,
      lastMs: nowMs,
      story: { summary: testSummary(about), normal: null, question: null, query: null },
    }),
    state: 'new',
    alerts: [{ id, timeMs: nowMs, detector: TEST, severity: 'info', line: rule }],
    ...(tenant === null ? {} : { tenant, tenants: [tenant] }),
  };
}
