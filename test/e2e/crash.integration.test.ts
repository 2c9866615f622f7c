import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { elasticsearch, type Elasticsearch } from '../services/elasticsearch.ts';
import { kafka, type KafkaOptions, type KafkaService } from '../services/kafka.ts';
import { freePort } from '../services/process.ts';
import { rsyslog, type Rsyslog } from '../services/rsyslog.ts';
import { seededRandom } from '../helpers/random.ts';
import { PIECE, weirCluster, type Cluster } from './cluster.ts';
import { alertsIn, sameAlerts, sameFlows } from './far-side.ts';

const FLOWS = 200_000;
/** With the other numbers of detectors half of it is enough to see a difference, and keeps a run of everything short. */
const FEWER = 100_000;
/** What has begun to arrive and then does not for so long is stuck, on however slow a machine. */
const STUCK_MS = 180_000;
/** Marks of event time are entries of the log too, and there are always some on their way. */
const MARKS_UNDER_WAY = 2000;

interface Servers {
  readonly brokers: KafkaService;
  readonly es: Elasticsearch;
}

async function servers(t: TestContext, options: KafkaOptions): Promise<Servers | null> {
  const brokers = await kafka(t, options);
  if (!brokers) return null;
  const es = await elasticsearch(t, {});
  return es && { brokers, es };
}

