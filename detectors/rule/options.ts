import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

/** The rules themselves are in the section `rules`. */
export const options = z.strictObject({
  ...baseOptions,
  maxOpen: z
    .int()
    .min(1)
    .max(10_000)
    .default(500)
    .describe(
      'Most alerts of one rule that are open in a lane; what more there is, is counted and named by one alert.',
    ),
});

export type Options = z.output<typeof options>;
