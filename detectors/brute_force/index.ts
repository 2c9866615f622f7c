import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash, type Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createKnownGood } from '../known-good/index.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { entityKey, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { isWholeConnection, kindOf, sizeOf } from './attempt.ts';
import { attackOf, explain, kinds, severityOf } from './explain.ts';
import type { Options } from './options.ts';
import { createPairs } from './pairs.ts';
import { createTally, WINDOW_MS, type Decision } from './tally.ts';

const NAME = 'brute_force';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
const TCP = 6;

/**
 * Finds who tries passwords: many short connections from one source to one login port, one source over many hosts, many
 * sources at one host, and a session that follows. Sources from inside are counted in their own lane, those on the internet,
 * of which there is no end, at the host they try; a thousand sources of two attempts each meet only there.
 */
export function create(options: Options): DetectorFactory {
  const ports = new Uint8Array(65_536);
  for (const port of options.authPorts) ports[port] = 1;
  const knownGood = options.knownGood ? createKnownGood(['delivery']) : () => null;
  return (context) =>
    createBruteForce(options, context, { ports, knownGood: (flow) => knownGood(flow) !== null });
}

function createBruteForce(
  options: Options,
  context: DetectorContext,
  { ports, knownGood }: { ports: Uint8Array; knownGood: (flow: Flow) => boolean },
): Detector {
  const { evicted, maxKeys } = context;
  const evict = (): void => evicted(1);
  /** Connections of origins that tell of one in pieces: only its first piece is an attempt. */
  const connections = createRecentSet({ name: 'connections', maxKeys, keepMs: WINDOW_MS, evicted });
  const pairs = createPairs(options, maxKeys, evict);
  /** Source and port: hosts it tried. */
  const sprayers = createKeyTable({ name: 'sprayer', maxKeys, evict });
  const hosts = createTally(sprayers);
  /** Host and port: sources that tried it, and their attempts. */
  const targets = createKeyTable({ name: 'target', maxKeys, evict });
  const sources = createTally(targets);
  const targetTries = targets.column('tries', Uint32Array);
  const attackers = createRecentSet({ name: 'attackers', maxKeys, keepMs: WINDOW_MS, evicted });
  const book = createAlertBook({
    name: 'logins',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const pair = newHash();
  const own = newHash();

  function observe(flow: Flow, role: Role): readonly Alert[] {
    const timeMs = eventMs(flow);
    let out: Alert[] | null = null;
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out = []));
    const { port } = flow.destination;
    if (port === null || ports[port] === 0 || (flow.protocol !== TCP && flow.protocol !== null))
      return out ?? NONE;
    const kind = kindOf(flow, options);
    if (kind === 'none') return out ?? NONE;
    hashPair(pair, flow);
    const goesOn = !isWholeConnection(flow) && isKnownConnection(flow, role);
    const isAttempt = kind === 'attempt' && !goesOn;
    const isOutside = flow.source.kind === 'public';
    if (role === 'destination') {
      if (isAttempt) return attemptAt(flow, isOutside, out);
      return isOutside ? session(flow, hashByHost, out) : (out ?? NONE);
    }
    if (isOutside) return out ?? NONE;
    return isAttempt ? attemptBy(flow, out) : session(flow, hashBySource, out);
  }

  /** Whether an earlier piece of the same connection was seen. */
  function isKnownConnection(flow: Flow, role: Role): boolean {
    own.hi = pair.hi;
    own.lo = pair.lo;
    // Both copies of a flow may come to one lane, and each is counted once.
    addNumber(own, (flow.source.port ?? 0) | (role === 'source' ? 0 : 0x10000));
    finishHash(own);
    return !connections.add(own, eventMs(flow));
  }

  /** In the source's lane: one more attempt of a source at a host. */
  function attemptBy(flow: Flow, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    const { slot, tried } = pairs.tryOnce(pair, flow);
    hashBySource(flow);
    const at = sprayers.claim(own);
    if (!tried) hosts.add(at, timeMs);
    const alert = book.get(handleOf(own));
    if (alert !== undefined) {
      follow(alert, flow, { newHost: !tried }, (out ??= []));
      return out;
    }
    const found = pairs.guessing(slot) ?? spraying(at, timeMs);
    if (found === null || knownGood(flow)) return out ?? NONE;
    open(
      flow,
      { ...found, attempts: pairs.attempts(slot), hosts: Math.max(1, hosts.inThirty(at)) },
      (out ??= []),
    );
    return out;
  }

  function spraying(at: number, timeMs: number): Decision | null {
    const usual = 3 * hosts.usualInTen(at);
    const threshold = Math.max(options.sprayHosts, options.usualFactor * usual);
    const observed = hosts.inThirty(at);
    if (observed < threshold || timeMs - hosts.sinceMs(at) > WINDOW_MS) return null;
    return { kind: kinds.spraying, observed, threshold, usual, sinceMs: hosts.sinceMs(at) };
  }

  /** In the destination's lane: one more attempt at a host, whoever makes it; pairs of those outside are counted here. */
  function attemptAt(flow: Flow, isOutside: boolean, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    const slot = isOutside ? pairs.tryOnce(pair, flow).slot : -1;
    hashByHost(flow);
    const at = targets.claim(own);
    if (attackers.add(pair, timeMs) && sources.add(at, timeMs)) targetTries.at[at] = 0;
    targetTries.at[at] = targetTries.at[at]! + 1;
    const alert = book.get(handleOf(own));
    if (alert !== undefined) {
      follow(alert, flow, { newHost: false }, (out ??= []));
      return out;
    }
    const found = (isOutside ? pairs.guessing(slot) : null) ?? distributed(at, timeMs);
    if (found === null || knownGood(flow)) return out ?? NONE;
    const attempts = Math.max(found.observed, targetTries.at[at]);
    open(flow, { ...found, kind: kinds.atHost, attempts, hosts: 1 }, (out ??= []));
    return out;
  }

  function distributed(at: number, timeMs: number): Decision | null {
    const usual = 3 * sources.usualInTen(at);
    const threshold = Math.max(options.spraySources, options.usualFactor * usual);
    const observed = sources.inThirty(at);
    if (timeMs - sources.sinceMs(at) > WINDOW_MS) return null;
    if (observed < threshold || targetTries.at[at]! < 2 * observed) return null;
    return {
      kind: kinds.atHost,
      observed,
      threshold,
      usual,
      sinceMs: sources.sinceMs(at),
      sources: observed,
    };
  }

  /** A connection that is no attempt: a success when it follows attempts of the same pair and is larger than they were. */
  function session(flow: Flow, hashAlert: (flow: Flow) => void, out: Alert[] | null): readonly Alert[] {
    const attempts = pairs.letIn(pair, flow);
    if (attempts === null) return out ?? NONE;
    hashAlert(flow);
    const alert = book.get(handleOf(own));
    if (alert === undefined) return out ?? NONE;
    const { facts } = alert;
    // Whoever mistypes a password at a host that is under attack has few attempts of their own.
    if (facts['kind'] !== kinds.spraying && attempts < options.attempts) return out ?? NONE;
    facts['successes'] = (facts['successes'] ?? 0) + 1;
    if (facts['successes'] === 1) {
      facts['sessionMs'] = flow.endMs - flow.startMs;
      facts['sessionBytes'] = sizeOf(flow);
      // Towards what: where it got in, or who did.
      alert.target = partyOf(alert.about === 'source' ? flow.destination : flow.source);
    }
    book.add(alert, flow, { severity: 'critical' }, (out ??= []));
    return out;
  }

  function open(flow: Flow, found: Decision & { attempts: number; hosts: number }, out: Alert[]): void {
    const { source, destination } = flow;
    const isAt = found.kind === kinds.atHost;
    const { attempts } = found;
    const facts: Facts = {
      kind: found.kind,
      port: destination.port!,
      attempts,
      observed: found.observed,
      threshold: found.threshold,
      usual: found.usual,
      hosts: found.hosts,
      sources: found.sources ?? 1,
      successes: 0,
      fromPublic: source.kind === 'public' ? 1 : 0,
    };
    const side = isAt ? sideQuery('destination', destination) : sideQuery('source', source);
    book.open(
      handleOf(own),
      flow,
      {
        key: `${flow.cluster} ${entityKey(isAt ? destination : source)} ${destination.port} ${isAt}`,
        about: isAt ? 'destination' : 'source',
        entity: partyOf(isAt ? destination : source),
        target: isAt || found.kind === kinds.spraying ? null : partyOf(destination),
        rule: RULES[found.kind] ?? RULES[0]!,
        severity: severityOf(flow, facts),
        attack: attackOf(found.kind),
        query: `${side} and destination.port : ${destination.port}`,
        earlier: { count: attempts - 1, firstMs: found.sinceMs, ports: [] },
        facts,
      },
      out,
    );
  }

  function follow(alert: OpenAlert, flow: Flow, { newHost }: { newHost: boolean }, out: Alert[]): void {
    const { facts } = alert;
    facts['attempts'] = (facts['attempts'] ?? 0) + 1;
    if (newHost) facts['hosts'] = (facts['hosts'] ?? 1) + 1;
    if (
      facts['successes'] === 0 &&
      alert.target !== null &&
      alert.target.key !== entityKey(flow.destination)
    ) {
      alert.target = null;
    }
    book.add(alert, flow, { severity: severityOf(flow, facts) }, out);
  }

  /** Who is tried on which port, by whomever: what an alert about a host is about. */
  function hashByHost(flow: Flow): void {
    startHash(own);
    addText(own, 'at');
    addText(own, flow.cluster);
    addText(own, entityKey(flow.destination));
    addNumber(own, flow.destination.port!);
    finishHash(own);
  }

  /** Who tries which port, whatever host: what an alert about a source is about. */
  function hashBySource(flow: Flow): void {
    startHash(own);
    addText(own, 'by');
    addText(own, flow.cluster);
    addText(own, entityKey(flow.source));
    addNumber(own, flow.destination.port!);
    finishHash(own);
  }

  return {
    key: 'endpoint',
    observe,
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [connections, attackers, pairs, sprayers, targets, book]),
    status: () => ({
      state: 'ready',
      keys: connections.size + attackers.size + pairs.size + sprayers.size + targets.size,
    }),
  };
}

const RULES: Readonly<Record<number, string>> = {
  [kinds.guessing]: 'Password guessing',
  [kinds.spraying]: 'Password spraying',
  [kinds.atHost]: 'Password guessing at a host',
};

function hashPair(hash: Hash, flow: Flow): void {
  startHash(hash);
  addText(hash, flow.cluster);
  addText(hash, entityKey(flow.source));
  addText(hash, entityKey(flow.destination));
  addNumber(hash, flow.destination.port!);
  finishHash(hash);
}
