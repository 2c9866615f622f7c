/**
 * Times and sizes as people write them in the configuration. Options files use `duration()` and `byteSize()`,
 * so that every file in the project reads `60s` and `5GiB` the same way.
 */
import { z } from 'zod';

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

const sizeUnits = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
} as const;

export const durationForm = "a duration such as '500ms', '60s', '10m', '24h', '30d' or '1h30m'";
export const sizeForm = "a size such as '512KiB', '5MB' or '20GiB'";

/** Milliseconds of `90s`, `1h30m`; null when it is not one. `0` needs no unit, every other number does. */
export function parseDuration(text: string): number | null {
  const compact = text.trim();
  if (compact === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/.test(compact)) return null;
  let ms = 0;
  for (const [, digits, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    ms += Number(digits) * durationUnits[unit as keyof typeof durationUnits];
  }
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : null;
}

/** Bytes of `5MB` (decimal) or `5MiB` (binary); null when it is not one. Units are matched in any case. */
export function parseByteSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?b|b)?$/i.exec(text.trim());
  if (!match) return null;
  const [, digits, unit = 'b'] = match;
  const bytes = Math.round(Number(digits) * sizeUnits[unit.toLowerCase() as keyof typeof sizeUnits]);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Shortest exact form of a number of milliseconds: `1h30m`, `250ms`, `0`. What `parseDuration` reads back. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  let rest = ms;
  let text = '';
  for (const [unit, size] of [
    ['d', durationUnits.d],
    ['h', durationUnits.h],
    ['m', durationUnits.m],
    ['s', durationUnits.s],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/**
 * A duration option; its value is milliseconds. Takes a string with a unit or whole milliseconds.
 * Give defaults in the written form: `duration().prefault('60s')`; or in ms: `duration().default(60_000)`.
 */
export function duration() {
  return z
    .union([z.string(), z.number().int().nonnegative()], { error: `expected ${durationForm}` })
    .transform((value, context) => {
      const ms = typeof value === 'number' ? value : parseDuration(value);
      if (ms !== null) return ms;
      context.issues.push({ code: 'custom', input: value, message: `expected ${durationForm}` });
      return z.NEVER;
    })
    .meta({ format: 'duration' });
}

/**
 * A size option; its value is bytes. Takes a string with a unit or a whole number of bytes.
 * Give defaults in the written form: `byteSize().prefault('5MiB')`; or in bytes: `byteSize().default(5_242_880)`.
 */
export function byteSize() {
  return z
    .union([z.string(), z.number().int().nonnegative()], { error: `expected ${sizeForm}` })
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? value : parseByteSize(value);
      if (bytes !== null) return bytes;
      context.issues.push({ code: 'custom', input: value, message: `expected ${sizeForm}` });
      return z.NEVER;
    })
    .meta({ format: 'byteSize' });
}
