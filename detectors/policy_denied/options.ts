import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  baselineMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'Event time after the first flow in which denials count as existing and go to one list, in milliseconds.',
    ),
  scopeSettleMs: z
    .int()
    .min(0)
    .default(3_600_000)
    .describe(
      'Event time after the first flow in which denials into or out of a compliance scope still count as existing, in milliseconds; later ones are alerts of their own at once. Longer than the retry interval of a standing misconfiguration.',
    ),
  scopeFirst: z
    .int()
    .min(0)
    .default(1)
    .describe('Denials into or out of a scope that a lane alerts at once even within `scopeSettleMs`.'),
  spreadEdges: z
    .int()
    .min(2)
    .default(10)
    .describe(
      'New denied edges of one source within `spreadWindowMs` after which the rest joins one alert of medium severity.',
    ),
  spreadWindowMs: z.int().min(1000).default(3_600_000).describe('Window of the spread in milliseconds.'),
  keepMs: z
    .int()
    .min(60_000)
    .default(604_800_000)
    .describe(
      'How long a denied edge is known after it was last seen, in milliseconds: later it is new again.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
