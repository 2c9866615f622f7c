import { z } from 'zod';
import { duration } from '../pipeline/units.ts';

/** The section `incidents`. Times in milliseconds. */
export const options = z.strictObject({
  quiet: duration()
    .prefault('4h')
    .describe(
      'An incident closes after so much event time without evidence, once its alerts have closed; what comes later opens a new one.',
    ),
  maxOpen: duration()
    .prefault('7d')
    .describe('An incident whose alerts never close ends after so much event time without news of them.'),
  halfLife: duration()
    .prefault('6h')
    .describe('Event time after which an alert counts half in the score of its incident.'),
  notify: z
    .enum(['low', 'medium', 'high', 'critical'])
    .default('medium')
    .describe(
      'Least severity at which a revision has `notify` set; it is set once for each severity an incident comes to.',
    ),
  maxIncidents: z
    .int()
    .min(10)
    .default(10_000)
    .describe('Most open incidents, over all partitions; beyond it the one that is quiet longest is closed.'),
  maxWaiting: z
    .int()
    .min(10)
    .default(60_000)
    .describe(
      'Most alerts that wait until all lanes have passed their time, over all partitions; beyond it the oldest are joined early.',
    ),
});

export type Options = z.output<typeof options>;
