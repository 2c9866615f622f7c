import { z } from 'zod';
import { baseOptions } from '../base-options.ts';

const SENSITIVE_PORTS = [21, 22, 23, 53, 88, 135, 139, 389, 445, 3389, 5900, 5985, 5986, 9389];

export const options = z.strictObject({
  ...baseOptions,
  verticalFailed: z
    .int()
    .min(2)
    .default(15)
    .describe('Failed ports on one host within `windowMs` that make a vertical scan.'),
  verticalAny: z
    .int()
    .min(2)
    .max(120)
    .default(50)
    .describe('Ports on one host within a minute that make a vertical scan whether or not they answered.'),
  sensitiveFailed: z
    .int()
    .min(2)
    .default(5)
    .describe('Sensitive ports on one host within a minute, at least one of them failed, that make a scan.'),
  sensitivePorts: z
    .array(z.int().min(1).max(65535))
    .default(SENSITIVE_PORTS)
    .describe('Ports that attackers look for first: remote administration, directory and file services.'),
  horizontalFailed: z
    .int()
    .min(2)
    .default(10)
    .describe('Hosts that failed on one TCP port within `windowMs` that make a horizontal scan.'),
  horizontalFailedUdp: z
    .int()
    .min(2)
    .default(25)
    .describe('The same for a UDP port, where silence alone proves little.'),
  horizontalShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.33)
    .describe(
      'Least share of failures among the hosts met on that port: below it a busy client has a few dead peers.',
    ),
  sweepHosts: z
    .int()
    .min(2)
    .default(25)
    .describe(
      'Hosts asked for an ICMP echo within `windowMs` that make a sweep, whether or not they answered.',
    ),
  windowMs: z.int().min(1000).default(300_000).describe('Window of the counting rules in milliseconds.'),
  alpha: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.00001)
    .describe(
      'Chance of the sequential test to call a benign source a scanner; 0.00001 asks for nine straight failures.',
    ),
  benignSuccess: z
    .number()
    .gt(0.5)
    .lt(1)
    .default(0.8)
    .describe('Chance that a first contact of a benign source is answered.'),
  scannerSuccess: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.2)
    .describe('Chance that a first contact of a scanner is answered.'),
  halfLifeMs: z
    .int()
    .min(60_000)
    .default(86_400_000)
    .describe('Time in which the sequential test forgets half of what it holds, in milliseconds.'),
  keepMs: z
    .int()
    .min(60_000)
    .default(86_400_000)
    .describe(
      'How long a pair of source and destination port is remembered, in milliseconds: later it counts as new.',
    ),
  quietMs: z
    .int()
    .min(1000)
    .default(3_600_000)
    .describe('An alert closes after this much event time without evidence, in milliseconds.'),
});

export type Options = z.output<typeof options>;
