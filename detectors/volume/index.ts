import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Endpoint, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { createBaseline } from '../baseline.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startInCluster, type Hash } from '../hash.ts';
import { bytesOf, readAs } from '../key-table.ts';
import type { Facts } from '../open-alert.ts';
import { entityKey, isWorld, partyOf } from '../party.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { bytesOrNone, connectionsIn, shareWithin } from '../within.ts';
import { createAdmission } from './admission.ts';
import { explain, kinds, severityOf } from './explain.ts';
import type { Options } from './options.ts';
import { BUCKET_MS, createProfiles, units, type Span } from './profiles.ts';
import { createSamples } from './samples.ts';

const NAME = 'volume';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
/** Of so many keys one has a profile: those that speak regularly are few beside those that pass by. */
const PROFILE_OF = 32;

/**
 * Finds whose traffic is far more, or far less, than it ever was at that hour, for several spans of five minutes. Time is told by the
 * flows of the lane alone: where none comes nothing is judged, since then it is the log that stopped.
 */
export const create =
  (options: Options): DetectorFactory =>
  (context) =>
    createVolume(options, context);

function createVolume(options: Options, context: DetectorContext): Detector {
  const { evicted, maxKeys } = context;
  const baseline = createBaseline('clusters', options.learnMs);
  const admission = createAdmission(maxKeys, () => evicted(1));
  const samples = createSamples();
  const profiles = createProfiles(options, {
    maxKeys: Math.max(8, Math.floor(maxKeys / PROFILE_OF)),
    evict(slot) {
      samples.delete(slot);
      evicted(1);
    },
  });
  const book = createAlertBook({
    name: 'changes',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const own = newHash();
  /** The span that the lane is in, and whether it was judged already: when the watermark passed its end. */
  let bucket = Number.NaN;
  let isJudged = false;

  function observe(flow: Flow, role: Role): readonly Alert[] {
    const timeMs = eventMs(flow);
    if (!Number.isFinite(timeMs)) return NONE;
    let out: Alert[] | null = null;
    const at = Math.floor(timeMs / BUCKET_MS);
    if (at > bucket) {
      if (!isJudged) out = judge();
      if (at - bucket > 1) profiles.interrupt();
      bucket = at;
      isJudged = false;
    }
    if (Number.isNaN(bucket)) bucket = at;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out ??= []));
    baseline.pass(flow.cluster, timeMs);
    const side = role === 'source' ? flow.source : flow.destination;
    if (!flow.counted || flow.verdict === 'deny' || isWorld(side)) return out ?? NONE;
    // Both copies of what an entity says to itself are in its lane.
    if (role === 'destination' && entityKey(flow.source) === entityKey(side)) return out ?? NONE;
    hashEntity(own, flow, side);
    let slot = profiles.find(own);
    if (slot === -1) {
      if (!admission.isRegular(own, bucket, profiles.isFull)) return out ?? NONE;
      const isUncounted = flow.sourceBytes === null && flow.destinationBytes === null;
      slot = profiles.admit(own, isUncounted ? units.connections : units.bytes);
    }
    return take(slot, flow, role, out) ?? NONE;
  }

  function take(slot: number, flow: Flow, role: Role, out: Alert[] | null): Alert[] | null {
    let isFirst: boolean;
    if (profiles.unit(slot) === units.bytes) {
      const share = shareWithin(flow, BUCKET_MS);
      const toDestination = bytesOrNone(flow.sourceBytes) * share;
      const toSource = bytesOrNone(flow.destinationBytes) * share;
      isFirst = profiles.add(slot, toDestination + toSource, role === 'source' ? toDestination : toSource);
    } else {
      const count = connectionsIn(flow, BUCKET_MS);
      isFirst = profiles.add(slot, count, role === 'source' ? count : 0);
    }
    if (isFirst && profiles.canFall(slot, bucket)) samples.set(slot, { flow, role });
    const spans = profiles.high(slot, bucket);
    return spans >= options.buckets ? rise(slot, spans, flow, role, out) : out;
  }

  /** Ends the span of the lane: of all that have a profile, whether they spoke in it or not. */
  function judge(): Alert[] | null {
    let out: Alert[] | null = null;
    for (let slot = 0; slot < profiles.size; slot++) {
      const span = profiles.end(slot, bucket);
      if (span !== null && span.low >= options.buckets) out = fall(slot, span, out);
    }
    isJudged = true;
    return out;
  }

  function rise(slot: number, spans: number, flow: Flow, role: Role, out: Alert[] | null): Alert[] {
    const alerts = out ?? [];
    const observed = profiles.value(slot);
    addNumber(own, kinds.rise);
    finishHash(own);
    const alert = book.get(handleOf(own));
    const side = role === 'source' ? flow.source : flow.destination;
    const peer = entityKey(role === 'source' ? flow.destination : flow.source);
    if (alert !== undefined) {
      const { facts } = alert;
      facts['spans'] = spans;
      if (observed > (facts['observed'] ?? 0)) {
        facts['observed'] = observed;
        facts['sentShare'] = profiles.sentShare(slot);
      }
      book.add(alert, flow, { severity: severityOf(facts), peer }, alerts);
      return alerts;
    }
    const facts: Facts = {
      ...factsOf(slot, kinds.rise),
      observed,
      expected: profiles.expected(slot, bucket),
      extreme: profiles.highest(slot, bucket),
      threshold: profiles.limit(slot, bucket),
      spans,
      sentShare: profiles.sentShare(slot),
    };
    book.open(
      handleOf(own),
      flow,
      {
        ...openingOf(flow, role, side, facts),
        rule: 'Traffic rose',
        peer,
        earlier: {
          count: profiles.runFlows(slot) - 1,
          firstMs: (bucket - spans + 1) * BUCKET_MS,
          ports: [],
        },
      },
      alerts,
    );
    return alerts;
  }

  function fall(slot: number, span: Span, out: Alert[] | null): Alert[] | null {
    const sample = samples.get(slot);
    if (sample === undefined) return out;
    const { flow, role } = sample;
    const side = role === 'source' ? flow.source : flow.destination;
    const decidedMs = (bucket + 1) * BUCKET_MS;
    const alerts = out ?? [];
    book.closeDue(decidedMs, alerts);
    hashEntity(own, flow, side);
    addNumber(own, kinds.fall);
    finishHash(own);
    const alert = book.get(handleOf(own));
    if (alert !== undefined) {
      alert.facts['spans'] = span.low;
      alert.facts['observed'] = Math.min(alert.facts['observed'] ?? span.value, span.value);
      book.keep(alert, decidedMs);
      return alerts;
    }
    const facts: Facts = {
      ...factsOf(slot, kinds.fall),
      observed: span.value,
      expected: span.expected,
      extreme: span.lowest,
      threshold: span.floor,
      spans: span.low,
    };
    book.open(
      handleOf(own),
      flow,
      { ...openingOf(flow, role, side, facts), rule: 'Traffic fell', decidedMs },
      alerts,
    );
    return alerts;
  }

  const factsOf = (slot: number, kind: number): Facts => ({
    kind,
    unit: profiles.unit(slot),
    leastSpans: options.buckets,
    historyMs: profiles.knownMs(slot),
    learning: profiles.knownMs(slot) < options.seasonMs ? 1 : 0,
  });

  /** How much there is of it is no technique: what it was for says another detector. */
  const openingOf = (flow: Flow, role: Role, side: Endpoint, facts: Facts) =>
    ({
      key: `${flow.cluster}|${entityKey(side)}|${facts['kind']}`,
      about: role === 'source' ? 'source' : 'destination',
      entity: partyOf(side),
      target: null,
      severity: severityOf(facts),
      attack: [],
      query: `(${sideQuery('source', side)}) or (${sideQuery('destination', side)})`,
      facts,
    }) as const;

  const clock = {
    section: () => ['clock', bytesOf(Float64Array.of(bucket, isJudged ? 1 : 0))] as const,
    restore(sections: ReadonlyMap<string, Uint8Array>): void {
      const saved = readAs(Float64Array, sections.get('clock') ?? new Uint8Array(0));
      bucket = saved[0] ?? Number.NaN;
      isJudged = saved[1] === 1;
    },
  };

  return {
    key: 'endpoint',
    observe,
    advance(watermarkMs) {
      const isOver = !isJudged && watermarkMs >= (bucket + 1) * BUCKET_MS;
      const fallen = isOver ? judge() : null;
      const closed = book.advance(watermarkMs);
      return fallen === null ? closed : [...fallen, ...closed];
    },
    ...stateOf(NAME, STATE_VERSION, [clock, baseline, admission, profiles, samples, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({
      state: baseline.state(atMs),
      keys: admission.size + profiles.size,
    }),
  };
}

function hashEntity(hash: Hash, flow: Flow, side: Endpoint): void {
  startInCluster(hash, flow.cluster);
  addText(hash, entityKey(side));
  finishHash(hash);
}
