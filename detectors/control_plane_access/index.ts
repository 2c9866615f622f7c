import type { Detector, DetectorContext, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { newParty } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import { createBaseline } from '../baseline.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { eventMs } from '../event-time.ts';
import { addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createKnownGood } from '../known-good/index.ts';
import { compileFilters } from '../filters.ts';
import { entityKey, nameOf, partyOf } from '../party.ts';
import { createRecentSet } from '../recent-set.ts';
import { sideQuery } from '../search-link.ts';
import { stateOf } from '../snapshot.ts';
import { about, explain, kinds, severityOf } from './explain.ts';
import { createExistingClients, type Gathered } from './existing.ts';
import type { Options } from './options.ts';
import { targetOf, targets, type Target } from './target.ts';

const NAME = 'control_plane_access';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];

/**
 * Finds who talks to API server, kubelets, etcd, scheduler, controller manager or the cloud metadata service and never
 * did before. Sources from inside are handled in their own lane, those from the internet, of which there is no end, in
 * that of what they reached.
 */
export function create(options: Options): DetectorFactory {
  const isKnownGood = options.knownGood
    ? createKnownGood(['kubelet', 'controller', 'monitoring', 'cloud', 'probe'])
    : () => null;
  const isAllowed = compileFilters(`detectors.${NAME}.allow`, options.allow);
  return (context) =>
    createControlPlaneAccess(options, context, (flow) => isAllowed(flow) || isKnownGood(flow) !== null);
}

function createControlPlaneAccess(
  options: Options,
  context: DetectorContext,
  isExpected: (flow: Flow) => boolean,
): Detector {
  const { evicted, maxKeys } = context;
  const baseline = createBaseline('baseline', options.baselineMs);
  /** Pairs of client and target that were met: an alert is about the first contact alone. */
  const known = createRecentSet({ name: 'known', maxKeys, keepMs: options.keepMs, evicted });
  const book = createAlertBook({
    name: 'clients',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const existing = createExistingClients('existing');
  const hash = newHash();

  function passTime(timeMs: number): Alert[] | null {
    if (timeMs <= book.dueMs) return null;
    const out: Alert[] = [];
    book.closeDue(timeMs, out);
    return out;
  }

  function observe(flow: Flow, role: Role): readonly Alert[] {
    const timeMs = eventMs(flow);
    const out = passTime(timeMs);
    baseline.pass(flow.cluster, timeMs);
    const target = targetOf(flow);
    if (target === null) return out ?? NONE;
    const outside = flow.source.kind === 'public';
    if (outside !== (role === 'destination')) return out ?? NONE;
    return contacted(flow, target, outside, out);
  }

  function contacted(flow: Flow, target: Target, outside: boolean, out: Alert[] | null): readonly Alert[] {
    const outcome = contactOutcome(flow);
    if (outcome === outcomes.none) return out ?? NONE;
    const blocked = outcome === outcomes.failed;
    // What the internet knocks at in vain is weather.
    if (outside && blocked) return out ?? NONE;
    const timeMs = eventMs(flow);
    startHash(hash);
    addText(hash, flow.cluster);
    addText(hash, outside ? '' : entityKey(flow.source));
    addText(hash, outside ? entityKey(flow.destination) : '');
    // A contact that worked is another matter than one that was blocked before.
    addText(hash, blocked ? `${target} blocked` : target);
    finishHash(hash);
    const alert = book.get(handleOf(hash));
    if (alert !== undefined) {
      known.meet(hash, timeMs);
      // A client that goes on for days is not news: the alert is about how it began.
      if (timeMs - alert.firstMs <= options.quietMs) {
        book.add(alert, flow, { severity: severityOf(flow, target, { outside, blocked }) }, (out ??= []));
      }
      return out ?? NONE;
    }
    const isNew = known.add(hash, timeMs);
    if (baseline.isLearning(flow.cluster, timeMs)) {
      if (isNew && !isExpected(flow)) {
        const name = `${nameOf(flow.source)} -> ${about[target].name}`;
        existing.add(flow.cluster, { name, port: flow.destination.port, timeMs });
      }
      return out ?? NONE;
    }
    if (isNew && !isExpected(flow)) open(flow, target, { outside, blocked }, (out ??= []));
    const gathered = existing.take(flow.cluster);
    if (gathered !== undefined) list(flow, gathered, (out ??= []));
    return out ?? NONE;
  }

  /** The list of those who talked when detection began, told with the first flow after it was learned. */
  function list(flow: Flow, gathered: Gathered, out: Alert[]): void {
    const key = `existing|${flow.cluster}|${context.lane}`;
    startHash(hash);
    addText(hash, key);
    finishHash(hash);
    const entity = newParty({ key: flow.cluster });
    entity.kind = 'cluster';
    entity.name = flow.cluster;
    book.open(
      handleOf(hash),
      flow,
      {
        key,
        about: 'source',
        entity,
        target: null,
        rule: 'Existing clients of the control plane',
        severity: 'info',
        attack: [],
        query: 'destination.port : (6443 or 10250 or 2379 or 2380) or destination.ip : 169.254.169.254',
        earlier: {
          count: gathered.clients,
          firstMs: gathered.firstMs,
          ports: gathered.ports,
          peers: gathered.names,
        },
        facts: {
          kind: kinds.existing,
          clients: gathered.clients,
          historyMs: baseline.historyMs(flow.cluster, eventMs(flow)),
        },
        peer: null,
      },
      out,
    );
  }

  function open(
    flow: Flow,
    target: Target,
    found: { outside: boolean; blocked: boolean },
    out: Alert[],
  ): void {
    const { source, destination } = flow;
    const side = found.outside ? sideQuery('destination', destination) : sideQuery('source', source);
    const reached = partyOf(destination);
    reached.port = destination.port;
    const place =
      target === 'metadata'
        ? `destination.ip : "${destination.ip}"`
        : `destination.port : ${destination.port}`;
    book.open(
      handleOf(hash),
      flow,
      {
        key: `${flow.cluster}|${entityKey(found.outside ? destination : source)}|${target}|${found.blocked}`,
        about: found.outside ? 'destination' : 'source',
        entity: partyOf(found.outside ? destination : source),
        target: found.outside ? null : reached,
        rule: found.outside
          ? 'Control plane reached from the internet'
          : 'First contact with the control plane',
        severity: severityOf(flow, target, found),
        attack: found.outside
          ? [attacks.externalRemoteServices, ...about[target].attack]
          : about[target].attack,
        query: `${side} and ${place}`,
        facts: {
          kind: found.outside ? kinds.outside : kinds.client,
          target: targets.indexOf(target),
          defaultAccount: source.serviceAccount === 'default' ? 1 : 0,
          historyMs: baseline.historyMs(flow.cluster, eventMs(flow)),
          baselineMs: options.baselineMs,
        },
      },
      out,
    );
  }

  return {
    key: 'endpoint',
    observe,
    advance: (watermarkMs) => passTime(watermarkMs) ?? NONE,
    ...stateOf(NAME, STATE_VERSION, [baseline, known, existing, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({ state: baseline.state(atMs), keys: known.size }),
  };
}
