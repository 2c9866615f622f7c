import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  stepsMs: z
    .tuple([z.int().min(60_000), z.int().min(60_000), z.int().min(60_000), z.int().min(60_000)])
    .refine((steps) => steps.every((step, i) => i === 0 || step > steps[i - 1]!), 'steps must rise')
    .default([3_600_000, 14_400_000, 28_800_000, 43_200_000])
    .describe('Durations, in milliseconds, from which on a connection is info, low, medium and high.'),
  usualConnections: z
    .int()
    .min(1)
    .default(3)
    .describe('Earlier long connections of an edge from which on it is known how long they usually are.'),
  usualFactor: z
    .number()
    .min(1)
    .default(1.2)
    .describe(
      'How many times the 99th percentile of its edge a connection must exceed, where that is known.',
    ),
  prevalentSources: z
    .int()
    .min(2)
    .max(100)
    .default(5)
    .describe('A destination outside that this many sources call is a common service.'),
  learnMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe(
      'Of connections that begin within this time after the first flow of a cluster, in milliseconds, those inside are only learned and those to the outside are info.',
    ),
  joinMs: z
    .int()
    .min(1000)
    .default(900_000)
    .describe(
      'Longest pause, in milliseconds, between two records of one connection from origins that tell of it in pieces.',
    ),
  proxyPorts: z
    .array(z.int().min(1).max(65535))
    .default([1080, 3128, 8118])
    .describe('Ports of forward proxies: what goes there leaves the cluster, however many use it.'),
  leftOutPorts: z
    .array(z.int().min(0).max(65535))
    .default([53, 67, 123, 500, 547, 853, 2379, 2380, 4500, 5353, 6443, 6641, 6642, 9641, 9642, 10250])
    .describe(
      'Ports whose connections are long by design: names, time, leases, site-to-site tunnels, and the control plane of Kubernetes and OVN.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(21_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
