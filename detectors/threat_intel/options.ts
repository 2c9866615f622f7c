import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

/** What a list is of; it decides severity and technique. */
export const categories = ['c2', 'malware', 'tor', 'miner', 'scanner', 'other'] as const;

const list = z.strictObject({
  name: z.string().min(1).max(100).describe('Name of the list, as alerts show it.'),
  category: z
    .enum(categories)
    .default('other')
    .describe('What is on it; decides the severity and the technique.'),
  entries: z
    .string()
    .describe(
      'The list, usually `file:PATH`: one address, network, URL or domain a line; `#` and `;` begin comments.',
    ),
});

export const options = z.strictObject({
  ...baseOptions,
  lists: z
    .array(list)
    .max(100)
    .default([])
    .describe('Lists of addresses, networks and domains. A file may have 4 MiB.'),
  maxEntries: z
    .int()
    .min(1)
    .default(1_000_000)
    .describe('Most entries of all lists together; more are refused at start.'),
  minerPorts: z
    .array(z.int().min(1).max(65535))
    .default([3333, 3334, 3335, 3336, 4444, 14433, 14444, 45560, 45700])
    .describe('Ports of mining pools: a lasting connection to one of them on the internet is an alert.'),
  torPorts: z
    .array(z.int().min(1).max(65535))
    .default([9001, 9030])
    .describe('Ports of Tor relays, judged in the same way.'),
  lastingMs: z
    .int()
    .min(1000)
    .default(60_000)
    .describe(
      'How long a connection, or connections to the same place, must last for its port alone to be a reason, in milliseconds.',
    ),
  lastingFlows: z
    .int()
    .min(1)
    .default(3)
    .describe('How many connections to the same place within an hour do instead of a long one.'),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
