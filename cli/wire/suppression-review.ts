import { z } from 'zod';
import type { SuppressionSchedule } from '../../incidents/in-force.ts';
import { reviewOf } from '../../incidents/review.ts';
import type { IncidentStream } from '../../incidents/stream.ts';
import { weekOf, WEEK_MS, type Tally } from '../../incidents/tally.ts';
import { messageOf } from '../../pipeline/errors.ts';
import type { Log } from '../../pipeline/log.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import type { ControlChannel } from './control.ts';
import type { Line, Shared } from './process.ts';

const KIND = 'suppression_tally';

export interface ReviewOptions {
  readonly schedule: SuppressionSchedule;
  /** Null in a replay, in which no week is reviewed. */
  readonly control: ControlChannel | null;
  readonly log: Pick<Log, 'append' | 'partitions'>;
}

/** What suppressions hide: for `weir status`, and once a week for whoever reads alerts. */
export interface SuppressionReview {
  held(streams: readonly IncidentStream[]): void;
  weekEnded(partition: number, tally: Tally): Promise<void>;
}

const body = z.object({
  partition: z.int(),
  of: z.int(),
  weekMs: z.number(),
  sinceMs: z.number(),
  hidden: z.record(z.string(), z.number()),
});
type Part = z.output<typeof body>;

/** Weeks of which not all partitions were heard of; a partition that is gone must not keep them for ever. */
const MAX_WEEKS = 8;

/**
 * Alerts lie in several partitions and in several processes, so each partition's count travels as a record in
 * `weir.control`. Who has the first partition makes the review when it has heard of all of them.
 */
export function suppressionReview(
  { schedule, control, log }: ReviewOptions,
  shared: Shared,
): SuppressionReview {
  let streams: readonly IncidentStream[] = [];
  const weeks = new Map<number, Map<number, Part>>();
  const mine = new Set<number>();

  shared.board.putAll('suppressions', () => linesOf(schedule, streams, shared.clock.now()));
  control?.on(KIND, (record) => {
    const part = body.parse(JSON.parse(record.body));
    const parts = weeks.get(part.weekMs) ?? new Map<number, Part>();
    weeks.set(part.weekMs, parts.set(part.partition, part));
    for (const weekMs of [...weeks.keys()].sort((a, b) => a - b).slice(0, -MAX_WEEKS)) weeks.delete(weekMs);
    if (parts.size < part.of || !mine.delete(part.weekMs)) return;
    weeks.delete(part.weekMs);
    review([...parts.values()]).catch((error: unknown) =>
      shared.log.error({ error: messageOf(error) }, 'review of suppressions not written'),
    );
  });

  async function review(parts: readonly Part[]): Promise<void> {
    const hidden: Record<string, number> = {};
    for (const part of parts)
      for (const [name, count] of Object.entries(part.hidden)) hidden[name] = (hidden[name] ?? 0) + count;
    const { weekMs } = parts[0]!;
    const sinceMs = Math.max(...parts.map((part) => part.sinceMs));
    const value = reviewOf({ weekMs, sinceMs, hidden }, schedule, shared.cluster);
    if (value === null) return;
    const { key } = value.entity;
    await log.append('alerts', [{ partition: partitionOf(key, log.partitions('alerts')), key, value }]);
  }

  return {
    held: (now) => void (streams = now),
    async weekEnded(partition, tally) {
      if (control === null || schedule.at(tally.weekMs + WEEK_MS).suppressions.length === 0) return;
      if (partition === 0) mine.add(tally.weekMs);
      await control.publish({
        kind: KIND,
        id: `${KIND}-${tally.weekMs}-${partition}`,
        timeMs: tally.weekMs + WEEK_MS,
        body: { partition, of: log.partitions('alerts'), ...tally } satisfies Part,
        access: null,
      });
    },
  };
}

const DAY_MS = 86_400_000;

function linesOf(schedule: SuppressionSchedule, streams: readonly IncidentStream[], nowMs: number): Line[] {
  const hidden = new Map<string, number>();
  for (const { tally } of streams)
    for (const [name, count] of Object.entries(tally?.weekMs === weekOf(nowMs) ? tally.hidden : {}))
      hidden.set(name, (hidden.get(name) ?? 0) + count);
  return schedule.newest().suppressions.map(({ name, untilMs, by, reason }) => {
    const count = hidden.get(name) ?? 0;
    const leftDays = Math.ceil((untilMs - nowMs) / DAY_MS);
    const ends = leftDays <= 14 ? `ends in ${leftDays} d` : null;
    const state = untilMs <= nowMs ? 'over' : (ends ?? (count > 0 ? 'hides' : 'idle this week'));
    return {
      name,
      state,
      hidden: count,
      until: new Date(untilMs - 1).toISOString().slice(0, 10),
      by,
      reason,
    };
  });
}
