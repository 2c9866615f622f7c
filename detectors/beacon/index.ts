import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { createBaseline } from '../baseline.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKnownGood } from '../known-good/index.ts';
import { entityKey, isInventoried, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { portClass } from '../ports.ts';
import { inDifferentBlocks } from '../private-block.ts';
import { stateOf } from '../snapshot.ts';
import { createCallers } from '../callers.ts';
import { createCalls, HELD } from './calls.ts';
import { directionOf, directions, type Direction } from '../direction.ts';
import { attackOf, explain, isClear, severityOf } from './explain.ts';
import { isExact, isProbe, isStream, isTimer, judge, type Judgement } from './judge.ts';
import type { Options } from './options.ts';

const NAME = 'beacon';
const STATE_VERSION = 3;
const NONE: readonly Alert[] = [];
const TCP = 6;
const UDP = 17;
/** Least calls of one or more connections each. */
const MIN_CALLS = 10;
/** How long a connection that is told of in pieces is known as one. */
const CONNECTION_MS = 3_600_000;
/** Calls that come faster are told only when they go on for so long without a pause. */
const FAST_MS = 3_000;
const LOOP_MS = 180_000;
/** What a destination that many call costs a pair of its score, as in RITA v5, where strangers of the internet are who calls. */
const PREVALENT_MALUS = 0.15;

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
  const calls = createCalls(options, maxKeys, () => evicted(1));
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
    // Port 0 of a protocol that is not told is no port: pings and tunnels of origins that call them IP.
    const { protocol } = flow;
    if (protocol === null ? port === 0 : protocol !== TCP && protocol !== UDP) return out ?? NONE;
    const direction = directionOf(flow, isProxyPort);
    if (direction === directions.inbound) return out ?? NONE;
    const sources = meet(flow, direction);
    const isPrevalent = direction !== directions.proxy && sources >= options.prevalentSources;
    if (isPrevalent && !isExposed(flow)) return out ?? NONE;
    const outcome = contactOutcome(flow);
    // Of all that knocks at an exposed server, only who is let in is held.
    if (isPrevalent && outcome !== outcomes.answered) return out ?? NONE;
    const firstMs = calls.meet(pair, timeMs);
    const isNew =
      !isPrevalent && firstMs > timeMs - baseline.historyMs(flow.cluster, timeMs) + options.learnMs;
    if (direction === directions.inside && !isNew && !isAcross(flow)) return out ?? NONE;
    if (outcome === outcomes.none || (outcome === outcomes.failed && isVain(flow, direction)))
      return out ?? NONE;
    if (flow.unit !== 'connection' && isKnownConnection(flow)) return out ?? NONE;
    return called(flow, { direction, sources, knownMs: timeMs - firstMs, isNew, isPrevalent }, out);
  }

  /**
   * What fails inside is a retry; a server outside that is gone is still called. A datagram that nobody answers asks nobody: it
   * announces something to the network, or is a log line or a measurement on its way.
   */
  const isVain = ({ protocol }: Flow, direction: Direction): boolean =>
    direction === directions.inside || protocol === UDP;

  /**
   * A server of the internet that strangers call: how many they are says little of one that calls it for days. Who
   * tries to log in is told by `brute_force`.
   */
  const isExposed = ({ source, destination }: Flow): boolean =>
    source.kind === 'public' && destination.kind === 'public' && portClass(destination.port ?? 0) !== 'admin';

  /** Where no inventory says who is ours, a private network of another block is as good as outside. */
  const isAcross = ({ source, destination }: Flow): boolean =>
    !isInventoried(source) && !isInventoried(destination) && inDifferentBlocks(source.ip, destination.ip);

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
    /** Many call the destination: it takes a higher score, and as many calls as are held. */
    readonly isPrevalent: boolean;
  }

  function called(flow: Flow, about: Called, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    const startMs = Math.min(flow.startMs, timeMs);
    const isDue = calls.add(pair, {
      startMs,
      timeMs,
      durationMs: flow.unit === 'connection' ? timeMs - startMs : 0,
      sentBytes: flow.sourceBytes ?? 0,
      receivedBytes: flow.destinationBytes ?? 0,
    });
    const alert = book.get(handleOf(pair));
    if (alert !== undefined) {
      alert.facts['callers'] = about.sources;
      book.add(alert, flow, { severity: alert.severity }, (out ??= []));
      return out;
    }
    if (!isDue || about.knownMs < options.minSpanMs) return out ?? NONE;
    const found = judge(calls.held(pair));
    if (found === null || !isBeacon(found, about) || isLoop(found) || isKnownGood(flow)) return out ?? NONE;
    open(flow, found, about, (out ??= []));
    return out;
  }

  /** Who calls again as soon as it can, to fetch many things or to work off a queue, is even as long as that takes. */
  const isLoop = ({ intervalMs, covered }: Judgement): boolean =>
    intervalMs < FAST_MS && covered < options.minRegularity && calls.runMs(pair) < LOOP_MS;

  const scoreOf = (found: Judgement, { isNew, isPrevalent }: Called): number =>
    Math.min(1, found.score + (isNew ? options.newBonus : 0) - (isPrevalent ? PREVALENT_MALUS : 0));

  function isBeacon(found: Judgement, about: Called): boolean {
    if (found.connections < (about.isPrevalent ? HELD : options.minConnections) || found.calls < MIN_CALLS)
      return false;
    if (
      found.intervals < options.minRegularity ||
      scoreOf(found, about) < options.minScore ||
      isStream(found)
    )
      return false;
    // A job that asks one of several servers in turn is no news of any of them; one that sends and gets what differs has work to do.
    if (isTimer(found) && !about.isNew && !(isExact(found) && isClear(scoreOf(found, about)))) return false;
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
