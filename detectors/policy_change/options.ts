import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  allowAllNames: z
    .array(z.string().min(1))
    .default(['allow-all', 'allow-any', 'allow_all', 'any-any', 'permit-all'])
    .describe(
      'A policy whose name contains one of these is taken to let everything through where the origin does not say what is in it.',
    ),
  routineUsers: z
    .array(z.string().min(1))
    .default([
      'system:serviceaccount:kube-system:generic-garbage-collector',
      'system:serviceaccount:kube-system:namespace-controller',
    ])
    .describe(
      'Users that delete policies because something else was deleted, which is where to look: their deletions are not told.',
    ),
  usualFactor: z
    .number()
    .min(1)
    .default(3)
    .describe(
      'What a user changes every day is info up to this many times the usual number of such changes a day.',
    ),
  followMs: z
    .int()
    .min(60_000)
    .default(3_600_000)
    .describe(
      'How long after a change connections that it newly lets through are put down to it, in milliseconds.',
    ),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'After the first record of a cluster, or the first connection of a workload, in milliseconds of event time, in which changes are info and new connections are only learned.',
    ),
  keepMs: z
    .int()
    .min(3_600_000)
    .default(604_800_000)
    .describe('How long a connection that was let through or denied is remembered, in milliseconds.'),
  quietMs: z
    .int()
    .min(1000)
    .default(21_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
