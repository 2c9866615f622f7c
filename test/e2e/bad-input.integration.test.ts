import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../helpers/directory.ts';
import { kafka } from '../services/kafka.ts';
import { until } from '../services/process.ts';
import { weir, weirProcess } from './processes.ts';
import { netobservLines } from './traffic.ts';

const aclLine = (i: number, at: Date): string =>
  `${at.toISOString()}|${String(i).padStart(5, '0')}|acl_log(ovn_pinctrl0)|INFO|name="NP:shop:deny-all:Ingress:0", verdict=drop, severity=alert, direction=to-lport: tcp,vlan_tci=0x0000,dl_src=0a:58:0a:f4:02:06,dl_dst=0a:58:0a:f4:02:01,nw_src=10.244.2.6,nw_dst=10.244.3.${i % 200},nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=33690,tp_dst=6443,tcp_flags=syn`;

const forwarded = (i: number, at: Date): string =>
  JSON.stringify({
    '@timestamp': at.toISOString(),
    hostname: 'worker-7',
    log_type: 'audit',
    openshift: { cluster_id: 'c-42' },
    message: aclLine(i, at),
  });

test('a forwarded topic and a file are read over Kafka; poison in three topics and lines too large for a message are kept, and nothing else is lost', async (t) => {
  const service = await kafka(t);
  if (!service) return;
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'state'));
  const prefix = `bad${process.pid}.`;
  const file = join(directory, 'weir.yaml');
  const flowFile = join(directory, 'flows.jsonl');
  const largeFile = join(directory, 'netobserv.log');
  const [first, second, third] = [...netobservLines(3)];
  // Longer than a line may be; a line whose flow is larger than a request may be; both larger than a dead letter.
  const large = JSON.stringify({ ...(JSON.parse(second!) as object), SrcK8S_Namespace: 'x'.repeat(950_000) });
  writeFileSync(largeFile, `${first}\n${'y'.repeat(3_000_000)}\n${large}\n${third}\n`);
  const one = { partitions: 2, replication: 1 };
  const names = [
    'flows',
    'enriched',
    'rekeyed',
    'state',
    'alerts',
    'incidents',
    'policyChanges',
    'losses',
    'access',
    'inventory',
    'control',
    'schemas',
    'deadletter',
  ];
  const config = {
    cluster: 'own',
    lanes: 2,
    state: { dir: join(directory, 'state') },
    kafka: {
      brokers: service.brokers,
      prefix,
      topics: Object.fromEntries(names.map((name) => [name, one])),
    },
    sources: {
      agentless: {
        type: 'ovn_acl',
        from: { kafka: { topic: `${prefix}ocp`, wrapper: 'openshift-logging', startAt: 'beginning' } },
      },
      large: { type: 'netobserv', from: { file: { path: largeFile, startAt: 'beginning' } } },
    },
    sinks: { out: { type: 'file', path: flowFile, records: { flow: {} } } },
  };
  writeFileSync(file, JSON.stringify(config));

  const refused = await weir(['run', '--config', file]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /weir setup kafka/);
  assert.match(refused.err.trim().split('\n').at(-1)!, /^weir: (?!.*\n\s+at )/);

  const made = await weir(['setup', 'kafka', '--config', file]);
  assert.equal(made.code, 0, made.err);
  await service.admin.createTopics({
    waitForLeaders: false,
    topics: [{ topic: `${prefix}ocp`, numPartitions: 1, replicationFactor: 1 }],
  });
  await until('the topic', async () =>
    (await service.admin.fetchTopicMetadata({ topics: [`${prefix}ocp`] })).topics.every(({ partitions }) =>
      partitions.every(({ leader }) => leader >= 0),
    ),
  );
  const producer = service.kafka.producer();
  await producer.connect();
  t.after(() => producer.disconnect());
  const nowMs = Date.now() - 120_000;
  const send = (topic: string, values: readonly (string | Buffer)[]): Promise<unknown> =>
    producer.send({
      topic: `${prefix}${topic}`,
      messages: values.map((value) => ({ key: 'k', value, partition: 0 })),
    });
  await send('ocp', [
    ...Array.from({ length: 50 }, (_, i) => forwarded(i, new Date(nowMs + i * 100))),
    Buffer.from([0xff, 0x00, 0xfe]),
    '{"message":"not an acl line"}',
    ...Array.from({ length: 50 }, (_, i) => forwarded(50 + i, new Date(nowMs + 5000 + i * 100))),
  ]);
  await send('weir.flows', ['poison', Buffer.from([0xc3, 1, 2, 3])]);
  await send('weir.flows.enriched', ['poison']);
  const running = weirProcess(t, { name: 'weir', args: ['run', '--config', file], directory });
  const flows = (): { collector: string; node?: string; cluster?: string; destination: { ip: string } }[] =>
    existsSync(flowFile)
      ? readFileSync(flowFile, 'utf8')
          .trim()
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as { collector: string; destination: { ip: string } })
      : [];
  const letters = async (): Promise<number> => {
    const offsets = await service.admin.fetchTopicOffsets(`${prefix}weir.deadletter`);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  };
  await until('102 flows and 7 dead letters', async () => flows().length >= 102 && (await letters()) >= 7, {
    timeoutMs: 60_000,
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${flows().length} flows, ${running.log().slice(-3000)}`);
  });
  assert.equal(running.deaths, 0, running.log());
  const forwardedFlows = flows().filter(({ collector }) => collector === 'ovn_acl');
  assert.equal(new Set(forwardedFlows.map(({ destination }) => destination.ip)).size, 100);
  assert.ok(forwardedFlows.every(({ node, cluster }) => node === 'worker-7' && cluster === 'c-42'));
  const status = await weir(['status', '--config', file, '--format', 'json']);
  assert.match(status.out, /agentless/);
  assert.equal(await running.stop(), 0);
});
