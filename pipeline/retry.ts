import type { Clock, Delivery, Sink } from './contracts.ts';
import { PartialWriteError, isRetryable } from './errors.ts';

export interface RetryOptions {
  /** First upper bound of the pause; it doubles with each failure in a row. */
  readonly baseMs: number;
  readonly maxMs: number;
}

export const retryDefaults: RetryOptions = { baseMs: 200, maxMs: 30_000 };

/**
 * Full jitter: a pause drawn evenly from 0 to the bound (Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015), so that many clients of a server that comes back do not come back together.
 */
export function pauseMs(
  failuresInARow: number,
  options: RetryOptions = retryDefaults,
  random = Math.random,
): number {
  return random() * Math.min(options.maxMs, options.baseMs * 2 ** Math.min(failuresInARow, 30));
}

/**
 * Repeats a write until it succeeds or the signal is aborted; after a partial one only the refused items. Errors
 * that a repetition cannot mend pass through.
 */
export function withRetry(
  sink: Sink,
  options: {
    readonly clock: Clock;
    readonly retry?: RetryOptions;
    readonly failed: (error: unknown, failuresInARow: number) => void;
    readonly random?: () => number;
  },
): Sink {
  return {
    ...sink,
    async write(items, signal) {
      let rest: readonly Delivery[] = items;
      for (let failures = 0; ; failures++) {
        try {
          return await sink.write(rest, signal);
        } catch (error) {
          if (signal.aborted) throw error;
          if (error instanceof PartialWriteError && error.refusals.every((refusal) => refusal.retryable))
            rest = error.refusals.map((refusal) => rest[refusal.index]!);
          else if (!isRetryable(error)) throw error;
          options.failed(error, failures + 1);
          await options.clock.sleep(pauseMs(failures, options.retry, options.random), signal);
          if (signal.aborted) throw error;
        }
      }
    },
  };
}
