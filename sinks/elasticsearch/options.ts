import { z } from 'zod';
import { byteSize, duration } from '../../pipeline/units.ts';

/** Data stream parts: lower case, no hyphen, none of the characters an index name must not have. */
const streamPart = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.]{0,99}$/, 'expected lower-case letters, digits, `_` and `.`');

const auth = z
  .union([
    z.strictObject({ apiKey: z.string().min(1).describe('API key in its encoded form.') }),
    z.strictObject({
      username: z.string().min(1).describe('User name.'),
      password: z.string().describe('Password.'),
    }),
  ])
  .describe('Credentials: an API key, or user name and password.');

const tls = z
  .strictObject({
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
  })
  .describe('TLS settings of `https` nodes.');

export const options = z.strictObject({
  nodes: z
    .union([z.url(), z.array(z.url()).min(1)])
    .transform((nodes) => (typeof nodes === 'string' ? [nodes] : nodes))
    .optional()
    .describe(
      'Addresses of the cluster, such as `https://es.bank.example:9200`; one of `nodes` and `cloudId` is needed.',
    ),
  cloudId: z.string().min(1).optional().describe('Cloud id of a deployment, instead of `nodes`.'),
  auth: auth.optional(),
  tls: tls.prefault({}),
  proxy: z.url().optional().describe('HTTP proxy on the way to the cluster.'),
  layout: z
    .enum(['data_stream', 'daily'])
    .default('data_stream')
    .describe(
      'Where events are written. `data_stream`: `logs-weir.flow-NAMESPACE` and so on; a record written again after a rollover is there twice. `daily`: `weir-flow-NAMESPACE-2026.11.24` by the day of the record, where it never is.',
    ),
  namespace: streamPart
    .default('default')
    .describe('Last part of the data streams, or the part of the index names before the day.'),
  batchRecords: z.int().min(1).max(10_000).default(2000).describe('Most records in one bulk request.'),
  batchBytes: byteSize()
    .prefault('5MB')
    .describe('Most bytes in one bulk request. Keep it below `http.max_content_length` of the cluster.'),
  maxInFlight: z.int().min(1).max(64).default(4).describe('Bulk requests under way at once.'),
  requestTimeoutMs: duration()
    .prefault('30s')
    .describe('How long a bulk request may take before it is sent again.'),
  compress: z
    .boolean()
    .default(false)
    .describe('Compress requests with gzip: less network, twice the processor time here.'),
});

export type Options = z.output<typeof options>;
