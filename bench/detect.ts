import { fileURLToPath } from 'node:url';
import { readRuleFile } from '../cli/config/rules.ts';
import { create as createRule } from '../detectors/rule/index.ts';
import { options as ruleOptions } from '../detectors/rule/options.ts';
import { createRoute } from '../detectors/rule/route.ts';
import { compileRule } from '../detectors/rule/rule.ts';
import { createSchedule } from '../detectors/rule/schedule.ts';
import type { Detector, DetectorFactory } from '../pipeline/contracts.ts';
import type { RuleLanes } from '../pipeline/lane-plan.ts';
import { partitionOf } from '../pipeline/partition.ts';
import { create as createBeacon } from '../detectors/beacon/index.ts';
import { options as beaconOptions } from '../detectors/beacon/options.ts';
import { create as createBruteForce } from '../detectors/brute_force/index.ts';
import { options as bruteForceOptions } from '../detectors/brute_force/options.ts';
import { create as createControlPlaneAccess } from '../detectors/control_plane_access/index.ts';
import { options as controlPlaneAccessOptions } from '../detectors/control_plane_access/options.ts';
import { create as createDenyBurst } from '../detectors/deny_burst/index.ts';
import { options as denyBurstOptions } from '../detectors/deny_burst/options.ts';
import { create as createDistributedScan } from '../detectors/distributed_scan/index.ts';
import { options as distributedScanOptions } from '../detectors/distributed_scan/options.ts';
import { create as createDnsAbuse } from '../detectors/dns_abuse/index.ts';
import { options as dnsAbuseOptions } from '../detectors/dns_abuse/options.ts';
import { create as createFlood } from '../detectors/flood/index.ts';
import { options as floodOptions } from '../detectors/flood/options.ts';
import { create as createExfiltration } from '../detectors/exfiltration/index.ts';
import { options as exfiltrationOptions } from '../detectors/exfiltration/options.ts';
import { create as createLateralMovement } from '../detectors/lateral_movement/index.ts';
import { options as lateralMovementOptions } from '../detectors/lateral_movement/options.ts';
import { create as createLongConnection } from '../detectors/long_connection/index.ts';
import { options as longConnectionOptions } from '../detectors/long_connection/options.ts';
import { create as createNewEdge } from '../detectors/new_edge/index.ts';
import { options as newEdgeOptions } from '../detectors/new_edge/options.ts';
import { create as createThreatIntel } from '../detectors/threat_intel/index.ts';
import { options as threatIntelOptions } from '../detectors/threat_intel/options.ts';
import { create as createVerdictMismatch } from '../detectors/verdict_mismatch/index.ts';
import { options as verdictMismatchOptions } from '../detectors/verdict_mismatch/options.ts';
import { create as createVolume } from '../detectors/volume/index.ts';
import { options as volumeOptions } from '../detectors/volume/options.ts';
import { create as createPolicyChange } from '../detectors/policy_change/index.ts';
import { options as policyChangeOptions } from '../detectors/policy_change/options.ts';
import { create as createPolicyDenied } from '../detectors/policy_denied/index.ts';
import { options as policyDeniedOptions } from '../detectors/policy_denied/options.ts';
import { create as createPortScan } from '../detectors/port_scan/index.ts';
import { options as portScanOptions } from '../detectors/port_scan/options.ts';
import { create as createSilence } from '../detectors/silence/index.ts';
import { options as silenceOptions } from '../detectors/silence/options.ts';
import { newEndpoint, newFlow, type Flow } from '../schema/records.ts';
import { clusterFlows } from './flows.ts';
import { measure, type BenchRow } from './measure.ts';

const LANES = 12;
const FLOWS = 100_000;
const ROUNDS = 4;
const MAX_KEYS = 100_000;

const portScan = createPortScan(portScanOptions.parse({}));
const policyDenied = createPolicyDenied(policyDeniedOptions.parse({}));
/** A list as feeds are: 100,000 addresses and 1,000 networks. */
const listed = Array.from({ length: 101_000 }, (_, i) =>
  i < 100_000
    ? `${11 + (i % 150)}.${(i >> 8) & 255}.${i & 255}.${(i * 7) % 255}`
    : `${11 + (i % 150)}.${i & 255}.0.0/24`,
);
const edges: Readonly<Record<string, DetectorFactory>> = {
  control_plane_access: createControlPlaneAccess(controlPlaneAccessOptions.parse({})),
  new_edge: createNewEdge(newEdgeOptions.parse({})),
  lateral_movement: createLateralMovement(lateralMovementOptions.parse({})),
  brute_force: createBruteForce(bruteForceOptions.parse({})),
  threat_intel: createThreatIntel(
    threatIntelOptions.parse({ lists: [{ name: 'bench', entries: listed.join('\n') }] }),
  ),
  verdict_mismatch: createVerdictMismatch(verdictMismatchOptions.parse({})),
  distributed_scan: createDistributedScan(distributedScanOptions.parse({})),
};

/** Detectors of what leaves the cluster. */
const egress: Readonly<Record<string, DetectorFactory>> = {
  beacon: createBeacon(beaconOptions.parse({})),
  dns_abuse: createDnsAbuse(dnsAbuseOptions.parse({})),
  exfiltration: createExfiltration(exfiltrationOptions.parse({})),
  long_connection: createLongConnection(longConnectionOptions.parse({})),
};

/** Detectors of how much there is of it. */
const amounts: Readonly<Record<string, DetectorFactory>> = {
  deny_burst: createDenyBurst(denyBurstOptions.parse({})),
  flood: createFlood(floodOptions.parse({})),
  volume: createVolume(volumeOptions.parse({})),
};