/** Resolves when `goal` is reached. However long that takes: it fails when nothing more comes. */
async function arrive(what: string, goal: number, count: () => number | Promise<number>): Promise<void> {
  let most = -Infinity;
  for (let sinceMs = Date.now(); ;) {
    const there = await Promise.resolve()
      .then(count)
      .catch(() => -Infinity);
    if (there >= goal) return;
    if (there > most) [most, sinceMs] = [there, Date.now()];
    else if (Date.now() - sinceMs > STUCK_MS)
      throw new Error(`${what}: ${most} of ${goal}, and nothing more for ${STUCK_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Adds to a failure what the processes said last. */
async function explained(cluster: Cluster, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    console.error(String(error).slice(0, 4000));
    for (const each of cluster.processes) console.error(`--- ${each.name}\n${each.log().slice(-3000)}`);
    throw error;
  }
}

/**
 * Kills each of the victims, in this order and each at a random moment while flows pass, and starts it again at
 * once. `flows` in all are fed meanwhile, in equal parts; the next one dies when flows have arrived again.
 */
async function killing(
  cluster: Cluster,
  victims: readonly string[],
  { flows, seed }: { readonly flows: number; readonly seed: number },
): Promise<void> {
  const random = seededRandom(seed);
  for (const name of victims) {
    const victim = cluster.processes.find((each) => each.name === name)!;
    let isFed = false;
    const feeding = cluster.feed(Math.floor(flows / victims.length)).then(() => (isFed = true));
    // Within the time that feeding takes at least, so that it is always under way.
    const feedingMs = (flows / victims.length / PIECE.lines) * PIECE.pauseMs;
    await new Promise((resolve) => setTimeout(resolve, random() * 0.8 * feedingMs));
    const arrived = await cluster.inElasticsearch('flow').catch(() => 0);
    assert.ok(!isFed || arrived < cluster.fed, `${name} is killed while nothing passes`);
    await victim.kill();
    victim.start();
    await feeding;
    await arrive(`flows after ${name} was killed`, arrived + 1, () => cluster.inElasticsearch('flow'));
  }
}

/** Names of the processes of a role, over and over. */
const times = (count: number, ...names: readonly string[]): string[] =>
  Array<readonly string[]>(count).fill(names).flat();

/** Every flow once in Elasticsearch as `replay` has it, and every alert, wherever alerts go. */
async function complete(cluster: Cluster, { es }: Servers): Promise<Map<string, unknown>> {
  await arrive('flows in Elasticsearch', cluster.fed, () => cluster.inElasticsearch('flow'));
  const { alerts, flowsFile } = await cluster.replayed();
  await sameFlows(es, cluster.namespace, flowsFile);
  assert.ok(alerts.size > 5, `only ${alerts.size} alerts are expected`);
  await arrive('revisions of alerts', alerts.size, () => cluster.alerts().size);
  const found = cluster.alerts();
  assert.deepEqual([...found.keys()].sort(), [...alerts.keys()].sort());
  for (const [key, alert] of alerts) assert.deepEqual(found.get(key), alert);
  await arrive('alerts in Elasticsearch', alerts.size, () => cluster.inElasticsearch('alert'));
  await arrive('what Elasticsearch is owed', -MARKS_UNDER_WAY, async () => -(await cluster.lagOf('elastic')));
  await sameAlerts(es, cluster.namespace, alerts);
  return alerts;
}

/** The SIEM has every revision, each as `replay` has it, perhaps more than once. */
async function siemHas(siem: Rsyslog, alerts: ReadonlyMap<string, unknown>): Promise<void> {
  const keys = async (): Promise<Set<string>> =>
    new Set(alertsIn(await siem.messages()).map(({ key }) => key));
  await arrive('alerts in the SIEM', alerts.size, async () => (await keys()).size);
  for (const { key, alert } of alertsIn(await siem.messages())) assert.deepEqual(alert, alerts.get(key));
}

test(
  'every process killed again and again while 200,000 flows pass, the SIEM down all the while',
  { timeout: 1_800_000 },
  async (t) => {
    const far = await servers(t, { version: '4.1.1' });
    if (!far) return;
    const siemPort = await freePort();
    const cluster = await weirCluster(t, {
      kafka: far.brokers,
      elasticsearch: far.es,
      siemPort,
      detectors: 2,
    });
    await explained(cluster, async () => {
      const round = ['detectors-2', 'collector-0', 'enricher-1', 'sinks-4', 'detectors-3'];
      await killing(cluster, times(2, ...round), { flows: FLOWS / 2, seed: 42 });
      cluster.rotate();
      await killing(cluster, round.toReversed(), { flows: FLOWS / 4, seed: 43 });
      await cluster.feed(FLOWS - cluster.fed);
      const alerts = await complete(cluster, far);
      // Elasticsearch has everything, although nothing of what the SIEM is owed was ever taken.
      assert.ok((await cluster.lagOf('siem')) >= alerts.size);
      const siem = await rsyslog(t, { tcpPort: siemPort });
      if (!siem) return;
      await siemHas(siem, alerts);
      await arrive('what the SIEM is owed', 0, async () => -(await cluster.lagOf('siem')));
    });
  },
);

test(
  'four detector processes; a leader moves, a broker, Elasticsearch and the SIEM die while processes are killed',
  { timeout: 1_800_000 },
  async (t) => {
    const far = await servers(t, { version: '4.1.1', nodes: 3 });
    if (!far) return;
    const siem = await rsyslog(t);
    if (!siem) return;
    const cluster = await weirCluster(t, {
      kafka: far.brokers,
      elasticsearch: far.es,
      siemPort: siem.tcpPort,
      detectors: 4,
    });
    await explained(cluster, async () => {
      await killing(cluster, ['detectors-2', 'enricher-1'], { flows: FEWER / 5, seed: 7 });
      const feeding = cluster.feed((3 * FEWER) / 10);
      const flowsTopic = (await far.brokers.admin.listTopics()).find((name) => name.endsWith('weir.flows'))!;
      await far.brokers.moveLeader(flowsTopic, 0);
      await siem.kill();
      await far.es.kill?.();
      await far.brokers.kill9(2);
      await feeding;
      await far.es.restart?.();
      await killing(cluster, ['detectors-3', 'sinks-6'], { flows: FEWER / 5, seed: 8 });
      await far.brokers.restart(2);
      await siem.restart();
      await killing(cluster, ['detectors-4', 'detectors-5', 'collector-0'], { flows: FEWER / 5, seed: 9 });
      await cluster.feed(FEWER - cluster.fed);
      await siemHas(siem, await complete(cluster, far));
    });
  },
);

test(
  'one detector process, killed again and again, gives the same alerts; Kafka 3.9',
  { timeout: 1_800_000 },
  async (t) => {
    const far = await servers(t, { version: '3.9.2' });
    if (!far) return;
    const siem = await rsyslog(t);
    if (!siem) return;
    const cluster = await weirCluster(t, {
      kafka: far.brokers,
      elasticsearch: far.es,
      siemPort: siem.tcpPort,
      detectors: 1,
    });
    await explained(cluster, async () => {
      const round = ['detectors-2', 'enricher-1', 'detectors-2', 'collector-0', 'detectors-2', 'sinks-3'];
      await killing(cluster, round, { flows: FEWER / 2, seed: 3 });
      await cluster.feed(FEWER - cluster.fed);
      await siemHas(siem, await complete(cluster, far));
    });
  },
);
