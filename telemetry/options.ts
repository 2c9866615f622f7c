import { z } from 'zod';

export const options = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least important messages that are written.'),
  format: z
    .enum(['auto', 'json', 'text'])
    .default('auto')
    .describe('`json` lines, `text` for people, or `auto`: text on a terminal and JSON everywhere else.'),
});

export type Options = z.output<typeof options>;
