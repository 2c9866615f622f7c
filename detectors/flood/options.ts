import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  unanswered: z
    .int()
    .min(10)
    .default(500)
    .describe(
      'Connections to one port of one destination within ten seconds that got no answer and make an alert.',
    ),
  unansweredShare: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.8)
    .describe('Least share of all connections to it in that time that these must be.'),
  connections: z
    .int()
    .min(10)
    .default(1_000)
    .describe(
      'Connections to one port of one destination within ten seconds, answered or not, that make an alert.',
    ),
  sources: z
    .int()
    .min(10)
    .default(1_000)
    .describe('Different sources at one port of one destination within ten seconds that make an alert.'),
  usualFactor: z
    .number()
    .min(1)
    .default(10)
    .describe(
      'What is usual for the destination at that hour raises the thresholds of connections and sources to this many times that.',
    ),
  manySources: z
    .int()
    .min(2)
    .default(50)
    .describe(
      'From so many different sources on a flood is distributed, and one over many ports is no scan.',
    ),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'For this long after its first flow what is usual for a port of a destination is learned, in milliseconds: only unanswered connections are told.',
    ),
  staleMs: z
    .int()
    .min(3_600_000)
    .default(604_800_000)
    .describe('What had no flow for this long is learned anew, in milliseconds.'),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
