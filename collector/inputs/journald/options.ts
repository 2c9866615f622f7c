import { z } from 'zod';
import { byteSize, duration, durationForm, parseDuration } from '../../../pipeline/units.ts';

export const options = z.strictObject({
  path: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe("Files with the output of 'journalctl -o json' to read instead of the journal itself."),
  stdin: z.boolean().default(false).describe("Reads the output of 'journalctl -o json' from standard input."),
  units: z.array(z.string().min(1)).default([]).describe('Only entries of these units (journalctl --unit).'),
  identifiers: z
    .array(z.string().min(1))
    .default([])
    .describe('Only entries with these syslog identifiers (journalctl --identifier).'),
  kernel: z.boolean().default(false).describe('Only messages of the kernel (journalctl --dmesg).'),
  directory: z
    .string()
    .min(1)
    .optional()
    .describe('Directory of journal files (journalctl --directory), such as that of a mounted host.'),
  startAt: z
    .union([
      z.enum(['end', 'beginning']),
      z.string().refine((text) => parseDuration(text) !== null, {
        error: `expected 'end', 'beginning' or ${durationForm}`,
      }),
    ])
    .default('end')
    .describe(
      "Where a journal is begun that no run has read before: 'end', 'beginning', or a duration such as '24h'.",
    ),
  command: z.string().min(1).default('journalctl').describe('The journalctl program.'),
  maxLineBytes: byteSize()
    .pipe(
      z
        .number()
        .int()
        .min(1024)
        .max(64 * 1024 * 1024),
    )
    .prefault('1MiB')
    .describe('Longest entry that is read; a longer one is rejected.'),
  heartbeatInterval: duration()
    .prefault('1s')
    .describe('How often a journal without new entries is reported as read to its end.'),
});

export type Options = z.output<typeof options>;
