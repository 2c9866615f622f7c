import type { Clock, Delivery, Sink } from './contracts.ts';
import { PartialWriteError, WeirError, isRetryable } from './errors.ts';

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

/** The longest that a far side may ask for: a wrong answer must not silence a sink for a day. */
export const MAX_ASKED_MS = 300_000;

/** How long the far side asked to be left alone, within bounds; 0 when it did not. */
function askedMs(error: unknown): number {
  let most = 0;
  if (error instanceof WeirError) most = error.retryAfterMs ?? 0;
  else if (error instanceof PartialWriteError)
    for (const { retryAfterMs = 0 } of error.refusals) most = Math.max(most, retryAfterMs);
  return Math.min(MAX_ASKED_MS, Math.max(0, most));
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
          // What was asked for comes first; many clients that were asked the same still do not come back together.
          const pause = askedMs(error) + pauseMs(failures, options.retry, options.random);
          await options.clock.sleep(pause, signal);
          if (signal.aborted) throw error;
        }
      }
    },
  };
}
