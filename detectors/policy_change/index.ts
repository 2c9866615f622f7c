import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Notice } from '../../pipeline/notice.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import type { Alert, Endpoint, Flow, PolicyChange, Severity } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import { createBaseline } from '../baseline.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { bytesOf, createKeyTable, readAs } from '../key-table.ts';
import { createLearning } from '../learning.ts';
import { addDistinct, type Occurrence } from '../open-alert.ts';
import { entityKey, partyOf, placeOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { namespaceQuery, sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { createDecayedRate } from '../stats/decayed-rate.ts';
import { explain, rules, severityOf } from './explain.ts';
import {
  actorOf,
  findingsOf,
  findings,
  isNamedAllowAll,
  policiesParty,
  policyOf,
  policyParty,
  told,
  type Finding,
} from './finding.ts';
import type { Options } from './options.ts';
import { createRecentChanges, type RecentChange } from './recent-changes.ts';

const NAME = 'policy_change';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const DAY_MS = 86_400_000;
/** Half of what a user usually changes is forgotten in a week. */
const HALF_LIFE_MS = 7 * DAY_MS;

/**
 * Finds changes that weaken the policies of a cluster, and connections that come about after one. A change is told in
 * the lane of its namespace's policies, what follows it in the lane of whom it reaches.
 */
export const create =
  (options: Options): DetectorFactory =>
  (context) =>
    createPolicyChange(options, context);

function createPolicyChange(options: Options, context: DetectorContext): Detector {
  const { evicted, maxKeys, lane, lanes } = context;
  const { keepMs, followMs } = options;
  const baseline = createBaseline('policy', options.learnMs);
  const allowed = createRecentSet({ name: 'allowed', maxKeys, keepMs, evicted });
  const denied = createRecentSet({ name: 'denied', maxKeys, keepMs, evicted });
  const changes = createRecentChanges(followMs, maxKeys, evicted);
  /** Whoever has new connections: all of what is itself new are. */
  const owners = createLearning({
    name: 'owner',
    maxKeys,
    learnMs: options.learnMs,
    saturateMs: Number.POSITIVE_INFINITY,
    saturateFlows: 0,
    staleMs: Number.POSITIVE_INFINITY,
    evict: () => evicted(1),
  });
  /** User and kind of change. */
  const actors = createKeyTable({ name: 'actor', maxKeys, evict: () => evicted(1) });
  const rate = createDecayedRate(actors, 'changes', { halfLifeMs: HALF_LIFE_MS, leastMs: DAY_MS });
  const book = createAlertBook({
    name: 'policies',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const hash = newHash();
  /** Event time so far: what came late happens now. */
  let nowMs = Number.NEGATIVE_INFINITY;
  const time = {
    section: () => ['time', bytesOf(Float64Array.of(nowMs))] as const,
    restore(sections: ReadonlyMap<string, Uint8Array>) {
      [nowMs = Number.NEGATIVE_INFINITY] = readAs(Float64Array, sections.get('time') ?? new Uint8Array(0));
    },
  };

  function pass(cluster: string, timeMs: number, out: Alert[] | null): Alert[] | null {
    if (timeMs > nowMs) nowMs = timeMs;
    let closed = out;
    if (nowMs > book.dueMs) book.closeDue(nowMs, (closed ??= []));
    baseline.pass(cluster, nowMs);
    return closed;
  }

  function observe(flow: Flow, role: 'source' | 'destination'): readonly Alert[] {
    const out = pass(flow.cluster, eventMs(flow), null);
    // A policy protects what is in a namespace, and judges by port. What leaves the namespaces is its source's affair.
    const { source, destination } = flow;
    const own = role === 'source' ? source : destination;
    const { namespace } = own;
    if (namespace === null || destination.port === null) return out ?? NONE;
    if (role === 'source' && destination.namespace !== null) return out ?? NONE;
    hashEdge(flow, role);
    if (flow.verdict === 'deny') {
      denied.add(hash, nowMs);
      return out ?? NONE;
    }
    // Nearly all flows end here: whether one was answered is asked of new connections alone.
    if (allowed.meet(hash, nowMs)) return out ?? NONE;
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.none || outcome === outcomes.failed) return out ?? NONE;
    allowed.add(hash, nowMs);
    const wasDenied = denied.meet(hash, nowMs);
    const isKnown = isReady(own);
    if (changes.size === 0) return out ?? NONE;
    const change = changes.of(flow.cluster, [namespace, source.namespace ?? namespace], nowMs);
    return change === undefined ? (out ?? NONE) : follow(flow, role, { change, wasDenied, isKnown, out });
  }

  function isReady(own: Endpoint): boolean {
    startHash(hash);
    addText(hash, entityKey(own));
    finishHash(hash);
    const slot = owners.meet(hash, nowMs);
    return owners.meetNew(slot, nowMs) === 'ready';
  }

  /** Who, to or from whom, on which port. The internet is one peer: its addresses are new every day. */
  function hashEdge(flow: Flow, role: 'source' | 'destination'): void {
    const own = role === 'source' ? flow.source : flow.destination;
    const other = role === 'source' ? flow.destination : flow.source;
    startHash(hash);
    addText(hash, entityKey(own));
    addText(hash, other.kind === 'public' ? 'public' : entityKey(other));
    addNumber(
      hash,
      flow.destination.port! | ((flow.protocol ?? 0xff) << 16) | (role === 'source' ? 1 << 24 : 0),
    );
    finishHash(hash);
  }

  /** A connection that was not let through before, after a change. */
  function follow(
    flow: Flow,
    role: 'source' | 'destination',
    {
      change,
      wasDenied,
      isKnown,
      out,
    }: { change: RecentChange; wasDenied: boolean; isKnown: boolean; out: Alert[] | null },
  ): readonly Alert[] {
    const isLearning = baseline.isLearning(flow.cluster, nowMs);
    const severity = followSeverity(change, { wasDenied, isKnown, isLearning });
    if (severity === null) return out ?? NONE;
    const own = flow[role];
    const peer = placeOf(role === 'source' ? flow.destination : { ...flow.source, port: null });
    startHash(hash);
    addText(hash, change.id);
    addText(hash, entityKey(own));
    addNumber(hash, role === 'source' ? 1 : 0);
    finishHash(hash);
    const alerts = out ?? [];
    const alert = book.get(handleOf(hash));
    if (alert !== undefined) {
      if (wasDenied) alert.facts['denied'] = (alert.facts['denied'] ?? 0) + 1;
      alert.facts['afterMs'] = nowMs - change.sinceMs;
      book.add(alert, flow, { severity, peer }, alerts);
      return alerts;
    }
    const opened = book.open(
      handleOf(hash),
      flow,
      {
        key: `${change.id} ${entityKey(own)} ${role}`,
        about: role,
        entity: partyOf(own),
        target: change.party,
        rule: rules.follows,
        severity,
        attack: change.weakens ? [attacks.impairDefenses] : [],
        query: sideQuery(role, own),
        note: change.text,
        peer,
        facts: {
          denied: wasDenied ? 1 : 0,
          afterMs: nowMs - change.sinceMs,
          followMinutes: followMs / 60_000,
          isLearning: isLearning ? 1 : 0,
          historyMs: baseline.historyMs(flow.cluster, nowMs),
        },
      },
      alerts,
    );
    addDistinct(opened.records, change.id);
    return alerts;
  }

  function changed(change: PolicyChange, timeMs: number): readonly Alert[] {
    const out = pass(change.cluster, timeMs, null) ?? [];
    const found = findingsOf(change, options);
    changes.add(change, found[0] ?? null, nowMs);
    for (const finding of found) weakened(change, finding, out);
    return out;
  }

  function weakened(change: PolicyChange, finding: Finding, out: Alert[]): void {
    const entity = policiesParty(change);
    startHash(hash);
    addText(hash, change.cluster);
    addText(hash, actorOf(change));
    addNumber(hash, findings.indexOf(finding));
    finishHash(hash);
    // Every lane meets every change, so each knows what is usual of a user.
    const slot = actors.claim(hash);
    const usual = rate.expected(slot, nowMs, DAY_MS);
    const knownMs = rate.ageMs(slot, nowMs);
    rate.add(slot, 1, nowMs);
    if (partitionOf(entity.key, lanes) !== lane) return;
    addText(hash, entity.key);
    finishHash(hash);
    const handle = handleOf(hash);
    const threshold = knownMs < options.learnMs ? 1 : Math.max(1, options.usualFactor * usual);
    const alert = book.get(handle);
    const isLearning = baseline.isLearning(change.cluster, nowMs);
    const isUsual = (alert?.count ?? 0) + 1 < threshold;
    const severity = isLearning || isUsual ? 'info' : severityOf(finding, isNamedAllowAll(change, options));
    const seen = occurrenceOf(change, nowMs);
    if (alert !== undefined) {
      if (alert.target?.key !== policyParty(change).key) alert.target = null;
      book.add(alert, seen, { severity, peer: actorOf(change) }, out);
      return;
    }
    book.open(
      handle,
      seen,
      {
        key: `${entity.key} ${finding} ${actorOf(change)}`,
        about: 'destination',
        entity,
        target: policyParty(change),
        rule: rules[finding],
        severity,
        attack: [attacks.impairDefenses],
        query: namespaceQuery(change.namespace),
        note: told(change, finding),
        peer: actorOf(change),
        facts: {
          usual,
          threshold,
          isLearning: isLearning ? 1 : 0,
          historyMs: baseline.historyMs(change.cluster, nowMs),
        },
      },
      out,
    );
  }

  return {
    key: 'endpoint',
    late: 'fold',
    observe: (flow, role: Role) => (role === 'rule' ? NONE : observe(flow, role)),
    notice: (notice: Notice) =>
      notice.kind === 'policy_change' ? changed(notice.record, notice.timeMs) : NONE,
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [time, baseline, allowed, denied, changes, owners, actors, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({
      state: baseline.state(atMs),
      keys: allowed.size + denied.size + changes.size + owners.table.size + actors.size,
    }),
  };
}

const occurrenceOf = (change: PolicyChange, timeMs: number): Occurrence => ({
  timeMs,
  cluster: change.cluster,
  tenant: change.tenant,
  owner: null,
  name: policyOf(change),
  recordId: change.id,
});

/**
 * After a change that weakens: high for what was denied before, medium for what is merely new of a workload that is not,
 * in the namespace that was changed: somewhere in a cluster there is always something new. Any other change that lets
 * through what was denied is how rules are mended, and told for the record. Null raises nothing.
 */
function followSeverity(
  { weakens, isWide }: RecentChange,
  seen: { readonly wasDenied: boolean; readonly isKnown: boolean; readonly isLearning: boolean },
): Severity | null {
  if (seen.wasDenied) return !weakens ? 'info' : seen.isLearning ? 'low' : 'high';
  return weakens && !isWide && seen.isKnown ? 'medium' : null;
}
