import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { newLoss } from '../../../schema/records.ts';
import { aclsOf, groupPrefix } from '../../../transport/kafka/acls.ts';
import { createKafkaLog, type KafkaLog } from '../../../transport/kafka/index.ts';
import { setupTopics } from '../../../transport/kafka/setup.ts';
import { lineLetter } from '../../../pipeline/dead-letter.ts';
import type { Topic } from '../../../pipeline/log.ts';
import { aFlow } from '../../helpers/flows.ts';
import { kafka } from '../../services/kafka.ts';
import { until } from '../../services/process.ts';
import { collect, context, optionsFor } from './support.ts';

const reject = { position: 1, code: 'line_malformed', reason: 'no', payload: 'x' } as const;

const operations = {
  Read: kafkajs.AclOperationTypes.READ,
  Write: kafkajs.AclOperationTypes.WRITE,
  Describe: kafkajs.AclOperationTypes.DESCRIBE,
  DescribeConfigs: kafkajs.AclOperationTypes.DESCRIBE_CONFIGS,
} as const;

test('the rules that setup prints are enough for each role, and no more', { timeout: 110_000 }, async (t) => {
  const roles = ['collector', 'enricher', 'detectors', 'sinks'];
  const service = await kafka(t, {
    sasl: Object.fromEntries(roles.map((role) => [`weir-${role}`, role])),
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  });
  if (!service) return;
  const open = optionsFor(service.plain);
  await setupTopics(open, context().log, { dryRun: false });
  await service.admin.createAcls({
    acl: aclsOf(open).flatMap((acl) =>
      acl.operations.map((operation) => ({
        resourceType: kafkajs.AclResourceTypes[acl.resource === 'topic' ? 'TOPIC' : 'GROUP'],
        resourceName: acl.name,
        resourcePatternType:
          kafkajs.ResourcePatternTypes[acl.pattern === 'prefixed' ? 'PREFIXED' : 'LITERAL'],
        principal: `User:weir-${acl.role}`,
        host: '*',
        operation: operations[operation],
        permissionType: kafkajs.AclPermissionTypes.ALLOW,
      })),
    ),
  });
  const as = async (role: string, topics: readonly Topic[]): Promise<KafkaLog> => {
    const sasl = { mechanism: 'scram-sha-256', username: `weir-${role}`, password: role };
    const options = { ...optionsFor(service.brokers, { sasl }), prefix: open.prefix };
    const log = createKafkaLog(options, context(), { topics });
    t.after(() => log.stop());
    await log.start(new AbortController().signal);
    return log;
  };

  await until('the rules to be known to the broker', () => as('sinks', ['alerts']).then(() => true));
  const collector = await as('collector', ['flows', 'losses', 'deadletter', 'access']);
  await collector.append('flows', [{ partition: 0, key: null, value: aFlow({ position: 1 }) }]);
  await collector.append('deadletter', [
    { partition: 0, key: null, value: lineLetter('source.net', 'o', reject, 1) },
  ]);
  const enricher = await as('enricher', [
    'flows',
    'enriched',
    'rekeyed',
    'losses',
    'deadletter',
    'inventory',
  ]);
  const [read] = await collect(
    enricher,
    { group: 'weir.enricher', topics: ['flows'] },
    (all) => all.length > 0,
  );
  await enricher.append('enriched', [{ partition: 1, key: null, value: read!.value }]);
  await enricher.append('rekeyed', [{ partition: 2, key: null, value: read!.value }]);
  const letters = await collect(
    collector,
    { group: `${groupPrefix('collector')}deadletter.once`, topics: ['deadletter'] },
    (all) => all.length > 0,
  );
  assert.equal(letters.length, 1);
  const detectors = await as('detectors', ['enriched', 'rekeyed', 'alerts', 'losses', 'deadletter']);
  const flows = await collect(
    detectors,
    { group: 'weir.detectors', topics: ['enriched', 'rekeyed'] },
    (all) => all.length === 2,
  );
  assert.equal(flows.length, 2);
  const reference = await detectors.snapshots.write(1, [Buffer.from('state')]);
  assert.equal(Buffer.from((await detectors.snapshots.read(1, reference))[0]!).toString(), 'state');
  await detectors.append('losses', [
    { partition: 0, key: null, value: newLoss({ id: 'l', where: 'd', sinceMs: 1, untilMs: 2 }) },
  ]);
  const sinks = await as('sinks', ['enriched', 'alerts', 'incidents', 'losses', 'deadletter']);
  const sent = await collect(
    sinks,
    { group: 'weir.sink.siem', topics: ['enriched', 'losses'] },
    (all) => all.length === 2,
  );
  assert.equal(sent.length, 2);

  await assert.rejects(as('collector', ['alerts']), {
    code: 'log_misconfigured',
    message: /weir\.alerts is missing, or this user may not see it/,
  });
  await assert.rejects(
    collect(sinks, { group: 'weir.detectors', topics: ['enriched'] }, () => true),
    { code: 'log_unavailable', message: /this user may not use the group$/ },
  );
  await assert.rejects(sinks.append('enriched', [{ partition: 0, key: null, value: aFlow() }]), {
    code: 'log_misconfigured',
    message: /the broker refused: Not authorized to access topics/,
  });
});
