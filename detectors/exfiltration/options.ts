import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

const MEGABYTE = 1_000_000;

export const options = z.strictObject({
  ...baseOptions,
  spikeBytes: z
    .number()
    .min(1)
    .default(20 * MEGABYTE)
    .describe('Least bytes that somebody sends outside within an hour for a spike.'),
  spikeFactor: z
    .number()
    .min(1)
    .default(3)
    .describe('How many times the 99.9th percentile of its own hours a spike must exceed.'),
  newBytes: z
    .number()
    .min(1)
    .default(5 * MEGABYTE)
    .describe('Least bytes to a destination that is new to the sender.'),
  newRatio: z
    .number()
    .min(1)
    .default(10)
    .describe('How many times what comes back must be sent to a new destination.'),
  newMs: z.int().min(60_000).default(86_400_000).describe('How long a destination is new, in milliseconds.'),
  slowBytes: z
    .number()
    .min(1)
    .default(10 * MEGABYTE)
    .describe('Least bytes above the usual, over all hours of a slow rise.'),
  slowSum: z
    .number()
    .min(1)
    .default(12)
    .describe(
      'Sum of the standard deviations above the usual, each hour at most three and less one, from which on a rise is told.',
    ),
  bigBytes: z
    .number()
    .min(1)
    .default(500 * MEGABYTE)
    .describe(
      'Bytes within an hour that are told even of a sender that is still learned; and that make any alert high.',
    ),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'A sender is judged this long after it first sent something outside, in milliseconds of event time.',
    ),
  publicPeers: z
    .int()
    .min(1)
    .max(1000)
    .default(5)
    .describe(
      'Who was called by this many addresses outside serves the public: another caller is nothing new.',
    ),
  proxyPorts: z
    .array(z.int().min(1).max(65535))
    .default([1080, 3128, 8118])
    .describe('Ports of forward proxies: what goes there leaves the cluster.'),
  quietMs: z
    .int()
    .min(1000)
    .default(21_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
