import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  bytesPerMinute: z
    .int()
    .min(1000)
    .default(300_000)
    .describe(
      'Bytes of both directions between one source and one resolver within a minute that make an alert.',
    ),
  queriesPerMinute: z
    .int()
    .min(10)
    .default(1_000)
    .describe('Queries of one source to one resolver within a minute that make an alert.'),
  usualFactor: z
    .number()
    .min(1)
    .default(2)
    .describe('How many times the busiest minute of its first `learnMs` a pair must exceed later.'),
  manyMinutes: z
    .int()
    .min(2)
    .default(10)
    .describe('Minutes above the threshold from which on an alert is one step more severe.'),
  bypass: z
    .boolean()
    .default(true)
    .describe('Whether workloads that ask a resolver outside the cluster are told.'),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe('For this long after its first flow a cluster, and each pair, is learned, in milliseconds.'),
  quietMs: z
    .int()
    .min(1000)
    .default(21_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
