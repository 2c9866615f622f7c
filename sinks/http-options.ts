import { z } from 'zod';
import { duration } from '../pipeline/units.ts';

/** Options of every sink that speaks HTTP, to be spread into its own. */
export const httpOptions = {
  tls: z
    .strictObject({
      ca: z
        .string()
        .optional()
        .describe(
          "Authorities that may have signed the receiver's certificate: `file:PATH` or PEM; the system's when absent.",
        )
        .meta({ fileReference: true }),
      cert: z
        .string()
        .optional()
        .describe('Client certificate with its chain: `file:PATH` or PEM.')
        .meta({ fileReference: true }),
      key: z
        .string()
        .optional()
        .describe('Private key of the client certificate: `file:PATH` or PEM.')
        .meta({ fileReference: true, secret: true }),
      servername: z
        .string()
        .optional()
        .describe("Name the receiver's certificate must carry; the host of the address when absent."),
    })
    .prefault({})
    .describe('TLS settings of `https` addresses. Files are read again at every connection.'),
  proxy: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('HTTP proxy on the way to the receiver. Certificates are then read once.')
    .meta({ secret: true }),
  timeoutMs: duration()
    .prefault('30s')
    .describe('How long a request may take before it counts as failed and is sent again.'),
};

/** Credentials for one who asks for them in the `Authorization` header. */
export const basicAuth = z.strictObject({
  username: z.string().min(1).describe('User name.'),
  password: z.string().describe('Password.').meta({ secret: true }),
});
