import { z } from 'zod';

const GIB = 1024 ** 3;

export const options = z.strictObject({
  dir: z.string().min(1).describe('Directory of the store. One process at a time owns it.'),
  maxAgeDays: z.number().positive().default(30).describe('Slices sealed longer ago than this are removed.'),
  maxBytes: z
    .number()
    .int()
    .positive()
    .default(20 * GIB)
    .describe('Bytes all slices may take together; the oldest are removed first.'),
  sliceHours: z
    .number()
    .positive()
    .max(24 * 7)
    .default(6)
    .describe('A slice is sealed after this time, or when it holds a twentieth of maxBytes.'),
  memoryBytes: z
    .number()
    .int()
    .min(64 * 1024 ** 2)
    .default(GIB / 2)
    .describe("Upper bound on the database's own memory."),
  threads: z.number().int().min(1).max(64).default(2).describe('Threads of the database.'),
  commitRows: z
    .number()
    .int()
    .positive()
    .default(122_880)
    .describe('Rows after which a transaction is committed; a row group of the database by default.'),
  commitMs: z.number().int().positive().default(1000).describe('Longest time a row waits for its commit.'),
  reserveBytes: z
    .number()
    .int()
    .nonnegative()
    .default(256 * 1024 ** 2)
    .describe('Free disk space below which nothing is written.'),
});

export type Options = z.output<typeof options>;
