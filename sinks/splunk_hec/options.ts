import { z } from 'zod';
import { byteSize, duration } from '../../pipeline/units.ts';
import { httpOptions } from '../http-options.ts';

const index = z.string().regex(/^[a-z0-9_][a-z0-9_-]*$/, 'expected lower-case letters, digits, `_` and `-`');

export const options = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe(
      'Address of the HTTP Event Collector without a path, such as `https://splunk.bank.example:8088`.',
    ),
  token: z.string().min(1).describe('Token of the collector.').meta({ secret: true }),
  index: index.optional().describe("Index of all records; the token's default when absent."),
  indexes: z
    .partialRecord(z.enum(['flow', 'alert', 'incident', 'policy_change', 'loss', 'access']), index)
    .default({})
    .describe('Indexes of single kinds of record, instead of `index`.'),
  source: z.string().min(1).default('weir').describe('`source` of every event.'),
  acknowledge: z
    .boolean()
    .default(true)
    .describe(
      'Count records as delivered when Splunk says that they are indexed. The token must have indexer acknowledgement on, which Splunk Cloud does not offer: set this to `false` there, and records that an indexer loses are not sent again.',
    ),
  ackEveryMs: duration()
    .prefault('2s')
    .describe('How often the acknowledgement of what was sent is asked for.'),
  ackTimeoutMs: duration()
    .prefault('5m')
    .describe('How long an acknowledgement is waited for before the records are sent again.'),
  batchRecords: z.int().min(1).max(10_000).default(1000).describe('Most records in one request.'),
  batchBytes: byteSize()
    .prefault('1MB')
    .describe(
      'Most bytes in one request before compression. Keep it below `max_content_length` of the collector.',
    ),
  maxInFlight: z
    .int()
    .min(1)
    .max(256)
    .default(32)
    .describe(
      'Requests sent and not yet acknowledged at once; throughput is at most this many per acknowledgement.',
    ),
  compress: z.boolean().default(true).describe('Compress requests with gzip.'),
  ...httpOptions,
});

export type Options = z.output<typeof options>;
