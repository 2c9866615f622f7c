import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  minSources: z
    .int()
    .min(2)
    .default(10)
    .describe('Sources from inside that failed on one host within `windowMs` that make an alert.'),
  windowMs: z
    .int()
    .min(60_000)
    .default(3_600_000)
    .describe('Time, in milliseconds, in which sources from inside and their ports are counted.'),
  minStrangers: z
    .int()
    .min(2)
    .default(50)
    .describe('Sources of the internet that failed on one host within a day that make an alert.'),
  minPorts: z
    .int()
    .min(2)
    .default(5)
    .describe(
      'Ports that they tried between them: all clients of one service fail on one port when it is down.',
    ),
  keepMs: z
    .int()
    .min(60_000)
    .default(86_400_000)
    .describe(
      'How long it is remembered, in milliseconds, that a port of a host answered: who fails there calls a service that is down.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(21_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
