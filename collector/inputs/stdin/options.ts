import { z } from 'zod';
import { byteSize } from '../../../pipeline/units.ts';

export const options = z.strictObject({
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
});

export type Options = z.output<typeof options>;
