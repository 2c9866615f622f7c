import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  minConnections: z
    .int()
    .min(8)
    .max(64)
    .default(10)
    .describe(
      'Connections of a pair, after its first two, before it is judged; the last 64 of 24 hours are judged, and ten calls of one or more connections are the least.',
    ),
  minSpanMs: z
    .int()
    .min(1000)
    .default(60_000)
    .describe('Least time, in milliseconds, since the pair was first seen.'),
  minScore: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe('Least beacon score, 0 to 1, of a pair that makes an alert.'),
  minRegularity: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('Least regularity of the intervals alone, 0 to 1, whatever the sizes and the histogram add.'),
  newBonus: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('What is added to the score of a pair that was first seen after learning.'),
  prevalentSources: z
    .int()
    .min(2)
    .max(100)
    .default(5)
    .describe('A destination that this many sources call is a common service and no beacon.'),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'What is called inside the cluster is looked at only if it was first called this long after the first flow of the cluster, in milliseconds.',
    ),
  proxyPorts: z
    .array(z.int().min(1).max(65535))
    .default([1080, 3128, 8118])
    .describe('Ports of forward proxies: what goes there leaves the cluster, however many use it.'),
  leftOutPorts: z
    .array(z.int().min(0).max(65535))
    .default([53, 67, 123, 547, 853, 2379, 2380, 5353, 6443, 6641, 6642, 9641, 9642, 10250])
    .describe(
      'Ports that are periodic by design: names, time, leases, and the control plane of Kubernetes and OVN. Other detectors watch them.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(21_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
