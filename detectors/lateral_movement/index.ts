import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { isExchange } from '../exchange.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash, type Hash } from '../hash.ts';
import { createKnownGood } from '../known-good/index.ts';
import { createLearning, type LearningState } from '../learning.ts';
import { addDistinct, type Facts } from '../open-alert.ts';
import { entityKey, nameOf, partyOf } from '../party.ts';
import { portClass } from '../ports.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { createShortMemory } from '../short-memory.ts';
import { stateOf } from '../snapshot.ts';
import { attackOf, explain, severityOf } from './explain.ts';
import type { Options } from './options.ts';
import { createSeekers } from './seekers.ts';
import { newWindow, type FanWindow, type Reached } from './memory.ts';

const NAME = 'lateral_movement';
const STATE_VERSION = 2;
const NONE: readonly Alert[] = [];
const MAX_CLUSTERS = 256;

/**
 * Finds who moves from one workload to the next: new destinations on admin and data ports, a new edge after a scan, and who
 * was reached and reaches on. The copies of both sides meet in the lane of the one in the middle.
 */
export function create(options: Options): DetectorFactory {
  const knownGood = createKnownGood(['probe', 'kubelet', 'controller', 'monitoring', 'cni']);
  return (context) => createLateralMovement(options, context, (flow) => knownGood(flow) !== null);
}

