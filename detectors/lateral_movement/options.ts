import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'Event time after the first flow of a cluster (admin ports) or of a source (data ports) in which its edges are learned, in milliseconds.',
    ),
  saturateMs: z
    .int()
    .min(60_000)
    .default(1_200_000)
    .describe(
      'Least age, in milliseconds, at which learning may end early because no new edge to such a port was seen for half of it; as long as `learnMs` to have none end early.',
    ),
  fanOut: z
    .int()
    .min(2)
    .default(3)
    .describe(
      'New destinations of one source on admin or data ports within `windowMs` that make an alert; twice as many where learning ended early.',
    ),
  windowMs: z
    .int()
    .min(60_000)
    .default(3_600_000)
    .describe(
      'Window of the fan-out, and time between a scan and the edge that follows it, in milliseconds.',
    ),
  chainMs: z
    .int()
    .min(60_000)
    .default(3_600_000)
    .describe('Greatest time between being reached and reaching on, in milliseconds.'),
  scanFailed: z
    .int()
    .min(3)
    .default(10)
    .describe(
      'Distinct hosts and ports that failed or were denied within ten minutes and make a scan that an edge may follow; twice as many where learning has not ended.',
    ),
  staleMs: z
    .int()
    .min(60_000)
    .default(604_800_000)
    .describe('A source not seen on these ports for this long learns anew, in milliseconds.'),
  keepMs: z
    .int()
    .min(60_000)
    .default(1_209_600_000)
    .describe('How long an edge is known after it was last seen, in milliseconds: later it is new again.'),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
