import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { createBaseline } from '../baseline.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKnownGood } from '../known-good/index.ts';
import type { Facts } from '../open-alert.ts';
import { entityKey, partyOf, placeOf } from '../party.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { attackOf, explain, rules, severityOf, type Rule } from './explain.ts';
import type { Options } from './options.ts';
import { createPairs, type Pair } from './pairs.ts';
import { createSenders, type Rise, type Sent } from './senders.ts';
import { transferOf, type Transfer } from './transfer.ts';

const NAME = 'exfiltration';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const codes: Readonly<Record<Rule, number>> = { spike: 1, fresh: 2, slow: 3 };
type Side = 'source' | 'destination';

/** What one rule found; `bytes` against `threshold`. */
interface Found {
  readonly rule: Rule;
  readonly bytes: number;
  readonly threshold: number;
  readonly usualBytes: number | null;
  readonly receivedBytes: number;
  readonly flows: number;
  readonly firstMs: number;
  readonly isLearning: boolean;
  readonly more?: Facts;
}

/** Finds who sends much to the outside: against its own history, to a new destination, or more from hour to hour. */
export function create(options: Options): DetectorFactory {
  const proxies = new Uint8Array(65_536);
  for (const port of options.proxyPorts) proxies[port] = 1;
  const knownGood = createKnownGood(['controller', 'monitoring', 'cloud', 'delivery']);
  return (context) =>
    createExfiltration(options, context, {
      isProxyPort: (port) => proxies[port] === 1,
      isKnownGood: (flow) => knownGood(flow) !== null,
    });
}