/** Detectors of what becomes of the watch itself. */
const watch: Readonly<Record<string, DetectorFactory>> = {
  policy_change: createPolicyChange(policyChangeOptions.parse({})),
  silence: createSilence(silenceOptions.parse({})),
};

/** Detectors on ordinary traffic of a cluster, a fifth of it denied, and on a flood from spoofed sources. */
export async function bench(): Promise<BenchRow[]> {
  const ordinary = inLanes(clusterFlows()(0, FLOWS));
  const flood = inLanes(spoofed(FLOWS));
  const floor = 'detect: hand out flows to lanes';
  const run = (
    name: string,
    flows: readonly Placed[],
    factories: readonly DetectorFactory[],
    ruleLanes: RuleLanes = () => [],
  ): Promise<BenchRow> => {
    // State is kept over the rounds, as in a process that runs on: later rounds meet what earlier ones left.
    const detectors = factories.map((factory) =>
      Array.from({ length: LANES }, (_, lane) =>
        factory({ lane, lanes: LANES, maxKeys: MAX_KEYS, contentVersion: '', evicted() {} }),
      ),
    );
    return measure({ name, unit: 'flows', ...(name === floor ? {} : { floor }) }, FLOWS * ROUNDS, () => {
      for (let round = 0; round < ROUNDS; round++) show(flows, detectors, ruleLanes);
    });
  };
  const alone: BenchRow[] = [];
  for (const [name, factory] of Object.entries({ ...edges, ...egress, ...amounts, ...watch })) {
    alone.push(await run(`detect: ${name}, ordinary traffic`, ordinary, [factory]));
  }
  const rules = readRuleFile(fileURLToPath(new URL('../../rules/recommended.yaml', import.meta.url))).rules;
  const schedule = createSchedule(rules.map(({ definition }) => compileRule(definition)));
  const all = [
    portScan,
    policyDenied,
    ...[edges, egress, amounts, watch].flatMap((some) => Object.values(some)),
    createRule(ruleOptions.parse({}), schedule),
  ];
  const together = `detect: all ${all.length} together with the rules that come with Weir`;
  return [
    await run(floor, ordinary, []),
    await run('detect: port_scan, ordinary traffic', ordinary, [portScan]),
    await run('detect: policy_denied, ordinary traffic', ordinary, [policyDenied]),
    await run('detect: both, ordinary traffic', ordinary, [portScan, policyDenied]),
    await run('detect: both, spoofed flood', flood, [portScan, policyDenied]),
    ...alone,
    await run('detect: these seven, ordinary traffic', ordinary, Object.values(edges)),
    await run('detect: these seven, spoofed flood', flood, Object.values(edges)),
    await run('detect: egress together, ordinary traffic', ordinary, Object.values(egress)),
    await run('detect: egress together, spoofed flood', flood, Object.values(egress)),
    await run('detect: amounts together, ordinary traffic', ordinary, Object.values(amounts)),
    await run('detect: amounts together, spoofed flood', flood, Object.values(amounts)),
    await run('detect: silence and policy_change, spoofed flood', flood, Object.values(watch)),
    await run(`${together}, ordinary traffic`, ordinary, all, createRoute(schedule, LANES)),
    await run(`${together}, spoofed flood`, flood, all, createRoute(schedule, LANES)),
  ];
}

/** A flow with the lanes of its two copies. */
interface Placed {
  readonly flow: Flow;
  readonly source: number;
  readonly destination: number;
}

const inLanes = (flows: readonly Flow[]): Placed[] =>
  flows.map((flow) => ({
    flow,
    source: partitionOf(flow.source.entity ?? '', LANES),
    destination: partitionOf(flow.destination.entity ?? '', LANES),
  }));

let seen = 0;

function show(
  flows: readonly Placed[],
  detectors: readonly (readonly Detector[])[],
  ruleLanes: RuleLanes,
): void {
  const withKey = (...keys: readonly Detector['key'][]) =>
    detectors.filter((lanes) => keys.includes(lanes[0]!.key));
  const bySource = withKey('source', 'endpoint', 'rule');
  const byDestination = withKey('destination', 'endpoint', 'rule');
  const byRule = withKey('rule');
  for (const { flow, source, destination } of flows) {
    seen += source + destination;
    for (const lanes of bySource) seen += count(lanes[source]!.observe(flow, 'source'));
    for (const lanes of byDestination) seen += count(lanes[destination]!.observe(flow, 'destination'));
    for (const lane of ruleLanes(flow))
      for (const lanes of byRule) seen += count(lanes[lane]!.observe(flow, 'rule'));
  }
}

function count(alerts: Iterable<unknown>): number {
  return (alerts as readonly unknown[]).length;
}

/** SYNs without an answer, each from an address of its own, at one victim. */
function spoofed(flows: number): Flow[] {
  return Array.from({ length: flows }, (_, i) => {
    const source = newEndpoint();
    source.ip = `${1 + ((i * 7) % 200)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
    source.kind = 'public';
    source.entity = `ip/${source.ip}`;
    source.port = 1_024 + (i % 60_000);
    const destination = newEndpoint();
    destination.ip = '10.10.10.10';
    destination.kind = 'workload';
    destination.entity = 'prod-eu-1/games/Deployment/server';
    destination.port = 25_565;
    const timeMs = 1_767_225_600_000 + Math.floor(i / 50);
    const flow = newFlow({
      id: `flood-${i}`,
      origin: 'flood',
      position: i,
      cluster: 'prod-eu-1',
      collector: 'zeek_conn',
      startMs: timeMs,
      endMs: timeMs,
      receivedMs: timeMs,
      source,
      destination,
    });
    flow.protocol = 6;
    flow.connectionsStarted = 1;
    flow.connectionsCompleted = 0;
    flow.connectionsLive = 0;
    flow.sourcePackets = 1;
    flow.destinationPackets = 0;
    return flow;
  });
}
