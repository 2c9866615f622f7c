import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { createKafkaLog } from '../../../transport/kafka/index.ts';
import { aclCommands } from '../../../transport/kafka/acls.ts';
import { setupTopics } from '../../../transport/kafka/setup.ts';
import { topicKeys, type Options } from '../../../transport/kafka/options.ts';
import { newLoss } from '../../../schema/records.ts';
import { aFlow } from '../../helpers/flows.ts';
import { kafka } from '../../services/kafka.ts';
import { context, optionsFor } from './support.ts';

test('setup of topics', { timeout: 110_000 }, async (t) => {
  const service = await kafka(t);
  if (!service) return;
  const start = (options: Options, topics?: readonly ['alerts']): Promise<void> => {
    const log = createKafkaLog(options, context(), topics ? { topics } : {});
    t.after(() => log.stop());
    return log.start(new AbortController().signal);
  };
  const setup = (options: Options, dryRun = false) => setupTopics(options, context().log, { dryRun });

  await t.test('a dry run touches nothing; then topics are made as they should be', async () => {
    const options = optionsFor(service.brokers, {
      topics: { alerts: { partitions: 5, name: 'own.alerts', retentionMs: 60_000 } },
    });
    const planned = await setup(options, true);
    assert.equal(planned.length, topicKeys.length);
    assert.ok(planned.every((d) => d.action === 'would create' && d.found === 'missing'));
    assert.ok(!(await service.admin.listTopics()).includes('own.alerts'));
    await assert.rejects(start(options), {
      code: 'log_misconfigured',
      message: /weir\.flows is missing, .*: run 'weir setup kafka'/,
    });
    const made = await setup(options);
    assert.deepEqual(
      made.map((d) => [d.topic, d.action]),
      planned.map((d) => [d.topic, 'created']),
    );
    assert.deepEqual(await setup(options), []);
    await start(options);
    const { resources } = await service.admin.describeConfigs({
      includeSynonyms: false,
      resources: ['own.alerts', `${options.prefix}weir.schemas`].map((name) => ({
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name,
      })),
    });
    const of = (i: number, name: string): string =>
      resources[i]!.configEntries.find((e) => e.configName === name)!.configValue;
    assert.equal(of(0, 'message.timestamp.type'), 'LogAppendTime');
    assert.equal(of(0, 'retention.ms'), '60000');
    assert.equal(of(1, 'cleanup.policy'), 'compact');
  });

  await t.test('differences are told, and mended where no record is touched', async () => {
    const options = optionsFor(service.brokers);
    const name = (topic: string): string => `${options.prefix}weir.${topic}`;
    await service.admin.createTopics({
      topics: [
        {
          topic: name('flows.enriched'),
          numPartitions: 3,
          configEntries: [{ name: 'min.insync.replicas', value: '1' }],
        },
        { topic: name('inventory'), numPartitions: 1 },
      ],
    });
    await setup(options, false);
    const [differences] = [await setup(options, true)];
    assert.deepEqual(differences, [
      { topic: name('flows.enriched'), setting: 'partitions', expected: '4', found: '3', action: 'by hand' },
    ]);
    await assert.rejects(start(options), {
      code: 'log_misconfigured',
      message: new RegExp(
        `^${options.prefix}weir.flows.enriched has 3 partitions, expected 4: run 'weir setup kafka'`,
      ),
    });
    await start(options, ['alerts']);
    const { resources } = await service.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: name('flows.enriched') }],
    });
    const own = resources[0]!.configEntries.filter((e) => !e.isDefault).map((e) => e.configName);
    assert.ok(own.includes('min.insync.replicas') && own.includes('message.timestamp.type'), own.join());
  });

  await t.test('a topic that goes missing while it is written to', async () => {
    const options = optionsFor(service.brokers);
    await setup(options);
    const log = createKafkaLog(options, {
      ...context(),
      clock: { now: Date.now, sleep: () => Promise.resolve() },
    });
    t.after(() => log.stop());
    await log.start(new AbortController().signal);
    const name = `${options.prefix}weir.losses`;
    await service.admin.deleteTopics({ topics: [name] });
    const loss = newLoss({ id: 'x', where: 'here', sinceMs: 1, untilMs: 2 });
    await assert.rejects(log.append('losses', [{ partition: 0, key: null, value: loss }]), {
      code: 'log_misconfigured',
      message: new RegExp(`^append to ${name}-0: .*; 'weir setup kafka' creates the topics$`),
    });
    await log.append('enriched', [{ partition: 0, key: null, value: aFlow() }]);
  });

  await t.test('the rules name every topic a role uses and no other', () => {
    const text = aclCommands(optionsFor(['k:9092'], { prefix: '' }));
    assert.match(
      text,
      /User:weir-collector --operation Write --operation DescribeConfigs --topic 'weir\.flows'\n/,
    );
    assert.doesNotMatch(text, /weir-collector .*weir\.alerts/);
    assert.match(text, /weir-sinks --operation Read --group 'weir\.sink\.' --resource-pattern-type prefixed/);
  });
});
