import { z } from 'zod';
import { options as enricher } from '../../../enricher/options.ts';
import { options as kafka } from '../../../transport/kafka/options.ts';
import { byteSize, duration } from '../../../pipeline/units.ts';
import type { Registries } from '../../../cli/config/schema.ts';

/** A small world of components, so that these tests do not change with the real ones. */
export const registries: Registries = {
  kafka,
  enricher,
  sources: {
    lines: { options: z.strictObject({ window: duration().prefault('10s').describe('Collapse window.') }) },
    plain: { options: z.strictObject({}) },
  },
  inputs: {
    file: {
      options: z.strictObject({
        path: z.string().min(1).describe('File or pattern.'),
        maxLineBytes: byteSize().prefault('1MiB').describe('Longest line.'),
      }),
    },
    stdin: { options: z.strictObject({}) },
  },
  detectors: {
    port_scan: {
      options: z.strictObject({ minPorts: z.int().min(2).default(20).describe('Distinct ports.') }),
    },
    policy_denied: { options: z.strictObject({}) },
  },
  sinks: {
    syslog: {
      defaultRecords: ['alert', 'loss'],
      defaultWhere: { alert: 'not action : updated' },
      options: z.strictObject({
        to: z.array(z.string()).min(1).describe('Receivers.'),
        format: z.enum(['json', 'cef']).default('json').describe('Payload.'),
        token: z.string().optional().describe('Token.'),
        tls: z
          .strictObject({ ca: z.string().optional().describe('Authorities.').meta({ fileReference: true }) })
          .prefault({})
          .describe('TLS.'),
      }),
    },
    stdout: { defaultRecords: ['flow'], options: z.strictObject({}) },
  },
};
