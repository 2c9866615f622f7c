import { messageOf } from '../../pipeline/errors.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import type { Log } from '../../pipeline/log.ts';
import { anySignal } from '../../pipeline/signals.ts';
import { digest } from '../../schema/ids.ts';
import { newAccess, newControl, type Control } from '../../schema/records.ts';
import type { Shared } from './process.ts';

/** Reads all of `weir.control` and what comes to it, until it is aborted; `caughtUp` at the present end of it. */
export type Follow = (
  take: (record: Control) => void,
  caughtUp: () => void,
  signal: AbortSignal,
) => Promise<void>;

export interface ControlOptions {
  readonly log: Pick<Log, 'append'>;
  readonly follow: Follow;
}

/** A change of what is in force, or a decision of somebody. */
export interface Change {
  readonly kind: string;
  readonly id: string;
  /** Event time from which it holds. */
  readonly timeMs: number;
  readonly body: object;
  /** What the record of it in `weir.access` says; null for what no person did. */
  readonly access: { readonly action: string; readonly user?: string; readonly detail: string } | null;
}

/**
 * Everything that changes how a stream is judged is a record in `weir.control` with an event time. Every process reads
 * them from the beginning, so all agree, and what is read again is judged as it was.
 */
export interface ControlChannel {
  /**
   * Told of each record of a kind, in their order; `isNew` is false for those that were there at the start. What throws
   * is a record that this version cannot read: it changes nothing, and is counted.
   */
  on(kind: string, take: (record: Control, isNew: boolean) => void): void;
  publish(change: Change): Promise<void>;
  /** Resolves once every record so far was told; before that nothing may be judged. */
  start(signal: AbortSignal): Promise<void>;
  /** Listens until the process ends. */
  readonly pump: Pump;
}

export function createControl({ log, follow }: ControlOptions, shared: Shared): ControlChannel {
  const { clock, meter } = shared;
  const refused = meter.counter(
    'control_refused_total',
    'Records of weir.control that could not be read, by kind.',
    ['kind'],
  );
  const listeners = new Map<string, (record: Control, isNew: boolean) => void>();
  const stopped = new AbortController();
  let isStarted = false;
  let listening: Promise<void> = Promise.resolve();

  function take(record: Control): void {
    const listener = listeners.get(record.kind);
    if (listener === undefined) return;
    try {
      listener(record, isStarted);
    } catch (error) {
      refused.add(1, { kind: record.kind });
      shared.log.error(
        { id: record.id, kind: record.kind, error: messageOf(error) },
        'change of the log not taken, keeping what was in force',
      );
    }
  }

  return {
    on: (kind, listener) => void listeners.set(kind, listener),
    async publish({ kind, id, timeMs, body, access: said }) {
      const record = newControl({ id, timeMs, kind, body: JSON.stringify(body) });
      await log.append('control', [{ partition: 0, key: null, value: record }]);
      if (said === null) return;
      const { action, user = 'local', detail } = said;
      const nowMs = clock.now();
      const access = newAccess({ id: digest(22, action, id, nowMs), timeMs: nowMs, user, action, detail });
      access.cluster = shared.cluster;
      await log.append('access', [{ partition: 0, key: null, value: access }]);
    },
    async start(signal) {
      let caughtUp: () => void = () => {};
      const ready = new Promise<void>((done) => (caughtUp = done));
      listening = follow(take, caughtUp, anySignal(signal, stopped.signal));
      // Whoever runs the pump is told of a failure.
      listening.catch(() => {});
      await Promise.race([ready, listening]);
      isStarted = true;
    },
    pump: {
      name: 'control',
      async run({ drain }) {
        drain.addEventListener('abort', () => stopped.abort());
        if (drain.aborted) stopped.abort();
        await listening;
      },
    },
  };
}

/** Follows the topic with a cursor that is never saved: it is read from the beginning each time. */
export const followWith =
  (log: Pick<Log, 'consume' | 'lag'>, group: string): Follow =>
  async (take, caughtUp, signal) => {
    if ((await log.lag(group, ['control'])) === 0) caughtUp();
    await log.consume(
      {
        group,
        topics: ['control'],
        startAt: 'beginning',
        async handle(batch) {
          for (const { value } of batch.entries) if (value !== null) take(value);
          if ((batch.entries.at(-1)?.offset ?? -1) + 1 >= batch.end) caughtUp();
        },
      },
      signal,
    );
  };
