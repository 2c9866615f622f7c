import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { createBaseline } from '../baseline.ts';
import { createCallers } from '../callers.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { directionOf, directions, type Direction } from '../direction.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKnownGood } from '../known-good/index.ts';
import type { OpenAlert } from '../open-alert.ts';
import { entityKey, partyOf } from '../party.ts';
import { portClass } from '../ports.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { attackOf, explain, severityOf } from './explain.ts';
import type { Options } from './options.ts';
import { createPieces, type Lasted } from './pieces.ts';
import { createUsual } from './usual.ts';

const NAME = 'long_connection';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const TCP = 6;
const UDP = 17;
const PROXY = 1;
const LEFT_OUT = 2;

/** Finds connections that last for hours: out of the cluster, or to an administration port inside it. */
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
    createLongConnection(options, context, { marks, isKnownGood: (flow) => knownGood(flow) !== null });
}

function createLongConnection(
  options: Options,
  context: DetectorContext,
  { marks, isKnownGood }: { marks: Uint8Array; isKnownGood: (flow: Flow) => boolean },
): Detector {
  const { evicted, maxKeys } = context;
  const evict = (): void => evicted(1);
  const baseline = createBaseline('long', options.learnMs);
  const callers = createCallers(options.prevalentSources, { maxKeys, evicted });
  const pieces = createPieces(options.joinMs, maxKeys, evict);
  const usual = createUsual(options.usualConnections, maxKeys, evict);
  const book = createAlertBook({
    name: 'edges',
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
  const edge = newHash();
  const connection = newHash();

  function observe(flow: Flow): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    baseline.pass(flow.cluster, timeMs);
    const { port } = flow.destination;
    // One packet has no duration, and what was denied lasts for none.
    if (
      port === null ||
      marks[port] === LEFT_OUT ||
      !flow.counted ||
      flow.unit === 'packet' ||
      flow.verdict === 'deny'
    )
      return out ?? NONE;
    if (flow.protocol !== TCP && flow.protocol !== UDP && flow.protocol !== null) return out ?? NONE;
    const direction = directionOf(flow, isProxyPort);
    if (direction === directions.inbound) return out ?? NONE;
    if (direction === directions.inside && portClass(port) !== 'admin') return out ?? NONE;
    if (meet(flow) >= options.prevalentSources && direction === directions.outside) return out ?? NONE;
    const lasted = lastedOf(flow, timeMs);
    if (lasted.durationMs < options.stepsMs[0]) return out ?? NONE;
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.none || outcome === outcomes.failed) return out ?? NONE;
    return long(flow, direction, lasted, out);
  }

  /** Hashes who is who, and counts who calls the destination. */
  function meet({ cluster, source, destination, protocol }: Flow): number {
    startHash(to);
    addText(to, cluster);
    addText(to, entityKey(destination));
    startHash(from);
    addText(from, entityKey(source));
    edge.hi = to.hi;
    edge.lo = to.lo;
    addText(edge, entityKey(source));
    addNumber(edge, destination.port! | ((protocol ?? 0xff) << 16));
    finishHash(to);
    finishHash(from);
    finishHash(edge);
    return callers.add(to, from);
  }

  function lastedOf(flow: Flow, timeMs: number): Lasted {
    const startMs = Math.min(flow.startMs, timeMs);
    if (flow.unit === 'connection') return { durationMs: timeMs - startMs, beforeMs: 0 };
    connection.hi = edge.hi;
    connection.lo = edge.lo;
    addText(connection, flow.source.ip ?? '');
    addNumber(connection, flow.source.port ?? 0);
    finishHash(connection);
    return pieces.add(connection, startMs, timeMs);
  }

  const stepsOf = (durationMs: number): number => options.stepsMs.filter((step) => durationMs >= step).length;

  function long(flow: Flow, direction: Direction, lasted: Lasted, out: Alert[] | null): readonly Alert[] {
    const { durationMs, beforeMs } = lasted;
    const steps = stepsOf(durationMs);
    const before = usual.of(edge);
    // Of a connection told in pieces, each step is learned once.
    if (steps > stepsOf(beforeMs)) usual.add(edge, durationMs, stepsOf(beforeMs) === 0);
    // What was open before there was anything to compare with stays so: the second day does not begin with a flood.
    const isLearning = baseline.isLearning(flow.cluster, eventMs(flow) - durationMs);
    const severity = severityOf(steps, isLearning);
    const alert = book.get(handleOf(edge));
    if (alert !== undefined) {
      follow(alert, flow, durationMs);
      book.add(alert, flow, { severity }, (out ??= []));
      return out;
    }
    if (direction === directions.inside && isLearning) return out ?? NONE;
    // With nothing to compare, only what would notify somebody is told, and as info: an hour is nothing rare.
    const leastMs = options.stepsMs[isLearning ? 1 : 0];
    const thresholdMs = Math.max(leastMs, (before.p99Ms ?? 0) * options.usualFactor);
    if (durationMs < thresholdMs || isKnownGood(flow)) return out ?? NONE;
    const { source, destination } = flow;
    book.open(
      handleOf(edge),
      flow,
      {
        key: `${flow.cluster} ${entityKey(source)} ${entityKey(destination)} ${destination.port}`,
        about: 'source',
        entity: partyOf(source),
        target: partyOf(destination),
        rule: 'Long connection',
        severity,
        attack: attackOf(flow, direction),
        query: `${sideQuery('source', source)} and ${sideQuery('destination', destination)} and destination.port : ${destination.port}`,
        facts: {
          durationMs,
          thresholdMs,
          usualMs: before.p99Ms ?? 0,
          earlier: before.connections,
          port: destination.port!,
          callers: callers.add(to, from),
          prevalentSources: options.prevalentSources,
          sentBytes: flow.sourceBytes ?? 0,
          receivedBytes: flow.destinationBytes ?? 0,
          isInside: direction === directions.inside ? 1 : 0,
          isLearning: isLearning ? 1 : 0,
          historyMs: baseline.historyMs(flow.cluster, eventMs(flow)),
        },
      },
      (out ??= []),
    );
    return out;
  }

  /** One more record of a long connection whose alert is open. */
  function follow({ facts }: OpenAlert, flow: Flow, durationMs: number): void {
    facts['durationMs'] = Math.max(facts['durationMs'] ?? 0, durationMs);
    facts['sentBytes'] = (facts['sentBytes'] ?? 0) + (flow.sourceBytes ?? 0);
    facts['receivedBytes'] = (facts['receivedBytes'] ?? 0) + (flow.destinationBytes ?? 0);
  }

  return {
    key: 'destination',
    observe: (flow, role) => (role === 'destination' ? observe(flow) : NONE),
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [baseline, callers, pieces, usual, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({
      state: baseline.state(atMs),
      keys: callers.size + pieces.size + usual.size,
    }),
  };
}
