import { systemClock } from '../../pipeline/clock.ts';
import type { Clock, Context, Logger } from '../../pipeline/contracts.ts';
import { noMeter } from '../../pipeline/meter.ts';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A clock that stands still until it is told to go on; sleepers wake when their time has come. */
export interface ManualClock extends Clock {
  /** Goes on by `ms` and lets everything that becomes due run. */
  tick(ms: number): Promise<void>;
  /** When the next sleeper wakes; null while nobody sleeps. */
  nextDueMs(): number | null;
}

export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  let nowMs = startMs;
  const sleepers = new Set<{ dueMs: number; wake: () => void }>();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const sleeper = { dueMs: nowMs + ms, wake: done };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', done);
      }),
    nextDueMs: () => (sleepers.size === 0 ? null : Math.min(...[...sleepers].map(({ dueMs }) => dueMs))),
    async tick(ms) {
      const target = nowMs + ms;
      for (;;) {
        await settle();
        const due = [...sleepers].filter((s) => s.dueMs <= target).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (!due) break;
        nowMs = Math.max(nowMs, due.dueMs);
        sleepers.delete(due);
        due.wake();
      }
      nowMs = target;
      await settle();
    },
  };
}

/** A context for a component under test. */
export function testContext(overrides: Partial<Context> = {}): Context {
  return {
    name: 'test',
    cluster: 'test',
    meter: noMeter,
    clock: systemClock,
    log: silent,
    ...overrides,
  };
}
