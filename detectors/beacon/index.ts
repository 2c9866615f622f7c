import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { createBaseline } from '../baseline.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKnownGood } from '../known-good/index.ts';
import { entityKey, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { createCallers } from '../callers.ts';
import { createCalls } from './calls.ts';
import { directionOf, directions, type Direction } from '../direction.ts';
import { attackOf, explain, severityOf } from './explain.ts';
import { isProbe, isTimer, judge, type Judgement } from './judge.ts';
import type { Options } from './options.ts';

const NAME = 'beacon';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const TCP = 6;
const UDP = 17;
/** Least calls of one or more connections each. */
const MIN_CALLS = 10;
/** How long a connection that is told of in pieces is known as one. */
const CONNECTION_MS = 3_600_000;

/** Finds who calls home: one source, one rare destination, at regular intervals. */
export function create(options: Options): DetectorFactory {
  const marks = new Uint8Array(65_536);
  for (const port of options.proxyPorts) marks[port] = PROXY;
  for (const port of options.leftOutPorts) marks[port] = LEFT_OUT;
  const knownGood = createKnownGood([
    'probe',
    'kubelet',
    'dns',
    'controller',
    'monitoring',
    'cni',
    'cloud',
    'delivery',
  ]);
  return (context) =>
    createBeacon(options, context, { marks, isKnownGood: (flow) => knownGood(flow) !== null });
}

const PROXY = 1;
const LEFT_OUT = 2;

function createBeacon(
  options: Options,
  context: DetectorContext,
  { marks, isKnownGood }: { marks: Uint8Array; isKnownGood: (flow: Flow) => boolean },
): Detector {
  const { evicted, maxKeys } = context;
  const baseline = createBaseline('beacon', options.learnMs);
  const connections = createRecentSet({ name: 'connections', maxKeys, keepMs: CONNECTION_MS, evicted });
  const callers = createCallers(options.prevalentSources, { maxKeys, evicted });
  const calls = createCalls(options.minConnections, maxKeys, () => evicted(1));
  const book = createAlertBook({
    name: 'pairs',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const isProxyPort = (port: number): boolean => marks[port] === PROXY;
  const to = newHash();
  const from = newHash();
  const pair = newHash();
  const connection = newHash();

  function observe(flow: Flow): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    baseline.pass(flow.cluster, timeMs);
    const { port } = flow.destination;
    if (port === null || marks[port] === LEFT_OUT || !flow.counted || flow.verdict === 'deny')
      return out ?? NONE;
    if (flow.protocol !== TCP && flow.protocol !== UDP && flow.protocol !== null) return out ?? NONE;
    const direction = directionOf(flow, isProxyPort);
    if (direction === directions.inbound) return out ?? NONE;
    const sources = meet(flow, direction);
    if (direction !== directions.proxy && sources >= options.prevalentSources) return out ?? NONE;
    const firstMs = calls.meet(pair, timeMs);
    const isNew = firstMs > timeMs - baseline.historyMs(flow.cluster, timeMs) + options.learnMs;
    if (direction === directions.inside && !isNew) return out ?? NONE;
    const outcome = contactOutcome(flow);
    // What fails inside is a retry; a server outside that is gone is still called.
    if (outcome === outcomes.none || (outcome === outcomes.failed && direction === directions.inside))
      return out ?? NONE;
    if (flow.unit !== 'connection' && isKnownConnection(flow)) return out ?? NONE;
    return called(flow, { direction, sources, knownMs: timeMs - firstMs, isNew }, out);
  }

  /** Hashes who is who, and counts who calls the destination: outside an address, inside one port of a neighbour. */
  function meet({ cluster, source, destination, protocol }: Flow, direction: Direction): number {
    startHash(to);
    addText(to, cluster);
    addText(to, entityKey(destination));
    startHash(from);
    addText(from, entityKey(source));
    pair.hi = to.hi;
    pair.lo = to.lo;
    addText(pair, entityKey(source));
    addNumber(pair, destination.port! | ((protocol ?? 0xff) << 16));
    if (direction === directions.inside) addNumber(to, destination.port!);
    finishHash(to);
    finishHash(from);
    finishHash(pair);
    return callers.add(to, from);
  }

  /** Whether an earlier piece of the same connection was seen. */
  function isKnownConnection(flow: Flow): boolean {
    connection.hi = pair.hi;
    connection.lo = pair.lo;
    addNumber(connection, flow.source.port ?? 0);
    finishHash(connection);
    return !connections.add(connection, eventMs(flow));
  }

  interface Called {
    readonly direction: Direction;
    readonly sources: number;
    readonly knownMs: number;
    readonly isNew: boolean;
  }

  function called(flow: Flow, about: Called, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    const isDue = calls.add(pair, {
      startMs: Math.min(flow.startMs, timeMs),
      timeMs,
      bytes: flow.sourceBytes ?? 0,
    });
    const alert = book.get(handleOf(pair));
    if (alert !== undefined) {
      alert.facts['callers'] = about.sources;
      book.add(alert, flow, { severity: alert.severity }, (out ??= []));
      return out;
    }
    if (!isDue) return out ?? NONE;
    const { startsMs, sizes } = calls.held(pair);
    const found = judge(startsMs, sizes);
    if (found === null || !isBeacon(found, about) || isKnownGood(flow)) return out ?? NONE;
    open(flow, found, about, (out ??= []));
    return out;
  }

  const scoreOf = (found: Judgement, { isNew }: Called): number =>
    Math.min(1, found.score + (isNew ? options.newBonus : 0));

  function isBeacon(found: Judgement, about: Called): boolean {
    if (
      found.connections < options.minConnections ||
      found.calls < MIN_CALLS ||
      about.knownMs < options.minSpanMs
    )
      return false;
    if (found.intervals < options.minRegularity || scoreOf(found, about) < options.minScore) return false;
    return about.direction !== directions.inside || !isProbe(found);
  }

  function open(flow: Flow, found: Judgement, about: Called, out: Alert[]): void {
    const { source, destination } = flow;
    const score = scoreOf(found, about);
    const timer = isTimer(found);
    book.open(
      handleOf(pair),
      flow,
      {
        key: `${flow.cluster} ${entityKey(source)} ${entityKey(destination)} ${destination.port}`,
        about: 'source',
        entity: partyOf(source),
        target: partyOf(destination),
        rule: 'Beacon',
        severity: severityOf({ score, isNew: about.isNew, isTimer: timer }),
        attack: attackOf(flow),
        query: `${sideQuery('source', source)} and ${sideQuery('destination', destination)} and destination.port : ${destination.port}`,
        earlier: { count: found.connections - 1, firstMs: eventMs(flow) - found.spanMs, ports: [] },
        facts: {
          score,
          threshold: options.minScore,
          minRegularity: options.minRegularity,
          intervals: found.intervals,
          sizes: found.sizes,
          histogram: found.histogram,
          duration: found.duration,
          intervalMs: found.intervalMs,
          deviationMs: found.deviationMs,
          connections: found.connections,
          spanMs: found.spanMs,
          port: destination.port!,
          callers: about.sources,
          prevalentSources: options.prevalentSources,
          isNew: about.isNew ? 1 : 0,
          isTimer: timer ? 1 : 0,
          isProxy: about.direction === directions.proxy ? 1 : 0,
          knownMs: about.knownMs,
        },
      },
      out,
    );
  }

  return {
    key: 'destination',
    observe: (flow, role) => (role === 'destination' ? observe(flow) : NONE),
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [baseline, connections, callers, calls, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    // Egress is judged from the first day on; only what is new inside waits for the baseline.
    status: (atMs) => ({
      state: baseline.state(atMs),
      keys: connections.size + callers.size + calls.size,
    }),
  };
}
