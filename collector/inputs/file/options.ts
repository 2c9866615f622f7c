import { z } from 'zod';
import { byteSize, duration, parseDuration, durationForm } from '../../../pipeline/units.ts';

const startAt = z
  .union([
    z.enum(['end', 'beginning']),
    z.string().refine((text) => parseDuration(text) !== null, {
      error: `expected 'end', 'beginning' or ${durationForm}`,
    }),
  ])
  .default('end')
  .describe(
    "Where a file is begun that no run has read before: 'end', 'beginning', or a duration such as '24h', which reads files written to within it from their beginning. Applies to the first start only: a file that appears later is read from its beginning.",
  );

export const options = z.strictObject({
  path: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe("File, or pattern with '*', '?', '[a-z]' and '**' (any depth); several may be given."),
  exclude: z.array(z.string().min(1)).default([]).describe('Patterns of files to leave out.'),
  startAt,
  wrapper: z
    .enum(['auto', 'none', 'cri', 'docker', 'journald', 'openshift-logging'])
    .default('auto')
    .describe(
      "What stands around each line: 'cri' and 'docker' container logs ('auto' recognises both), 'journald' JSON, the cluster log forwarder's JSON, or 'none'.",
    ),
  maxLineBytes: byteSize()
    .pipe(
      z
        .number()
        .int()
        .min(1024)
        .max(64 * 1024 * 1024),
    )
    .prefault('1MiB')
    .describe('Longest line that is read; a longer one is rejected and skipped to its end.'),
  pollInterval: duration()
    .pipe(z.number().min(10))
    .prefault('500ms')
    .describe('How often files are looked at for growth and rotation.'),
  heartbeatInterval: duration()
    .prefault('1s')
    .describe(
      'How often a file without growth is reported as read to its end, which closes what waits for time to pass.',
    ),
  rotatedGrace: duration()
    .prefault('10s')
    .describe(
      'How long a rotated file is still watched for late writes, and its compressed or copied form is waited for.',
    ),
  maxFiles: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(4096)
    .describe('Most files that are followed at once; others wait.'),
});

export type Options = z.output<typeof options>;
