import { setMaxListeners } from 'node:events';
import type { Clock, Logger } from './contracts.ts';
import { WeirError } from './errors.ts';

/** A loop that runs until it is told to drain. */
export interface Pump {
  readonly name: string;
  run(signals: Signals): Promise<void>;
}

/** `drain` stops pulling and lets what is under way end; `kill` ends the grace period. */
export interface Signals {
  readonly drain: AbortSignal;
  readonly kill: AbortSignal;
}

/** What `kill` does not end within this time is left behind. */
const AFTER_KILL_MS = 1000;

/**
 * Runs pumps side by side until they end by themselves or `stop` is aborted. The first one to fail drains the
 * others, and its error is thrown once they have stopped: what was unsettled is then redelivered. A pump that goes
 * on after `kill` is not waited for.
 */
export async function runPumps(
  pumps: readonly Pump[],
  options: {
    /** Told when draining begins, for what waits outside of the pumps. */
    readonly draining?: () => void;
    readonly stop: AbortSignal;
    readonly graceMs: number;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Promise<void> {
  const drain = new AbortController();
  const kill = new AbortController();
  const done = new AbortController();
  // Every pump listens, and some parts of each.
  setMaxListeners(0, drain.signal, kill.signal, options.stop);
  let failure: { error: unknown } | null = null;
  const begin = (): void => {
    if (drain.signal.aborted) return;
    drain.abort();
    options.draining?.();
    void options.clock.sleep(options.graceMs, done.signal).then(() => {
      if (!done.signal.aborted) options.log.warn({ graceMs: options.graceMs }, 'grace period is over');
      kill.abort();
    });
  };
  if (options.stop.aborted) begin();
  options.stop.addEventListener('abort', begin);
  // Who waits for a log that is gone does not end by itself: that its log is stopped ends it.
  const running = new Set(pumps.map(({ name }) => name));
  const abandoned = new Promise<void>((resolve) => {
    kill.signal.addEventListener('abort', () => {
      void options.clock.sleep(AFTER_KILL_MS, done.signal).then(() => {
        const names = [...running].join(', ');
        if (running.size > 0)
          failure ??= {
            error: new WeirError('not_connected', `${names}: did not end within the grace period`),
          };
        resolve();
      });
    });
  });
  const ended = Promise.all(
    pumps.map(async (pump) => {
      try {
        await pump.run({ drain: drain.signal, kill: kill.signal });
      } catch (error) {
        failure ??= { error };
        if (!kill.signal.aborted) options.log.error({ pump: pump.name, error }, 'stopped by an error');
        begin();
      } finally {
        running.delete(pump.name);
      }
    }),
  );
  await Promise.race([ended, abandoned]);
  options.stop.removeEventListener('abort', begin);
  done.abort();
  const failed = failure as { error: unknown } | null;
  if (failed) throw failed.error;
}
