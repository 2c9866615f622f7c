import type { Alert, Party, Severity } from '../schema/records.ts';

/** What an incident needs of one revision of an alert; the rest stays with the alert. */
export interface Finding {
  readonly id: string;
  readonly revision: number;
  /** Event time at which it was decided: the order in which findings are joined. */
  readonly timeMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly closes: boolean;
  readonly detector: string;
  readonly severity: Severity;
  /** 0 to 1, as the detector gave it. */
  readonly score: number;
  readonly cluster: string;
  readonly entity: Party;
  readonly tenant: string | null;
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  readonly owner: string | null;
  readonly tactics: readonly string[];
  readonly line: string;
  readonly normal: string | null;
  /** Command that shows the flows of this alert alone. */
  readonly search: string | null;
  readonly suppressed: boolean;
  /** Which suppression hid it. */
  readonly suppressedBy?: string | null;
  readonly historical: boolean;
}

/** An incident holds many of them: a summary may name long names. */
const MAX_LINE = 400;

/** `appendMs` caps the time: an alert of a clock years ahead must not wait for years. */
export function findingOf(alert: Alert, appendMs: number): Finding {
  return {
    id: alert.id,
    revision: alert.revision,
    timeMs: Math.min(alert.raisedMs, appendMs),
    firstMs: alert.firstMs,
    lastMs: alert.lastMs,
    closes: alert.action === 'closed',
    detector: alert.detector,
    severity: alert.severity,
    score: alert.score,
    cluster: alert.cluster,
    entity: alert.entity,
    tenant: alert.tenant,
    tenants: alert.tenants,
    scopes: alert.scopes,
    owner: alert.owner,
    tactics: [...new Set(alert.attack.map(({ tactic }) => tactic))],
    line: cut(alert.why.summary),
    normal: normalOf(alert),
    search: alert.links.search,
    suppressed: alert.suppressedBy !== null,
    suppressedBy: alert.suppressedBy,
    historical: alert.historical,
  };
}

const cut = (text: string): string => (text.length > MAX_LINE ? `${text.slice(0, MAX_LINE - 1)}…` : text);

/** What was learned of the entity before, from the reasons that have a usual value; null when nothing was. */
function normalOf({ why }: Alert): string | null {
  const usual = why.factors.filter(({ expected }) => expected !== null).slice(0, 4);
  if (usual.length === 0) return null;
  const parts = usual.map(({ name, observed, expected }) => `${name} ${expected} (now ${observed})`);
  return cut(parts.join(', '));
}
