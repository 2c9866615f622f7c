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
      'Most alerts of one rule that are open in a lane; beyond it the one without evidence for longest closes early.',
    ),
});

export type Options = z.output<typeof options>;
