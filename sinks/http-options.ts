import { z } from 'zod';
import { duration } from '../pipeline/units.ts';
import { receiverTls } from './tls-options.ts';

/** Options of every sink that speaks HTTP, to be spread into its own. */
export const httpOptions = {
  tls: z
    .strictObject(receiverTls)
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