function createExfiltration(
  options: Options,
  context: DetectorContext,
  {
    isProxyPort,
    isKnownGood,
  }: { readonly isProxyPort: (port: number) => boolean; readonly isKnownGood: (flow: Flow) => boolean },
): Detector {
  const { evicted, maxKeys } = context;
  const evict = (): void => evicted(1);
  const baseline = createBaseline('sent', options.learnMs);
  const senders = createSenders(maxKeys, evict);
  const pairs = createPairs(options.newMs, maxKeys, evict);
  const book = createAlertBook({
    name: 'transfers',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const sender = newHash();
  const pair = newHash();

  function observe(flow: Flow, role: Side): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    baseline.pass(flow.cluster, timeMs);
    if (!flow.counted || flow.verdict === 'deny') return out ?? NONE;
    const transfer = transferOf(flow, role, isProxyPort);
    if (transfer === null || contactOutcome(flow) === outcomes.failed) return out ?? NONE;
    hashSender(flow, transfer);
    const sent = senders.add(sender, transfer, timeMs);
    const isLearning = sent.ageMs < options.learnMs;
    const met = pairs.add(pair, transfer, timeMs, () => isNothingNew(sent, role, isLearning));
    if (role === 'destination' && met.isFirst) senders.countCaller(sent.slot);
    const found =
      spikeOf(sent, isLearning) ?? freshOf(met) ?? (sent.rise === null ? null : slowOf(sent.rise));
    return found === null ? (out ?? NONE) : tell(flow, role, { transfer, found, sent, out });
  }

  function hashSender({ cluster }: Flow, transfer: Transfer): void {
    startHash(sender);
    addText(sender, cluster);
    addText(sender, entityKey(transfer.sender));
    pair.hi = sender.hi;
    pair.lo = sender.lo;
    finishHash(sender);
    addText(pair, entityKey(transfer.peer));
    finishHash(pair);
  }

  /** Everybody is new to who is new itself; and callers are to who serves the public. */
  const isNothingNew = (sent: Sent, role: Side, isLearning: boolean): boolean =>
    isLearning || (role === 'destination' && senders.callers(sent.slot) >= options.publicPeers);

  function spikeOf(sent: Sent, isLearning: boolean): Found | null {
    if (sent.bytes < (isLearning ? options.bigBytes : options.spikeBytes)) return null;
    const usualBytes = isLearning ? null : senders.usualBytes(sender);
    const threshold =
      usualBytes === null ? options.bigBytes : Math.max(options.spikeBytes, options.spikeFactor * usualBytes);
    return sent.bytes < threshold ? null : { ...sent, rule: 'spike', threshold, usualBytes, isLearning };
  }

  function freshOf(met: Pair): Found | null {
    if (met.isKnown || met.sentBytes < options.newBytes) return null;
    if (met.sentBytes < options.newRatio * met.receivedBytes) return null;
    const threshold = options.newBytes;
    return { ...met, rule: 'fresh', bytes: met.sentBytes, threshold, usualBytes: 0, isLearning: false };
  }

  function slowOf({ sum, excessBytes, sinceMs, usualBytes, hourBytes }: Rise): Found | null {
    if (sum < options.slowSum || excessBytes < options.slowBytes) return null;
    return {
      rule: 'slow',
      bytes: excessBytes,
      threshold: options.slowBytes,
      usualBytes,
      receivedBytes: 0,
      flows: 1,
      firstMs: sinceMs,
      isLearning: false,
      more: { sum, sumThreshold: options.slowSum, hourBytes },
    };
  }

  function tell(
    flow: Flow,
    role: Side,
    {
      transfer,
      found,
      sent,
      out,
    }: {
      readonly transfer: Transfer;
      readonly found: Found;
      readonly sent: Sent;
      readonly out: Alert[] | null;
    },
  ): readonly Alert[] {
    const timeMs = eventMs(flow);
    const learning = !found.isLearning
      ? null
      : baseline.isLearning(flow.cluster, timeMs)
        ? 'cluster'
        : 'sender';
    const severity = severityOf(found.rule, transfer.sender, {
      isBig: found.bytes >= options.bigBytes,
      learning,
    });
    pair.hi = sender.hi;
    pair.lo = sender.lo;
    addNumber(pair, codes[found.rule]);
    finishHash(pair);
    const handle = handleOf(pair);
    const alert = book.get(handle);
    if (alert === undefined && isKnownGood(flow)) return out ?? NONE;
    const alerts = out ?? [];
    const peer = role === 'source' ? placeOf(transfer.peer) : placeOf({ ...transfer.peer, port: null });
    if (found.rule === 'slow') senders.settle(sender);
    if (alert !== undefined) {
      alert.facts['bytes'] = Math.max(alert.facts['bytes'] ?? 0, found.bytes);
      alert.facts['receivedBytes'] = Math.max(alert.facts['receivedBytes'] ?? 0, found.receivedBytes);
      if (alert.target?.key !== entityKey(transfer.peer)) alert.target = null;
      book.add(alert, flow, { severity, peer }, alerts);
      return alerts;
    }
    book.open(
      handle,
      flow,
      {
        key: `${flow.cluster} ${entityKey(transfer.sender)} ${found.rule}`,
        about: role,
        entity: partyOf(transfer.sender),
        target: partyOf(transfer.peer),
        rule: rules[found.rule],
        severity,
        attack: attackOf(found.rule, flow),
        query: sideQuery(role, transfer.sender),
        peer,
        earlier: { count: found.flows - 1, firstMs: Math.min(found.firstMs, timeMs), ports: [] },
        facts: {
          bytes: found.bytes,
          threshold: found.threshold,
          ...(found.usualBytes === null ? {} : { usualBytes: found.usualBytes }),
          receivedBytes: found.receivedBytes,
          historyMs: sent.ageMs,
          isLearning: found.isLearning ? 1 : 0,
          ...(found.rule === 'slow' ? { riseMs: timeMs - found.firstMs } : {}),
          ...found.more,
        },
      },
      alerts,
    );
    return alerts;
  }

  return {
    key: 'endpoint',
    observe: (flow, role) => (role === 'rule' ? NONE : observe(flow, role)),
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [baseline, senders, pairs, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({
      state: baseline.state(atMs),
      keys: senders.size + pairs.size,
    }),
  };
}
