import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Alert } from '../../schema/records.ts';
import { setup, templateDefaults } from '../../sinks/elasticsearch/setup.ts';
import { options as elasticsearchOptions } from '../../sinks/elasticsearch/options.ts';
import type { Elasticsearch } from '../services/elasticsearch.ts';
import type { KafkaService } from '../services/kafka.ts';
import { weir, weirProcess, type WeirProcess } from './processes.ts';
import { netobservLines } from './traffic.ts';

/** Weir's four roles over Kafka into Elasticsearch and a SIEM, each a process of its own. */
export interface Cluster {
  readonly directory: string;
  readonly configFile: string;
  readonly flowFile: string;
  readonly processes: readonly WeirProcess[];
  /** Writes all lines bit by bit, rotating the file once on the way. */
  feed(count: number): Promise<void>;
  flowsInElasticsearch(): Promise<number>;
  /** Distinct revisions, by what the file sink wrote. */
  alerts(): Map<string, Alert>;
  /** Alerts of `replay` on the same lines. */
  replayed(): Promise<Map<string, Alert>>;
}

export interface ClusterOptions {
  readonly kafka: KafkaService;
  readonly elasticsearch: Elasticsearch;
  readonly siemPort: number;
  readonly detectors: number;
}

const PARTITIONS = 4;
const LANES = 8;

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
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
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

  return {
    directory,
    configFile,
    flowFile,
    processes,
    async feed(count) {
      let lines: string[] = [];
      let written = 0;
      for (const line of netobservLines(count)) {
        lines.push(line);
        if (lines.length < 10_000) continue;
        appendFileSync(flowFile, `${lines.join('\n')}\n`);
        written += lines.length;
        lines = [];
        if (written === Math.floor(count / 20_000) * 10_000) {
          renameSync(flowFile, `${flowFile}.1`);
          writeFileSync(flowFile, '');
        }
        await new Promise((resolve) => setTimeout(resolve, 400));
      }
      if (lines.length > 0) appendFileSync(flowFile, `${lines.join('\n')}\n`);
    },
    async flowsInElasticsearch() {
      await options.elasticsearch.request('POST', `/logs-weir.flow-${namespace}/_refresh`, undefined, [404]);
      const { count } = (await options.elasticsearch.request(
        'GET',
        `/logs-weir.flow-${namespace}/_count`,
        undefined,
        [404],
      )) as { count?: number };
      return count ?? 0;
    },
    alerts: () => byRevision(existsSync(alertFile) ? readFileSync(alertFile, 'utf8') : ''),
    async replayed() {
      const out = join(directory, 'replayed.jsonl');
      const { code, err } = await weir([
        'replay',
        '--source',
        'netobserv',
        `${flowFile}*`,
        '--config',
        configFile,
        '--alerts',
        out,
        '-q',
      ]);
      if (code !== 0) throw new Error(`replay: ${err}`);
      return byRevision(readFileSync(out, 'utf8'));
    },
  };
}

function byRevision(text: string): Map<string, Alert> {
  const alerts = new Map<string, Alert>();
  for (const line of text.split('\n')) {
    if (!line.endsWith('}')) continue;
    const alert = JSON.parse(line) as Alert;
    // Whether it was old when it was raised is a matter of the wall clock.
    alerts.set(`${alert.id}-${alert.revision}`, { ...alert, historical: false });
  }
  return alerts;
}

async function prepare(elasticsearch: Elasticsearch): Promise<void> {
  const far = setup(elasticsearchOptions.parse({ nodes: [elasticsearch.url] }));
  const { requests } = await far.plan(templateDefaults, new AbortController().signal);
  for (const { method, path, body } of requests)
    await elasticsearch.request(method, path, elasticsearch.adapt(body));
  await far.close();
}
