import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { elasticsearch } from '../services/elasticsearch.ts';
import { kafka, type KafkaService } from '../services/kafka.ts';
import { freePort, until } from '../services/process.ts';
import { rsyslog } from '../services/rsyslog.ts';
import { seededRandom } from '../helpers/random.ts';
import { weirCluster, type Cluster } from './cluster.ts';

const FLOWS = 200_000;
const PATIENCE_MS = 240_000;

/** Every flow once in Elasticsearch, and the alerts of a replay. */
async function complete(cluster: Cluster, flows: number): Promise<void> {
  try {
    await until(
      `${flows} flows in Elasticsearch`,
      async () => (await cluster.flowsInElasticsearch()) >= flows,
      {
        timeoutMs: PATIENCE_MS,
        everyMs: 1000,
      },
    );
    assert.equal(await cluster.flowsInElasticsearch(), flows);
    const expected = await cluster.replayed();
    assert.ok(expected.size > 5, `only ${expected.size} alerts are expected`);
    await until(`${expected.size} revisions of alerts`, () => cluster.alerts().size >= expected.size, {
      timeoutMs: PATIENCE_MS,
      everyMs: 500,
    });
    const found = cluster.alerts();
    assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
    for (const [key, alert] of expected) assert.deepEqual(found.get(key), alert);
  } catch (error) {
    console.error(String(error).slice(0, 4000));
    for (const each of cluster.processes) console.error(`--- ${each.name}\n${each.log().slice(-3000)}`);
    throw error;
  }
}

/** Kills one process after another while flows pass, each started again at once. */
async function killing(cluster: Cluster, kills: number, seed: number): Promise<void> {
  const random = seededRandom(seed);
  for (let i = 0; i < kills; i++) {
    await new Promise((resolve) => setTimeout(resolve, 500 + random() * 1500));
    const victim = cluster.processes[i % cluster.processes.length]!;
    await victim.kill();
    victim.start();
  }
}

async function servers(
  t: TestContext,
  nodes: 1 | 3,
): Promise<{ brokers: KafkaService; es: NonNullable<Awaited<ReturnType<typeof elasticsearch>>> } | null> {
  const brokers = await kafka(t, nodes === 1 ? {} : { nodes });
  if (!brokers) return null;
  const es = await elasticsearch(t, {});
  return es && { brokers, es };
}

test(
  'every process killed while 200,000 flows pass, the SIEM down all the while',
  { timeout: 900_000 },
  async (t) => {
    const far = await servers(t, 1);
    if (!far) return;
    const siemPort = await freePort();
    const cluster = await weirCluster(t, {
      kafka: far.brokers,
      elasticsearch: far.es,
      siemPort,
      detectors: 2,
    });
    await Promise.all([cluster.feed(FLOWS), killing(cluster, 10, 42)]);
    await complete(cluster, FLOWS);
    // Elasticsearch has everything although the SIEM was never there; now the SIEM gets it too.
    const siem = await rsyslog(t, { tcpPort: siemPort });
    if (!siem) return;
    const expected = new Set(cluster.alerts().keys());
    await until(
      'the SIEM has every alert',
      async () => (await identities(siem.messages())).size >= expected.size,
      {
        timeoutMs: PATIENCE_MS,
        everyMs: 500,
      },
    );
    assert.deepEqual(await identities(siem.messages()), expected);
  },
);

async function identities(messages: Promise<readonly { readonly sd: string }[]>): Promise<Set<string>> {
  return new Set(
    (await messages).map(
      ({ sd }) => `${/ id="([^"]*)"/.exec(sd)?.[1] ?? ''}-${/ rev="([^"]*)"/.exec(sd)?.[1] ?? ''}`,
    ),
  );
}

test(
  'four detector processes; a leader moves, a broker dies, Elasticsearch dies',
  { timeout: 900_000 },
  async (t) => {
    const far = await servers(t, 3);
    if (!far) return;
    const cluster = await weirCluster(t, {
      kafka: far.brokers,
      elasticsearch: far.es,
      siemPort: await freePort(),
      detectors: 4,
    });
    const feeding = cluster.feed(100_000);
    await until('the first flows are there', async () => (await cluster.flowsInElasticsearch()) > 0, {
      timeoutMs: 120_000,
    });
    const flowsTopic = (await far.brokers.admin.listTopics()).find((name) => name.endsWith('weir.flows'))!;
    await far.brokers.moveLeader(flowsTopic, 0);
    await far.es.kill?.();
    await far.brokers.kill9(2);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await far.es.restart?.();
    await far.brokers.restart(2);
    await feeding;
    await complete(cluster, 100_000);
  },
);

test('one detector process gives the same alerts', { timeout: 600_000 }, async (t) => {
  const far = await servers(t, 1);
  if (!far) return;
  const cluster = await weirCluster(t, {
    kafka: far.brokers,
    elasticsearch: far.es,
    siemPort: await freePort(),
    detectors: 1,
  });
  await cluster.feed(50_000);
  await complete(cluster, 50_000);
});
