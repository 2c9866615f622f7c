import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Endpoint, Flow } from '../../schema/records.ts';
import { newParty } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { entityKey, isInventoried, nameOf, partyOf } from '../party.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { attackOf, explain, kinds, severityOf } from './explain.ts';
import { readLists, type ListName, type Lists } from './lists.ts';
import { categories, type Options } from './options.ts';

const NAME = 'threat_intel';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const HOUR_MS = 3_600_000;
/** Codes of ports that are a reason by themselves. */
const MINER = 1;
const TOR = 2;

/**
 * Finds flows to and from addresses and names on lists, and lasting connections to ports of mining pools and Tor relays.
 * Something of ours that reaches out is handled in its lane; what comes in, in the lane of what it reached.
 */
export function create(options: Options): DetectorFactory {
  const lists = readLists(options);
  const ports = new Uint8Array(65_536);
  for (const port of options.minerPorts) ports[port] = MINER;
  for (const port of options.torPorts) ports[port] = TOR;
  return (context) => createThreatIntel(options, context, { lists, ports });
}

/** A match: which list, in which way. */
interface Match extends ListName {
  readonly kind: number;
  /** What matched, where it is not the other side's address. */
  readonly text: string | null;
}

function createThreatIntel(
  options: Options,
  context: DetectorContext,
  { lists, ports }: { lists: Lists; ports: Uint8Array },
): Detector {
  const { evicted, maxKeys } = context;
  const hasLists = lists.size > 0;
  /** Places on the ports of pools and relays, by who talks to them. */
  const places = createKeyTable({ name: 'place', maxKeys, evict: () => evicted(1) });
  const sinceMs = places.column('sinceMs', Float64Array);
  const connections = places.column('connections', Uint32Array);
  const lastPort = places.column('lastPort', Uint32Array);
  const book = createAlertBook({
    name: 'matches',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const hash = newHash();

  function observe(flow: Flow, role: Role): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    const match = role === 'source' ? outbound(flow) : inbound(flow);
    if (match !== undefined) matched(flow, match, (out ??= []));
    return out ?? NONE;
  }

  function outbound(flow: Flow): Match | undefined {
    const { destination, source } = flow;
    if (hasLists) {
      const listed = listedAddress(destination);
      if (listed !== undefined) return { ...listed, kind: kinds.outbound, text: null };
      const name = flow.request?.query ?? destination.hostname;
      const found = name === null || name === undefined ? undefined : lists.domain(name);
      if (found !== undefined) return { ...found, kind: kinds.name, text: name! };
    }
    const code = destination.port === null ? 0 : ports[destination.port]!;
    if (code === 0 || destination.kind !== 'public' || source.kind === 'public') return undefined;
    return isLasting(flow) ? { ...BY_PORT[code]!, kind: kinds.port, text: null } : undefined;
  }

  function inbound(flow: Flow): Match | undefined {
    if (!hasLists) return undefined;
    const listed = listedAddress(flow.source);
    return listed === undefined ? undefined : { ...listed, kind: kinds.inbound, text: null };
  }

  /** What the inventory knows is ours, and so is what is private: many lists hold those ranges as never to be seen outside. */
  const listedAddress = (side: Endpoint): ListName | undefined =>
    side.ip === null || side.kind === 'private' || isInventoried(side) ? undefined : lists.address(side.ip);

  /** A port alone proves little: the connection lasts, or is made again and again. */
  function isLasting(flow: Flow): boolean {
    if (contactOutcome(flow) !== outcomes.answered) return false;
    const timeMs = eventMs(flow);
    hashKey(flow, 'place', nameOf(flow.destination));
    const slot = places.claim(hash);
    if (timeMs - sinceMs.at[slot]! > HOUR_MS) {
      sinceMs.at[slot] = timeMs;
      connections.at[slot] = 0;
      lastPort.at[slot] = 0;
    }
    // Intervals of one connection have one source port.
    const port = (flow.source.port ?? 0) + 1;
    if (flow.unit === 'connection' || lastPort.at[slot] !== port)
      connections.at[slot] = connections.at[slot]! + 1;
    lastPort.at[slot] = port;
    const lasted = Math.max(flow.endMs - flow.startMs, timeMs - sinceMs.at[slot]!);
    return connections.at[slot]! >= options.lastingFlows || lasted >= options.lastingMs;
  }

  function matched(flow: Flow, match: Match, out: Alert[]): void {
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.none) return;
    const blocked = outcome === outcomes.failed;
    // What a listed address tried in vain, without a policy that denied it, is the noise of the internet.
    if (match.kind === kinds.inbound && blocked && flow.verdict !== 'deny') return;
    const inScope = flow.source.scopes.length > 0 || flow.destination.scopes.length > 0;
    const severity = severityOf({ kind: match.kind, category: match.category, blocked, inScope });
    hashKey(
      flow,
      match.kind === kinds.inbound ? 'in' : 'out',
      match.kind === kinds.port ? 'port' : match.name,
    );
    addFactsAndRaise(flow, match, severity, out);
  }

  function addFactsAndRaise(flow: Flow, match: Match, severity: Alert['severity'], out: Alert[]): void {
    const peer = match.text ?? undefined;
    const alert = book.get(handleOf(hash));
    if (alert !== undefined) {
      alert.facts['lastedMs'] = Math.max(alert.facts['lastedMs'] ?? 0, flow.endMs - flow.startMs);
      alert.facts['connections'] = (alert.facts['connections'] ?? 0) + 1;
      book.add(alert, flow, peer === undefined ? { severity } : { severity, peer }, out);
      return;
    }
    const isInbound = match.kind === kinds.inbound;
    const about = isInbound ? flow.destination : flow.source;
    const side = isInbound ? 'destination' : 'source';
    book.open(
      handleOf(hash),
      flow,
      {
        key: `${flow.cluster} ${entityKey(about)} ${match.kind} ${match.name}`,
        about: side,
        entity: partyOf(about),
        target: match.kind === kinds.port ? partyOf(flow.destination) : listParty(match),
        rule: RULES[match.kind]!,
        severity,
        attack: attackOf(match.category),
        query: sideQuery(side, about),
        facts: {
          kind: match.kind,
          category: categories.indexOf(match.category),
          port: flow.destination.port ?? 0,
          entries: lists.size,
          connections: match.kind === kinds.port ? options.lastingFlows : 1,
          lastedMs: flow.endMs - flow.startMs,
          lastingMs: options.lastingMs,
          lastingFlows: options.lastingFlows,
        },
        ...(peer === undefined ? {} : { peer }),
      },
      out,
    );
  }

  function hashKey(flow: Flow, what: string, text: string): void {
    startHash(hash);
    addText(hash, what);
    addText(hash, flow.cluster);
    addText(hash, entityKey(what === 'in' ? flow.destination : flow.source));
    addText(hash, text);
    addNumber(hash, what === 'place' ? (flow.destination.port ?? 0) : 0);
    finishHash(hash);
  }

  return {
    key: 'endpoint',
    observe,
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [places, book]),
    status: () => ({ state: 'ready', keys: places.size }),
  };
}

const RULES: Readonly<Record<number, string>> = {
  [kinds.outbound]: 'Listed destination',
  [kinds.inbound]: 'Listed source',
  [kinds.name]: 'Listed name',
  [kinds.port]: 'Port of a mining pool or Tor relay',
};

const BY_PORT: Readonly<Record<number, ListName>> = {
  [MINER]: { name: 'ports of mining pools', category: 'miner' },
  [TOR]: { name: 'ports of Tor relays', category: 'tor' },
};

/** The list as what an alert is towards. */
function listParty(match: Match): ReturnType<typeof newParty> {
  const party = newParty({ key: `list/${match.name}` });
  party.kind = 'network';
  party.name = match.name;
  return party;
}
