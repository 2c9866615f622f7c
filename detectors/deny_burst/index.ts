import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import { createBaseline } from '../baseline.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash, startInCluster } from '../hash.ts';
import { bytesOf, readAs } from '../key-table.ts';
import { createLearning } from '../learning.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { decidingPolicy, entityKey, isWorld, partyOf } from '../party.ts';
import { addPolicy, policyKey, policyParty } from '../policy-key.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { createDenials } from './denials.ts';
import { explain, MANY_PLACES, severityOf } from './explain.ts';
import type { Options } from './options.ts';

const NAME = 'deny_burst';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
/** That a server is there is seen soon enough from every eighth flow to it. */
const MET_OF = 8;
/** Units that one flow can stand for, as far as it is believed. */
const MOST_UNITS = 100_000;

/**
 * Finds workloads that one policy denies far more often than it used to. Denied sources of ours are counted in their own
 * lane by workload and policy; the world's, of which there is no end, at the workload that refused them.
 */
export const create =
  (options: Options): DetectorFactory =>
  (context) =>
    createDenyBurst(options, context);

function createDenyBurst(options: Options, context: DetectorContext): Detector {
  const { evicted, maxKeys } = context;
  const evict = (): void => evicted(1);
  /** Since when each workload is known, by whatever flow of its own. */
  const workloads = createLearning({
    name: 'workload',
    maxKeys,
    learnMs: options.learnMs,
    saturateMs: Number.POSITIVE_INFINITY,
    saturateFlows: 0,
    staleMs: options.staleMs,
    evict,
  });
  const denials = createDenials({ ...options, maxKeys, evict });
  const book = createAlertBook({
    name: 'bursts',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const baseline = createBaseline('clusters', options.learnMs);
  const hash = newHash();
  const place = newHash();
  /** Flows to workloads of this lane, of which one in `MET_OF` is looked at. */
  let asked = 0;

  function observe(flow: Flow, role: Role): readonly Alert[] {
    const timeMs = eventMs(flow);
    if (!Number.isFinite(timeMs)) return NONE;
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    baseline.pass(flow.cluster, timeMs);
    const own = role === 'source' ? flow.source : flow.destination;
    if (isWorld(own)) return out ?? NONE;
    const isDenial =
      flow.verdict === 'deny' && flow.counted && (role === 'destination') === isWorld(flow.source);
    if (!isDenial && role === 'destination' && ++asked % MET_OF !== 0) return out ?? NONE;
    startInCluster(hash, flow.cluster);
    addText(hash, entityKey(own));
    finishHash(hash);
    const workload = workloads.meet(hash, timeMs);
    if (!isDenial) return out ?? NONE;
    const ageMs = workloads.ageMs(workload, timeMs);
    return denied(flow, role, ageMs, out) ?? NONE;
  }

  function denied(flow: Flow, role: Role, ageMs: number, out: Alert[] | null): Alert[] | null {
    const timeMs = eventMs(flow);
    addNumber(hash, role === 'source' ? 1 : 2);
    addPolicy(hash, decidingPolicy(flow));
    finishHash(hash);
    hashPlace(flow, role);
    const count = unitsOf(flow);
    const slot = denials.add(hash, { count, place: place.lo, timeMs, sinceMs: timeMs - ageMs });
    const observed = denials.inWindow(slot);
    if (observed < options.minDenials) return out;
    const handle = handleOf(hash);
    const alert = book.get(handle);
    if (alert !== undefined) {
      if (observed >= (alert.facts['threshold'] ?? 0)) follow(alert, flow, slot, (out ??= []));
      return out;
    }
    if (ageMs < options.settleMs || observed < denials.limit(slot)) return out;
    open(handle, flow, { slot, role, ageMs, earlier: observed - count }, (out ??= []));
    return out;
  }

  function open(
    handle: number,
    flow: Flow,
    found: {
      readonly slot: number;
      readonly role: Role;
      readonly ageMs: number;
      readonly earlier: number;
    },
    out: Alert[],
  ): void {
    const { slot, role, ageMs } = found;
    const own = role === 'source' ? flow.source : flow.destination;
    const policy = decidingPolicy(flow);
    const facts: Facts = {
      atDestination: role === 'destination' ? 1 : 0,
      observed: denials.inWindow(slot),
      expected: denials.usual(slot).mean,
      threshold: denials.limit(slot),
      places: denials.places(slot),
      historyMs: ageMs,
      learning: ageMs < options.learnMs ? 1 : 0,
    };
    book.open(
      handle,
      flow,
      {
        key: `${flow.cluster}|${role}|${entityKey(own)}|${policyKey(policy)}`,
        about: role === 'source' ? 'source' : 'destination',
        entity: partyOf(own),
        target: policyParty(policy),
        rule: role === 'source' ? 'Burst of denials' : 'Burst of denials from outside',
        severity: severityOf(flow, facts),
        attack: attackOf(facts),
        query: `verdict : deny and ${sideQuery(role === 'source' ? 'source' : 'destination', own)}`,
        earlier: { count: found.earlier, firstMs: denials.windowSinceMs(slot), ports: [] },
        facts,
      },
      out,
    );
  }

  function follow(alert: OpenAlert, flow: Flow, slot: number, out: Alert[]): void {
    const { facts } = alert;
    facts['observed'] = Math.max(facts['observed'] ?? 0, denials.inWindow(slot));
    facts['places'] = Math.max(facts['places'] ?? 1, denials.places(slot));
    alert.attack = attackOf(facts);
    book.add(alert, flow, { severity: severityOf(flow, facts) }, out);
  }

  /** Where a denied client wanted to go; at a workload that refuses the world, who wanted to come. */
  function hashPlace(flow: Flow, role: Role): void {
    startHash(place);
    addText(place, entityKey(role === 'source' ? flow.destination : flow.source));
    if (role === 'source') addNumber(place, flow.destination.port ?? -1);
    finishHash(place);
  }

  const counter = {
    section: () => ['asked', bytesOf(Uint32Array.of(asked % MET_OF))] as const,
    restore(sections: ReadonlyMap<string, Uint8Array>): void {
      asked = readAs(Uint32Array, sections.get('asked') ?? new Uint8Array(0))[0] ?? 0;
    },
  };

  return {
    key: 'endpoint',
    observe,
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [counter, baseline, workloads, denials, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({
      state: baseline.state(atMs),
      keys: workloads.table.size + denials.size,
    }),
  };
}

/** One client that tries again and again is no technique; one that is denied in many places looks for what is open. */
const attackOf = (facts: Facts): OpenAlert['attack'] =>
  (facts['places'] ?? 1) < MANY_PLACES
    ? []
    : [facts['atDestination'] === 1 ? attacks.scanningIpBlocks : attacks.networkServiceDiscovery];

/** How many denials a flow stands for; at least itself, whatever its counter says. */
function unitsOf({ aggregated }: Flow): number {
  return aggregated > 1 && Number.isFinite(aggregated) ? Math.min(aggregated, MOST_UNITS) : 1;
}
