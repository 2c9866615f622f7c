import { z } from 'zod';

const pattern = z.string().refine(
  (text) => {
    try {
      return new RegExp(text) instanceof RegExp;
    } catch {
      return false;
    }
  },
  { error: 'expected a regular expression' },
);

const rule = z
  .strictObject({
    prefix: z
      .string()
      .optional()
      .describe(
        "Log prefix, compared without regard to case and to blanks around it; '*' stands for any text.",
      ),
    regex: pattern
      .optional()
      .describe(
        'Regular expression on the log prefix instead. Its groups named namespace, policy and rule are taken over.',
      ),
    verdict: z
      .enum(['allow', 'deny', 'audit', 'unknown'])
      .describe('What a packet logged with this prefix came to.'),
    policy: z
      .strictObject({
        kind: z.string().optional().describe('Kind of the policy.'),
        namespace: z.string().optional().describe('Namespace of the policy.'),
        name: z.string().optional().describe('Name of the policy.'),
        rule: z.string().optional().describe('Rule in the policy.'),
      })
      .optional()
      .describe('Policy the prefix stands for.'),
  })
  .refine((value) => (value.prefix === undefined) !== (value.regex === undefined), {
    error: 'expected either prefix or regex',
  });

export const options = z.strictObject({
  prefixes: z
    .array(rule)
    .default([
      { regex: '^A\\|(?:(?<namespace>[^/|\\s]+)/)?(?<policy>[^|\\s]+)', verdict: 'allow' },
      { regex: '^[DR]\\|(?:(?<namespace>[^/|\\s]+)/)?(?<policy>[^|\\s]+)', verdict: 'deny' },
      { prefix: '*drop*', verdict: 'deny' },
      { prefix: '*reject*', verdict: 'deny' },
      { prefix: '*deny*', verdict: 'deny' },
      { prefix: '*denied*', verdict: 'deny' },
      { prefix: '*block*', verdict: 'deny' },
      { prefix: '*accept*', verdict: 'allow' },
      { prefix: '*allow*', verdict: 'allow' },
      { prefix: '*pass*', verdict: 'allow' },
    ])
    .describe(
      'What log prefixes mean; the first that matches counts. A packet whose prefix matches none has verdict unknown.',
    ),
  timezone: z
    .string()
    .refine(
      (name) => {
        try {
          return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
        } catch {
          return false;
        }
      },
      { error: "expected a time zone such as 'UTC' or 'Europe/Berlin'" },
    )
    .default('UTC')
    .describe('Time zone of time stamps that name none, where the record has no oob.time.sec either.'),
});

export type Options = z.output<typeof options>;
