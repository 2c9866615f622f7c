import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEnricher } from '../enricher/index.ts';
import { networkTable } from '../query/networks.ts';
import { options } from '../enricher/options.ts';
import { newEndpoint, newFlow, type Flow } from '../schema/records.ts';
import { generateCluster, PCI_LABEL, TENANT_LABEL, type GeneratedCluster } from '../test/helpers/cluster.ts';
import { testContext } from '../test/helpers/context.ts';
import { T0 } from '../test/helpers/flows.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { measure, type BenchRow } from './measure.ts';

/** A batch as a decoder would hand it over: small enough to be in the processor's cache still. */
const BATCH = 2_000;
const BATCHES = 100;
const FLOWS = BATCH * BATCHES;

/** Enriching with 300 namespaces and 6,000 pods: the cache warm and cold, the source silent or naming its pods. */
export async function bench(): Promise<BenchRow[]> {
  const cluster = generateCluster({ namespaces: 300, nodes: 100, deploymentsPerNamespace: 4, replicas: 5 });
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  try {
    const path = join(directory, 'cluster.json');
    writeFileSync(path, JSON.stringify(cluster.list));
    const config = options.parse({
      inventory: { files: [path] },
      networks: { internal: ['10.0.0.0/8'], named: { partners: ['203.0.113.0/28', '198.51.100.0/24'] } },
      tenants: { label: TENANT_LABEL, default: 'platform' },
      scopes: { pci: { namespaceLabel: { [PCI_LABEL]: 'true' }, cidrs: ['10.40.0.0/16'] } },
    });
    const enricher = await createEnricher(config, testContext());
    const { signal } = new AbortController();
    await enricher.start(signal);
    const rows: BenchRow[] = [];
    const run = async (name: string, named: boolean, before: () => void): Promise<void> => {
      const flows = makeFlows(cluster, named);
      const clean = { source: newEndpoint(), destination: newEndpoint() };
      const reset = (): void => {
        for (const flow of flows) {
          forget(flow, 'source', clean.source, named);
          forget(flow, 'destination', clean.destination, named);
          flow.service = null;
        }
      };
      const floor = await measure({ name: `${name}: reset only`, unit: 'flows' }, FLOWS, () => {
        for (let i = 0; i < BATCHES; i++) reset();
      });
      const whole = await measure({ name, unit: 'flows' }, FLOWS, async () => {
        for (let i = 0; i < BATCHES; i++) {
          reset();
          before();
          await enricher.apply(flows, signal);
        }
      });
      const cpuSecondsPerMillion = whole.cpuSecondsPerMillion - floor.cpuSecondsPerMillion;
      rows.push({
        name,
        unit: 'flows',
        perSecond: 1 / (1 / whole.perSecond - 1 / floor.perSecond),
        cpuSecondsPerMillion,
      });
    };
    await run('enrich: addresses, warm', false, () => {});
    await run('enrich: pods named by the source, warm', true, () => {});
    await run('enrich: addresses, cold cache', false, () => enricher.reload(config));
    await enricher.stop();
    rows.push(await networks());
    return rows;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Four flows in five inside the cluster, the rest to the internet. */
function makeFlows(cluster: GeneratedCluster, named: boolean): Flow[] {
  const random = seededRandom(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  return Array.from({ length: BATCH }, (_, position) => {
    const source = newEndpoint();
    const destination = newEndpoint();
    const from = pick(cluster.pods);
    source.ip = from.ip;
    source.port = 32_768 + Math.floor(random() * 28_000);
    if (named) [source.namespace, source.pod] = [from.namespace, from.name];
    const way = random();
    if (way < 0.5) {
      const to = pick(cluster.pods);
      [destination.ip, destination.port] = [to.ip, to.port];
      if (named) [destination.namespace, destination.pod] = [to.namespace, to.name];
    } else if (way < 0.8) {
      const to = pick(cluster.services);
      [destination.ip, destination.port] = [to.ip, to.port];
    } else {
      const host = Math.floor(random() * 5_000);
      [destination.ip, destination.port] = [`93.184.${host >> 8}.${host & 255}`, 443];
    }
    const startMs = T0 + position;
    const flow = newFlow({
      id: String(position),
      origin: 'bench',
      position,
      cluster: 'test',
      collector: 'bench',
      startMs,
      endMs: startMs + 1_000,
      receivedMs: startMs,
      source,
      destination,
    });
    flow.protocol = 6;
    return flow;
  });
}

function forget(flow: Flow, side: 'source' | 'destination', clean: Flow['source'], named: boolean): void {
  const endpoint = flow[side];
  endpoint.kind = 'unknown';
  endpoint.workloadKind = endpoint.workload = endpoint.entity = endpoint.serviceAccount = null;
  endpoint.node =
    endpoint.zone =
    endpoint.labels =
    endpoint.networkSet =
    endpoint.tenant =
    endpoint.owner =
      null;
  endpoint.scopes = clean.scopes;
  if (!named) endpoint.namespace = endpoint.pod = null;
}

async function networks(): Promise<BenchRow> {
  const random = seededRandom(3);
  const byte = (): number => Math.floor(random() * 256);
  const table = networkTable(
    Array.from({ length: 5_000 }, (_, value) => ({
      cidr: `${byte()}.${byte()}.${byte()}.0/${16 + (value % 9)}`,
      value,
    })),
  );
  const addresses = Array.from({ length: 100_000 }, () => `${byte()}.${byte()}.${byte()}.${byte()}`);
  let found = 0;
  return measure(
    { name: 'enrich: network of an address among 5,000', unit: 'addresses' },
    addresses.length,
    () => {
      for (const ip of addresses) found += table.find(ip).length;
      return found;
    },
  );
}
