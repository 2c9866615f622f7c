import { z } from 'zod';
import { basicAuth, bulkOptions, tlsOptions } from '../bulk-options.ts';

export const options = z.strictObject({
  nodes: z
    .union([z.url(), z.array(z.url()).min(1)])
    .transform((nodes) => (typeof nodes === 'string' ? [nodes] : nodes))
    .describe('Addresses of the cluster, such as `https://search.bank.example:9200`.'),
  auth: z.strictObject(basicAuth).optional().describe('User name and password.'),
  tls: z.strictObject(tlsOptions).describe('TLS settings of `https` nodes.').prefault({}),
  proxy: z.url().optional().describe('HTTP proxy on the way to the cluster.'),
  ...bulkOptions,
});

export type Options = z.output<typeof options>;
