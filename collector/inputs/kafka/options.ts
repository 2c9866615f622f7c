import { z } from 'zod';
import { options as connection } from '../../../transport/kafka/options.ts';
import { duration, durationForm, parseDuration } from '../../../pipeline/units.ts';

const { brokers, clientId, tls, sasl, sessionTimeoutMs } = connection.shape;

export const options = z.strictObject({
  topic: z.string().min(1).describe('Topic to read.'),
  brokers: brokers
    .optional()
    .describe('Brokers to begin with, each host:port; those of the kafka block by default.'),
  clientId,
  tls: tls.unwrap().optional().describe('TLS to the brokers; as in the kafka block by default.'),
  sasl: sasl.describe('Who this client is; as in the kafka block by default.'),
  group: z
    .string()
    .min(1)
    .optional()
    .describe('Consumer group that shares the partitions of the topic; weir.source.NAME by default.'),
  wrapper: z
    .enum(['auto', 'none', 'cri', 'docker', 'journald', 'openshift-logging'])
    .default('auto')
    .describe(
      "What stands around each line: 'openshift-logging' is the cluster log forwarder's JSON, 'cri' and 'docker' container logs ('auto' recognises both), 'journald' JSON, 'none' nothing.",
    ),
  startAt: z
    .union([
      z.enum(['end', 'beginning']),
      z.string().refine((text) => parseDuration(text) !== null, {
        error: `expected 'end', 'beginning' or ${durationForm}`,
      }),
    ])
    .default('end')
    .describe(
      "Where a partition is begun that no run has read before: 'end', 'beginning', or a duration such as '24h'.",
    ),
  maxLineBytes: z
    .number()
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Longest message that is read, in bytes; a longer one is rejected.'),
  heartbeatInterval: duration()
    .prefault('1s')
    .describe('How often a partition without new messages is reported as read to its end.'),
  sessionTimeoutMs,
});

export type Options = z.output<typeof options>;
