import { z } from 'zod';

export const options = z.strictObject({
  rateLimit: z
    .number()
    .int()
    .min(0)
    .default(20)
    .describe(
      'Lines a second that the data plane logs at most on a node (policyAuditConfig.rateLimit). A second that comes near it is reported as a loss, because what is above it is dropped unseen. 0 turns this off.',
    ),
  maxGroups: z
    .number()
    .int()
    .min(16)
    .default(65_536)
    .describe('Most flows that are collapsed at once; when there are more they are given out early.'),
});

export type Options = z.output<typeof options>;
