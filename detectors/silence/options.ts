import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

const minutes = (count: number): number => count * 60_000;

export const options = z.strictObject({
  ...baseOptions,
  nodeMs: z
    .int()
    .min(60_000)
    .default(minutes(15))
    .describe('Least silence of a node or a source, in milliseconds of event time.'),
  workloadMs: z
    .int()
    .min(60_000)
    .default(minutes(60))
    .describe('Least silence of a workload, in milliseconds of event time.'),
  gapFactor: z
    .number()
    .min(1)
    .default(3)
    .describe('How many times its longest pause so far somebody must be silent.'),
  leastExpected: z
    .number()
    .min(1)
    .default(20)
    .describe('How many of these would have come in that time at the usual rate.'),
  leastRecords: z
    .int()
    .min(2)
    .default(100)
    .describe(
      'Flows of a workload, and minutes with flows of a node or a source, before its silence means anything.',
    ),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'How long somebody must have reported before its silence is told, and how long losses of a cluster are info, in milliseconds of event time.',
    ),
  staleMs: z
    .int()
    .min(3_600_000)
    .default(604_800_000)
    .describe('Who was away for longer is learned anew, in milliseconds: what it did before says little.'),
  lossWindowMs: z
    .int()
    .min(60_000)
    .default(minutes(60))
    .describe('Window in which records lost are added up, in milliseconds.'),
  lossLeast: z.int().min(1).default(100).describe('Least records lost in the window.'),
  lossFactor: z
    .number()
    .min(1)
    .default(5)
    .describe('How many times the usual number in such a window must be lost.'),
  unknownLoss: z
    .int()
    .min(1)
    .default(20)
    .describe('How many records a loss counts for that does not say how many.'),
  quietMs: z
    .int()
    .min(1000)
    .default(86_400_000)
    .describe(
      'An alert closes when who was silent is back; else, and for losses, after this much event time, in milliseconds.',
    ),
});

export type Options = z.output<typeof options>;
