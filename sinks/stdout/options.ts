import { z } from 'zod';

export const options = z.strictObject({
  format: z
    .enum(['json', 'text'])
    .default('json')
    .describe('`json`: one JSON object per line; `text`: one line a person reads.'),
});

export type Options = z.output<typeof options>;
