import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Flow, Severity } from '../../schema/records.ts';
import { eventMs } from '../event-time.ts';
import { newParty } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import { addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { bytesOf, createKeyTable, readAs } from '../key-table.ts';
import { entityKey, isInventoried, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { fromChunks, toChunks } from '../snapshot.ts';
import { explain, kinds } from './explain.ts';
import { groupOf, hashGroup, type Group } from './group.ts';
import type { Options } from './options.ts';

const NAME = 'policy_denied';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];

/**
 * Turns denials into few alerts: one per new edge, one list of those that existed before, one for a source whose
 * denials spread. In the source's lane it handles sources of the inventory, in the destination's lane all others,
 * so that each group meets in one lane.
 */
export const create =
  (options: Options): DetectorFactory =>
  (context) =>
    createPolicyDenied(options, context);

function createPolicyDenied(options: Options, context: DetectorContext): Detector {
  const { evicted, maxKeys } = context;
  /** Event time of the first flow; the baseline begins there. */
  let startMs = Number.NaN;
  let lastMs = Number.NaN;
  /** Edges of a scope that had an alert of their own before scopes settled. */
  let scopeAlerts = 0;
  /** Edges of the baseline: they never alert while they go on. */
  const existing = createRecentSet({ name: 'existing', maxKeys, keepMs: options.keepMs, evicted });
  /** Edges that had an alert of their own: not new when they come back. */
  const known = createRecentSet({ name: 'known', maxKeys, keepMs: options.keepMs, evicted });
  const sources = createKeyTable({ name: 'source', maxKeys, evict: () => evicted(1) });
  const sinceMs = sources.column('sinceMs', Float64Array);
  const edges = sources.column('edges', Uint32Array);
  const shared = {
    detector: NAME,
    contentVersion: context.contentVersion,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: 'detectors/policy_denied/README.md',
    evicted,
    explain,
  };
  const book = createAlertBook({ ...shared, name: 'denials', quietMs: options.quietMs });
  const list = createAlertBook({ ...shared, name: 'list', quietMs: Number.POSITIVE_INFINITY });
  const hash = newHash();

  function passTime(timeMs: number): Alert[] | null {
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    if (list.size > 0 && timeMs > startMs + options.baselineMs) {
      list.closeAll(startMs + options.baselineMs, (out ??= []));
    }
    return out;
  }

  function observe(flow: Flow, role: Role): readonly Alert[] {
    const timeMs = eventMs(flow);
    const out = passTime(timeMs);
    // A gap as long as the baseline, inside it, is a clock gone wrong or a long stop: the baseline begins anew.
    const stray = lastMs <= startMs + options.baselineMs && timeMs - lastMs > options.baselineMs;
    if (stray || Number.isNaN(startMs)) {
      startMs = timeMs;
      scopeAlerts = 0;
    }
    lastMs = timeMs;
    if (flow.verdict !== 'deny' || (role === 'source') !== isInventoried(flow.source)) return out ?? NONE;
    return denied(flow, out ?? []);
  }

  function denied(flow: Flow, out: Alert[]): Alert[] {
    const timeMs = eventMs(flow);
    const inScope = flow.source.scopes.length > 0 || flow.destination.scopes.length > 0;
    hashGroup(hash, flow);
    const handle = handleOf(hash);
    const alert = book.get(handle);
    if (alert !== undefined) {
      book.add(alert, flow, { severity: severityOf(flow, inScope, alert.facts['isNew'] === 1) }, out);
      return out;
    }
    const learning = timeMs <= startMs + options.baselineMs;
    if (existing.meet(hash, timeMs)) {
      if (learning) enlist(flow, null, out);
    } else if (learning && !(inScope && isUrgent(flow))) {
      existing.add(hash, timeMs);
      enlist(flow, groupOf(flow), out);
    } else {
      const isNew = known.add(hash, timeMs);
      const group = groupOf(flow);
      const count = isNew && group.about === 'source' ? countEdge(flow) : 0;
      if (count > options.spreadEdges) addToSpread(flow, group, inScope, count, out);
      else open(handle, flow, group, { severity: severityOf(flow, inScope, isNew), isNew, learning }, out);
    }
    return out;
  }

  /**
   * Whether a denial of a scope may not wait for the end of the baseline: from inside, once standing ones have shown
   * themselves, and before that the first of a lane. The internet's waits: there is always some.
   */
  function isUrgent(flow: Flow): boolean {
    if (flow.source.kind === 'public') return false;
    if (eventMs(flow) > startMs + options.scopeSettleMs) return true;
    return scopeAlerts++ < options.scopeFirst;
  }

  /** One more denial of the baseline, on the list of its cluster; with its group when the edge is new to it. */
  function enlist(flow: Flow, group: Group | null, out: Alert[]): void {
    const key = `existing|${flow.cluster}|${context.lane}`;
    hashText(key);
    const alert = list.get(handleOf(hash));
    if (alert !== undefined) {
      if (group !== null) alert.facts['edges'] = (alert.facts['edges'] ?? 0) + 1;
      list.add(alert, flow, { severity: 'info', peer: group?.edge ?? null }, out);
      return;
    }
    const entity = newParty({ key: flow.cluster });
    entity.kind = 'cluster';
    entity.name = flow.cluster;
    const facts = { kind: kinds.existing, edges: 1, historyMs: eventMs(flow) - startMs, learning: 1 };
    list.open(
      handleOf(hash),
      flow,
      {
        key,
        about: 'source',
        entity,
        target: null,
        rule: 'Existing denials',
        severity: 'info',
        attack: [],
        query: 'verdict : deny',
        facts,
        peer: group?.edge ?? null,
      },
      out,
    );
  }

  function open(
    handle: number,
    flow: Flow,
    group: Group,
    found: { readonly severity: Severity; readonly isNew: boolean; readonly learning: boolean },
    out: Alert[],
  ): void {
    const isOutside = group.about === 'destination';
    const side = isOutside ? sideQuery('destination', flow.destination) : sideQuery('source', flow.source);
    book.open(
      handle,
      flow,
      {
        key: group.key,
        about: group.about,
        entity: group.entity,
        target: group.target,
        rule: isOutside ? 'Denied from outside the inventory' : 'Denied by policy',
        severity: found.severity,
        attack: [],
        query:
          isOutside || flow.destination.port === null
            ? `verdict : deny and ${side}`
            : `verdict : deny and ${side} and destination.port : ${flow.destination.port}`,
        facts: {
          kind: isOutside ? kinds.outside : kinds.edge,
          isNew: found.isNew ? 1 : 0,
          learning: found.learning ? 1 : 0,
          historyMs: eventMs(flow) - startMs,
        },
      },
      out,
    );
  }

  /** One more new edge of a source that has too many to alert one by one. */
  function addToSpread(flow: Flow, group: Group, inScope: boolean, count: number, out: Alert[]): void {
    const key = `spread|${flow.cluster}|${entityKey(flow.source)}`;
    const severity = inScope ? 'high' : 'medium';
    hashText(key);
    const alert = book.get(handleOf(hash));
    if (alert !== undefined) {
      alert.facts['edges'] = count;
      book.add(alert, flow, { severity, peer: group.edge }, out);
      return;
    }
    book.open(
      handleOf(hash),
      flow,
      {
        key,
        about: 'source',
        entity: partyOf(flow.source),
        target: null,
        rule: 'Denied edges spread',
        severity,
        attack: [attacks.networkServiceDiscovery],
        query: `verdict : deny and ${sideQuery('source', flow.source)}`,
        facts: {
          kind: kinds.spread,
          edges: count,
          spreadEdges: options.spreadEdges,
          learning: 0,
          historyMs: eventMs(flow) - startMs,
        },
        peer: group.edge,
      },
      out,
    );
  }

  /** New edges of the flow's source within a window that begins with the first of them. */
  function countEdge(flow: Flow): number {
    hashText(`${flow.cluster}|${entityKey(flow.source)}`);
    const slot = sources.claim(hash);
    if (eventMs(flow) - sinceMs.at[slot]! > options.spreadWindowMs) {
      sinceMs.at[slot] = eventMs(flow);
      edges.at[slot] = 0;
    }
    return (edges.at[slot] = edges.at[slot]! + 1);
  }

  function hashText(text: string): void {
    startHash(hash);
    addText(hash, text);
    finishHash(hash);
  }

  function* sections(): Generator<readonly [string, Uint8Array]> {
    yield ['time', bytesOf(Float64Array.of(startMs, lastMs, scopeAlerts))];
    yield* existing.sections();
    yield* known.sections();
    yield* sources.sections();
    yield book.section();
    yield list.section();
  }

  return {
    key: 'endpoint',
    observe,
    advance: (watermarkMs) => passTime(watermarkMs) ?? NONE,
    snapshot: () => toChunks(NAME, STATE_VERSION, sections()),
    restore(chunks) {
      const saved = fromChunks(NAME, STATE_VERSION, chunks);
      [startMs = Number.NaN, lastMs = Number.NaN, scopeAlerts = 0] = readAs(
        Float64Array,
        saved.get('time') ?? new Uint8Array(0),
      );
      existing.restore(saved);
      known.restore(saved);
      sources.restore(saved);
      book.restore(saved);
      list.restore(saved);
    },
    learned(_cluster, fromMs, toMs) {
      startMs = Number.isNaN(startMs) ? fromMs : Math.min(startMs, fromMs);
      lastMs = Number.isNaN(lastMs) ? toMs : Math.max(lastMs, toMs);
    },
    status: (atMs = -Infinity) => ({
      state: !(lastMs > startMs + options.baselineMs)
        ? 'learning'
        : atMs - lastMs > options.baselineMs
          ? 'stale'
          : 'ready',
      keys: existing.size + known.size + sources.size,
    }),
  };
}

/**
 * A deny is a control that worked: info. Low when one of our workloads began something new; high when what is new
 * starts in or targets a compliance scope.
 */
function severityOf(flow: Flow, inScope: boolean, isNew: boolean): Severity {
  if (!isNew) return 'info';
  if (inScope) return 'high';
  return flow.source.kind === 'workload' ? 'low' : 'info';
}
