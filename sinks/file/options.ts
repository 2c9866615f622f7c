import { z } from 'zod';
import { byteSize, duration } from '../../pipeline/units.ts';

export const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('File that is written, one JSON object per line. Its directory is made when missing.'),
  maxBytes: byteSize().prefault('256MiB').describe('Size at which the file is rotated.'),
  maxAgeMs: duration().prefault('24h').describe('Age at which the file is rotated; 0 for never.'),
  keep: z.int().min(0).default(14).describe('How many rotated files are kept; the oldest are deleted.'),
  compress: z.boolean().default(true).describe('Compress rotated files with gzip.'),
});

export type Options = z.output<typeof options>;
