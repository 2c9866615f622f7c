import { z } from 'zod';

/** Every topic Weir owns, by the name used in code. The last two hold no records. */
export const topicKeys = [
  'flows',
  'enriched',
  'rekeyed',
  'alerts',
  'incidents',
  'policyChanges',
  'losses',
  'access',
  'inventory',
  'control',
  'deadletter',
  'state',
  'schemas',
] as const;
export type TopicKey = (typeof topicKeys)[number];

const topic = z.strictObject({
  name: z.string().min(1).optional().describe('Name of the topic; the prefix is not put before it.'),
  partitions: z.number().int().min(1).max(4096).optional().describe('Number of partitions.'),
  replication: z.number().int().min(1).max(32).optional().describe('Replication factor.'),
  retentionMs: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('How long records are kept, in milliseconds; not for compacted topics.'),
  cleanup: z.enum(['delete', 'compact']).optional().describe('Cleanup policy.'),
});

const password = {
  username: z.string().min(1).describe('User name.'),
  password: z.string().min(1).describe('Password.').meta({ secret: true }),
};

export const options = z.strictObject({
  brokers: z
    .array(z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/, 'expected host:port'))
    .min(1)
    .describe('Brokers to begin with, each host:port.'),
  clientId: z.string().min(1).default('weir').describe('Name this client gives itself at the broker.'),
  memberName: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Stable name of this process in its consumer groups, so that lanes stay with it; the host name by default.',
    ),
  tls: z
    .union([
      z.boolean(),
      z.strictObject({
        ca: z.string().optional().describe('Certificates to trust, PEM; the system ones by default.'),
        cert: z.string().optional().describe('Client certificate, PEM.'),
        key: z.string().optional().describe('Key of the client certificate, PEM.').meta({ secret: true }),
        servername: z
          .string()
          .optional()
          .describe('Name to expect in the broker certificate instead of the host.'),
        rejectUnauthorized: z
          .boolean()
          .default(true)
          .describe('False accepts any certificate: anyone on the way can then read and change the traffic.'),
      }),
    ])
    .default(false)
    .describe('TLS to the brokers: true for the system certificates.'),
  sasl: z
    .discriminatedUnion('mechanism', [
      z.strictObject({
        mechanism: z.literal('plain').describe('User and password as they are.'),
        ...password,
      }),
      z.strictObject({ mechanism: z.literal('scram-sha-256').describe('SCRAM with SHA-256.'), ...password }),
      z.strictObject({ mechanism: z.literal('scram-sha-512').describe('SCRAM with SHA-512.'), ...password }),
      z.strictObject({
        mechanism: z.literal('oauthbearer').describe('A bearer token.'),
        token: z.string().min(1).describe('The token.').meta({ secret: true }),
      }),
    ])
    .optional()
    .describe('Who this client is.'),
  prefix: z
    .string()
    .default('')
    .describe('Put before every default topic name and every consumer group, such as `prod.`.'),
  lanes: z
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(12)
    .describe(
      'Number of lanes: partitions of the enriched and the rekeyed topic. Fixed for the life of the state.',
    ),
  topics: z
    .strictObject(
      Object.fromEntries(
        topicKeys.map((key) => [key, topic.optional().describe(`Settings of ${key}.`)]),
      ) as Record<TopicKey, z.ZodOptional<typeof topic>>,
    )
    .prefault({})
    .describe('Settings of single topics, where they differ from the defaults.'),
  compression: z
    .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
    .default('gzip')
    .describe('Compression of what is written; all of them are readable. gzip is level 1.'),
  schemaRegistry: z
    .url()
    .optional()
    .describe(
      'Base address of a Confluent-compatible schema registry; without it schemas are in weir.schemas.',
    ),
  maxBatchBytes: z
    .number()
    .int()
    .min(10_000)
    .max(8_000_000)
    .default(900_000)
    .describe(
      'Greatest size of one produce request before compression; below max.message.bytes of the topics.',
    ),
  partitionsConsumedConcurrently: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('How many partitions are handled at the same time in one consumer.'),
  sessionTimeoutMs: z
    .number()
    .int()
    .min(1_000)
    .default(45_000)
    .describe(
      'After this time without a heartbeat the broker gives the partitions of this process to others.',
    ),
  rebalanceTimeoutMs: z
    .number()
    .int()
    .min(1_000)
    .default(90_000)
    .describe(
      'How long the group waits for a member that still works on a batch when partitions are dealt again.',
    ),
});
export type Options = z.output<typeof options>;
