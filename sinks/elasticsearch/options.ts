import { z } from 'zod';
import { basicAuth, bulkOptions, tlsOptions } from '../bulk-options.ts';

const auth = z
  .union([
    z.strictObject({ apiKey: z.string().min(1).describe('API key in its encoded form.') }),
    z.strictObject(basicAuth),
  ])
  .describe('Credentials: an API key, or user name and password.');

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
  tls: z.strictObject(tlsOptions).describe('TLS settings of `https` nodes.').prefault({}),
  proxy: z.url().optional().describe('HTTP proxy on the way to the cluster.'),
  ...bulkOptions,
  lifecycle: z
    .enum(['auto', 'ilm', 'data_stream'])
    .default('auto')
    .describe(
      'What deletes old data, for `weir setup`: index lifecycle management, or the lifecycle of data streams. `auto`: the first of them that the cluster has.',
    ),
});

export type Options = z.output<typeof options>;
