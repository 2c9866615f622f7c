import type { Stage } from './contracts.ts';
import { isRetryable } from './errors.ts';

/** A stage that fails on this many records in a row is broken, not the records. */
const MAX_FAILURES_IN_A_ROW = 1000;

/** What came out of a stage, and which items it failed on. */
export interface Applied<I, O> {
  readonly items: readonly O[];
  readonly failures: readonly { readonly item: I; readonly error: unknown }[];
}

/**
 * Runs a pure stage so that a throw belongs to the record it was thrown on: the others go on. Throws what time
 * may mend, and what a thousand records in a row failed with.
 */
export function perRecord<I, O>(
  stage: Stage<I, O>,
): (items: readonly I[], signal: AbortSignal) => Promise<Applied<I, O>> {
  let failuresInARow = 0;
  return async (items, signal) => {
    if (items.length === 0) return { items: [], failures: [] };
    try {
      const out = await stage.apply(items, signal);
      failuresInARow = 0;
      return { items: out, failures: [] };
    } catch (error) {
      if (isRetryable(error)) throw error;
    }
    const out: O[] = [];
    const failures: { item: I; error: unknown }[] = [];
    for (const item of items) {
      try {
        out.push(...(await stage.apply([item], signal)));
        failuresInARow = 0;
      } catch (error) {
        if (isRetryable(error) || ++failuresInARow >= MAX_FAILURES_IN_A_ROW) throw error;
        failures.push({ item, error });
      }
    }
    return { items: out, failures };
  };
}
