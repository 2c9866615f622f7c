import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Flow, Severity } from '../../schema/records.ts';
import { newParty } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import { eventMs } from '../event-time.ts';
import { addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createKnownGood } from '../known-good/index.ts';
import { entityKey, nameOf, partyOf, policyName } from '../party.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { explain } from './explain.ts';
import { mismatches, mismatchOf, type Mismatch } from './mismatch.ts';
import type { Options } from './options.ts';

const NAME = 'verdict_mismatch';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];

/**
 * Finds policies that the data plane does not enforce as they read: the verdict of a flow against the trace that Weir's
 * evaluator put into the same record. Each is handled in the lane of the workload whose policy it is.
 */
export function create(options: Options): DetectorFactory {
  const knownGood = createKnownGood(['probe']);
  return (context) => createVerdictMismatch(options, context, (flow) => knownGood(flow) !== null);
}

function createVerdictMismatch(
  options: Options,
  context: DetectorContext,
  isProbe: (flow: Flow) => boolean,
): Detector {
  const { evicted, maxKeys } = context;
  const pending = createKeyTable({ name: 'pending', maxKeys, evict: () => evicted(1) });
  const sinceMs = pending.column('sinceMs', Float64Array);
  const lastMs = pending.column('lastMs', Float64Array);
  const flows = pending.column('flows', Uint32Array);
  const connections = pending.column('connections', Uint32Array);
  const lastPort = pending.column('lastPort', Uint32Array);
  const book = createAlertBook({
    name: 'mismatches',
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
    const mismatch = flow.policies.length === 0 ? null : mismatchOf(flow);
    if (mismatch === null || mismatch.side !== role) return out ?? NONE;
    // The data plane lets a node's kubelet reach its pods whatever policy says.
    if (mismatch.kind === 'passed_but_denied' && isProbe(flow)) return out ?? NONE;
    return differs(flow, mismatch, out);
  }

  function differs(flow: Flow, mismatch: Mismatch, out: Alert[] | null): readonly Alert[] {
    const timeMs = eventMs(flow);
    hashMismatch(flow, mismatch);
    const slot = count(flow, timeMs);
    const severity = severityOf(flow, mismatch);
    const peer = nameOf(mismatch.side === 'source' ? flow.destination : flow.source);
    const alert = book.get(handleOf(hash));
    if (alert !== undefined) {
      alert.facts['connections'] = connections.at[slot]!;
      book.add(alert, flow, { severity, peer }, (out ??= []));
      return out;
    }
    const isPlain =
      flows.at[slot]! >= options.minFlows &&
      connections.at[slot]! >= options.minConnections &&
      timeMs - sinceMs.at[slot]! >= options.settleMs;
    if (!isPlain) return out ?? NONE;
    open(flow, mismatch, { slot, severity, peer }, (out ??= []));
    return out;
  }

  /** Counts a flow, and the connection it belongs to: pieces of one have one source port. */
  function count(flow: Flow, timeMs: number): number {
    const slot = pending.claim(hash);
    if (flows.at[slot] === 0 || timeMs - lastMs.at[slot]! > options.windowMs) {
      sinceMs.at[slot] = timeMs;
      flows.at[slot] = 0;
      connections.at[slot] = 0;
      lastPort.at[slot] = 0;
    }
    lastMs.at[slot] = timeMs;
    flows.at[slot] = flows.at[slot]! + 1;
    const port = (flow.source.port ?? 0) + 1;
    if (flow.unit === 'connection' || port === 1 || lastPort.at[slot] !== port) {
      connections.at[slot] = connections.at[slot]! + 1;
    }
    lastPort.at[slot] = port;
    return slot;
  }

  function open(
    flow: Flow,
    { kind, policy, side }: Mismatch,
    found: { readonly slot: number; readonly severity: Severity; readonly peer: string },
    out: Alert[],
  ): void {
    const about = side === 'source' ? flow.source : flow.destination;
    const target = newParty({ key: `policy/${policyKey(policy)}` });
    target.kind = 'policy';
    target.namespace = policy.namespace;
    target.name = policyName(policy);
    book.open(
      handleOf(hash),
      flow,
      {
        key: `${flow.cluster} ${entityKey(about)} ${kind} ${policyKey(policy)}`,
        about: side,
        entity: partyOf(about),
        target,
        rule: kind === 'passed_but_denied' ? 'Policy not enforced' : 'Denied against policy',
        severity: found.severity,
        attack: kind === 'passed_but_denied' ? [attacks.impairDefenses] : [],
        query: sideQuery(side, about),
        earlier: { count: flows.at[found.slot]! - 1, firstMs: sinceMs.at[found.slot]!, ports: [] },
        facts: {
          kind: mismatches.indexOf(kind),
          connections: connections.at[found.slot]!,
          minFlows: options.minFlows,
          minConnections: options.minConnections,
          settleMs: options.settleMs,
        },
        peer: found.peer,
      },
      out,
    );
  }

  function hashMismatch(flow: Flow, { kind, policy, side }: Mismatch): void {
    startHash(hash);
    addText(hash, kind);
    addText(hash, flow.cluster);
    addText(hash, entityKey(side === 'source' ? flow.source : flow.destination));
    addText(hash, policyKey(policy));
    finishHash(hash);
  }

  return {
    key: 'endpoint',
    observe,
    advance: book.advance,
    ...stateOf(NAME, STATE_VERSION, [pending, book]),
    status: () => ({ state: 'ready', keys: pending.size }),
  };
}

/** What is not enforced is medium, high in a compliance scope; what is refused against policy is a fault, low. */
function severityOf(flow: Flow, { kind }: Mismatch): Severity {
  if (kind === 'denied_but_allowed') return 'low';
  return flow.source.scopes.length > 0 || flow.destination.scopes.length > 0 ? 'high' : 'medium';
}

const policyKey = ({ kind, tier, namespace, name, direction }: Mismatch['policy']): string =>
  `${kind ?? ''}/${tier ?? ''}/${namespace ?? ''}/${name ?? `default deny ${direction ?? ''}`}`;
