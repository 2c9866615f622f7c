import { z } from 'zod';
import { duration } from '../../pipeline/units.ts';
import { basicAuth, httpOptions } from '../http-options.ts';

export const options = z.strictObject({
  urls: z
    .union([z.url({ protocol: /^https?$/ }), z.array(z.url({ protocol: /^https?$/ })).min(1)])
    .transform((urls) => (typeof urls === 'string' ? [urls] : urls))
    .describe(
      'Addresses of the Alertmanagers, such as `http://alertmanager:9093`. Every one of a cluster is told, as Alertmanager asks for; a write resolves when one of them has taken it.',
    ),
  auth: z
    .union([
      basicAuth,
      z.strictObject({ token: z.string().min(1).describe('Bearer token.').meta({ secret: true }) }),
    ])
    .optional()
    .describe('Credentials: user name and password, or a bearer token.'),
  labels: z
    .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string().min(1))
    .default({})
    .describe('Further labels of every alert, such as `team: netsec`.'),
  holdMs: duration()
    .prefault('24h')
    .describe(
      'How long an alert fires without being told again. It is told again while this process runs, so this is how long it outlives a process that is gone.',
    ),
  resendMs: duration()
    .prefault('1m')
    .describe('How often open alerts are told again; an Alertmanager that was restarted has forgotten them.'),
  maxOpen: z
    .int()
    .min(1)
    .max(100_000)
    .default(10_000)
    .describe('Most open alerts that are told again; beyond it the oldest are left to `holdMs`.'),
  ...httpOptions,
});

export type Options = z.output<typeof options>;
