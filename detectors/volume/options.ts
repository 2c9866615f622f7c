import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  buckets: z
    .int()
    .min(1)
    .default(3)
    .describe('Spans of five minutes in a row that must be too high, or too low, to make an alert.'),
  riseFactor: z
    .number()
    .gt(1)
    .default(3)
    .describe(
      'How many times what 999 of 1,000 spans of that hour stay below a span must exceed to be too high.',
    ),
  riseBytes: z
    .int()
    .min(1)
    .default(10_000_000)
    .describe('Least bytes of both directions within five minutes that can be too high.'),
  riseConnections: z
    .int()
    .min(1)
    .default(1_000)
    .describe('The same in connections, of what comes from origins that count no bytes.'),
  fallFactor: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.25)
    .describe('Share of what 999 of 1,000 spans of that hour exceed below which a span is too low.'),
  fallBytes: z
    .int()
    .min(1)
    .default(1_000_000)
    .describe('What 999 of 1,000 spans exceed must be at least so many bytes for a fall to be told.'),
  fallConnections: z
    .int()
    .min(1)
    .default(100)
    .describe('The same in connections, of what comes from origins that count no bytes.'),
  learnMs: z
    .int()
    .min(300_000)
    .default(86_400_000)
    .describe('Nothing is told of an entity before it was watched for this long, in milliseconds.'),
  seasonMs: z
    .int()
    .min(300_000)
    .default(604_800_000)
    .describe(
      'Before it was watched for this long, which should be a week, alerts of an entity are `info`, and only a fall below all hours of the day is told; in milliseconds.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
