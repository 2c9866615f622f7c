import { z } from 'zod';

export const options = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe(
      'Address of Kibana as people open it, with its base path where it has one. Alerts get a link to their flows from it.',
    ),
  api: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address at which `weir setup kibana` reaches it, where that is another.'),
  space: z
    .string()
    .regex(/^[a-z0-9_-]+$/, 'expected lower-case letters, digits, `_` and `-`')
    .default('default')
    .describe('Space for what is not limited to a tenant. Tenants have spaces of their own.'),
  auth: z
    .union([
      z.strictObject({
        apiKey: z.string().min(1).describe('API key in its encoded form.').meta({ secret: true }),
      }),
      z.strictObject({
        username: z.string().min(1).describe('User name.'),
        password: z.string().describe('Password.').meta({ secret: true }),
      }),
    ])
    .optional()
    .describe('Credentials for `weir setup kibana`; no running process needs them.'),
  tls: z
    .strictObject({
      ca: z
        .string()
        .optional()
        .describe(
          "Authorities that may have signed Kibana's certificate: `file:PATH` or PEM; the system's when absent.",
        ),
    })
    .prefault({})
    .describe('TLS settings of an `https` address.'),
});

export type Options = z.output<typeof options>;
