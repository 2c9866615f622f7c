import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

export const options = z.strictObject({
  ...baseOptions,
  authPorts: z
    .array(z.int().min(1).max(65535))
    .default([21, 22, 23, 512, 513, 514, 2222, 2323, 3389, 5900, 5985, 5986])
    .describe(
      'TCP ports at which one logs in: FTP, SSH, Telnet, r-services, RDP, VNC, WinRM. Services that are asked once a connection, such as databases, do not belong here.',
    ),
  attempts: z
    .int()
    .min(2)
    .default(9)
    .describe(
      'Short connections from one source to one port of one host within ten minutes that make an alert.',
    ),
  attemptsSlow: z.int().min(2).default(30).describe('The same within thirty minutes.'),
  sprayHosts: z
    .int()
    .min(2)
    .default(10)
    .describe('Hosts tried by one source on one port within thirty minutes that make an alert.'),
  spraySources: z
    .int()
    .min(2)
    .default(20)
    .describe(
      'Sources that try one port of one host within thirty minutes, at least twice each on average, that make an alert.',
    ),
  usualFactor: z
    .number()
    .min(0)
    .default(3)
    .describe(
      'What is usual for the same pair, source or host raises its thresholds to this many times that.',
    ),
  shortBytes: z
    .int()
    .min(100)
    .default(10_000)
    .describe('Greatest size of an attempt, both directions together; a session that was let in is larger.'),
  shortMs: z.int().min(1000).default(60_000).describe('Greatest duration of an attempt in milliseconds.'),
  successFactor: z
    .number()
    .gt(1)
    .default(1.5)
    .describe(
      'How many times the size of the attempts before, and 1,000 bytes more, a connection after them must have to be taken for a success.',
    ),
  successMs: z
    .int()
    .min(1000)
    .default(600_000)
    .describe('Time after the last attempt in which a session counts as its success, in milliseconds.'),
  knownGood: z
    .boolean()
    .default(true)
    .describe(
      'Whether GitOps and build controllers that poll Git over SSH are left out, as detectors/known-good has them.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