function createLateralMovement(
  options: Options,
  context: DetectorContext,
  isKnownGood: (flow: Flow) => boolean,
): Detector {
  const { evicted, maxKeys } = context;
  const { windowMs } = options;
  const evict = (): void => evicted(1);
  /** Edges to admin or data ports, and in the lane of who is reached, edges over admin ports into it. */
  const edges = createRecentSet({ name: 'edges', maxKeys, keepMs: options.keepMs, evicted });
  const inbound = createRecentSet({ name: 'inbound', maxKeys, keepMs: options.keepMs, evicted });
  const seekers = createSeekers({ maxKeys, scanFailed: options.scanFailed, evicted });
  const learn = { learnMs: options.learnMs, saturateMs: options.saturateMs, saturateFlows: 50 };
  const clusters = createLearning({
    ...learn,
    name: 'cluster',
    maxKeys: MAX_CLUSTERS,
    staleMs: Number.POSITIVE_INFINITY,
    evict,
  });
  /** Sources by their flows to these ports alone. */
  const sources = createLearning({ ...learn, name: 'source', maxKeys, staleMs: options.staleMs, evict });
  const maxOpen = Math.min(maxKeys, MAX_OPEN_ALERTS);
  const reached = createShortMemory<Reached>({
    name: 'reached',
    keepMs: options.chainMs,
    max: maxOpen,
    evicted,
  });
  const windows = createShortMemory<FanWindow>({ name: 'fan', keepMs: windowMs, max: maxOpen, evicted });
  const book = createAlertBook({
    name: 'moves',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen,
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const own = newHash();
  const pair = newHash();
  const cluster = newHash();
  let clusterName: string | null = null;

  function observe(flow: Flow, role: Role): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    const { port } = flow.destination;
    if (port === null) return out ?? NONE;
    const kind = portClass(port);
    const isMine = kind === 'admin' || kind === 'data';
    if (role === 'destination') {
      if (kind === 'admin') meetInbound(flow, timeMs);
      return out ?? NONE;
    }
    if (flow.source.kind === 'public') return out ?? NONE;
    const slot = clusterSlot(flow.cluster, timeMs);
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.failed) countFailure(flow, timeMs);
    else if (isMine && outcome !== outcomes.none && flow.destination.kind !== 'public') {
      return connected(flow, slot, out);
    }
    return out ?? NONE;
  }

  /** Names are the same text from flow to flow, so they are hashed once. */
  function hashCluster(name: string): void {
    if (name === clusterName) return;
    clusterName = name;
    startHash(cluster);
    addText(cluster, name);
    finishHash(cluster);
  }

  /** The learning of the flow's cluster. */
  function clusterSlot(name: string, timeMs: number): number {
    hashCluster(name);
    return clusters.meet(cluster, timeMs);
  }

  /** In the lane of who is reached: remembers who came over an admin port for the first time. */
  function meetInbound(flow: Flow, timeMs: number): void {
    hashPair(flow, 'in', 0);
    if (inbound.meet(pair, timeMs)) return;
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.none || outcome === outcomes.failed || !isExchange(flow)) return;
    inbound.add(pair, timeMs);
    if (isKnownGood(flow)) return;
    hashEntity(own, flow.cluster, entityKey(flow.destination));
    reached.set(handleOf(own), {
      sinceMs: timeMs,
      by: entityKey(flow.source),
      byName: nameOf(flow.source),
      byTenant: flow.source.tenant,
      byPublic: flow.source.kind === 'public',
      port: flow.destination.port!,
    });
  }

  function countFailure(flow: Flow, timeMs: number): void {
    hashPair(flow, 'failed', flow.destination.port!);
    if (seekers.isKnown(pair, timeMs)) return;
    hashEntity(own, flow.cluster, entityKey(flow.source));
    seekers.fail(own, pair, timeMs);
  }

  /** An answered flow to an admin or data port inside. */
  function connected(flow: Flow, clusterAt: number, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    const isAdmin = portClass(flow.destination.port!) === 'admin';
    hashEntity(own, flow.cluster, entityKey(flow.source));
    const slot = sources.meet(own, timeMs);
    hashPair(flow, 'out', isAdmin ? 1 : 2);
    if (edges.meet(pair, timeMs)) return out ?? NONE;
    if (!isExchange(flow)) return out ?? NONE;
    edges.add(pair, timeMs);
    const byCluster = clusters.meetNew(clusterAt, timeMs);
    const bySource = sources.meetNew(slot, timeMs);
    if (isKnownGood(flow)) return out ?? NONE;
    const state = isAdmin ? byCluster : bySource;
    const found: Found = {
      state,
      fan: state === 'learning' ? newWindow(timeMs) : countFan(flow, isAdmin),
      scan: scanBefore(state, isAdmin, timeMs),
      chain: isAdmin && state !== 'learning' ? chainOf(flow, timeMs) : undefined,
      historyMs: isAdmin ? clusters.ageMs(clusterAt, timeMs) : sources.ageMs(slot, timeMs),
    };
    return judge(flow, found, out);
  }

  /** New destinations of the source within a window that begins with the first of them. */
  function countFan(flow: Flow, isAdmin: boolean): FanWindow {
    const timeMs = eventMs(flow);
    const handle = handleOf(own);
    const window = windows.get(handle, timeMs) ?? windows.set(handle, newWindow(timeMs));
    window.count++;
    if (isAdmin) window.admin++;
    addDistinct(window.names, nameOf(flow.destination));
    if (flow.destination.tenant !== null) addDistinct(window.tenants, flow.destination.tenant);
    addDistinct(window.ports, flow.destination.port!);
    return window;
  }

  /** Failures of the source's scan within the window; 0 when there was none. Before learning has ended it takes more. */
  function scanBefore(state: LearningState, isAdmin: boolean, timeMs: number): number {
    if (state === 'learning' && !isAdmin) return 0;
    const count = seekers.scanned(own, timeMs, windowMs);
    return count >= options.scanFailed * (state === 'ready' ? 1 : 2) ? count : 0;
  }

  /** Who reached the source before, unless it only answers. */
  function chainOf(flow: Flow, timeMs: number): Reached | undefined {
    const before = reached.get(handleOf(own), timeMs);
    return before !== undefined && before.by !== entityKey(flow.destination) ? before : undefined;
  }

  function judge(flow: Flow, found: Found, out: Alert[] | null): readonly Alert[] {
    const { chain, fan, scan } = found;
    const fanOut = options.fanOut * (found.state === 'ready' ? 1 : 2);
    const alert = book.get(handleOf(own));
    if (alert === undefined && fan.count < fanOut && scan === 0 && chain === undefined) return out ?? NONE;
    const facts: Facts = alert?.facts ?? {
      fanOut,
      windowMs,
      afterScan: 0,
      chain: 0,
      early: found.state === 'ready' ? 0 : 1,
      historyMs: found.historyMs,
    };
    facts['fan'] = Math.max(facts['fan'] ?? 0, fan.count);
    facts['admin'] = Math.max(
      facts['admin'] ?? 0,
      fan.admin,
      portClass(flow.destination.port!) === 'admin' ? 1 : 0,
    );
    if (scan > 0) {
      facts['afterScan'] = (facts['afterScan'] ?? 0) + 1;
      facts['scanFailed'] = Math.max(facts['scanFailed'] ?? 0, scan);
    }
    if (chain !== undefined) addChain(facts, chain, flow, alert === undefined);
    const inScope = flow.source.scopes.length > 0 || flow.destination.scopes.length > 0;
    const severity = severityOf(facts, inScope);
    out ??= [];
    if (alert !== undefined) {
      if (alert.target !== null && alert.target.key !== entityKey(flow.destination)) alert.target = null;
      if (scan > 0) alert.attack = attackOf(true);
      book.add(alert, flow, { severity, peer: nameOf(flow.destination) }, out);
      return out;
    }
    book.open(
      handleOf(own),
      flow,
      {
        key: `${flow.cluster} ${entityKey(flow.source)}`,
        about: 'source',
        entity: partyOf(flow.source),
        target: fan.count > 1 ? null : partyOf(flow.destination),
        rule: 'Lateral movement',
        severity,
        attack: attackOf(scan > 0),
        query: sideQuery('source', flow.source),
        earlier: {
          count: Math.max(0, fan.count - 1),
          firstMs: chain?.sinceMs ?? fan.sinceMs,
          ports: fan.ports,
          peers: chain === undefined ? fan.names : [chain.byName, ...fan.names],
          tenants:
            chain === undefined || chain.byTenant === null ? fan.tenants : [chain.byTenant, ...fan.tenants],
        },
        facts,
        peer: nameOf(flow.destination),
      },
      out,
    );
    return out;
  }

  function addChain(facts: Facts, chain: Reached, flow: Flow, first: boolean): void {
    if (facts['chain'] === 0) {
      facts['chainFirst'] = first ? 1 : 0;
      facts['reachedPort'] = chain.port;
      facts['chainPort'] = flow.destination.port!;
      facts['chainAfterMs'] = Math.max(0, eventMs(flow) - chain.sinceMs);
      facts['fromPublic'] = chain.byPublic ? 1 : 0;
    }
    facts['chain'] = (facts['chain'] ?? 0) + 1;
  }

  function hashPair(flow: Flow, what: string, number: number): void {
    startHash(pair);
    addText(pair, flow.cluster);
    addText(pair, what);
    addText(pair, entityKey(flow.source));
    addText(pair, entityKey(flow.destination));
    addNumber(pair, number);
    finishHash(pair);
  }

  return {
    key: 'endpoint',
    observe,
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [edges, inbound, clusters, sources, seekers, reached, windows, book]),
    learned(name, fromMs, toMs) {
      hashCluster(name);
      clusters.learned(cluster, fromMs, toMs);
    },
    status: (atMs) => ({
      state: clusters.state(atMs),
      keys: edges.size + inbound.size + sources.table.size + seekers.size,
    }),
  };
}

/** What one new edge adds up to. */
interface Found {
  readonly state: LearningState;
  readonly fan: FanWindow;
  readonly scan: number;
  readonly chain: Reached | undefined;
  readonly historyMs: number;
}

function hashEntity(hash: Hash, cluster: string, key: string): void {
  startHash(hash);
  addText(hash, cluster);
  addText(hash, key);
  finishHash(hash);
}
