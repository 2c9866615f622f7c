import { z } from 'zod';
import type { Control } from '../schema/records.ts';

/** What somebody decided about an incident: it enters the stream with an event time, so it is read again with it. */
export interface Decision {
  readonly id: string;
  /** Event time at which it holds. */
  readonly timeMs: number;
  readonly incident: string;
  readonly action: DecisionAction;
  readonly by: string;
  readonly reason: string | null;
}

export const decisionActions = ['acknowledged', 'closed'] as const;
export type DecisionAction = (typeof decisionActions)[number];

/** Kind of the records in `weir.control`. */
export const DECISION_KIND = 'incident';

const body = z.object({
  incident: z.string().min(1),
  action: z.enum(decisionActions),
  by: z.string().min(1),
  reason: z.string().nullable(),
});

/** Throws on what is no decision of this version. */
export const decisionOf = ({ id, timeMs, body: text }: Control): Decision => ({
  id,
  timeMs,
  ...body.parse(JSON.parse(text)),
});

/** Every decision that was heard of, for partitions that are read now and for those that come later. */
export interface Decisions {
  add(decision: Decision): void;
  /** Those that were added after the first `count` ones, and how many there are now. */
  since(count: number): { readonly decisions: readonly Decision[]; readonly count: number };
}

/** Older ones are about incidents that are long closed. */
const MOST = 10_000;

export function createDecisions(): Decisions {
  const kept: Decision[] = [];
  let dropped = 0;
  return {
    add(decision) {
      kept.push(decision);
      if (kept.length <= MOST) return;
      dropped += MOST / 10;
      kept.splice(0, MOST / 10);
    },
    since: (count) => ({
      decisions: kept.slice(Math.max(0, count - dropped)),
      count: dropped + kept.length,
    }),
  };
}
