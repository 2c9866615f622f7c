import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'A source is ready to be judged this long after its first flow, in milliseconds of event time.',
    ),
  saturateMs: z
    .int()
    .min(60_000)
    .default(1_200_000)
    .describe(
      'Least age, in milliseconds, at which a source may be ready early because nothing new was seen of it for half of its age; as long as `learnMs` to have none ready early.',
    ),
  saturateFlows: z.int().min(1).default(50).describe('Least flows of a source that is ready early.'),
  earlyFactor: z
    .number()
    .min(1)
    .default(2)
    .describe('What the threshold is multiplied with while a source is ready early only.'),
  minWeight: z
    .number()
    .gt(0)
    .default(0.75)
    .describe(
      'Weight of new edges of one source within `windowMs` that makes an alert: one remote shell into another namespace weighs 0.8.',
    ),
  expectedFactor: z
    .number()
    .min(0)
    .default(3)
    .describe('What a source usually adds in `windowMs` raises its threshold by this many times.'),
  windowMs: z
    .int()
    .min(1000)
    .default(600_000)
    .describe('New edges of one source within this time belong together, in milliseconds.'),
  staleMs: z
    .int()
    .min(60_000)
    .default(604_800_000)
    .describe('A source not seen for this long learns anew, in milliseconds.'),
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
