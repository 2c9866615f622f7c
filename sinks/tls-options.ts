import { z } from 'zod';

/** TLS of a connection to a receiver whose certificates may be renewed while Weir runs: its files are read by the sink. */
export const receiverTls = {
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
    .describe("Name the receiver's certificate must carry; the host of its address when absent."),
};
