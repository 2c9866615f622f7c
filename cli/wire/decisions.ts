import { randomUUID } from 'node:crypto';
import {
  DECISION_KIND,
  createDecisions,
  decisionOf,
  type DecisionAction,
  type Decisions,
} from '../../incidents/decisions.ts';
import type { IncidentStream } from '../../incidents/stream.ts';
import { digest } from '../../schema/ids.ts';
import type { ControlChannel } from './control.ts';
import type { Shared } from './process.ts';

/** What somebody wants to be done with an incident. */
export interface Wanted {
  readonly incident: string;
  readonly action: DecisionAction;
  readonly by: string;
  readonly reason: string | null;
}

/** What becomes of it. */
export interface Decided {
  /** Event time from which it holds, and that of now; null before any alert was joined. */
  readonly fromMs: number;
  readonly joinedToMs: number | null;
  /** `open` here, `closed` or unknown; `elsewhere` may be open in another process. */
  readonly state: 'open' | 'not_open' | 'elsewhere';
}

/** Decisions of people about incidents, as they travel in the log. */
export interface IncidentDesk {
  readonly decisions: Decisions;
  /** To be told which partitions this process joins. */
  held(streams: readonly IncidentStream[]): void;
  decide(wanted: Wanted): Promise<Decided>;
}

export interface DeskOptions {
  readonly control: ControlChannel;
  /** Number of partitions of alerts. */
  readonly partitions: () => number;
  /** How long after it was made a decision holds, so that everybody hears of it before. */
  readonly leadMs: number;
}

export function incidentDesk({ control, partitions, leadMs }: DeskOptions, shared: Shared): IncidentDesk {
  const decisions = createDecisions();
  let streams: readonly IncidentStream[] = [];
  control.on(DECISION_KIND, (record) => decisions.add(decisionOf(record)));
  return {
    decisions,
    held: (now) => void (streams = now),
    async decide({ incident, action, by, reason }) {
      const joinedToMs = streams.reduce((most, stream) => Math.max(most, stream.joinedToMs), -Infinity);
      const nowMs = shared.clock.now();
      const isKnown = Number.isFinite(joinedToMs);
      // Event time may be far behind the clock, as where old logs are read: who decides means what is there now.
      const fromMs = (isKnown ? Math.min(joinedToMs, nowMs) : nowMs) + leadMs;
      const decided = { fromMs, joinedToMs: isKnown ? joinedToMs : null };
      if (!streams.some((stream) => stream.has(incident)) && streams.length >= partitions())
        return { ...decided, state: 'not_open' };
      await control.publish({
        kind: DECISION_KIND,
        id: `${DECISION_KIND}-${digest(22, incident, action, randomUUID())}`,
        timeMs: fromMs,
        body: { incident, action, by, reason },
        access: {
          action: `incident_${action}`,
          user: by,
          detail: reason === null ? incident : `${incident}: ${reason}`,
        },
      });
      return { ...decided, state: streams.some((stream) => stream.has(incident)) ? 'open' : 'elsewhere' };
    },
  };
}
