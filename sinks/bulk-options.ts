import { z } from 'zod';
import { byteSize, duration } from '../pipeline/units.ts';

/** Data stream parts: lower case, no hyphen, none of the characters an index name must not have. */
const streamPart = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.]{0,99}$/, 'expected lower-case letters, digits, `_` and `.`');

export const tlsOptions = {
  ca: z
    .string()
    .optional()
    .describe(
      "Authorities that may have signed the cluster's certificate: `file:PATH` or PEM; the system's when absent.",
    ),
  caFingerprint: z
    .string()
    .regex(/^([0-9A-Fa-f]{2}:?){32}$/)
    .optional()
    .describe('SHA-256 fingerprint of the authority, as Elasticsearch prints it at its first start.'),
  cert: z.string().optional().describe('Client certificate with its chain: `file:PATH` or PEM.'),
  key: z.string().optional().describe('Private key of the client certificate: `file:PATH` or PEM.'),
};

export const basicAuth = {
  username: z.string().min(1).describe('User name.'),
  password: z.string().describe('Password.'),
};

/** An age of indices; with less than that the servers would delete what they have just been given. */
const age = () => duration().refine((ms) => ms >= 1000, 'expected at least 1s');

const keep = z
  .strictObject({
    flow: age().prefault('30d').describe('Flows that are not kept longer.'),
    flowKept: age()
      .prefault('400d')
      .describe('Flows of a compliance scope, and denied ones. PCI DSS 10.5.1 wants 12 months.'),
    alert: age().prefault('400d').describe('Alerts, every revision.'),
    policyChange: age().prefault('400d').describe('Changes of policies.'),
    loss: age().prefault('400d').describe('What was not seen.'),
    access: age().prefault('400d').describe('Who searched, exported, suppressed or changed what.'),
    closed: age()
      .optional()
      .describe(
        'Closed alerts and incidents in `weir-alerts` and `weir-incidents`, counted from the last that was told of them; the sink deletes them once a day. As long as alerts when absent.',
      ),
    warmAfter: age().prefault('2d').describe('Age at which an index that is no longer written is merged.'),
    coldAfter: age()
      .prefault('90d')
      .describe('Age until which everything is at once at hand; what is kept longer is cold from then on.'),
  })
  .describe('How long each kind is kept, for `weir setup`.');

/** Options of both sinks that write by bulk requests. */
export const bulkOptions = {
  layout: z
    .enum(['data_stream', 'daily'])
    .default('data_stream')
    .describe(
      'Where events are written. `data_stream`: `logs-weir.flow-NAMESPACE` and so on; a record written again after a rollover is there twice. `daily`: `weir-flow-NAMESPACE-2026.11.24` by the day of the record, where it never is.',
    ),
  namespace: streamPart
    .optional()
    .describe(
      'Last part of the data streams, or the part of the index names before the day; made of the tenant of the sink, or `default`, when absent.',
    ),
  keep: keep.prefault({}),
  replicas: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe('Copies of each shard, for `weir setup`; what the cluster takes by default when absent.'),
  refresh: duration()
    .prefault('1s')
    .describe('How soon what was written is found, for `weir setup`. Longer is cheaper for the cluster.'),
  batchRecords: z.int().min(1).max(10_000).default(2000).describe('Most records in one write.'),
  batchBytes: byteSize()
    .prefault('5MB')
    .describe('Most bytes in one bulk request. Smaller ones are sent where the cluster takes no such.'),
  maxInFlight: z
    .int()
    .min(1)
    .max(64)
    .default(8)
    .describe(
      'Most bulk requests under way at once. As many are sent as bring throughput; fewer after a 429.',
    ),
  requestTimeoutMs: duration()
    .prefault('30s')
    .describe('How long a bulk request may take before it is sent again.'),
  compress: z
    .boolean()
    .default(false)
    .describe('Compress requests with gzip: less network, twice the processor time here.'),
};

const shape = z.strictObject(bulkOptions);
/** What both sinks are told about writing. */
export type BulkOptions = z.output<typeof shape>;
