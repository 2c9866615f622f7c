import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Alert } from '../../schema/records.ts';
import { setup } from '../../sinks/elasticsearch/setup.ts';
import { fromJson } from '../../sinks/records/json.ts';
import { options as elasticsearchOptions } from '../../sinks/elasticsearch/options.ts';
import type { Elasticsearch } from '../services/elasticsearch.ts';
import type { KafkaService } from '../services/kafka.ts';
import { weir, weirProcess, type WeirProcess } from './processes.ts';
import { linesOf } from './json-lines.ts';
import { netobservLines } from './traffic.ts';

/** Weir's four roles over Kafka into Elasticsearch and a SIEM, each a process of its own. */
export interface Cluster {
  readonly directory: string;
  /** Namespace of the data streams. */
  readonly namespace: string;
  readonly processes: readonly WeirProcess[];
  /** Lines written so far. */
  readonly fed: number;
  /** Writes the next lines bit by bit. */
  feed(count: number): Promise<void>;
  /** Moves the file away, as logrotate does; what follows is written to a new one. */
  rotate(): void;
  inElasticsearch(kind: 'flow' | 'alert'): Promise<number>;
  /** Records that a sink has not settled, by the cursors in Kafka. */
  lagOf(sink: 'elastic' | 'siem' | 'alerts'): Promise<number>;
  /** Distinct revisions, by what the file sink wrote. */
  alerts(): Map<string, Alert>;
  /** What `replay` makes of the same lines: alerts by revision, and the file with its flows. */
  replayed(): Promise<{ readonly alerts: Map<string, Alert>; readonly flowsFile: string }>;
}

export interface ClusterOptions {
  readonly kafka: KafkaService;
  readonly elasticsearch: Elasticsearch;
  readonly siemPort: number;
  readonly detectors: number;
}

const PARTITIONS = 4;
const LANES = 8;
/** Lines of one append to the file, and the pause after it. */
export const PIECE = { lines: 1000, pauseMs: 150 };
/** What each sink of the configuration below reads. */
const READS = {
  elastic: ['weir.flows.enriched', 'weir.alerts'],
  siem: ['weir.alerts'],
  alerts: ['weir.alerts'],
};

