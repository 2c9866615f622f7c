import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  minFlows: z
    .int()
    .min(1)
    .default(5)
    .describe('Flows of one workload and policy whose verdicts differ that make an alert.'),
  minConnections: z
    .int()
    .min(1)
    .default(3)
    .describe('Connections they must belong to: one that was open when a policy changed may go on.'),
  settleMs: z
    .int()
    .min(0)
    .default(300_000)
    .describe(
      'How long verdicts must differ, in milliseconds: longer than a policy takes to reach all nodes.',
    ),
  windowMs: z
    .int()
    .min(60_000)
    .default(3_600_000)
    .describe('After this much event time without a difference counting begins anew, in milliseconds.'),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
