import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { createBaseline } from '../baseline.ts';
import { eventMs } from '../event-time.ts';
import {
  addNumber,
  addText,
  finishHash,
  handleOf,
  newHash,
  startHash,
  startInCluster,
  type Hash,
} from '../hash.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { entityKey, isWorld, partyOf } from '../party.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { attackOf, explain, kinds, rules, severityOf } from './explain.ts';
import type { Options } from './options.ts';
import { requestOf, requests, type Request } from './request.ts';
import { connectionsIn } from '../within.ts';
import { createTargets, WINDOW_MS } from './targets.ts';

const NAME = 'flood';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
/** In place of a port: all ports of the destination together. */
const ANY_PORT = -2;
const NO_PORT = -1;
/** What one port may get within a window, as a share of the threshold, to be one of many. */
const FEW_SHARE = 0.05;

interface Decision {
  readonly kind: number;
  readonly observed: number;
  readonly expected: number;
  readonly threshold: number;
}

/** Finds what is asked more than it can answer, where the destination's flows meet: in its own lane, from however many sources. */
export const create =
  (options: Options): DetectorFactory =>
  (context) =>
    createFlood(options, context);

function createFlood(options: Options, context: DetectorContext): Detector {
  const { evicted, maxKeys } = context;
  const baseline = createBaseline('clusters', options.learnMs);
  const targets = createTargets({ ...options, maxKeys, evicted });
  const book = createAlertBook({
    name: 'floods',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const target = newHash();
  const wide = newHash();
  const source = newHash();
  /** No window below it can be a flood. */
  const least = Math.min(options.unanswered, options.connections, options.sources);

  /** Filled anew for each flow, so that nothing is allocated for it. */
  const came = { units: 0, unanswered: false, source: hashSource, timeMs: 0 };
  let current: Flow | null = null;

  function observe(flow: Flow): readonly Alert[] {
    const timeMs = eventMs(flow);
    if (!Number.isFinite(timeMs)) return NONE;
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    baseline.pass(flow.cluster, timeMs);
    const request = requestOf(flow);
    if (request === requests.none) return out ?? NONE;
    hashTarget(target, flow, flow.destination.port ?? NO_PORT);
    const isUnanswered = request === requests.unanswered;
    current = flow;
    came.units = connectionsIn(flow, WINDOW_MS);
    came.unanswered = isUnanswered;
    came.timeMs = timeMs;
    const slot = targets.add(target, came);
    if (targets.connections(slot) >= least || (book.size > 0 && targets.isFlooded(slot))) {
      out = judge(target, slot, flow, request, out);
      if (targets.isFlooded(slot)) return out ?? NONE;
    }
    // A port that gets many by itself has been judged by itself.
    const isFew = targets.connections(slot) <= options.unanswered * FEW_SHARE;
    if (!isUnanswered || !isFew || flow.destination.port === null) return out ?? NONE;
    hashTarget(wide, flow, ANY_PORT);
    const all = targets.add(wide, came);
    if (targets.unanswered(all) >= options.unanswered || (book.size > 0 && targets.isFlooded(all)))
      out = judge(wide, all, flow, request, out);
    return out ?? NONE;
  }

  /** Of the flow at hand; asked for where there are many. */
  function hashSource(): Hash {
    startHash(source);
    addText(source, entityKey(current!.source));
    finishHash(source);
    return source;
  }

  function judge(key: Hash, slot: number, flow: Flow, request: Request, out: Alert[] | null): Alert[] | null {
    const alert = book.get(handleOf(key));
    const timeMs = eventMs(flow);
    if (alert !== undefined) {
      const isOver = measured(alert.facts, slot) >= (alert.facts['threshold'] ?? 0);
      if (isOver) targets.flooded(slot, timeMs);
      const isEvidence = alert.facts['kind']! > kinds.anyPort || request === requests.unanswered;
      if (targets.isFlooded(slot) && isEvidence) follow(alert, flow, slot, (out ??= []));
      return out;
    }
    const isWide = key === wide;
    const found = unanswered(slot, isWide) ?? (isWide ? null : tooMany(key, slot, timeMs, request));
    if (found === null) return out;
    targets.flooded(slot, timeMs);
    open(key, slot, flow, found, (out ??= []));
    return out;
  }

  function unanswered(slot: number, isWide: boolean): Decision | null {
    const observed = targets.unanswered(slot);
    if (observed < options.unanswered) return null;
    if (isWide) {
      // One source that asks many ports is a scan.
      if (targets.sources(slot) < options.manySources) return null;
    } else if (observed < options.unansweredShare * targets.connections(slot)) return null;
    const kind = isWide ? kinds.anyPort : kinds.unanswered;
    return { kind, observed, expected: 0, threshold: options.unanswered };
  }

  /** More than is usual, of what is answered too: only of what is known for long enough. */
  function tooMany(key: Hash, slot: number, timeMs: number, request: Request): Decision | null {
    if (targets.ageMs(slot, timeMs) < options.learnMs) return null;
    const connections = targets.connections(slot);
    const sources = targets.sources(slot);
    if (connections < options.connections && sources < options.sources) return null;
    const usual = targets.usual(key, timeMs);
    const threshold = Math.max(options.connections, options.usualFactor * usual.connections);
    if (connections >= threshold) {
      const kind = request === requests.reflected ? kinds.reflected : kinds.connections;
      return { kind, observed: connections, expected: usual.connections, threshold };
    }
    const sourcesThreshold = Math.max(options.sources, options.usualFactor * usual.sources);
    if (sources < sourcesThreshold) return null;
    return {
      kind: kinds.sources,
      observed: sources,
      expected: usual.sources,
      threshold: sourcesThreshold,
    };
  }

  /** What the rule of an alert counts, as of now. */
  function measured(facts: Facts, slot: number): number {
    if (facts['kind'] === kinds.sources) return targets.sources(slot);
    return facts['kind']! <= kinds.anyPort ? targets.unanswered(slot) : targets.connections(slot);
  }

  function open(key: Hash, slot: number, flow: Flow, found: Decision, out: Alert[]): void {
    const { source: from, destination } = flow;
    const timeMs = eventMs(flow);
    const facts: Facts = {
      ...found,
      connections: targets.connections(slot),
      share: targets.unanswered(slot) / targets.connections(slot),
      shareThreshold: options.unansweredShare,
      sources: targets.sources(slot),
      usualSources: targets.usual(key, timeMs).sources,
      manySources: options.manySources,
      port: found.kind === kinds.anyPort ? ANY_PORT : (destination.port ?? NO_PORT),
      historyMs: targets.ageMs(slot, timeMs),
      learning: targets.ageMs(slot, timeMs) < options.learnMs ? 1 : 0,
    };
    // One of ours that does it alone can be asked; an address of the world may be false.
    const isOne = facts['sources'] === 1 && !isWorld(from);
    const port =
      found.kind === kinds.anyPort || destination.port === null
        ? ''
        : ` and destination.port : ${destination.port}`;
    book.open(
      handleOf(key),
      flow,
      {
        key: `${flow.cluster}|${entityKey(destination)}|${flow.protocol ?? ''}/${facts['port']}`,
        about: isOne ? 'source' : 'destination',
        entity: partyOf(isOne ? from : destination),
        target: isOne ? partyOf(destination) : null,
        rule: rules[found.kind]!,
        severity: severityOf(flow, facts),
        attack: attackOf(found.kind, flow.protocol),
        query: `${sideQuery('destination', destination)}${port}`,
        earlier: {
          count: Math.max(
            0,
            Math.round(found.kind <= kinds.anyPort ? found.observed : facts['connections']!) - 1,
          ),
          firstMs: targets.sinceMs(slot),
          ports: [],
        },
        facts,
      },
      out,
    );
  }

  function follow(alert: OpenAlert, flow: Flow, slot: number, out: Alert[]): void {
    const { facts } = alert;
    const connections = targets.connections(slot);
    if (connections > (facts['connections'] ?? 0)) {
      facts['connections'] = connections;
      facts['share'] = targets.unanswered(slot) / connections;
    }
    facts['observed'] = Math.max(facts['observed'] ?? 0, measured(facts, slot));
    facts['sources'] = Math.max(facts['sources'] ?? 1, targets.sources(slot));
    book.add(alert, flow, { severity: severityOf(flow, facts) }, out);
  }

  return {
    key: 'destination',
    observe: (flow, role: Role) => (role === 'destination' ? observe(flow) : NONE),
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [baseline, targets, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({ state: baseline.state(atMs), keys: targets.size }),
  };
}

/** A port of a destination over one protocol. */
function hashTarget(hash: Hash, flow: Flow, port: number): void {
  startInCluster(hash, flow.cluster);
  addText(hash, entityKey(flow.destination));
  addNumber(hash, port);
  addNumber(hash, flow.protocol ?? -1);
  finishHash(hash);
}
