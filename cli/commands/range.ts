import { parseMoment } from '../../query/times.ts';
import { durationForm, parseDuration } from '../../pipeline/units.ts';
import type { TimeRange } from '../../store/index.ts';
import { UsageError } from './command.ts';

export interface RangeArguments {
  readonly since?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly at?: string | undefined;
}

export const rangeOptions = {
  since: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  at: { type: 'string' },
} as const;

export const rangeUsage = (
  since: string,
): string => `  --since DURATION  the last 10m, 24h, 7d (default ${since})
  --from, --to TIME between two times: 2026-11-24, 2026-11-24T03:12, 2026-11-24T03:12:05Z; UTC without a zone
  --at TIME         what was going on at that time`;

/** The asked range, both ends inclusive. `defaultMs` back from now when nothing is asked; null is all there is. */
export function rangeOf(asked: RangeArguments, nowMs: number, defaultMs: number | null): TimeRange {
  const given = [asked.since, asked.at, asked.from ?? asked.to].filter((value) => value !== undefined);
  if (given.length > 1) throw new UsageError('give one of --since, --at, or --from and --to');
  if (asked.at !== undefined) {
    const { fromMs, lengthMs } = momentOf('--at', asked.at);
    return { fromMs, toMs: fromMs + lengthMs - 1 };
  }
  if (asked.from !== undefined || asked.to !== undefined) {
    const fromMs = asked.from === undefined ? null : momentOf('--from', asked.from).fromMs;
    const to = asked.to === undefined ? null : momentOf('--to', asked.to);
    const toMs = to && to.fromMs + to.lengthMs - 1;
    if (fromMs !== null && toMs !== null && toMs < fromMs) throw new UsageError('--to is before --from');
    return { fromMs, toMs };
  }
  if (asked.since === undefined && defaultMs === null) return { fromMs: null, toMs: null };
  const backMs = asked.since === undefined ? defaultMs : parseDuration(asked.since);
  if (backMs === null) throw new UsageError(`--since ${asked.since}: expected ${durationForm}`);
  return { fromMs: nowMs - backMs, toMs: null };
}

function momentOf(option: string, text: string): { fromMs: number; lengthMs: number } {
  const moment = parseMoment(text);
  if (!moment)
    throw new UsageError(
      `${option} ${text}: expected a time such as 2026-11-24, 2026-11-24T03:12 or 2026-11-24T03:12:05Z`,
    );
  return moment;
}
