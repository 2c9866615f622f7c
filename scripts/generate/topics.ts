import { aclsOf } from '../../transport/kafka/acls.ts';
import { options } from '../../transport/kafka/options.ts';
import { topicSettings } from '../../transport/kafka/topics.ts';
import { generatedBy, table } from './markdown.ts';

/** docs/reference/topics.md: topics with their default settings, and what each role does with them. */
export function topics(): string {
  const defaults = options.parse({ brokers: ['kafka:9092'] });
  const settings = Object.values(topicSettings(defaults)).map((topic) => [
    `\`${topic.name}\``,
    String(topic.partitions),
    topic.cleanup,
    topic.retentionMs === null ? '–' : `${topic.retentionMs / 86_400_000} d`,
  ]);
  const rights = aclsOf(defaults).map((acl) => [
    acl.role,
    `${acl.resource} \`${acl.name}\`${acl.pattern === 'prefixed' ? ' (prefix)' : ''}`,
    acl.operations.join(', '),
  ]);
  return [
    generatedBy('transport/kafka/topics.ts and acls.ts'),
    '# Kafka topics\n',
    'As `weir setup kafka` creates them, with `message.timestamp.type=LogAppendTime`. Names, partitions, replication and',
    'retention can be set under `kafka.topics`; the replication factor is the default of the broker.\n',
    table(['topic', 'partitions', 'cleanup', 'kept for'], settings),
    '\n## Rights of each role\n',
    'The least that each role needs; `weir setup kafka` prints them as commands, for your names.\n',
    table(['role', 'resource', 'operations'], rights),
    '',
  ].join('\n');
}
