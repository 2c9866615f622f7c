import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKnownGood } from '../known-good/index.ts';
import { bytesOf, readAs } from '../key-table.ts';
import { createLearning } from '../learning.ts';
import { addDistinct, type OpenAlert } from '../open-alert.ts';
import { entityKey, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { createShortMemory } from '../short-memory.ts';
import { fromChunks, toChunks } from '../snapshot.ts';
import { explain, severityOf, withAttack } from './explain.ts';
import type { Options } from './options.ts';
import { newPending, type Pending } from './pending.ts';
import { edgeName, edgePort, edgeTo, weigh } from './weigh.ts';

const NAME = 'new_edge';
const STATE_VERSION = 2;
const NONE: readonly Alert[] = [];
/** Half of what a source usually adds is forgotten in a day. */
const HALF_LIFE_MS = 86_400_000;
const MEAN_LIFE_MS = HALF_LIFE_MS / Math.LN2;
const PENDING_PORTS = 20;
/** Names kept of a window, besides its count. */
const PENDING_EDGES = 20;

/** Finds sources that talk to whom they never talked before: weighed, and gathered in one alert a source. */
export function create(options: Options): DetectorFactory {
  const knownGood = createKnownGood(['probe', 'kubelet', 'dns', 'controller', 'monitoring', 'cni', 'cloud']);
  return (context) => createNewEdge(options, context, (flow) => knownGood(flow) !== null);
}

function createNewEdge(
  options: Options,
  context: DetectorContext,
  isKnownGood: (flow: Flow) => boolean,
): Detector {
  const { evicted, maxKeys } = context;
  const edges = createRecentSet({ name: 'edges', maxKeys, keepMs: options.keepMs, evicted });
  const sources = createLearning({ ...options, name: 'source', maxKeys, evict: () => evicted(1) });
  /** Weight of new edges with half of it forgotten in a day, as of `usualMs`. */
  const usual = sources.table.column('usual', Float64Array);
  const usualMs = sources.table.column('usualMs', Float64Array);
  const maxOpen = Math.min(maxKeys, MAX_OPEN_ALERTS);
  const pending = createShortMemory<Pending>({
    name: 'pending',
    keepMs: options.windowMs,
    max: maxOpen,
    evicted,
  });
  const book = createAlertBook({
    name: 'edges',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen,
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const source = newHash();
  const edge = newHash();
  /** Event time of the first and the last flow of the lane, for `status`. */
  let sinceMs = Number.NaN;
  let lastMs = Number.NaN;

  function observe(flow: Flow): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    if (Number.isNaN(sinceMs)) sinceMs = timeMs;
    lastMs = timeMs;
    // What comes in from the internet is new every day; without a port there is no service.
    if (flow.source.kind === 'public' || flow.destination.port === null) return out ?? NONE;
    startHash(source);
    addText(source, flow.cluster);
    addText(source, entityKey(flow.source));
    edge.hi = source.hi;
    edge.lo = source.lo;
    finishHash(source);
    addText(edge, edgeTo(flow.destination));
    addNumber(edge, edgePort(flow) | ((flow.protocol ?? 0xff) << 16));
    finishHash(edge);
    const slot = sources.meet(source, timeMs);
    if (edges.meet(edge, timeMs)) return out ?? NONE;
    // What never came about is no edge; it may still become one.
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.none || outcome === outcomes.failed) return out ?? NONE;
    edges.add(edge, timeMs);
    return met(flow, slot, out);
  }

  function met(flow: Flow, slot: number, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    const state = sources.meetNew(slot, timeMs);
    const weight = weigh(flow);
    const expected = usualUntil(slot, timeMs);
    usual.at[slot] = expected + weight;
    usualMs.at[slot] = timeMs;
    if (state === 'learning' || isKnownGood(flow)) return out ?? NONE;
    const early = state === 'saturated';
    const handle = handleOf(source);
    const alert = book.get(handle);
    if (alert !== undefined) {
      follow(alert, flow, weight, (out ??= []));
      return out;
    }
    const window =
      pending.get(handle, timeMs) ??
      pending.set(handle, newPending(timeMs, (expected / MEAN_LIFE_MS) * options.windowMs));
    window.weight += weight;
    window.attack = withAttack(window.attack, flow);
    window.entersScope ||= entersScope(flow);
    const threshold =
      (options.minWeight + options.expectedFactor * window.expected) * (early ? options.earlyFactor : 1);
    if (window.weight >= threshold) {
      open(flow, window, { threshold, early, ageMs: sources.ageMs(slot, timeMs) }, (out ??= []));
      pending.delete(handle);
      return out;
    }
    window.count++;
    if (window.edges.length < PENDING_EDGES) window.edges.push(edgeName(flow));
    for (const { tenant } of [flow.source, flow.destination])
      if (tenant !== null) addDistinct(window.tenants, tenant);
    if (window.ports.length < PENDING_PORTS) addDistinct(window.ports, flow.destination.port!);
    return out ?? NONE;
  }

  /** What is left of the weight of earlier new edges. */
  function usualUntil(slot: number, timeMs: number): number {
    const agoMs = Math.max(0, timeMs - usualMs.at[slot]!);
    return usual.at[slot]! * 2 ** (-agoMs / HALF_LIFE_MS);
  }

  function open(
    flow: Flow,
    window: Pending,
    found: { threshold: number; early: boolean; ageMs: number },
    out: Alert[],
  ): void {
    const { weight } = window;
    book.open(
      handleOf(source),
      flow,
      {
        key: `${flow.cluster} ${entityKey(flow.source)}`,
        about: 'source',
        entity: partyOf(flow.source),
        target: window.count === 0 ? partyOf(flow.destination) : null,
        rule: 'New edges',
        severity: severityOf({ ...found, weight, entersScope: window.entersScope }),
        attack: window.attack,
        query: sideQuery('source', flow.source),
        ...(window.count === 0
          ? {}
          : {
              earlier: {
                count: window.count,
                firstMs: window.sinceMs,
                ports: window.ports,
                peers: window.edges,
                tenants: window.tenants,
              },
            }),
        facts: {
          weight,
          threshold: found.threshold,
          expected: window.expected,
          edges: window.count + 1,
          early: found.early ? 1 : 0,
          ageMs: found.ageMs,
          learnMs: options.learnMs,
          entersScope: window.entersScope ? 1 : 0,
        },
        peer: edgeName(flow),
      },
      out,
    );
  }

  /** One more new edge of a source whose alert is open. */
  function follow(alert: OpenAlert, flow: Flow, weight: number, out: Alert[]): void {
    const { facts } = alert;
    facts['weight'] = (facts['weight'] ?? 0) + weight;
    facts['edges'] = (facts['edges'] ?? 0) + 1;
    if (entersScope(flow)) facts['entersScope'] = 1;
    if (alert.target !== null) alert.target = null;
    alert.attack = withAttack(alert.attack, flow);
    const severity = severityOf({
      weight: facts['weight'],
      threshold: facts['threshold'] ?? 1,
      entersScope: facts['entersScope'] === 1,
      early: facts['early'] === 1,
    });
    book.add(alert, flow, { severity, peer: edgeName(flow) }, out);
  }

  function* sections(): Generator<readonly [string, Uint8Array]> {
    yield ['time', bytesOf(Float64Array.of(sinceMs, lastMs))];
    yield* edges.sections();
    yield* sources.sections();
    yield pending.section();
    yield book.section();
  }

  return {
    key: 'source',
    observe: (flow, role) => (role === 'source' ? observe(flow) : NONE),
    advance: book.advance,
    snapshot: () => toChunks(NAME, STATE_VERSION, sections()),
    restore(chunks) {
      const saved = fromChunks(NAME, STATE_VERSION, chunks);
      [sinceMs = Number.NaN, lastMs = Number.NaN] = readAs(
        Float64Array,
        saved.get('time') ?? new Uint8Array(0),
      );
      edges.restore(saved);
      sources.restore(saved);
      pending.restore(saved);
      book.restore(saved);
    },
    // A source learns by itself, from its first flow on; this is for `status` alone.
    learned(_cluster, fromMs, toMs) {
      sinceMs = Number.isNaN(sinceMs) ? fromMs : Math.min(sinceMs, fromMs);
      lastMs = Number.isNaN(lastMs) ? toMs : Math.max(lastMs, toMs);
    },
    status: (atMs = -Infinity) => ({
      state: !(sources.ready > 0 || lastMs - sinceMs >= options.learnMs)
        ? 'learning'
        : atMs - lastMs > options.staleMs
          ? 'stale'
          : 'ready',
      keys: edges.size + sources.table.size,
    }),
  };
}

const entersScope = (flow: Flow): boolean =>
  flow.destination.scopes.some((scope) => !flow.source.scopes.includes(scope));