export async function weirCluster(t: TestContext, options: ClusterOptions): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  const flowFile = join(directory, 'flows.log');
  const alertFile = join(directory, 'alerts.jsonl');
  const replication = options.kafka.brokers.length >= 3 ? 3 : 1;
  const topic = (partitions: number): object => ({ partitions, replication });
  const namespace = `t${Math.random().toString(36).slice(2, 8)}`;
  const prefix = `${namespace}.`;
  const config = {
    cluster: 'e2e',
    lanes: LANES,
    state: { dir: join(directory, 'state') },
    kafka: {
      brokers: options.kafka.brokers,
      prefix,
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 15_000,
      topics: {
        flows: topic(PARTITIONS),
        enriched: topic(LANES),
        rekeyed: topic(LANES),
        state: topic(LANES),
        ...Object.fromEntries(
          [
            'alerts',
            'incidents',
            'policyChanges',
            'losses',
            'access',
            'inventory',
            'control',
            'schemas',
            'deadletter',
          ].map((key) => [key, topic(1)]),
        ),
      },
    },
    watermarks: { inactiveAfter: '5s' },
    networks: { internal: ['10.0.0.0/8'] },
    sources: {
      flows: {
        type: 'netobserv',
        from: { file: { path: [flowFile, `${flowFile}.1`], startAt: 'beginning' } },
      },
    },
    detectors: { policy_denied: {}, port_scan: {} },
    sinks: {
      elastic: {
        type: 'elasticsearch',
        nodes: [options.elasticsearch.url],
        namespace,
        records: { flow: {}, alert: {} },
      },
      siem: {
        type: 'syslog',
        to: [`tcp://127.0.0.1:${options.siemPort}`],
        format: 'json',
        confirmMs: '1s',
        maxMessageBytes: '64KiB',
        records: { alert: {} },
      },
      alerts: { type: 'file', path: alertFile, records: { alert: {} } },
    },
  };
  const configFile = join(directory, 'weir.yaml');
  writeFileSync(configFile, JSON.stringify(config, null, 2));
  writeFileSync(flowFile, '');
  const made = await weir(['setup', 'kafka', '--config', configFile]);
  if (made.code !== 0) throw new Error(`setup kafka: ${made.out}${made.err}`);
  await prepare(options.elasticsearch);

  const roles = ['collector', 'enricher', ...Array<string>(options.detectors).fill('detectors'), 'sinks'];
  const processes = roles.map((role, i) => {
    const state = join(directory, `state-${i}`);
    mkdirSync(state);
    const own = join(directory, `${role}-${i}.yaml`);
    writeFileSync(
      own,
      JSON.stringify({
        ...config,
        state: { dir: state },
        kafka: { ...config.kafka, memberName: `${role}-${i}` },
      }),
    );
    return weirProcess(t, {
      name: `${role}-${i}`,
      args: ['run', '--config', own, '--role', role],
      directory,
    });
  });

  // After the processes in it are gone, in the order in which hooks are registered.
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

  const begunMs = Date.now();
  const lines = netobservLines(Number.MAX_SAFE_INTEGER, 1, () => Date.now() - begunMs);
  let fed = 0;
  return {
    directory,
    namespace,
    processes,
    get fed() {
      return fed;
    },
    async feed(count) {
      for (let left = count; left > 0; left -= PIECE.lines) {
        const piece = Array.from({ length: Math.min(left, PIECE.lines) }, () => lines.next().value as string);
        appendFileSync(flowFile, `${piece.join('\n')}\n`);
        fed += piece.length;
        await new Promise((resolve) => setTimeout(resolve, PIECE.pauseMs));
      }
    },
    rotate() {
      renameSync(flowFile, `${flowFile}.1`);
      writeFileSync(flowFile, '');
    },
    async inElasticsearch(kind) {
      const { request } = options.elasticsearch;
      await request('POST', `/logs-weir.${kind}*-${namespace}/_refresh`, undefined, [404]);
      const found = await request('GET', `/logs-weir.${kind}*-${namespace}/_count`, undefined, [404]);
      return (found as { count?: number }).count ?? 0;
    },
    async lagOf(sink) {
      const { admin } = options.kafka;
      const topics = READS[sink].map((name) => `${prefix}${name}`);
      const cursors = await admin.fetchOffsets({ groupId: `${prefix}weir.sink.${sink}`, topics });
      let lag = 0;
      for (const name of topics)
        for (const { partition, low, high } of await admin.fetchTopicOffsets(name)) {
          const own = cursors.find((each) => each.topic === name)?.partitions;
          const at = Number(own?.find((each) => each.partition === partition)?.offset ?? -1);
          lag += Number(high) - Math.max(at, Number(low));
        }
      return lag;
    },
    alerts: () => byRevision(alertFile),
    async replayed() {
      const [alertsFile, flowsFile] = ['alerts', 'flows'].map((name) => join(directory, `replayed.${name}`));
      const inputs = ['--source', 'netobserv', `${flowFile}*`, '--config', configFile];
      const outputs = ['--alerts', alertsFile!, '--flows', flowsFile!, '-q'];
      const { code, err } = await weir(['replay', ...inputs, ...outputs]);
      if (code !== 0) throw new Error(`replay: ${err}`);
      return { alerts: byRevision(alertsFile!), flowsFile: flowsFile! };
    },
  };
}

function byRevision(file: string): Map<string, Alert> {
  const alerts = new Map<string, Alert>();
  for (const line of linesOf(file)) {
    const alert = fromJson('alert', line);
    // Whether it was old when it was raised is a matter of the wall clock.
    alerts.set(`${alert.id}-${alert.revision}`, { ...alert, historical: false });
  }
  return alerts;
}

async function prepare(elasticsearch: Elasticsearch): Promise<void> {
  const far = setup(elasticsearchOptions.parse({ nodes: [elasticsearch.url] }));
  const { requests } = await far.plan(new AbortController().signal);
  for (const { method, path, body } of requests)
    await elasticsearch.request(method, path, elasticsearch.adapt(body));
  await far.close();
}
