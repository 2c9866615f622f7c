import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  minDenials: z
    .int()
    .min(2)
    .default(20)
    .describe('Least denials of one workload by one policy within five minutes that can make an alert.'),
  probability: z
    .number()
    .gt(0)
    .max(0.01)
    .default(1e-6)
    .describe(
      'An alert is due when as many denials within five minutes have at most this probability, by the own history.',
    ),
  halfLifeMs: z
    .int()
    .min(3_600_000)
    .default(86_400_000)
    .describe('After this long what was denied counts half in the history, in milliseconds.'),
  settleMs: z
    .int()
    .min(0)
    .default(3_600_000)
    .describe(
      'A workload is not judged for this long after its first flow, in milliseconds; standing misconfigurations have shown themselves by then.',
    ),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'For this long after the first flow of a workload its bursts are told as `info` only, in milliseconds.',
    ),
  staleMs: z
    .int()
    .min(3_600_000)
    .default(604_800_000)
    .describe('A workload that had no flow for this long begins to learn anew, in milliseconds.'),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
