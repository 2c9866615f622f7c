import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Flow, Severity } from '../../schema/records.ts';
import { eventMs } from '../event-time.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash, type Hash } from '../hash.ts';
import { bytesOf, createKeyTable, readAs } from '../key-table.ts';
import type { OpenAlert } from '../open-alert.ts';
import { entityKey, isInventoried, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { fromChunks, toChunks } from '../snapshot.ts';
import {
  createContactRing,
  FAILED,
  PUBLIC,
  SEEN,
  restoreRings,
  ringSections,
  type ContactRing,
} from './contact-ring.ts';
import {
  contactHost,
  searchOutcome,
  outcomes,
  transportOf,
  transports,
  type ContactOutcome,
} from '../contact.ts';
import { attackOf, explain } from './explain.ts';
import type { Options } from './options.ts';
import { belongs, createRules, shapes, type Decision, type Shape } from './rules.ts';

const NAME = 'port_scan';
const STATE_VERSION = 2;
const RULE = 'Port scan';
const NONE: readonly Alert[] = [];
const MINUTE_MS = 60_000;
/** From here on a source's contacts are kept one by one: its failures, its contacts within a minute, or its contacts
 * within a minute when a sensitive port is among them. */
const TRACK_FROM_FAILED = 2;
const TRACK_FROM_IN_MINUTE = 8;
const TRACK_FROM_SENSITIVE = 2;
/** Answered contacts from which on a scan from the internet found something. */
const FOUND = 3;
/** Hosts of a private network from which on a scan from the internet looks through it, and is not about the one that is exposed. */
const LOOKED_THROUGH = 8;
/** Scans from the internet within a day, in a lane, from which on one more is weather. */
const WEATHER = 2;
const DAY_MS = 86_400_000;

/**
 * Finds sources that look for open services: on the first contact of each pair of source and (host, port), once per
 * pair. State per source is a few numbers; the contacts one by one are kept only of sources that fail or are busy.
 */
export function create(options: Options): DetectorFactory {
  const rules = createRules(options);
  return (context) => createPortScan(options, context, rules);
}

function createPortScan(
  options: Options,
  context: DetectorContext,
  rules: ReturnType<typeof createRules>,
): Detector {
  const { evicted } = context;
  const sensitive = new Set(options.sensitivePorts);
  const met = createRecentSet({ name: 'met', maxKeys: context.maxKeys, keepMs: options.keepMs, evicted });
  const sources = createKeyTable({ name: 'source', maxKeys: context.maxKeys, evict: () => evicted(1) });
  const walk = sources.column('walk', Float64Array);
  const walkMs = sources.column('walkMs', Float64Array);
  const minute = sources.column('minute', Float64Array);
  const inMinute = sources.column('inMinute', Uint16Array);
  const failures = sources.column('failures', Uint8Array);
  /** Scans found so far: contacts made before the last one closed are new again, so that a second scan is found. */
  const scans = sources.column('scans', Uint8Array);
  const alerting = sources.column('alerting', Uint8Array);
  /** The last contact before there was a ring, failures first, to begin the ring with. */
  const firstMs = sources.column('firstMs', Float64Array);
  const firstHost = sources.column('firstHost', Uint32Array);
  const firstWord = sources.column('firstWord', Uint32Array);
  let rings: ContactRing[] = [];
  const tracked = createKeyTable({
    name: 'tracked',
    maxKeys: Math.min(context.maxKeys, Math.max(64, context.maxKeys >>> 5)),
    evict(slot) {
      rings[slot]!.clear();
      evicted(1);
    },
  });
  const book = createAlertBook({
    name: 'scans',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(context.maxKeys, MAX_OPEN_ALERTS),
    runbook: 'detectors/port_scan/README.md',
    evicted,
    explain,
  });
  /** By the upper bits of the hash, whether any such source has had an alert; saves a look into a large table. */
  const scanners = new Uint8Array(4096);
  /** When the last scans from the internet were told, the oldest first. */
  const strangers = new Float64Array(WEATHER).fill(Number.NEGATIVE_INFINITY);
  const source = newHash();
  const contact = newHash();
  const host = newHash();

  function observe(flow: Flow): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    const outcome = searchOutcome(flow);
    if (outcome === outcomes.none) return out ?? NONE;
    const failed = outcome === outcomes.failed;
    const transport = transportOf(flow);
    const port = transport === transports.icmp ? 0 : flow.destination.port!;
    startHash(source);
    addText(source, flow.cluster);
    addText(source, entityKey(flow.source));
    contact.hi = source.hi;
    contact.lo = source.lo;
    finishHash(source);
    // Most sources never scan: their slot is looked for only when they meet somebody new.
    let slot = mayHaveScanned(source) ? sources.find(source) : -1;
    const alert = slot === -1 ? undefined : openAlertOf(slot);
    const hostText = contactHost(flow);
    addText(contact, hostText);
    addNumber(contact, port | (transport << 16) | ((slot === -1 ? 0 : scans.at[slot]!) << 18));
    finishHash(contact);
    if (!met.add(contact, timeMs)) return out ?? NONE;

    slot = sources.claim(source);
    const inThisMinute = countMinute(slot, timeMs);
    const score = step(slot, timeMs, stepOf(flow, outcome, transport));
    if (failed) failures.at[slot] = Math.min(failures.at[slot]! + 1, 255);
    startHash(host);
    addText(host, hostText);
    finishHash(host);
    const kind =
      transport |
      (failed ? FAILED : outcome === outcomes.seen ? SEEN : 0) |
      (flow.destination.kind === 'public' ? PUBLIC : 0);
    const ring = ringOf(
      slot,
      failed,
      inThisMinute >= (sensitive.has(port) ? TRACK_FROM_SENSITIVE : TRACK_FROM_IN_MINUTE),
    );
    if (ring !== null) ring.add(timeMs, host.lo, port, kind);
    else if (failed || ((firstWord.at[slot]! >>> 16) & FAILED) === 0) {
      firstMs.at[slot] = timeMs;
      firstHost.at[slot] = host.lo;
      firstWord.at[slot] = port | (kind << 16);
    }

    if (alert !== undefined) {
      follow(alert, flow, outcome, (out ??= []));
      forget(slot, ring);
      return out;
    }
    if (ring === null) return out ?? NONE;
    const decision = rules.decide(ring, score);
    if (decision === null) return out ?? NONE;
    // The source's slot may have given way while its alert was open.
    const before = book.get(handleOf(source));
    if (before === undefined) open(flow, ring, decision, (out ??= []));
    else follow(before, flow, outcome, (out ??= []));
    alerting.at[slot] = 1;
    scanners[source.lo >>> 20] = 1;
    forget(slot, ring);
    return out;
  }

  const mayHaveScanned = (key: Hash): boolean => scanners[key.lo >>> 20] === 1;

  /** The open alert of a source. A source whose alert has closed since begins anew. */
  function openAlertOf(slot: number): OpenAlert | undefined {
    if (alerting.at[slot] === 0) return undefined;
    const alert = book.get(handleOf(source));
    if (alert !== undefined) return alert;
    alerting.at[slot] = 0;
    scans.at[slot] = scans.at[slot]! + 1;
    return undefined;
  }

  /** What an open alert has is used up: after its close it takes as much evidence again to open anew. */
  function forget(slot: number, ring: ContactRing | null): void {
    walk.at[slot] = 0;
    failures.at[slot] = 0;
    ring?.clear();
  }

  /** First contacts within a minute that begins with the first of them. */
  function countMinute(slot: number, timeMs: number): number {
    if (timeMs - minute.at[slot]! > MINUTE_MS) {
      minute.at[slot] = timeMs;
      inMinute.at[slot] = 0;
    }
    return (inMinute.at[slot] = Math.min(inMinute.at[slot]! + 1, 65_535));
  }

  /** What a contact says in the sequential test: a datagram without an answer and a contact not told of say nothing. */
  function stepOf(flow: Flow, outcome: ContactOutcome, transport: number): number {
    if (outcome === outcomes.answered) return rules.successStep;
    const proves = transport === transports.tcp || flow.verdict === 'deny';
    return outcome === outcomes.failed && proves ? rules.failureStep : 0;
  }

  function step(slot: number, timeMs: number, by: number): number {
    const forgotten = 2 ** (-Math.max(0, timeMs - walkMs.at[slot]!) / options.halfLifeMs);
    walkMs.at[slot] = timeMs;
    return (walk.at[slot] = Math.max(rules.lowerBound, walk.at[slot]! * forgotten + by));
  }

  function ringOf(slot: number, failed: boolean, isBusy: boolean): ContactRing | null {
    let at = tracked.find(source);
    if (at !== -1) return rings[at]!;
    const worth = (failed && failures.at[slot]! >= TRACK_FROM_FAILED) || isBusy;
    if (!worth) return null;
    at = tracked.claim(source);
    const ring = (rings[at] ??= createContactRing());
    const word = firstWord.at[slot]!;
    if (word !== 0) ring.add(firstMs.at[slot]!, firstHost.at[slot]!, word & 0xffff, word >>> 16);
    firstWord.at[slot] = 0;
    return ring;
  }

  function open(flow: Flow, ring: ContactRing, decision: Decision, out: Alert[]): void {
    const { shape, windowMs } = decision;
    const ports = new Set<number>();
    const privateHosts = new Set<number>();
    let count = 0;
    let failed = 0;
    let answered = 0;
    let untold = 0;
    let sinceMs = eventMs(flow);
    let oneHost = true;
    let onePort = true;
    for (let age = 0; age < ring.length && eventMs(flow) - ring.timeMs(age) <= windowMs; age++) {
      if (!belongs(ring, age, shape)) continue;
      const hasFailed = (ring.kind(age) & FAILED) !== 0;
      if (hasFailed) failed++;
      else if ((ring.kind(age) & SEEN) === 0) answered++;
      else untold++;
      if (!isEvidence(shape, hasFailed)) continue;
      count++;
      sinceMs = ring.timeMs(age);
      if ((ring.kind(age) & PUBLIC) === 0 && privateHosts.size < LOOKED_THROUGH)
        privateHosts.add(ring.host(age));
      if (ring.host(age) !== ring.host(0)) oneHost = false;
      if (ring.port(age) !== ring.port(0)) onePort = false;
      if (shape !== 'sweep' && ports.size < 20) ports.add(ring.port(age));
    }
    const isUnusual = isUnusualStranger(flow, privateHosts.size >= LOOKED_THROUGH);
    book.open(
      handleOf(source),
      flow,
      {
        key: alertKey(flow),
        about: 'source',
        entity: partyOf(flow.source),
        target: oneHost ? partyOf(flow.destination) : null,
        rule: RULE,
        severity: severityOf(flow, answered, isUnusual),
        attack: attackOf(flow, shape),
        query: sideQuery('source', flow.source),
        earlier: { count: Math.max(0, count - 1), firstMs: sinceMs, ports: [...ports] },
        facts: {
          shape: shapes.indexOf(shape),
          observed: decision.observed,
          threshold: decision.threshold,
          windowMs,
          failed,
          answered,
          untold,
          onePort: onePort ? 1 : 0,
          unusual: isUnusual ? 1 : 0,
        },
      },
      out,
    );
  }

  /** Whether somebody of the internet goes from host to host in a private network where that does not happen every day. */
  function isUnusualStranger(flow: Flow, looksThrough: boolean): boolean {
    if (flow.source.kind !== 'public') return false;
    const timeMs = eventMs(flow);
    const isWeather = timeMs - strangers[0]! < DAY_MS;
    strangers.copyWithin(0, 1);
    strangers[WEATHER - 1] = timeMs;
    return looksThrough && !isWeather;
  }

  function follow(alert: OpenAlert, flow: Flow, outcome: ContactOutcome, out: Alert[]): void {
    const { facts } = alert;
    const failed = outcome === outcomes.failed;
    const key = failed ? 'failed' : outcome === outcomes.seen ? 'untold' : 'answered';
    facts[key] = (facts[key] ?? 0) + 1;
    if (!isEvidence(shapes[facts['shape'] ?? 0]!, failed)) return;
    if (alert.target !== null && alert.target.key !== entityKey(flow.destination)) alert.target = null;
    if (alert.ports.length !== 1 || alert.ports[0] !== flow.destination.port) facts['onePort'] = 0;
    book.add(
      alert,
      flow,
      { severity: severityOf(flow, facts['answered'] ?? 0, facts['unusual'] === 1) },
      out,
    );
  }

  return {
    key: 'source',
    observe: (flow, role) => (role === 'source' ? observe(flow) : NONE),
    advance(watermarkMs) {
      if (watermarkMs <= book.dueMs) return NONE;
      const out: Alert[] = [];
      book.closeDue(watermarkMs, out);
      return out;
    },
    snapshot: () => toChunks(NAME, STATE_VERSION, sections()),
    restore(chunks) {
      const saved = fromChunks(NAME, STATE_VERSION, chunks);
      met.restore(saved);
      sources.restore(saved);
      tracked.restore(saved);
      rings = restoreRings(saved);
      book.restore(saved);
      scanners.set(saved.get('scanners') ?? []);
      strangers.set(readAs(Float64Array, saved.get('strangers') ?? new Uint8Array(0)));
    },
    status: () => ({ state: 'ready', keys: sources.size }),
  };

  function* sections(): Generator<readonly [string, Uint8Array]> {
    yield ['scanners', scanners];
    yield ['strangers', bytesOf(strangers)];
    yield* met.sections();
    yield* sources.sections();
    yield* tracked.sections();
    yield* ringSections(rings);
    yield book.section();
  }
}

/** What answered belongs to a search that is told by how much it tried, not by how much failed. */
const isEvidence = (shape: Shape, failed: boolean): boolean =>
  failed || shape === 'vertical' || shape === 'sweep';

const alertKey = (flow: Flow): string => `${flow.cluster} ${entityKey(flow.source)}`;

/**
 * A scan from inside is a sign of compromise: high when the inventory knows the source or the target is in a
 * compliance scope, else medium. From the internet it is weather until it finds something, or where it is unusual.
 */
function severityOf(flow: Flow, answered: number, isUnusual: boolean): Severity {
  if (flow.source.kind === 'public') return answered >= FOUND || isUnusual ? 'low' : 'info';
  const inScope = flow.source.scopes.length > 0 || flow.destination.scopes.length > 0;
  return isInventoried(flow.source) || inScope ? 'high' : 'medium';
}
