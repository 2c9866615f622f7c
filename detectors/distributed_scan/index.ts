import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { searchOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { entityKey, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { createDistinctCounter } from '../stats/distinct.ts';
import { attackOf, explain, severityOf } from './explain.ts';
import type { Options } from './options.ts';

const NAME = 'distributed_scan';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const DAY_MS = 86_400_000;
const INSIDE = 0;
const STRANGER = 1;

/**
 * Finds hosts that many sources try with a probe or two each. What `port_scan` counts by source is counted by destination here,
 * where one probe a source adds up.
 */
export function create(options: Options): DetectorFactory {
  return (context) => createDistributedScan(options, context);
}

function createDistributedScan(options: Options, context: DetectorContext): Detector {
  const { evicted, maxKeys } = context;
  const served = createRecentSet({ name: 'served', maxKeys, keepMs: options.keepMs, evicted });
  const table = createKeyTable({
    name: 'target',
    maxKeys,
    evict(slot) {
      sources.clear(slot);
      ports.clear(slot);
      evicted(1);
    },
  });
  const beginMs = table.column('beginMs', Float64Array);
  const counter = { maxBytes: Math.max(4096, maxKeys * 16), full: () => evicted(1) };
  const sources = createDistinctCounter(table, 'sources', counter);
  const ports = createDistinctCounter(table, 'ports', counter);
  const book = createAlertBook({
    name: 'targets',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const target = newHash();
  const source = newHash();
  const service = newHash();
  const port = newHash();

  function observe(flow: Flow): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    if (flow.destination.port === null) return out ?? NONE;
    const outcome = searchOutcome(flow);
    const isStranger = flow.source.kind === 'public';
    if (outcome === outcomes.none || outcome === outcomes.seen) return out ?? NONE;
    hashService(flow);
    if (outcome === outcomes.answered) {
      served.add(service, timeMs);
      return out ?? NONE;
    }
    // Whoever calls a service that is down fails, and is no scanner.
    if (served.meet(service, timeMs)) return out ?? NONE;
    hashFailed(flow, isStranger ? STRANGER : INSIDE);
    return failed(flow, isStranger, out);
  }

  /** Of what is answered, which is most, nothing but this is hashed. */
  function hashService({ cluster, destination, protocol }: Flow): void {
    startHash(target);
    addText(target, cluster);
    addText(target, entityKey(destination));
    service.hi = target.hi;
    service.lo = target.lo;
    addNumber(service, destination.port! | ((protocol ?? 0xff) << 16));
    finishHash(service);
  }

  function hashFailed({ source: from, destination }: Flow, side: number): void {
    addNumber(target, side);
    finishHash(target);
    startHash(source);
    addText(source, entityKey(from));
    finishHash(source);
    startHash(port);
    addNumber(port, destination.port!);
    finishHash(port);
  }

  function failed(flow: Flow, isStranger: boolean, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    const windowMs = isStranger ? DAY_MS : options.windowMs;
    const minSources = isStranger ? options.minStrangers : options.minSources;
    const slot = table.claim(target);
    if (timeMs - beginMs.at[slot]! > windowMs) {
      beginMs.at[slot] = timeMs;
      sources.clear(slot);
      ports.clear(slot);
    }
    ports.add(slot, port);
    const isNew = sources.add(slot, source);
    const alert = book.get(handleOf(target));
    if (alert !== undefined) {
      // Windows follow each other while it is open: what it has counted stays counted.
      if (isNew) alert.facts['sources'] = (alert.facts['sources'] ?? 0) + 1;
      alert.facts['ports'] = Math.max(alert.facts['ports'] ?? 0, ports.count(slot));
      book.add(alert, flow, { severity: severityOf(flow, isStranger) }, (out ??= []));
      return out;
    }
    if (!isNew || sources.count(slot) < minSources || ports.count(slot) < options.minPorts)
      return out ?? NONE;
    const { destination } = flow;
    book.open(
      handleOf(target),
      flow,
      {
        key: `${flow.cluster} ${entityKey(destination)} ${isStranger ? 'strangers' : 'inside'}`,
        about: 'destination',
        entity: partyOf(destination),
        target: null,
        rule: 'Distributed scan',
        severity: severityOf(flow, isStranger),
        attack: attackOf(isStranger),
        query: sideQuery('destination', destination),
        earlier: { count: sources.count(slot) - 1, firstMs: beginMs.at[slot]!, ports: [] },
        facts: {
          sources: sources.count(slot),
          ports: ports.count(slot),
          minSources,
          minPorts: options.minPorts,
          windowMs,
          isStranger: isStranger ? 1 : 0,
        },
      },
      (out ??= []),
    );
    return out;
  }

  return {
    key: 'destination',
    observe: (flow, role) => (role === 'destination' ? observe(flow) : NONE),
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [served, table, sources, ports, book]),
    status: () => ({ state: 'ready', keys: served.size + table.size }),
  };
}
