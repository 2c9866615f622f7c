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
import { stateOf } from '../snapshot.ts';
import { attackOf, bypassSeverity, explain, kinds, tunnelSeverity } from './explain.ts';
import type { Options } from './options.ts';
import { createRates, type Minute } from './rates.ts';

const NAME = 'dns_abuse';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const DNS = 53;
const DNS_OVER_TLS = 853;
const MINUTE_MS = 60_000;
/** How long a pair is known to be the cluster's resolver and its upstream: asking the queries for each flow would cost more than all else. */
const UPSTREAM_MS = 3_600_000;

/** Finds what is too much for names, and workloads that go past the resolver of the cluster. From flows alone: no name is seen. */
export function create(options: Options): DetectorFactory {
  const knownGood = createKnownGood(['dns']);
  return (context) => createDnsAbuse(options, context, (flow) => knownGood(flow) !== null);
}

function createDnsAbuse(
  options: Options,
  context: DetectorContext,
  isClusterDns: (flow: Flow) => boolean,
): Detector {
  const { evicted, maxKeys } = context;
  const baseline = createBaseline('dns', options.learnMs);
  const rates = createRates(options.learnMs, maxKeys, () => evicted(1));
  const upstream = createRecentSet({ name: 'upstream', maxKeys, keepMs: UPSTREAM_MS, evicted });
  const book = createAlertBook({
    name: 'resolvers',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const source = newHash();
  const pair = newHash();

  function observe(flow: Flow): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    baseline.pass(flow.cluster, timeMs);
    const { port } = flow.destination;
    if (port !== DNS && port !== DNS_OVER_TLS) return out ?? NONE;
    // What comes in from the internet is a flood or a scan; what was denied or failed carried nothing.
    if (flow.source.kind === 'public' || !flow.counted || flow.verdict === 'deny') return out ?? NONE;
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.none || outcome === outcomes.failed) return out ?? NONE;
    startHash(source);
    addText(source, flow.cluster);
    addText(source, entityKey(flow.source));
    pair.hi = source.hi;
    pair.lo = source.lo;
    addText(pair, entityKey(flow.destination));
    finishHash(pair);
    addNumber(source, kinds.bypass);
    finishHash(source);
    const minute = rates.add(pair, flow, timeMs);
    out = tunnel(flow, minute, out);
    return (isBypass(flow) ? bypass(flow, minute, out) : out) ?? NONE;
  }

  function tunnel(flow: Flow, minute: Minute, out: Alert[] | null): Alert[] | null {
    const isKnown = minute.ageMs >= options.learnMs;
    const bytesThreshold = Math.max(
      options.bytesPerMinute,
      isKnown ? options.usualFactor * minute.peakBytes : 0,
    );
    const queriesThreshold = Math.max(
      options.queriesPerMinute,
      isKnown ? options.usualFactor * minute.peakQueries : 0,
    );
    if (minute.bytes <= bytesThreshold && minute.queries <= queriesThreshold) return out;
    const timeMs = eventMs(flow);
    const at = Math.floor(timeMs / MINUTE_MS);
    const alert = book.get(handleOf(pair));
    if (alert !== undefined) {
      const { facts } = alert;
      if (facts['minute'] !== at) facts['minutes'] = (facts['minutes'] ?? 1) + 1;
      facts['minute'] = at;
      facts['bytes'] = Math.max(facts['bytes'] ?? 0, minute.bytes);
      facts['queries'] = Math.max(facts['queries'] ?? 0, minute.queries);
      book.add(alert, flow, { severity: tunnelSeverity(flow, facts) }, (out ??= []));
      return out;
    }
    if (isUpstream(flow)) return out;
    const facts = {
      kind: kinds.tunnel,
      minute: at,
      minutes: 1,
      manyMinutes: options.manyMinutes,
      bytes: minute.bytes,
      queries: minute.queries,
      peakBytes: isKnown ? minute.peakBytes : 0,
      peakQueries: isKnown ? minute.peakQueries : 0,
      bytesThreshold,
      queriesThreshold,
      port: flow.destination.port!,
      historyMs: minute.ageMs,
      isLearning: isKnown ? 0 : 1,
    };
    openAlert(flow, handleOf(pair), facts, (out ??= []));
    return out;
  }

  /** The cluster's own resolver asks for everybody; that pods ask it is no excuse for how much. */
  function isUpstream(flow: Flow): boolean {
    if (isInventoried(flow.destination)) return false;
    if (upstream.meet(pair, eventMs(flow))) return true;
    if (!isClusterDns(flow)) return false;
    upstream.add(pair, eventMs(flow));
    return true;
  }

  /** Only of a workload is it known that there is a resolver of the cluster for it. */
  const isBypass = ({ source: from, destination }: Flow): boolean =>
    options.bypass && from.kind === 'workload' && !isInventoried(destination);

  function bypass(flow: Flow, { ageMs }: Minute, out: Alert[] | null): Alert[] | null {
    const timeMs = eventMs(flow);
    // What was asked while the cluster was learned is how it is set up: the second day does not begin with a flood.
    const isLearning = baseline.isLearning(flow.cluster, timeMs - ageMs);
    const severity = bypassSeverity(flow, isLearning);
    const alert = book.get(handleOf(source));
    if (alert !== undefined) {
      book.add(alert, flow, { severity }, (out ??= []));
      return out;
    }
    if (isUpstream(flow)) return out;
    const facts = {
      kind: kinds.bypass,
      port: flow.destination.port!,
      historyMs: baseline.historyMs(flow.cluster, timeMs),
      isLearning: isLearning ? 1 : 0,
    };
    openAlert(flow, handleOf(source), facts, (out ??= []));
    return out;
  }

  function openAlert(flow: Flow, handle: number, facts: Record<string, number>, out: Alert[]): void {
    const isTunnel = facts['kind'] === kinds.tunnel;
    const { source: from, destination } = flow;
    book.open(
      handle,
      flow,
      {
        key: `${flow.cluster} ${entityKey(from)} ${isTunnel ? entityKey(destination) : ''}`,
        about: 'source',
        entity: partyOf(from),
        target: partyOf(destination),
        rule: isTunnel ? 'DNS tunnel' : 'Resolver bypass',
        severity: isTunnel ? tunnelSeverity(flow, facts) : bypassSeverity(flow, facts['isLearning'] === 1),
        attack: attackOf(facts['kind']!),
        query: `${sideQuery('source', from)} and destination.port : (53 or 853)`,
        facts,
      },
      out,
    );
  }

  return {
    key: 'source',
    observe: (flow, role) => (role === 'source' ? observe(flow) : NONE),
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [baseline, rates, upstream, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({ state: baseline.state(atMs), keys: rates.size + upstream.size }),
  };
}
