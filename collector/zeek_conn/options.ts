import { z } from 'zod';

export const options = z.strictObject({
  bytes: z
    .enum(['ip', 'payload'])
    .default('ip')
    .describe(
      "Which byte counts are taken: 'ip' with the IP headers (orig_ip_bytes), as other sources count, or 'payload' (orig_bytes). Where the one is missing the other is taken.",
    ),
});

export type Options = z.output<typeof options>;
