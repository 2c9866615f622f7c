import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  baselineMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'Event time after the first flow of a cluster in which who talks to the control plane counts as existing and goes to one list, in milliseconds.',
    ),
  knownGood: z
    .boolean()
    .default(true)
    .describe(
      'Whether components of Kubernetes and well-known operators are left out, as detectors/known-good has them.',
    ),
  allow: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'KQL filters over flows that may reach the control plane, such as `source.serviceAccount : my-operator`.',
    ),
  keepMs: z
    .int()
    .min(60_000)
    .default(2_592_000_000)
    .describe(
      'How long a client of the control plane is known after it was last seen, in milliseconds: later it is new again.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
